"""Schedules: when they are due, once after an outage, in local time across a clock change, followed when changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from sqlalchemy import event, select, update

from jobs.clock import Clock, ScheduleSpec
from jobs.tables import Job, JobState, Schedule
from model.session import Database, make_engine

NOW = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
SYNC = ScheduleSpec("sync", "*/5 * * * *", "UTC", "m365.sync", "graph")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    found = Database(make_engine(sqlite_url))
    yield found
    found.dispose()


def clock(database: Database, *specs: ScheduleSpec) -> Clock:
    return Clock(database, specs, lambda: NOW)


def jobs(database: Database) -> list[Job]:
    with database.unit_of_work() as work:
        return list(work.session.scalars(select(Job).order_by(Job.id)))


def next_run(database: Database, name: str) -> datetime:
    with database.reading() as connection:
        return connection.execute(select(Schedule.next_run_at).where(Schedule.name == name)).scalar_one()


def test_a_new_schedule_waits_for_its_first_time(database: Database) -> None:
    ticking = clock(database, SYNC)
    ticking.ensure(NOW)
    assert next_run(database, "sync") == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    assert ticking.tick(datetime(2026, 3, 2, 9, 4, 59, tzinfo=UTC)) == 0
    assert ticking.tick(datetime(2026, 3, 2, 9, 5, tzinfo=UTC)) == 1
    assert ticking.tick(datetime(2026, 3, 2, 9, 5, 1, tzinfo=UTC)) == 0
    [job] = jobs(database)
    assert (job.kind, job.queue, job.lane) == ("m365.sync", "graph", "schedule:sync")
    assert job.payload == {"schedule": "sync", "due_at": "2026-03-02T09:05:00+00:00"}


def test_after_an_outage_one_job_stands_for_all_missed_turns(database: Database) -> None:
    ticking = clock(database, SYNC)
    ticking.ensure(NOW)
    assert ticking.tick(datetime(2026, 3, 2, 11, 2, tzinfo=UTC)) == 1
    [job] = jobs(database)
    assert job.payload["due_at"] == "2026-03-02T09:05:00+00:00"
    assert next_run(database, "sync") == datetime(2026, 3, 2, 11, 5, tzinfo=UTC)


class Counted(ScheduleSpec):
    """Knows how often its cron was worked out."""

    asked: ClassVar[list[datetime]] = []

    def after(self, instant: datetime) -> datetime:
        self.asked.append(instant)
        return super().after(instant)


def test_a_very_long_outage_of_a_quick_schedule_is_caught_up_with_in_one_step(database: Database) -> None:
    ticking = clock(database, Counted("seal", "*/5 * * * * *", "UTC", "audit.seal", "local"))
    ticking.ensure(NOW)
    Counted.asked.clear()
    later = NOW + timedelta(days=30)
    assert ticking.tick(later) == 1
    assert later < next_run(database, "seal") <= later + timedelta(seconds=5)
    assert len(Counted.asked) == 1, "half a million missed turns are not walked through"


def test_a_start_writes_only_what_does_not_stand_right(database: Database) -> None:
    later = ScheduleSpec("late", "0 * * * *", "UTC", "late.kind", "local")
    clock(database, SYNC, later).ensure(NOW)
    written = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def see(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(statement.split()[0])

    clock(database, SYNC, later).ensure(NOW + timedelta(hours=1))
    assert written == []
    clock(database, replace(later, queue="slack"), replace(SYNC, name="new")).ensure(NOW + timedelta(hours=1))
    assert sorted(written) == ["DELETE", "INSERT", "UPDATE"]
    assert next_run(database, "late") == datetime(2026, 3, 2, 10, 0, tzinfo=UTC), "a new queue moves no time"


def test_turns_do_not_pile_up_behind_one_that_waits(database: Database) -> None:
    ticking = clock(database, SYNC)
    ticking.ensure(NOW)
    for minutes in (5, 10, 15):
        ticking.tick(NOW + timedelta(minutes=minutes))
    assert len(jobs(database)) == 1
    with database.unit_of_work() as work:
        work.connection.execute(update(Job).values(state=JobState.RUNNING))
        work.commit()
    ticking.tick(NOW + timedelta(minutes=20))
    assert len(jobs(database)) == 2, "a turn under way may have read too early for this one"


def test_nine_in_the_morning_is_nine_on_both_sides_of_summer_time() -> None:
    morning = ScheduleSpec("digest", "0 9 * * mon-fri", "Europe/Berlin", "digest", "slack")
    friday = morning.after(datetime(2026, 3, 27, 0, 0, tzinfo=UTC))
    monday = morning.after(friday)
    assert friday.astimezone(UTC) == datetime(2026, 3, 27, 8, 0, tzinfo=UTC)
    assert monday.astimezone(UTC) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


def test_a_new_version_that_changes_a_time_is_followed(database: Database) -> None:
    clock(database, SYNC).ensure(NOW)
    hourly = ScheduleSpec("sync", "0 * * * *", "UTC", "m365.sync_all", "graph")
    clock(database, hourly).ensure(NOW)
    assert next_run(database, "sync") == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    with database.reading() as connection:
        assert connection.execute(select(Schedule.kind)).scalar_one() == "m365.sync_all"


def test_a_schedule_the_new_version_has_no_more_is_dropped(database: Database) -> None:
    clock(database, SYNC, ScheduleSpec("old", "0 * * * *", "UTC", "old.kind", "local")).ensure(NOW)
    clock(database, SYNC).ensure(NOW)
    with database.reading() as connection:
        assert connection.execute(select(Schedule.name)).scalars().all() == ["sync"]


def test_starting_again_does_not_put_a_due_time_off(database: Database) -> None:
    clock(database, SYNC).ensure(NOW)
    clock(database, SYNC).ensure(NOW + timedelta(hours=1))
    assert next_run(database, "sync") == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize("cron", ["* * * *", "0 9 * * 1", "0 9 * * 1-5", "61 * * * *", "nonsense"])
def test_a_schedule_that_cannot_be_read_is_refused(cron: str) -> None:
    with pytest.raises(ValueError):
        ScheduleSpec("digest", cron, "UTC", "digest", "slack")


def test_an_unknown_zone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Europe/Atlantis"):
        ScheduleSpec("digest", "0 9 * * *", "Europe/Atlantis", "digest", "slack")


def test_two_schedules_of_one_name_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="share a name"):
        clock(database, SYNC, SYNC)


def test_the_background_ticks_and_wakes_the_worker(database: Database) -> None:
    woken = threading.Event()
    started = NOW
    times = iter([started])
    ticking = Clock(database, [SYNC], lambda: next(times, started + timedelta(minutes=5)), wake=woken.set)
    ticking.start(every_seconds=0.05)
    try:
        assert woken.wait(10)
    finally:
        ticking.stop()
    assert [job.kind for job in jobs(database)] == ["m365.sync"]
