"""Which product somebody means by a few words, among those positions are kept of."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz, process
from sqlalchemy import Connection, exists, or_, select

from model.contracts import Entitlement
from model.licences import Product, Seat

#: Below this likeness, in per cent, nothing is "close".
NEAR = 55


@dataclass(frozen=True)
class Named:
    """The product meant, or up to three that come close."""

    product_id: int | None
    near: tuple[str, ...] = ()


def find(connection: Connection, words: str) -> Named:
    """By key or whole name, else the only one whose name holds the words."""
    wanted = " ".join(words.split()).casefold()
    licensed = or_(
        Product.licence_model == "paid",
        exists().where(Entitlement.product_id == Product.id),
        exists().where(Seat.product_id == Product.id),
    )
    rows = connection.execute(
        select(Product.id, Product.key, Product.name, licensed.label("licensed")).order_by(Product.name)
    ).all()
    exact = [row for row in rows if wanted in (row.key.casefold(), row.name.casefold())]
    rows = [row for row in rows if row.licensed] or rows  # what is free has no position to ask for
    inside = exact or [row for row in rows if wanted and wanted in row.name.casefold()]
    if len(exact) == 1 or len(inside) == 1:
        return Named(inside[0].id)
    if inside:
        return Named(None, tuple(row.name for row in inside[:3]))
    names = [row.name for row in rows]
    close = process.extract(wanted, names, scorer=fuzz.WRatio, limit=3, score_cutoff=NEAR, processor=str.casefold)
    return Named(None, tuple(name for name, _, _ in close))
