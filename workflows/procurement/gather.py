"""The facts behind procurement's notices, in a handful of queries for all products. Reads only."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select
from sqlalchemy.orm import aliased

from licensing.money import Cycle, Money
from licensing.position.facts import Metric
from licensing.procurement import (
    Both,
    Ending,
    Found,
    Priced,
    Seats,
    Trial,
    few_seats,
    overlap,
    price_rise,
    purchase_ends,
    trial_ends,
)
from model.contracts import Contract, Entitlement
from model.licences import Alternative, Product, Seat, Sku
from model.people import Person
from model.usage import VendorSubscription
from workflows.policy_procurement import Procurement
from workflows.reads.facts import Price
from workflows.reads.prices import prices, seat_numbers
from workflows.register.prices import announced
from workflows.renewals.subjects import RENEWING


def everything(connection: Connection, policy: Procurement, now: datetime) -> list[Found]:
    """All that is so at this moment, by kind."""
    today = now.date()
    skus = connection.execute(
        select(Sku.id, Sku.sku_id, Sku.tier, Sku.consumed, Product.id.label("product_id"), Product.name)
        .join(Product, Product.id == Sku.product_id)
        .where(Product.retired_at.is_(None))
        .order_by(Product.name, Sku.rank, Sku.id)
    ).all()
    return [
        *_trials(connection, policy, skus, today),
        *_free(connection, policy, skus, now),
        *_dearer(connection, policy, today),
        *_ending(connection, policy, today),
        *_twice(connection, policy, skus, today),
    ]


def _shown(row: Row[Any], tiers: Mapping[int, int]) -> str:
    return f"{row.name}, {row.tier}" if row.tier and tiers[row.product_id] > 1 else str(row.name)


def _tiers(skus: list[Row[Any]] | Any) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for row in skus:
        found[row.product_id] += 1
    return found


def _trials(connection: Connection, policy: Procurement, skus: Any, today: date) -> Iterator[Found]:
    rows = connection.execute(
        select(VendorSubscription.__table__)
        .where(VendorSubscription.trial, VendorSubscription.gone_at.is_(None), VendorSubscription.status == "Enabled")
        .order_by(VendorSubscription.id)
    ).all()
    if not rows:
        return
    known = {row.sku_id: row for row in skus if row.sku_id}
    tiers = _tiers(skus)
    price = prices(connection, [row.id for row in known.values()], today)
    for row in rows:
        sku = known.get(row.sku_guid)
        cost = price.get(sku.id) if sku is not None else None
        found = trial_ends(
            Trial(
                id=row.id,
                name=_shown(sku, tiers) if sku is not None else row.part_number or row.sku_guid,
                product_id=sku.product_id if sku is not None else None,
                units=row.units,
                in_use=sku.consumed if sku is not None else None,
                turns_on=row.next_change_on,
                unit_price=cost.unit if cost is not None else None,
                cycle=cost.cycle if cost is not None else "year",
            ),
            today,
            policy.trial_days,
        )
        if found is not None:
            yield found


def _free(connection: Connection, policy: Procurement, skus: Any, now: datetime) -> Iterator[Found]:
    numbers = seat_numbers(connection, [row.id for row in skus], now)
    ends = prices(connection, [row.id for row in skus], now.date())
    teams = _teams(connection)
    tiers = _tiers(skus)
    own = policy.free_seats
    for row in skus:
        one = numbers.get(row.id)
        if one is None or one.unlimited:
            continue
        seats = Seats(
            key=str(row.id),
            name=_shown(row, tiers),
            product_id=row.product_id,
            bought=one.bought,
            free=one.free,
            waiting=one.waiting,
            team=teams.get(row.id, ""),
            ends_on=ends[row.id].ends_on if row.id in ends else None,
        )
        found = few_seats(seats, own.per_cent, own.count, own.from_bought)
        if found is not None:
            yield found


def _teams(connection: Connection) -> dict[int, str]:
    """By tier: the department that holds most of it."""
    rows = connection.execute(
        select(Seat.sku_id, Person.department, func.count(Seat.person_id.distinct()).label("people"))
        .join(Person, Person.id == Seat.person_id)
        .where(Seat.ended_at.is_(None), Person.department != "")
        .group_by(Seat.sku_id, Person.department)
    ).all()
    found: dict[int, str] = {}
    for row in sorted(rows, key=lambda one: (-one.people, one.department)):
        found.setdefault(row.sku_id, row.department)
    return found


def _dearer(connection: Connection, policy: Procurement, today: date) -> Iterator[Found]:
    rows = connection.execute(
        select(
            Entitlement.__table__,
            Product.name,
            Sku.tier,
            func.coalesce(Entitlement.ends_on, Contract.ends_on).label("last_day"),
        )
        .join(Product, Product.id == Entitlement.product_id)
        .outerjoin(Sku, Sku.id == Entitlement.sku_id)
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(Product.retired_at.is_(None))
        .order_by(Product.name, Entitlement.product_id, Entitlement.sku_id, Entitlement.starts_on, Entitlement.id)
    )
    rise = policy.price_rise
    for (product_id, sku_id), group in itertools.groupby(rows, key=lambda row: (row.product_id, row.sku_id)):
        own = list(group)
        name = f"{own[0].name}, {own[0].tier}" if own[0].tier else own[0].name
        bought = [_priced(row) for row in own]
        bought += [one for one in (_announced(row) for row in own) if one is not None]
        found = price_rise(name, product_id, tuple(bought), today, rise.per_cent, rise.a_year, sku_id)
        if found is not None:
            yield found


def _priced(row: Row[Any]) -> Priced:
    price = Money(row.unit_price, row.currency) if row.unit_price is not None and row.currency else None
    quantity = row.quantity if row.quantity_known else None
    return Priced(row.id, row.acquired_on or row.starts_on, price, _cycle(row.billing_cycle), quantity)


def _announced(row: Row[Any]) -> Priced | None:
    """The next term at the price its vendor announced, where the company's own column holds one that can be read."""
    price = announced(row.fields, row.currency) if row.last_day is not None else None
    if price is None:
        return None
    quantity = row.quantity if row.quantity_known else None
    return Priced(row.id, row.last_day + timedelta(days=1), price, _cycle(row.billing_cycle), quantity)


