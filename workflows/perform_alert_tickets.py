"""Brings the record of a red alert in line: opened once, noted once per key, resolved, opened again (rules §8).

It stands before `perform_servicenow`: a job about any other record goes on to it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from integrations.errors import NotFound, Refused
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_types import Record
from jobs.worker import JobRun
from licensing.sheet import no_formula
from licensing.words import and_more, cut
from model.alerts import AlertPlace, RedAlert
from model.events import Happened, Tag
from model.people import Device
from model.session import Database
from model.tickets import Ticket, TicketNote, TicketPurpose
from workflows import ticket_outcomes
from workflows.alerts.groups import together
from workflows.alerts.messages import changed
from workflows.alerts.records import REOPENED, follow
from workflows.alerts.red_alert import reference
from workflows.alerts.titles import title_of
from workflows.effects import enqueue
from workflows.perform_servicenow import DISPLAY
from workflows.policy_alerts import AlertTicket
from workflows.rules import RulesSource
from workflows.ticket_outcomes import state_of

#: Devices named in the text; all of them are attached when there are more.
IN_TEXT = 20


class AlertTickets:
    """The job `ticket.settle` for records of alerts; `otherwise` takes the rest. Raises what the client raises."""

    def __init__(
        self,
        database: Database,
        client: ServiceNowClient,
        rules: RulesSource,
        otherwise: Callable[[dict[str, Any], JobRun], None],
    ) -> None:
        self._database = database
        self._client = client
        self._rules = rules
        self._otherwise = otherwise

    def settle(self, payload: dict[str, Any], run: JobRun) -> None:
        """One record: open it, write its notes, resolve it, open it again, or see what became of it."""
        ticket = self._ticket(int(payload["ticket"]))
        if ticket is None or ticket.purpose != TicketPurpose.ALERT or ticket.alert_id is None:
            self._otherwise(payload, run)
            return
        if ticket.closed_at is not None and ticket.wanted != REOPENED:
            return
        conf = self._conf(ticket.alert_id)
        if ticket.sys_id is None:
            if ticket.wanted == "complete" and not self._exists(ticket):
                self._seen(ticket, "complete", run)  # over before their instance answered: nothing to open
                return
            run.heartbeat()
            self._opened(ticket, conf, run)
            ticket = self._ticket(ticket.id)
            assert ticket is not None and ticket.sys_id is not None  # noqa: S101  stored a moment ago
        self._send_notes(ticket, run)
        try:
            record = self._client.read(ticket.table_name, ticket.sys_id or "")
        except NotFound:
            self._seen(ticket, "gone", run)
            return
        state = state_of(record)
        if ticket.wanted == REOPENED:
            self._reopen(ticket, conf, record, state, run)
            return
        if ticket.wanted == "complete" and state == "open":
            state = state_of(self._resolve(ticket, conf))
        self._seen(ticket, state, run)

    def _ticket(self, ticket_id: int) -> Ticket | None:
        with self._database.reading() as connection:
            row = connection.execute(select(*Ticket.__table__.columns).where(Ticket.id == ticket_id)).one_or_none()
        return None if row is None else Ticket(**row._mapping)

    def _exists(self, ticket: Ticket) -> bool:
        return bool(self._client.find_by_correlation(ticket.table_name, ticket.correlation_id))

    def _conf(self, alert_id: int) -> AlertTicket:
        with self._database.reading() as connection:
            cause = connection.execute(select(RedAlert.cause).where(RedAlert.id == alert_id)).scalar_one()
        return self._rules().policy.alerts.tickets.of(str(cause))

    # -- opening -------------------------------------------------------------------------------------------------------

    def _opened(self, ticket: Ticket, conf: AlertTicket, run: JobRun) -> None:
        title, words, names = self._words(ticket)
        fields = {
            "short_description": cut(title, 160),
            "description": words,
            "impact": str(conf.impact),
            "urgency": str(conf.urgency),
        }
        servicenow = self._rules().policy.servicenow
        group = conf.assignment_group or servicenow.assignment_group
        category = conf.category or servicenow.category
        fields |= {"assignment_group": group} if group else {}
        fields |= {"category": category} if category else {}
        record = self._client.create(ticket.table_name, fields, ticket.correlation_id, DISPLAY)
        if len(names) > IN_TEXT:
            content = _sheet(names)
            self._client.attach(ticket.table_name, record.sys_id, f"{ticket.correlation_id}.csv", content, "text/csv")
        with self._database.unit_of_work() as work:
            now = run.now()
            work.connection.execute(
                update(Ticket)
                .where(Ticket.id == ticket.id, Ticket.sys_id.is_(None))
                .values(sys_id=record.sys_id, number=record.number, opened_at=now, state="open")
            )
            facts = {"ticket": ticket.id, "number": record.number}
            work.record([Happened(Tag.TICKET_OPENED, "servicenow", f"alert:{ticket.alert_id}", facts)], now)
            assert ticket.alert_id is not None  # noqa: S101  a record of an alert
            enqueue(work, changed(work, [one.id for one in together(work, ticket.alert_id)], now), now)
            work.commit()

    def _words(self, ticket: Ticket) -> tuple[str, str, list[str]]:
        """Title, description and devices, of the alert or of all in its group."""
        with self._database.unit_of_work() as work:
            assert ticket.alert_id is not None  # noqa: S101  a record of an alert
            alerts = list(together(work, ticket.alert_id)) or [work.session.get_one(RedAlert, ticket.alert_id)]
            ids = [alert.id for alert in alerts]
            names = list(
                work.connection.execute(
                    select(Device.name)
                    .join(AlertPlace, AlertPlace.device_id == Device.id)
                    .where(AlertPlace.alert_id.in_(ids), AlertPlace.gone_at.is_(None))
                    .distinct()
                    .order_by(Device.name)
                ).scalars()
            )
            lines = [f"{reference(alert.id)}: {title_of(alert)}. Why: {alert.rule}." for alert in alerts]
        title = title_of(alerts[0]) if len(alerts) == 1 else f"{len(alerts)} red alerts about software"
        if names:
            lines.append(f"Devices: {and_more(names, IN_TEXT)}.")
        if len(names) > IN_TEXT:
            lines.append(f"All {len(names):,} are attached.")
        if ticket.opening_words:
            lines.insert(0, ticket.opening_words)
        lines.append("Resolved by itself when a scan shows it gone.")
        return title, "\n".join(lines), names

    def _send_notes(self, ticket: Ticket, run: JobRun) -> None:
        with self._database.reading() as connection:
            notes = connection.execute(
                select(TicketNote.id, TicketNote.effect_key, TicketNote.words)
                .where(TicketNote.ticket_id == ticket.id, TicketNote.sent_at.is_(None))
                .order_by(TicketNote.id)
            ).all()
        for note in notes:
            run.heartbeat()
            self._client.add_note(ticket.table_name, ticket.sys_id or "", note.words, note.effect_key)
            with self._database.unit_of_work() as work:
                work.connection.execute(update(TicketNote).where(TicketNote.id == note.id).values(sent_at=run.now()))
                work.commit()

    # -- closing and opening again -------------------------------------------------------------------------------------

    def _resolve(self, ticket: Ticket, conf: AlertTicket) -> Record:
        fields = {"state": conf.resolve_state}
        if conf.close_code:
            fields |= {"close_code": conf.close_code, "close_notes": ticket.closing_words or "Closed by Seatkeeper."}
        refusal = Refused(
            "servicenow",
            "close record",
            f"ServiceNow refuses the close code “{conf.close_code or conf.resolve_state}”. The alert is closed "
            f"here; ticket {ticket.number} stays open there. Choose another code in policy.yaml, alerts.tickets",
            code="close_ignored",
        )
        try:
            patched = self._client.patch(ticket.table_name, ticket.sys_id or "", fields)
        except Refused as refused:
            if "code" in refused.detail.lower():  # their data policy: a code it does not know counts as missing
                raise refusal from refused
            raise
        if "state" in patched.ignored or "close_code" in patched.ignored:
            raise refusal
        return patched.record

    def _reopen(self, ticket: Ticket, conf: AlertTicket, record: Record, state: str, run: JobRun) -> None:
        """Opened again where their instance allows it, else followed by a new record that names it."""
        allowed = state == "open"
        if not allowed:
            try:
                patched = self._client.patch(ticket.table_name, record.sys_id, {"state": conf.reopen_state})
                allowed = state_of(patched.record) == "open"
            except Refused:
                allowed = False
        now = run.now()
        if allowed and ticket.opening_words:
            key = f"reopened-{hashlib.sha256(ticket.opening_words.encode()).hexdigest()[:12]}"
            self._client.add_note(ticket.table_name, record.sys_id, ticket.opening_words, key)
        with run.database.unit_of_work() as work:
            values = {"wanted": "open", "state": "open", "closed_at": None, "read_at": now}
            if not allowed:
                values = {"wanted": "complete", "state": state, "closed_at": now, "read_at": now}
                enqueue(work, follow(work, self._rules(), ticket, ticket.opening_words, now), now)
            work.connection.execute(update(Ticket).where(Ticket.id == ticket.id).values(**values))
            assert ticket.alert_id is not None  # noqa: S101  a record of an alert
            enqueue(work, changed(work, [one.id for one in together(work, ticket.alert_id)], now), now)
            run.finish(work)
            work.commit()

    def _seen(self, ticket: Ticket, state: str, run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            ticket_outcomes.seen(work, self._rules(), ticket.id, ticket_outcomes.Reading(state), run.now())
            assert ticket.alert_id is not None  # noqa: S101  a record of an alert
            ids = [one.id for one in together(work, ticket.alert_id)] or [ticket.alert_id]
            enqueue(work, changed(work, ids, run.now()), run.now())
            run.finish(work)
            work.commit()


def _sheet(names: list[str]) -> bytes:
    """A CSV; a name that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["device"])
    writer.writerows([[no_formula(name)] for name in names])
    return out.getvalue().encode("utf-8")
