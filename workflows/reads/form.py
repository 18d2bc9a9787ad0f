"""What the request form says about the chosen product: tiers, price, free seats, who decides, what is owned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from licensing.money import Money
from model.licences import Alternative, Product, Seat, SeatReturn, Sku
from model.people import Person
from model.requests import LicenceRequest, Status
from workflows.approval import route
from workflows.eligibility import may_have, not_allowed
from workflows.facts import RequestFacts
from workflows.people import directory_for, person_facts
from workflows.reads.facts import Price, SeatNumbers, Who
from workflows.reads.people import people
from workflows.reads.positions import short_of
from workflows.reads.prices import prices, seat_numbers
from workflows.reads.requests import requests
from workflows.request_facts import cost_of
from workflows.rules import Rules


@dataclass(frozen=True)
class Tier:
    """An orderable variant of a product."""

    sku_id: int
    name: str
    rank: int
    price: Price
    numbers: SeatNumbers


@dataclass(frozen=True)
class Owned:
    """Something the person has that does what was asked for."""

    name: str
    held: str
    sentence: str
    link: str | None


@dataclass(frozen=True)
class ChosenFacts:
    """The product chosen in the form, for one person. `tiers` has one entry when there is nothing to choose."""

    product_id: int
    name: str
    tiers: tuple[Tier, ...]
    chosen: Tier | None
    owned: Owned | None
    decides: tuple[str, ...]
    by_rule: str  # the rule that would approve without asking
    within_hours: int
    refusal: str  # why it cannot be asked for, or ""
    most_seats: int
    latest: date | None
    short: Decimal = Decimal(0)  # what is in use above what was bought, devices counted; 0 as well when not known


def chosen_product(
    connection: Connection, rules: Rules, person_id: int, product_id: int, sku_id: int | None, now: datetime
) -> ChosenFacts | None:
    """None for a product that is gone."""
    row = connection.execute(
        select(Product.id, Product.key, Product.name, Product.owner_id).where(
            Product.id == product_id, Product.retired_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        return None
    policy, today = rules.policy, now.date()
    skus = connection.execute(
        select(Sku.id, Sku.tier, Sku.part_number, Sku.rank)
        .where(Sku.product_id == product_id)
        .order_by(Sku.rank, Sku.id)
    ).all()
    price_of = prices(connection, [sku.id for sku in skus], today)
    numbers = seat_numbers(connection, [sku.id for sku in skus], now)
    tiers = tuple(
        Tier(sku.id, sku.tier or sku.part_number, sku.rank, price_of[sku.id], numbers[sku.id]) for sku in skus
    )
    chosen = next((tier for tier in tiers if tier.sku_id == sku_id), tiers[0] if tiers else None)
    person = person_facts(connection, [person_id], now)[person_id]
    refusal = not_allowed(policy, row.key, row.name) or ""
    if not refusal and (rule := may_have(person, row.key, policy)):
        refusal = f"{row.name} is not open to your team ({rule})."
    decides, by_rule = _decides(connection, rules, person_id, row, chosen, now)
    ends = [chosen.price.ends_on] if chosen and chosen.price.ends_on else []
    longest = policy.days_at_most(row.key)
    if longest is not None:
        ends.append(today + timedelta(days=longest))
    return ChosenFacts(
        product_id=row.id,
        name=row.name,
        tiers=tiers,
        chosen=chosen,
        owned=_owned(connection, person_id, product_id),
        decides=decides,
        by_rule=by_rule,
        within_hours=policy.approval.time_limit_hours,
        refusal=refusal,
        most_seats=policy.seats_at_most(row.key),
        latest=min(ends, default=None),
        short=short_of(connection, product_id, chosen.sku_id if chosen else None, now),
    )


def _decides(
    connection: Connection, rules: Rules, person_id: int, product: Any, tier: Tier | None, now: datetime
) -> tuple[tuple[str, ...], str]:
    """Who would be asked first if the person asked for one seat now."""
    numbers = tier.numbers if tier else None
    free = None if numbers is None else (1 if numbers.unlimited else numbers.free)
    cost: Money | None = cost_of(tier.price, 1, None, now.date()) if tier else None
    facts = RequestFacts(
        requester_id=person_id,
        beneficiary_ids=(person_id,),
        product_key=product.key,
        product_name=product.name,
        owner_id=product.owner_id,
        free_seats=free,
        cost=cost,
        tier_rank=tier.rank if tier else 1,
        purchase_needed=not free,
    )
    directory = directory_for(connection, [person_id, product.owner_id], rules.policy, now, mail=rules.mail)
    planned = route(facts, directory, rules.policy, now)
    if planned.pre_approved is not None:
        return (), str(planned.pre_approved)
    first = planned.steps[0].asked if planned.steps else ()
    return tuple(directory[one.person_id].name for one in first if one.person_id in directory), ""


def _owned(connection: Connection, person_id: int, product_id: int) -> Owned | None:
    held = (
        select(Alternative.offered_name, Product.name, Alternative.sentence, Alternative.link)
        .join(Product, Product.id == Alternative.held_product_id)
        .join(Seat, Seat.product_id == Alternative.held_product_id)
        .where(
            Alternative.asked_product_id == product_id,
            Seat.person_id == person_id,
            Seat.ended_at.is_(None),
        )
        .order_by(Alternative.id)
        .limit(1)
    )
    row = connection.execute(held).one_or_none()
    return Owned(row.offered_name, row.name, row.sentence, row.link) if row else None


def draft_answers(connection: Connection, draft_id: int, person_id: int) -> Mapping[str, Any] | None:
    """What was typed into a form that closed before it was sent; None when it is gone or somebody else's."""
    return connection.execute(
        select(LicenceRequest.details).where(
            LicenceRequest.id == draft_id,
            LicenceRequest.requester_id == person_id,
            LicenceRequest.status == Status.DRAFT,
        )
    ).scalar_one_or_none()


def manager_of(connection: Connection, person_id: int) -> Who | None:
    """Whom the directory names as the person's manager."""
    manager_id = connection.execute(select(Person.manager_id).where(Person.id == person_id)).scalar_one_or_none()
    return people(connection, [manager_id]).get(manager_id) if manager_id else None


def product_of_request(connection: Connection, request_id: int) -> tuple[str, str] | None:
    """Reference and product of a request, for a window's words."""
    found = requests(connection, [request_id]).get(request_id)
    return (found.reference, found.product) if found else None


def holder_of_return(connection: Connection, return_id: int) -> int | None:
    return connection.execute(select(SeatReturn.person_id).where(SeatReturn.id == return_id)).scalar_one_or_none()
