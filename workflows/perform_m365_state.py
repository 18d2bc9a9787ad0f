"""How far a reading of Microsoft 365 is: one row, written together with what it speaks of, under the job's lease."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from integrations.errors import Refused
from integrations.graph import GraphClient
from jobs.tables import Job, JobState
from jobs.worker import JobRun
from model.events import Happened, Tag
from model.session import Database, UnitOfWork
from model.sync import SyncProgress
from model.tickets import SyncRun
from workflows import directory_stage as stage

SOURCE = "m365"
#: A change token lives seven days; a younger one is trusted.
DELTA_LIFE = timedelta(days=6)
#: Another reading is under way: look again then.
BUSY = timedelta(seconds=30)
#: What follows what in a reading of everything, of changes, and of people alone.
STEPS: dict[str, tuple[str, ...]] = {
    "full": ("begin", "people", "managers", "check", "merge", "bosses", "groups", "reports", "finish"),
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
                    given_up = {
                        "outcome": "failed",
                        "words": "Given up; another reading began.",
                        "ended_at": self.run.now(),
                    }
                    work.connection.execute(update(SyncRun).where(SyncRun.id == row.run_id).values(given_up))
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
        self.state = _fresh(kind, now, link)
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
        self.state = _fresh(kind, self.run.now(), None) | {"restarts": restarts}
        with self.database.unit_of_work() as work:
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
            ended = {"outcome": outcome, "words": words, "ended_at": self.run.now()}
            work.connection.execute(update(SyncRun).where(SyncRun.id == self.run_id).values(ended))
            if outcome == "stopped":
                facts = {"seen": self.state["seen"]}
                work.record([Happened(Tag.SYNC_STOPPED, "microsoft365", f"sync:{self.run_id}", facts)], self.run.now())
            stage.clear(work.connection)
            work.commit()

    @property
    def began(self) -> datetime:
        """When this reading began: what it shows was true then, and what we did since is ours to know."""
        return datetime.fromisoformat(self.state["began"])


def _fresh(kind: str, now: datetime, link: str | None) -> dict[str, Any]:
    first = STEPS[kind][0]
    return {"kind": kind, "step": first, "link": link, "seen": 0, "digest": "", "after": "", "began": now.isoformat()}
