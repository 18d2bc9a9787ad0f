"""Brings ServiceNow records in line with what we want of them.

A record is looked up by its correlation id before it is made, each note carries its effect key, and a change that the
instance took but did not make is a refusal. What people make of the records is read by `perform_ticket_sync`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select, update

from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_types import Record
from jobs.worker import JobRun
from licensing.words import joined, plural
from model.events import Happened, Tag
from model.licences import Product, Sku
from model.people import Person
from model.requests import LicenceRequest, LineState, RequestLine
from model.session import Database
from model.tickets import Ticket, TicketNote, TicketPurpose
from workflows import granting, ticket_outcomes, ticket_sync
from workflows.effects import ShowRequest, enqueue
from workflows.policy import CloseCode
from workflows.request import reference
from workflows.rules import Rules, RulesSource
from workflows.ticket_budget import RequestBudget
from workflows.ticket_outcomes import ALERTS, AlertHooks

#: Shown on every record of ours.
DISPLAY = "Seatkeeper"
#: A record that cannot be found is looked for again after this, before it is believed deleted.
LOOK_AGAIN = timedelta(minutes=1)
#: Whoever waits for one of these hears of its end from the request's own card.
_TOLD = (TicketPurpose.GRANT, TicketPurpose.PURCHASE, TicketPurpose.NEW_PRODUCT)


@dataclass(frozen=True)
class _Subject:
    """What a record says."""

    title: str
    words: str
    person_email: str
    item: str | None
    quantity: int = 1


class ServiceNowEffects:
    """The job `ticket.settle`."""

    def __init__(
        self, database: Database, client: ServiceNowClient, rules: RulesSource, alerts: AlertHooks = ALERTS
    ) -> None:
        self.database = database
        self.client = client
        self.rules = rules
        self.alerts = alerts
        self.budget = RequestBudget(database, client.meter, rules)
        self._groups: dict[str, str] = {}

    def settle(self, payload: dict[str, Any], run: JobRun) -> None:
        """One record: open it, write its notes, close it, or see what became of it."""
        ticket = self._ticket(int(payload["ticket"]))
        if ticket is None or (ticket.closed_at is not None and not (ticket.sys_id and self._unsent(ticket.id))):
            return
        with self.budget.counted(run) as may:
            if may and ticket.closed_at is None:
                self._settle(self.rules(), ticket, run)
            elif may:
                self._note_after_the_end(ticket, run)

    def _settle(self, rules: Rules, ticket: Row[Any], run: JobRun) -> None:
        if ticket.sys_id is None:
            if ticket.wanted != "open" and not _is_owed(ticket) and not self._exists(ticket):
                self._write(run, rules, ticket, None, ticket.wanted)
                return
            found = self._placed(rules, ticket, run)
            if found is None:
                return
            self._opened(rules, ticket.id, found, run)
            opened = self._ticket(ticket.id)
            assert opened is not None and opened.sys_id is not None  # noqa: S101  stored a moment ago
            ticket = opened
        self._send_notes(ticket, run)
        try:
            record = self.client.read(ticket.table_name, ticket.sys_id)
        except NotFound:
            self._missing(rules, ticket, run)
            return
        state = ticket_outcomes.state_of(record)
        if ticket.wanted != "open" and state == "open":
            record = self._close(rules, ticket)
            state = ticket_outcomes.state_of(record)
        self._write(run, rules, ticket, record, state)

    def _note_after_the_end(self, ticket: Row[Any], run: JobRun) -> None:
        """What happened after a record was closed, such as an undo, is noted on it all the same; it stays closed."""
        try:
            self._send_notes(ticket, run)
        except NotFound:
            return  # deleted there since: nobody reads it

    def _missing(self, rules: Rules, ticket: Row[Any], run: JobRun) -> None:
        """Absent and hidden look the same, so it is looked for again before we believe that somebody deleted it.

        Raises Refused for a record nobody here waits for: the job is parked, and IT hears it once per cause.
        """
        with run.database.unit_of_work() as work:
            looks = ticket_sync.looked(work, (), (ticket.id,))[ticket.id]
            work.commit()
        if looks < ticket_sync.LOOKS:
            run.later(run.now() + LOOK_AGAIN)
            return
        with run.database.unit_of_work() as work:
            deleted = ticket_outcomes.Reading("deleted")
            ticket_outcomes.seen(work, rules, ticket.id, deleted, run.now(), alerts=self.alerts)
            ticket_sync.looked(work, (ticket.id,), ())
            if ticket.purpose in _TOLD:
                run.finish(work)
            work.commit()
        if ticket.purpose not in _TOLD:
            raise Refused(
                "servicenow",
                "read record",
                f"{ticket.number} is not there any more: somebody deleted it, or hid it from the integration user. "
                "Nothing else was changed; running it again only takes this note away",
                code="deleted",
            )

    # -- making a record -----------------------------------------------------------------------------------------------

    def _ticket(self, ticket_id: int) -> Row[Any] | None:
        with self.database.reading() as connection:
            return connection.execute(select(*Ticket.__table__.columns).where(Ticket.id == ticket_id)).one_or_none()

    def _exists(self, ticket: Row[Any]) -> bool:
        """An opening whose answer was lost."""
        return bool(self.client.find_by_correlation(ticket.table_name, ticket.correlation_id))

    def _placed(self, rules: Rules, ticket: Row[Any], run: JobRun) -> Record | None:
        """The record, opened now or found; whoever waits for it hears when that does not work. None: a person must act.

        Raises what the client raises, for the job to be tried again or parked.
        """
        try:
            return self._open(rules, ticket)
        except (Transient, RateLimited, Unclear):
            self._tell_delay(ticket, run, refused=False)
            raise
        except Refused as refused:
            if refused.code != "person_missing" or ticket.purpose not in (TicketPurpose.GRANT, TicketPurpose.PURCHASE):
                self._tell_delay(ticket, run, refused=True)
                raise
            words = f"ServiceNow did not take the order: {refused.detail}."
        with run.database.unit_of_work() as work:
            ticket_outcomes.not_ordered(work, ticket.id, words, run.now())
            run.finish(work)
            work.commit()
        return None

    def _tell_delay(self, ticket: Row[Any], run: JobRun, *, refused: bool) -> None:
        if ticket.purpose != TicketPurpose.GRANT or ticket.line_id is None:
            return  # a seat in the queue waits anyhow, and a record is nobody's concern but ours
        with run.database.unit_of_work() as work:
            granting.delayed(work, ticket.line_id, "ServiceNow", run.now(), refused=refused)
            work.commit()

    def _open(self, rules: Rules, ticket: Row[Any]) -> Record:
        subject = self._subject(rules, ticket)
        person = self.client.find_person(subject.person_email) if subject.person_email else None
        if subject.item is not None:
            if person is None:
                raise Refused(
                    "servicenow",
                    "order from the catalogue",
                    "the person is not in ServiceNow (sys_user) or is there twice: add or merge them, then try again",
                    code="person_missing",
                )
            words = {"short_description": subject.title, "details": subject.words, "seatkeeper_ref": subject.title}
            return self.client.order_item(
                subject.item, person, words, ticket.correlation_id, DISPLAY, quantity=subject.quantity
            )
        fields = {"short_description": subject.title[:160], "description": subject.words}
        if person is not None:
            fields["requested_for" if ticket.table_name == "sc_req_item" else "caller_id"] = person
        settings = rules.policy.servicenow
        if settings.assignment_group:
            fields["assignment_group"] = self._group(settings.assignment_group)
        if ticket.table_name == "incident":
            fields |= {"impact": str(settings.impact), "urgency": str(settings.urgency)}
            fields |= {"category": settings.category} if settings.category else {}
        return self.client.create(ticket.table_name, fields, ticket.correlation_id, DISPLAY)

    def _group(self, name: str) -> str:
        """The group's sys_id: a name in a reference field is not resolved there. Raises Refused when it is not one."""
        if name not in self._groups:
            found = self.client.setup.groups(name)
            if len(found) != 1:
                how = "is not there, or not active" if not found else "is there more than once"
                raise Refused(
                    "servicenow",
                    "open record",
                    f"the assignment group “{name}” {how}: put it right in ServiceNow, or name another in policy.yaml, "
                    "servicenow.assignment_group",
                    code="group_missing",
                )
            self._groups[name] = found[0]
        return self._groups[name]

    def _subject(self, rules: Rules, ticket: Row[Any]) -> _Subject:
        if ticket.request_id is None:
            title, _, more = ticket.opening_words.partition("\n")
            return _Subject(title, more.strip() or title, "", None)
        with self.database.reading() as connection:
            row = connection.execute(
                select(
                    LicenceRequest.id,
                    LicenceRequest.seats,
                    LicenceRequest.reason,
                    LicenceRequest.details,
                    Person.name,
                    Person.email,
                    Product.name.label("product"),
                    Product.catalog_item_id,
                    Product.purchase_item_id,
                    Sku.tier,
                )
                .join(Person, Person.id == LicenceRequest.requester_id)
                .outerjoin(Product, Product.id == LicenceRequest.product_id)
                .outerjoin(Sku, Sku.id == LicenceRequest.sku_id)
                .where(LicenceRequest.id == ticket.request_id)
            ).one()
            queued = select(func.count()).where(
                RequestLine.request_id == ticket.request_id, RequestLine.state == LineState.QUEUED
            )
            # seats that are free are not bought again; what was agreed to be ordered is what is registered on arrival
            missing = ticket.quantity or connection.execute(queued).scalar_one() or row.seats
            holder = None
            if ticket.line_id is not None:
                holder = connection.execute(
                    select(Person.name, Person.email)
                    .join(RequestLine, RequestLine.person_id == Person.id)
                    .where(RequestLine.id == ticket.line_id)
                ).one_or_none()
        settings = rules.policy.servicenow
        product = row.product or str(row.details.get("name", "new software"))
        tier = f" {row.tier}" if row.tier and row.tier not in product else ""
        who, email = (holder.name, holder.email) if holder is not None else (row.name, row.email)
        words = f"{reference(row.id)}. {row.reason}"
        match ticket.purpose:
            case TicketPurpose.GRANT:
                return _Subject(f"Give {who} a seat in {product}{tier}", words, email, row.catalog_item_id)
            case TicketPurpose.PURCHASE:
                item = row.purchase_item_id or settings.purchase_catalogue_item
                return _Subject(f"Buy {plural(missing, 'seat')} of {product}{tier}", words, email, item, missing)
            case TicketPurpose.NEW_PRODUCT:
                item = settings.new_product_catalogue_item
                return _Subject(f"New software: {product}", words, email, item)
            case TicketPurpose.TROUBLE:
                return _Subject(f"{product}{tier} does not work", f"{words}\n{ticket.opening_words}", email, None)
            case _:
                item = settings.record_catalogue_item
                return _Subject(f"Licence request: {product}{tier} for {who}", words, email, item)

    def _opened(self, rules: Rules, ticket_id: int, record: Record, run: JobRun) -> None:
        now = run.now()
        with self.database.unit_of_work() as work:
            stored = work.connection.execute(
                update(Ticket)
                .where(Ticket.id == ticket_id, Ticket.sys_id.is_(None))
                .values(
                    sys_id=record.sys_id,
                    number=record.number,
                    table_name=record.table,
                    opened_at=now,
                    state="open",
                )
                .returning(Ticket.request_id, Ticket.line_id, Ticket.renewal_decision_id)
            ).one_or_none()
            if stored is not None and stored.line_id is not None:
                granting.under_way(work, stored.line_id)
            if stored is not None:
                subject = f"request:{stored.request_id}" if stored.request_id else f"ticket:{ticket_id}"
                facts = {"ticket": ticket_id, "number": record.number}
                work.record([Happened(Tag.TICKET_OPENED, "servicenow", subject, facts)], now)
                if stored.request_id:
                    enqueue(work, [ShowRequest(stored.request_id)], now)
                enqueue(work, ticket_outcomes.renewal_of(work, stored.renewal_decision_id), now)
            work.commit()

    def _unsent(self, ticket_id: int) -> Sequence[Row[Any]]:
        with self.database.reading() as connection:
            return connection.execute(
                select(TicketNote.id, TicketNote.effect_key, TicketNote.words)
                .where(TicketNote.ticket_id == ticket_id, TicketNote.sent_at.is_(None))
                .order_by(TicketNote.id)
            ).all()

    def _send_notes(self, ticket: Row[Any], run: JobRun) -> None:
        for note in self._unsent(ticket.id):
            self.client.add_note(ticket.table_name, ticket.sys_id, note.words, note.effect_key)
            with self.database.unit_of_work() as work:
                work.connection.execute(update(TicketNote).where(TicketNote.id == note.id).values(sent_at=run.now()))
                work.commit()

    # -- closing it ----------------------------------------------------------------------------------------------------

    def _close(self, rules: Rules, ticket: Row[Any]) -> Record:
        codes = rules.policy.servicenow.close_codes
        by_aim = {"complete": codes.fulfilled, "cancelled": codes.cancelled, "incomplete": codes.denied}
        code: CloseCode = codes.resolved if ticket.table_name == "incident" else by_aim[ticket.wanted]
        fields = {"state": code.state}
        if code.close_code:
            fields["close_code"] = code.close_code
            fields["close_notes"] = ticket.closing_words or "Closed by Seatkeeper."
        try:
            patched = self.client.patch(ticket.table_name, ticket.sys_id, fields)
        except Refused as refused:
            if refused.code != "data_policy" or not code.close_code:
                raise
            raise self._wrong_code(ticket, code.close_code) from refused
        if "state" in patched.ignored:
            raise Refused(
                "servicenow",
                "close record",
                f"{ticket.number} took the change but kept its state: the state {code.state} or the close code is not "
                "allowed there; choose another in policy.yaml, servicenow.close_codes",
                code="close_ignored",
            )
        return patched.record

    def _wrong_code(self, ticket: Row[Any], code: str) -> Refused:
        """An unknown close code is dropped there and then reported as missing, so the sentence names what it knows."""
        known = [one.value for one in self.client.setup.choices(ticket.table_name, "close_code")]
        if code in known:
            more = "it knows that code, so a rule of its own wants more fields or another code"
        else:
            more = f"it knows {joined(known, 'or')}" if known else "it lists no codes"
        sentence = (
            f"it refuses the close code “{code}”; {more}. Choose another in policy.yaml, servicenow.close_codes, then "
            "run this again"
        )
        return Refused("servicenow", "close record", sentence, code="close_code")

    def _write(self, run: JobRun, rules: Rules, ticket: Row[Any], record: Record | None, state: str) -> None:
        approvals: tuple[str, ...] = ()
        if record is not None and state == "open" and ticket.purpose != TicketPurpose.RECORD:
            approvals = tuple(one.state for one in self.client.approvals(ticket.table_name, ticket.sys_id))
        with run.database.unit_of_work() as work:
            reading = (
                ticket_outcomes.Reading(state) if record is None else ticket_outcomes.reading_of(record, approvals)
            )
            ticket_outcomes.seen(work, rules, ticket.id, reading, run.now(), alerts=self.alerts, by_us=True)
            run.finish(work)
            work.commit()


def _is_owed(ticket: Row[Any]) -> bool:
    """Each request is kept there, also one that was over before ServiceNow answered; one taken back needs no record."""
    return bool(ticket.purpose == TicketPurpose.RECORD and ticket.wanted != "cancelled")
