"""The requester's own card: where the request stands, what is done, what comes next (wording guide §2.2, §2.5)."""

from __future__ import annotations

from datetime import datetime

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import OFFICES, for_whom, product, waits_for, who
from bot.views.text import Block, Element, Message
from model.requests import LineState, RequestKind, Status, StepState
from workflows.reads.facts import ProgressFacts, Who

_OPEN = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.WAITING_FOR_SEAT, Status.FULFILLING, Status.FAILED)


def progress_card(facts: ProgressFacts, now: datetime) -> Message:
    """The card as it must look now. `now` decides whether a reminder may be sent."""
    request = facts.request
    head = _head(facts)
    title = f"*{head}* · {t.named(product(request))} for {for_whom(request, request.requester)} · {request.reference}"
    lines = _lines(facts)
    blocks: list[Block] = [t.section(title)]
    if lines:
        blocks.append(t.section("\n".join(lines)))
    if request.status == Status.AWAITING_APPROVAL and request.question:
        blocks.append(t.typed(request.question))
    if _said_why(facts):
        blocks.append(t.typed(request.closing_words))
    several = _several(facts)
    if several:
        blocks.append(t.context(several))
    small = _small_print(facts)
    if small:
        blocks.append(t.context(*small))
    buttons = [button for button in _buttons(facts, now) if button is not None]
    if buttons:
        blocks.append(t.actions(*buttons))
    return Message(_spoken(facts, head, lines, small), blocks)


def _head(facts: ProgressFacts) -> str:
    """The first words: the state."""
    request = facts.request
    step = request.open_step
    if request.status == Status.AWAITING_APPROVAL:
        if asker := _asker(facts):
            return f"{who(asker)} asks you something"
        if step is not None and step.nobody_left:
            return "Waiting for somebody to be named"
        return f"Waiting for {waits_for(step)}" if step is not None else "Waiting for a decision"
    if request.status == Status.WAITING_FOR_SEAT:
        if facts.queue is not None:
            return f"In the queue: {t.ordinal(facts.queue.place)} of {facts.queue.of}"
        return "Approved, in the queue"
    if _closed_for_them(facts):
        return "Closed"
    return {
        Status.DRAFT: "Not sent yet",
        Status.APPROVED: "Approved",
        Status.FULFILLING: "Approved, seat on its way",
        Status.FAILED: "Approved, waiting for a person",
        Status.FULFILLED: "Ready",
        Status.DENIED: "Not approved",
        Status.WITHDRAWN: "Withdrawn",
        Status.EXPIRED: "Closed without an answer",
    }[request.status]


def _asker(facts: ProgressFacts) -> Who | None:
    """Whose question waits for the requester's answer."""
    request = facts.request
    return request.question_by if request.status == Status.AWAITING_APPROVAL and request.question else None


def _lines(facts: ProgressFacts) -> list[str]:
    """Done, now, next; or, at the end, what came of it."""
    request = facts.request
    status = request.status
    if status == Status.AWAITING_APPROVAL:
        return [f"Done: {_done(facts)}", f"Now: {_deciding(facts)}", f"Next: {_next(facts)}"]
    if status in (Status.APPROVED, Status.FULFILLING):
        return [f"Done: {_done(facts)}", f"Now: {_giving(facts)}", "Next: you are told here when it is ready"]
    if status == Status.WAITING_FOR_SEAT:
        return [_queued(facts)]
    if status == Status.FAILED:
        obstacle = next((line.words for line in request.lines if line.words and line.state == LineState.FAILED), "")
        words = t.inert(t.one_line(request.closing_words or obstacle), 300)
        clears = f"{_told(facts)} to clear" if facts.told else "a person clears"
        return [
            f"Done: {_done(facts)}",
            f"Now: {clears} what is in the way{': ' + words if words else ''}",
            "Next: you are told here. You need not do anything.",
        ]
    if status == Status.FULFILLED:
        return [_ready(facts)]
    if status == Status.DENIED:
        decider = next((who(one.who) for step in request.steps for one in step.asked if one.state == "denied"), "")
        other = f"You could use {t.named(facts.alternative)}, or talk" if facts.alternative else "You can talk"
        by = f"{decider} did not approve it. {other} to {decider}." if decider else "You can ask again at any time."
        return [by]
    if status == Status.EXPIRED:
        return ["Nobody decided in time. Nothing is wrong with your request: one press opens it again."]
    if status == Status.WITHDRAWN:
        return ["The request is closed. You can ask again at any time."]
    return []


