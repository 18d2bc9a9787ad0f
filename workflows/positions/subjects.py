"""What positions are kept of: a product, or each of its tiers where people choose among several.

A tier is an edition, so the surplus of one must not hide the shortfall of another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, or_, select

from licensing.money import Cycle, Money
from licensing.position.facts import Metric, Source, Vendor
from model.contracts import Entitlement, Exclusion, SuiteCover
from model.inventory import MeterReading, Title, UsageSignal, UseSession
from model.licences import Product, Publisher, Seat, Sku
from model.usage import SeatUse
from workflows.positions import sources
from workflows.positions.earlier import every, said
from workflows.positions.times import Times, versions

#: Without use this long a holder looks idle, where the product has no number of its own.
IDLE_AFTER_DAYS = 90


@dataclass(frozen=True)
class Traits:
    """What the database holds of the product at all: what is not there need not be asked for."""

    seats: bool
    sessions: bool
    readings: bool
    exclusions: bool
    undecided: bool
    signals: bool
    covers: bool  # the company says that a suite covers it, or does not
    judged: bool = False  # verdicts on the use of its seats are kept, and the question is about now


@dataclass(frozen=True)
class Subject:
    """One product or tier. `sku_id` None is the whole product; `takes_devices` says installations count here."""

    product_id: int
    sku_id: int | None
    name: str
    publisher: str
    takes_devices: bool
    metric: Metric | None
    list_price: Money | None
    list_cycle: Cycle
    idle_after_days: int
    vendor: Vendor | None
    traits: Traits
    skus: tuple[tuple[int, str | None], ...]  # row id and the vendor's id of the tiers in it
    sources: tuple[Source, ...]  # where figures come from, and how old they are

    @property
    def key(self) -> tuple[int, int]:
        """Product and tier, 0 for the whole product: what the set-based reads group by."""
        return self.product_id, self.sku_id or 0


_TRAITS: dict[str, Any] = {
    "seats": Seat.product_id,
    "sessions": UseSession.product_id,
    "readings": MeterReading.product_id,
    "exclusions": Exclusion.product_id,
    "undecided": Title.candidate_id,
    "signals": UsageSignal.product_id,
    "covers": SuiteCover.part_product_id,
}


def _products() -> Select[Any]:
    """Each licensed product once a tier, with the tier's own columns, in order; built once, for it takes its time."""
    traits = {name: exists().where(column == Product.id) for name, column in _TRAITS.items()}
    judged = select(SeatUse.idle_days).where(SeatUse.product_id == Product.id).limit(1).scalar_subquery()
    of_interest = or_(
        exists().where(Entitlement.product_id == Product.id),
        traits["seats"],
        traits["sessions"],
        traits["readings"],
        Product.licence_model == "paid",
    )
    product = [Product.id, Product.name, Product.metric, Product.list_price, Product.list_currency]
    product += [Product.list_cycle, Product.idle_after_days]
    tier = [Sku.sku_id.label("vendor_id"), Sku.tier, Sku.enabled, Sku.consumed, Sku.warning, Sku.suspended]
    return (
        select(
            *product,
            Publisher.name.label("publisher"),
            Sku.id.label("own_sku_id"),
            *tier,
            Sku.figures_at,
            *(clause.label(f"has_{name}") for name, clause in traits.items()),
            judged.label("judged_days"),
            *sources.COLUMNS,
        )
        .join(Publisher, Publisher.id == Product.publisher_id)
        .outerjoin(Sku, Sku.product_id == Product.id)
        .where(of_interest)
        .order_by(Product.name, Product.id, Sku.rank, Sku.id)
    )


ALL = _products()
_SOME = ALL.where(Product.id.in_(bindparam("product_ids", expanding=True)))


def subjects(connection: Connection, times: Times, product_ids: Collection[int] | None = None) -> list[Subject]:
    """Products that are licensed: bought, held, counted by a meter, or paid and installed. By name."""
    given = {"known_at": times.known_at}
    if product_ids is None:
        rows = connection.execute(ALL, given)
    else:
        rows = connection.execute(_SOME, given | {"product_ids": sorted(product_ids)})
    return subjects_of(connection, times, rows)


