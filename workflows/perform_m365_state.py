"""How far a reading of Microsoft 365 is: one row, written together with what it speaks of, under the job's lease."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from integrations.errors import Refused
from integrations.graph import GraphClient
from jobs.tables import Job, JobState
from jobs.worker import JobRun
from model.events import Happened, Tag
from model.people import Person
from model.session import Database, UnitOfWork
from model.sync import SyncProgress
from model.tickets import SyncRun
from workflows import directory_stage as stage
from workflows.directory import FIRST_SLICE, SLICE
from workflows.directory_merge import GROWING

SOURCE = "m365"
#: A change token lives seven days; a younger one is trusted.
DELTA_LIFE = timedelta(days=6)
#: Another reading is under way: look again then.
BUSY = timedelta(seconds=30)
#: What follows what in a reading of everything, of changes, and of people alone.
STEPS: dict[str, tuple[str, ...]] = {
    "full": ("begin", "people", "managers", "check", "merge", "bosses", "groups", "uses", "reports", "finish"),
    "people": ("people", "managers", "check", "merge", "bosses", "finish"),
    "changes": ("changes", "check", "merge", "bosses", "finish"),
}
#: Seconds of work in one holding of the job; then it is put back and taken up again, so that a stop waits for no more.
TURN_SECONDS = 20.0
#: Readings begun anew because a link grew too old, before the trouble is passed on.
MOST_RESTARTS = 3


class Wait(Exception):
    """The job was put back; nothing more is to be done now."""


class Progress:
    """One holding of the job. `state` is what `SyncProgress` keeps; it is saved with what it speaks of."""

    def __init__(self, graph: GraphClient, kind: str, run: JobRun, *, accept: bool) -> None:
        self.graph, self.run, self.accept = graph, run, accept
        self.database: Database = run.database
        self.state: dict[str, Any] = {"kind": kind}
        self.run_id = 0
        self.until = time.monotonic() + TURN_SECONDS

    # -- the state -------------------------------------------------------------------------------------------------

    def take_up(self) -> bool:
        """Go on with our own reading, or begin one; while another job's is under way, look again later."""
        with self.database.unit_of_work() as work:
            row = work.session.get(SyncProgress, SOURCE)
            if row is not None:
                now_of = work.connection.execute(select(SyncRun.outcome).where(SyncRun.id == row.run_id)).scalar()
                if now_of == "running" and row.job_id == self.run.job_id:
                    self.state, self.run_id = dict(row.state), row.run_id
                    return True
                if now_of == "running" and self._alive(work, row.job_id):
                    self.run.later(self.run.now() + BUSY)
                    return False
                if now_of == "running":
                    self._write_end(work, row.run_id, row.state, "failed", "Given up; another reading began.")
            self._start(work, row)
            self.run.hold(work)
            work.commit()
        return True

    def _alive(self, work: UnitOfWork, job_id: int) -> bool:
        state = work.connection.execute(select(Job.state).where(Job.id == job_id)).scalar()
        return state in (JobState.READY, JobState.RUNNING)

    def _start(self, work: UnitOfWork, row: SyncProgress | None) -> None:
        now = self.run.now()
        kind = self.state["kind"]
        if kind == "changes" and (
            row is None or row.delta_link is None or row.delta_at is None or now - row.delta_at > DELTA_LIFE
        ):
            kind = "full"
        started = SyncRun(source="directory_changes" if kind == "changes" else "directory", began_at=now)
        work.session.add(started)
        work.session.flush()
        link = row.delta_link if row is not None and kind == "changes" else None
        self.run_id = started.id
        self.state = _fresh(kind, now, link, known=_known(work))
        if row is None:
            row = SyncProgress(source=SOURCE)
            work.session.add(row)
        row.run_id, row.job_id, row.state = started.id, self.run.job_id, dict(self.state)
        stage.clear(work.connection)

    def begin_anew(self) -> None:
        """A link grew too old, or changes cannot be told any more: everything is read."""
        restarts = self.state.get("restarts", 0) + 1
        if restarts > MOST_RESTARTS:
            self.end("failed", "Microsoft's page links expire faster than they can be followed.")
            raise Refused("graph", "list people", "page links expire again and again", code="expired")
        kind = "full" if self.state["kind"] == "changes" else self.state["kind"]
        kept = {name: self.state[name] for name in ("counts", "reports_from") if name in self.state}
        with self.database.unit_of_work() as work:
            self.state = _fresh(kind, self.run.now(), None, known=_known(work)) | kept | {"restarts": restarts}
            stage.clear(work.connection)
            source = update(SyncRun).where(SyncRun.id == self.run_id).values(source="directory")
            work.connection.execute(source)
            self.save(work)
            self.run.later(self.run.now(), work)
            work.commit()

    def save(self, work: UnitOfWork, **changes: Any) -> None:
        """Write the state in this unit of work, under our lease; the caller commits."""
        self.state |= changes
        saved = update(SyncProgress).where(SyncProgress.source == SOURCE).values(state=dict(self.state))
        work.connection.execute(saved)
        self.run.hold(work)

    def next(self) -> None:
        """The next step; a reading of changes that found none is at its end."""
        order = STEPS[self.state["kind"]]
        following = order[order.index(self.state["step"]) + 1]
        if self.state["step"] == "changes" and not self.state["seen"] and not self.state.get("gone"):
            following = "finish"
        with self.database.unit_of_work() as work:
            self.save(work, step=following, after="")
            work.commit()
        self.breathe()

    def turn_lasts(self) -> bool:
        """Whether this holding of the job may go on."""
        return time.monotonic() <= self.until

    def breathe(self) -> None:
        """Put the job back when its turn is over."""
        if not self.turn_lasts():
            self.put_back()

    def put_back(self) -> None:
        """Let others have the job's thread, and go on at once when it is claimed again."""
        self.run.later(self.run.now())
        raise Wait

    def end(self, outcome: str, words: str) -> None:
        with self.database.unit_of_work() as work:
            self._write_end(work, self.run_id, self.state, outcome, words)
            self.run.hold(work)
            stage.clear(work.connection)
            work.commit()

    def _write_end(self, work: UnitOfWork, run_id: int, state: dict[str, Any], outcome: str, words: str) -> None:
        """A run that is not done; it is in the trail when it was stopped, or when something of it stays."""
        now, counts = self.run.now(), state.get("counts", {})
        ended = {"outcome": outcome, "words": words, "ended_at": now, "counts": counts}
        work.connection.execute(update(SyncRun).where(SyncRun.id == run_id).values(ended))
        if outcome == "stopped" or counts:
            facts = {"seen": state["seen"], **counts}
            work.record([Happened(Tag.SYNC_STOPPED, "microsoft365", f"sync:{run_id}", facts)], now)

    def slices(
        self,
        one: Callable[[UnitOfWork, ColumnElement[bool]], dict[str, Any]],
        of: ColumnElement[bool] | None = None,
        most: int = SLICE,
    ) -> None:
        """Slice after slice of the people laid down, of some or of all, each in a transaction of its own."""
        for done in count(1):
            with self.database.unit_of_work() as work:
                size = min(most, FIRST_SLICE << (done - 1))
                found = stage.next_slice(work.connection, self.state["after"], size, of)
                if found is None:
                    return
                until, theirs = found
                self.save(work, **one(work, theirs), after=until)
                work.commit()
            self.breathe()

    def measure(self, work: UnitOfWork, people: int) -> None:
        """Have the database measure the tables that grow whenever there are twice as many people.

        A plan for the empty tables of a first reading would look through all of them for every row.
        """
        if people >= 2 * self.state["measured"]:
            stage.know_sizes(work.connection, (stage.PEOPLE, stage.SEATS, *GROWING))
            self.state["measured"] = max(people, 1)

    def more(self, counts: dict[str, int]) -> dict[str, int]:
        """What this run did so far, and that."""
        before: dict[str, int] = self.state.get("counts", {})
        return before | {name: before.get(name, 0) + count for name, count in counts.items()}

    @property
    def first(self) -> bool:
        """Whether nobody came from a directory before: then a reading can close nothing and be of no wrong tenant."""
        return bool(self.state["known"] == 0)

    @property
    def began(self) -> datetime:
        """When this reading began: what it shows was true then, and what we did since is ours to know."""
        return datetime.fromisoformat(self.state["began"])


def _fresh(kind: str, now: datetime, link: str | None, *, known: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "step": STEPS[kind][0],
        "link": link,
        "seen": 0,
        "digest": "",
        "after": "",
        "began": now.isoformat(),
        "known": known,
        "measured": known,
    }


def _known(work: UnitOfWork) -> int:
    """How many people came from a directory so far."""
    known = select(func.count()).select_from(Person).where(Person.directory_id.is_not(None))
    return int(work.connection.execute(known).scalar_one())
