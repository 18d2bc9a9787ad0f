"""Open steps whose next moment has come: remind, ask the next in line, or close without an answer.

Each look computes the following one from the rows, so a service that was down for days does what is due once.

A request closes some working days after it was sent, and never before the time its open card says. A step that began
so late that its own time ends after that is first passed on, once, and whoever is asked then has a whole time limit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from licensing.business_time import WorkCalendar
from model.events import Happened, Tag
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestLine,
    Status,
    StepApprover,
    StepState,
)
from model.session import UnitOfWork
from workflows import cards, deadlines, routing
from workflows.effects import Advance, Effect, ShowRequest, WatchStep, enqueue
from workflows.people import person_facts
from workflows.request import Verb, close_steps, lock, move
from workflows.rules import Rules


def watch(work: UnitOfWork, rules: Rules, step_id: int, now: datetime) -> None:
    """Do what is due for one open step and set the next look. The caller commits."""
    request_id = work.connection.execute(select(ApprovalStep.request_id).where(ApprovalStep.id == step_id)).scalar()
    if request_id is None:
        return
    lock(work, request_id)  # first, as a press does: two that lock in another order wait for each other
    step = work.session.get(ApprovalStep, step_id, with_for_update=True)
    if step is None or step.state != StepState.OPEN or step.opened_at is None or step.due_at is None:
        return
    request = work.session.get_one(LicenceRequest, step.request_id, with_for_update=True)
    if Status(request.status) != Status.AWAITING_APPROVAL:
        return
    waiting = list(
        work.session.execute(
            select(StepApprover)
            .where(StepApprover.step_id == step.id, StepApprover.state == ApproverState.ASKED)
            .order_by(StepApprover.id)
        ).scalars()
    )
    if not waiting:
        return
    facts = person_facts(work.connection, [one.person_id for one in waiting], now, mail=rules.mail)
    calendar = deadlines.calendar_of(facts[waiting[0].person_id], rules.policy)
    if request.question_at is not None:
        # the time limit waits for the answer, but not for ever
        if now >= deadlines.expires_at(request.question_at, rules.policy.approval, calendar):
            _expire(work, request, step, now)
        else:
            enqueue(work, [WatchStep(step.id, now + timedelta(hours=1))], now)
        return
    waited = timedelta(seconds=float(request.details.get("waited_seconds", 0)))  # for the requester's own answers
    first_asked = (request.submitted_at or step.opened_at) + waited
    closes = deadlines.expires_at(first_asked, rules.policy.approval, calendar)
    end = max(closes, step.due_at)  # not before the card says
    if now >= end and not (step.due_at > closes and _next_not_asked_yet(work, rules, step, waiting[0], now)):
        _expire(work, request, step, now)
        return
    effects: list[Effect] = []
    if now >= step.due_at:
        effects += _pass_on_or_remind(work, rules, request, step, waiting, now)
    elif reminder_due(step, waiting[0], calendar, rules, end, now):
        effects += _remind(work, request, step, waiting, now)
    work.session.flush()
    still = waiting[0].person_id
    end = max(closes, step.due_at)  # whoever it was passed on to has a time limit of their own
    effects.append(WatchStep(step.id, min(routing.next_look(rules, step, still, work, now), end)))
    enqueue(work, effects, now)


def _next_not_asked_yet(work: UnitOfWork, rules: Rules, step: ApprovalStep, late: StepApprover, now: datetime) -> bool:
    """Whether a step that began late still owes its turn to a next in line: it is passed on once before it closes."""
    return not step.escalations and routing.next_person(work, rules, step.id, late.person_id, now) is not None


def reminder_due(
    step: ApprovalStep, asked: StepApprover, calendar: WorkCalendar, rules: Rules, end: datetime, now: datetime
) -> bool:
    """Whether a reminder time has come that was not used yet; several missed ones count as one."""
    assert step.opened_at is not None and step.due_at is not None  # noqa: S101  the caller looked
    times = deadlines.reminder_times(asked.asked_at, step.due_at, calendar, rules.policy.approval, end)
    return sum(1 for moment in times if moment <= now) > asked.reminders


def _remind(
    work: UnitOfWork, request: LicenceRequest, step: ApprovalStep, waiting: list[StepApprover], now: datetime
) -> list[Effect]:
    effects: list[Effect] = []
    for one in waiting:
        one.reminders += 1
        effects += routing.ask(work, one, request.id, now)
    work.session.flush()
    asked = [f"person:{one.person_id}" for one in waiting]
    facts = {"step": step.id, "asked": asked}
    effects.append(ShowRequest(request.id))  # whoever asked may remind them too by now
    work.record([Happened(Tag.REQUEST_REMINDED, "clock", f"request:{request.id}", facts)], now)
    return effects


def _pass_on_or_remind(
    work: UnitOfWork,
    rules: Rules,
    request: LicenceRequest,
    step: ApprovalStep,
    waiting: list[StepApprover],
    now: datetime,
) -> list[Effect]:
    """The time is up: the next in line is asked in place of the first; with nobody left it stays and is reminded."""
    late = waiting[0]
    heir = routing.next_person(work, rules, step.id, late.person_id, now)
    if heir is None:
        step.due_at = now + timedelta(days=1)
        effects = _remind(work, request, step, waiting, now)
        effects += cards.new_card(
            work, cards.CardKind.STUCK, request.id, cards.channel("licences"), now, request_id=request.id
        )
        return effects
    step.escalations += 1
    effects = routing.pass_on(work, rules, step, late, heir, now)
    facts = {"step": step.id, "from": f"person:{late.person_id}", "to": f"person:{heir.person_id}"}
    work.record([Happened(Tag.REQUEST_ESCALATED, "clock", f"request:{request.id}", facts)], now)
    effects.append(Advance(request.id))
    return effects


def _expire(work: UnitOfWork, request: LicenceRequest, step: ApprovalStep, now: datetime) -> None:
    """Nobody decided: closed without an answer, never as denied, and open again with one press (rules §7).

    A question nobody answered ends with it, or the request opened again would close at once.
    """
    request.question, request.question_by_id, request.question_at = "", None, None
    work.session.flush()
    event = move(work, request.id, Status.AWAITING_APPROVAL, Verb.EXPIRE, "clock", now, facts={"step": step.id})
    close_steps(work, request.id, now)
    lines = work.session.execute(
        select(RequestLine).where(RequestLine.request_id == request.id, RequestLine.state == LineState.WANTED)
    ).scalars()
    for line in lines:
        line.state = LineState.DROPPED
    work.session.flush()
    work.record([event], now)
    enqueue(work, [Advance(request.id)], now)
