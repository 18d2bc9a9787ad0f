"""Approval cards: everything the answer needs, for any number of people asked, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, and_, select

from licensing.money import Sums
from model.licences import Alternative, Product, Seat, SeatReturn
from model.people import Person, RoleGrant
from model.requests import ApprovalStep, ApproverState, RequestKind, Status, StepApprover, StepKind, StepState
from workflows.approval import next_in_line
from workflows.people import directory_for
from workflows.policy import Policy
from workflows.policy_limits import limit_passed_by
from workflows.reads.after_approval import after_approval, short_after
from workflows.reads.facts import (
    USE_NOT_READ,
    ApprovalFacts,
    AskedFacts,
    Charge,
    DecisionsFacts,
    Held,
    Price,
    RequestFacts,
    SeatNumbers,
    StepFacts,
    Who,
)
from workflows.reads.people import people
from workflows.reads.prices import PRICE_NOT_RECORDED, budget_left, budgets, charge, prices, seat_numbers
from workflows.reads.requests import requests
from workflows.reclaim.kept import why_not_known
from workflows.request_facts import step_facts

_NO_PRICE = Price(None, "year", None, PRICE_NOT_RECORDED)


def approvals(
    connection: Connection, approver_ids: Collection[int], now: datetime, policy: Policy | None = None
) -> dict[int, ApprovalFacts]:
    """By id of the row of the person asked (`step_approver`), for those that exist.

    Who is next in line, and what is in use then, is found out for a single card only: a list does not say it.
    """
    rules = policy or Policy()
    found = connection.execute(
        select(StepApprover.id, StepApprover.step_id, ApprovalStep.request_id)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(StepApprover.id.in_(approver_ids))
    ).all()
    if not found:
        return {}
    asked_for = requests(connection, {row.request_id for row in found})
    sku_ids = {one.sku_id for one in asked_for.values() if one.sku_id is not None}
    numbers = seat_numbers(connection, sku_ids, now)
    price_of = prices(connection, sku_ids, now.date())
    money = budgets(connection, {one.cost_centre for one in asked_for.values() if one.cost_centre}, now.year)
    products = _products(connection, {one.product_id for one in asked_for.values() if one.product_id is not None})
    silent = why_not_known(connection, products)
    holders = {holder.id for one in asked_for.values() for holder in one.holders}
    held = _held(connection, holders)
    before = _history(connection, asked_for.values())
    covers = _covers(connection, asked_for.values())
    orderer = _orderers(connection, rules, now)
    facts: dict[int, ApprovalFacts] = {}
    for row in found:
        request = asked_for[row.request_id]
        step = next(one for one in request.steps if one.id == row.step_id)
        asked = next(one for one in step.asked if one.id == row.id)
        seats = numbers.get(request.sku_id) if request.sku_id else None
        price = price_of.get(request.sku_id, _NO_PRICE) if request.sku_id else _NO_PRICE
        spends = charge(price, _to_buy(request, seats), now.date())
        product = products.get(request.product_id) if request.product_id else None
        single = request.holders[0] if len(request.lines) == 1 and request.holders else None
        mine = held.get(single.id, {}) if single else {}
        restricted = bool(product and rules.product(product.key).restricted)
        facts[row.id] = ApprovalFacts(
            request=request,
            step=step,
            asked=asked,
            numbers=seats,
            price=price,
            charge=spends,
            budget=budget_left(money, request.cost_centre, price),
            can_buy=bool(product and product.purchase_item_id),
            orders=_who_orders(request, orderer),
            use_unknown=silent.get(request.product_id or 0, USE_NOT_READ),
            history=before.get((single.id, request.product_id), ()) if single and request.product_id else (),
            licences=len(set(mine)) if single else None,
            overlap=tuple(sorted({mine[other] for other in covers.get(request.product_id or 0, ()) if other in mine})),
            next_if_silent=_next(connection, step, asked, rules, now) if len(found) == 1 else None,
            passed_to=_passed_to(step, asked),
            after_this=tuple(
                one for one in request.steps if one.position > step.position and one.state == StepState.LATER
            ),
            safe=not restricted and _safe(request, step, seats, price, spends, rules, now.date()),
            then=after_approval(connection, request, step, seats, spends.buys, now) if len(found) == 1 else None,
        )
    short = short_after(connection, [one for one in facts.values() if one.safe], now)
    return {key: replace(one, safe=False) if one.request.id in short else one for key, one in facts.items()}


def decisions(
    connection: Connection, person_ids: Collection[int], now: datetime, policy: Policy | None = None
) -> dict[int, DecisionsFacts]:
    """What waits for each of these people, nearest time limit first; everybody asked for is in the answer."""
    rows = connection.execute(
        select(StepApprover.id, StepApprover.person_id)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(
            StepApprover.person_id.in_(person_ids),
            StepApprover.state == ApproverState.ASKED,
            ApprovalStep.state == StepState.OPEN,
        )
        .order_by(ApprovalStep.due_at, StepApprover.id)
    ).all()
    facts = approvals(connection, [row.id for row in rows], now, policy)
    who = people(connection, person_ids)
    waiting: dict[int, list[ApprovalFacts]] = defaultdict(list)
    for row in rows:
        if facts[row.id].request.status == Status.AWAITING_APPROVAL:
            waiting[row.person_id].append(facts[row.id])
    return {person: DecisionsFacts(one, tuple(waiting[person])) for person, one in who.items()}


def _to_buy(request: RequestFacts, numbers: SeatNumbers | None) -> int:
    """How many seats approving would have to buy. An extension keeps the seat that is there."""
    if request.kind != RequestKind.SEAT or numbers is None or numbers.enough_for(request.seats):
        return 0
    return request.seats - (numbers.free_for_new or 0)


def _safe(
    request: RequestFacts,
    step: StepFacts,
    numbers: SeatNumbers | None,
    price: Price,
    spends: Charge,
    rules: Policy,
    today: date,
) -> bool:
    """Policy's rule for "approve the safe ones": a seat is free, nothing to pay, nothing open, under its limits."""
    if (
        request.kind != RequestKind.SEAT
        or numbers is None
        or not spends.nothing
        or request.question
        or step.kind in (StepKind.SECURITY, StepKind.PURCHASE)
        or request.seats > rules.safe.max_seats
    ):
        return False
    value = Sums.of([price.yearly * request.seats if price.yearly else None])
    return limit_passed_by(rules.safe.below, value, rules.dated_rates(), today) is None


