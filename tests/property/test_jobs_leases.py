"""Claims, crashes, renewals, answers and passing time in any order: one holder at most, none lost, late ones fenced."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import select

from jobs import claim
from jobs.claim import Claimed, StaleLease
from jobs.limits import Limit
from jobs.outbox import NewJob, enqueue
from jobs.parked import run_again
from jobs.retry import Failure, Park, next_step
from jobs.tables import Job, QueueHold, RateWindow, Schedule
from model.base import Base
from model.session import Database, make_engine

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
LIMITS = {"graph": Limit(4, 30)}
FAILURES = [
    Failure("transient", "down", "down"),
    Failure("unclear", "timed out", "timeout"),
    Failure("rate_limited", "slow down", "429", retry_after=45),
    Failure("not_found", "gone", "404"),
    Failure("refused", "no", "403"),
    Failure("bug", "oops", "bug"),
]


class Leases(RuleBasedStateMachine):
    """Workers that may die at any step, against what a bystander would say about each job."""

    held = Bundle("held")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="seatkeeper-jobs-")
        self.database = Database(make_engine(f"sqlite:///{Path(self.folder.name) / 'jobs.db'}"))
        tables = [Base.metadata.tables[t.__tablename__] for t in (Job, Schedule, RateWindow, QueueHold)]
        Base.metadata.create_all(self.database.engine, tables=tables)
        self.now = START
        self.added = 0
        self.current: dict[int, tuple[Claimed, datetime]] = {}  # job -> the holding that counts, and until when
        self.settled: dict[int, str] = {}  # job -> how it ended
        self.starts: list[datetime] = []
        self.closed_until = START

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.dispose()
            self.folder.cleanup()

    @rule(
        count=st.integers(1, 4),
        lane=st.sampled_from([None, None, "one", "two"]),
        queue=st.sampled_from(["graph", "local"]),
    )
    def enqueue(self, count: int, lane: str | None, queue: str) -> None:
        with self.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("a", queue, {}, lane=lane) for _ in range(count)], self.now)
            work.commit()
        self.added += count

    @rule(seconds=st.sampled_from([1, 20, 45, 61, 900]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(target=held, owner=st.sampled_from(["a", "b", "c"]), most=st.integers(1, 5))
    def claim_some(self, owner: str, most: int) -> object:
        with self.database.unit_of_work() as work:
            jobs = claim.claim(
                work.connection, owner=owner, lease=LEASE, most=most, limits=LIMITS, running_here={}, now=self.now
            )
            work.commit()
        for job in jobs:
            assert job.id not in self.settled, "a settled job came back"
            if job.id in self.current:
                assert self.current[job.id][1] <= self.now, "two holders"
            assert job.queue != "graph" or self.closed_until <= self.now, "a closed queue was served"
            self.current[job.id] = (job, self.now + LEASE)
            if job.queue == "graph":
                self.starts.append(self.now)
        return multiple(*jobs)

    def write(self, job: Claimed, how: str, failure: Failure | None = None) -> None:
        """Settle or renew; it must succeed exactly for the holding that counts."""
        counts = job.id in self.current and self.current[job.id][0] == job
        try:
            with self.database.unit_of_work() as work:
                if how == "renew":
                    claim.renew(work.connection, job, self.now + LEASE)
                elif how == "finish":
                    claim.finish(work.connection, job, self.now)
                elif how == "later":
                    claim.put_back(work.connection, job, self.now + timedelta(seconds=30))
                elif failure is not None:
                    step = next_step(failure, job.failures + failure.counts, self.now, 0.5)
                    if isinstance(step, Park):
                        how = "parked"
                        claim.park(work.connection, job, failure.kind, failure.cause, step, self.now)
                    else:
                        claim.retry(work.connection, job, failure, step)
                        if job.queue == "graph" and step.closes_queue_until:
                            self.closed_until = max(self.closed_until, step.closes_queue_until)
                work.commit()
        except StaleLease:
            assert not counts, "the rightful holder was turned away"
            return
        assert counts, "one who came late changed something"
        if how == "renew":
            self.current[job.id] = (job, self.now + LEASE)
            return
        del self.current[job.id]
        if how in ("finish", "parked"):
            self.settled[job.id] = "done" if how == "finish" else "parked"

    @rule(job=held)
    def renew(self, job: Claimed) -> None:
        self.write(job, "renew")

    @rule(job=held, how=st.sampled_from(["finish", "later"]))
    def answer(self, job: Claimed, how: str) -> None:
        self.write(job, how)

    @rule(job=held, failure=st.sampled_from(FAILURES))
    def fail(self, job: Claimed, failure: Failure) -> None:
        self.write(job, "fail", failure)

    @rule(job=consumes(held))
    def die(self, job: Claimed) -> None:
        """The process is gone and will never write again; the lease is all that is left."""

    @rule()
    def person_runs_parked_again(self) -> None:
        parked = {job for job, how in self.settled.items() if how == "parked"}
        with self.database.unit_of_work() as work:
            assert run_again(work, [*parked, 10**9], self.now) == len(parked)
            work.commit()
        for job in parked:
            del self.settled[job]

    @invariant()
    def nothing_is_lost_and_nothing_doubled(self) -> None:
        if not hasattr(self, "added"):
            return
        with self.database.reading() as connection:
            rows = connection.execute(select(Job.id, Job.state, Job.lane, Job.owner, Job.attempt)).all()
        assert len(rows) == self.added
        for row in rows:
            if row.id in self.settled:
                assert row.state == self.settled[row.id]
            elif row.id in self.current:
                holder = self.current[row.id][0]
                assert (row.state, row.owner, row.attempt) == ("running", holder.owner, holder.attempt)
            else:
                assert row.state == "ready"
        lanes = [row.lane for row in rows if row.lane and row.state == "running"]
        assert len(lanes) == len(set(lanes)), "two of one lane at once"

    @invariant()
    def the_window_is_kept(self) -> None:
        if not hasattr(self, "starts"):
            return
        window = timedelta(seconds=LIMITS["graph"].per_seconds)
        for first in self.starts:
            assert sum(first <= other < first + window for other in self.starts) <= LIMITS["graph"].calls


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
