"""The tables of durable work. Nothing here knows about licences."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime


class JobState(enum.StrEnum):
    READY = "ready"  # to be run at `run_at` or later
    RUNNING = "running"  # leased by `owner` until `lease_until`
    DONE = "done"
    PARKED = "parked"  # given up; a person decides


class Job(Base):
    """One piece of work outside a transaction. `lane` keeps jobs of one thing apart in time (one runs at a time)."""

    __tablename__ = "job"
    __table_args__ = (
        Index(
            "ix_job_ready",  # the claim
            "run_at",
            "id",
            sqlite_where=text("state = 'ready'"),
            postgresql_where=text("state = 'ready'"),
        ),
        Index(
            "ix_job_running",  # expired leases, busy lanes
            "lease_until",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index(
            "ix_job_parked", "cause", sqlite_where=text("state = 'parked'"), postgresql_where=text("state = 'parked'")
        ),
        Index(
            "ix_job_lane",  # who is before me in my lane
            "lane",
            "id",
            sqlite_where=text("state <> 'done'"),
            postgresql_where=text("state <> 'done'"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    queue: Mapped[str] = mapped_column(String(20))  # slack, graph, servicenow, mail, local: limits count per queue
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    lane: Mapped[str | None] = mapped_column(String(80))
    dedupe_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    state: Mapped[JobState] = mapped_column(String(10), default=JobState.READY)
    run_at: Mapped[datetime] = mapped_column(UtcTime)
    attempt: Mapped[int] = mapped_column(default=0)  # grows at each claim; fences a late finisher
    failures: Mapped[int] = mapped_column(default=0)  # answers that count against the limit
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    error_kind: Mapped[str] = mapped_column(String(20), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    cause: Mapped[str] = mapped_column(String(200), default="")  # groups parked jobs: one note per cause
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Schedule(Base):
    """Something that happens again and again. Whoever moves `next_run_at` forward inserts the job."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    cron: Mapped[str] = mapped_column(String(100))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    kind: Mapped[str] = mapped_column(String(60))  # of the job it makes
    queue: Mapped[str] = mapped_column(String(20))
    next_run_at: Mapped[datetime] = mapped_column(UtcTime)
    last_run_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RateWindow(Base):
    """How many jobs of a queue were started in a part of its limit's window, shared by all processes."""

    __tablename__ = "rate_window"

    queue: Mapped[str] = mapped_column(String(20), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(UtcTime, primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class QueueHold(Base):
    """A queue whose system told us to wait (Retry-After); closed for every process until then."""

    __tablename__ = "queue_hold"

    queue: Mapped[str] = mapped_column(String(20), primary_key=True)
    closed_until: Mapped[datetime] = mapped_column(UtcTime)
