"""Real processes killed with SIGKILL at each step of a job: the job completes, its effect happens, it finishes once.

The file is also the program that is killed: its `main` works until the named step, says so, and waits.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select

from jobs.clock import Clock, ScheduleSpec
from jobs.outbox import NewJob, enqueue
from jobs.retry import Failure
from jobs.tables import Job, Schedule
from jobs.worker import JobRun, Worker
from model.events import Event, Happened, Seal, Tag, Unsealed
from model.seal import seal, verify_database
from model.session import Database, make_engine
from tests.recovery.service_forks import Forks

FAR = datetime(2999, 1, 1, tzinfo=UTC)
SCHEDULE = ScheduleSpec("sync", "*/5 * * * *", "UTC", "sync", "graph")
#: Step -> how many effects there are in the end, and how many times the job was claimed.
STEPS = {
    "claiming": (1, 1),  # inside the claim's transaction: it never happened
    "claimed": (1, 2),
    "during": (1, 2),
    "after effect": (2, 2),
    "finishing": (2, 2),  # finish written, not committed: the result row is gone with it
    "finished": (1, 1),
}


def now() -> datetime:
    return datetime.now(UTC)


def classify(error: Exception) -> Failure:
    return Failure("transient", repr(error), "in the test")


def job_handler(effects: Path, reached: Any) -> Any:
    """A handler with an effect outside the database and a result inside it; `reached` is told of each step."""

    def handler(payload: dict[str, Any], run: JobRun) -> None:
        reached("claimed")
        reached("during")
        with effects.open("a") as file:
            file.write(f"{payload['n']}\n")
        reached("after effect")
        with run.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("result", "local", payload, run_at=FAR)], run.now())
            run.finish(work)
            reached("finishing")
            work.commit()
        reached("finished")

    return handler


def stop_here() -> None:
    """Say that the step is reached and wait to be killed."""
    sys.stdout.write("reached\n")
    sys.stdout.flush()
    threading.Event().wait(120)


def main(words: list[str]) -> int:
    """The program that is killed."""
    what, url, step = words[:3]
    effects = Path(words[3])
    database = Database(make_engine(url))

    def reached(here: str) -> None:
        if here == step:
            stop_here()

    if step == "claiming":

        @event.listens_for(database.engine, "commit")
        def _before_commit(_connection: Connection) -> None:
            stop_here()

    owner = f"victim:{os.getpid()}"
    if what == "job":
        handlers = {"a": job_handler(effects, reached)}
        Worker(database, handlers, now=now, classify=classify, limits={}, owner=owner).run_once()
    elif what == "many":
        handlers = {"a": job_handler(effects, reached)}
        worker = Worker(
            database, handlers, now=now, classify=classify, limits={}, owner=owner, lease_seconds=0.6, poll_seconds=0.02
        )
        sys.stdout.write("reached\n")
        sys.stdout.flush()
        worker.run(threading.Event())
    elif what == "clock":
        Clock(database, [SCHEDULE], now).tick(now() + timedelta(minutes=6))
    elif what == "seal":
        seal(database, now())
    return 0


class Victims:
    """Starts the program above."""

    def __init__(self, forks: Forks, folder: Path) -> None:
        self._forks, self._folder = forks, folder

    @contextmanager
    def at(self, what: str, url: str, step: str, effects: Path) -> Iterator[None]:
        """The program at its step; killed on leaving."""
        said = self._folder / "said"
        said.unlink(missing_ok=True)
        environment = {"PATH": os.environ["PATH"]}
        process = self._forks.start([what, url, step, str(effects)], environment, self._folder, said, module=__name__)
        try:
            while said.read_text() != "reached\n":
                assert process.poll() is None, said.read_text()
                threading.Event().wait(0.005)
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(20)


@pytest.fixture
def victims(forks: Forks, tmp_path: Path) -> Victims:
    return Victims(forks, tmp_path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(make_engine(database_url))
    yield found
    found.dispose()


def finished_and_results(database: Database) -> tuple[list[tuple[str, int]], int]:
    with database.reading() as connection:
        jobs = connection.execute(select(Job.state, Job.attempt).where(Job.kind == "a").order_by(Job.id)).all()
        results = connection.execute(select(func.count()).where(Job.kind == "result")).scalar_one()
    return [(str(state), attempt) for state, attempt in jobs], results


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_job_still_completes_once(
    database: Database, database_url: str, victims: Victims, tmp_path: Path, step: str
) -> None:
    effects = tmp_path / "effects"
    effects.touch()
    with database.unit_of_work() as work:
        enqueue(work.connection, [NewJob("a", "local", {"n": 1}, lane="l")], now())
        work.commit()
    with victims.at("job", database_url, step, effects):
        pass

    def survivor(clock: Any, owner: str) -> Worker:
        handlers = {"a": job_handler(effects, lambda _step: None)}
        return Worker(database, handlers, now=clock, classify=classify, limits={}, owner=owner)

    if step not in ("claiming", "finished"):
        assert survivor(now, "early").drain() == 0, "the lease still holds"
    survivor(lambda: now() + timedelta(seconds=61), "late").drain()

    wanted_effects, wanted_attempts = STEPS[step]
    assert finished_and_results(database) == ([("done", wanted_attempts)], 1)
    assert len(effects.read_text().splitlines()) == wanted_effects


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(
    database: Database, database_url: str, victims: Victims, tmp_path: Path
) -> None:
    total, effects = 150, tmp_path / "effects"
    effects.touch()
    with database.unit_of_work() as work:
        lanes = [NewJob("a", "local", {"n": n}, lane=f"l{n % 40}") for n in range(total)]
        enqueue(work.connection, lanes, now())
        work.commit()
    pause, dice = threading.Event(), random.Random(7)
    for kill in range(4):
        with victims.at("many", database_url, "none", effects):
            while len(effects.read_text().splitlines()) < 15 * (kill + 1):  # at work, and far from the end
                assert not pause.wait(0.005)
            pause.wait(dice.uniform(0, 0.02))
    handlers = {"a": job_handler(effects, lambda _step: None)}
    later = Worker(
        database, handlers, now=lambda: now() + timedelta(hours=1), classify=classify, limits={}, owner="last"
    )
    later.drain()
    jobs, results = finished_and_results(database)
    assert {state for state, _ in jobs} == {"done"}
    assert results == total
    assert set(Counter(effects.read_text().split())) == {str(n) for n in range(total)}


def test_a_clock_killed_inside_its_move_leaves_the_turn_to_another(
    database: Database, database_url: str, victims: Victims, tmp_path: Path
) -> None:
    clock = Clock(database, [SCHEDULE], now)
    clock.ensure(now())
    with database.reading() as connection:
        due = connection.execute(select(Schedule.next_run_at)).scalar_one()
    with victims.at("clock", database_url, "claiming", tmp_path / "none"):
        pass
    with database.reading() as connection:
        assert connection.execute(select(Schedule.next_run_at)).scalar_one() == due
    assert clock.tick(due) == 1
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Job)).scalar_one() == 1


def record(database: Database, happened: list[Happened]) -> None:
    with database.unit_of_work() as work:
        work.record(happened, now())
        work.commit()


def test_a_sealer_killed_before_its_commit_leaves_the_chain_whole(
    database: Database, database_url: str, victims: Victims, tmp_path: Path
) -> None:
    happened = [Happened(Tag.SEAT_GIVEN, "clock", f"seat:{n}") for n in range(20)]
    record(database, happened[:5])
    assert seal(database, now()) == 5
    record(database, happened[5:])
    with victims.at("seal", database_url, "claiming", tmp_path / "none"):
        pass
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Seal)).scalar_one() == 5
        assert connection.execute(select(func.count()).select_from(Unsealed)).scalar_one() == 15
    assert seal(database, now()) == 15
    assert verify_database(database).ok
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Event)).scalar_one() == 20
