"""What follows from a request's present state, done by the `Advance` job after every change of it.

It looks at where the request stands and does what is due there; run twice, the second finds nothing to do. So a
decision itself stays short, and a crash between a decision and its consequences loses nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select

from model.events import Happened, Tag
from model.people import Person
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestKind,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from model.session import UnitOfWork
from model.tickets import TicketPurpose
from workflows import cards, granting, routing, seats_free, thread
from workflows.effects import Advance, Effect, MatchQueue, PublishHome, ShowRequest, enqueue
from workflows.reads.prices import prices, seat_numbers
from workflows.reclaim import savings
from workflows.request import Verb, close_steps, drop_lines, move, settle
from workflows.request_facts import cost_of
from workflows.rules import Rules
from workflows.seat_returns import show_ending
from workflows.seats import extended
from workflows.tickets import follow_request, open_ticket


def advance(work: UnitOfWork, rules: Rules, request_id: int, now: datetime) -> None:
    """Do what is due for this request. The caller commits."""
    request = work.session.get(LicenceRequest, request_id, with_for_update=True)
    if request is None:
        return
    effects: list[Effect] = []
    _count_lowered(work, request)
    match Status(request.status):
        case Status.AWAITING_APPROVAL:
            effects += _next_step(work, rules, request, now)
        case Status.APPROVED:
            effects += _provide(work, rules, request, now)
        case Status.WAITING_FOR_SEAT | Status.FULFILLING:
            effects += _go_on(work, rules, request, now)
        case Status.FAILED if request.kind == RequestKind.SEAT:
            effects += _provide(work, rules, request, now)  # what a person made wanted again, and nothing else
        case Status.DENIED | Status.WITHDRAWN | Status.EXPIRED:
            close_steps(work, request.id, now)
            drop_lines(work, request.id)
            if request.sku_id is not None:
                effects.append(MatchQueue(request.sku_id))
                others = seats_free.waiting_requests(work, request.sku_id, request.id) if request.queued_at else []
                effects += [ShowRequest(other) for other in others]
        case Status.DRAFT | Status.FULFILLED | Status.FAILED:
            pass
    work.session.flush()
    savings.keep_to_served(work, request.id, now)
    work.session.refresh(request)
    effects += follow_request(work, request.id, Status(request.status), request.closing_words)
    effects += thread.announce(work, request, now)
    if request.extends_seat_id is not None:
        effects += show_ending(work, request.extends_seat_id)
    effects.append(ShowRequest(request.id))
    effects += [PublishHome(person_id) for person_id in _concerned(work, request)]
    enqueue(work, effects, now)


def _count_lowered(work: UnitOfWork, request: LicenceRequest) -> None:
    """After an approver gave less than was asked for, budgets and sums count what was given, as of the day it was
    asked for: done again it gives the same."""
    if request.sku_id is None or Status(request.status) not in (Status.AWAITING_APPROVAL, Status.APPROVED):
        return
    changes = work.connection.execute(
        select(StepApprover.changed)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(ApprovalStep.request_id == request.id, StepApprover.state == ApproverState.AGREED)
    ).scalars()
    if not any(changes):
        return
    day = (request.submitted_at or request.created_at).date()
    cost = cost_of(prices(work.connection, [request.sku_id], day)[request.sku_id], request.seats, request.until_on, day)
    request.cost, request.currency = (cost.amount, cost.currency) if cost is not None else (None, None)


def _next_step(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> list[Effect]:
    """Open the next step; an order that is no longer needed is confirmed by nobody."""
    later = work.session.execute(
        select(ApprovalStep)
        .where(ApprovalStep.request_id == request.id, ApprovalStep.state.in_([StepState.OPEN, StepState.LATER]))
        .order_by(ApprovalStep.position)
    ).scalars()
    steps = list(later)
    for step in steps:
        alone = len(steps) == 1 and not _decided(work, request.id)  # the only decision of all never falls away
        needless = step.state == StepState.LATER and step.kind == StepKind.PURCHASE and not alone
        if needless and not _must_buy(work, request, now):
            step.state, step.decided_at = StepState.CLOSED, now
    work.session.flush()
    if any(step.state == StepState.OPEN for step in steps):
        return []
    if all(step.state == StepState.CLOSED for step in steps):
        # the last step fell away: what was agreed before is the approval
        event = move(work, request.id, Status.AWAITING_APPROVAL, Verb.APPROVE, "rule:routing", now)
        work.record([event], now)
        return [Advance(request.id)]
    return routing.open_next(work, rules, request.id, now)


def _must_buy(work: UnitOfWork, request: LicenceRequest, now: datetime) -> bool:
    """Whether the order of this request is still needed: the approver chose to buy, or nobody was asked yet."""
    if request.kind == RequestKind.NEW_PRODUCT or request.sku_id is None:
        return True
    if not request.purchase and _decided(work, request.id):
        return False
    return not seat_numbers(work.connection, [request.sku_id], now)[request.sku_id].enough_for(request.seats)


def _decided(work: UnitOfWork, request_id: int) -> bool:
    return bool(
        work.connection.execute(
            select(exists().where(ApprovalStep.request_id == request_id, ApprovalStep.state == StepState.APPROVED))
        ).scalar()
    )


def _provide(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> list[Effect]:
    """Approved: reserve what is free, queue or buy the rest, and start giving."""
    if request.kind == RequestKind.EXTENSION:
        return _extend(work, request, now)
    if request.kind == RequestKind.NEW_PRODUCT:
        return _hand_to_procurement(work, rules, request, now)
    assert request.sku_id is not None  # noqa: S101  a seat request always has its SKU
    if not _wanted(work, request.id):
        return []
    if request.purchase and _order_unconfirmed(work, request.id):
        return _confirm_order_first(work, rules, request, now)
    reserved, queued = seats_free.reserve(work, request.id, request.sku_id, now)
    events: list[Happened] = []
    if reserved:
        events.append(Happened(Tag.REQUEST_RESERVED, "rule:reserve", f"request:{request.id}", {"seats": reserved}))
    values: dict[str, Any] = {"queued_at": now} if queued and request.queued_at is None else {}
    events += settle(work, request.id, "rule:reserve", now, facts={"reserved": reserved, "queued": queued}, **values)
    work.record(events, now)
    work.session.refresh(request)
    effects = granting.begin(work, rules, request, now)
    if queued:
        others = seats_free.waiting_requests(work, request.sku_id, request.id)
        effects += [ShowRequest(other) for other in others]
    if queued and request.purchase:
        effects += _order(work, rules, request, queued, now)
    return effects


def _go_on(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> list[Effect]:
    """Reserved meanwhile, from the queue or after a person cleared something."""
    if request.kind != RequestKind.SEAT:
        return []
    return granting.begin(work, rules, request, now)


def _wanted(work: UnitOfWork, request_id: int) -> bool:
    return bool(
        work.connection.execute(
            select(exists().where(RequestLine.request_id == request_id, RequestLine.state == LineState.WANTED))
        ).scalar()
    )


def _order_unconfirmed(work: UnitOfWork, request_id: int) -> bool:
    """Bought without a second person's word yet (rules §5: not by whoever approved the money)."""
    confirmed = work.connection.execute(
        select(
            exists().where(
                ApprovalStep.request_id == request_id,
                ApprovalStep.kind == StepKind.PURCHASE,
                ApprovalStep.state == StepState.APPROVED,
            )
        )
    ).scalar()
    return not confirmed


