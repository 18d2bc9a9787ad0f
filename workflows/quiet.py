"""When a message nobody asked for may reach a person: their working hours, three a day, then nine the next morning.

Many open decisions become one list instead of a message each (rules §10). Answers to a person's own press or request
are not held back. The decision is pure; the counting stands below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import Connection, func, select

from licensing.business_time import WorkCalendar, next_working_moment, working_day_after, zone_of
from model.people import Person
from model.requests import ApprovalStep, ApproverState, Card, LicenceRequest, Status, StepApprover, StepState
from workflows.cards import CardKind, person
from workflows.policy import Messages, Policy

#: Messages that come without the reader having done anything.
UNASKED = frozenset(
    {CardKind.APPROVAL, CardKind.DECISIONS, CardKind.TASK, CardKind.ENDING, CardKind.RETURNED, CardKind.NOTE}
)


@dataclass(frozen=True)
class Now:
    """Send it."""


@dataclass(frozen=True)
class At:
    """Look again then; what it shows is read anew."""

    at: datetime


@dataclass(frozen=True)
class IntoList:
    """Not by itself: it belongs into the one list of open decisions."""


@dataclass(frozen=True)
class Reader:
    """What the rule must know of a person. `calendar` leaves absences out: who is away has a deputy, not silence."""

    calendar: WorkCalendar
    sent_today: int
    open_decisions: int


def when(
    kind: CardKind, reader: Reader, messages: Messages, now: datetime, *, own: bool = False
) -> Now | At | IntoList:
    """Whether to send now. `own`: it answers something the reader did or asked for."""
    if own or kind not in UNASKED:
        return Now()
    if kind is CardKind.APPROVAL and reader.open_decisions > messages.one_list_above:
        return IntoList()
    working = next_working_moment(now, reader.calendar)
    if working > now:
        return At(working)
    if reader.sent_today >= messages.a_day_at_most:
        return At(next_digest(reader.calendar, messages.digest_at, now))
    return Now()


def next_digest(calendar: WorkCalendar, at: time, now: datetime) -> datetime:
    """Nine o'clock (by policy) of the reader's next working day."""
    following = working_day_after(calendar.local_day(now), 1, calendar)
    return datetime.combine(following, at, calendar.zone)


def reader(connection: Connection, person_id: int, policy: Policy, now: datetime) -> Reader:
    """The facts of the rule for one person. Raises LookupError for an unknown one."""
    row = connection.execute(select(Person.time_zone, Person.country).where(Person.id == person_id)).one_or_none()
    if row is None:
        raise LookupError(f"there is no person {person_id}")
    hours = policy.working_hours
    calendar = WorkCalendar(
        zone=zone_of(row.time_zone),
        starts=hours.starts,
        ends=hours.ends,
        weekdays=hours.weekdays,
        country=row.country,
        holidays_off=hours.public_holidays,
    )
    midnight = datetime.combine(calendar.local_day(now), time(0), calendar.zone)
    sent = connection.execute(
        select(func.count()).where(
            Card.audience == person(person_id), Card.kind.in_(sorted(UNASKED)), Card.posted_at >= midnight
        )
    ).scalar_one()
    waiting = connection.execute(
        select(func.count())
        .select_from(StepApprover)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .join(LicenceRequest, LicenceRequest.id == ApprovalStep.request_id)
        .where(
            StepApprover.person_id == person_id,
            StepApprover.state == ApproverState.ASKED,
            ApprovalStep.state == StepState.OPEN,
            LicenceRequest.status == Status.AWAITING_APPROVAL,
        )
    ).scalar_one()
    return Reader(calendar, sent, waiting)
