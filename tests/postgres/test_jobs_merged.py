"""Several jobs that would do the same wait in one lane: one runs for all, and none that came after it began is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from jobs.outbox import NewJob, enqueue
from jobs.retry import Failure
from jobs.tables import Job
from jobs.worker import JobRun, Worker
from model.session import Database, make_engine

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(make_engine(database_url))
    yield made
    made.dispose()


def put(database: Database, *jobs: NewJob) -> None:
    with database.unit_of_work() as work:
        enqueue(work.connection, jobs, NOW)
        work.commit()


def states(database: Database) -> list[tuple[int, str, int]]:
    with database.reading() as connection:
        rows = connection.execute(select(Job.id, Job.state, Job.attempt).order_by(Job.id))
        return [(row.id, str(row.state), row.attempt) for row in rows]


def card(number: int, at: datetime | None = None) -> NewJob:
    return NewJob("card.show", "slack", {"card": number}, lane=f"card:{number}", run_at=at)


def test_one_run_does_for_all_that_wait_and_later_ones_run_again(database: Database) -> None:
    ran: list[int] = []

    def show(payload: dict[str, int], run: JobRun) -> None:
        ran.append(payload["card"])
        if len(ran) == 1:
            put(database, card(1))  # a change committed while the first run is under way: it may not have seen it

    worker = Worker(
        database, {"card.show": show, "other": show}, now=lambda: NOW, limits={}, owner="w:1:1",
        classify=lambda error: Failure("bug", repr(error), "in the test"), merged={"card.show"},
    )  # fmt: skip
    put(database, card(1), card(1), card(1, NOW + timedelta(hours=1)), card(2), card(2))
    put(database, NewJob("other", "slack", {"card": 1}, lane="card:1"))
    worker.drain()
    assert sorted(ran) == [1, 1, 1, 2]  # card 1 twice, the job of another kind, card 2 once
    left = [state for _, state, _ in states(database)]
    assert left == ["done", "done", "ready", "done", "done", "done", "done"]


def test_a_run_that_fails_comes_again_for_all(database: Database) -> None:
    tries: list[int] = []

    def show(payload: dict[str, int], run: JobRun) -> None:
        tries.append(payload["card"])
        if len(tries) == 1:
            raise RuntimeError("hung up")

    now = [NOW]
    worker = Worker(
        database, {"card.show": show}, now=lambda: now[0], limits={}, owner="w:1:1",
        classify=lambda error: Failure("transient", repr(error), "in the test"), merged={"card.show"},
    )  # fmt: skip
    put(database, card(1), card(1), card(1))
    worker.drain()
    assert [state for _, state, _ in states(database)] == ["ready", "done", "done"]
    now[0] += timedelta(minutes=1)
    worker.drain()
    assert tries == [1, 1]
    assert {state for _, state, _ in states(database)} == {"done"}
