"""Brings ServiceNow records in line with what we want of them, and reads what people made of them there.

A record is looked up by its correlation id before it is made, each note carries its effect key, and a change that the
instance took but did not make is a refusal. Polling reads one page of changes a minute, not one record after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update

from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_types import Record
from jobs.worker import JobRun
from licensing.words import plural
from model.events import Happened, Tag
from model.licences import Product, Sku
from model.people import Person
from model.requests import LicenceRequest, LineState, RequestLine
from model.session import Database, UnitOfWork
from model.tickets import Meta, Ticket, TicketNote, TicketPurpose
from workflows import granting, ticket_outcomes
from workflows.effects import SettleTicket, ShowRequest, enqueue
from workflows.policy import CloseCode
from workflows.request import reference
from workflows.rules import Rules, RulesSource

#: Shown on every record of ours, and the filter of the poll.
DISPLAY = "Seatkeeper"
WATERMARK = "servicenow_watermark"
#: Their clock and ours may differ, and a second holds several changes (ServiceNow §8).
OVERLAP = timedelta(minutes=2)
#: An open record nobody changed is read again after this long, at most so many with one poll.
LOOKED_AT_WITHIN = timedelta(hours=1)
LOOKED_AT_ONCE = 20


@dataclass(frozen=True)
class _Subject:
    """What a record says."""

    title: str
    words: str
    person_email: str
    item: str | None
    quantity: int = 1


class ServiceNowEffects:
    """The jobs `ticket.settle` and `tickets.poll`."""

    def __init__(self, database: Database, client: ServiceNowClient, rules: RulesSource) -> None:
        self.database = database
        self.client = client
        self.rules = rules

    def settle(self, payload: dict[str, Any], run: JobRun) -> None:
        """One record: open it, write its notes, close it, or see what became of it."""
        rules = self.rules()
        ticket = self._ticket(int(payload["ticket"]))
        if ticket is None or ticket.closed_at is not None:
            return
        if ticket.sys_id is None:
            if ticket.wanted != "open" and not _is_owed(ticket) and not self._exists(ticket):
                self._write(run, rules, ticket, None, ticket.wanted)
                return
            found = self._placed(rules, ticket, run)
            if found is None:
                return
            self._opened(rules, ticket.id, found, run)
            ticket = self._ticket(ticket.id)
            assert ticket is not None and ticket.sys_id is not None  # noqa: S101  stored a moment ago
        self._send_notes(ticket, run)
        try:
            record = self.client.read(ticket.table_name, ticket.sys_id)
        except NotFound:
            self._write(run, rules, ticket, None, "gone")
            return
        state = state_of(record)
        if ticket.wanted != "open" and state == "open":
            record = self._close(rules, ticket)
            state = state_of(record)
        self._write(run, rules, ticket, record, state)

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
        person = self.client.find_person(subject.person_email)
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
            fields["assignment_group"] = settings.assignment_group
        return self.client.create(ticket.table_name, fields, ticket.correlation_id, DISPLAY)

    def _subject(self, rules: Rules, ticket: Row[Any]) -> _Subject:
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
                .returning(Ticket.request_id, Ticket.line_id)
            ).one_or_none()
            if stored is not None and stored.line_id is not None:
                granting.under_way(work, stored.line_id)
            if stored is not None:
                subject = f"request:{stored.request_id}" if stored.request_id else f"ticket:{ticket_id}"
                facts = {"ticket": ticket_id, "number": record.number}
                work.record([Happened(Tag.TICKET_OPENED, "servicenow", subject, facts)], now)
                if stored.request_id:
                    enqueue(work, [ShowRequest(stored.request_id)], now)
            work.commit()

    def _send_notes(self, ticket: Row[Any], run: JobRun) -> None:
        with self.database.reading() as connection:
            notes = connection.execute(
                select(TicketNote.id, TicketNote.effect_key, TicketNote.words)
                .where(TicketNote.ticket_id == ticket.id, TicketNote.sent_at.is_(None))
                .order_by(TicketNote.id)
            ).all()
        for note in notes:
            self.client.add_note(ticket.table_name, ticket.sys_id, note.words, note.effect_key)
            with self.database.unit_of_work() as work:
                work.connection.execute(update(TicketNote).where(TicketNote.id == note.id).values(sent_at=run.now()))
                work.commit()

    # -- closing it ----------------------------------------------------------------------------------------------------

    def _close(self, rules: Rules, ticket: Row[Any]) -> Record:
        codes = rules.policy.servicenow.close_codes
        code: CloseCode = {
            "complete": codes.fulfilled,
            "cancelled": codes.cancelled,
            "incomplete": codes.denied,
        }[ticket.wanted]
        fields = {"state": code.state}
        if code.close_code:
            fields["close_code"] = code.close_code
            fields["close_notes"] = ticket.closing_words or "Closed by Seatkeeper."
        patched = self.client.patch(ticket.table_name, ticket.sys_id, fields)
        if "state" in patched.ignored:
            raise Refused(
                "servicenow",
                "close record",
                f"{ticket.number} took the change but kept its state: the state {code.state} or the close code is not "
                "allowed there; choose another in policy.yaml, servicenow.close_codes",
                code="close_ignored",
            )
        return patched.record

    def _write(self, run: JobRun, rules: Rules, ticket: Row[Any], record: Record | None, state: str) -> None:
        approvals: tuple[str, ...] = ()
        if record is not None and state == "open" and ticket.purpose != TicketPurpose.RECORD:
            approvals = tuple(one.state for one in self.client.approvals(ticket.table_name, ticket.sys_id))
        with run.database.unit_of_work() as work:
            ticket_outcomes.seen(work, rules, ticket.id, _reading(record, state, approvals), run.now())
            run.finish(work)
            work.commit()

    # -- polling -------------------------------------------------------------------------------------------------------

    def poll(self, payload: dict[str, Any], run: JobRun) -> None:
        """All changes of our records since the last look; each is applied in its own transaction."""
        rules = self.rules()
        tables = self._open_tables()
        if not tables:
            return
        began = run.now()
        since = self._watermark(began)
        for table in tables:
            for record in self.client.all_updated_since(table, DISPLAY, since - OVERLAP):
                self._changed(rules, record, run)
        with run.database.unit_of_work() as work:
            merged = Meta(key=WATERMARK, value=began.astimezone(UTC).isoformat())
            work.session.merge(merged)
            work.session.flush()
            enqueue(work, [SettleTicket(one) for one in self._unseen(work, run.now())], run.now())
            run.finish(work)
            work.commit()

    def _unseen(self, work: UnitOfWork, now: datetime) -> list[int]:
        """Open records no change was heard of for long: read one by one, since a deleted one never changes."""
        seen = func.coalesce(Ticket.read_at, Ticket.opened_at)
        rows = work.connection.execute(
            select(Ticket.id)
            .where(Ticket.closed_at.is_(None), Ticket.sys_id.is_not(None), seen < now - LOOKED_AT_WITHIN)
            .order_by(seen)
            .limit(LOOKED_AT_ONCE)
        )
        return list(rows.scalars())

    def _open_tables(self) -> list[str]:
        with self.database.reading() as connection:
            return list(
                connection.execute(
                    select(Ticket.table_name)
                    .where(Ticket.closed_at.is_(None), Ticket.sys_id.is_not(None))
                    .distinct()
                    .order_by(Ticket.table_name)
                ).scalars()
            )

    def _watermark(self, now: datetime) -> datetime:
        with self.database.reading() as connection:
            stored = connection.execute(select(Meta.value).where(Meta.key == WATERMARK)).scalar()
        return datetime.fromisoformat(stored) if stored else now - timedelta(days=1)

    def _changed(self, rules: Rules, record: Record, run: JobRun) -> None:
        with self.database.reading() as connection:
            ticket = connection.execute(
                select(Ticket.id, Ticket.table_name, Ticket.sys_id, Ticket.purpose).where(
                    Ticket.sys_id == record.sys_id, Ticket.closed_at.is_(None)
                )
            ).one_or_none()
        if ticket is None:
            return
        state = state_of(record)
        approvals: tuple[str, ...] = ()
        if state == "open" and ticket.purpose != TicketPurpose.RECORD:
            approvals = tuple(one.state for one in self.client.approvals(ticket.table_name, ticket.sys_id))
        with self.database.unit_of_work() as work:
            ticket_outcomes.seen(work, rules, ticket.id, _reading(record, state, approvals), run.now())
            work.commit()


def _is_owed(ticket: Row[Any]) -> bool:
    """Each request is kept there, also one that was over before ServiceNow answered; one taken back needs no record."""
    return bool(ticket.purpose == TicketPurpose.RECORD and ticket.wanted != "cancelled")


def _reading(record: Record | None, state: str, approvals: tuple[str, ...]) -> ticket_outcomes.Reading:
    return ticket_outcomes.Reading(
        state=state,
        approval=record.get("approval") if record is not None else "",
        stage=record.get("stage") if record is not None else "",
        waits_for_approval="requested" in approvals,
    )


def state_of(record: Record) -> str:
    """Their state in our words: open, complete, incomplete, cancelled, rejected (rules §5: different outcomes).

    Numbers of sc_req_item and of incident are their defaults (unconfirmed for a customised instance: policy's close
    codes say what we write, this says what we read).
    """
    if record.get("approval") == "rejected":
        return "rejected"
    state = record.get("state")
    if record.table == "incident":
        return {"6": "complete", "7": "complete", "8": "cancelled"}.get(state, "open")
    if "cancel" in record.get("stage").lower():
        return "cancelled"
    return {"3": "complete", "4": "incomplete", "7": "cancelled"}.get(state, "open")
