"""The worker: claims due jobs, runs their handlers on a few threads, keeps their leases, settles what came of them.

A handler is called at least once and its job is finished once. It must hold no transaction while it talks to the
outside, and each effect carries its own guard against happening twice. Result rows and `run.finish(work)` belong in
one unit of work, so that a job is never done without its result nor the other way round.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakSet

import structlog

from jobs import claim
from jobs.claim import Claimed, StaleLease
from jobs.limits import Limit
from jobs.ports import Database, Work
from jobs.retry import Failure, Park, next_step

__all__ = ["Handler", "JobRun", "ParkedJob", "StaleLease", "Worker", "unknown_kinds"]

log = structlog.get_logger(__name__)

#: How often a job's outcome is written again when the database is busy, before the lease is left to run out.
SETTLE_TRIES = 5
#: A drain that goes on for so many rounds feeds itself.
MOST_ROUNDS = 100_000


@dataclass(frozen=True)
class ParkedJob:
    """What `on_parked` is told, in the transaction that parks the job."""

    id: int
    kind: str
    queue: str
    payload: dict[str, Any]
    words: str
    cause: str


class JobRun:
    """One holding of one job, handed to its handler. `database` is the worker's own; jobs knows only a part of it."""

    def __init__(self, job: Claimed, database: Any, now: Callable[[], datetime], lease: timedelta) -> None:
        self.job_id = job.id
        self.attempt = job.attempt
        self.failures = job.failures
        self.database = database
        self.now = now
        self.settled = False
        self.lost = False
        self.put_back_to: datetime | None = None
        self.job = job
        self._lease = lease

    def finish(self, work: Work) -> None:
        """Mark the job done in the handler's own unit of work, which the handler commits. Raises StaleLease."""
        claim.finish(work.connection, self.job, self.now())
        work.after_commit(self._is_settled)

    def hold(self, work: Work) -> None:
        """Renew the lease in the handler's own unit of work: what else it writes is undone when the job is no longer
        ours. Raises StaleLease."""
        claim.renew(work.connection, self.job, self.now() + self._lease)

    def later(self, at: datetime, work: Work | None = None) -> None:
        """Look again at `at`; no failure is counted. Without `work` it is written when the handler returns."""
        if work is None:
            self.put_back_to = at
            return
        claim.put_back(work.connection, self.job, at)
        work.after_commit(self._is_settled)

    def heartbeat(self) -> None:
        """Renew the lease now: before a write outside, to be sure that the job is still ours. Raises StaleLease.

        Call it outside any unit of work: it needs one of its own.
        """
        if self.lost:
            raise StaleLease(f"job {self.job_id} was taken over")
        try:
            with self.database.unit_of_work() as work:
                claim.renew(work.connection, self.job, self.now() + self._lease)
                work.commit()
        except StaleLease:
            self.lost = True
            raise

    def _is_settled(self) -> None:
        self.settled = True


Handler = Callable[[dict[str, Any], JobRun], None]


