"""Work for later, written in the caller's own transaction: it exists exactly if what caused it exists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from jobs.tables import Job, JobState

_TABLE: Table = Job.metadata.tables[Job.__tablename__]
#: Built once: this is on the path of a Slack press. SQLAlchemy compiles ON CONFLICT anew at every call, so it is asked
#: for only where a key could be there already.
_INSERT = insert(_TABLE)
_INSERT_ONCE = {
    "sqlite": sqlite_insert(_TABLE).on_conflict_do_nothing(index_elements=["dedupe_key"]),
    "postgresql": postgres_insert(_TABLE).on_conflict_do_nothing(index_elements=["dedupe_key"]),
}


@dataclass(frozen=True)
class NewJob:
    """One piece of work. `kind` is stored: read a new name twice, and keep the old one known when you rename.

    `queue` is the outside system whose rate it counts against. Jobs of one `lane` run one at a time, in the order of
    their ids among those due. A `dedupe_key` seen before, ever, makes this job not happen. Without `run_at` it is due
    at once.
    """

    kind: str
    queue: str
    payload: dict[str, Any] = field(default_factory=dict)
    lane: str | None = None
    dedupe_key: str | None = None
    run_at: datetime | None = None


def enqueue(connection: Connection, jobs: Iterable[NewJob], now: datetime) -> None:
    """Write jobs in the caller's transaction. Wake a worker from `after_commit`, or it looks by itself soon."""
    rows = [
        {
            "kind": job.kind,
            "queue": job.queue,
            "payload": job.payload,
            "lane": job.lane,
            "dedupe_key": job.dedupe_key,
            "state": JobState.READY.value,
            "run_at": job.run_at or now,
            "attempt": 0,
            "failures": 0,
            "error_kind": "",
            "error": "",
            "cause": "",
            "created_at": now,
        }
        for job in jobs
    ]
    if any(row["dedupe_key"] is not None for row in rows):
        connection.execute(_INSERT_ONCE[connection.dialect.name], rows)
    elif rows:
        connection.execute(_INSERT, rows)


def forget_done(connection: Connection, before: datetime) -> int:
    """Delete jobs done before an instant; returns how many. Their dedupe keys are forgotten with them."""
    done = delete(Job).where(Job.state == JobState.DONE, Job.finished_at < before)
    return connection.execute(done).rowcount
