"""What a renewal is judged by: seats month by month, the peak, what was bought, the hiring plan, and the forecast.

Months are counted from seat intervals as known now. A department's plan counts with the department's usual share of the
product: heads times the part of its people who hold one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, func, or_, select

from licensing.forecast import Ahead, Forecast, Month, Planned, forecast
from licensing.money import months_later
from model.contracts import Contract, Entitlement
from model.licences import Seat, Sku
from model.people import Person
from model.renewals import HiringPlan

#: Older months say little about those to come.
MOST_MONTHS = 36


@dataclass(frozen=True)
class Bought:
    """Units bought at the end of a month; None where a purchase is unlimited or its number is not known."""

    first: date
    seats: int | None


@dataclass(frozen=True)
class Outlook:
    """All a brief and its chart show of one product and tier. `peak` None: nobody ever held a seat."""

    today: date
    history: tuple[Month, ...]
    bought: tuple[Bought, ...]
    forecast: Forecast
    needed: Ahead | None  # the fullest month of the next term

    @property
    def peak(self) -> Month | None:
        return max(self.history, key=lambda one: (one.seats, one.first), default=None)

    @property
    def in_use(self) -> int | None:
        return self.history[-1].seats if self.history else None


def outlook(
    connection: Connection, product_id: int, sku_id: int | None, next_first: date, next_last: date, now: datetime
) -> Outlook:
    """The outlook of a product to the end of the next term, whose days are given."""
    today = now.date()
    history = months(connection, product_id, sku_id, today)
    ahead = max(1, (next_last.year - today.year) * 12 + next_last.month - today.month)
    plan = planned(connection, product_id, sku_id, today, next_last)
    made = forecast(history, min(ahead, 2 * MOST_MONTHS), plan)
    shown = [one.first for one in history] or [today.replace(day=1)]
    bought = tuple(_bought(connection, product_id, sku_id, first, today) for first in shown)
    return Outlook(today, tuple(history), bought, made, made.needed(next_first, next_last))


def months(connection: Connection, product_id: int, sku_id: int | None, today: date) -> list[Month]:
    """People who held a seat at the end of each month, from the first that anybody did; the running one up to today."""
    ours = _ours(product_id, sku_id)
    began: datetime | None = connection.execute(select(func.min(Seat.began_at)).where(*ours)).scalar()
    if began is None:
        return []
    first = max(began.date().replace(day=1), months_later(today.replace(day=1), 1 - MOST_MONTHS))
    found = []
    while first <= today:
        following = months_later(first, 1)
        end = datetime.combine(min(following, today + timedelta(days=1)), time(), UTC)
        held = select(func.count(Seat.person_id.distinct())).where(
            *ours, Seat.began_at < end, or_(Seat.ended_at.is_(None), Seat.ended_at >= end)
        )
        found.append(Month(first, int(connection.execute(held).scalar_one())))
        first = following
    return found


def _ours(product_id: int, sku_id: int | None) -> list[ColumnElement[bool]]:
    return [Seat.product_id == product_id, *([Seat.sku_id == sku_id] if sku_id is not None else [])]


def _bought(connection: Connection, product_id: int, sku_id: int | None, first: date, today: date) -> Bought:
    """Purchases whose term holds the month's last day, or today; the vendor's figure where none is registered."""
    last = min(months_later(first, 1) - timedelta(days=1), today)
    rows = connection.execute(
        select(Entitlement.quantity, Entitlement.quantity_known)
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(
            Entitlement.product_id == product_id,
            *([or_(Entitlement.sku_id.is_(None), Entitlement.sku_id == sku_id)] if sku_id is not None else []),
            Entitlement.starts_on <= last,
            func.coalesce(Entitlement.ends_on, Contract.ends_on, last) >= last,
        )
    ).all()
    if not rows:
        there = select(func.sum(Sku.enabled)).where(
            Sku.product_id == product_id, *([Sku.id == sku_id] if sku_id is not None else [])
        )
        return Bought(first, connection.execute(there).scalar() if last == today else None)
    if any(row.quantity is None or not row.quantity_known for row in rows):
        return Bought(first, None)
    return Bought(first, sum(row.quantity for row in rows))


def planned(connection: Connection, product_id: int, sku_id: int | None, today: date, until: date) -> Sequence[Planned]:
    """The hiring plan's seats of a product from tomorrow on, in order."""
    rows = connection.execute(
        select(HiringPlan.department, HiringPlan.starts_on, HiringPlan.heads, HiringPlan.product_id)
        .where(
            HiringPlan.starts_on > today,
            HiringPlan.starts_on <= until,
            or_(HiringPlan.product_id.is_(None), HiringPlan.product_id == product_id),
        )
        .order_by(HiringPlan.starts_on, HiringPlan.id)
    ).all()
    shares = {
        department: _share(connection, product_id, sku_id, department)
        for department in {row.department for row in rows if row.product_id is None}
    }
    found = [
        Planned(row.starts_on, Decimal(row.heads) * (shares[row.department] if row.product_id is None else 1))
        for row in rows
    ]
    return [one for one in found if one.seats]


def _share(connection: Connection, product_id: int, sku_id: int | None, department: str) -> Decimal:
    """Which part of a department's people, or of all, holds a seat; none where nobody is in it."""
    people = [Person.active, Person.account == "user"]
    if department:
        people.append(func.lower(Person.department) == department.lower())
    heads = connection.execute(select(func.count()).select_from(Person).where(*people)).scalar_one()
    holders = connection.execute(
        select(func.count(Seat.person_id.distinct()))
        .join(Person, Person.id == Seat.person_id)
        .where(*people, *_ours(product_id, sku_id), Seat.ended_at.is_(None))
    ).scalar_one()
    return (Decimal(holders) / Decimal(heads)).quantize(Decimal("0.0001")) if heads else Decimal(0)
