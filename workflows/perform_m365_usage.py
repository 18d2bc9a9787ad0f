"""Licensing groups and usage reports for the sync of Microsoft 365: each source ends in words about its health."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_

from integrations.errors import IntegrationError, RateLimited, Refused, Transient
from integrations.graph_reports import CONCEALED, KINDS, Unusable, Usage
from jobs.retry import LONGEST_TOLD_SECONDS, UNTOLD_WAIT_SECONDS
from model.session import UnitOfWork
from workflows import directory_merge as merge
from workflows import directory_stage as stage
from workflows import usage
from workflows.directory import SLICE
from workflows.perform_m365_rows import group_row, soonest
from workflows.perform_m365_state import Progress, Wait
from workflows.register.history import chunks

#: People stored in one go with all that is said of their use: a press waits no longer than for a page.
USE_SLICE = 1_000
#: People of an earlier page stored with a later one.
CATCH_UP = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Begun:
    """A report is read from its beginning."""

    source: str


@dataclass(frozen=True)
class Lines:
    """Some lines of a report."""

    source: str
    as_of: date
    rows: Sequence[Usage]


@dataclass(frozen=True)
class Ended:
    """A report was read to its end."""

    source: str
    as_of: date


@dataclass(frozen=True)
class Unread:
    """Reports that cannot be used, from their beginning or from here on."""

    sources: Sequence[str]
    why: Unusable


Part = Begun | Lines | Ended | Unread


class ReadUsage(Progress):
    """The steps beside people, and the reports while people are read.

    What is laid down of a report counts once the report has ended. Reports that end while people are read are stored
    with the people, the others each by itself; trouble with one costs neither people nor other sources anything.
    """

    #: A report asked us to wait while people were read.
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

    @property
    def reports_from(self) -> datetime | None:
        """A report asked us to ask for none before then."""
        at = self.state.get("reports_from")
        return datetime.fromisoformat(at) if at is not None else None

    def parts_meanwhile(self) -> Iterator[Part]:
        """Reports, read beside people. Whatever is wrong with one stands in nobody's way: its own step comes later."""
        if self.reports_from is not None and self.run.now() < self.reports_from:
            return
        try:
            yield from self._parts(self.reports_left)
        except RateLimited as limited:
            self.limited = limited
        except IntegrationError as trouble:
            log.info("a report is left to its own step", cause=str(trouble))

    def keep_wait(self) -> None:
        """Write down until when a report asked us to wait; people are another matter and go on."""
        if self.limited is None:
            return
        seconds = self.limited.retry_after if self.limited.retry_after is not None else UNTOLD_WAIT_SECONDS
        until = self.run.now() + timedelta(seconds=min(seconds, LONGEST_TOLD_SECONDS))
        self.limited = None
        with self.database.unit_of_work() as work:
            self.save(work, reports_from=until.isoformat())
            work.commit()

    def _reports(self) -> None:
        """What is left of the reports; one that cannot be used says why and costs the others nothing."""
        self._store_ended()
        if self.reports_left and self.reports_from is not None and self.run.now() < self.reports_from:
            self.run.later(self.reports_from)
            raise Wait
        with closing(soonest(self._parts(self.reports_left))) as parts:
            for part in parts:
                self.take_part(part)
                if isinstance(part, Ended):
                    self._store_ended()
        if self.reports_left:
            self.put_back()

    def _parts(self, sources: Sequence[str]) -> Iterator[Part]:
        """Reports chunk by chunk; no second one is begun after the turn. Raises Transient after all that can be had."""
        if sources == self.state.get("sources") and self.graph.reports.concealed():
            yield Unread(sources, Unusable("concealed", CONCEALED))
            return
        trouble: Transient | None = None
        for number, source in enumerate(sources):
            if number and not self.turn_lasts():
                break
            yield Begun(source)
            try:
                report = self.graph.reports.read(source)
                while rows := list(islice(report.rows, usage.CHUNK)):
                    yield Lines(source, report.as_of, rows)
            except Unusable as why:
                if why.state == "no_permission":  # it is the same for all
                    yield Unread(sources[number:], why)
                    return
                yield Unread([source], why)
            except Transient as error:
                trouble = trouble or error
            else:
                yield Ended(source, report.as_of)
        if trouble is not None:
            raise trouble

    def take_part(self, part: Part) -> None:
        """Lay down what was read, or say why it cannot be used; of such a report no line counts."""
        begun = self.state.get("begun", [])
        with self.database.unit_of_work() as work:
            match part:
                case Begun(source):
                    if source in begun:  # and broke off
                        stage.drop_use(work.connection, [source])
                    self.save(work, begun=[*begun, source])
                case Lines(source, as_of, rows):
                    usage.lay(work.connection, source, rows, as_of)
                    self.run.hold(work)
                case Ended(source, as_of):
                    self.save(work, reports=self.state.get("reports", {}) | {source: as_of.isoformat()})
                    if len(self.state["reports"]) == 1 or not self.reports_left:
                        stage.know_sizes(work.connection, [stage.USES])
                case Unread(sources, why):
                    stage.drop_use(work.connection, [one for one in sources if one in begun])
                    for source in sources:
                        usage.say(work.connection, source, why.state, why.words, None, self.run.now())
                    self.save(work, unread=[*self.state.get("unread", []), *sources])
            work.commit()

    def store_use(self, work: UnitOfWork, before: int, until: int) -> None:
        """Store what is said of the use of one page, and of a page that came before the reports were read."""
        sources, now = self.state.get("reports", {}), self.run.now()
        usage.store_with_page(work.connection, stage.page_of(before, until), sources, now)
        behind, caught_up = self.state.get("behind", 0), self.state.get("caught_up", 0)
        if caught_up < behind:
            next_up = min(caught_up + min(until - before, CATCH_UP), behind)
            theirs = and_(stage.page_of(caught_up, next_up), stage.PEOPLE.c.later)
            usage.store_with_page(work.connection, theirs, sources, now)
            self.state["caught_up"] = next_up

    def _uses(self) -> None:
        """What was said of the use of people who were left for later, and how the sources read so far are."""
        with self.database.unit_of_work() as work:
            sign_ins = self._say_sign_ins(work)
            self.save(work)
            work.commit()

        def one(work: UnitOfWork, theirs: ColumnElement[bool]) -> dict[str, Any]:
            sources, now = self.state.get("reports", {}), self.run.now()
            usage.store_later(work.connection, theirs, sources, self.began, now, sign_ins=sign_ins)
            return {}

        self.slices(one, stage.PEOPLE.c.later, most=USE_SLICE)
        self._say_stored(list(self.state.get("reports", {})))
        with self.database.unit_of_work() as work:
            usage.forget(work.connection, KINDS, self.run.now())
            self.run.hold(work)
            work.commit()

    def _store_ended(self) -> None:
        """Store the reports that ended after the people were."""
        for source in [one for one in self.state.get("reports", {}) if one not in self.state.get("stored", [])]:

            def one(work: UnitOfWork, theirs: ColumnElement[bool], source: str = source) -> dict[str, Any]:
                usage.store_report(work.connection, theirs, source, self.run.now())
                return {}

            self.slices(one)
            self._say_stored([source])

    def _say_stored(self, sources: Sequence[str]) -> None:
        """Reports that were read and stored: of how many they speak, and which accounts are no persons'."""
        with self.database.reading() as connection:
            known = usage.of_how_many(connection, sources, self.began)
            told = usage.mailboxes_told(connection, self.began) if "mailbox" in sources else {}
        for kind, people in told.items():
            for part in chunks(people, SLICE):
                with self.database.unit_of_work() as work:
                    usage.tell_mailboxes(work.connection, kind, part)
                    self.run.hold(work)
                    work.commit()
        with self.database.unit_of_work() as work:
            for source in sources:
                as_of = date.fromisoformat(self.state["reports"][source])
                usage.say_read(work.connection, source, as_of, known.get(source, 0), self.run.now())
            self.save(work, stored=[*self.state.get("stored", []), *sources], after="")
            work.commit()

    def _say_sign_ins(self, work: UnitOfWork) -> bool:
        """How the directory's word on sign-ins is; returns whether "none" says something of a person."""
        now = self.run.now()
        if self.state.get("without"):
            state, words = self.state["without"]
            usage.say(work.connection, "sign_in", state, words, None, now)
            return False
        if not self.state.get("signed") and self.state["seen"] > merge.HANDFUL:
            words = "Microsoft lists no sign-in of anybody: that proves nothing about use."
            usage.say(work.connection, "sign_in", "unreadable", words, None, now)
            return False
        words = f"{self.state['signed']} people with a sign-in; up to a day late."
        usage.say(work.connection, "sign_in", "fine", words, now.date(), now)
        return True
