"""A stored request as routing sees it: prices, free seats, what was asked for lately. Reads only."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select

from licensing.money import Money, Sums, cost_to_end
from model.licences import Product, Sku
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
from workflows.facts import RequestFacts, StepFacts
from workflows.policy import Policy
from workflows.reads.facts import Price
from workflows.reads.prices import budget_left, budgets, charge, prices, seat_numbers

#: Requests that still count towards a sum: not those that came to nothing.
_COUNTING = tuple(
    status for status in Status if status not in (Status.DRAFT, Status.DENIED, Status.WITHDRAWN, Status.EXPIRED)
)


def request_facts(connection: Connection, request_id: int, policy: Policy, now: datetime) -> RequestFacts:
    """Facts of one stored request. Raises LookupError for an unknown one."""
    row = connection.execute(_request_row().where(LicenceRequest.id == request_id)).one_or_none()
    if row is None:
        raise LookupError(f"there is no request {request_id}")
    people = connection.execute(
        select(RequestLine.person_id)
        .where(
            RequestLine.request_id == request_id,
            RequestLine.person_id.is_not(None),
            RequestLine.state != LineState.DROPPED,
        )
        .order_by(RequestLine.id)
    ).scalars()
    beneficiaries = tuple(one for one in people if one is not None)
    today = now.date()
    if row.product_id is None or row.sku_id is None:
        return RequestFacts(
            requester_id=row.requester_id,
            beneficiary_ids=beneficiaries,
            product_key=None,
            product_name=str(row.details.get("name", "new software")),
            seats=row.seats,
            purchase_needed=True,
            sensitive_data=row.details.get("holds") == "people",
        )
    extension = row.kind == RequestKind.EXTENSION
    price = prices(connection, [row.sku_id], today)[row.sku_id]
    numbers = seat_numbers(connection, [row.sku_id], now)[row.sku_id]
    free = row.seats if numbers.unlimited else numbers.free_for_new
    buys = 0 if extension else max(0, row.seats - (free or 0))
    left = budget_left(budgets(connection, [row.cost_centre], today.year), row.cost_centre, price)
    return RequestFacts(
        requester_id=row.requester_id,
        beneficiary_ids=beneficiaries,
        product_key=row.key,
        product_name=row.name,
        owner_id=row.owner_id,
        seats=row.seats,
        free_seats=free,
        cost=cost_of(price, row.seats, row.until_on, today),
        recent=_recent(connection, row, policy, now),
        tier_rank=row.rank,
        days=(row.until_on - today).days + 1 if row.until_on else None,
        is_extension=extension,
        purchase_needed=buys > 0,
        over_budget=left.over(charge(price, buys, today)) is not None,
    )


def cost_of(price: Price, seats: int, until: date | None, today: date) -> Money | None:
    """What the seats cost from today to the last day wanted, or to the end of the term; None when not known.

    A day that passed while the request waited counts as today: the card must still be drawn and can still be denied.
    """
    if price.unit is None:
        return None
    ends = [day for day in (until, price.ends_on) if day is not None]
    return cost_to_end(price.unit, price.cycle, today, max(min(ends), today) if ends else None, seats)


def _recent(connection: Connection, row: Row[Any], policy: Policy, now: datetime) -> Sums:
    """Cost of the other requests for this product and cost centre in policy's days (rules §5: no splitting)."""
    since = now - timedelta(days=policy.finance.sum_over_days)
    others = connection.execute(
        select(LicenceRequest.cost, LicenceRequest.currency).where(
            LicenceRequest.product_id == row.product_id,
            LicenceRequest.cost_centre == row.cost_centre,
            LicenceRequest.id != row.id,
            LicenceRequest.submitted_at >= since,
            LicenceRequest.status.in_(_COUNTING),
        )
    )
    return Sums.of(
        Money(cost, currency) if cost is not None and currency is not None else None for cost, currency in others
    )


def _request_row() -> Select[Any]:
    return (
        select(
            LicenceRequest.id,
            LicenceRequest.kind,
            LicenceRequest.requester_id,
            LicenceRequest.product_id,
            LicenceRequest.sku_id,
            LicenceRequest.seats,
            LicenceRequest.until_on,
            LicenceRequest.cost_centre,
            LicenceRequest.details,
            Product.key,
            Product.name,
            Product.owner_id,
            Sku.rank,
        )
        .outerjoin(Product, Product.id == LicenceRequest.product_id)
        .outerjoin(Sku, Sku.id == LicenceRequest.sku_id)
    )


def step_facts(connection: Connection, step_id: int, policy: Policy, now: datetime) -> StepFacts:
    """An open step with everybody who was or is asked in it and in the request's other steps."""
    step = connection.execute(
        select(ApprovalStep.id, ApprovalStep.request_id, ApprovalStep.kind).where(ApprovalStep.id == step_id)
    ).one()
    asked = connection.execute(
        select(
            StepApprover.step_id,
            StepApprover.person_id,
            StepApprover.state,
            StepApprover.handed_on,
            ApprovalStep.kind,
            StepApprover.bought,
        )
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .join(LicenceRequest, LicenceRequest.id == ApprovalStep.request_id)
        .where(
            ApprovalStep.request_id == step.request_id,
            # opened again after nobody answered, it is decided anew: an earlier round bars nobody
            or_(ApprovalStep.decided_at.is_(None), ApprovalStep.decided_at >= LicenceRequest.submitted_at),
        )
        .order_by(StepApprover.id)
    ).all()
    here = [one for one in asked if one.step_id == step_id]
    elsewhere = [one for one in asked if one.step_id != step_id]
    return StepFacts(
        kind=StepKind(step.kind),
        request=request_facts(connection, step.request_id, policy, now),
        asked_ids=tuple(one.person_id for one in here if one.state == ApproverState.ASKED),
        tried_ids=frozenset(one.person_id for one in here),
        agreed_ids=frozenset(one.person_id for one in here if one.state == ApproverState.AGREED),
        handed_on_ids=frozenset(one.person_id for one in here if one.handed_on),
        elsewhere_ids=frozenset(one.person_id for one in elsewhere if one.state == ApproverState.ASKED),
        decided_elsewhere_ids=frozenset(one.person_id for one in elsewhere if one.state == ApproverState.AGREED),
        money_approved_ids=frozenset(
            one.person_id
            for one in asked
            if one.state == ApproverState.AGREED and (one.bought or one.kind == StepKind.FINANCE)
        ),
    )


def open_step_of(connection: Connection, request_id: int) -> int | None:
    """The step that waits for somebody now."""
    return connection.execute(
        select(ApprovalStep.id).where(ApprovalStep.request_id == request_id, ApprovalStep.state == StepState.OPEN)
    ).scalar()
