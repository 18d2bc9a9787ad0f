"""Licensing groups and usage reports for the sync of Microsoft 365: each source ends in words about its health."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from integrations.errors import Refused
from integrations.graph_reports import CONCEALED, KINDS, Unusable, Usage
from workflows import directory_stage as stage
from workflows import usage
from workflows.perform_m365_rows import group_row, read_ahead
from workflows.perform_m365_state import Progress


@dataclass(frozen=True)
class Lines:
    """Some lines of a report; without any it is at its end."""

    source: str
    as_of: date
    rows: Sequence[Usage] = ()


@dataclass(frozen=True)
class Unread:
    """A report that cannot be used, from its beginning or from here on."""

    source: str
    why: Unusable


class ReadUsage(Progress):
    """The steps beside people."""

    def _groups(self) -> None:
        """Names of the groups that license people, and what stands against touching them."""
        with self.database.reading() as connection:
            ids = usage.groups_to_name(connection, stage.groups_shown(connection), self.run.now())
        state, words = "fine", "Licensing groups are named."
        rows: list[dict[str, str]] = []
        try:
            found = self.graph.listing.groups(ids)
            rows = [group_row(one, found.get(one)) for one in ids]
        except Refused as error:
            if error.fatal:
                raise
            state = "no_permission"
            words = "Licensing groups cannot be named: add the application permission GroupMember.Read.All."
        with self.database.unit_of_work() as work:
            usage.store_groups(work.connection, rows, self.run.now())
            usage.say(work.connection, "groups", state, words, None, self.run.now())
            self.save(work)
            work.commit()

    def _reports(self) -> None:
        """Each usage report in turn; one that cannot be used says why and costs the others nothing."""
        done = self.state.get("reports", 0)
        with self.database.reading() as connection:
            sources = [one for one in KINDS if one != "copilot" or usage.has_sku_named(connection, "copilot")]
        if not done and self.graph.reports.concealed():
            self._say(sources, "concealed", CONCEALED)
            return
        began, known = self.run.now(), 0
        with closing(read_ahead(self._parts(sources[done:]))) as parts:
            for part in parts:
                if isinstance(part, Unread):
                    same_for_all = part.why.state == "no_permission"
                    self._say(sources if same_for_all else [part.source], part.why.state, part.why.words)
                    if same_for_all:
                        return
                elif part.rows:
                    known += self._store(part)
                    continue
                else:
                    self._end_of(part, began, known)
                done += 1
                with self.database.unit_of_work() as work:
                    usage.forget(work.connection, part.source, self.run.now())
                    self.save(work, reports=done)
                    work.commit()
                began, known = self.run.now(), 0
        if done < len(sources):
            self.put_back()

    def _parts(self, sources: Sequence[str]) -> Iterator[Lines | Unread]:
        """The reports chunk by chunk, each ended by a part without rows; no second one is begun after the turn."""
        for number, source in enumerate(sources):
            if number and not self.turn_lasts():
                return
            try:
                report = self.graph.reports.read(source)
                while rows := list(islice(report.rows, usage.CHUNK)):
                    yield Lines(source, report.as_of, rows)
            except Unusable as why:
                yield Unread(source, why)
            else:
                yield Lines(source, report.as_of)

    def _say(self, sources: Sequence[str], state: str, words: str) -> None:
        with self.database.unit_of_work() as work:
            for source in sources:
                usage.say(work.connection, source, state, words, None, self.run.now())
            self.run.hold(work)
            work.commit()

    def _store(self, part: Lines) -> int:
        with self.database.unit_of_work() as work:
            known = usage.store(work.connection, part.source, part.rows, part.as_of, self.run.now())
            self.run.hold(work)
            work.commit()
        return known

    def _end_of(self, part: Lines, began: datetime, known: int) -> None:
        with self.database.unit_of_work() as work:
            if part.source == "mailbox":
                usage.tell_mailboxes(work.connection, began)
            usage.say_read(work.connection, part.source, part.as_of, known, self.run.now())
            work.commit()
