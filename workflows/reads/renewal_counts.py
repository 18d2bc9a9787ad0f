"""How many renewals wait: for Home, the weekly summary and whoever asks in passing. Counts alone, no figures of use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from model.contracts import Contract, Entitlement
from model.licences import Product, Sku
from model.renewals import Renewal, RenewalState
from model.usage import VendorSubscription
from workflows.renewals.renewal import UNDECIDED

#: "This month" of Home and "by 23 Dec" of the weekly summary.
SOON_DAYS = 30


@dataclass(frozen=True)
class RenewalCounts:
    """`to_decide` by `until`; `red` are decided without proof. `following`: the next day somebody must decide by."""

    to_decide: int
    until: date
    red: int
    following: tuple[str, date] | None


def counts(connection: Connection, today: date) -> RenewalCounts:
    """Of everything on record, whoever answers for it."""
    until = today + timedelta(days=SOON_DAYS)
    soon = select(func.count()).where(
        Renewal.state.in_(UNDECIDED), Renewal.decide_by >= today, Renewal.decide_by <= until
    )
    red = select(func.count()).where(Renewal.state == RenewalState.PROOF_AWAITED)
    return RenewalCounts(
        connection.execute(soon).scalar_one(),
        until,
        connection.execute(red).scalar_one(),
        _following(connection, today),
    )


def _following(connection: Connection, today: date) -> tuple[str, date] | None:
    row = connection.execute(
        select(Renewal.contract_id, Renewal.subscription_id, Renewal.decide_by)
        .where(Renewal.state.in_(UNDECIDED), Renewal.decide_by >= today)
        .order_by(Renewal.decide_by, Renewal.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    if row.contract_id is not None:
        names = connection.execute(
            select(Product.name)
            .join(Entitlement, Entitlement.product_id == Product.id)
            .where(Entitlement.contract_id == row.contract_id)
            .order_by(Product.name)
        ).scalars()
        own = list(dict.fromkeys(names))
        vendor = connection.execute(select(Contract.vendor).where(Contract.id == row.contract_id)).scalar_one()
        return own[0] if len(own) == 1 else f"the contract with {vendor}", row.decide_by
    name = connection.execute(
        select(Product.name)
        .join(Sku, Sku.product_id == Product.id)
        .join(VendorSubscription, VendorSubscription.sku_guid == Sku.sku_id)
        .where(VendorSubscription.id == row.subscription_id)
    ).scalar()
    return name or "a Microsoft subscription", row.decide_by
