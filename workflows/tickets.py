"""Records in ServiceNow: what we want of each, and what they made of it. Sending is `perform_servicenow`.

One row per record, with a correlation id made of our own ids: looked up and compared there before anything is created.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update

from model.requests import LicenceRequest, Status
from model.session import UnitOfWork
from model.tickets import Ticket, TicketNote, TicketPurpose
from workflows.effects import Effect, SettleTicket
from workflows.rules import Rules

#: What a request's state asks of the record that mirrors it; states not named leave it open.
_WANTED_BY_STATUS = {
    Status.FULFILLED: "complete",
    Status.DENIED: "incomplete",
    Status.WITHDRAWN: "cancelled",
    Status.EXPIRED: "incomplete",
}


def correlation_id(rules: Rules, purpose: TicketPurpose, subject_id: int) -> str:
    """For example "seatkeeper-3f2a-record-42"; no "^", at most 100 characters (ServiceNow §7)."""
    return f"seatkeeper-{rules.instance}-{purpose.value}-{subject_id}"


def open_ticket(
    work: UnitOfWork,
    rules: Rules,
    purpose: TicketPurpose,
    subject_id: int,
    now: datetime,
    *,
    table: str = "sc_req_item",
    request_id: int | None = None,
    line_id: int | None = None,
    return_id: int | None = None,
    words: str = "",
    quantity: int | None = None,
) -> list[Effect]:
    """Want a record for this subject; the same subject has one open, however often this is called.

    One that ended without what was wanted is followed by another with the next number behind its key.
    """
    if not rules.servicenow:
        return []
    key = correlation_id(rules, purpose, subject_id)
    earlier = work.connection.execute(
        select(Ticket.id, Ticket.closed_at, Ticket.state)
        .where((Ticket.correlation_id == key) | Ticket.correlation_id.like(f"{key}-try%"))
        .order_by(Ticket.id)
    ).all()
    known = earlier[-1].id if earlier and (earlier[-1].closed_at is None or earlier[-1].state == "complete") else None
    if known is None:
        if earlier:
            key = f"{key}-try{len(earlier) + 1}"
        ticket = Ticket(
            correlation_id=key,
            purpose=purpose,
            table_name=table,
            request_id=request_id,
            line_id=line_id,
            return_id=return_id,
            opening_words=words,
            quantity=quantity,
            created_at=now,
        )
        work.session.add(ticket)
        work.session.flush()  # its id goes into the job
        known = ticket.id
    return [SettleTicket(known)]


def record_again(work: UnitOfWork, rules: Rules, request_id: int, now: datetime) -> list[Effect]:
    """A request that is open again is mirrored by an open record: the one it has, else another one that follows it."""
    mirror = (Ticket.request_id == request_id, Ticket.purpose == TicketPurpose.RECORD)
    if work.connection.execute(select(Ticket.id).where(*mirror).limit(1)).first() is None:
        return []  # policy wants none
    still = update(Ticket).where(*mirror, Ticket.closed_at.is_(None)).values(wanted="open", closing_words="")
    work.connection.execute(still)
    return open_ticket(work, rules, TicketPurpose.RECORD, request_id, now, request_id=request_id)


def follow_request(work: UnitOfWork, request_id: int, status: Status, words: str) -> list[Effect]:
    """Make the mirror record want what the request's state asks; a granting or buying record is only cancelled."""
    wanted = _WANTED_BY_STATUS.get(status)
    if wanted is None:
        return []
    effects: list[Effect] = []
    rows = work.connection.execute(
        select(Ticket.id, Ticket.purpose, Ticket.wanted, Ticket.state).where(
            Ticket.request_id == request_id,
            Ticket.closed_at.is_(None),
            Ticket.purpose.in_([TicketPurpose.RECORD, TicketPurpose.PURCHASE, TicketPurpose.NEW_PRODUCT]),
        )
    ).all()
    for row in rows:
        aim = wanted
        if row.purpose != TicketPurpose.RECORD:
            if wanted == "complete":
                continue  # theirs to complete
            aim = "cancelled"
        if row.wanted == aim:
            continue
        work.connection.execute(update(Ticket).where(Ticket.id == row.id).values(wanted=aim, closing_words=words))
        effects.append(SettleTicket(row.id))
    return effects


def add_note(work: UnitOfWork, request_id: int, effect_key: str, words: str) -> list[Effect]:
    """A work note on the request's open records, written once."""
    effects: list[Effect] = []
    for ticket_id in _open_of_request(work, request_id):
        known = work.connection.execute(
            select(TicketNote.id).where(TicketNote.ticket_id == ticket_id, TicketNote.effect_key == effect_key)
        ).scalar()
        if known is None:
            work.session.add(TicketNote(ticket_id=ticket_id, effect_key=effect_key, words=words))
        effects.append(SettleTicket(ticket_id))
    work.session.flush()  # the unique key must speak now, not at commit
    return effects


def _open_of_request(work: UnitOfWork, request_id: int) -> Iterable[int]:
    return list(
        work.connection.execute(
            select(Ticket.id).where(Ticket.request_id == request_id, Ticket.closed_at.is_(None))
        ).scalars()
    )


def requests_of(work: UnitOfWork, ticket_id: int) -> LicenceRequest | None:
    """The request a record belongs to."""
    return work.session.execute(
        select(LicenceRequest).join(Ticket, Ticket.request_id == LicenceRequest.id).where(Ticket.id == ticket_id)
    ).scalar_one_or_none()