def _closed_for_them(facts: ProgressFacts) -> bool:
    """Given up by a person who looked after it; not withdrawn by whoever asked."""
    return facts.request.status == Status.WITHDRAWN and "closed_by" in facts.request.details


def _said_why(facts: ProgressFacts) -> bool:
    """Ends that somebody put into words for the reader."""
    ended = facts.request.status == Status.DENIED or _closed_for_them(facts)
    return ended and bool(facts.request.closing_words)


def _told(facts: ProgressFacts) -> str:
    told = facts.told
    if told is None:
        return "the licence managers are told"
    return f"{told.whom} {'were' if told.whom.endswith('s') else 'was'} told{_at(told.at)}"


def _done(facts: ProgressFacts) -> str:
    request = facts.request
    parts = [f"sent {t.instant(request.submitted_at or request.created_at)}"]
    for step in request.steps:
        if step.state == StepState.APPROVED:
            names = t.joined([who(one.who) for one in step.agreed])
            parts.append(f"{names} agreed{_at(step.decided_at)}" if names else "agreed by rule")
    if request.pre_approved_rule:
        parts.append(f"approved by {t.escape(request.pre_approved_rule)}")
    return ", ".join(parts)


def _at(when: datetime | None) -> str:
    return f" {t.instant(when)}" if when else ""


def _deciding(facts: ProgressFacts) -> str:
    request, step = facts.request, facts.request.open_step
    if step is None:
        return "who decides is being found"
    if step.nobody_left:
        return f"nobody can decide this yet; {_told(facts)} and name somebody"
    if request.question:
        asker = who(request.question_by) if request.question_by else "the approver"
        return f"{asker} waits for your answer; the time limit waits too"
    verb = "decide" if len(step.waits_for) > 1 and step.quorum > 1 else "decides"  # of "A or B" one decides
    due = f", due {t.instant(step.due_at)}" if step.due_at else ""
    quorum = f" ({len(step.agreed)} of {step.quorum} agreed)" if step.quorum > 1 else ""
    return f"{waits_for(step)} {verb}{quorum}{due}"


def _next(facts: ProgressFacts) -> str:
    request = facts.request
    later = [step for step in request.steps if step.state == StepState.LATER]
    if later:
        names = t.joined([OFFICES[step.kind] for step in later[:3]])
        then = {RequestKind.NEW_PRODUCT: "procurement buys it", RequestKind.EXTENSION: "you keep the seat"}
        given = "the seat is bought and given" if request.purchase else "the seat is given"
        return f"{names} {'decides' if len(later) == 1 else 'decide'} too, then {then.get(request.kind, given)}"
    if request.kind == RequestKind.NEW_PRODUCT:
        return "procurement takes it on, which usually takes weeks rather than days"
    if request.kind == RequestKind.EXTENSION:
        return "you keep the seat, at once"
    if request.purchase:
        return "the seat is bought, then given"
    return "the seat is given, usually within minutes"


def _giving(facts: ProgressFacts) -> str:
    for ticket in facts.tickets:
        if ticket.waits_for_approval_there:
            number = f", {t.escape(ticket.number)}" if ticket.number else ""
            return f"waits in ServiceNow for the service desk{number}"
    if facts.task_with is not None:
        return f"{who(facts.task_with)} gives the seat"
    words = next((line.words for line in facts.request.lines if line.words and line.state == LineState.GRANTING), "")
    if words:
        return t.inert(t.one_line(words), 300)
    return "the seat is being given"


