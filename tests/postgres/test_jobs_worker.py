"""What a worker does with a job, on both databases: order, lanes, waiting, parking, fencing, renewal, wake-ups."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from jobs.claim import StaleLease
from jobs.limits import Limit
from jobs.outbox import NewJob, enqueue, forget_done
from jobs.parked import counts, parked, run_again
from jobs.ports import Work
from jobs.retry import Failure
from jobs.tables import Job, Schedule
from jobs.worker import Handler, JobRun, ParkedJob, Worker, unknown_kinds
from model.session import Database, make_engine

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Trouble(Exception):
    """Carries the failure it stands for."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


def classify(error: Exception) -> Failure:
    if isinstance(error, Trouble):
        return error.failure
    return Failure("bug", f"{type(error).__name__} in our own code.", f"bug {type(error).__name__}")


class House:
    """A database, a clock that stands still, and workers over them."""

    def __init__(self, url: str) -> None:
        self.database = Database(make_engine(url))
        self.now = START

    def add(self, *jobs: NewJob) -> None:
        with self.database.unit_of_work() as work:
            enqueue(work.connection, jobs, self.now)
            work.commit()

    def jobs(self) -> list[Job]:
        with self.database.unit_of_work() as work:
            return list(work.session.scalars(select(Job).order_by(Job.id)))

    def states(self) -> list[str]:
        return [job.state for job in self.jobs()]

    def worker(self, handlers: Mapping[str, Handler], **options: Any) -> Worker:
        settings: dict[str, Any] = {"limits": {}, "owner": "first", "jitter": lambda: 0.5} | options
        return Worker(self.database, handlers, now=lambda: self.now, classify=classify, **settings)


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    found = House(database_url)
    yield found
    found.database.dispose()


def fails(failure: Failure) -> Handler:
    def handler(_payload: dict[str, Any], _run: JobRun) -> None:
        raise Trouble(failure)

    return handler


def nothing(_payload: dict[str, Any], _run: JobRun) -> None:
    return None


def keeps(seen: list[Any]) -> Handler:
    def handler(payload: dict[str, Any], _run: JobRun) -> None:
        seen.append(payload["n"])

    return handler


# the outbox


def test_a_job_exists_only_if_its_transaction_does(house: House) -> None:
    with house.database.unit_of_work() as work:
        enqueue(work.connection, [NewJob("a", "local")], house.now)
    assert house.jobs() == []


def test_a_repeated_key_is_ignored_within_and_between_transactions(house: House) -> None:
    house.add(NewJob("a", "local", {"n": 1}, dedupe_key="k"), NewJob("a", "local", {"n": 2}, dedupe_key="k"))
    house.add(NewJob("a", "local", {"n": 3}, dedupe_key="k"), NewJob("a", "local", {"n": 4}))
    assert [job.payload["n"] for job in house.jobs()] == [1, 4]


def test_done_jobs_are_forgotten_and_others_kept(house: House) -> None:
    house.add(NewJob("a", "local"), NewJob("a", "local", run_at=START + timedelta(days=400)))
    house.worker({"a": nothing}).drain()
    with house.database.unit_of_work() as work:
        assert forget_done(work.connection, START) == 0
        assert forget_done(work.connection, START + timedelta(seconds=1)) == 1
        work.commit()
    assert house.states() == ["ready"]


# order


def test_jobs_run_by_their_time_then_by_their_age(house: House) -> None:
    early = START - timedelta(minutes=1)
    house.add(
        NewJob("a", "local", {"n": 1}),
        NewJob("a", "local", {"n": 2}, run_at=early),
        NewJob("a", "local", {"n": 3}),
        NewJob("a", "local", {"n": 4}, run_at=START + timedelta(seconds=1)),
    )
    seen: list[int] = []
    assert house.worker({"a": keeps(seen)}, batch=1).drain() == 3
    assert seen == [2, 1, 3]


def test_a_lane_runs_one_at_a_time_in_the_order_of_its_jobs(house: House) -> None:
    house.add(*[NewJob("a", "local", {"n": n}, lane="request:1") for n in range(3)], NewJob("a", "local", {"n": 9}))
    seen: list[int] = []
    worker = house.worker({"a": keeps(seen)})
    assert worker.run_once() == 2, "one of the lane, and the one without a lane"
    assert worker.drain() == 2
    assert seen == [0, 9, 1, 2]


def test_a_job_that_waits_for_its_day_does_not_hold_up_its_lane(house: House) -> None:
    house.add(NewJob("a", "local", {"n": 1}, lane="l", run_at=START + timedelta(days=3)))
    house.add(NewJob("a", "local", {"n": 2}, lane="l"))
    seen: list[int] = []
    house.worker({"a": keeps(seen)}).drain()
    assert seen == [2]


