"""What a ServiceNow record's state means for us: a seat given, an order arrived, a refusal, a conflict to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from model.contracts import Entitlement
from model.events import Happened, Tag
from model.requests import LicenceRequest, LineState, RequestLine, Status
from model.session import UnitOfWork
from model.tickets import Ticket, TicketPurpose
from workflows import alert_tickets, cards, granting
from workflows.effects import Advance, Effect, MatchQueue, ReadFigures, ShowRequest, enqueue
from workflows.request import Verb, move, settle
from workflows.rules import Rules

_OVER = ("complete", "incomplete", "cancelled", "rejected", "gone")
_WORDS = {
    "incomplete": "ServiceNow closed {number} as incomplete.",
    "cancelled": "{number} was cancelled in ServiceNow.",
    "rejected": "The approval of {number} was refused in ServiceNow.",
    "gone": "{number} is not in ServiceNow any more.",
}


@dataclass(frozen=True)
class Reading:
    """A record as read: `state` in our words; approval and stage as they are there."""

    state: str
    approval: str = ""
    stage: str = ""
    waits_for_approval: bool = False


def seen(work: UnitOfWork, rules: Rules, ticket_id: int, reading: Reading, now: datetime) -> None:
    """Write down what was read and do what follows. The caller commits; seeing the same twice does nothing more."""
    ticket = work.session.get_one(Ticket, ticket_id, with_for_update=True)
    if ticket.closed_at is not None:
        return
    approval = "requested" if reading.waits_for_approval else reading.approval
    changed = (ticket.state, ticket.approval, ticket.stage) != (reading.state, approval, reading.stage)
    ticket.state, ticket.approval, ticket.stage, ticket.read_at = reading.state, approval, reading.stage, now
    over = reading.state in _OVER
    if over:
        ticket.closed_at = now
    work.session.flush()
    if not changed and not over:
        return
    subject = f"request:{ticket.request_id}" if ticket.request_id else f"ticket:{ticket.id}"
    tag = Tag.TICKET_CLOSED if over else Tag.TICKET_STATE_READ
    facts = {"ticket": ticket.id, "state": reading.state, "approval": approval, "stage": reading.stage}
    work.record([Happened(tag, "servicenow", subject, facts)], now)
    if over:
        _follow(work, rules, ticket, reading.state, now)
    if ticket.request_id is not None:
        enqueue(work, [ShowRequest(ticket.request_id)], now)


def not_ordered(work: UnitOfWork, ticket_id: int, words: str, now: datetime) -> None:
    """The order could not be placed until a person clears something; a second try places the same order."""
    ticket = work.session.get_one(Ticket, ticket_id, with_for_update=True)
    if ticket.purpose == TicketPurpose.GRANT and ticket.line_id is not None:
        granting.blocked(work, ticket.line_id, words, "servicenow", now)
    elif ticket.request_id is not None:
        _not_bought(work, ticket.request_id, words, now)


def _follow(work: UnitOfWork, rules: Rules, ticket: Ticket, state: str, now: datetime) -> None:
    match ticket.purpose:
        case TicketPurpose.GRANT if ticket.line_id is not None:
            if state == "complete":
                granting.given(work, ticket.line_id, "servicenow", "servicenow", now, ticket=ticket.id)
            else:
                granting.blocked(work, ticket.line_id, _words(ticket, state), "servicenow", now)
        case TicketPurpose.PURCHASE:
            if state == "complete":
                _arrived(work, ticket, now)
            else:
                assert ticket.request_id is not None  # noqa: S101  an order belongs to its request
                _not_bought(work, ticket.request_id, _words(ticket, state), now)
        case TicketPurpose.TROUBLE:
            return  # an incident is theirs to close
        case TicketPurpose.NEW_PRODUCT:
            _procured(work, ticket, state, now)
        case TicketPurpose.ALERT:
            alert_tickets.ended_there(work, rules, ticket, state, now)
        case _ if ticket.wanted != state and not (ticket.wanted == "incomplete" and state in ("cancelled", "rejected")):
            _conflict(work, ticket, state, now)


def _words(ticket: Ticket, state: str) -> str:
    return _WORDS[state].format(number=ticket.number or "The record") + " Talk to the service desk, then try again."


def _arrived(work: UnitOfWork, ticket: Ticket, now: datetime) -> None:
    """The order came: what was ordered is registered at the newest known price, and whoever waits is served.

    The company owns those seats whatever became of the request meanwhile.
    """
    request = work.session.get_one(LicenceRequest, ticket.request_id)
    seats = ticket.quantity or 0
    newest = work.session.execute(
        select(Entitlement)
        .where(Entitlement.product_id == request.product_id, Entitlement.sku_id == request.sku_id)
        .order_by(Entitlement.starts_on.desc(), Entitlement.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if seats and request.product_id is not None:
        work.session.add(
            Entitlement(
                product_id=request.product_id,
                sku_id=request.sku_id,
                contract_id=newest.contract_id if newest else None,
                metric=newest.metric if newest else "named_user",
                kind=newest.kind if newest else "subscription",
                quantity=seats,
                unit_price=newest.unit_price if newest else None,
                currency=newest.currency if newest else None,
                billing_cycle=newest.billing_cycle if newest else "year",
                starts_on=now.date(),
                ends_on=newest.ends_on if newest else None,
                recorded_at=now,
            )
        )
    work.session.flush()
    facts = {"ticket": ticket.id, "seats": seats}
    work.record([Happened(Tag.REQUEST_PURCHASE_ARRIVED, "servicenow", f"request:{request.id}", facts)], now)
    effects: list[Effect] = [ReadFigures(), Advance(request.id)]
    if request.sku_id is not None:
        effects.append(MatchQueue(request.sku_id))
    enqueue(work, effects, now)


def _not_bought(work: UnitOfWork, request_id: int, words: str, now: datetime) -> None:
    """No order, no seat: what waits for it failed, and people hear why."""
    request = work.session.get_one(LicenceRequest, request_id, with_for_update=True)
    lines = list(
        work.session.execute(
            select(RequestLine).where(RequestLine.request_id == request.id, RequestLine.state == LineState.QUEUED)
        ).scalars()
    )
    if not lines:
        return  # withdrawn, or served by a seat that came back: nobody waits for this order
    request.closing_words = words
    for line in lines:
        line.state, line.words = LineState.FAILED, words
    work.session.flush()
    work.record(settle(work, request.id, "servicenow", now, facts={"because": words}), now)
    enqueue(work, [Advance(request.id), *_to_licence_managers(work, request, now)], now)


def _to_licence_managers(work: UnitOfWork, request: LicenceRequest, now: datetime) -> list[Effect]:
    """What was not bought waits for them: another way, or a word to whoever asked."""
    audience = cards.channel("licences")
    return list(cards.new_card(work, cards.CardKind.STUCK, request.id, audience, now, request_id=request.id))


def _procured(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    request = work.session.get_one(LicenceRequest, ticket.request_id)
    status = Status(request.status)
    if status != Status.FULFILLING:
        return
    verb = Verb.FULFIL if state == "complete" else Verb.FAIL
    facts = {} if state == "complete" else {"because": _words(ticket, state)}
    work.record([move(work, request.id, status, verb, "servicenow", now, facts=facts)], now)
    effects: list[Effect] = [Advance(request.id)]
    if verb is Verb.FAIL:
        effects += _to_licence_managers(work, request, now)
    enqueue(work, effects, now)


def _conflict(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    """Closed there while we still work on it here: shown, not guessed."""
    subject = f"request:{ticket.request_id}" if ticket.request_id else f"ticket:{ticket.id}"
    facts = {"ticket": ticket.id, "wanted": ticket.wanted, "found": state}
    work.record([Happened(Tag.TICKET_CONFLICT, "servicenow", subject, facts)], now)
