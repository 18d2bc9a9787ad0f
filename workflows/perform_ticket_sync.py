"""Reads what people made of our records in ServiceNow: changes with a watermark, notes, and records gone missing.

One request per table and poll, whatever the number of records; polls leave more time between them as the hourly budget
runs low. Everything is asked first and written after, each record in its own transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row

from integrations.errors import Refused
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_types import Entry, Record
from jobs.worker import JobRun
from licensing.words import plural
from model.session import Database
from model.tickets import TicketPurpose
from workflows import ticket_budget, ticket_outcomes, ticket_sync
from workflows.effects import SettleTicket, enqueue
from workflows.rules import Rules, RulesSource
from workflows.ticket_budget import RequestBudget
from workflows.ticket_outcomes import ALERTS, AlertHooks

log = structlog.get_logger(__name__)

#: Their clocks differ among themselves, and a change is stamped before others can see it (ServiceNow §8).
OVERLAP = timedelta(minutes=2)
#: When so many records of a table are asked for and none comes back, a right is gone rather than all of them.
HIDDEN_AT = 5
#: A missing record is looked for again after this.
AGAIN = timedelta(minutes=1)
#: Versions kept in mind, so that the overlap is not worked through twice; forgetting them costs time only.
MOST_VERSIONS = 20_000
#: A journal that was closed to us is tried again after this.
NOTES_AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class _Heard:
    """A changed record of ours and our row of it."""

    ticket: Row[Any]
    record: Record


class TicketSync:
    """The jobs `tickets.poll` and `tickets.look`."""

    def __init__(
        self, database: Database, client: ServiceNowClient, rules: RulesSource, alerts: AlertHooks = ALERTS
    ) -> None:
        self.database = database
        self.client = client
        self.rules = rules
        self.alerts = alerts
        self.budget = RequestBudget(database, client.meter, rules)
        self._versions: dict[str, int] = {}
        self._own_user: str | None = None
        self._no_notes_until: datetime | None = None

    def poll(self, payload: dict[str, Any], run: JobRun) -> None:
        """All changes of our records since the last look."""
        rules, began = self.rules(), run.now()
        with self.database.reading() as connection:
            tables = ticket_sync.tables(connection, began)
        if not tables or not self.budget.may_read(len(tables) + 1, began):
            return
        with self.budget.counted(run) as may:
            if may:
                self._read_all(rules, tables, began, run)

    def _read_all(self, rules: Rules, tables: Sequence[ticket_sync.Table], began: datetime, run: JobRun) -> None:
        newest: dict[str, datetime] = {}
        heard: list[_Heard] = []
        for table in tables:
            records = list(self.client.changes.since(table.name, ticket_sync.prefix(rules), table.since - OVERLAP))
            stamps = [record.updated_at for record in records if record.updated_at is not None]
            if stamps:
                newest[table.name] = max(stamps)
            heard += self._known([one for one in records if self._versions.get(one.sys_id) != one.changes])
        notes = self._notes(heard, min(table.since for table in tables) - OVERLAP, run.now())
        self._apply(rules, heard, notes, run)
        with run.database.unit_of_work() as work:
            for table in tables:
                ticket_sync.read_until(work, table, newest.get(table.name), began)
            ticket_budget.mark_read(work, began, run.now())
            run.finish(work)
            work.commit()
        self._remember(heard)

    def _known(self, records: Sequence[Record]) -> list[_Heard]:
        """Our rows of these records. A record that carries another key than ours is not the one we opened."""
        if not records:
            return []
        with self.database.reading() as connection:
            tickets = ticket_sync.tickets_of(connection, [record.sys_id for record in records])
        found = []
        for record in records:
            ticket = tickets.get(record.sys_id)
            if ticket is None:
                continue  # a second record with our key: the oldest is ours
            if record.get("correlation_id") not in (ticket.correlation_id, ""):
                log.warning("record carries another key", table=record.table, record=record.sys_id)
                continue
            found.append(_Heard(ticket, record))
        return found

    def _notes(self, heard: Sequence[_Heard], since: datetime, now: datetime) -> list[Entry]:
        """What was written into changed records: a note changes its record. Without the right to read them, nothing."""
        if not heard or (self._no_notes_until is not None and now < self._no_notes_until):
            return []
        try:
            found = self.client.changes.notes([one.record.sys_id for one in heard], since)
        except Refused as refused:
            if refused.fatal:
                raise
            log.warning("notes in ServiceNow cannot be read", detail=refused.detail)
            self._no_notes_until = now + NOTES_AGAIN
            return []
        self._no_notes_until = None
        return found

    def _apply(self, rules: Rules, heard: Sequence[_Heard], notes: Sequence[Entry], run: JobRun) -> None:
        if not heard:
            return
        own = self._own()
        waiting = [
            one.record
            for one in heard
            if one.ticket.purpose != TicketPurpose.RECORD and ticket_outcomes.state_of(one.record) == "open"
        ]
        approvals = self.client.changes.approvals(waiting) if waiting else {}
        for one in heard:
            entries = [entry for entry in notes if entry.record_id == one.record.sys_id]
            reading = ticket_outcomes.reading_of(one.record, approvals.get(one.record.sys_id, ()))
            by_us = own is not None and one.record.get("sys_updated_by") == own
            with self.database.unit_of_work() as work:
                ticket_outcomes.seen(work, rules, one.ticket.id, reading, run.now(), alerts=self.alerts, by_us=by_us)
                if entries:
                    ticket_sync.notes_heard(work, one.ticket.id, entries, own, run.now())
                work.commit()

    def _own(self) -> str | None:
        """Our user's name over there, asked for once; None when the instance does not say."""
        if self._own_user is None:
            try:
                user = self.client.setup.own_user()
            except Refused as refused:
                if refused.fatal:
                    raise
                user = None
            self._own_user = user.user_name if user is not None else ""
        return self._own_user or None

    def _remember(self, heard: Sequence[_Heard]) -> None:
        if len(self._versions) > MOST_VERSIONS:
            self._versions.clear()
        self._versions |= {one.record.sys_id: one.record.changes for one in heard}

    # -- records no change was heard of ------------------------------------------------------------------------------

    def look(self, payload: dict[str, Any], run: JobRun) -> None:
        """Open records that were silent for an hour, a hundred with one request: a deleted one never changes."""
        now = run.now()
        with self.database.reading() as connection:
            unheard = ticket_sync.unheard(connection, now)
        if not unheard:
            return
        with self.budget.counted(run) as may:
            if may:
                self._look_at(unheard, run)

    def _look_at(self, unheard: dict[str, list[Row[Any]]], run: JobRun) -> None:
        rules = self.rules()
        found: set[int] = set()
        missing: set[int] = set()
        hidden: list[str] = []
        for table, rows in unheard.items():
            records = self.client.changes.by_sys_id(table, [row.sys_id for row in rows])
            there = {record.sys_id for record in records}
            gone = {row.id for row in rows if row.sys_id not in there}
            found |= {row.id for row in rows} - gone
            if not there and len(rows) >= HIDDEN_AT:
                hidden.append(f"none of our {plural(len(rows), 'open record')} in {table} can be seen")
            else:
                missing |= gone
            self._apply(rules, self._known(records), (), run)
        again = self._count(found, missing, run)
        if hidden:
            raise Refused(
                "servicenow",
                "look at records",
                f"{'; '.join(hidden)}: the integration user may have lost the right to read them. Give it back, or "
                "tell us that they were deleted",
                code="records_hidden",
            )
        if again:
            run.later(run.now() + AGAIN)

    def _count(self, found: Collection[int], missing: Collection[int], run: JobRun) -> bool:
        """Count the look; what was missed often enough is settled. Returns whether to look again soon."""
        now = run.now()
        with run.database.unit_of_work() as work:
            looks = ticket_sync.looked(work, found, missing)
            gone = sorted(ticket for ticket in missing if looks[ticket] >= ticket_sync.LOOKS)
            enqueue(work, [SettleTicket(ticket) for ticket in gone], now)
            work.commit()
        return len(gone) < len(missing)