def test_a_lane_waits_while_one_of_it_runs_elsewhere(house: House) -> None:
    house.add(*[NewJob("a", "local", {"n": n}, lane="l") for n in range(2)])
    seen: list[int] = []
    second = house.worker({"a": keeps(seen)}, owner="second")

    def meanwhile(payload: dict[str, Any], _run: JobRun) -> None:
        assert second.run_once() == 0
        seen.append(payload["n"])

    house.worker({"a": meanwhile}, batch=1).run_once()
    assert second.run_once() == 1
    assert seen == [0, 1]


# results


def test_result_and_completion_are_one_transaction(house: House) -> None:
    house.add(NewJob("a", "local"))

    def forgets_to_commit(_payload: dict[str, Any], run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("result", "local", run_at=START + timedelta(days=1))], run.now())
            run.finish(work)

    house.worker({"a": forgets_to_commit}).drain()
    assert [(job.kind, job.state) for job in house.jobs()] == [("a", "done")], "finished by the worker, without result"

    def commits(_payload: dict[str, Any], run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("result", "local", run_at=START + timedelta(days=1))], run.now())
            run.finish(work)
            work.commit()
        raise ValueError("after the fact")

    house.add(NewJob("a", "local"))
    house.worker({"a": commits}).drain()
    assert [(job.kind, job.state) for job in house.jobs()] == [("a", "done"), ("a", "done"), ("result", "ready")]


@pytest.mark.parametrize("own_transaction", [True, False])
def test_waiting_for_something_is_no_failure(house: House, own_transaction: bool) -> None:
    house.add(NewJob("a", "local"))
    looks = 0

    def looks_again(_payload: dict[str, Any], run: JobRun) -> None:
        nonlocal looks
        looks += 1
        at = run.now() + timedelta(minutes=5)
        if not own_transaction:
            run.later(at)
            return
        with run.database.unit_of_work() as work:
            run.later(at, work)
            work.commit()

    worker = house.worker({"a": looks_again})
    for _ in range(300):
        worker.drain()
        house.now += timedelta(minutes=5)
    [job] = house.jobs()
    assert (looks, job.state, job.failures, job.attempt) == (300, "ready", 0, 300)


def test_a_refusal_is_parked_with_words_and_told_in_the_same_transaction(house: House) -> None:
    told: list[ParkedJob] = []

    def tell(work: Work, job: ParkedJob, now: datetime) -> None:
        told.append(job)
        enqueue(work.connection, [NewJob("note", "slack", dedupe_key=f"parked:{job.cause}", run_at=now)], now)

    house.add(*[NewJob("a", "graph", {"n": n}) for n in range(3)])
    refused = Failure(
        "refused", "Graph says: the app may not write group members.", "graph Authorization_RequestDenied"
    )
    house.worker({"a": fails(refused), "note": nothing}, on_parked=tell).drain()
    assert [job.payload["n"] for job in told] == [0, 1, 2]
    assert house.states() == ["parked", "parked", "parked", "done"], "one note for the one cause"
    with house.database.reading() as connection:
        [group] = parked(connection)
        assert counts(connection, house.now).jobs == {("graph", "parked"): 3}
    assert (group.words, group.cause, len(group.ids)) == (refused.words, refused.cause, 3)

    with house.database.unit_of_work() as work:
        assert run_again(work, group.ids[:2], house.now) == 2
        assert run_again(work, group.ids[:2], house.now) == 0, "they are not parked any more"
        work.commit()
    assert house.worker({"a": nothing}).drain() == 2
    assert house.states() == ["done", "done", "parked", "done"]


def test_our_own_bug_is_tried_three_times_with_pauses(house: House) -> None:
    house.add(NewJob("a", "local"))
    calls = 0

    def breaks(_payload: dict[str, Any], _run: JobRun) -> None:
        nonlocal calls
        calls += 1
        raise KeyError("seat")

    worker = house.worker({"a": breaks})
    for _ in range(10):
        worker.drain()
        house.now += timedelta(minutes=1)
    [job] = house.jobs()
    assert (calls, job.state, job.error_kind, job.cause) == (3, "parked", "bug", "bug KeyError")


