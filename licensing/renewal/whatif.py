"""A renewal under other assumptions, beside "as is": price, tier, bundle, seats, head count (rules §9).

Every answer says what it costs over the term and a year, what it differs by, and what stands against it: fewer units
than are needed, or than the contract allows. What is not known stays not known, and currencies are never mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from licensing.money import Cycle, Money, Sums, cost_to_end, rounded, yearly
from licensing.renewal.offer import Needed
from licensing.words import plural


@dataclass(frozen=True, slots=True)
class AsIs:
    """What renews if nothing changes. `units` None: no number is recorded."""

    product: str
    units: int | None
    unit_price: Money | None
    cycle: Cycle
    needed: Needed
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Part:
    """A product that a bundle would cover for the same people: its units there, and its price."""

    product: str
    units: int
    unit_price: Money | None
    cycle: Cycle = "year"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One other assumption; None leaves it as it is. `rise` and `people` are per cent, down when negative."""

    name: str
    units: int | None = None
    unit_price: Money | None = None
    cycle: Cycle | None = None
    rise: Decimal | None = None
    people: Decimal | None = None
    instead_of: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one assumption leads to. `needs` None: use is not known. `difference` is over the term, against as is."""

    name: str
    units: int | None
    unit_price: Money | None
    a_year: Money | None
    term: Money | None
    needs: int | None
    difference: Sums | None
    words: tuple[str, ...] = ()


def outcomes(as_is: AsIs, others: Iterable[WhatIf]) -> list[Outcome]:
    """As is first, then each assumption in its order."""
    base = _outcome(as_is, WhatIf("as is"), None)
    return [base, *(_outcome(as_is, other, base) for other in others)]


def _outcome(as_is: AsIs, other: WhatIf, base: Outcome | None) -> Outcome:
    in_use = _after(as_is.needed.in_use, other.people)
    needed = Needed(in_use, as_is.needed.reserved, as_is.needed.buffer, as_is.needed.commit_floor)
    units = other.units if other.units is not None else as_is.units
    if other.units is None and other.people is not None and needed.lowest is not None:
        units = needed.lowest
    price = other.unit_price or as_is.unit_price
    if other.rise is not None and price is not None:
        price = Money(rounded(price.amount * (100 + other.rise) / 100), price.currency)
    cycle = other.cycle or as_is.cycle
    a_year, term = _costs(units, price, cycle, as_is.first, as_is.last)
    gone = [
        (part, *_costs(part.units, part.unit_price, part.cycle, as_is.first, as_is.last)) for part in other.instead_of
    ]
    difference = _difference(base, term, [cost for _, _, cost in gone])
    return Outcome(
        other.name, units, price, a_year, term, needed.lowest, difference,
        tuple(_words(units, needed, [part for part, _, cost in gone if cost is None])),
    )  # fmt: skip


def _after(in_use: int | None, per_cent: Decimal | None) -> int | None:
    """People in use after the head count changed, rounded up: nobody is cut in half."""
    if in_use is None or per_cent is None:
        return in_use
    return max(0, int((Decimal(in_use) * (100 + per_cent) / 100).to_integral_value(ROUND_CEILING)))


def _costs(
    units: int | None, price: Money | None, cycle: Cycle, first: date, last: date
) -> tuple[Money | None, Money | None]:
    """A year and the term; what is paid once costs nothing again."""
    if units is None or price is None:
        return None, None
    if cycle == "once":
        return Money(Decimal(0), price.currency), Money(Decimal(0), price.currency)
    a_year = yearly(price, cycle)
    return (a_year * units if a_year is not None else None), cost_to_end(price, cycle, first, last, units)


def _difference(base: Outcome | None, term: Money | None, gone: Sequence[Money | None]) -> Sums | None:
    """More (or, negative, less) than as is over the term; None where a price on either side is not known."""
    if base is None:
        return None
    if base.term is None or term is None or any(cost is None for cost in gone):
        return None
    return Sums.of([term, -base.term, *(-cost for cost in gone if cost is not None)])


def _words(units: int | None, needed: Needed, unpriced: Sequence[Part]) -> list[str]:
    said = []
    if units is not None and needed.commit_floor is not None and units < needed.commit_floor:
        said.append(f"the contract allows no fewer than {needed.commit_floor:,}")
    use = None if needed.in_use is None else needed.in_use + needed.reserved + needed.buffer
    if units is not None and use is not None and units < use:
        said.append(f"{plural(use - units, 'unit')} fewer than are needed ({needed})")
    if needed.in_use is None:
        said.append("how many are in use is not known")
    said += [f"what {part.product} costs is not recorded" for part in unpriced]
    return said
