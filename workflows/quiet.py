"""When a message nobody asked for may reach a person: their working hours, three a day, the rest one digest at nine.

Many open decisions become one list instead of a message each (rules §10). Answers to a person's own press or request
are not held back. The decision is pure; the counting stands below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from licensing.business_time import WorkCalendar, next_working_moment, working_day_after, zone_of
from model.people import Person
from model.requests import ApprovalStep, ApproverState, Card, LicenceRequest, Status, StepApprover, StepState
from workflows.cards import DIGEST, HELD, CardKind, person
from workflows.policy import Messages, Policy

#: Messages that come without the reader having done anything.
UNASKED = frozenset(
    {
        CardKind.APPROVAL,
        CardKind.DECISIONS,
        CardKind.TASK,
        CardKind.ENDING,
        CardKind.RETURNED,
        CardKind.NOTE,
        CardKind.FOUND,
        CardKind.STILL_NEEDED,
        CardKind.KEEP_WORD,
        CardKind.RECLAIM_LIST,
        CardKind.HANDOVER,
        CardKind.RENEWAL,
    }
)


#: What the digest has a row for; the rest of the above waits for a day with room.
IN_DIGEST = frozenset(
    {
        CardKind.APPROVAL,
        CardKind.DECISIONS,
        CardKind.TASK,
        CardKind.ENDING,
        CardKind.RETURNED,
        CardKind.NOTE,
        CardKind.RENEWAL,
    }
)
#: Nothing waits longer for working hours than over a long weekend; older cards were never wanted.
LONGEST_WAIT = timedelta(days=5)


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
class IntoDigest:
    """Not by itself: a row of the one digest of that morning."""

    at: datetime


@dataclass(frozen=True)
class Reader:
    """What the rule must know of a person. `calendar` leaves absences out: who is away has a deputy, not silence."""

    calendar: WorkCalendar
    sent_today: int
    open_decisions: int
    waiting: int = 0  # other messages that wait for the person's working hours
    software_today: bool = False  # a message about software found came today: one a day


def when(
    kind: CardKind, reader: Reader, messages: Messages, now: datetime, *, own: bool = False
) -> Now | At | IntoList | IntoDigest:
    """Whether to send now. `own`: it answers something the reader did or asked for."""
    if kind is CardKind.DIGEST and not digest_time(reader.calendar, messages.digest_at, now):
        # Slack was away: nobody is woken, and what is held for that morning joins first
        return At(next_digest(reader.calendar, messages.digest_at, now) + timedelta(minutes=1))
    if own or kind not in UNASKED:
        return Now()
    if kind not in IN_DIGEST:  # it waits for their hours, and for a day with room for it; software is one a day
        return _with_room(reader, messages, now, had_one=kind is CardKind.FOUND and reader.software_today)
    if kind is CardKind.APPROVAL and reader.open_decisions > messages.one_list_above:
        return IntoList()
    working = next_working_moment(now, reader.calendar)
    if working > now:
        if reader.waiting >= messages.a_day_at_most:  # the morning's three are taken
            return IntoDigest(next_digest(reader.calendar, messages.digest_at, now))
        return At(working)
    if reader.sent_today >= messages.a_day_at_most:
        return IntoDigest(next_digest(reader.calendar, messages.digest_at, now))
    return Now()


def _with_room(reader: Reader, messages: Messages, now: datetime, *, had_one: bool) -> Now | At:
    working = next_working_moment(now, reader.calendar)
    if working > now:
        return At(working)
    if reader.sent_today < messages.a_day_at_most and not had_one:
        return Now()
    tomorrow = working_day_after(reader.calendar.local_day(now), 1, reader.calendar)
    return At(reader.calendar.hours_of(tomorrow)[0])


def next_digest(calendar: WorkCalendar, at: time, now: datetime) -> datetime:
    """Nine o'clock (by policy) of a working day of the reader's, the next one to come."""
    today = calendar.local_day(now)
    if calendar.works_on(today) and (early := datetime.combine(today, at, calendar.zone)) > now:
        return early.astimezone(UTC)
    return datetime.combine(working_day_after(today, 1, calendar), at, calendar.zone).astimezone(UTC)


def digest_time(calendar: WorkCalendar, at: time, now: datetime) -> bool:
    """From nine to the end of a working day."""
    today = calendar.local_day(now)
    begins = datetime.combine(today, at, calendar.zone)
    ends = max(calendar.hours_of(today)[1], begins + timedelta(hours=1))
    return calendar.works_on(today) and begins <= now < ends


def reader(
    connection: Connection, person_id: int, policy: Policy, now: datetime, *, before: int | None = None
) -> Reader:
    """The facts of the rule for one person; `before`: the card they are asked for, so that only earlier ones wait.

    Raises LookupError for an unknown person.
    """
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
    today = connection.execute(
        select(Card.facts).where(
            Card.audience == person(person_id),
            Card.kind.in_(sorted(UNASKED)),
            or_(Card.posted_at >= midnight, Card.by_mail_at >= midnight),
        )
    ).scalars()
    sent = sum(1 for facts in today if DIGEST not in (facts or {}))  # a row of the digest is no message
    held_back = connection.execute(
        select(Card.id, Card.facts).where(
            Card.audience == person(person_id),
            Card.kind.in_(sorted(UNASKED)),
            Card.posted_at.is_(None),
            Card.by_mail_at.is_(None),
            Card.live,
            Card.created_at >= now - LONGEST_WAIT,
        )
    )
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
    software = connection.execute(
        select(Card.id)
        .where(
            Card.audience == person(person_id),
            Card.kind == CardKind.FOUND,
            or_(and_(Card.posted_at >= midnight, Card.ts.is_not(None)), Card.by_mail_at >= midnight),
        )
        .limit(1)
    ).first()
    ahead = sum(1 for row in held_back if (before is None or row.id < before) and HELD not in (row.facts or {}))
    return Reader(calendar, sent, waiting, ahead, software is not None)
