"""What a source in observe would have sent, row by row, and what was adopted with a baseline and is to be worked off.

Names of people and devices are read only for those entitled; everybody else sees products, causes and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from licensing.alerts import Costed, costliest
from licensing.position.figure import money
from model.alerts import Cause, InventorySource
from model.licences import Product
from workflows.alerts.causes import picture
from workflows.alerts.messages import amount, count
from workflows.alerts.seen import Would, WouldBe, figures_of
from workflows.policy import Policy
from workflows.positions.compute import positions
from workflows.positions.times import Times
from workflows.reads.people import people

#: Places named of one row.
NAMED = 20


@dataclass(frozen=True)
class WouldRow:
    """One alert that would have been raised. `where`: person ("" for none) and device, empty for those not entitled."""

    cause: Cause
    product: str
    figures: Mapping[str, Any]
    devices: int
    rule: str
    ticket: bool
    asked: int  # people asked by itself
    where: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ToWorkOff:
    """A shortfall that was there when a baseline was accepted. `now` None: not known any more."""

    product: str
    metric: str
    then: Decimal
    now: Decimal | None
    at_risk: Mapping[str, str] | None


def would_rows(
    connection: Connection, policy: Policy, source: str, now: datetime, *, names: bool = False
) -> list[WouldRow]:
    """What one source would have sent until now, the costliest first; nothing once it is accepted."""
    would = picture(connection, policy, None, now).would.get(source, Would())
    found = dict(enumerate(would.alerts.values()))
    figures = {number: figures_of(one.found) for number, one in found.items()}
    order = costliest(
        Costed(number, one.found.wanted.cause, amount(figures[number]), count(figures[number]))
        for number, one in found.items()
    )
    known = _names(connection, found.values()) if names else {}
    return [_row(found[one.id], figures[one.id], known if names else None) for one in order]


def _names(connection: Connection, found: Iterable[WouldBe]) -> dict[int, str]:
    ids = [place.person_id for one in found for place in one.found.places[:NAMED]]
    return {person_id: who.name for person_id, who in people(connection, ids).items()}


def _row(one: WouldBe, figures: Mapping[str, Any], known: Mapping[int, str] | None) -> WouldRow:
    places = one.found.places
    where = [] if known is None else [(known.get(place.person_id or 0, ""), place.device) for place in places[:NAMED]]
    return WouldRow(
        Cause(one.found.wanted.cause.value),
        one.found.product,
        figures,
        int(figures.get("devices") or len(places)),
        one.found.wanted.rule,
        one.ticket,
        len(one.people),
        tuple(where),
    )


def to_work_off(connection: Connection, source: str, now: datetime) -> list[ToWorkOff]:
    """The shortfalls adopted with a source's baseline, as they were and are; those that are gone stay listed."""
    counts = connection.execute(select(InventorySource.accepted_counts).where(InventorySource.name == source)).scalar()
    short = {key: Decimal(str(value)) for key, value in dict((counts or {}).get("short") or {}).items()}
    ids = {int(key.split(":")[1]) for key in short}
    if not ids:
        return []
    today = {
        f"shortfall:{one.subject.product_id}:{one.subject.sku_id or 0}:{one.position.metric}": one
        for one in positions(connection, Times.today(now), ids)
    }
    names = {
        row.id: row.name for row in connection.execute(select(Product.id, Product.name).where(Product.id.in_(ids)))
    }
    rows = []
    for key, then in short.items():
        one = today.get(key)
        name = one.subject.name if one is not None else names.get(int(key.split(":")[1]), "Software")
        still = Decimal(0) if one is None else one.position.shortfall
        rows.append(ToWorkOff(name, key.split(":")[3], then, still, money(one.position.at_risk) if one else None))
    return sorted(rows, key=lambda row: (row.now is not None and row.now == 0, -row.then, row.product))
