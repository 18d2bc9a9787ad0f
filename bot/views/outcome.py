"""What an approval card turns into: decided, withdrawn, closed, passed on. It has no buttons any more."""

from __future__ import annotations

from datetime import datetime

from bot.views import text as t
from bot.views.said import for_whom, product, still_asked, terms, who
from bot.views.text import Block, Message
from model.requests import ApproverState, RequestKind, Status, StepState
from workflows.reads.facts import ApprovalFacts, AskedFacts

GIVEN = "Seat given"


def outcome(facts: ApprovalFacts) -> Message:
    """The card of a request, step or person that no longer waits."""
    request, step, asked = facts.request, facts.step, facts.asked
    what = f"{t.named(product(request))} for {for_whom(request)}"
    undecided = step.state != StepState.APPROVED  # whatever one of several agreed to came to nothing
    if request.status == Status.WITHDRAWN and undecided:
        head, note = f"*{_given_up(facts)}*{_at(request.closed_at)}. Nothing to decide.", ""
    elif request.status == Status.EXPIRED and undecided:
        first = t.called(request.requester.name)
        head, note = f"*Closed without an answer*{_at(request.closed_at)}. {first} can open it again.", ""
    elif denied := next((one for one in step.asked if one.state == ApproverState.DENIED), None):
        head, note = f"*Not approved by {_by(denied)}*{_at(denied.decided_at)} · {what}", denied.words
    elif step.state == StepState.APPROVED:
        return _approved(facts, what)
    elif asked.state == ApproverState.AGREED:
        still = f"; {still_asked(step)} still to answer" if step.waits_for else ""
        head = f"*You approved*{_at(asked.decided_at)} · {what} · {len(step.agreed)} of {step.quorum} agreed{still}"
        note = asked.words
    elif asked.state == ApproverState.PASSED:
        head, note = _passed(facts), ""
    else:
        head, note = f"*Nothing to decide any more* · {what}", ""
    blocks: list[Block] = [t.section(head)]
    if note:
        blocks.append(t.typed(note))
    blocks.append(t.context(f"{request.reference} · {what}" if what not in head else request.reference))
    return Message(_spoken(head, what, note, request.reference), blocks)


def _approved(facts: ApprovalFacts, what: str) -> Message:
    request, step = facts.request, facts.step
    deciders = t.joined([_by(one) for one in step.agreed]) or "rule"
    last = max((one.decided_at for one in step.agreed if one.decided_at), default=step.decided_at)
    changes = [terms(one, request) for one in step.agreed if terms(one, request)]
    ends_on = request.until_on or facts.price.ends_on
    end = f" until {t.day(ends_on)}" if ends_on is not None and request.kind != RequestKind.NEW_PRODUCT else ""
    lowered = f" Changed to: {changes[-1]}." if changes else ""
    head = f"*Approved by {deciders}*{_at(last)} · {what}{end}"
    blocks: list[Block] = [t.section(head)]
    notes = [one.words for one in step.agreed if one.words]
    if notes:
        blocks.append(t.typed(notes[-1]))
    small = [part for part in (lowered.strip(), _then(facts)) if part]
    blocks.append(t.context(*small, request.reference))
    said = " ".join([lowered.strip(), t.sentence(_then(facts))]).strip()
    return Message(_spoken(head, what, notes[-1] if notes else "", request.reference, said), blocks)


def _then(facts: ApprovalFacts) -> str:
    """What became of it after this step; "Seat given" only once the target system confirmed it."""
    request = facts.request
    given = [line.granted_at for line in request.given if line.granted_at]
    if given and len(given) == len(request.lines):
        count = "" if len(given) == 1 else f"{len(given)} of {len(request.lines)}: "
        return f"{GIVEN} {count}{t.instant(max(given))}"
    if given:
        return f"{GIVEN} to {len(given)} of {len(request.lines)}, the last {t.instant(max(given))}"
    waiting = request.open_step
    if request.status == Status.AWAITING_APPROVAL and waiting is not None and waiting.id != facts.step.id:
        names = t.joined([who(one.who) for one in waiting.waits_for], "or")
        return f"{names or 'the next in line'} decides next"
    return {
        Status.WAITING_FOR_SEAT: "In the queue for a seat",
        Status.FULFILLING: "The seat is on its way",
        Status.APPROVED: "The seat is on its way",
        Status.FAILED: "The seat waits for a person",
        Status.FULFILLED: "Done",
        Status.DENIED: "Not approved in a later step",
        Status.WITHDRAWN: _given_up(facts),
        Status.EXPIRED: "Closed without an answer in a later step",
    }.get(request.status, "")


def _given_up(facts: ApprovalFacts) -> str:
    """By whoever asked, or by the person who looked after it when nobody could decide or give it."""
    closed_by = facts.request.closed_by
    return f"Closed by {who(closed_by)}" if closed_by else f"Withdrawn by {who(facts.request.requester)}"


def _passed(facts: ApprovalFacts) -> str:
    names = t.joined([who(one.who) for one in facts.passed_to], "and") or "the next in line"
    at = facts.asked.decided_at
    if any(one.handed_on for one in facts.passed_to):
        return f"*Handed on to {names}*{_at(at)}."
    return f"*Passed to {names}*{_at(at)} because the time was up."


def _by(one: AskedFacts) -> str:
    """ "Mia Chen for Ben Okafor" when somebody stood in."""
    return f"{who(one.who)} for {who(one.stands_in_for)}" if one.stands_in_for else who(one.who)


def _at(when: datetime | None) -> str:
    return f" {t.instant(when)}" if when else ""


def _spoken(head: str, what: str, note: str, reference: str, said: str = "") -> str:
    plain = head.replace("*", "").replace(" · ", ": ", 1).replace(" · ", ", ")
    subject = "" if what in head else f"{what}."
    return t.spoken(t.sentence(plain), subject, quote=note, after=(said, f"{reference}."))
