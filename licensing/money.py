"""Money: an exact amount with its currency. Currencies are never added to one another.

Rounding happens once, half up, to two decimals, when a sum leaves the computation (rules §1). What is not known is
None beside a count of how many are not known, never zero (design §4).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Literal

from licensing.words import day, joined, plural

Cycle = Literal["month", "year", "once"]

CENT = Decimal("0.01")
CODE = re.compile(r"[A-Z]{3}")
#: Written with a symbol; every other currency by its code, because "$" alone could be many.
SYMBOLS = {"EUR": "€", "USD": "US$", "CAD": "CA$", "AUD": "A$"}


class CurrenciesDiffer(ValueError):
    """Two sums in different currencies were to be added or compared; convert one first, with a dated rate."""


def rounded(amount: Decimal) -> Decimal:
    """Two decimals, half up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` units of `currency` (ISO 4217, upper case). Raises ValueError for a float, NaN or a wrong code."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        given: object = self.amount  # a float slips through where types are not checked
        if not isinstance(given, Decimal) or not given.is_finite():
            raise ValueError(f"an amount of money is a finite Decimal, not {self.amount!r}")
        if not CODE.fullmatch(self.currency):
            raise ValueError(f"a currency is three capital letters, not {self.currency!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(self.amount * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        """False when there is nothing to pay."""
        return bool(rounded(self.amount))

    def __str__(self) -> str:
        """ "€336.00", "US$240.00", "CHF 1,200.00", "−€5.00"."""
        shown = rounded(self.amount)
        sign = "−" if shown < 0 else ""
        symbol = SYMBOLS.get(self.currency, f"{self.currency} ")
        return f"{sign}{symbol}{abs(shown):,.2f}"

    def rounded(self) -> Money:
        return Money(rounded(self.amount), self.currency)

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrenciesDiffer(f"{self} and {other} are different currencies")
        return other.amount


def words(money: Money) -> str:
    """The sum as people read it; a sum of nothing is words, never "€0.00"."""
    return str(money) if money else "nothing extra to pay"


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals per currency, side by side, and how many items had no known price."""

    totals: Mapping[str, Decimal] = field(default_factory=dict)
    unknown: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", MappingProxyType(dict(sorted(self.totals.items()))))

    @classmethod
    def of(cls, items: Iterable[Money | None]) -> Sums:
        """Adds up; None is an item whose price is not known."""
        totals: dict[str, Decimal] = {}
        unknown = 0
        for item in items:
            if item is None:
                unknown += 1
            else:
                totals[item.currency] = totals.get(item.currency, Decimal(0)) + item.amount
        return cls(totals, unknown)

    def plus(self, item: Money | Sums | None) -> Sums:
        if isinstance(item, Sums):
            both = Sums.of([*self.each(), *item.each()])
            return Sums(both.totals, self.unknown + item.unknown)
        if item is None:
            return Sums(self.totals, self.unknown + 1)
        return Sums(Sums.of([*self.each(), item]).totals, self.unknown)

    def each(self) -> list[Money]:
        """One Money per currency, by code."""
        return [Money(amount, currency) for currency, amount in self.totals.items()]

    def in_currency(self, currency: str) -> Money:
        return Money(self.totals.get(currency, Decimal(0)), currency)

    def rounded(self) -> dict[str, str]:
        """{"EUR": "12400.00"}: the shape of exports (rules §1)."""
        return {money.currency: f"{rounded(money.amount):.2f}" for money in self.each()}

    def __bool__(self) -> bool:
        return any(self.each()) or self.unknown > 0

    def __str__(self) -> str:
        """ "€12,400.00 and US$3,100.00"; with gaps: "€12,400.00, and 2 prices not known"."""
        known = joined([str(money) for money in self.each() if money])
        if not self.unknown:
            return known or "nothing extra to pay"
        gap = f"{plural(self.unknown, 'price')} not known"
        return f"{known}, and {gap}" if known else gap


@dataclass(frozen=True, slots=True)
class Share:
    """Part of a billing cycle: `whole` cycles and `days` of the `of_days` that the next one would have."""

    whole: int
    days: int
    of_days: int
    cycle: Cycle

    @property
    def factor(self) -> Decimal:
        """How many cycles are paid for; exact enough that rounding to cents is right."""
        return Decimal(self.whole) + Decimal(self.days) / Decimal(self.of_days)

    def __str__(self) -> str:
        """ "129 of 365 days", "1 year", "2 months and 3 of 30 days"."""
        if self.cycle == "once":
            return "paid once"
        parts = [plural(self.whole, self.cycle)] if self.whole else []
        if self.days:
            parts.append(f"{self.days} of {self.of_days} days")
        return joined(parts)


def share(cycle: Cycle, first_day: date, last_day: date | None) -> Share:
    """How much of the billing cycle lies between two days, both counted (a term includes its first and last day).

    Without a last day one year is counted, as for money at risk (rules §1). ValueError when the last day is before
    the first.
    """
    if cycle == "once":
        return Share(1, 0, 1, cycle)
    last = last_day or months_later(first_day, 12) - timedelta(days=1)
    if last < first_day:
        raise ValueError(f"the term ends on {day(last)}, before {day(first_day)}")
    months = 12 if cycle == "year" else 1
    after = last + timedelta(days=1)
    whole = ((after.year - first_day.year) * 12 + after.month - first_day.month) // months
    while months_later(first_day, whole * months) > after:
        whole -= 1
    begun = months_later(first_day, whole * months)
    of_days = (months_later(first_day, (whole + 1) * months) - begun).days
    return Share(whole, (after - begun).days, of_days, cycle)


def cost_to_end(unit_price: Money, cycle: Cycle, first_day: date, last_day: date | None, seats: int = 1) -> Money:
    """What `seats` cost from `first_day` to `last_day`, by days, rounded half up once.

    €336.00 a year from 23 Nov 2026 to 31 Mar 2027 is 129 of 365 days: €118.75.
    """
    part = share(cycle, first_day, last_day)
    # multiplied before it is divided, so that nothing is lost before the one rounding
    units = Decimal(part.whole * part.of_days + part.days) * unit_price.amount * seats
    return Money(units / part.of_days, unit_price.currency).rounded()


def yearly(unit_price: Money, cycle: Cycle) -> Money | None:
    """The price of a year; None for what is paid once."""
    if cycle == "once":
        return None
    return unit_price * 12 if cycle == "month" else unit_price


def with_period(unit_price: Money, cycle: Cycle, seat: bool = True) -> str:
    """ "€336.00 a seat a year", "CHF 1,200.00 a month", "US$90.00 a seat, paid once"."""
    each = f"{unit_price} a seat" if seat else str(unit_price)
    return f"{each}, paid once" if cycle == "once" else f"{each} a {cycle}"


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `base` is `rate` units of `quote`, as the customer stated for `on`, from `source`."""

    base: str
    quote: str
    rate: Decimal
    on: date
    source: str

    def __str__(self) -> str:
        return f"1 {self.base} = {self.rate} {self.quote}, {day(self.on)}, {self.source}"


@dataclass(frozen=True, slots=True)
class Converted:
    """A sum in another currency with the rate that made it; shown together, always."""

    money: Money
    original: Money
    rate: Rate

    def __str__(self) -> str:
        return f"{self.money} ({self.original} at {self.rate})"


def convert(money: Money, currency: str, rates: Iterable[Rate], on: date) -> Converted | None:
    """`money` in `currency` by the newest stated rate not after `on`; None when there is none. Never by an inverse."""
    fitting = [rate for rate in rates if (rate.base, rate.quote) == (money.currency, currency) and rate.on <= on]
    if not fitting:
        return None
    newest = max(fitting, key=lambda rate: rate.on)
    return Converted(Money(money.amount * newest.rate, currency).rounded(), money, newest)


def months_later(start: date, months: int) -> date:
    """The same day number, or the month's last."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month0 + 1, min(start.day, calendar.monthrange(year, month0 + 1)[1]))
