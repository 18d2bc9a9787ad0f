"""A contract's terms: its length, the one that follows, its anniversaries, and what is not recorded of it.

A term includes its first and last day (rules §1). Later terms are counted from the first day of the contract, so that
one that began on 29 February or on the 31st does not drift a day earlier at each renewal.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from licensing.money import months_later
from licensing.words import plural

ONE_DAY = timedelta(days=1)
#: Longer terms nobody signs; a contract that says so has a wrong day in it.
MOST_MONTHS = 1200


class Unit(enum.StrEnum):
    """What a notice period is counted in."""

    DAYS = "days"
    WORKING_DAYS = "working_days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Notice:
    """How long before the end it must be said. ValueError for less than nothing."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("a notice period is not negative")

    def __str__(self) -> str:
        """ "2 months", "20 working days"."""
        return plural(self.count, str(self.unit).replace("_", " ").removesuffix("s"))


class Programme(enum.StrEnum):
    """Agreements whose windows are known as data; every other contract is ruled by its notice period alone."""

    OTHER = ""
    ENTERPRISE_AGREEMENT = "enterprise_agreement"  # Microsoft
    NEW_COMMERCE = "new_commerce"  # Microsoft, through a partner or the admin centre


@dataclass(frozen=True, slots=True)
class Length:
    """How long a term is: whole months, or so many days where it is no whole number of months."""

    months: int = 0
    days: int = 0

    @classmethod
    def between(cls, first: date, last: date) -> Length:
        """The length of a term from its first to its last day. ValueError when they are the wrong way round."""
        if last < first:
            raise ValueError("a term ends on or after the day it begins")
        after = last + ONE_DAY
        months = (after.year - first.year) * 12 + after.month - first.month
        if months and months_later(first, months) == after:
            return cls(months=months)
        return cls(days=(after - first).days)

    @classmethod
    def meant(cls, first: date, last: date) -> Length:
        """The same, where a term that ends on its first day's own date, as a year is often written, is whole months."""
        exact = cls.between(first, last)
        months = (last.year - first.year) * 12 + last.month - first.month
        return cls(months=months) if exact.days and months and months_later(first, months) == last else exact

    def later(self, start: date, times: int) -> date:
        """`start` moved on by so many terms."""
        if self.months:
            return months_later(start, self.months * times)
        return start + timedelta(days=self.days * times)

    @property
    def short(self) -> bool:
        """A month or less: such terms get no brief, but one review a quarter (rules §9)."""
        return self.months == 1 or (self.months == 0 and self.days <= 31)

    def __str__(self) -> str:
        return plural(self.months, "month") if self.months else plural(self.days, "day")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a contract, first and last day included."""

    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a contract says about its end. `length` is that of a renewed term; without it the term to `ends_on` repeats.

    `starts_on` is the first day of the contract, `ends_on` the last one of the term that runs; both belong to it.
    `delivery_days` are working days a notice is under way where it counts when it is received.
    """

    starts_on: date
    ends_on: date | None
    notice: Notice | None = None
    auto_renew: bool = False
    receipt_counts: bool = False
    delivery_days: int = 0
    programme: Programme = Programme.OTHER
    length: Length | None = None
    true_up: bool = False  # units above what was bought are paid at the end of each true-up period
    true_up_from: date | None = None  # first day of the running period; None is the contract's anniversary

    @property
    def repeats(self) -> Length | None:
        """How long each following term is; None without an end."""
        if self.length is not None or self.ends_on is None:
            return self.length
        return Length.meant(self.starts_on, self.ends_on)

    @property
    def term(self) -> Term | None:
        """The term that runs to `ends_on`; None without an end."""
        return next(terms(self), None)


def terms(contract: Agreement) -> Iterator[Term]:
    """The term that runs to the contract's end and, where it goes on by itself, those that follow, without end.

    The last day on record wins over the arithmetic: a term that was agreed to end on another day is kept as it is, and
    the next begin the day after it.
    """
    length, end = contract.repeats, contract.ends_on
    if length is None or end is None:
        return
    anchored = _terms_before(contract, length, end)
    if contract.length is None:
        yield Term(contract.starts_on, end)
    elif anchored:
        yield Term(length.later(contract.starts_on, anchored - 1), end)
    else:
        yield Term(max(contract.starts_on, length.later(end + ONE_DAY, -1)), end)
    if not contract.auto_renew:
        return
    origin, already = (contract.starts_on, anchored) if anchored else (end + ONE_DAY, 0)
    for number in count(already):
        if number * max(length.months, length.days // 31 + 1) > MOST_MONTHS:
            return
        yield Term(length.later(origin, number), length.later(origin, number + 1) - ONE_DAY)


def _terms_before(contract: Agreement, length: Length, end: date) -> int:
    """How many whole terms lie between the contract's first day and its last; 0 when they do not fit."""
    days = (end + ONE_DAY - contract.starts_on).days
    roughly = days // (length.days or length.months * 31)
    for number in (roughly + more for more in range(roughly // 30 + 3)):
        moved = length.later(contract.starts_on, number)
        if moved == end + ONE_DAY:
            return number
        if moved > end:
            break
    return 0


def anniversaries(contract: Agreement, term: Term) -> Iterator[date]:
    """The contract's anniversaries inside a term, neither its first day nor the day after its last.

    They are those of the running true-up period where the contract states one.
    """
    origin = contract.true_up_from or contract.starts_on
    for years in count(max(1, term.starts_on.year - origin.year - 1)):
        day = months_later(origin, 12 * years)
        if day > term.ends_on:
            return
        if day > term.starts_on:
            yield day


class Missing(enum.StrEnum):
    """What is not recorded of a contract, without which nobody can decide in time."""

    END = "end"
    NOTICE = "notice"
    PRICE = "price"
    OWNER = "owner"


#: What is missing, and which role can fill it; the contract's owner comes first where there is one.
FILLED_BY = {
    Missing.END: ("its last day", "procurement"),
    Missing.NOTICE: ("its notice period", "procurement"),
    Missing.PRICE: ("a price", "procurement"),
    Missing.OWNER: ("an owner", "licence_manager"),
}


def missing(contract: Agreement, *, priced: bool, owned: bool) -> tuple[Missing, ...]:
    """What has to be filled in. Microsoft's new commerce has windows of its own and needs no notice period."""
    found = []
    if contract.ends_on is None:
        found.append(Missing.END)
    if contract.notice is None and contract.programme is Programme.OTHER:
        found.append(Missing.NOTICE)
    if not priced:
        found.append(Missing.PRICE)
    if not owned:
        found.append(Missing.OWNER)
    return tuple(found)
