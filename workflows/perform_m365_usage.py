"""Licensing groups and usage reports for the sync of Microsoft 365: each source ends in words about its health."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from integrations.errors import Refused
from integrations.graph_reports import CONCEALED, KINDS, Unusable
from workflows import directory_stage as stage
from workflows import usage
from workflows.perform_m365_rows import chunks_ahead, group_row
from workflows.perform_m365_state import Progress


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
        for number, source in enumerate(sources):
            if number < done:
                continue
            try:
                self._report(source)
            except Unusable as why:
                self._say(sources if why.state == "no_permission" else [source], why.state, why.words)
                if why.state == "no_permission":  # the same for all of them
                    return
            with self.database.unit_of_work() as work:
                usage.forget(work.connection, source, self.run.now())
                self.save(work, reports=number + 1)
                work.commit()
            self.breathe()

    def _say(self, sources: Sequence[str], state: str, words: str) -> None:
        with self.database.unit_of_work() as work:
            for source in sources:
                usage.say(work.connection, source, state, words, None, self.run.now())
            self.run.hold(work)
            work.commit()

    def _report(self, source: str) -> None:
        report = self.graph.reports.read(source)
        began, known = self.run.now(), 0
        with closing(chunks_ahead(report.rows, usage.CHUNK)) as chunks:
            for chunk in chunks:
                with self.database.unit_of_work() as work:
                    known += usage.store(work.connection, source, chunk, report.as_of, self.run.now())
                    self.run.hold(work)
                    work.commit()
        with self.database.unit_of_work() as work:
            if source == "mailbox":
                usage.tell_mailboxes(work.connection, began)
            usage.say_read(work.connection, source, report.as_of, known, self.run.now())
            work.commit()