def _confirm_order_first(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> list[Effect]:
    """The approver chose to buy although a seat was free when it was asked for: one more step."""
    event = move(
        work, request.id, Status.APPROVED, Verb.CONFIRM, "rule:purchase", now, facts={"because": "order to confirm"}
    )
    work.record([event], now)
    routing.add_step(work, rules, request.id, StepKind.PURCHASE, now)
    return routing.open_next(work, rules, request.id, now)


def _order(work: UnitOfWork, rules: Rules, request: LicenceRequest, missing: int, now: datetime) -> list[Effect]:
    effects = open_ticket(work, rules, TicketPurpose.PURCHASE, request.id, now, request_id=request.id, quantity=missing)
    if effects:
        work.record(
            [Happened(Tag.REQUEST_PURCHASE_ORDERED, "rule:purchase", f"request:{request.id}", {"seats": missing})],
            now,
        )
    return effects


def _hand_to_procurement(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> list[Effect]:
    effects = open_ticket(work, rules, TicketPurpose.NEW_PRODUCT, request.id, now, request_id=request.id)
    verb = Verb.BEGIN if effects else Verb.FULFIL
    work.record([move(work, request.id, Status(request.status), verb, "rule:purchase", now)], now)
    return effects


def _extend(work: UnitOfWork, request: LicenceRequest, now: datetime) -> list[Effect]:
    if Status(request.status) != Status.APPROVED:
        return []
    effects = extended(work, request, now)
    line = work.session.execute(
        select(RequestLine).where(RequestLine.request_id == request.id, RequestLine.state == LineState.WANTED)
    ).scalar_one_or_none()
    if effects is None:
        return _seat_gone(work, request, line, now)
    if line is not None:
        line.state, line.granted_at = LineState.GRANTED, now
        work.session.flush()
    work.record([move(work, request.id, Status.APPROVED, Verb.FULFIL, "rule:extension", now)], now)
    return effects


def _seat_gone(work: UnitOfWork, request: LicenceRequest, line: RequestLine | None, now: datetime) -> list[Effect]:
    """Nothing is left to keep longer: it is never said to be ready."""
    words = "The seat ended meanwhile; ask for it anew."
    if line is not None:
        line.state, line.words = LineState.FAILED, words
    work.session.flush()
    facts = {"because": words}
    gone = move(work, request.id, Status.APPROVED, Verb.FAIL, "rule:extension", now, facts=facts, closing_words=words)
    work.record([gone], now)
    to = cards.channel("it_alerts")
    return list(cards.new_card(work, cards.CardKind.STUCK, request.id, to, now, request_id=request.id))


def _concerned(work: UnitOfWork, request: LicenceRequest) -> list[int]:
    """Everybody whose Home shows this request and who opened it before."""
    deciding = (
        select(StepApprover.person_id)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(ApprovalStep.request_id == request.id)
    )
    rows = work.connection.execute(
        select(Person.id)
        .where(Person.home_seen_at.is_not(None), (Person.id == request.requester_id) | Person.id.in_(deciding))
        .order_by(Person.id)
    )
    return list(rows.scalars())
