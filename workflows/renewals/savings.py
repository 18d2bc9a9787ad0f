"""What a lower renewed quantity saved: realised with the new term, once a seat that was taken back (rules §7).

A seat that was taken back is only reassignable. It is saved when the next term has fewer units, and then not a second
time: the seat's return carries one saving, whoever wrote it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select

from licensing.money import Cycle, Money, cost_to_end
from licensing.renewal.terms import Term
from model.licences import SeatReturn
from model.reclaim import Saving
from model.session import UnitOfWork

_REMOVED = "removed"


def reduced(work: UnitOfWork, purchase: dict[str, Any], quantity: int, term: Term, now: datetime) -> int:
    """Count the seats by which a purchase got smaller, as far as so many were taken back and not counted; how many."""
    fewer = (purchase["quantity"] or 0) - quantity
    if fewer <= 0:
        return 0
    counted = exists().where(Saving.seat_return_id == SeatReturn.id, Saving.taken_back_at.is_(None))
    rows = work.connection.execute(
        select(SeatReturn.id)
        .where(SeatReturn.product_id == purchase["product_id"], SeatReturn.state == _REMOVED, ~counted)
        .order_by(SeatReturn.removed_at.desc(), SeatReturn.id.desc())
        .limit(fewer)
    ).scalars()
    price = purchase["unit_price"]
    amount = None
    if price is not None and purchase["currency"]:
        amount = cost_to_end(Money(price, purchase["currency"]), _cycle(purchase), term.starts_on, term.ends_on).amount
    values = [
        {
            "seat_return_id": return_id,
            "kind": "reduced",
            "contract_id": purchase["contract_id"],
            "amount": amount,
            "currency": purchase["currency"] or "",
            "from_on": term.starts_on,
            "to_on": term.ends_on,
            "realised_at": now,
        }
        for return_id in rows
    ]
    if values:
        work.connection.execute(insert(Saving), values)
    return len(values)


def _cycle(purchase: dict[str, Any]) -> Cycle:
    return "month" if purchase["billing_cycle"] == "month" else "year"
