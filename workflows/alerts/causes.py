"""What the registry says about causes of red alerts now: one read, no writes, so that it can run beside other work.

Positions come from the one computation all cards use. Devices are read only for products an alert is wanted of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from licensing.alerts import Cause, Standing, Wanted, uncovered, wanted
from licensing.money import rounded
from licensing.position.facts import CoreProfile
from licensing.position.figure import money
from model.alerts import InventorySource, SourceState
from model.contracts import Exclusion
from model.inventory import Installation, Title
from model.licences import Product
from model.people import Device, Person
from workflows.alerts.adopted import Adopted, adopted, lowered
from workflows.alerts.keys import duplicates
from workflows.alerts.seen import OF_DEVICE, Found, Picture, Would, places_of
from workflows.policy import Policy
from workflows.positions.compute import Computed, positions
from workflows.positions.rows import takers
from workflows.positions.times import Times

BASELINE = "baseline"


@dataclass(frozen=True)
class _Use:
    """Devices of a product, by who reports them, and how many people hold a seat of it and no device."""

    rows: tuple[Row[Any], ...] = ()
    people: int = 0

    def visible(self, observed: Collection[str]) -> list[Row[Any]]:
        """Rows an alert may speak of: neither observed only nor adopted with a baseline."""
        return [row for row in self.rows if row.source not in observed and row.authorised_by != BASELINE]

    def of(self, seen: Wanted, observed: Collection[str]) -> list[Row[Any]]:
        """Rows this alert speaks of."""
        return self.reported(observed) if seen.adopted_too else self.visible(observed)

    def reported(self, observed: Collection[str]) -> list[Row[Any]]:
        """Rows that are not observed only, adopted ones too."""
        return [row for row in self.rows if row.source not in observed]

    def hidden(self, observed: Collection[str]) -> int:
        """Devices that only sources in observe report."""
        seen = {row.device_id for row in self.rows if row.source not in observed}
        return len({row.device_id for row in self.rows} - seen)


def picture(connection: Connection, policy: Policy, product_ids: Collection[int] | None, now: datetime) -> Picture:
    """What alerts are wanted, and what sources in observe would have sent beside."""
    columns = (InventorySource.state, InventorySource.accepted_at, InventorySource.accepted_counts)
    states = {row.name: row for row in connection.execute(select(InventorySource.name, *columns))}
    waiting = {name for name, row in states.items() if row.state == SourceState.OBSERVE}
    accepted = [row for row in states.values() if row.state == SourceState.ACCEPTED]
    then = adopted(accepted)
    limits = policy.alerts.limits()
    computed = list(positions(connection, Times.today(now), product_ids))
    standings = _standings(connection, policy, computed, product_ids, now)
    concerned = {one.product_id for _, _, one in standings if wanted(one, limits) is not None}
    banned = {one.product_id for _, _, one in standings if one.banned}
    takes = _takes(connection, [one for one in computed if one.subject.product_id in concerned - banned], now)
    uses = _uses(connection, concerned, takes, now)
    strangers = {row.source for use in uses.values() for row in use.rows} - set(states)
    observed = waiting | strangers
    found: dict[str, Found] = {}
    would: dict[str, Would] = {name: Would() for name in sorted(observed)}
    for product, risk, one in standings:
        if one.product_id not in concerned:
            continue
        use = uses.get(one.product_id, _Use())
        known = _known(one, use, observed, then)
        seen = wanted(known, limits)
        if seen is not None and seen.key not in found:
            places = places_of(use.of(seen, observed), policy, now)
            found[seen.key] = Found(seen, product, places, _share(risk, known))
        for name in {row.source for row in use.rows} & observed:
            beside = _known(one, use, observed - {name}, then)
            more = wanted(beside, limits)
            if more is not None and (seen is None or more.key != seen.key):
                places = places_of(use.of(more, observed - {name}), policy, now)
                would[name].add(Found(more, product, places, _share(risk, beside)), policy)
    found |= duplicates(connection, policy, product_ids, limits, observed, then.keys, now)
    for name in sorted(observed):
        with_it = duplicates(connection, policy, product_ids, limits, observed - {name}, then.keys, now)
        for key, more_keys in with_it.items():
            if key not in found:
                would[name].add(more_keys, policy)
    if product_ids is not None:
        return Picture(frozenset(product_ids), found, would, frozenset(strangers))
    short = {_short_key(one.subject.product_id, one.subject.sku_id, one.position.metric): one for one in computed}
    less = lowered(accepted, {key: one.position.shortfall for key, one in short.items()})
    return Picture(None, found, would, frozenset(strangers), less)


def _short_key(product_id: int, sku_id: int | None, metric: str) -> str:
    return f"{Cause.SHORTFALL}:{product_id}:{sku_id or 0}:{metric}"


def _known(one: Standing, use: _Use, observed: Collection[str], then: Adopted) -> Standing:
    """A position with who has it, and what of it raises no alert."""
    key = _short_key(one.product_id, one.sku_id, one.metric)
    return replace(
        one,
        devices=len({row.device_id for row in use.visible(observed)}),
        everywhere=len({row.device_id for row in use.reported(observed)}),
        people=use.people,
        hidden=Decimal(use.hidden(observed)),
        adopted=then.short.get(key, Decimal(0)),
    )


def _share(risk: Mapping[str, str] | None, one: Standing) -> Mapping[str, str] | None:
    """The money of the units an alert speaks of: all that are short have one price, and some may raise no alert."""
    left = uncovered(one)
    if not risk or one.short is None or not 0 < left < one.short:
        return risk
    return {currency: f"{rounded(Decimal(amount) * left / one.short):.2f}" for currency, amount in risk.items()}


@dataclass
class _Taken:
    """Installations by which somebody takes a unit, and people who take one by a seat alone."""

    installations: set[int] = field(default_factory=set)
    people: set[str] = field(default_factory=set)


def _takes(connection: Connection, computed: Iterable[Computed], now: datetime) -> dict[int, _Taken]:
    """Who takes a unit of each product: whom a suite or an exclusion covers is not asked about."""
    found: dict[int, _Taken] = {}
    for one in computed:
        cores = next((purchase.cores for purchase in one.facts.purchases if purchase.cores), None) or CoreProfile()
        taken = found.setdefault(one.subject.product_id, _Taken())
        for taker in takers(connection, Times.today(now), one.subject, one.position.metric, cores):
            if taker.units <= 0:
                continue
            installed = {ground.row_id for ground in taker.grounds if ground.kind == "installation"}
            taken.installations |= installed
            if not installed:
                taken.people.add(taker.key)
    return found


def _standings(
    connection: Connection,
    policy: Policy,
    computed: Iterable[Computed],
    product_ids: Collection[int] | None,
    now: datetime,
) -> list[tuple[str, Mapping[str, str] | None, Standing]]:
    """Every position, and what is forbidden without having one."""
    query = select(Product.id, Product.key, Product.name, Product.licence_model, Product.provisional)
    if product_ids is not None:
        query = query.where(Product.id.in_(product_ids))
    products = {row.id: row for row in connection.execute(query)}
    by_product: dict[int, list[Computed]] = defaultdict(list)
    for one in computed:
        by_product[one.subject.product_id].append(one)
    found: list[tuple[str, Mapping[str, str] | None, Standing]] = []
    for product_id, row in products.items():
        ban = policy.not_allowed_for(row.key, row.name)
        rule = policy.product(row.key).restricted
        own = by_product.get(product_id, [])
        if ban is not None:
            words = f"not allowed, {ban.because} (rule {ban.rule})"
            risk = money(own[0].position.at_risk) if own else None
            found.append((row.name, risk, Standing(product_id, "", devices=1, banned=words)))
            continue
        bought_ever, ended_on = _bought(own, now)
        for one in own:
            words = f"restricted, nothing bought (rule {rule.rule})" if rule is not None else ""
            standing = _standing(one, row, bought_ever, ended_on, words)
            found.append((one.subject.name, money(one.position.at_risk), standing))
    return found


def _bought(own: Iterable[Computed], now: datetime) -> tuple[bool, date | None]:
    """Whether anything was ever bought of the product, and the last day of it when none of it is in force."""
    purchases = {purchase.id: purchase for one in own for purchase in one.facts.purchases}
    vendor = any(one.facts.vendor is not None and one.facts.vendor.enabled > 0 for one in own)
    ended = [purchase.ends_on for purchase in purchases.values() if purchase.ends_on and purchase.ends_on < now.date()]
    running = vendor or any(purchase.holds(now.date()) for purchase in purchases.values())
    return bool(purchases) or vendor, max(ended) if ended and not running else None


def _standing(one: Computed, row: Row[Any], bought_ever: bool, ended_on: date | None, restricted: str) -> Standing:
    position, day = one.position, one.position.at
    vague = any(purchase.quantity_missing and purchase.holds(day) for purchase in one.facts.purchases)
    return Standing(
        one.subject.product_id,
        str(position.metric),
        one.subject.sku_id,
        bought=None if vague else position.entitled,
        in_use=position.consumed,
        free=None if vague else position.surplus,
        short=None if vague else position.shortfall,
        unlimited=position.unlimited,
        bought_ever=bought_ever,
        ended_on=ended_on,
        needs_licence=row.licence_model == "paid" and not row.provisional,
        devices=1,
        restricted=restricted,
    )


def _uses(
    connection: Connection, product_ids: Collection[int], takes: Mapping[int, _Taken], now: datetime
) -> dict[int, _Use]:
    """Installations open now, without those a right in the contract takes out, the newest first."""
    if not product_ids:
        return {}
    query = (
        select(
            Title.product_id,
            Installation.id,
            Installation.device_id,
            Installation.source,
            Installation.authorised_by,
            Installation.began_at,
            *OF_DEVICE,
        )
        .join(Title, Title.id == Installation.title_id)
        .join(Device, Device.id == Installation.device_id)
        .outerjoin(Person, Person.id == Device.person_id)
        .where(Title.product_id.in_(product_ids), Installation.ended_at.is_(None), Device.state != "retired")
        .order_by(Installation.began_at.desc(), Installation.id.desc())
    )
    out = _excluded(connection, product_ids, now.date())
    rows: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        counted = row.product_id not in takes or row.id in takes[row.product_id].installations
        if counted and not any(
            one.device_id == row.device_id
            or (one.person_id is not None and one.person_id == row.person_id)
            or (one.site and one.site.casefold() == row.site.casefold())
            for one in out.get(row.product_id, ())
        ):
            rows[row.product_id].append(row)
    people = {product_id: len(taken.people) for product_id, taken in takes.items()}
    return {one: _Use(tuple(rows[one]), people.get(one, 0)) for one in rows.keys() | people.keys()}


def _excluded(connection: Connection, product_ids: Collection[int], today: date) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    query = select(Exclusion.product_id, Exclusion.device_id, Exclusion.person_id, Exclusion.site).where(
        Exclusion.product_id.in_(product_ids), Exclusion.starts_on <= today, Exclusion.ends_on >= today
    )
    for row in connection.execute(query):
        found[row.product_id].append(row)
    return found
