"""Merging a complete reading of Microsoft 365: counted first, then slice by slice, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy import Table

from model.session import UnitOfWork
from workflows import directory, match_doubts, questions, usage
from workflows import directory_merge as merge
from workflows import directory_seats as seats
from workflows import directory_stage as stage
from workflows.effects import enqueue
from workflows.perform_m365_state import Progress


class MergePeople(Progress):
    """The steps that change people and seats."""

    @property
    def partial(self) -> bool:
        return bool(self.state["kind"] == "changes")

    def _check(self) -> None:
        """Count what would close, before anything changes. Raises RunStopped."""
        now = self.run.now()
        total, seen = self.state.get("total"), self.state["seen"]
        if not self.partial and (not seen or (total is not None and seen < total * (1 - merge.MOST_CLOSED))):
            of = total if total is not None else "unknown"
            raise directory.RunStopped(
                f"The reading of the directory ended early: {seen} of {of} people. Nothing was changed; the next "
                "reading begins anew."
            )
        with self.database.unit_of_work() as work:
            doubts = directory.prepare(work.connection, now, partial=self.partial)
            would = merge.closing(work.connection, self.began, partial=self.partial)
            if would.too_many and not self.accept:
                raise directory.RunStopped(directory.too_many(would))
            merge.free_addresses(work.connection)
            self.save(work, counts={"closed": would.people, "doubtful": doubts})
            work.commit()

    def _merge(self) -> None:
        def one(work: UnitOfWork, after: str, until: str) -> dict[str, Any]:
            added, changed, matched = merge.merge_people(work.connection, after, until)
            opened, closed, rows = seats.merge_seats(work.connection, after, until, self.began)
            merge.merge_sign_ins(work.connection, after, until, self.run.now())
            more = {"added": added, "changed": changed + matched, "seats_opened": opened, "seats_closed": closed}
            return {"counts": self.more(more), "digest": directory.chained(self.state["digest"], rows)}

        self.slices(one, merge.GROWING)

    def _bosses(self) -> None:
        def one(work: UnitOfWork, after: str, until: str) -> dict[str, Any]:
            merge.merge_managers(work.connection, after, until)
            return {}

        self.slices(one)
        now = self.run.now()
        with self.database.unit_of_work() as work:
            closed = merge.close_people(work.connection, self.began, partial=self.partial)
            doubts = merge.doubt_twins(work.connection, now)
            self._say_sign_ins(work)
            enqueue(work, questions.show(work, match_doubts.MATTER, now), now)
            self.save(work, counts=self.more({"seats_closed": closed, "doubtful": doubts}))
            work.commit()

    def slices(self, one: Callable[[UnitOfWork, str, str], dict[str, Any]], growing: tuple[Table, ...] = ()) -> None:
        """Slice after slice. Tables that grow are measured anew each time they may have doubled: a plan for the empty
        table of a first reading would look through all of it for every row."""
        for done in count(1):
            with self.database.unit_of_work() as work:
                size = min(directory.SLICE, directory.FIRST_SLICE << (done - 1))
                until = stage.slice_end(work.connection, self.state["after"], size)
                if until is None:
                    return
                changes = one(work, self.state["after"], until)
                if done & (done - 1) == 0:
                    stage.know_sizes(work.connection, growing)
                self.save(work, after=until, **changes)
                work.commit()
            self.breathe()

    def more(self, counts: dict[str, int]) -> dict[str, int]:
        before: dict[str, int] = self.state.get("counts", {})
        return before | {name: before.get(name, 0) + count for name, count in counts.items()}

    def _say_sign_ins(self, work: UnitOfWork) -> None:
        if self.state["kind"] != "full":
            return
        now = self.run.now()
        if self.state.get("without"):
            state, words = self.state["without"]
            usage.say(work.connection, "sign_in", state, words, None, now)
        elif not self.state.get("signed") and self.state["seen"] > merge.HANDFUL:
            words = "Microsoft lists no sign-in of anybody: that proves nothing about use."
            usage.say(work.connection, "sign_in", "unreadable", words, None, now)
        else:
            words = f"{self.state['signed']} people with a sign-in; up to a day late."
            usage.say(work.connection, "sign_in", "fine", words, now.date(), now)
