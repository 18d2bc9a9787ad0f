"""The approval card: it already holds the answer, so that one press is enough (wording guide §2.3, §2.4).

Pure: facts in, message out. A button that spends money has a dialog that names the sum, the end and the budget; one
that spends nothing has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.ids import Action, Menu, Ref
from bot.views import text as t
from bot.views.outcome import outcome
from bot.views.said import (
    FREQUENCIES,
    after,
    age,
    asks_for,
    before,
    by_register,
    cost,
    decides_next,
    free,
    idle,
    product,
    terms,
    until,
    who,
)
from bot.views.text import Block, Element, Message
from licensing.position.figure import shown
from model.requests import ApproverState, RequestKind, Status, StepKind, StepState
from workflows.reads.facts import ApprovalFacts

_LINES = 10  # people named one by one


@dataclass(frozen=True)
class Shown:
    """Where this copy of the card stands among others of the same matter."""

    generation: int = 1
    first_asked_at: datetime | None = None  # when an earlier copy was posted: this one is a reminder
    asked_again_at: datetime | None = None  # when a later copy was posted: this one points on to it
    dashboard_url: str = ""


def approval_card(facts: ApprovalFacts, shown: Shown | None = None) -> Message:
    """The card as it must look now: open, reminded, passed on, decided, withdrawn, closed, or pointing on."""
    copy = shown or Shown()
    if _is_open(facts):
        if copy.asked_again_at is not None:
            return _superseded(facts, copy.asked_again_at)
        return _open(facts, copy)
    return outcome(facts)


def approval_body(facts: ApprovalFacts) -> list[Block]:
    """The card's blocks for a modal; its title says who asks, so the header is left out."""
    message = approval_card(facts)
    return [block for block in message.blocks if block["type"] != "header"]


def is_open(facts: ApprovalFacts) -> bool:
    """Whether this person's answer is still wanted."""
    return _is_open(facts)


def _is_open(facts: ApprovalFacts) -> bool:
    return (
        facts.request.status == Status.AWAITING_APPROVAL
        and facts.step.state == StepState.OPEN
        and facts.asked.state == ApproverState.ASKED
    )


def _open(facts: ApprovalFacts, copy: Shown) -> Message:
    request = facts.request
    answer = short_answer(facts)
    state = opening(facts, copy)
    blocks: list[Block] = [
        t.header(f"{t.name(request.requester.name)} {asks_for(facts)}"),
        t.section(f"{state} In short: {answer}"),
        *t.fields(_fields(facts)),
    ]
    if request.reason:
        blocks.append(t.typed(request.reason))
    if request.kind == RequestKind.NEW_PRODUCT:
        blocks += [
            t.plain(f"{label}: {t.cut(t.one_line(words), 200)}") for label, words in _new_product(request.details)
        ]
    blocks += [t.plain(f"{label}: {words}") for label, words in _added(request.details)]
    if request.question:
        blocks += _question(facts)
    blocks += [
        block
        for block in (t.context(_people(facts)), t.context(before(facts), *_notes(facts)))
        if any(element["text"] != "–" for element in block["elements"])
    ]
    blocks.append(t.actions(*_buttons(facts, copy)))
    blocks.append(
        t.context(" · ".join(part for part in (request.reference, deadline(facts), age(facts.numbers)) if part))
    )
    return Message(_spoken(facts, state, answer), blocks)


