"""What a shortfall would cost and what unused units cost a year, in the currency of the purchase (rules §1).

Nothing is rounded here: a sum is rounded half up once, per product and currency, where it is shown. A price that is
not known stays None and is counted; it is never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal

from licensing.money import Cycle, Money, Sums, months_later, yearly
from licensing.position.facts import Facts, Kind, Metric, Purchase


@dataclass(frozen=True, slots=True)
class Price:
    """What one more unit costs, in two currencies where its maintenance has another; `words` name the ground."""

    each: tuple[Money, ...]
    words: str
    passed_over: int = 0  # newer purchases in force that have no price
    lacking: str = ""  # a part of the price that is not recorded

    def times(self, units: Decimal) -> Sums:
        return Sums.of(money * units for money in self.each)


def quantity_unknown(in_force: Iterable[Purchase]) -> bool:
    """Whether a quantity nobody recorded leaves open what is bought in all; not beside a purchase without limit."""
    given = list(in_force)
    return any(one.quantity_missing for one in given) and all(one.quantity is not None for one in given)


def newest(purchases: Iterable[Purchase]) -> list[Purchase]:
    """The one bought last first."""
    return sorted(purchases, key=lambda one: (one.acquired_on or one.starts_on, one.starts_on, one.id), reverse=True)


def unit_price(facts: Facts, metric: Metric, in_force: Sequence[Purchase]) -> Price | None:
    """What a unit short costs: the contract's price for overage or true-up, else the newest purchase in force, else
    the last ended one, else the list. None is "unpriced". A true-up price stands as long as its contract runs, also
    where the purchase under it has ended.
    """
    held = newest(in_force)
    for one in held:
        if one.overage_price is not None:
            return Price((one.overage_price,), f"the price {one.name or 'the contract'} states for what is over")
    ended = _ended(facts, metric)
    for one in [*held, *(one for one in ended if one.contract_holds(facts.at))]:
        if one.true_up_price is not None:
            return _priced(one, one.true_up_price, metric, f"the true-up price {one.name or 'the contract'} states")
    for place, one in enumerate(held):
        if one.unit_price is not None:
            return _priced(one, one.unit_price, metric, f"the price of {_called(one, 'the newest purchase')}", place)
    for one in ended:
        if one.unit_price is not None:
            return _priced(
                one,
                one.unit_price,
                metric,
                f"the price of {_called(one, 'the last purchase')}, which has ended",
                len(held),
            )
    if facts.list_price is not None:
        known = facts.list_price if metric is Metric.CONSUMPTION else yearly(facts.list_price, facts.list_cycle)
        return Price((known or facts.list_price,), "the list price", len(held))
    return None


def _priced(one: Purchase, price: Money, metric: Metric, words: str, passed_over: int = 0) -> Price:
    """The price with a year of maintenance where a perpetual unit has it; said where that has no recorded price."""
    runs = paid_once(one) and metric is not Metric.CONSUMPTION and one.maintenance_until is not None
    lacking = "a year of maintenance, which has no recorded price" if runs and one.maintenance_price is None else ""
    return Price(_first_year(one, price, metric), words, passed_over, lacking)


def _ended(facts: Facts, metric: Metric) -> list[Purchase]:
    """Purchases whose term is over, the last one first."""
    over = [
        (one.ends_on, one)
        for one in facts.purchases
        if one.metric is metric and one.ends_on is not None and one.ends_on < facts.at
    ]
    return [one for _, one in sorted(over, key=lambda pair: (pair[0], pair[1].starts_on, pair[1].id), reverse=True)]


def _called(one: Purchase, which: str) -> str:
    return f"{one.name}, {which}" if one.name else which


def paid_once(one: Purchase) -> bool:
    """Perpetual, or paid once for good."""
    return one.kind is Kind.PERPETUAL or (one.cycle == "once" and one.ends_on is None)


def _first_year(one: Purchase, price: Money, metric: Metric) -> tuple[Money, ...]:
    """12 months of a subscription; a perpetual unit once and a year of its maintenance; a consumed unit as it is."""
    if metric is Metric.CONSUMPTION:
        return (price,)
    if paid_once(one):
        return (price, one.maintenance_price) if one.maintenance_price is not None else (price,)
    return (a_year(price, one.cycle, one.starts_on, one.ends_on),)


def a_year(price: Money, cycle: Cycle, starts_on: date, ends_on: date | None) -> Money:
    """The price of 12 months. What is paid once for a term is shared out by its months, or days where months break."""
    known = yearly(price, cycle)
    if known is not None:
        return known
    if ends_on is None:
        return price
    after = ends_on + timedelta(days=1)
    months = (after.year - starts_on.year) * 12 + after.month - starts_on.month
    if months > 0 and months_later(starts_on, months) == after:
        return Money(price.amount * 12 / months, price.currency)
    return Money(price.amount * 365 / (after - starts_on).days, price.currency)


@dataclass(frozen=True, slots=True)
class Unused:
    """`units` of the same version that nobody needs, taken from its `purchases`; none for a vendor's figure."""

    units: Decimal
    purchases: tuple[Purchase, ...]


