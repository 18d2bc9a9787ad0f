"""One line in the thread of the requester's card for each event, and what only that line says (wording guide §2.2)."""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import OFFICES, product, still_asked, who
from bot.views.text import Message
from model.requests import Status, StepState
from workflows.reads.facts import ProgressFacts, RequestFacts, Who
from workflows.replies import About, Said


def thread_reply(said: Said, by: Who | None, facts: ProgressFacts, holder: Who | None = None) -> Message:
    """The line as a message. Words somebody typed stand in a block of their own."""
    sentence = _sentence(said, who(by) if by else "Somebody", who(holder) if holder else "somebody", facts)
    if said.words and said.about in _QUOTING:
        after = "The time limit waits for your answer." if said.about == About.QUESTION else ""
        blocks = [t.section(sentence), t.typed(said.words)] + ([t.context(after)] if after else [])
        return Message(t.spoken(sentence, quote=said.words, after=(after,)), blocks)
    return Message(sentence, [t.section(sentence)])


def alone(line: Message, said: Said, request: RequestFacts) -> Message:
    """The line for a reader who sees no thread: with what it is about, and with the buttons its card would have."""
    title, ref = f"Your request {request.reference} for {product(request)}", Ref(request.id, request.version)
    if said.about == About.EXPIRED:
        line = Message(_OPEN_AGAIN, [t.section(_OPEN_AGAIN)])
    blocks = [t.header(title), *line.blocks]
    if is_open(said, request):
        blocks.append(t.actions(t.button("Answer", Action.ANSWER, ref)))
    elif said.about == About.EXPIRED and request.status == Status.EXPIRED:
        blocks.append(t.actions(t.button("Open it again", Action.REOPEN, ref)))
    return Message(t.spoken(f"{t.escape(title)}.", line.text), blocks)


def is_open(said: Said, request: RequestFacts) -> bool:
    """Whether this is the question that the request waits for an answer to."""
    asker = request.question_by.id if request.question_by else None
    waits = said.about == About.QUESTION and request.status == Status.AWAITING_APPROVAL and bool(request.question)
    return waits and (said.words, said.by) == (request.question, asker)


_OPEN_AGAIN = "Nobody decided in time. Nothing is wrong with your request: one press opens it again."
_QUOTING = {About.QUESTION, About.ANSWERED, About.APPROVED, About.CHANGED, About.NOT_APPROVED, About.CLOSED}


def _sentence(said: Said, name: str, holder: str, facts: ProgressFacts) -> str:
    request = facts.request
    asked = t.named(product(request))
    match said.about:
        case About.QUESTION:
            return f"{name} asks about {asked}:"
        case About.ANSWERED:
            return f"{name} answered:"
        case About.STEP_PASSED:
            return f"{name} agreed. {_following(facts)}"
        case About.APPROVED:
            return f"{name} approved it."
        case About.CHANGED:
            return f"{name} approved it {_changed(said)}."
        case About.BY_RULE:
            return f"Approved by {t.escape(said.rule)}."
        case About.QUEUED if said.place and said.of:
            return f"You are {t.ordinal(said.place)} of {said.of} in the queue for {asked}."
        case About.QUEUED:
            return f"Your request for {asked} is in the queue: all seats are taken."
        case About.ORDERED:
            ticket = f", ticket {t.escape(said.ticket)}" if said.ticket else ""
            return f"One more seat of {asked} is being bought{ticket}."
        case About.READY:
            return _ready(facts, asked)
        case About.NAMED:
            return f"{name} named {holder} as the holder of a seat of {asked}."
        case About.NOT_APPROVED:
            return f"{name} did not approve this. {_instead(said, facts, name)}"
        case About.EXPIRED:
            return "Nobody decided in time. Nothing is wrong with your request: press “Open it again” on the card."
        case About.TROUBLE:
            system = t.escape(said.system) or "The other side"
            return f"{system} did not answer. It is tried again by itself; if that goes on, IT is told."
        case About.WAITS_THERE:
            return f"Waits in ServiceNow for the service desk{', ' + t.escape(said.ticket) if said.ticket else ''}."
        case About.NEEDS_PERSON:
            return t.inert(t.one_line(said.text)) or "A person clears what is in the way. You need not do anything."
        case About.CLOSED:
            return f"{name} closed this request. You can ask again at any time."
        case About.WITHDRAWN:
            return f"{name} withdrew the request."
        case About.TEXT | About.URGENT | About.DEPUTY:
            return t.inert(t.one_line(said.text), 900) or f"Something changed in your request for {asked}."


def _following(facts: ProgressFacts) -> str:
    request = facts.request
    open_step = request.open_step
    if open_step is not None and open_step.quorum > 1 and open_step.agreed:
        return f"{len(open_step.agreed)} of {open_step.quorum} agreed; {still_asked(open_step)} still to answer."
    if open_step is not None and open_step.waits_for:
        names = [who(one.who) for one in open_step.waits_for]
        role = f", {OFFICES[open_step.kind]}," if len(names) == 1 else ""
        return f"{t.and_more(names, 3)}{role} {'is' if len(names) == 1 else 'are'} next."
    later = next((step for step in request.steps if step.state == StepState.LATER), None)
    return f"Next: {OFFICES[later.kind]}." if later else "That was the last one needed."


def _changed(said: Said) -> str:
    parts = []
    if said.until is not None:
        before = f" instead of {t.day(said.instead_of)}" if said.instead_of else ""
        parts.append(f"until {t.day(said.until)}{before}")
    if said.seats:
        parts.append(f"for {t.plural(said.seats, 'seat')}")
    return ", ".join(parts) or "with a change"


def _ready(facts: ProgressFacts, asked: str) -> str:
    end = f" until {t.day(facts.ends_on)}" if facts.ends_on else ""
    hint = f" {t.inert(t.one_line(facts.ready_hint))}" if facts.ready_hint else ""
    if facts.request.for_self_only:
        return f"You have {asked}{end}.{hint}"
    return f"{t.plural(len(facts.request.given), 'seat')} of {asked} given{end}."


def _instead(said: Said, facts: ProgressFacts, name: str) -> str:
    other = said.suggestion or facts.alternative
    return f"You could use {t.named(other)}, or talk to {name}." if other else f"You can talk to {name}."
