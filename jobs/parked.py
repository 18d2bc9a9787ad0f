"""What a person sees of the work: parked jobs grouped by cause, the way to run them again, and counts for metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from jobs.ports import Work
from jobs.tables import Job, JobState


@dataclass(frozen=True)
class ParkedCause:
    """Jobs given up for one and the same cause. `words` are the latest job's."""

    cause: str
    error_kind: str
    words: str
    kinds: tuple[str, ...]
    queues: tuple[str, ...]
    ids: tuple[int, ...]
    first_at: datetime
    last_at: datetime


def parked(connection: Connection, cause: str | None = None) -> list[ParkedCause]:
    """All parked jobs by cause, the cause with the oldest first; or those of one cause."""
    columns = (Job.id, Job.cause, Job.error_kind, Job.error, Job.kind, Job.queue, Job.finished_at, Job.created_at)
    query = select(*columns).where(Job.state == JobState.PARKED).order_by(Job.id)
    if cause is not None:
        query = query.where(Job.cause == cause)
    groups: dict[str, list[tuple[datetime, int, str, str, str, str]]] = {}
    for row in connection.execute(query):
        at = row.finished_at or row.created_at
        groups.setdefault(row.cause, []).append((at, row.id, row.error_kind, row.error, row.kind, row.queue))
    found = []
    for name, rows in groups.items():
        first, last = min(rows), max(rows)
        kinds, queues = sorted({row[4] for row in rows}), sorted({row[5] for row in rows})
        ids = tuple(row[1] for row in rows)
        found.append(ParkedCause(name, last[2], last[3], tuple(kinds), tuple(queues), ids, first[0], last[0]))
    return sorted(found, key=lambda group: group.first_at)


def run_again(work: Work, ids: Collection[int], now: datetime) -> int:
    """Make parked jobs due now, their failures forgotten; others stay as they are. Returns how many."""
    fresh = {"failures": 0, "error_kind": "", "error": "", "cause": "", "finished_at": None}
    again = update(Job).where(Job.id.in_(ids), Job.state == JobState.PARKED)
    return work.connection.execute(again.values(state=JobState.READY, run_at=now, **fresh)).rowcount


@dataclass(frozen=True)
class Counts:
    """`jobs` by (queue, state), done ones left out; `oldest_due_seconds` by queue: how long the first one waits."""

    jobs: dict[tuple[str, str], int]
    oldest_due_seconds: dict[str, float]


def counts(connection: Connection, now: datetime) -> Counts:
    """The figures of /metrics."""
    by_state = select(Job.queue, Job.state, func.count()).where(Job.state != JobState.DONE)
    oldest = select(Job.queue, func.min(Job.run_at)).where(Job.state == JobState.READY, Job.run_at <= now)
    return Counts(
        jobs={
            (queue, str(state)): n for queue, state, n in connection.execute(by_state.group_by(Job.queue, Job.state))
        },
        oldest_due_seconds={
            queue: (now - at).total_seconds() for queue, at in connection.execute(oldest.group_by(Job.queue))
        },
    )
