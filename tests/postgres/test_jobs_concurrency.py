"""Several workers and clocks on one database at the same moment: nothing twice, no lane doubled, no window exceeded."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from jobs import claim
from jobs.clock import Clock, ScheduleSpec
from jobs.limits import Limit
from jobs.outbox import NewJob, enqueue
from jobs.retry import Failure
from jobs.tables import Job, JobState
from jobs.worker import JobRun, Worker
from model.session import Database, make_engine

WORKERS = 4


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(make_engine(database_url))
    yield found
    found.dispose()


def now() -> datetime:
    return datetime.now(UTC)


def add(database: Database, jobs: list[NewJob]) -> None:
    with database.unit_of_work() as work:
        enqueue(work.connection, jobs, now())
        work.commit()


def at_once(count: int, do: Callable[[int], None]) -> None:
    """Run `do` in so many threads that begin at the same moment; the first error is raised here."""
    gate, errors = threading.Barrier(count), list[Exception]()

    def one(number: int) -> None:
        gate.wait()
        try:
            do(number)
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def take(connection: Connection, owner: str, most: int, limits: dict[str, Limit] | None = None) -> list[claim.Claimed]:
    lease = timedelta(minutes=1)
    return claim.claim(connection, owner=owner, lease=lease, most=most, limits=limits or {}, running_here={}, now=now())


def work_through(url: str, owner: str, out: Any) -> None:
    """A process of its own: claims until nothing is left and says which jobs it had."""
    database = Database(make_engine(url))
    seen: list[int] = []
    worker = Worker(
        database,
        {"a": lambda payload, _run: seen.append(payload["n"])},
        now=now,
        classify=lambda error: Failure("bug", str(error), "bug"),
        limits={},
        owner=owner,
        batch=3,
    )
    worker.drain()
    out.put(seen)
    database.dispose()


def test_processes_share_the_work_and_no_job_runs_twice(database: Database, database_url: str) -> None:
    total = 120
    add(database, [NewJob("a", "local", {"n": n}) for n in range(total)])
    context = multiprocessing.get_context("spawn")
    out: Any = context.Queue()
    processes = [context.Process(target=work_through, args=(database_url, f"p{n}", out)) for n in range(WORKERS)]
    for process in processes:
        process.start()
    seen = [number for _ in processes for number in out.get(timeout=60)]
    for process in processes:
        process.join(30)
    assert sorted(seen) == list(range(total))
    with database.reading() as connection:
        attempts = connection.execute(select(func.min(Job.attempt), func.max(Job.attempt))).one()
        states = connection.execute(select(Job.state).distinct()).scalars().all()
    assert (tuple(attempts), states) == ((1, 1), ["done"])


def test_claims_at_the_same_moment_never_hold_one_job_twice(database: Database) -> None:
    add(database, [NewJob("a", "local", {"n": n}) for n in range(100)])
    held: list[int] = []

    def claims(number: int) -> None:
        while True:
            with database.unit_of_work() as work:
                jobs = take(work.connection, f"w{number}", 4)
                work.commit()
            if not jobs:
                return
            held.extend(job.id for job in jobs)

    at_once(WORKERS, claims)
    assert len(held) == 100
    assert max(Counter(held).values()) == 1


def test_a_lane_is_never_doubled_however_many_claim(database: Database) -> None:
    lanes = 5
    add(database, [NewJob("a", "local", {"n": n}, lane=f"lane:{n % lanes}") for n in range(60)])
    guard, busy, order = threading.Lock(), Counter[int](), dict[int, list[int]]()

    def handler(payload: dict[str, Any], run: JobRun) -> None:
        lane = payload["n"] % lanes
        with guard:
            busy[lane] += 1
            assert busy[lane] == 1, "two of one lane at once"
            order.setdefault(lane, []).append(payload["n"])
        with database.reading() as connection:  # something that takes a moment
            running = connection.execute(select(Job.lane).where(Job.state == JobState.RUNNING)).scalars().all()
            assert max(Counter(running).values()) == 1
        with guard:
            busy[lane] -= 1

    def runs(number: int) -> None:
        worker = Worker(
            database,
            {"a": handler},
            now=now,
            classify=lambda error: Failure("refused", repr(error), "broken"),
            limits={},
            owner=f"w{number}",
        )
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            worker.drain()
            with database.reading() as connection:
                left = select(func.count()).where(Job.state.in_([JobState.READY, JobState.RUNNING]))
                if connection.execute(left).scalar_one() == 0:
                    return
        raise AssertionError("not finished")

    at_once(WORKERS, runs)
    with database.reading() as connection:
        assert connection.execute(select(Job.error).where(Job.state != JobState.DONE)).all() == []
    assert all(numbers == sorted(numbers) for numbers in order.values())


def test_a_window_is_not_exceeded_by_claims_at_the_same_moment(database: Database) -> None:
    add(database, [NewJob("a", "graph", {"n": n}) for n in range(50)])
    taken: list[int] = []

    def claims(number: int) -> None:
        for _ in range(5):
            with database.unit_of_work() as work:
                jobs = take(work.connection, f"w{number}", 3, {"graph": Limit(7, 600)})
                work.commit()
            taken.extend(job.id for job in jobs)

    at_once(WORKERS, claims)
    assert len(taken) == 7


def test_an_expired_lease_is_taken_over_by_one(database: Database) -> None:
    add(database, [NewJob("a", "local")])
    with database.unit_of_work() as work:
        [first] = take(work.connection, "gone", 1)
        claim.renew(work.connection, first, now() - timedelta(seconds=1))
        work.commit()
    taken: list[claim.Claimed] = []

    def claims(number: int) -> None:
        with database.unit_of_work() as work:
            taken.extend(take(work.connection, f"w{number}", 5))
            work.commit()

    at_once(WORKERS, claims)
    assert [job.attempt for job in taken] == [2]


def test_a_holding_is_known_by_its_owner_as_well_as_its_attempt(database: Database) -> None:
    add(database, [NewJob("a", "local")])
    with database.unit_of_work() as work:
        [mine] = take(work.connection, "me", 1)
        work.commit()
    for other in (replace(mine, owner="you"), replace(mine, attempt=0), replace(mine, id=mine.id + 1)):
        with database.unit_of_work() as work, pytest.raises(claim.StaleLease):
            claim.finish(work.connection, other, now())
    with database.unit_of_work() as work:
        claim.finish(work.connection, mine, now())
        with pytest.raises(claim.StaleLease):
            claim.renew(work.connection, mine, now())
        work.commit()


def test_clocks_in_step_fire_once(database: Database) -> None:
    specs = [ScheduleSpec(f"s{n}", "*/5 * * * *", "UTC", "sync", "graph") for n in range(6)]
    started = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
    fired: list[int] = []

    def ticks(_number: int) -> None:
        clock = Clock(database, specs, now)
        clock.ensure(started)
        fired.append(clock.tick(started + timedelta(minutes=5)))

    at_once(WORKERS, ticks)
    assert sum(fired) == len(specs)
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Job)).scalar_one() == len(specs)


def test_one_key_enqueued_at_the_same_moment_makes_one_job(database: Database) -> None:
    at_once(WORKERS, lambda number: add(database, [NewJob("a", "local", {"n": number}, dedupe_key="once")]))
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Job)).scalar_one() == 1


def test_a_job_whose_holder_is_just_finishing_does_not_block_the_claim(postgres_url: str) -> None:
    """On PostgreSQL a handler may hold its row's lock for long in its own unit of work; others must not wait for it."""
    database = Database(make_engine(postgres_url))
    add(database, [NewJob("a", "local", {"n": 1}), NewJob("a", "local", {"n": 2})])
    with database.unit_of_work() as work:
        [first] = take(work.connection, "slow", 1)
        claim.renew(work.connection, first, now() - timedelta(seconds=1))
        work.commit()
    with database.unit_of_work() as finishing:
        claim.finish(finishing.connection, first, now())
        with database.unit_of_work() as work:
            assert [job.payload["n"] for job in take(work.connection, "other", 5)] == [2]
            work.commit()
        finishing.commit()
    database.dispose()
