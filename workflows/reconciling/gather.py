"""All four sides of every product in a handful of queries, in the shape the rules want (rules §9). Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from licensing.money import Cycle, Money
from licensing.reconciliation.compare import GRACE_DAYS, compare
from licensing.reconciliation.facts import BilledLine, Compared, Difference, Kind, Order, Sides
from licensing.reconciliation.lines import duplicates, unplaced
from licensing.words import isolate, plural
from model.contracts import Contract, Entitlement, Invoice
from model.licences import Product, Seat, Sku
from model.sync import VendorSku

MICROSOFT = "Microsoft 365"


@dataclass(frozen=True)
class Looked:
    """A line per product or tier, and the differences that belong to no product of the register."""

    products: tuple[Compared, ...]
    others: tuple[Difference, ...]
    owners: Mapping[int, int]  # by product: who looks after it
    contracts: Mapping[int, int]  # by product: its newest contract

    @property
    def differences(self) -> list[Difference]:
        return [*(one for line in self.products for one in line.differences), *self.others]


def look(
    connection: Connection,
    asked_on: date,
    product_ids: Collection[int] | None = None,
    grace_days: int = GRACE_DAYS,
) -> Looked:
    """Every product by name, or some; what belongs to none only when all are asked for."""
    skus, own = _skus(connection), _first_billed(connection)
    orders, vendors, agreements = _orders(connection)
    lines, odd = duplicates(_lines(connection))
    since: dict[str, date] = {}
    for line in lines:
        first, vendor = min(line.issued_on, line.period_from or line.issued_on), _plain(line.vendor)
        since[vendor] = min(first, since.get(vendor, first))
    billed: dict[int | None, list[BilledLine]] = defaultdict(list)
    for line in lines:
        billed[line.product_id].append(line)
    assigned = _assigned(connection)
    found: list[Compared] = []
    owners: dict[int, int] = {}
    for product in connection.execute(select(Product.id, Product.name, Product.owner_id).order_by(Product.name)):
        if product.owner_id is not None:
            owners[product.id] = product.owner_id
        if product_ids is not None and product.id not in product_ids:
            continue
        begun = [own[one] for one in agreements.get(product.id, ()) if one in own]
        sellers = vendors.get(product.id, set()) | {_plain(line.vendor) for line in billed.get(product.id, ())}
        whole = Sides(
            f"product:{product.id}",
            product.name,
            product.id,
            tuple(one for _, one in orders.get(product.id, ())),
            tuple(billed.get(product.id, ())),
            billing_since=min(begun or [since[one] for one in sellers if one in since], default=None),
        )
        tiers = _tiers(whole, skus.get(product.id, ()), orders.get(product.id, ()), assigned)
        found.extend(compare(sides, asked_on, grace_days) for sides in tiers)
    mine = None if product_ids is None else set(product_ids)
    others = [one for one in odd if mine is None or one.product_id in mine]
    if mine is None:
        others += [*unplaced(billed[None]), *_unregistered(connection)]
    said = [line for line in found if _says_something(line)]
    return Looked(tuple(said), tuple(others), owners, {one: ids[-1] for one, ids in agreements.items()})


def _says_something(line: Compared) -> bool:
    sides = line.sides
    return bool(sides.orders or sides.lines or sides.vendor is not None or sides.assigned)


def _tiers(
    whole: Sides, skus: Sequence[Row[Any]], orders: Sequence[tuple[int | None, Order]], assigned: Mapping[Any, int]
) -> Iterator[Sides]:
    """The product; its tiers apart where every purchase names one, since one must not hide another's difference."""
    product_id = whole.product_id or 0
    here = sum(count for (product, _), count in assigned.items() if product == product_id)
    apart = len(skus) > 1 and all(sku_id is not None for sku_id, _ in orders)
    if not apart:
        yield replace(whole, assigned=here, **_figures(skus))
        return
    yield replace(whole, assigned=here)
    for sku in skus:
        own = tuple(order for sku_id, order in orders if sku_id == sku.id)
        yield Sides(
            f"{whole.key}:sku:{sku.id}",
            f"{whole.name}, {sku.tier or sku.part_number}",
            product_id,
            own,
            assigned=assigned.get((product_id, sku.id), 0),
            **_figures([sku]),
        )


