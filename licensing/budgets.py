"""Budgets of a calendar year against what was billed and what contracts still oblige to, per currency; pure.

Spent is what invoices of the year say, credits taken off, by the day on the invoice. Committed is what purchases in
force cost in the year for the days that no invoice covers yet. The two never hold the same days, so they add up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from licensing.money import Cycle, Money, cost_to_end
from licensing.words import joined, plural


@dataclass(frozen=True, slots=True)
class Spent:
    """A line of an invoice issued in the year; `money` None where it names no sum or no currency."""

    centre: str
    money: Money | None


@dataclass(frozen=True, slots=True)
class Obliged:
    """A purchase: what a unit costs, how many, from when to when; `billed_until` is the last day invoices cover."""

    centre: str
    starts_on: date
    ends_on: date | None
    quantity: int | None
    unit_price: Money | None
    cycle: Cycle
    billed_until: date | None = None

    def in_year(self, year: int) -> Money | bool | None:
        """What it costs in the year beyond what is billed; False when nothing, None when that cannot be said."""
        first = max(self.starts_on, date(year, 1, 1))
        if self.billed_until is not None:
            first = max(first, self.billed_until + timedelta(days=1))
        last = min(self.ends_on or date.max, date(year, 12, 31))
        if self.cycle == "once":
            first, last = self.starts_on, self.starts_on
            if self.starts_on.year != year or self.billed_until is not None:
                return False
        if first > last:
            return False
        if self.quantity is None or self.unit_price is None:
            return None
        return cost_to_end(self.unit_price, self.cycle, first, last, self.quantity)


@dataclass(frozen=True, slots=True)
class Line:
    """A budget in one currency. `budget` None: none is recorded. The counts are of sums that are not known."""

    name: str  # a cost centre or department; "" is what names none
    currency: str
    budget: Money | None
    spent: Money
    committed: Money
    spent_unknown: int = 0
    committed_unknown: int = 0

    @property
    def left(self) -> Money | None:
        """What may still be spent; negative is over. At most this where something is not known."""
        return self.budget - self.spent - self.committed if self.budget is not None else None

    @property
    def at_most(self) -> bool:
        return bool(self.spent_unknown or self.committed_unknown)

    @property
    def over(self) -> bool:
        return self.left is not None and self.left.amount < 0

    def __str__(self) -> str:
        """ "€12,000.00: €9,000.00 billed, €1,200.00 committed, €1,800.00 left"."""
        used = f"{self.spent} billed, {self.committed} committed"
        gaps = [
            f"{plural(count, what)} without a sum"
            for count, what in ((self.spent_unknown, "invoice line"), (self.committed_unknown, "purchase"))
            if count
        ]
        gap = f"; not counted: {joined(gaps)}" if gaps else ""
        if self.left is None:
            return f"no budget in {self.currency} is recorded: {used}{gap}"
        end = f"{-self.left} over" if self.over else f"{'at most ' if self.at_most else ''}{self.left} left"
        return f"{self.budget}: {used}, {end}{gap}"


def lines(
    year: int,
    budgets: Mapping[tuple[str, str], Decimal],
    spent: Iterable[Spent],
    obliged: Iterable[Obliged],
    names: Mapping[str, str] | None = None,
) -> list[Line]:
    """A line per cost centre and currency, or per what `names` calls each centre; by name, then currency.

    Sums without a currency cannot belong to one line, so each counts as not known in every line of its name.
    """
    called = (lambda centre: names.get(centre, "")) if names is not None else (lambda centre: centre)
    totals: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    planned: set[tuple[str, str]] = set()
    gaps: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (centre, currency), amount in budgets.items():
        totals[called(centre), currency][0] += amount
        planned.add((called(centre), currency))
    for one in spent:
        if one.money is None:
            gaps[called(one.centre)][0] += 1
        else:
            totals[called(one.centre), one.money.currency][1] += one.money.amount
    for each in obliged:
        cost = each.in_year(year)
        if cost is None:
            gaps[called(each.centre)][1] += 1
        elif isinstance(cost, Money):
            totals[called(each.centre), cost.currency][2] += cost.amount
    for name in set(gaps) - {name for name, _ in totals}:
        totals[name, ""][0] += 0
    found = []
    for (name, currency), (budget, billed, committed) in sorted(totals.items()):
        code = currency or "XXX"  # ISO 4217 for no currency: nothing here has a sum
        found.append(
            Line(
                name,
                code,
                Money(budget, code) if (name, currency) in planned else None,
                Money(billed, code),
                Money(committed, code),
                *gaps.get(name, (0, 0)),
            )
        )
    return found