def test_a_queue_told_to_wait_is_closed_for_everybody_and_others_go_on(house: House) -> None:
    house.add(*[NewJob("g", "graph", {"n": n}) for n in range(5)], NewJob("s", "slack", {"n": 7}))
    seen: list[int] = []
    told = Failure("rate_limited", "Graph asks to wait.", "graph 429", retry_after=120)
    house.worker({"g": fails(told), "s": keeps(seen)}, batch=1).drain()
    assert seen == [7]
    assert [job.attempt for job in house.jobs()] == [1, 0, 0, 0, 0, 1]
    other = house.worker({"g": keeps(seen), "s": nothing}, owner="second")
    house.now += timedelta(seconds=119)
    assert other.drain() == 0
    house.now += timedelta(seconds=1)
    assert other.drain() == 5
    assert all(job.failures == 0 and job.state == "done" for job in house.jobs())


def test_the_window_of_a_queue_is_shared_by_workers(house: House) -> None:
    house.add(*[NewJob("g", "graph", {"n": n}) for n in range(10)], NewJob("s", "slack", {"n": 99}))
    seen: list[int] = []
    limits = {"graph": Limit(3, 10)}
    workers = [house.worker({"g": keeps(seen), "s": keeps(seen)}, owner=name, limits=limits) for name in ("a", "b")]
    assert sum(worker.drain() for worker in workers) == 4
    assert 99 in seen, "another queue is not held up by a full one"
    house.now += timedelta(seconds=11)
    assert sum(worker.drain() for worker in workers) == 3


# leases


def test_a_late_finisher_changes_nothing(house: House) -> None:
    house.add(NewJob("a", "local"))
    errors: list[Exception] = []

    def slow(_payload: dict[str, Any], run: JobRun) -> None:
        house.now += timedelta(seconds=61)
        assert house.worker({"a": nothing}, owner="second").run_once() == 1
        with pytest.raises(StaleLease):
            run.heartbeat()
        with run.database.unit_of_work() as work:
            try:
                run.finish(work)
            except StaleLease as late:
                errors.append(late)
                raise

    house.worker({"a": slow}).run_once()
    [job] = house.jobs()
    assert (job.state, job.attempt, job.finished_at, len(errors)) == ("done", 2, START + timedelta(seconds=61), 1)


def test_a_failure_reported_late_changes_nothing_either(house: House) -> None:
    house.add(NewJob("a", "local"))

    def slow(_payload: dict[str, Any], _run: JobRun) -> None:
        house.now += timedelta(seconds=61)
        house.worker({"a": nothing}, owner="second").run_once()
        raise Trouble(Failure("refused", "no", "no"))

    house.worker({"a": slow}).run_once()
    assert house.states() == ["done"]


def test_a_holder_that_came_back_after_its_lease_may_still_finish(house: House) -> None:
    house.add(NewJob("a", "local"))

    def slow(_payload: dict[str, Any], _run: JobRun) -> None:
        house.now += timedelta(hours=1)

    house.worker({"a": slow}).run_once()
    assert house.states() == ["done"], "nobody else took it, so there is nothing to protect"


