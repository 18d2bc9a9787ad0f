"""The sync of Microsoft 365: one job that goes step by step and page by page, and goes on where it was.

Each page is written together with the link of the next, under the lease of the job: being asked to wait, killed or
started anew costs no page twice and no thread its sleep. Nothing of ours is changed or closed before the reading is
complete and what it would close was counted; then it is merged slice by slice. What cannot be in doubt does not wait:
usage reports are read beside people, the use of people we know is stored with their page, and a first reading, which
can close nothing, lets new people in page by page. Sources of use that cannot be read are said to be so
(`SourceHealth`) and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from integrations.errors import NotFound, Refused
from integrations.graph import GraphClient
from integrations.graph_listing import Expired
from jobs.worker import JobRun
from model.events import Happened, Tag
from model.sync import SyncProgress
from model.tickets import SyncRun
from workflows import directory
from workflows import directory_stage as stage
from workflows.perform_m365_merge import MergePeople
from workflows.perform_m365_people import ReadPeople
from workflows.perform_m365_state import DELTA_LIFE, SOURCE, Wait


class M365Sync:
    """`sync.m365`, `sync.m365_changes`, and `sync.people` for people and seats alone."""

    def __init__(self, graph: GraphClient | None) -> None:
        self.graph = graph

    def everything(self, payload: dict[str, Any], run: JobRun) -> None:
        """Everybody, their seats and sign-ins, licensing groups and usage reports."""
        self._read("full", payload, run)

    def changes(self, payload: dict[str, Any], run: JobRun) -> None:
        """Joiners, leavers and renames since the last time; everything where that cannot be told.

        On schedule it leaves to the nightly reading what it cannot do, and to a person what was stopped.
        """
        if "schedule" in payload and not _can_follow(run):
            return
        self._read("changes", payload, run)

    def people(self, payload: dict[str, Any], run: JobRun) -> None:
        """Everybody with managers and seats, without sources of use."""
        self._read("people", payload, run)

    def _read(self, kind: str, payload: dict[str, Any], run: JobRun) -> None:
        if self.graph is not None:
            Reading(self.graph, kind, run, accept=bool(payload.get("accept"))).go_on()


def _can_follow(run: JobRun) -> bool:
    """Whether changes can be told, and the last reading was not stopped."""
    with run.database.reading() as connection:
        row = connection.execute(
            select(SyncProgress.delta_at, SyncRun.outcome)
            .join(SyncRun, SyncRun.id == SyncProgress.run_id)
            .where(SyncProgress.source == SOURCE, SyncProgress.delta_link.is_not(None))
        ).one_or_none()
    return bool(row is not None and row.outcome != "stopped" and run.now() - row.delta_at <= DELTA_LIFE)


class Reading(ReadPeople, MergePeople):
    """One holding of the job, from wherever the reading is."""

    def go_on(self) -> None:
        """Take the reading up where it is and carry it on; raises what the outside says."""
        if not self.take_up():
            return
        try:
            while self.state["step"] != "finish":
                step: Callable[[], None] = getattr(self, f"_{self.state['step']}")
                step()
                self.next()
            self.finish()
        except Wait:
            return
        except Expired:
            self.begin_anew()
        except directory.RunStopped as stopped:
            self.end("stopped", str(stopped))
            raise Refused("microsoft365", "read the directory", str(stopped), code="too_many_gone") from stopped
        except (Refused, NotFound) as error:
            self.end("failed", error.detail)
            raise

    def finish(self) -> None:
        now = self.run.now()
        counts = {"seen": self.state["seen"], **self.state.get("counts", {}), "rows": self.state["digest"]}
        with self.database.unit_of_work() as work:
            ended = {"outcome": "done", "ended_at": now, "counts": counts}
            work.connection.execute(update(SyncRun).where(SyncRun.id == self.run_id).values(ended))
            kept: dict[str, Any] = {}
            if self.state.get("delta"):
                kept = {"delta_link": self.state["delta"], "delta_at": now}
            if self.state["kind"] == "full":
                kept["full_at"] = now
            if kept:
                work.connection.execute(update(SyncProgress).where(SyncProgress.source == SOURCE).values(kept))
            stage.clear(work.connection)
            work.record([Happened(Tag.SYNC_COMPLETED, "microsoft365", f"sync:{self.run_id}", counts)], now)
            self.run.finish(work)
            work.commit()
