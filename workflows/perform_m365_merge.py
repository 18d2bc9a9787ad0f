"""Merging a complete reading of Microsoft 365: counted first, then slice by slice, each in a transaction of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from model.session import UnitOfWork
from workflows import directory, match_doubts, questions
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
            added = self.state.get("counts", {}).get("added")
            kept = "Who was read is kept" if added else directory.UNCHANGED
            raise directory.RunStopped(
                f"The reading of the directory ended early: {seen} of {of} people. {kept}; the next reading begins "
                "anew."
            )
        with self.database.unit_of_work() as work:
            if not self.first:
                stage.know_sizes(work.connection)
            elif self.state.get("skus") != seats.registered(work.connection):
                stage.leave_all_to_the_merge(work.connection)  # there are seats to open of SKUs registered meanwhile
            doubts = directory.prepare(work.connection, now, partial=self.partial)
            would = merge.NOBODY if self.first else merge.closing(work.connection, self.began, partial=self.partial)
            if would.too_many and not self.accept:
                raise directory.RunStopped(directory.too_many(would))
            merge.free_addresses(work.connection)
            found = {"closed": would.people, "doubtful": doubts}
            self.save(work, counts=self.state.get("counts", {}) | found)  # this may be said twice, and is one count
            work.commit()

    def _merge(self) -> None:
        def one(work: UnitOfWork, theirs: ColumnElement[bool]) -> dict[str, Any]:
            added, changed, matched = merge.merge_people(work.connection, theirs)
            opened, closed, rows = seats.merge_seats(work.connection, theirs, self.began)
            self.measure(work, self.state["known"] + self.state["counts"].get("added", 0) + added)
            more = {"added": added, "changed": changed + matched, "seats_opened": opened, "seats_closed": closed}
            return {"counts": self.more(more), "digest": directory.chained(self.state["digest"], rows)}

        self.slices(one, ~stage.PEOPLE.c.merged)

    def _bosses(self) -> None:
        def one(work: UnitOfWork, theirs: ColumnElement[bool]) -> dict[str, Any]:
            merge.merge_managers(work.connection, theirs)
            return {}

        self.slices(one)
        now = self.run.now()
        with self.database.unit_of_work() as work:
            closed = merge.close_people(work.connection, self.began, partial=self.partial)
            doubts = merge.doubt_twins(work.connection, now)
            enqueue(work, questions.show(work, match_doubts.MATTER, now), now)
            self.save(work, counts=self.more({"seats_closed": closed, "doubtful": doubts}))
            work.commit()
