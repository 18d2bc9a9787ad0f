"""The weekly summary to the channel and on the weekday that policy names: once a week, however long nobody was there.

A service that comes back later in the week tells it then; a week that is over is not told any more.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, func, select

from model.requests import Card
from model.session import UnitOfWork
from model.tickets import PolicyVersion
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import enqueue
from workflows.policy import Policy
from workflows.reads.week import WeekFacts, week

#: The hour it is told at, as the clock's schedule has it (UTC).
HOUR = 8
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def due(connection: Connection, policy: Policy, now: datetime) -> bool:
    """Whether this week's summary is still to be told. A service that is younger than the day waits for the next."""
    moment = _moment(policy, now)
    if now < moment or connection.execute(select(Card.id).where(*_told(_subject(now)))).first() is not None:
        return False
    first = connection.execute(select(func.min(PolicyVersion.proposed_at))).scalar()
    return first is not None and first <= moment


def gather(connection: Connection, policy: Policy, now: datetime) -> WeekFacts:
    """What it will say; seconds in a large company, so it is read before anything is written."""
    before = connection.execute(
        select(Card.facts).where(*_told(_subject(now - timedelta(days=7)))).order_by(Card.id.desc()).limit(1)
    ).scalar()
    return week(connection, policy, now, before)


def tell(work: UnitOfWork, policy: Policy, facts: WeekFacts, now: datetime) -> bool:
    """Make the message, once; a week without anything to tell has none. The caller commits."""
    if facts.nothing or not due(work.connection, policy, now):
        return False
    audience = cards.channel(policy.reclaim.weekly.channel)
    made = cards.new_card(work, CardKind.WEEK, _subject(now), audience, now, facts=facts.stored())
    enqueue(work, made, now)
    return True


def _moment(policy: Policy, now: datetime) -> datetime:
    """When this week's is told: the policy's weekday at eight, in the week of `now`."""
    monday = now.date() - timedelta(days=now.weekday())
    return datetime.combine(monday + timedelta(days=_DAYS.index(policy.reclaim.weekly.day)), time(HOUR), UTC)


def _subject(now: datetime) -> int:
    year, number, _ = now.isocalendar()
    return year * 100 + number


def _told(subject_id: int) -> tuple[ColumnElement[bool], ...]:
    """Whatever the channel: a policy that names another one does not tell the week twice."""
    return Card.kind == CardKind.WEEK, Card.subject_id == subject_id
