"""Microsoft's SKUs as a person looks at them: how each stands, and which of them the register does not know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from licensing.subscriptions import Purchase, Standing, Units, standing
from model.licences import Sku
from model.positions import seat_figures
from model.sync import VendorSku
from model.usage import VendorSubscription


@dataclass(frozen=True)
class VendorStanding:
    """One SKU by Microsoft's name; `product_id` None: it is in no product of the register."""

    guid: str
    name: str
    part_number: str
    product_id: int | None
    units: Units
    reserved: int
    standing: Standing
    read_at: datetime


def standings(connection: Connection, today: date, products: Iterable[int] | None = None) -> list[VendorStanding]:
    """SKUs that can be given to people, by name; of some products, or all of the tenant's."""
    query = (
        select(VendorSku, Sku.id, Sku.product_id)
        .outerjoin(Sku, Sku.sku_id == VendorSku.sku_guid)
        .where(VendorSku.applies_to != "Company")
        .order_by(VendorSku.name, VendorSku.sku_guid)
    )
    if products is not None:
        query = query.where(Sku.product_id.in_(list(products)))
    rows = connection.execute(query.with_only_columns(*VendorSku.__table__.columns, Sku.id, Sku.product_id)).all()
    purchases: dict[str, list[Purchase]] = {}
    for row in connection.execute(select(VendorSubscription.__table__).where(VendorSubscription.gone_at.is_(None))):
        one = Purchase(row.units, row.status, row.next_change_on, row.trial)
        purchases.setdefault(row.sku_guid, []).append(one)
    figures = seat_figures(connection, [row.id for row in rows if row.id is not None], today)
    found = []
    for row in rows:
        units = Units(
            row.enabled, row.consumed, row.warning, row.suspended, row.locked_out, row.status, row.gone_at is not None
        )
        reserved = figures[row.id].reserved if row.id in figures else 0
        stands = standing(units, purchases.get(row.sku_guid, ()), reserved)
        found.append(
            VendorStanding(
                row.sku_guid, row.name, row.part_number, row.product_id, units, reserved, stands, row.read_at
            )
        )
    return found