def _added(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the requester said after sending: the latest answer and the latest note."""
    latest = ((label, str(details.get(key) or "")) for label, key in (("Answered", "answers"), ("Added", "notes")))
    return [(label, t.cut(t.one_line(said), 400)) for label, said in latest if said]


def opening(facts: ApprovalFacts, copy: Shown) -> str:
    """The first words: the state, and why this person."""
    asked = facts.asked
    if copy.first_asked_at is not None and asked.reminders:
        return f"*Still waiting for you*, asked {t.instant(copy.first_asked_at)}."
    if asked.stands_in_for is not None:
        away = f", away until {t.day(asked.stands_in_until)}" if asked.stands_in_until else ""
        return f"*You stand in for {who(asked.stands_in_for)}*{away}."
    passed = [one for one in facts.step.asked if one.state == ApproverState.PASSED and one.id < asked.id]
    if passed:
        how = "handed it on" if asked.handed_on else "did not answer in time"
        return f"*Waiting for you.* {who(passed[-1].who)} was asked first and {how}."
    return "*Waiting for you.*"


def short_answer(facts: ApprovalFacts) -> str:
    """What approving means, in one sentence for mrkdwn, without a capital letter."""
    request, numbers, charge = facts.request, facts.numbers, facts.charge
    if request.kind == RequestKind.EXTENSION:
        return _longer(facts)
    if request.kind == RequestKind.NEW_PRODUCT or numbers is None:
        return "the company does not own this yet; approving sends it to procurement, nothing is bought by it."
    parts = []
    seats = request.seats
    if numbers.unlimited:
        parts.append("the company may use as many as it needs, nothing extra to pay.")
    elif numbers.bought is None:
        parts.append(f"free seats are not known: {t.escape(numbers.unknown)}; approving may lead to the queue.")
    elif charge.nothing:
        parts.append(
            "a paid seat is free, nothing extra to pay."
            if seats == 1
            else f"{t.plural(seats, 'seat')}, {numbers.free_for_new or 0} free, nothing extra to pay."
        )
    else:
        parts.append(_must_buy(facts))
    if facts.then is not None and facts.then.short:
        parts.append(f"Purchases are then {shown(facts.then.short)} short of what is in use.")
    over = facts.budget.over(charge)
    if over is not None:
        parts.append(f"{t.named(facts.budget.cost_centre)} would be {over} over its budget.")
    parts += [_after_you(facts)]
    return " ".join(part for part in parts if part)


def _longer(facts: ApprovalFacts) -> str:
    request = facts.request
    asked, present = request.until_on or facts.price.ends_on, request.extends_until
    if asked and present and asked > present:
        more = f"{t.plural((asked - present).days, 'day')} more"
    else:
        more = "longer"
    return f"{more}, nothing extra to pay until the contract ends; {facts.use_unknown}."


def _must_buy(facts: ApprovalFacts) -> str:
    charge, numbers = facts.charge, facts.numbers
    waiting = f" {t.plural(numbers.waiting, 'request')} wait already." if numbers and numbers.waiting else ""
    some = "a seat" if charge.buys == 1 else t.plural(charge.buys, "seat")
    if asked := _can_be_asked(facts):
        bought = cost(charge) if charge.to_end is not None else charge.unknown
        buy = f" Or {some} {'is' if charge.buys == 1 else 'are'} bought: {bought}." if facts.can_buy else ""
        look = "1 looks idle and its holder" if asked == 1 else f"{asked} look idle and their holders"
        return f"no seat is free; {look} can be asked first.{buy}{waiting}"
    if not facts.can_buy:
        return f"no seat is free and no order form is set; approving puts it in the queue.{waiting}"
    if charge.to_end is None:
        queue = ", or it waits in the queue" if must_wait(facts) else ""
        return f"{some} must be bought{queue}; {charge.unknown}, so it counts as above every limit.{waiting}"
    queue = " Or it waits in the queue." if must_wait(facts) else ""
    return f"{some} must be bought: {cost(charge)}.{queue}{waiting}"


def _can_be_asked(facts: ApprovalFacts) -> int:
    """How many holders of idle seats are asked when the request waits; 0 where it cannot wait, or none is known."""
    return (facts.then.idle or 0) if facts.then is not None and must_wait(facts) else 0


def _after_you(facts: ApprovalFacts) -> str:
    """ "Fatima Haddad decides after you." with the reason where there is one."""
    later = [step for step in facts.after_this if step.kind != StepKind.PURCHASE]
    said = []
    for step in later[:3]:
        because = f" ({t.escape(step.because)})" if step.because and step.kind == StepKind.SECURITY else ""
        verb = "decide" if len([one for one in step.asked if one.state != ApproverState.PASSED]) > 1 else "decides"
        said.append(t.sentence(f"{decides_next(step)} {verb} after you{because}"))
    quorum = facts.step.quorum - len(facts.step.agreed)
    if facts.step.quorum > 1 and quorum > 0:
        said.append(f"{len(facts.step.agreed)} of {facts.step.quorum} agreed so far.")
    return " ".join(said)


def _fields(facts: ApprovalFacts) -> list[tuple[str, str]]:
    request, numbers, charge = facts.request, facts.numbers, facts.charge
    single = request.holders[0] if len(request.lines) == 1 and request.holders else None
    pairs = [("For", who(single, team=True) if single else _several(facts))]
    if request.kind != RequestKind.NEW_PRODUCT:
        pairs.append(("Until", until(request, facts.price)))
    if numbers is not None and request.kind == RequestKind.SEAT:
        pairs.append(("Free seats", free(numbers)))
    if request.kind != RequestKind.NEW_PRODUCT:
        pairs.append(("Extra cost", "nothing: the seat is paid" if charge.nothing else cost(charge)))
    if numbers is not None and request.kind == RequestKind.SEAT:
        pairs.append(("After approval", after(numbers, request.seats, charge.buys)))
        pairs.append(("Purchases against use", by_register(facts.then, numbers, request.seats, charge.buys)))
        counted = (facts.then.idle, facts.then.use_unknown) if facts.then else (None, 0)
        looks = idle(*counted, facts.use_unknown)
        pairs.append(("Could be reused", ", ".join(looks)))
    budget = facts.budget
    if request.kind != RequestKind.NEW_PRODUCT:
        left = f"{budget.left} left" if budget.left is not None else f"not known: {t.escape(budget.unknown)}"
        pairs.append(("Budget", f"{t.named(budget.cost_centre)} {left}" if budget.cost_centre else left))
    pairs.append(("How often", FREQUENCIES.get(request.frequency, "")))
    return pairs


def _several(facts: ApprovalFacts) -> str:
    request = facts.request
    unnamed = len(request.lines) - len(request.holders)
    return t.plural(len(request.lines) or request.seats, "person", "people") + (
        f", {unnamed} to be named" if unnamed else ""
    )


def _people(facts: ApprovalFacts) -> str:
    """A person a line, when several would get a seat."""
    if len(facts.request.lines) < 2:
        return ""
    lines = [f"• {who(person, team=True)}" for person in facts.request.holders]
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more])


def _new_product(details: dict[str, str]) -> list[tuple[str, str]]:
    names = {"link": "Web page", "others": "Who else", "holds": "It would hold", "price": "Price, as typed"}
    return [(label, details[key]) for key, label in names.items() if details.get(key)]


def _question(facts: ApprovalFacts) -> list[Block]:
    request = facts.request
    asker = who(request.question_by) if request.question_by else "Somebody"
    at = f" {t.instant(request.question_at)}" if request.question_at else ""
    first = t.called(request.requester.name)
    return [
        t.section(f"*Asked by {asker}*{at}; the time limit waits for {first}."),
        t.typed(request.question),
    ]


def _question_heard(facts: ApprovalFacts) -> str:
    request = facts.request
    asker = who(request.question_by) if request.question_by else "Somebody"
    words = t.escape(t.one_line(request.question), 200)
    return f"{asker} asked: “{words}”." if words else ""


def _notes(facts: ApprovalFacts) -> list[str]:
    notes = []
    if facts.overlap:
        first = t.called(facts.request.holders[0].name)
        held = t.and_more([t.named(name) for name in facts.overlap], 3)
        notes.append(f"{first} has {held}, which does part of this.")
    if facts.request.urgent_reason:
        notes.append(f"Said to be urgent: “{t.inert(t.one_line(facts.request.urgent_reason), 200)}”")
    return notes


def deadline(facts: ApprovalFacts) -> str:
    """ "decide by ⟨…⟩, then Mia Chen is asked"; what happens without an answer is always said."""
    if facts.request.question:
        return "no time limit runs while the question is open"
    due = facts.step.due_at
    then = f"{who(facts.next_if_silent)} is asked" if facts.next_if_silent else "a licence manager is told"
    return f"decide by {t.instant(due)}, then {then}" if due else "no time limit is set"


def _buttons(facts: ApprovalFacts, copy: Shown) -> list[Element | None]:
    request = facts.request
    ref = Ref(facts.asked.id, request.version)
    name, person = product(request), request.requester.name
    buys, queues = needs_purchase(facts), must_wait(facts)

    def heard(verb: str) -> str:
        return t.accessibility(verb, name, person)

    approve = buy = wait = None
    if buys:
        buy = t.button(
            "Approve and buy",
            Action.APPROVE_AND_BUY,
            ref,
            heard=heard("Approve and buy"),
            style=None if _can_be_asked(facts) else "primary",
            confirm=_buy_dialog(facts),
        )
    if queues:
        wait = t.button(
            "Approve and wait",
            Action.APPROVE_AND_WAIT,
            ref,
            heard=heard("Approve and wait:"),
            style=None if buys and not _can_be_asked(facts) else "primary",
        )
    if not buys and not queues:
        approve = t.button("Approve", Action.APPROVE, ref, heard=heard("Approve"), style="primary")
    change = request.kind != RequestKind.NEW_PRODUCT
    menu = {f"{Menu.HAND_ON}/{ref}": "Hand on", f"{Menu.WHY_ME}/{ref}": "Why me?"}
    urls = {}
    if copy.dashboard_url:
        menu[f"{Menu.DASHBOARD}/{ref}"] = "Open in dashboard"
        urls = {f"{Menu.DASHBOARD}/{ref}": copy.dashboard_url}
    return [
        approve,
        *((wait, buy) if _can_be_asked(facts) else (buy, wait)),
        t.button("Change and approve", Action.CHANGE, ref, heard=heard("Change, then approve")) if change else None,
        t.button("Deny", Action.DENY, ref, heard=heard("Deny")),
        t.button(
            "Ask a question",
            Action.ASK,
            ref,
            heard=f"Ask {t.cut(t.one_line(person), t.SHORT_NAME_LIMIT)} about {t.cut(t.one_line(name), 24)}",
        ),
        t.overflow(Action.APPROVAL_MORE, menu, urls),
    ]


def needs_purchase(facts: ApprovalFacts) -> bool:
    """Whether the card offers to buy: a seat is missing and there is a way to order one."""
    return not facts.charge.nothing and facts.can_buy


def must_wait(facts: ApprovalFacts) -> bool:
    """Whether the card offers the queue: a seat is missing, and nobody chose to buy in an earlier step."""
    return not facts.charge.nothing and not (facts.request.purchase and facts.can_buy)


def _buy_dialog(facts: ApprovalFacts) -> Element:
    charge, budget = facts.charge, facts.budget
    seats = t.plural(charge.buys, "seat")
    name = t.name(product(facts.request), 40)
    if charge.to_end is None:
        said = [f"This buys {charge.buys} × {name}. The price is not known: {charge.unknown}."]
    else:
        end = f" to {t.day(charge.ends_on)}" if charge.ends_on else " for a year"
        then = f", then {charge.then_yearly} a year" if charge.then_yearly else ""
        left = f"{budget.left} left" if budget.left is not None else "budget not known"
        centre = f" Budget {t.name(budget.cost_centre, 30)}: {left}." if budget.cost_centre else ""
        said = [f"This buys {t.plural(charge.buys, f'{name} seat')}: {charge.to_end}{end}{then}.{centre}"]
    if facts.step.kind == StepKind.PURCHASE:
        said.append("Your press places the order.")
    elif facts.orders is not None:
        said.append(f"{t.name(facts.orders.name, 40)} confirms the order.")
    return t.dialog(f"Approve and buy {seats}?", " ".join(said), "Approve and buy", "Go back")


def _spoken(facts: ApprovalFacts, state: str, answer: str) -> str:
    request, numbers = facts.request, facts.numbers
    team = f" ({t.named(request.requester.team)})" if request.requester.team else ""
    end = until(request, facts.price)
    whom = "" if request.for_self_only else f" For {_for_ears(facts)}."
    subject = f"{who(request.requester)}{team} {t.escape(asks_for(facts))}"
    when = f" until {end}" if request.kind != RequestKind.NEW_PRODUCT and end[0].isdigit() else ""
    figures = ""
    if numbers is not None and request.kind == RequestKind.SEAT:
        figures = f"Free: {free(numbers)}; after approval {after(numbers, request.seats, facts.charge.buys)}."
    return t.spoken(
        f"{subject}{when}.",
        whom.strip(),
        state.replace("*", "") if state != "*Waiting for you.*" else "",
        quote=request.reason,
        after=(
            *(t.sentence(f"{label}: {t.escape(words, 200)}") for label, words in _added(request.details)),
            _question_heard(facts),
            t.sentence(answer),
            figures,
            t.sentence(f"{deadline(facts)}"),
            f"{request.reference}.",
        ),
    )


def _for_ears(facts: ApprovalFacts) -> str:
    names = [who(person) for person in facts.request.holders]
    return t.and_more(names, 3) if names else _several(facts)


def _superseded(facts: ApprovalFacts, at: datetime) -> Message:
    request = facts.request
    what = f"{t.named(product(request))} for {_for_ears(facts)}"
    said = f"Asked again {t.instant(at)}: {what}, {request.reference}. The newer message has the buttons."
    return Message(said, [t.section(f"*Asked again below* {t.instant(at)} · {what} · {request.reference}")])


__all__ = ["Shown", "approval_body", "approval_card", "deadline", "is_open", "opening", "short_answer", "terms"]
