"""Work by hand for the product owner: what to do, and two buttons that close it (wording guide §2.5)."""

from __future__ import annotations

from bot.ids import Action, Menu, Ref
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from workflows.reads.seat_facts import TaskFacts


def task_card(facts: TaskFacts, theirs: bool = True) -> Message:
    """Open: steps and buttons. Done, blocked, closed or no longer `theirs`: what became of it, and no buttons.

    A seat that could not be taken stays with its holder: its closed task has somebody who said so.
    """
    if facts.state == "open" and theirs and not facts.switched_off:
        return _open(facts)
    what = _what(facts)
    if facts.state == "open" and theirs:
        head, words = f"*Leave it for now: removals are switched off* · {what}", ""
    elif facts.state == "open":
        head, words = f"*Handed on to {who(facts.assignee)}* · {what}", ""
    elif facts.state == "done":
        by = who(facts.done_by) if facts.done_by else who(facts.assignee)
        at = f" {t.instant(facts.done_at)}" if facts.done_at else ""
        head, words = f"*Done by {by}*{at} · {what}", ""
    elif facts.state == "could_not":
        head, words = f"*Something is in the way* · {what}", facts.words
    elif facts.kind == "take" and facts.done_by is not None:
        head, words = f"*Not taken back* · {what}", facts.words
    else:
        head, words = f"*Nothing to do any more* · {what}", ""
    blocks: list[Block] = [t.section(head)]
    if words:
        blocks.append(t.typed(words))
    nameless = _name_button(facts) if facts.state == "done" and theirs else None
    if nameless is not None:
        blocks.append(t.actions(nameless))
    if facts.reference:
        blocks.append(t.context(facts.reference))
    ears = head.replace("*", "").replace(" · ", ": ")
    return Message(t.spoken(t.sentence(ears), quote=words, after=(t.sentence(facts.reference),)), blocks)


def _open(facts: TaskFacts) -> Message:
    give = facts.kind == "give"
    holder = t.name(facts.holder.name) if facts.holder else "Somebody to be named"
    name = t.name(f"{facts.product}, {facts.tier}" if facts.tier else facts.product)
    title = f"Give {holder} a seat in {name}" if give else f"Take back {holder}'s seat in {name}"
    steps, why = _steps(facts, give), _why(facts, give)
    ref = Ref(facts.id, facts.version)

    def heard(verb: str) -> str:
        return t.accessibility(verb, facts.product, facts.holder.name if facts.holder else "")

    blocks: list[Block] = [t.header(title), t.section(f"*To do{why}.* {steps}")]
    if facts.words:
        blocks += [t.section("*It came back:*"), t.typed(facts.words)]
    menu = {f"{Menu.HAND_ON}/{ref}": "Hand on", f"{Menu.WHY_ME}/{ref}": "Why me?"}
    elements: list[Element] = [
        t.button(
            "Done, seat given" if give else "Done, seat taken back",
            Action.TASK_DONE,
            ref,
            heard=heard("Done, seat given:" if give else "Done, seat taken back:"),
            style="primary",
        ),
        t.button("I could not do it", Action.TASK_BLOCKED, ref, heard=heard("I could not do it:")),
    ]
    nameless = _name_button(facts)
    if nameless is not None:
        elements.append(nameless)
    elements.append(t.overflow(Action.TASK_MORE, menu))
    blocks.append(t.actions(*elements))
    small = [part for part in (facts.reference, f"due {t.instant(facts.due_at)}", _seats(facts, give)) if part]
    blocks.append(t.context(" · ".join(small)))
    spoken = t.spoken(
        t.sentence(f"To do{why}: {t.escape(title)}"),
        steps,
        quote=facts.words,
        after=tuple(t.sentence(part) for part in small),
    )
    return Message(spoken, blocks)


def _name_button(facts: TaskFacts) -> Element | None:
    """Whoever looks after the product often knows first who has a seat that was given for a team."""
    if facts.kind != "give" or facts.holder is not None or facts.request_id is None:
        return None
    heard = t.accessibility("Name a holder for", facts.product) + f", {facts.reference}"
    return t.button("Name a holder", Action.NAME_HOLDER, Ref(facts.request_id), heard=heard)


def _what(facts: TaskFacts) -> str:
    verb = "seat for" if facts.kind == "give" else "take back from"
    return f"{t.named(facts.product)}, {verb} {who(facts.holder) if facts.holder else 'somebody to be named'}"


def _why(facts: TaskFacts, give: bool) -> str:
    if give:
        return f", approved by {t.named(facts.approved_by)}" if facts.approved_by else ", approved by rule"
    return f", confirmed by {t.named(facts.confirmed_by)}" if facts.confirmed_by else ""


def _steps(facts: TaskFacts, give: bool) -> str:
    page = (
        t.link(facts.admin_url, "the admin page") if facts.admin_url else f"the admin page of {t.named(facts.product)}"
    )
    if give and facts.holder is None:
        keep = "Keep a seat free there for whoever is named later."
        return f"1. Open {page}. 2. {keep} 3. Press Done, or name the holder."
    email = t.escape(facts.holder.email) if facts.holder else "the person named in the request"
    role = f" as {t.named(facts.tier)}" if facts.tier else ""
    do = f"Add {email}{role}." if give else f"Remove {email}."
    return f"1. Open {page}. 2. {do} 3. Press Done."


def _seats(facts: TaskFacts, give: bool) -> str:
    numbers = facts.numbers
    if numbers is None or numbers.bought is None or not give:
        return ""
    # the seat of this task is reserved already, so it is counted once
    return f"{numbers.in_use + max(1, numbers.reserved):,} of {numbers.bought:,} in use after this"
