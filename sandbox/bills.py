"""What was billed at Lumen & Fjord, and which of its subscriptions is a trial; dates move with the day played."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.company import DATA, EXAMPLE_DAY


@dataclass(frozen=True)
class Bill:
    """A line of an invoice. `contract` and `product` are what it names, if anything."""

    vendor: str
    number: str
    line: int
    contract: str | None
    product: str | None
    issued_on: date
    period_from: date
    period_to: date
    quantity: int
    amount: Decimal
    currency: str
    cost_centre: str
    words: str


def load(day: date = EXAMPLE_DAY) -> tuple[Bill, ...]:
    """The invoices as they lie there on the morning of `day`."""
    moved = day - EXAMPLE_DAY
    return tuple(_bill(each, moved) for each in _read()["invoices"])


def trials(day: date = EXAMPLE_DAY) -> dict[str, date]:
    """By part number: the day on which a trial turns paid."""
    moved = day - EXAMPLE_DAY
    return {part: date.fromisoformat(until) + moved for part, until in _read()["trials"].items()}


def _read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "bills.json").read_text(encoding="utf-8"))
    return found


def _bill(facts: dict[str, Any], moved: timedelta) -> Bill:
    return Bill(
        vendor=facts["vendor"],
        number=facts["number"],
        line=facts.get("line", 1),
        contract=facts["contract"],
        product=facts["product"],
        issued_on=date.fromisoformat(facts["issued"]) + moved,
        period_from=date.fromisoformat(facts["from"]) + moved,
        period_to=date.fromisoformat(facts["to"]) + moved,
        quantity=facts["quantity"],
        amount=Decimal(facts["amount"]),
        currency=facts["currency"],
        cost_centre=facts.get("cost_centre", ""),
        words=facts["words"],
    )
