"""Who is asked, written down: planning the steps of a request, opening them in turn, passing them on.

The decision who that is comes from `approval`, which is pure; here are the rows, the cards and the deadlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from model.events import Happened, Tag
from model.people import Person
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    StepApprover,
    StepKind,
    StepState,
)
from model.session import UnitOfWork
from workflows import approval, cards, deadlines
from workflows.effects import Advance, Effect, PublishHome, WatchStep
from workflows.facts import Asked, PlannedStep, Route
from workflows.people import directory_for, person_facts
from workflows.request_facts import request_facts, step_facts
from workflows.rules import Rules


def plan(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> Route:
    """Route a request and store its steps; none when a rule approves it."""
    facts = request_facts(work.connection, request.id, rules.policy, now)
    around = [facts.requester_id, facts.owner_id, *facts.beneficiary_ids]
    directory = directory_for(work.connection, around, rules.policy, now, mail=rules.mail)
    route = approval.route(facts, directory, rules.policy, now)
    if route.pre_approved is None:
        _store(work, request.id, route.steps, now)
    return route


def add_step(work: UnitOfWork, rules: Rules, request_id: int, kind: StepKind, now: datetime) -> None:
    """One further step for a need that came up with a decision: an order that must be confirmed."""
    facts = request_facts(work.connection, request_id, rules.policy, now)
    directory = directory_for(
        work.connection,
        [facts.requester_id, facts.owner_id, *facts.beneficiary_ids],
        rules.policy,
        now,
        mail=rules.mail,
    )
    taken = work.connection.execute(
        select(StepApprover.person_id)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(ApprovalStep.request_id == request_id)
    ).scalars()
    route = approval.plan_step(kind, facts, directory, rules.policy, now, frozenset(taken))
    _store(work, request_id, route.steps, now)


def _store(work: UnitOfWork, request_id: int, steps: Sequence[PlannedStep], now: datetime) -> None:
    last = work.connection.execute(
        select(func.max(ApprovalStep.position)).where(ApprovalStep.request_id == request_id)
    ).scalar()
    for position, planned in enumerate(steps, start=(last or 0) + 1):
        step = ApprovalStep(
            request_id=request_id,
            position=position,
            kind=planned.kind,
            because=planned.because,
            quorum=planned.quorum,
            state=StepState.LATER,
        )
        work.session.add(step)
        work.session.flush()  # its people name it
        for asked in planned.asked:
            work.session.add(_approver(step.id, asked, now))
    work.session.flush()  # the receipt reads them


def _approver(step_id: int, asked: Asked, now: datetime) -> StepApprover:
    return StepApprover(
        step_id=step_id,
        person_id=asked.person_id,
        because=asked.because,
        stands_in_for_id=asked.stands_in_for_id,
        state=ApproverState.ASKED,
        asked_at=now,
    )


def open_next(work: UnitOfWork, rules: Rules, request_id: int, now: datetime) -> list[Effect]:
    """Open the earliest step that is still to come, ask its people, set its deadline; nothing when one is open."""
    steps = list(
        work.session.execute(
            select(ApprovalStep)
            .where(ApprovalStep.request_id == request_id, ApprovalStep.state.in_([StepState.OPEN, StepState.LATER]))
            .order_by(ApprovalStep.position)
        ).scalars()
    )
    if not steps or steps[0].state == StepState.OPEN:
        return []
    step = steps[0]
    step.state, step.opened_at = StepState.OPEN, now
    work.session.flush()  # the facts of the step are read next
    approvers = _present(work, rules, step, now)
    facts = person_facts(work.connection, [one.person_id for one in approvers], now, mail=rules.mail)
    events = [
        Happened(
            Tag.REQUEST_STEP_OPENED,
            "rule:routing",
            f"request:{request_id}",
            {
                "step": step.id,
                "kind": step.kind,
                "asked": [f"person:{one.person_id}" for one in approvers],
                "because": step.because,
            },
        )
    ]
    work.record(events, now)
    if len(approvers) < step.quorum:
        step.due_at = None
        work.session.flush()
        return list(
            cards.new_card(
                work, cards.CardKind.STUCK, request_id, cards.channel("licences"), now, request_id=request_id
            )
        )
    calendars = [deadlines.calendar_of(facts[one.person_id], rules.policy) for one in approvers]
    step.due_at = max(deadlines.due_at(now, rules.policy.approval, calendar) for calendar in calendars)
    work.session.flush()  # the first reminder is computed from it
    effects: list[Effect] = []
    for one in approvers:
        effects += ask(work, one, request_id, now)
    effects.append(WatchStep(step.id, next_look(rules, step, facts[approvers[0].person_id].id, work, now)))
    return effects


def _present(work: UnitOfWork, rules: Rules, step: ApprovalStep, now: datetime) -> list[StepApprover]:
    """The people of a step about to open; the next in line replaces whoever left or went away since it was planned."""
    planned = list(
        work.session.execute(
            select(StepApprover)
            .where(StepApprover.step_id == step.id, StepApprover.state == ApproverState.ASKED)
            .order_by(StepApprover.id)
        ).scalars()
    )
    known = person_facts(work.connection, [one.person_id for one in planned], now, mail=rules.mail)
    there: list[StepApprover] = []
    for one in planned:
        one.asked_at = now
        person = known.get(one.person_id)
        if person is not None and person.cannot_be_asked(now) is None:
            there.append(one)
            continue
        one.state, one.decided_at = ApproverState.PASSED, now
        work.session.flush()  # the next in line must not be the same
        heir = next_person(work, rules, step.id, one.person_id, now)
        if heir is not None:
            there.append(_add(work, step.id, heir, now))
    if not there and step.quorum > 0:
        heir = next_person(work, rules, step.id, None, now)
        if heir is not None:
            there.append(_add(work, step.id, heir, now))
    work.session.flush()
    return there


def _add(work: UnitOfWork, step_id: int, asked: Asked, now: datetime) -> StepApprover:
    row = _approver(step_id, asked, now)
    work.session.add(row)
    work.session.flush()  # the card names it
    return row


def next_person(work: UnitOfWork, rules: Rules, step_id: int, instead_of: int | None, now: datetime) -> Asked | None:
    """Whom to ask instead; None when nobody is left."""
    facts = step_facts(work.connection, step_id, rules.policy, now)
    around = [facts.request.requester_id, facts.request.owner_id, *facts.request.beneficiary_ids, *facts.tried_ids]
    directory = directory_for(work.connection, around, rules.policy, now, mail=rules.mail)
    return approval.next_in_line(facts, directory, rules.policy, now, instead_of)


def ask(
    work: UnitOfWork, approver: StepApprover, request_id: int, now: datetime, *, answers: bool = False
) -> list[Effect]:
    """The card for one person asked; anew when they have one already: a reminder, or the answer to their question."""
    return [
        *cards.new_card(
            work,
            cards.CardKind.APPROVAL,
            approver.id,
            cards.person(approver.person_id),
            now,
            request_id=request_id,
            facts={cards.ANSWERS: True} if answers else None,
        ),
        PublishHome(approver.person_id),
    ]


def pass_on(
    work: UnitOfWork,
    rules: Rules,
    step: ApprovalStep,
    late: StepApprover,
    to: Asked,
    now: datetime,
    *,
    handed_on: bool = False,
) -> list[Effect]:
    """The time of `late` is up, or they handed it on: their card points to the next person."""
    work.connection.execute(
        update(StepApprover).where(StepApprover.id == late.id).values(state=ApproverState.PASSED, decided_at=now)
    )
    heir = _add(work, step.id, to, now)
    heir.handed_on = handed_on
    person = work.session.get_one(Person, to.person_id)
    facts = person_facts(work.connection, [person.id], now, mail=rules.mail)[person.id]
    step.due_at = deadlines.due_at(now, rules.policy.approval, deadlines.calendar_of(facts, rules.policy))
    work.session.flush()
    effects = ask(work, heir, step.request_id, now)
    effects.append(PublishHome(late.person_id))
    effects.append(WatchStep(step.id, next_look(rules, step, person.id, work, now)))
    return effects


def right_moved(work: UnitOfWork, rules: Rules, approver_id: int, presser_slack_id: str, now: datetime) -> list[Effect]:
    """Somebody asked has the right no more: whoever has it now is asked in their place, and their card points on."""
    step_id = select(StepApprover.step_id).where(StepApprover.id == approver_id).scalar_subquery()
    row = work.session.execute(
        select(StepApprover)
        .join(Person, Person.id == StepApprover.person_id)
        .where(
            StepApprover.step_id == step_id,
            StepApprover.state == ApproverState.ASKED,
            Person.slack_id == presser_slack_id,
        )
    ).scalar_one_or_none()
    step = work.session.get(ApprovalStep, row.step_id, with_for_update=True) if row is not None else None
    if row is None or step is None or step.state != StepState.OPEN:
        return []
    heir = next_person(work, rules, step.id, row.person_id, now)
    if heir is None:
        return []
    name = work.session.get_one(Person, row.person_id).name
    because = heir.because.removeprefix(f"{name} was asked first and did not answer in time. ")
    effects = pass_on(work, rules, step, row, Asked(heir.person_id, because, heir.stands_in_for_id), now)
    facts = {
        "step": step.id,
        "from": f"person:{row.person_id}",
        "to": f"person:{heir.person_id}",
        "because": "right moved",
    }
    work.record([Happened(Tag.REQUEST_ESCALATED, "rule:routing", f"request:{step.request_id}", facts)], now)
    return [*effects, Advance(step.request_id)]


def next_look(rules: Rules, step: ApprovalStep, person_id: int, work: UnitOfWork, now: datetime) -> datetime:
    """When the step is looked at again: the next reminder, the deadline, or the end of all waiting."""
    facts = person_facts(work.connection, [person_id], now, mail=rules.mail)[person_id]
    calendar = deadlines.calendar_of(facts, rules.policy)
    opened = step.opened_at or now
    due = step.due_at or opened
    end = deadlines.expires_at(opened, rules.policy.approval, calendar)
    times = deadlines.reminder_times(opened, due, calendar, rules.policy.approval, end)
    later = sorted(moment for moment in (*times, due, end) if moment > now)
    return later[0] if later else now + timedelta(days=1)


def first_asked(work: UnitOfWork, request_id: int) -> tuple[str, ...]:
    """Names of those who decide first: the open step, or the one about to open."""
    step = (
        select(ApprovalStep.id)
        .where(ApprovalStep.request_id == request_id, ApprovalStep.state.in_([StepState.OPEN, StepState.LATER]))
        .order_by(ApprovalStep.position)
        .limit(1)
        .scalar_subquery()
    )
    rows = work.connection.execute(
        select(Person.name)
        .join(StepApprover, StepApprover.person_id == Person.id)
        .where(StepApprover.step_id == step, StepApprover.state == ApproverState.ASKED)
        .order_by(StepApprover.id)
    )
    return tuple(rows.scalars())