def test_a_job_that_ends_while_its_lease_is_being_renewed_has_lost_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal waits for the row, and then finds the job done: no warning to look into."""
    renewing, finished, beaten = threading.Event(), threading.Event(), threading.Event()
    heartbeat = JobRun.heartbeat

    def late(run: JobRun) -> None:
        renewing.set()
        assert finished.wait(10)
        try:
            heartbeat(run)
        finally:
            beaten.set()

    def handler(_payload: dict[str, Any], run: JobRun) -> None:
        assert renewing.wait(10)
        with house.database.unit_of_work() as work:
            run.finish(work)
            work.commit()
        finished.set()
        assert beaten.wait(10)
        threading.Event().wait(0.1)  # rounds more

    monkeypatch.setattr(JobRun, "heartbeat", late)
    house.add(NewJob("a", "local"))
    with capture_logs() as lines:
        house.worker({"a": handler}, lease_seconds=0.06).run_once()
    assert house.states() == ["done"] and lines == []


def test_a_job_that_somebody_else_took_over_is_said_to_be_lost(house: House) -> None:
    said = threading.Event()

    def handler(_payload: dict[str, Any], run: JobRun) -> None:
        if run.attempt == 1:
            house.now += timedelta(seconds=5)
            assert house.worker({"a": nothing}, owner="second").run_once() == 1
            for _ in range(400):
                if any(line["event"] == "lease lost" for line in lines):
                    return
                said.wait(0.025)

    house.add(NewJob("a", "local"))
    with capture_logs() as lines:
        house.worker({"a": handler}, lease_seconds=0.06).run_once()
    assert [line["event"] for line in lines] == ["lease lost", "late finish ignored"]


def test_the_lease_is_renewed_while_a_handler_runs(house: House) -> None:
    house.add(NewJob("a", "local"))

    def slow(_payload: dict[str, Any], run: JobRun) -> None:
        house.now += timedelta(seconds=0.25)
        deadline = threading.Event()
        for _ in range(400):
            [job] = house.jobs()
            if job.lease_until and job.lease_until > START + timedelta(seconds=0.5):
                break
            deadline.wait(0.025)
        else:
            pytest.fail("never renewed")
        assert house.worker({"a": nothing}, owner="second").run_once() == 0
        run.heartbeat()

    house.worker({"a": slow}, lease_seconds=0.3).run_once()
    assert [(job.state, job.attempt) for job in house.jobs()] == [("done", 1)]


# kinds


def test_a_kind_nobody_knows_is_found_before_and_parked_never_dropped(house: House) -> None:
    house.add(NewJob("seat.giev", "graph"), NewJob("a", "local"))
    with house.database.unit_of_work() as work:
        work.session.add(Schedule(name="s", cron="", kind="renamed", queue="local", next_run_at=START))
        work.commit()
    assert unknown_kinds(house.database, {"a": nothing}) == {"seat.giev", "renamed"}
    house.worker({"a": nothing}).drain()
    [lost, _] = house.jobs()
    assert (lost.state, lost.error_kind) == ("parked", "unknown_kind")
    assert "'seat.giev'" in lost.error
    assert "seat.giev" in unknown_kinds(house.database, {"a": nothing})


def test_a_version_that_knows_the_kind_takes_such_jobs_up_again(house: House) -> None:
    house.add(NewJob("new", "graph"))
    house.worker({}).drain()
    stop, ran = threading.Event(), threading.Event()

    def handler(_payload: dict[str, Any], _run: JobRun) -> None:
        ran.set()

    running(house.worker({"new": handler}, poll_seconds=0.05), stop, lambda: ran.wait(10))
    assert house.states() == ["done"]


# the running worker


def running(worker: Worker, stop: threading.Event, meanwhile: Callable[[], object]) -> None:
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        assert meanwhile()
    finally:
        stop.set()
        worker.wake()
        thread.join(20)
    assert not thread.is_alive()


def test_a_wake_after_commit_starts_the_job_without_waiting_for_the_poll(house: House) -> None:
    ran = threading.Event()
    worker = house.worker({"a": lambda _payload, _run: ran.set()}, poll_seconds=60)

    def press() -> bool:
        with house.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("a", "local")], house.now)
            work.after_commit(worker.wake)
            work.commit()
        return ran.wait(10)

    running(worker, threading.Event(), press)


def test_handlers_run_side_by_side_and_no_more_than_their_share(house: House) -> None:
    house.add(*[NewJob("slow", "graph", {"n": n}) for n in range(4)], NewJob("quick", "slack"))
    release, quick = threading.Event(), threading.Event()
    at_work: list[int] = []

    def slow(payload: dict[str, Any], _run: JobRun) -> None:
        at_work.append(payload["n"])
        assert release.wait(20)

    worker = house.worker(
        {"slow": slow, "quick": lambda _payload, _run: quick.set()},
        threads=3,
        poll_seconds=0.05,
        limits={"graph": Limit(1000, 1, at_once=2)},
    )

    def two_wait_and_the_quick_one_passes() -> bool:
        passed = quick.wait(10)
        seen = sorted(at_work)
        release.set()
        return passed and seen == [0, 1]

    running(worker, threading.Event(), two_wait_and_the_quick_one_passes)
    worker.drain()
    assert set(house.states()) == {"done"}


def test_stopping_lets_a_running_handler_end(house: House) -> None:
    house.add(NewJob("a", "local"))
    begun, stop = threading.Event(), threading.Event()

    def handler(_payload: dict[str, Any], _run: JobRun) -> None:
        begun.set()
        assert stop.wait(10)

    running(house.worker({"a": handler}), stop, lambda: begun.wait(10))
    assert house.states() == ["done"]


def test_a_drain_that_feeds_itself_can_be_ended(house: House) -> None:
    house.add(NewJob("a", "local"))
    rounds: list[int] = []

    def again(_payload: dict[str, Any], run: JobRun) -> None:
        rounds.append(run.attempt)
        run.later(run.now())

    house.worker({"a": again}).drain(until=lambda: len(rounds) >= 5)
    assert rounds == [1, 2, 3, 4, 5]


def test_metrics_name_the_oldest_job_that_is_due(house: House) -> None:
    house.add(NewJob("a", "slack"), NewJob("a", "graph", run_at=START + timedelta(hours=1)))
    with house.database.unit_of_work() as work:
        figures = counts(work.connection, START + timedelta(seconds=90))
    assert figures.jobs == {("slack", "ready"): 1, ("graph", "ready"): 1}
    assert figures.oldest_due_seconds == {"slack": 90.0}
