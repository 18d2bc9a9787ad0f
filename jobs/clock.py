"""The clock: schedule rows hold when something is next due; whoever moves one forward inserts its job.

Every process may run a clock. The move is a compare-and-set in the transaction that inserts the job, so two clocks
fire once and a crash loses nothing. After an outage there is one job, not one per missed turn; its payload says since
when it was due. APScheduler only wakes us: its own job store fires twice with two processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from jobs.outbox import NewJob, enqueue
from jobs.ports import Database
from jobs.tables import Job, JobState, Schedule

log = structlog.get_logger(__name__)

FIELDS = ("second", "minute", "hour", "day", "month", "day_of_week")
_STORED = select(Schedule.name, Schedule.cron, Schedule.time_zone, Schedule.kind, Schedule.queue)


@dataclass(frozen=True)
class ScheduleSpec:
    """Something that happens again and again: a job of `kind` at the times of `cron` in `time_zone`.

    `cron` has five fields, or six with seconds first. Weekdays are names (`mon-fri`), because numbers mean different
    days to different programs. Raises ValueError when the cron or the zone cannot be read.
    """

    name: str
    cron: str
    time_zone: str
    kind: str
    queue: str

    def __post_init__(self) -> None:
        _ = self.trigger  # or raise

    @property
    def lane(self) -> str:
        return f"schedule:{self.name}"

    @cached_property
    def trigger(self) -> Any:
        """APScheduler's reading of the cron; made once."""
        fields = self.cron.split()
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ValueError(f"schedule {self.name}: {self.cron!r} has neither five fields nor six")
        if any(sign.isdigit() for sign in fields[5].rpartition("/")[0] or fields[5]):
            raise ValueError(f"schedule {self.name}: write weekdays of {self.cron!r} as names, such as mon-fri")
        try:
            return CronTrigger(**dict(zip(FIELDS, fields, strict=True)), timezone=ZoneInfo(self.time_zone))
        except KeyError as error:
            raise ValueError(f"schedule {self.name}: there is no time zone {self.time_zone!r}") from error

    def after(self, instant: datetime) -> datetime:
        """The first due time strictly later than `instant`."""
        found: datetime | None = self.trigger.get_next_fire_time(instant, instant)
        if found is None:
            raise ValueError(f"schedule {self.name}: {self.cron!r} never comes again")
        return found


class Clock:
    """Turns due schedules into jobs. `wake` is called after jobs were inserted."""

    def __init__(
        self,
        database: Database,
        schedules: Sequence[ScheduleSpec],
        now: Callable[[], datetime],
        wake: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._specs = {spec.name: spec for spec in schedules}
        if len(self._specs) != len(schedules):
            raise ValueError("two schedules share a name")
        self._now = now
        self._wake = wake
        self._scheduler: BackgroundScheduler | None = None

    def ensure(self, now: datetime) -> None:
        """Write rows for new schedules, bring changed ones in line and drop those this version has no more.

        A row that is right keeps its next due time.
        """
        with self._database.unit_of_work() as work:
            insert: Any = {"sqlite": sqlite_insert, "postgresql": postgres_insert}[work.connection.dialect.name]
            held = {row.name: row for row in work.connection.execute(_STORED)}
            if held.keys() - self._specs.keys():
                work.connection.execute(delete(Schedule).where(Schedule.name.not_in(self._specs)))
            new = []
            for spec in self._specs.values():
                row: dict[str, Any] = {"cron": spec.cron, "time_zone": spec.time_zone}
                row |= {"kind": spec.kind, "queue": spec.queue}
                known = held.get(spec.name)
                if known is None:
                    new.append({"name": spec.name, **row, "next_run_at": spec.after(now)})
                elif row != {name: known._mapping[name] for name in row}:
                    as_read = [Schedule.cron == known.cron, Schedule.time_zone == known.time_zone]
                    if (known.cron, known.time_zone) != (spec.cron, spec.time_zone):
                        row["next_run_at"] = spec.after(now)
                    mine = update(Schedule).where(Schedule.name == spec.name, *as_read)
                    work.connection.execute(mine.values(**row))
            if new:  # another process that starts now may have written them meanwhile
                work.connection.execute(insert(Schedule).on_conflict_do_nothing(), new)
            work.commit()

    def tick(self, now: datetime) -> int:
        """Fire what is due; returns how many schedules this clock, and no other, moved forward."""
        due = select(Schedule.name, Schedule.next_run_at).where(Schedule.next_run_at <= now).order_by(Schedule.name)
        with self._database.reading() as connection:
            rows = [row for row in connection.execute(due) if row.name in self._specs]
        return sum(self._fire(self._specs[row.name], row.next_run_at, now) for row in rows)

    def _fire(self, spec: ScheduleSpec, due: datetime, now: datetime) -> bool:
        following = spec.after(now)
        with self._database.unit_of_work() as work:
            mine = update(Schedule).where(Schedule.name == spec.name, Schedule.next_run_at == due)
            if work.connection.execute(mine.values(next_run_at=following, last_run_at=now)).rowcount != 1:
                return False  # another clock was first
            if not self._waiting(work.connection, spec):
                payload = {"schedule": spec.name, "due_at": due.isoformat()}
                key = f"{spec.lane}:{due.isoformat()}"
                job = NewJob(spec.kind, spec.queue, payload, lane=spec.lane, dedupe_key=key)
                enqueue(work.connection, [job], now)
                if self._wake is not None:
                    work.after_commit(self._wake)
            work.commit()
        return True

    def _waiting(self, connection: Connection, spec: ScheduleSpec) -> bool:
        """An earlier turn that has not begun, or waits to be tried again, stands for this one too."""
        waiting = exists().where(Job.lane == spec.lane, Job.state != JobState.DONE, Job.state == JobState.READY)
        return bool(connection.execute(select(waiting)).scalar_one())

    def start(self, every_seconds: float = 1.0) -> None:
        """Tick in the background until `stop()`."""
        self.ensure(self._now())
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._scheduler.add_job(
            self._tick_safely,
            "interval",
            seconds=every_seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """End the background ticking, after a tick under way."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def _tick_safely(self) -> None:
        try:
            self.tick(self._now())
        except Exception:
            log.exception("clock tick failed")  # the database may be away; what is due stays due
