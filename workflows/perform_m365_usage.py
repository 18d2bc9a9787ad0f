"""Licensing groups and usage reports for the sync of Microsoft 365: each source ends in words about its health."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_

from integrations.errors import IntegrationError, RateLimited, Refused
from integrations.graph_reports import CONCEALED, KINDS, Unusable, Usage
from model.session import UnitOfWork
from workflows import directory_merge as merge
from workflows import directory_stage as stage
from workflows import usage
from workflows.perform_m365_rows import group_row, soonest
from workflows.perform_m365_state import Progress

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Lines:
    """Some lines of a report, `first` where it begins; without any it is at its end."""

    source: str
    as_of: date
    rows: Sequence[Usage] = ()
    first: bool = False


@dataclass(frozen=True)
class Unread:
    """Reports that cannot be used, from their beginning or from here on."""

    sources: Sequence[str]
    why: Unusable


class ReadUsage(Progress):
    """The steps beside people, and the reports while people are read."""

    #: A report asked us to wait while people were read: obeyed once what is under way is stored.
    limited: RateLimited | None = None

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

    @property
    def reports_left(self) -> list[str]:
        """The reports that were neither laid down to their end nor found unusable."""
        done = {*self.state.get("reports", {}), *self.state.get("unread", [])}
        return [one for one in self.state.get("sources", []) if one not in done]

    def parts_meanwhile(self) -> Iterator[Lines | Unread]:
        """Reports, read beside people. Whatever is wrong with one stands in nobody's way: its own step comes later."""
        try:
            yield from self._parts(self.reports_left)
        except RateLimited as limited:
            self.limited = limited
        except IntegrationError as trouble:
            log.info("a report is left to its own step", cause=str(trouble))

    def _reports(self) -> None:
        """What is left of the reports; one that cannot be used says why and costs the others nothing."""
        with closing(soonest(self._parts(self.reports_left))) as parts:
            for part in parts:
                self.take_part(part)
        if self.reports_left:
            self.put_back()

    def _parts(self, sources: Sequence[str]) -> Iterator[Lines | Unread]:
        """Reports chunk by chunk, each ended by a part without rows; no second one is begun after the turn."""
        if sources == self.state.get("sources") and self.graph.reports.concealed():
            yield Unread(sources, Unusable("concealed", CONCEALED))
            return
        for number, source in enumerate(sources):
            if number and not self.turn_lasts():
                return
            try:
                report = self.graph.reports.read(source)
                first = True
                while rows := list(islice(report.rows, usage.CHUNK)):
                    yield Lines(source, report.as_of, rows, first)
                    first = False
            except Unusable as why:
                if why.state == "no_permission":  # it is the same for all
                    yield Unread(sources[number:], why)
                    return
                yield Unread([source], why)
            else:
                yield Lines(source, report.as_of)

    def take_part(self, part: Lines | Unread) -> None:
        """Lay down what was read, or say why it cannot be used; of such a report no line counts."""
        with self.database.unit_of_work() as work:
            if isinstance(part, Unread):
                for source in part.sources:
                    stage.drop_use(work.connection, source)
                    usage.say(work.connection, source, part.why.state, part.why.words, None, self.run.now())
                self.save(work, unread=[*self.state.get("unread", []), *part.sources])
            elif part.rows:
                if part.first:  # what a reading that broke off left of it
                    stage.drop_use(work.connection, part.source)
                usage.lay(work.connection, part.source, part.rows, part.as_of)
                self.run.hold(work)
            else:
                self.save(work, reports=self.state.get("reports", {}) | {part.source: part.as_of.isoformat()})
                if len(self.state["reports"]) == 1 or not self.reports_left:
                    stage.know_sizes(work.connection, [stage.USES])
            work.commit()

    def store_use(self, work: UnitOfWork, before: int, until: int) -> None:
        """Store what is said of the use of one page, and of a page that came before the reports were read."""
        usage.store(work.connection, stage.page_of(before, until), self.run.now())
        behind, caught_up = self.state.get("behind", 0), self.state.get("caught_up", 0)
        if caught_up < behind:
            next_up = min(caught_up + until - before, behind)
            theirs = and_(stage.page_of(caught_up, next_up), stage.PEOPLE.c.later)
            usage.store(work.connection, theirs, self.run.now())
            self.state["caught_up"] = next_up

    def _uses(self) -> None:
        """What was said of the use of people who were not known when their page came; and how the sources are."""

        def one(work: UnitOfWork, theirs: ColumnElement[bool]) -> dict[str, Any]:
            usage.store(work.connection, theirs, self.run.now())
            return {}

        self.slices(one, stage.PEOPLE.c.later)
        now, read = self.run.now(), self.state.get("reports", {})
        with self.database.unit_of_work() as work:
            known = usage.of_how_many(work.connection, self.began)
            for source, as_of in read.items():
                usage.say_read(work.connection, source, date.fromisoformat(as_of), known.get(source, 0), now)
            self._say_sign_ins(work)
            if "mailbox" in read:
                usage.tell_mailboxes(work.connection, self.began)
            usage.forget(work.connection, KINDS, now)
            self.save(work)
            work.commit()

    def _say_sign_ins(self, work: UnitOfWork) -> None:
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
