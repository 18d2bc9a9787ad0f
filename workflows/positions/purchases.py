"""Entitlements with their contract and rights as they were known, for the rules (rules §1, two times)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, exists, or_, select

from licensing.money import Money
from licensing.position.facts import CoreProfile, Kind, Metric, Purchase, Right
from model.contracts import Contract, Entitlement, EntitlementRight
from workflows.positions.times import Times, unknown_then, versions
from workflows.renewals.following import carried_on, gone_on

#: Below this many contracts a query names them.
FEW = 200
_AMOUNTS = ("unit_price", "true_up_price", "overage_price", "maintenance_price")
_DAYS = ("starts_on", "ends_on", "acquired_on", "maintenance_until", "true_up_from")


#: Another name of the table, so that the statement of the subjects, which asks it as well, can be joined to it.
BOUGHT = Entitlement.__table__.alias("bought")
COLUMNS = [
    *(column for column in BOUGHT.columns if column.name not in ("supplier", "fields")),
    exists().where(EntitlementRight.entitlement_id == BOUGHT.c.id).label("with_rights"),
]
_ALL = select(*COLUMNS)
_SOME = _ALL.where(BOUGHT.c.product_id.in_(bindparam("product_ids", expanding=True)))


def purchases(
    connection: Connection, times: Times, product_ids: Collection[int] | None = None
) -> dict[tuple[int, int | None], list[Purchase]]:
    """All purchases by product and tier (None: bought for the product as such), whatever their term."""
    if product_ids is None:
        rows = connection.execute(_ALL)
    else:
        rows = connection.execute(_SOME, {"product_ids": sorted(product_ids)})
    return purchases_of(connection, times, [dict(row) for row in rows.mappings()], product_ids)


def purchases_of(
    connection: Connection, times: Times, rows: Sequence[dict[str, Any]], product_ids: Collection[int] | None
) -> dict[tuple[int, int | None], list[Purchase]]:
    """What rows of `COLUMNS` say, which are those of some products, or of all."""
    before = versions(connection, "entitlement", times)
    if product_ids is not None:
        rows = [*rows, *_moved(connection, before, rows, product_ids)]
    if not rows:
        return {}
    rights = _rights(connection, times, [row["id"] for row in rows if row["with_rights"]])
    read = [facts for row in rows if (facts := _version(row, before.get(row["id"]), times)) is not None]
    contracts = _contracts(connection, times, {facts["contract_id"] for facts in read} - {None})
    moved = gone_on(connection, contracts, times.at)
    if moved:
        read = carried_on(read, moved)
        contracts |= {number: contracts[number] | {"ends_on": one.until} for number, one in moved.items()}
    found: dict[tuple[int, int | None], list[Purchase]] = {}
    for facts in read:
        contract = contracts.get(facts["contract_id"]) if facts["contract_id"] else None
        found.setdefault((facts["product_id"], facts["sku_id"]), []).append(
            _purchase(facts, contract, rights.get(facts["id"], frozenset()))
        )
    return found


def _moved(
    connection: Connection,
    before: Mapping[int, Mapping[str, Any]],
    rows: Sequence[dict[str, Any]],
    product_ids: Collection[int],
) -> list[dict[str, Any]]:
    """Rows that were of one of the products then and are another product's now."""
    ids = {row_id for row_id, facts in before.items() if facts.get("product_id") in product_ids}
    ids -= {row["id"] for row in rows}
    if not ids:
        return []
    found = connection.execute(_ALL.where(BOUGHT.c.id.in_(ids)) if len(ids) < FEW else _ALL)
    return [dict(row) for row in found.mappings() if row["id"] in ids]


def _contracts(connection: Connection, times: Times, ids: set[int]) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    query = select(Contract.__table__)
    if len(ids) < FEW:
        query = query.where(Contract.id.in_(ids))
    before = versions(connection, "contract", times)
    found = {}
    for row in connection.execute(query).mappings():
        facts = _version(dict(row), before.get(row["id"]), times)
        if facts is not None:
            found[row["id"]] = facts
    return found


def _version(row: dict[str, Any], before: Mapping[str, Any] | None, times: Times) -> dict[str, Any] | None:
    """The row as it read then; None when it was not known yet."""
    if before is not None:
        return row | _typed(before)
    return None if unknown_then(row["recorded_at"], times) else row


def _typed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A superseded row's JSON in the types of its columns."""
    typed = dict(facts)
    for name in _AMOUNTS:
        if typed.get(name) is not None:
            typed[name] = Decimal(str(typed[name]))
    for name in _DAYS:
        if isinstance(typed.get(name), str):
            typed[name] = date.fromisoformat(typed[name])
    return typed


def _rights(connection: Connection, times: Times, ids: list[int]) -> dict[int, frozenset[Right]]:
    if not ids:
        return {}
    query = select(EntitlementRight.entitlement_id, EntitlementRight.name).where(
        or_(EntitlementRight.ends_on.is_(None), EntitlementRight.ends_on >= times.at),
        EntitlementRight.recorded_at <= times.known_at,
        or_(EntitlementRight.ended_recorded_at.is_(None), EntitlementRight.ended_recorded_at > times.known_at),
    )
    rows = connection.execute(query.where(EntitlementRight.entitlement_id.in_(ids)) if len(ids) < FEW else query)
    found: dict[int, set[Right]] = {}
    for entitlement_id, name in rows:
        found.setdefault(entitlement_id, set()).add(Right(name))
    return {entitlement_id: frozenset(names) for entitlement_id, names in found.items()}


def _purchase(facts: Mapping[str, Any], contract: Mapping[str, Any] | None, rights: frozenset[Right]) -> Purchase:
    currency = facts["currency"]

    def money(name: str) -> Money | None:
        amount = facts[name]
        return Money(amount, currency) if amount is not None and currency else None

    true_up = money("true_up_price")
    if true_up is None and contract is not None and contract["true_up_price"] is not None:
        code = contract["true_up_currency"] or currency
        true_up = Money(contract["true_up_price"], code) if code else None
    profile = CoreProfile(
        facts["cores_per_processor"], facts["cores_per_server"], facts["cores_per_virtual"], max(1, facts["pack"])
    )
    quantity = facts["quantity"]
    return Purchase(
        id=facts["id"],
        metric=Metric(facts["metric"]),
        kind=Kind(facts["kind"]),
        quantity=Decimal(quantity) if quantity is not None else (None if facts["quantity_known"] else Decimal(0)),
        quantity_missing=not facts["quantity_known"],
        starts_on=facts["starts_on"],
        ends_on=facts["ends_on"] or (contract["ends_on"] if contract and facts["kind"] != "perpetual" else None),
        acquired_on=facts["acquired_on"],
        unit_price=money("unit_price"),
        cycle=facts["billing_cycle"],
        version=facts["version"],
        maintenance_until=facts["maintenance_until"],
        maintenance_price=money("maintenance_price"),
        true_up_price=true_up,
        overage_price=money("overage_price"),
        rights=rights,
        cores=profile if profile != CoreProfile() else None,
        sites=frozenset(facts["sites"] or ()),
        true_up_from=contract["true_up_from"] if contract else None,
        contract_from=contract["starts_on"] if contract else None,
        contract_until=contract["ends_on"] if contract else None,
        proof=facts["proof"],
        penalty=contract["penalty"] if contract else "",
        contract=contract["number"] if contract else "",
        name=facts["reference"] or (contract["number"] if contract else ""),
    )