def subjects_of(connection: Connection, times: Times, rows: Iterable[Any]) -> list[Subject]:
    """What rows of `ALL` say."""
    asked_then = {facts.get("candidate_id") for facts in versions(connection, "title", times).values()}
    read = _readings(connection, times)
    before = {row["id"]: row for row in said(connection, Product, times)}
    found = []
    for product_id, tiers in groupby(rows, key=lambda row: row.id):
        own = [_as_known(row, before.get(product_id), read.get(row.own_sku_id, ()), times) for row in tiers]
        if len(own) > 1:
            some = [_subject(row, [row], row.own_sku_id, index == 0, times) for index, row in enumerate(own)]
        else:
            some = [_subject(own[0], [one for one in own if one.own_sku_id is not None], None, True, times)]
        if product_id in asked_then:  # a title that is decided by now was not, as known then
            some = [replace(one, traits=replace(one.traits, undecided=True)) for one in some]
        found += some
    return found


def _subject(product: Any, skus: list[Any], sku_id: int | None, takes_devices: bool, times: Times) -> Subject:
    judged_days = product.judged_days if times.plain else None  # of another day nobody knows what was judged then
    return Subject(
        product_id=product.id,
        sku_id=sku_id,
        name=f"{product.name}, {skus[0].tier}" if sku_id is not None and skus[0].tier else product.name,
        publisher=product.publisher,
        takes_devices=takes_devices,
        metric=Metric(product.metric) if product.metric else None,
        list_price=Money(product.list_price, product.list_currency)
        if product.list_price is not None and product.list_currency
        else None,
        list_cycle=product.list_cycle,
        idle_after_days=judged_days or product.idle_after_days or IDLE_AFTER_DAYS,
        vendor=_vendor(skus, product.publisher, times),
        traits=Traits(**{name: getattr(product, f"has_{name}") for name in _TRAITS}, judged=judged_days is not None),
        skus=tuple((sku.own_sku_id, sku.vendor_id) for sku in skus),
        sources=sources.sources(product, times),
    )


#: What is said of a product that its position depends on.
_PRICED = ("list_price", "list_currency", "list_cycle", "metric", "idle_after_days")
_FIGURES = ("enabled", "consumed", "warning", "suspended", "figures_at")


def _readings(connection: Connection, times: Times) -> dict[int, list[Mapping[str, Any]]]:
    """Figures of tiers that were read by then and replaced since, oldest knowledge first."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in every(connection, Sku, times):
        if row["figures_at"] is not None and row["enabled"] is not None:
            found.setdefault(row["id"], []).append(row)
    return found


def _as_known(row: Any, product: Mapping[str, Any] | None, earlier: Sequence[Mapping[str, Any]], times: Times) -> Any:
    """A product's tier with what was said of the product then, and the last figures read by the day."""
    changed = {name: product[name] for name in _PRICED} if product is not None else {}
    if row.figures_at is not None and not _in_time(row.figures_at, times):
        read = [one for one in earlier if _in_time(one["figures_at"], times)]
        if read:
            last = max(enumerate(read), key=lambda one: (one[1]["figures_at"], one[0]))[1]
            changed |= {name: last[name] for name in _FIGURES}
    return SimpleNamespace(**dict(row._mapping) | changed) if changed else row


def _vendor(skus: list[Any], publisher: str, times: Times) -> Vendor | None:
    """What the vendor says of all tiers together; only of the day it was read or later."""
    read = [
        sku for sku in skus if sku.enabled is not None and (sku.figures_at is None or _in_time(sku.figures_at, times))
    ]
    if not read:
        return None
    return Vendor(
        enabled=sum(sku.enabled for sku in read),
        source="Microsoft 365"
        if any(sku.vendor_id for sku in read) or publisher.startswith("Microsoft")
        else "the vendor",
        read_at=min((sku.figures_at for sku in read if sku.figures_at is not None), default=None),
        consumed=None if any(sku.consumed is None for sku in read) else sum(sku.consumed for sku in read),
        warning=sum(sku.warning for sku in read),
        suspended=sum(sku.suspended for sku in read),
    )


def _in_time(read_at: datetime, times: Times) -> bool:
    return read_at <= times.known_at and read_at < times.after
