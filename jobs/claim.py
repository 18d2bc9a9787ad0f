"""Every statement that moves a job from one state to another, and nothing else.

A claim takes a lease until `lease_until` and raises `attempt`; whoever writes afterwards names owner and attempt, so
one who comes late changes nothing (`StaleLease`). Only one claim happens at a time (SQLite: the writing transaction;
PostgreSQL: an advisory lock), because two that cannot see each other would both start a lane or fill a rate window.
`SKIP LOCKED` steps over a row whose holder is just finishing it. State names are written into the statements, not
bound: only then do both databases use the partial indexes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from jobs.limits import Limit, Room, close_queue, closed_queues
from jobs.retry import Failure, Park, RetryAt
from jobs.tables import Job, JobState, Schedule
from model.base import UtcTime

#: `Job.error_kind` of a job whose kind no handler of this version names.
UNKNOWN_KIND = "unknown_kind"

#: PostgreSQL's advisory locks are plain numbers shared by everybody in the database: "seatkeeper claim".
CLAIM_LOCK = 7_328_001
#: A claimer that froze inside its transaction loses it after this, or nobody else could claim.
FROZEN_MILLISECONDS = 5_000


def _written(state: JobState) -> ColumnElement[str]:
    return literal_column(f"'{state.value}'")


_READY, _RUNNING = _written(JobState.READY), _written(JobState.RUNNING)
_DONE, _PARKED = _written(JobState.DONE), _written(JobState.PARKED)
_now = bindparam("at", type_=UtcTime)


class StaleLease(Exception):
    """The lease ran out and somebody else has the job, or it is settled already. Nothing was changed."""


@dataclass(frozen=True)
class Claimed:
    """A job in our hands until its lease ends; `attempt` tells this holding from every other."""

    id: int
    kind: str
    queue: str
    payload: dict[str, Any]
    attempt: int
    failures: int
    owner: str


def _candidates() -> tuple[Select[Any], Select[Any]]:
    columns = select(Job.id, Job.kind, Job.queue, Job.payload, Job.attempt, Job.failures)
    open_queue = Job.queue.not_in(bindparam("shut", expanding=True))
    expired = columns.where(Job.state == _RUNNING, Job.lease_until <= _now, open_queue).order_by(Job.run_at, Job.id)
    other = aliased(Job)
    before_me = exists().where(
        other.lane == Job.lane,
        other.state != _DONE,
        or_(other.state == _RUNNING, and_(other.state == _READY, other.run_at <= _now, other.id < Job.id)),
    )
    due = columns.where(Job.state == _READY, Job.run_at <= _now, open_queue, or_(Job.lane.is_(None), ~before_me))
    most = bindparam("most", type_=Integer)
    return expired.limit(most), due.order_by(Job.run_at, Job.id).limit(most)


#: Jobs whose holder is gone, then jobs whose time has come and whose lane is free, oldest first.
_EXPIRED, _DUE = _candidates()
_LOCKING = [statement.with_for_update(skip_locked=True, of=Job) for statement in (_EXPIRED, _DUE)]
_TAKE = (
    update(Job)
    .where(Job.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=_RUNNING, owner=bindparam("by"), attempt=Job.attempt + 1, lease_until=bindparam("until", type_=UtcTime)
    )
)
_taken = aliased(Job)
_MERGE = (
    update(Job)
    .where(
        Job.kind == bindparam("of_kind"),
        Job.state == _READY,
        Job.run_at <= _now,
        Job.lane.in_(select(_taken.lane).where(_taken.id.in_(bindparam("ids", expanding=True)))),
    )
    .values(state=_DONE, finished_at=_now)
    .execution_options(synchronize_session=False)
)


def anything_due(
    connection: Connection, limits: Mapping[str, Limit], running_here: Mapping[str, int], now: datetime
) -> bool:
    """Whether a claim would find something: read without a lock, so that waiting workers disturb no writer."""
    shut = closed_queues(connection, now) | Room(connection, limits, running_here, now).full()
    found = (connection.execute(query, {"at": now, "shut": [*shut], "most": 1}).first() for query in (_DUE, _EXPIRED))
    return any(row is not None for row in found)


def claim(
    connection: Connection,
    *,
    owner: str,
    lease: timedelta,
    most: int,
    limits: Mapping[str, Limit],
    running_here: Mapping[str, int],
    now: datetime,
    merged: Collection[str] = (),
) -> list[Claimed]:
    """Take up to `most` jobs that may start now, within lanes, open queues and rate windows. The caller commits.

    Due jobs of a `merged` kind that wait in the lane of one just taken are done with it: whatever they were written
    for is committed, so the run about to begin sees it.
    """
    if connection.dialect.name == "postgresql":
        freeze = func.set_config("idle_in_transaction_session_timeout", str(FROZEN_MILLISECONDS), True)
        connection.execute(select(freeze, func.pg_advisory_xact_lock(CLAIM_LOCK)))
    shut = closed_queues(connection, now)
    room = Room(connection, limits, running_here, now)
    shut |= room.full()
    taken: list[Claimed] = []
    for query in _LOCKING:
        while len(taken) < most:
            rows = connection.execute(query, {"at": now, "shut": [*shut], "most": most - len(taken)}).all()
            fitting = [row for row in rows if room.take(row.queue)]
            if fitting:
                ids = [row.id for row in fitting]
                connection.execute(_TAKE, {"ids": ids, "by": owner, "until": now + lease})
                for kind in {row.kind for row in fitting}.intersection(merged):
                    mine = [row.id for row in fitting if row.kind == kind]
                    connection.execute(_MERGE, {"ids": mine, "of_kind": kind, "at": now})
            taken += [
                Claimed(row.id, row.kind, row.queue, row.payload, row.attempt + 1, row.failures, owner)
                for row in fitting
            ]
            if len(fitting) == len(rows):
                break
            shut |= {row.queue for row in rows} & room.full()  # look again for jobs of the other queues
    room.save(connection)
    return taken


def _mine(connection: Connection, job: Claimed, **values: Any) -> None:
    """Write to a job we hold. Raises StaleLease when we do not hold it any more."""
    statement = update(Job).where(
        Job.id == job.id, Job.state == _RUNNING, Job.owner == job.owner, Job.attempt == job.attempt
    )
    if connection.execute(statement.values(**values)).rowcount != 1:
        raise StaleLease(f"job {job.id} ({job.kind}) is no longer held under attempt {job.attempt}")


def renew(connection: Connection, job: Claimed, until: datetime) -> None:
    """Hold the job until then. Raises StaleLease."""
    _mine(connection, job, lease_until=until)


def finish(connection: Connection, job: Claimed, now: datetime) -> None:
    """The job is done. Raises StaleLease."""
    _mine(
        connection, job, state=_DONE, owner=None, lease_until=None, finished_at=now, error_kind="", error="", cause=""
    )


def put_back(connection: Connection, job: Claimed, at: datetime) -> None:
    """Look again at `at`; what the job waits for has not come yet, which is no failure. Raises StaleLease."""
    waiting = {"failures": 0, "error_kind": "", "error": "", "cause": ""}
    _mine(connection, job, state=_READY, owner=None, lease_until=None, run_at=at, **waiting)


def retry(connection: Connection, job: Claimed, failure: Failure, step: RetryAt) -> None:
    """Try again later and, when told so, close the queue for everybody. Raises StaleLease."""
    why = {"error_kind": failure.kind, "error": failure.words, "cause": failure.cause}
    failures = job.failures + failure.counts
    _mine(connection, job, state=_READY, owner=None, lease_until=None, run_at=step.at, failures=failures, **why)
    if step.closes_queue_until is not None:
        close_queue(connection, job.queue, step.closes_queue_until)


def park(connection: Connection, job: Claimed, kind: str, cause: str, step: Park, now: datetime) -> None:
    """Give up until a person decides. Raises StaleLease."""
    why = {"error_kind": kind, "error": step.words, "cause": cause[:200], "failures": job.failures + 1}
    _mine(connection, job, state=_PARKED, owner=None, lease_until=None, finished_at=now, **why)


def stored_kinds(connection: Connection) -> set[str]:
    """The kinds of all jobs that still have to run or wait for a person, and of all schedules."""
    jobs = select(Job.kind).where(Job.state != _DONE).distinct()
    return {*connection.execute(jobs).scalars(), *connection.execute(select(Schedule.kind)).scalars()}


def recall(connection: Connection, kinds: Collection[str], now: datetime) -> int:
    """Make jobs ready that an older version parked because it did not know their kind; returns how many."""
    found = update(Job).where(Job.state == _PARKED, Job.error_kind == UNKNOWN_KIND, Job.kind.in_(kinds))
    fresh = {"failures": 0, "error_kind": "", "error": "", "cause": "", "finished_at": None}
    return connection.execute(found.values(state=_READY, run_at=now, **fresh)).rowcount