def _figures(skus: Iterable[Row[Any]]) -> dict[str, Any]:
    """What the vendor says of these tiers together; nothing where one was not read."""
    rows = list(skus)
    if not rows or any(row.enabled is None for row in rows):
        return {}
    name = MICROSOFT if all(row.sku_id for row in rows) else "The vendor"
    counted = None if any(row.consumed is None for row in rows) else sum(row.consumed for row in rows)
    return {"vendor": sum(row.enabled for row in rows), "assigned_there": counted, "vendor_name": name}


def _skus(connection: Connection) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    columns = (Sku.id, Sku.product_id, Sku.sku_id, Sku.part_number, Sku.tier, Sku.enabled, Sku.consumed)
    for row in connection.execute(select(*columns).order_by(Sku.rank, Sku.id)):
        found[row.product_id].append(row)
    return found


def _orders(
    connection: Connection,
) -> tuple[dict[int, list[tuple[int | None, Order]]], dict[int, set[str]], dict[int, list[int]]]:
    """Purchases by product with the tier they name, who sells it, and its contracts, the newest last."""
    rows = connection.execute(
        select(Entitlement.__table__, Contract.vendor, Contract.ends_on.label("contract_ends_on"))
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .order_by(Entitlement.product_id, Entitlement.starts_on, Entitlement.id)
    )
    orders: dict[int, list[tuple[int | None, Order]]] = defaultdict(list)
    vendors: dict[int, set[str]] = defaultdict(set)
    contracts: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        perpetual = row.kind == "perpetual"
        price = Money(row.unit_price, row.currency) if row.unit_price is not None and row.currency else None
        orders[row.product_id].append(
            (
                row.sku_id,
                Order(
                    id=row.id,
                    quantity=row.quantity if row.quantity_known else None,
                    starts_on=row.starts_on,
                    ends_on=row.ends_on or (None if perpetual else row.contract_ends_on),
                    unit_price=price,
                    cycle=_cycle(row.billing_cycle, perpetual=perpetual),
                    unlimited=row.quantity is None and row.quantity_known,
                ),
            )
        )
        vendors[row.product_id] |= {_plain(name) for name in (row.vendor, row.supplier) if name}
        if row.contract_id is not None:
            contracts[row.product_id].append(row.contract_id)
    return orders, vendors, contracts


def _cycle(stored: str, *, perpetual: bool) -> Cycle:
    if stored == "once" or perpetual:
        return "once"
    return "month" if stored == "month" else "year"


def _lines(connection: Connection) -> list[BilledLine]:
    rows = connection.execute(select(Invoice.__table__).order_by(Invoice.id))
    return [
        BilledLine(
            row.id, row.vendor, row.number, row.line, row.issued_on, row.product_id, row.period_from, row.period_to,
            row.quantity, row.amount, row.currency, row.words,
        )
        for row in rows
    ]  # fmt: skip


def _first_billed(connection: Connection) -> dict[int, date]:
    """The first day that invoices naming a contract are about: what lies before was not registered, not unbilled."""
    rows = connection.execute(
        select(Invoice.contract_id, func.min(func.coalesce(Invoice.period_from, Invoice.issued_on)).label("first"))
        .where(Invoice.contract_id.is_not(None))
        .group_by(Invoice.contract_id)
    )
    return {row.contract_id: row.first for row in rows}


def _assigned(connection: Connection) -> dict[tuple[int, int], int]:
    """People who hold a tier, each once, whatever the paths."""
    rows = connection.execute(
        select(Seat.product_id, Seat.sku_id, func.count(Seat.person_id.distinct()).label("people"))
        .where(Seat.ended_at.is_(None))
        .group_by(Seat.product_id, Seat.sku_id)
    )
    return {(row.product_id, row.sku_id): row.people for row in rows}


def _unregistered(connection: Connection) -> list[Difference]:
    """What Microsoft lists and the register does not know: seats in use there are seats unknown to us."""
    known = select(Sku.sku_id).where(Sku.sku_id.is_not(None))
    rows = connection.execute(
        select(VendorSku.__table__)
        .where(VendorSku.gone_at.is_(None), VendorSku.sku_guid.not_in(known), VendorSku.applies_to != "Company")
        .order_by(VendorSku.name)
    )
    return [
        Difference(
            Kind.SEAT_UNKNOWN,
            f"vendor-sku:{row.sku_guid}",
            f"{isolate(row.name)} is not in the register: {MICROSOFT} enables {row.enabled:,} and counts "
            f"{plural(row.consumed, 'seat')} as given.",
            str(row.consumed),
            vendor=row.enabled,
        )
        for row in rows
        if row.consumed > 0
    ]


def _plain(vendor: str) -> str:
    return "".join(letter for letter in vendor.casefold() if letter.isalnum())