def _cycle(stored: str) -> Cycle:
    if stored == "month":
        return "month"
    return "once" if stored == "once" else "year"


def _ending(connection: Connection, policy: Procurement, today: date) -> Iterator[Found]:
    """Purchases that end by themselves: their contract lasts longer, or there is none, and Microsoft lists none."""
    other = aliased(Entitlement)
    follows = select(other.id).where(
        other.id != Entitlement.id,
        other.product_id == Entitlement.product_id,
        other.sku_id.is_not_distinct_from(Entitlement.sku_id),
        other.starts_on > Entitlement.starts_on,
        or_(other.ends_on.is_(None), other.ends_on > Entitlement.ends_on),
    )
    listed = select(VendorSubscription.id).where(
        VendorSubscription.sku_guid == Sku.sku_id, VendorSubscription.gone_at.is_(None)
    )
    rows = connection.execute(
        select(
            Entitlement.__table__,
            Product.name,
            Sku.tier,
            Contract.number,
            Contract.ends_on.label("contract_ends_on"),
            follows.exists().label("followed"),
        )
        .join(Product, Product.id == Entitlement.product_id)
        .outerjoin(Sku, Sku.id == Entitlement.sku_id)
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(
            Product.retired_at.is_(None),
            Entitlement.kind.in_(RENEWING),
            Entitlement.ends_on.between(today, today + timedelta(days=policy.ending_days)),
            or_(
                and_(Contract.id.is_(None), ~listed.exists()),
                and_(Contract.id.is_not(None), func.coalesce(Contract.ends_on, date.max) > Entitlement.ends_on),
            ),
        )
        .order_by(Entitlement.ends_on, Product.name, Entitlement.id)
    )
    for row in rows:
        found = purchase_ends(
            Ending(
                id=row.id,
                reference=row.reference or "",
                name=f"{row.name}, {row.tier}" if row.tier else row.name,
                product_id=row.product_id,
                units=row.quantity if row.quantity_known else None,
                unit="core" if row.metric == Metric.CORE else "seat",
                ends_on=row.ends_on,
                contract=row.number or "",
                contract_ends_on=row.contract_ends_on,
                followed=row.followed,
            ),
            today,
            policy.ending_days,
        )
        if found is not None:
            yield found


