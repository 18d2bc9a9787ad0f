"""What the four sides say of a product, and what a difference between them is (rules §9). Not known is None."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.money import Cycle, Money, cost_to_end
from licensing.words import isolate


class Kind(enum.StrEnum):
    """What differs. Stored."""

    BILLED_NOT_BOUGHT = "billed_not_bought"
    BOUGHT_NOT_BILLED = "bought_not_billed"
    ENABLED_EARLY = "enabled_early"  # the vendor gives more than was ordered
    NOT_ENABLED = "not_enabled"  # the vendor gives less than was bought
    PRICE = "price"
    SEAT_UNKNOWN = "seat_unknown"  # in use at the vendor, and no seat of ours
    UNCLEAR = "unclear"  # a line of an invoice that cannot be compared, and why


#: In this order they are shown.
KINDS: dict[Kind, str] = {
    Kind.BILLED_NOT_BOUGHT: "Billed, not bought",
    Kind.PRICE: "Price differs",
    Kind.ENABLED_EARLY: "Enabled ahead of order",
    Kind.NOT_ENABLED: "Bought, not enabled",
    Kind.SEAT_UNKNOWN: "Seat unknown to us",
    Kind.BOUGHT_NOT_BILLED: "Bought, not billed",
    Kind.UNCLEAR: "Cannot be compared",
}


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase of the register. `quantity` None: not recorded; `unlimited` orders are not compared by number."""

    id: int
    quantity: int | None
    starts_on: date
    ends_on: date | None = None
    unit_price: Money | None = None
    cycle: Cycle = "year"
    unlimited: bool = False

    def cost(self, first: date | None, last: date | None, units: int) -> Money | None:
        """What so many units cost for these days; without days, or paid once, the plain price. None: none."""
        if self.unit_price is None:
            return None
        if self.cycle == "once" or first is None or last is None:
            return self.unit_price * units
        return cost_to_end(self.unit_price, self.cycle, first, last, units)

    def holds(self, on: date) -> bool:
        return self.starts_on <= on and (self.ends_on is None or on <= self.ends_on)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line of an invoice as it stands there; a credit note has a negative amount."""

    id: int
    vendor: str
    number: str
    line: int
    issued_on: date
    product_id: int | None = None
    period_from: date | None = None
    period_to: date | None = None
    quantity: int | None = None
    amount: Decimal | None = None
    currency: str | None = None
    words: str = ""

    @property
    def money(self) -> Money | None:
        return Money(self.amount, self.currency) if self.amount is not None and self.currency else None

    @property
    def credit(self) -> bool:
        return (self.amount is not None and self.amount < 0) or (self.quantity is not None and self.quantity < 0)

    @property
    def units(self) -> int | None:
        """How many it adds; a credit takes away, whichever sign its number was written with."""
        if self.quantity is None:
            return None
        return -abs(self.quantity) if self.credit else self.quantity

    @property
    def dated(self) -> bool:
        """Whether it says which days it is for, in a way that can be."""
        return self.period_from is not None and self.period_to is not None and self.period_from <= self.period_to

    def covers(self, on: date) -> bool:
        return self.period_from is not None and self.period_to is not None and self.period_from <= on <= self.period_to

    def called(self) -> str:
        """ "INV-7 of Northwind", "INV-7, line 2, of Northwind"."""
        line = f", line {self.line}," if self.line != 1 else ""
        return f"{isolate(self.number)}{line} of {isolate(self.vendor)}"


@dataclass(frozen=True, slots=True)
class Sides:
    """One product, or one of its tiers, as four sides see it.

    `vendor` and `assigned_there` are what the vendor enables and counts as given; `assigned` are seats we know of; None
    is not known. `billing_since`: from when on invoices of its vendor are registered; before, and with None, a missing
    one says nothing.
    """

    key: str  # "product:12", "product:12:sku:3"
    name: str
    product_id: int | None = None
    orders: tuple[Order, ...] = ()
    lines: tuple[BilledLine, ...] = ()
    vendor: int | None = None
    vendor_name: str = "The vendor"
    assigned: int | None = None
    assigned_there: int | None = None
    billing_since: date | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree. `cause` is the same at each look; `mark` changes when the difference does."""

    kind: Kind
    cause: str
    words: str
    mark: str
    product_id: int | None = None
    registered: int | None = None
    vendor: int | None = None
    invoiced: int | None = None
    assigned: int | None = None
    money: Money | None = None  # None: not known
    first: date | None = None
    last: date | None = None
    invoices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A product's line: the four sides on the day asked about, and what differs."""

    sides: Sides
    registered: int | None
    invoiced: int | None
    differences: tuple[Difference, ...] = ()
