"""Work for later, written in the caller's own transaction: it exists exactly if what caused it exists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from jobs.tables import Job, JobState
from model.writes import Write

_TABLE: Table = Job.metadata.tables[Job.__tablename__]
#: What a new job has of its own, and what all of them begin with.
_OWN = ("kind", "queue", "payload", "lane", "dedupe_key", "run_at", "created_at")
_FRESH: dict[str, Any] = {
    "state": JobState.READY.value,
    "attempt": 0,
    "failures": 0,
    "error_kind": "",
    "error": "",
    "cause": "",
}
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
    rows = [_row(job, now) | _FRESH for job in jobs]
    if any(row["dedupe_key"] is not None for row in rows):
        connection.execute(_INSERT_ONCE[connection.dialect.name], rows)
    elif rows:
        connection.execute(_INSERT, rows)


def write(jobs: Sequence[NewJob], now: datetime) -> Write:
    """Jobs to be written together with other rows. Raises ValueError for one whose key could be there already."""
    if any(job.dedupe_key is not None for job in jobs):
        raise ValueError("a key that was seen before makes a job not happen: enqueue it")
    rows = (_row(job, now) for job in jobs)
    parameters = {f"job{place}_{name}": value for place, row in enumerate(rows) for name, value in row.items()}
    return Write(_insert_so_many(len(jobs)), parameters)


@cache
def _insert_so_many(count: int) -> Insert:
    """Rows that keep their order. SQLAlchemy would compile several VALUES anew at every call, but not a UNION."""
    fixed: list[ColumnElement[Any]] = [
        literal_column(str(value) if isinstance(value, int) else f"'{value}'") for value in _FRESH.values()
    ]
    rows = (
        select(*(bindparam(f"job{place}_{name}", type_=_TABLE.c[name].type) for name in _OWN), *fixed)
        for place in range(count)
    )
    return insert(_TABLE).from_select([*_OWN, *_FRESH], union_all(*rows))


def _row(job: NewJob, now: datetime) -> dict[str, Any]:
    return {
        "kind": job.kind,
        "queue": job.queue,
        "payload": job.payload,
        "lane": job.lane,
        "dedupe_key": job.dedupe_key,
        "run_at": job.run_at or now,
        "created_at": now,
    }


def forget_done(connection: Connection, before: datetime) -> int:
    """Delete jobs done before an instant; returns how many. Their dedupe keys are forgotten with them."""
    done = delete(Job).where(Job.state == JobState.DONE, Job.finished_at < before)
    return connection.execute(done).rowcount
