"""Which smaller licences a company could move seats of a product to: the choice before such a campaign (rules §7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from model.licences import Product
from workflows.reads.facts import Price, SeatNumbers
from workflows.reads.prices import prices, seat_numbers
from workflows.reclaim.fits import smaller_tiers


@dataclass(frozen=True)
class Smaller:
    """One licence that is wholly part of the larger one."""

    sku_id: int
    name: str
    numbers: SeatNumbers
    price: Price


@dataclass(frozen=True)
class SmallerChoice:
    """The larger product and what its seats could be moved to, by name; none where nothing smaller is registered."""

    product_id: int
    product: str
    found: tuple[Smaller, ...]


def smaller(connection: Connection, product_id: int, now: datetime) -> SmallerChoice:
    """Only what one call of Microsoft could give in exchange. Raises NoResultFound for no product."""
    product = connection.execute(select(Product.name).where(Product.id == product_id)).scalar_one()
    found = smaller_tiers(connection, product_id)
    numbers = seat_numbers(connection, list(found), now)
    price_of = prices(connection, list(found), now.date())
    rows = [Smaller(sku_id, name, numbers[sku_id], price_of[sku_id]) for sku_id, name in found.items()]
    rows.sort(key=lambda one: (one.name.casefold(), one.sku_id))
    return SmallerChoice(product_id, product, tuple(rows))
