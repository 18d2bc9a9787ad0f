"""How many units the next term needs at least, what a missed date costs, what a true-up counts (rules §9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from licensing.money import Cycle, Money, Sums, cost_to_end
from licensing.words import day, plural


@dataclass(frozen=True, slots=True)
class Needed:
    """What the lowest offer is made of. `in_use` None: not known, and nothing is offered then."""

    in_use: int | None
    reserved: int = 0  # approved and not given yet
    buffer: int = 0
    commit_floor: int | None = None  # None: none was agreed

    @property
    def lowest(self) -> int | None:
        """The larger of commit floor and in use + reserved + buffer; None when use is not known."""
        if self.in_use is None:
            return None
        return max(self.commit_floor or 0, self.in_use + self.reserved + self.buffer)

    @property
    def floor_rules(self) -> bool:
        """Whether the contract's floor, not use, sets the lowest offer."""
        return self.in_use is not None and (self.commit_floor or 0) > self.in_use + self.reserved + self.buffer

    def __str__(self) -> str:
        """ "30 committed", "41 = 37 in use + 2 reserved + 2 spare"."""
        if self.in_use is None:
            return "not known: nothing says how many are in use"
        if self.floor_rules:
            return f"{self.commit_floor:,} committed"
        parts = [f"{self.in_use:,} in use"]
        parts += [f"{self.reserved:,} reserved"] if self.reserved else []
        parts += [f"{self.buffer:,} spare"] if self.buffer else []
        return " + ".join(parts) if len(parts) == 1 else f"{self.lowest:,} = {' + '.join(parts)}"


def buffer_of(in_use: int | None, per_cent: int, at_least: int = 0) -> int:
    """Spare units: so many per cent of those in use, rounded up, or the least number."""
    share = (Decimal(in_use or 0) * per_cent / 100).to_integral_value(ROUND_CEILING)
    return max(int(share), at_least)


def true_up_units(bought: int, in_use: int | None, peak: int | None, *, counts_peak: bool) -> int | None:
    """Units a true-up orders: use at its day, or the peak of the period where the contract counts it; None not known.

    A peak that is not known is no smaller than the use that is.
    """
    if in_use is None or (counts_peak and peak is None):
        return None
    counted = max(in_use, peak or 0) if counts_peak else in_use
    return max(0, counted - bought)


@dataclass(frozen=True, slots=True)
class Line:
    """One purchase that renews: how many units at which price; None where it is not recorded.

    `announced`: what its vendor said a unit will cost from the next term on; None: nothing was said.
    """

    quantity: int | None
    unit_price: Money | None
    cycle: Cycle = "year"
    announced: Money | None = None

    @property
    def next_price(self) -> Money | None:
        """What a unit costs once it is renewed."""
        return self.announced or self.unit_price

    @property
    def rise(self) -> Decimal | None:
        """Per cent by which the announced price is above today's (below: negative); None: they cannot be compared."""
        now, then = self.unit_price, self.announced
        if now is None or then is None or then.currency != now.currency or now.amount <= 0 or then == now:
            return None
        return (then.amount - now.amount) * 100 / now.amount


def term_cost(lines: list[Line], first: date, last: date) -> Sums:
    """What the lines cost over a term to come, at announced prices where there are any.

    A line without price or number counts as not known. Paid once: nothing again.
    """
    return Sums.of(_line_cost(line, first, last) for line in lines if line.cycle != "once")


def _line_cost(line: Line, first: date, last: date) -> Money | None:
    if line.quantity is None or line.next_price is None:
        return None
    return cost_to_end(line.next_price, line.cycle, first, last, line.quantity)


@dataclass(frozen=True, slots=True)
class Missed:
    """A date nobody decided by: units renewed that nobody needs, what they cost until the next chance, and when it is.

    `cost` None: a price or the need is not known. `next_by` None: there is no next term on record. `noun`: a unit's.
    """

    quantity: int | None
    needed: int | None
    until: date
    cost: Money | None
    next_by: date | None
    noun: str = "seat"

    @property
    def spare(self) -> int | None:
        if self.quantity is None or self.needed is None:
            return None
        return max(0, self.quantity - self.needed)

    def __str__(self) -> str:
        """ "40 until 31 Mar 2028, €2,016.00 more than needed. Next decision by 31 Jan 2028."."""
        held = "all that was bought" if self.quantity is None else plural(self.quantity, self.noun)
        if self.spare is None or self.cost is None:
            more = "what that costs too much is not known" if self.spare != 0 else "all of them needed"
        else:
            more = f"{self.cost} more than needed" if self.spare else "all of them needed"
        ending = f" Next decision by {day(self.next_by)}." if self.next_by is not None else ""
        return f"{held} until {day(self.until)}, {more}.{ending}"


def missed(line: Line, needed: int | None, first: date, last: date, next_by: date | None, noun: str = "seat") -> Missed:
    """What renewing `line` for the term from `first` to `last` costs more than the units needed would."""
    spare = None if line.quantity is None or needed is None else max(0, line.quantity - needed)
    cost = None
    if spare is not None and line.next_price is not None:
        nothing = line.cycle == "once" or not spare
        zero = Money(Decimal(0), line.next_price.currency)
        cost = zero if nothing else cost_to_end(line.next_price, line.cycle, first, last, spare)
    return Missed(line.quantity, needed, last, cost, next_by, noun)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The number a brief begins with, and where it comes from. `in_use` None: not known, and nothing is suggested."""

    in_use: int | None
    idle: int = 0  # only those with a verdict; what is not known counts as used
    leaving: int = 0
    planned: Decimal = Decimal(0)
    commit_floor: int | None = None
    elsewhere: int = 0  # bought apart from this purchase, and not part of what renews

    @property
    def seats(self) -> int | None:
        """Never fewer than the contract's floor."""
        if self.in_use is None:
            return None
        return max(self.commit_floor or 0, int(max(self._wanted, Decimal(0)).to_integral_value(ROUND_CEILING)))

    @property
    def _wanted(self) -> Decimal:
        return (self.in_use or 0) - self.idle - self.leaving + self.planned - self.elsewhere

    def __str__(self) -> str:
        """ "34 = 37 in use − 4 idle − 2 leaving + 3 in the hiring plan"."""
        if self.in_use is None:
            return "not known: nothing says how many are in use"
        planned = int(self.planned.to_integral_value(ROUND_CEILING))  # as in `seats`, so that the sum adds up
        parts = [f"{self.in_use:,} in use"]
        parts += [f"− {self.idle:,} idle"] if self.idle else []
        parts += [f"− {self.leaving:,} leaving"] if self.leaving else []
        parts += [f"{'+' if planned > 0 else '−'} {abs(planned):,} in the hiring plan"] if planned else []
        parts += [f"− {self.elsewhere:,} bought apart"] if self.elsewhere else []
        floor = self.commit_floor or 0
        below = 0 < floor == self.seats and floor > self._wanted
        return f"{self.seats:,} = {' '.join(parts)}{f', but {floor:,} are committed' if below else ''}"