@dataclass(frozen=True, slots=True)
class Waste:
    """What unused units cost a year. `unpriced` units have a price nobody recorded; `kept` cost nothing to keep."""

    sums: Sums
    units: Decimal
    unpriced: Decimal
    kept: Decimal
    taken: tuple[tuple[Purchase, Decimal], ...]


def waste(unused: Iterable[Unused], metric: Metric, day: date) -> Waste:
    """Units are taken from the purchase that ends first, then from the dearest a year; never more than were bought."""
    items: list[Money | None] = []
    total = unpriced = kept = Decimal(0)
    taken: list[tuple[Purchase, Decimal]] = []
    for some in unused:
        left = some.units
        total += left
        for one in sorted(some.purchases, key=lambda one: waste_order(one, metric, day)):
            units = min(left, one.quantity or Decimal(0))
            if units <= 0:
                continue
            left -= units
            taken.append((one, units))
            cost = unused_cost(one, metric, day)
            if cost is None:
                unpriced += units
            elif cost.amount:
                items.append(cost * units)
            elif paid_once(one):
                kept += units
        unpriced += left
    return Waste(
        Sums(Sums.of(items).totals, int(unpriced.to_integral_value(ROUND_UP))), total, unpriced, kept, tuple(taken)
    )


def waste_order(one: Purchase, metric: Metric, day: date) -> tuple[date, bool, Decimal, str, int]:
    """Ends first, then dearest. Sums in two currencies cannot be compared: their figures only settle the order."""
    cost = unused_cost(one, metric, day)
    priced = cost is not None
    return (
        one.ends_on or date.max,
        not priced,
        -cost.amount if cost is not None else Decimal(0),
        cost.currency if cost is not None else "",
        one.id,
    )


def wasted_last(purchases: Iterable[Purchase], metric: Metric, day: date) -> dict[int, int]:
    """By purchase its place in the order in which units are used, so that what is left is wasted by the rule: 0 for
    what ends last and is the cheapest. Those that end on one day at one price share a place.
    """
    orders = {one.id: waste_order(one, metric, day)[:-1] for one in purchases}
    places = {order: place for place, order in enumerate(sorted(set(orders.values()), reverse=True))}
    return {number: places[order] for number, order in orders.items()}


def unused_cost(one: Purchase, metric: Metric, day: date) -> Money | None:
    """What an unused unit of the purchase costs a year; None when that is not known.

    A perpetual unit costs its maintenance only: nothing when that is over or was never bought.
    """
    if metric is Metric.CONSUMPTION:
        return one.unit_price
    if paid_once(one):
        over = one.maintenance_until is not None and one.maintenance_until < day
        never = one.maintenance_until is None and one.maintenance_price is None
        if over or never:
            return Money(Decimal(0), one.unit_price.currency if one.unit_price else "XXX")
        return one.maintenance_price
    return None if one.unit_price is None else a_year(one.unit_price, one.cycle, one.starts_on, one.ends_on)