def _products(connection: Connection, ids: Collection[int]) -> dict[int, Product]:
    rows = connection.execute(select(*Product.__table__.c).where(Product.id.in_(ids)))
    return {row.id: Product(**row._mapping) for row in rows}


def _held(connection: Connection, person_ids: Collection[int]) -> dict[int, dict[int, str]]:
    """Products each person holds a seat of now, by id, with their names."""
    rows = connection.execute(
        select(Seat.person_id, Product.id, Product.name)
        .join(Product, Product.id == Seat.product_id)
        .where(Seat.person_id.in_(person_ids), Seat.ended_at.is_(None))
    )
    held: dict[int, dict[int, str]] = defaultdict(dict)
    for person_id, product_id, name in rows:
        held[person_id][product_id] = name
    return held


def _history(connection: Connection, all_requests: Iterable[RequestFacts]) -> dict[tuple[int, int], tuple[Held, ...]]:
    """Earlier times in which a holder had the product asked for, oldest first."""
    wanted = {(who.id, one.product_id) for one in all_requests if one.product_id for who in one.holders}
    if not wanted:
        return {}
    rows = connection.execute(
        select(Seat.person_id, Seat.product_id, Seat.began_at, Seat.ended_at, SeatReturn.ground)
        .outerjoin(SeatReturn, and_(SeatReturn.seat_id == Seat.id, SeatReturn.state == "removed"))
        .where(
            Seat.person_id.in_({person for person, _ in wanted}),
            Seat.product_id.in_({product for _, product in wanted}),
            Seat.ended_at.is_not(None),
        )
        .order_by(Seat.began_at)
    )
    before: dict[tuple[int, int], list[Held]] = defaultdict(list)
    for person_id, product_id, began_at, ended_at, ground in rows:
        before[person_id, product_id].append(Held(began_at.date(), ended_at.date(), ground == "given_back"))
    return {key: tuple(times) for key, times in before.items()}


def _covers(connection: Connection, all_requests: Iterable[RequestFacts]) -> dict[int, set[int]]:
    """Products that do part of the one asked for."""
    wanted = {one.product_id for one in all_requests if one.product_id is not None}
    rows = connection.execute(
        select(Alternative.asked_product_id, Alternative.held_product_id).where(
            Alternative.asked_product_id.in_(wanted)
        )
    )
    covers: dict[int, set[int]] = defaultdict(set)
    for asked, held in rows:
        covers[asked].add(held)
    return covers


def _orderers(connection: Connection, rules: Policy, now: datetime) -> tuple[Who, ...]:
    """Those who may confirm an order, in policy's order."""
    named = [email.lower() for email in rules.approval.purchase.people]
    by_name = connection.execute(select(Person.id, Person.email).where(Person.email.in_(named), Person.active)).all()
    ids = [row.id for row in sorted(by_name, key=lambda row: named.index(row.email))]
    ids += connection.execute(
        select(RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            RoleGrant.role.in_(rules.approval.purchase.roles),
            RoleGrant.began_at <= now,
            RoleGrant.ended_at.is_(None),
            Person.active,
        )
        .order_by(RoleGrant.id)
    ).scalars()
    known = people(connection, ids)
    return tuple(known[one] for one in dict.fromkeys(ids))


def _who_orders(request: RequestFacts, orderers: tuple[Who, ...]) -> Who | None:
    """Who confirms the order: the person asked already, else the first who takes no other part in the request."""
    for step in request.steps:
        if step.kind == StepKind.PURCHASE and step.asked:
            return step.asked[0].who
    busy = {request.requester.id, *(who.id for who in request.holders)}
    busy |= {one.who.id for step in request.steps for one in step.asked}
    return next((who for who in orderers if who.id not in busy), None)


def _next(connection: Connection, step: StepFacts, asked: AskedFacts, rules: Policy, now: datetime) -> Who | None:
    """Who is asked when the time is up, by the same rule that will ask them; None when nobody is left."""
    if step.state != StepState.OPEN or asked.state != ApproverState.ASKED:
        return None
    there = step_facts(connection, step.id, rules, now)
    around = [there.request.requester_id, there.request.owner_id, *there.request.beneficiary_ids, *there.tried_ids]
    directory = directory_for(connection, around, rules, now)
    chosen = next_in_line(there, directory, rules, now, asked.who.id)
    return None if chosen is None else people(connection, [chosen.person_id]).get(chosen.person_id)


def _passed_to(step: StepFacts, asked: AskedFacts) -> tuple[AskedFacts, ...]:
    """Who was asked after this person passed it on or ran out of time."""
    if asked.state != ApproverState.PASSED:
        return ()
    return tuple(one for one in step.asked if one.id > asked.id and one.asked_at >= asked.asked_at)