def _queued(facts: ProgressFacts) -> str:
    queue = facts.queue
    taken = f"All {t.plural(queue.taken, 'seat')} are taken." if queue and queue.taken else "All seats are taken."
    ordered = next((one for one in facts.tickets if one.purpose == "purchase"), None)
    if ordered is not None:
        number = f", ticket {t.escape(ordered.number)}" if ordered.number else ""
        waits = " It waits in ServiceNow for the service desk." if ordered.waits_for_approval_there else ""
        return f"{taken} One more is being bought{number}.{waits}"
    if queue is not None and queue.asked and queue.asked_at is not None:
        were = t.plural(
            queue.asked, "holder who has not used theirs lately was", "holders who have not used theirs lately were"
        )
        return f"{taken} {were} asked {t.instant(queue.asked_at)}. You get the next one that comes free."
    return f"{taken} You get the next one that comes free, in order of asking."


def _ready(facts: ProgressFacts) -> str:
    request = facts.request
    name = t.named(product(request))
    end = f" until {t.day(facts.ends_on)}" if facts.ends_on else ""
    if request.kind == RequestKind.EXTENSION:
        return f"You keep {name}{end}."
    if request.kind == RequestKind.NEW_PRODUCT:
        return "Procurement has taken it on."
    hint = f" {t.inert(t.one_line(facts.ready_hint))}" if facts.ready_hint else ""
    if request.for_self_only:
        return f"You have {name}{end}.{hint}"
    if not request.holders:
        given = f"{t.plural(len(request.given), 'seat')} of {name} {'is' if len(request.given) == 1 else 'are'} given"
        return f"{given}{end}."
    return f"{for_whom(request, request.requester)} {'has' if len(request.lines) == 1 else 'have'} {name}{end}."


def _several(facts: ProgressFacts) -> str:
    """Where each seat stands, when there are several."""
    request = facts.request
    if request.status not in (*_OPEN[1:], Status.FULFILLED):
        return ""
    nameless = f"{t.plural(request.unnamed, 'seat')} without a holder: name one" if request.unnamed else ""
    if len(request.lines) < 2:
        return nameless
    given, queued = len(request.given), sum(line.state == LineState.QUEUED for line in request.lines)
    parts = [f"{given} of {len(request.lines)} seats given"]
    if queued:
        parts.append(f"{queued} in the queue")
    if nameless:
        parts.append(nameless)
    return " · ".join(parts)


def _small_print(facts: ProgressFacts) -> list[str]:
    request, parts = facts.request, []
    if request.status == Status.WAITING_FOR_SEAT:
        queue = facts.queue
        if queue is not None and queue.usual_days is not None:
            usual = f"Usual wait: {t.plural(queue.usual_days, 'working day')}."
        else:
            usual = f"Usual wait: not known, {queue.usual_unknown if queue else 'the order is not set yet'}."
        parts.append(f"Order is by date of request. {usual}")
        if request.urgent_reason:
            parts.append("You said why it is urgent; a person was told.")
    tickets = [t.escape(one.number) for one in facts.tickets if one.number]
    if tickets:
        parts.append(f"Ticket {t.and_more(tickets, 3)}")
    reopened = [t.escape(one.number) for one in facts.tickets if one.reopened and one.number]
    parts += [f"{number} was opened again in ServiceNow." for number in reopened[:3]]
    comment = next((one.comment for one in reversed(facts.tickets) if one.comment), "")
    if comment:
        parts.append(f"The service desk writes: “{t.inert(t.one_line(comment), 200)}”")
    if request.alternative_offered and request.status == Status.AWAITING_APPROVAL:
        parts.append(f"{t.named(request.alternative_offered)} was offered; you asked anyway.")
    return parts


