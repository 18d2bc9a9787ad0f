"""The hourly budget of requests to ServiceNow: what was used, and how often changes may still be read.

Rate rules over there count requests per hour and user (ServiceNow §4), so requests are counted and not jobs. A quarter
is kept for what we write: reading slows down first, and stops before an order has to wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, case, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from jobs.worker import JobRun
from model.session import Database, UnitOfWork
from model.tickets import TicketPoll
from workflows.rules import RulesSource

#: The row of `ticket_poll` about all tables together.
ALL = "*"
LONGEST_PAUSE = timedelta(minutes=15)
#: The clock asks once a minute, a little early or late.
SLACK = timedelta(seconds=30)


class Meter(Protocol):
    """Counts the requests of the calling thread; `limit` is the hourly one the instance names, if it does."""

    limit: int | None

    def taken(self) -> int: ...


def pause(budget: int, used: int, cost: int, now: datetime) -> timedelta:
    """How long to leave between two reads of `cost` requests each, so that the rest of the hour can be paid for."""
    left = budget - budget // 4 - used
    needed = cost * (60 - now.minute)
    if left >= needed:
        return timedelta(0)
    if left <= 0:
        return LONGEST_PAUSE
    return min(LONGEST_PAUSE, timedelta(minutes=math.ceil(needed / left)))


def used(connection: Connection, now: datetime) -> int:
    """Requests sent in the running hour."""
    row = connection.execute(
        select(TicketPoll.calls, TicketPoll.hour).where(TicketPoll.table_name == ALL)
    ).one_or_none()
    return row.calls if row is not None and row.hour == _hour(now) else 0


def spend(work: UnitOfWork, calls: int, now: datetime) -> None:
    """Count requests into the running hour, also when several processes do so at once. The caller commits."""
    _write(work, now, calls=calls)


def mark_read(work: UnitOfWork, began: datetime, now: datetime) -> None:
    """Changes were read from `began` on, and every hint before it is followed."""
    still = case((TicketPoll.hinted_at >= began, TicketPoll.hinted_at), else_=None)
    _write(work, now, read_until=began, hinted_at=still)


def mark_hinted(work: UnitOfWork, now: datetime) -> None:
    """Something may have changed over there."""
    _write(work, now, hinted_at=now)


def _write(work: UnitOfWork, now: datetime, *, calls: int = 0, **more: Any) -> None:
    """The row about all tables, made or changed in one statement."""
    insert: Any = {"sqlite": sqlite_insert, "postgresql": postgres_insert}[work.connection.dialect.name]
    hour = _hour(now)
    first = {name: value for name, value in more.items() if isinstance(value, datetime)}
    new = insert(TicketPoll).values({"table_name": ALL, "read_until": _LONG_AGO, "calls": calls, "hour": hour} | first)
    values = {
        "calls": case((TicketPoll.hour == hour, TicketPoll.calls), else_=0) + new.excluded.calls,
        "hour": new.excluded.hour,
        **more,
    }
    work.connection.execute(new.on_conflict_do_update(index_elements=["table_name"], set_=values))


class RequestBudget:
    """Whether there are requests left, and the counting of what a job sends."""

    def __init__(self, database: Database, meter: Meter, rules: RulesSource) -> None:
        self._database = database
        self._meter = meter
        self._rules = rules

    @property
    def an_hour(self) -> int:
        """Policy's number, or the instance's own where that is lower."""
        ours = self._rules().policy.servicenow.requests_an_hour
        theirs = self._meter.limit
        return ours if theirs is None else min(ours, theirs)

    def may_read(self, cost: int, now: datetime) -> bool:
        """Whether it is time to read changes, which cost so many requests. A hint makes it time, never the budget."""
        with self._database.reading() as connection:
            spent = used(connection, now)
            row = connection.execute(
                select(TicketPoll.read_until, TicketPoll.hinted_at).where(TicketPoll.table_name == ALL)
            ).one_or_none()
        if spent >= self.an_hour:
            return False
        if row is None:
            return True
        wait = pause(self.an_hour, spent, cost, now)
        if row.hinted_at is not None and wait < LONGEST_PAUSE:
            return True
        return bool(now - row.read_until > wait - SLACK)

    @contextmanager
    def counted(self, run: JobRun) -> Iterator[bool]:
        """Count what is sent inside. Yields False when nothing is left: the job is put off to the next hour."""
        now = run.now()
        with self._database.reading() as connection:
            left = used(connection, now) < self.an_hour
        if not left:
            run.later(_hour(now) + timedelta(hours=1))
            yield False
            return
        self._meter.taken()  # what an earlier job on this thread left uncounted is not ours
        try:
            yield True
        finally:
            calls = self._meter.taken()
            if calls:
                with self._database.unit_of_work() as work:
                    spend(work, calls, run.now())
                    work.commit()


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