def _twice(connection: Connection, policy: Procurement, skus: Any, today: date) -> Iterator[Found]:
    """Pairs somebody named as alternatives, and pairs of one category in which one is enough."""
    pairs: dict[tuple[int, int], tuple[str, str]] = {}
    for row in connection.execute(select(Alternative.__table__).order_by(Alternative.id)):
        pairs[row.asked_product_id, row.held_product_id] = ("", row.offered_name)
    products = {
        row.id: row
        for row in connection.execute(
            select(Product.id, Product.name, Product.key, Product.category).where(Product.retired_at.is_(None))
        )
    }
    wanted = {one.casefold() for one in policy.overlap.categories}
    by_category: dict[str, list[int]] = defaultdict(list)  # however they are spelt
    for product in sorted(products.values(), key=lambda one: one.id):
        if product.category.casefold() in wanted:
            by_category[product.category.casefold()].append(product.id)
    for ids in by_category.values():
        category = products[ids[0]].category
        for first, second in itertools.combinations(ids, 2):
            if (second, first) not in pairs:
                pairs.setdefault((first, second), (category, ""))
    never = {frozenset(pair) for pair in policy.overlap.never}
    pairs = {
        pair: said
        for pair, said in pairs.items()
        if all(one in products for one in pair) and frozenset(products[one].key for one in pair) not in never
    }
    if not pairs:
        return
    people = _holding_both(connection, list(pairs))
    price = prices(connection, [row.id for row in skus if row.product_id in {first for first, _ in pairs}], today)
    cheapest = _cheapest(skus, price)
    for (first, second), (category, offered) in pairs.items():
        cost, tiers = cheapest.get(first, (None, 0))
        found = overlap(
            Both(
                first,
                products[first].name,
                second,
                products[second].name,
                people.get((first, second), 0),
                category,
                offered,
                cost.unit if cost is not None else None,
                cost.cycle if cost is not None else "year",
                at_least=tiers > 1,
            ),
            policy.overlap.people_at_least,
        )
        if found is not None:
            yield found


def _cheapest(skus: Any, price: Mapping[int, Price]) -> dict[int, tuple[Price, int]]:
    """By product: the price of its cheapest tier a year, and how many tiers it has; nothing where any is not known."""
    own: dict[int, list[Price]] = defaultdict(list)
    for row in skus:
        if row.id in price:
            own[row.product_id].append(price[row.id])
    found: dict[int, tuple[Price, int]] = {}
    for product_id, tiers in own.items():
        sums = [one.yearly for one in tiers]
        known = [one for one in sums if one is not None]
        if len(known) == len(tiers) and len({one.currency for one in known}) == 1:
            at = min(range(len(known)), key=lambda index: known[index].amount)
            found[product_id] = (tiers[at], len(tiers))
    return found


def _holding_both(connection: Connection, pairs: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """How many people hold both of each pair, in one query."""
    one, other = aliased(Seat), aliased(Seat)
    named = or_(*(and_(one.product_id == first, other.product_id == second) for first, second in pairs))
    rows = connection.execute(
        select(one.product_id.label("first"), other.product_id.label("second"),
               func.count(one.person_id.distinct()).label("people"))
        .join(other, other.person_id == one.person_id)
        .where(one.ended_at.is_(None), other.ended_at.is_(None), named)
        .group_by(one.product_id, other.product_id)
    )  # fmt: skip
    return {(row.first, row.second): row.people for row in rows}