def _buttons(facts: ProgressFacts, now: datetime) -> list[Element | None]:
    request = facts.request
    ref = Ref(request.id, request.version)
    name = product(request)

    def button(label: str, action: Action, verb: str, style: str | None = None, url: str | None = None) -> Element:
        return t.button(label, action, ref, heard=t.accessibility(verb, name), style=style, url=url)

    named = button("Name a holder", Action.NAME_HOLDER, "Name a holder for") if request.unnamed else None
    if request.status == Status.AWAITING_APPROVAL:
        return [
            button("Answer", Action.ANSWER, "Answer about", "primary") if request.question else None,
            _withdraw(facts, ref),
            button("Add a note", Action.ADD_NOTE, "Add a note about"),
            _remind(facts, ref, now),
        ]
    if request.status == Status.WAITING_FOR_SEAT:
        leave = t.button(
            "Leave the queue",
            Action.LEAVE_QUEUE,
            ref,
            heard=t.accessibility("Leave the queue for", name),
            confirm=t.dialog(
                "Leave the queue?",
                f"Your place for {t.name(name)} goes to the next person. You can ask again at any time.",
                "Leave the queue",
                "Stay in the queue",
            ),
        )
        return [leave, button("It is urgent", Action.URGENT, "It is urgent:"), named]
    if request.status == Status.FULFILLED and request.kind == RequestKind.SEAT:
        guide = facts.guide_url or ""
        return [
            button("Open guide", Action.GUIDE, "Open guide for", url=guide) if guide.startswith("http") else None,
            button("It does not work", Action.DOES_NOT_WORK, "It does not work:"),
            named,
        ]
    if request.status in (Status.FULFILLING, Status.FAILED):
        return [named]
    if request.status == Status.EXPIRED:
        return [button("Open it again", Action.REOPEN, "Open again the request for")]
    return []


def _withdraw(facts: ProgressFacts, ref: Ref) -> Element:
    step = facts.request.open_step
    names = [t.name(one.who.name, 40) for one in step.waits_for] if step else []
    told = f"{t.and_more(names, 3)} {'is' if len(names) == 1 else 'are'} told" if names else "Those asked are told"
    return t.button(
        "Withdraw",
        Action.WITHDRAW,
        ref,
        heard=t.accessibility("Withdraw the request for", product(facts.request)),
        confirm=t.dialog(
            "Withdraw this request?",
            f"{told} and the request closes. You can ask again at any time.",
            "Withdraw",
            "Keep it open",
        ),
    )


def may_remind(facts: ProgressFacts, now: datetime) -> bool:
    """From half of the time on, once a day, and not while a question waits for the requester."""
    request, step = facts.request, facts.request.open_step
    if step is None or step.opened_at is None or step.due_at is None or request.question:
        return False
    half = step.opened_at + (step.due_at - step.opened_at) / 2
    fresh = request.nudged_at is not None and (now - request.nudged_at).total_seconds() < 24 * 3600
    return now >= half and not fresh


def _remind(facts: ProgressFacts, ref: Ref, now: datetime) -> Element | None:
    step = facts.request.open_step
    if step is None or not may_remind(facts, now):
        return None
    whom = t.short_name(step.waits_for[0].who.name) if len(step.waits_for) == 1 else "them"
    return t.button(
        f"Remind {whom}",
        Action.REMIND,
        ref,
        heard=t.accessibility(f"Remind {whom} about", product(facts.request)),
    )


def _spoken(facts: ProgressFacts, head: str, lines: list[str], small: list[str]) -> str:
    request = facts.request
    quote = ""
    if request.status == Status.AWAITING_APPROVAL:
        quote = request.question
    elif _said_why(facts):
        quote = request.closing_words
    several = _several(facts).replace(" · ", ", ")
    state = head if _asker(facts) else head[:1].lower() + head[1:]  # a name keeps its first letter
    return t.spoken(
        f"{t.named(product(request))}, {request.reference}: {state}.",
        quote=quote,
        after=(*(t.sentence(line) for line in lines), t.sentence(several), *(t.sentence(part) for part in small)),
    )