class Worker:
    """Runs jobs for one process. `owner` must be unique to the process and its start: `host:pid:random`.

    `now` is the clock of claims, leases and rate windows. `classify` turns what a handler raised into a Failure.
    `on_parked` is called inside the parking transaction and may enqueue a note to people. `merged` names kinds whose
    lane says all of their payload and which do what is right at the time they run: of several that wait, one runs.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        now: Callable[[], datetime],
        classify: Callable[[Exception], Failure],
        limits: Mapping[str, Limit],
        owner: str,
        lease_seconds: float = 60,
        batch: int = 8,
        threads: int = 4,
        poll_seconds: float = 0.5,
        on_parked: Callable[[Work, ParkedJob, datetime], None] | None = None,
        jitter: Callable[[], float] = random.random,
        merged: Collection[str] = (),
    ) -> None:
        self.database = database
        self.handlers = dict(handlers)
        self.owner = owner
        self._now = now
        self._classify = classify
        self._limits = dict(limits)
        self._lease = timedelta(seconds=lease_seconds)
        self._batch = batch
        self._threads = threads
        self._poll_seconds = poll_seconds
        self._on_parked = on_parked
        self._jitter = jitter
        self._merged = frozenset(merged)
        self._woken = threading.Event()
        self._recalled = False
        self._guard = threading.Lock()
        self._running: dict[tuple[int, int], JobRun] = {}

    # how it is driven

    def wake(self) -> None:
        """Look for work now; call it after a commit that enqueued some. Safe from any thread."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then let running handlers end and return. Looks by itself every `poll_seconds`."""
        with self._keeping_leases(), ThreadPoolExecutor(self._threads, thread_name_prefix="job") as pool:
            while not stop.is_set():
                self._woken.clear()  # before the look, so that a wake during it is not lost
                started = self._start(pool)
                if not started:
                    self._woken.wait(self._poll_seconds)

    def run_once(self) -> int:
        """Claim what may start now, at most a batch, and run it in this thread. Returns how many jobs ran."""
        jobs = self._claim(self._batch)
        with self._keeping_leases():
            for job in jobs:
                self._run(job)
        return len(jobs)

    def drain(self, until: Callable[[], bool] | None = None) -> int:
        """Run until nothing may start at the clock's present time, or `until()` is true. Returns how many jobs ran."""
        ran = 0
        for _ in range(MOST_ROUNDS):
            if until is not None and until():
                return ran
            jobs = self.run_once()
            if not jobs:
                return ran
            ran += jobs
        raise RuntimeError("jobs keep making jobs that are due at once")

    # how a job goes

    def _start(self, pool: ThreadPoolExecutor) -> int:
        try:
            if not self._recalled:
                self._recall_known()
            jobs = self._claim(min(self._batch, self._threads - len(self._running)))
        except Exception:
            log.exception("claim failed")  # the database may be away for a while: stay, and look again
            return 0
        for job in jobs:
            pool.submit(self._run, job)
        return len(jobs)

    def _claim(self, most: int) -> list[Claimed]:
        if most <= 0:
            return []
        with self._guard:
            busy = Counter(run.job.queue for run in self._running.values())
        now = self._now()
        with self.database.reading() as connection:
            if not claim.anything_due(connection, self._limits, busy, now):
                return []
        with self.database.unit_of_work() as work:
            jobs = claim.claim(
                work.connection,
                owner=self.owner,
                lease=self._lease,
                most=most,
                limits=self._limits,
                running_here=busy,
                now=now,
                merged=self._merged,
            )
            work.commit()
        with self._guard:
            for job in jobs:
                self._running[job.id, job.attempt] = JobRun(job, self.database, self._now, self._lease)
        return jobs

    def _run(self, job: Claimed) -> None:
        run = self._running[job.id, job.attempt]
        try:
            self._call(job, run)
        except StaleLease as late:
            log.warning("late finish ignored", job=job.id, kind=job.kind, attempt=job.attempt, detail=str(late))
        except Exception:
            log.exception("outcome not written; the job runs again when its lease ends", job=job.id, kind=job.kind)
        finally:
            with self._guard:
                del self._running[job.id, job.attempt]
            self.wake()  # a thread and perhaps a lane are free

    def _call(self, job: Claimed, run: JobRun) -> None:
        handler = self.handlers.get(job.kind)
        if handler is None:
            words = f"This version knows no job of kind {job.kind!r}. Start the version that does, or rename it back."
            self._settle(
                lambda work: self._park(work, job, claim.UNKNOWN_KIND, f"unknown kind {job.kind}", Park(words))
            )
            return
        try:
            handler(job.payload, run)
        except StaleLease:
            raise
        except Exception as error:
            failure = self._classify(error)
            if failure.kind == "bug":
                log.exception("job broke", job=job.id, kind=job.kind, attempt=job.attempt)
            if run.settled:
                log.warning("handler failed after it finished", job=job.id, kind=job.kind, cause=failure.cause)
                return
            self._settle(lambda work: self._fail(work, job, failure))
            return
        if run.settled:
            return
        if run.put_back_to is not None:
            at = run.put_back_to
            self._settle(lambda work: claim.put_back(work.connection, job, at))
        else:
            self._settle(lambda work: claim.finish(work.connection, job, self._now()))

    def _fail(self, work: Work, job: Claimed, failure: Failure) -> None:
        step = next_step(failure, job.failures + failure.counts, self._now(), self._jitter())
        if isinstance(step, Park):
            self._park(work, job, failure.kind, failure.cause, step)
            return
        claim.retry(work.connection, job, failure, step)
        log.info("job waits", job=job.id, kind=job.kind, failure=failure.kind, cause=failure.cause, until=str(step.at))

    def _park(self, work: Work, job: Claimed, error_kind: str, cause: str, step: Park) -> None:
        now = self._now()
        claim.park(work.connection, job, error_kind, cause, step, now)
        log.warning("job parked", job=job.id, kind=job.kind, cause=cause)
        if self._on_parked is not None:
            self._on_parked(work, ParkedJob(job.id, job.kind, job.queue, job.payload, step.words, cause), now)

    def _settle(self, write: Callable[[Work], None]) -> None:
        """Write an outcome in a unit of work of its own; a busy database is asked again while the lease lasts."""
        for left in reversed(range(SETTLE_TRIES)):
            try:
                with self.database.unit_of_work() as work:
                    write(work)
                    work.commit()
                return
            except StaleLease:
                raise
            except Exception:
                if not left:
                    raise
                log.exception("outcome not written yet")
                time.sleep(self._poll_seconds)

    # leases and names

    @contextmanager
    def _keeping_leases(self) -> Iterator[None]:
        """While inside, a thread renews the leases of all running jobs every third of their length."""
        done = threading.Event()
        told: WeakSet[JobRun] = WeakSet()

        def keep() -> None:
            while not done.wait(self._lease.total_seconds() / 3):
                with self._guard:
                    runs = [run for run in self._running.values() if not (run.settled or run in told)]
                for run in runs:
                    if run.lost:  # since the last round, so it was not just being finished
                        log.warning("lease lost", job=run.job_id, attempt=run.attempt)
                        told.add(run)
                        continue
                    try:
                        run.heartbeat()
                    except StaleLease:
                        continue
                    except Exception:
                        log.exception("lease not renewed", job=run.job_id)  # two more chances before it ends

        keeper = threading.Thread(target=keep, name="job-leases", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _recall_known(self) -> None:
        with self.database.unit_of_work() as work:
            if recalled := claim.recall(work.connection, self.handlers.keys(), self._now()):
                work.commit()
                log.info("jobs of kinds known again are ready", count=recalled)
        self._recalled = True


def unknown_kinds(database: Database, handlers: Mapping[str, Handler]) -> set[str]:
    """Kinds of stored jobs and schedules that no handler names: a rename that would strand work."""
    with database.reading() as connection:
        return claim.stored_kinds(connection) - handlers.keys()
