"""Registry, vendor, invoice and assigned held against each other: where they differ, by how much, in words (rules §9).

Days are compared, not documents: what was bought and what was billed are both laid out by day, so that an addition in
mid-term, a credit note or two invoices of one period add up before anything is said. A side that says nothing is not
known, and not known differs from nothing. Pure; nothing here corrects anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from licensing.money import CENT, Money, with_period
from licensing.reconciliation.facts import KINDS, BilledLine, Compared, Difference, Kind, Order, Sides
from licensing.reconciliation.lines import readable
from licensing.words import and_more, day, isolate, joined, plural

ONE_DAY = timedelta(days=1)
#: An invoice may come so long after the days it is for before it counts as missing.
GRACE_DAYS = 45
NUMBERS_SHOWN = 3


def compare(sides: Sides, asked_on: date, grace_days: int = GRACE_DAYS) -> Compared:
    """The four sides of one product on a day, and every difference up to it."""
    lines, odd = readable(sides)
    orders = sides.orders
    found = [*odd, *_billed_against_bought(sides, lines, asked_on, grace_days)]
    found += _prices(sides, lines)
    found += _vendor(sides, asked_on)
    registered = _ordered(orders, asked_on) if orders else None
    order = list(KINDS)
    found.sort(key=lambda one: (order.index(one.kind), one.first or date.min, one.cause))
    return Compared(sides, registered, _billed(lines, asked_on), tuple(found))


# -- Billed against bought, day by day --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """Days on which neither side changes. `billed` None: nothing is; `unclear`: some line does not say how many."""

    first: date
    last: date
    ordered: int | None
    billed: int | None
    unclear: bool = False

    def goes_on(self, other: _Span) -> bool:
        return (self.ordered, self.billed, self.unclear) == (other.ordered, other.billed, other.unclear)


def _ordered(orders: Iterable[Order], on: date) -> int | None:
    """Units in force; None when one in force has no number."""
    held = [order for order in orders if order.holds(on)]
    if any(order.quantity is None for order in held):
        return None
    return sum(order.quantity or 0 for order in held)


def _billed(lines: Iterable[BilledLine], on: date) -> int | None:
    """Units billed for a day; None when nothing is billed for it, or a line for it has no number."""
    held = [line.units for line in lines if line.covers(on)]
    known = [units for units in held if units is not None]
    return sum(known) if held and len(known) == len(held) else None


def _spans(orders: Sequence[Order], lines: Sequence[BilledLine], until: date) -> Iterator[_Span]:
    """The days from the first paper on, cut where either side changes, neighbours that say the same joined."""
    starts = {order.starts_on for order in orders} | {line.period_from for line in lines if line.period_from}
    ends = {order.ends_on for order in orders if order.ends_on} | {line.period_to for line in lines if line.period_to}
    cuts = sorted(one for one in starts | {one + ONE_DAY for one in ends} | {until + ONE_DAY} if one <= until + ONE_DAY)
    running: _Span | None = None
    for first, after in pairwise(cuts):
        unclear = any(line.covers(first) and line.units is None for line in lines)
        span = _Span(first, after - ONE_DAY, _ordered(orders, first), _billed(lines, first), unclear)
        if running is not None and running.goes_on(span):
            running = replace(running, last=span.last)
            continue
        if running is not None:
            yield running
        running = span
    if running is not None:
        yield running


def _billed_against_bought(
    sides: Sides, lines: Sequence[BilledLine], asked_on: date, grace_days: int
) -> Iterator[Difference]:
    """Per day what renews, in all what is paid once; an unlimited right has no number to compare."""
    if any(order.unlimited for order in sides.orders):
        return
    once = [order for order in sides.orders if order.cycle == "once"]
    again = [order for order in sides.orders if order.cycle != "once"]
    dated = [line for line in lines if line.dated]
    if once:
        whole = [line for line in lines if line not in dated] if again else list(lines)
        yield from _once(replace(sides, orders=tuple(once)), whole, asked_on, grace_days)
    if once and not again:
        return
    sides = replace(sides, orders=tuple(again))
    due = asked_on - timedelta(days=grace_days)
    vague = not once and any(not line.dated for line in lines)  # whose days are not known
    for span in _spans(again, dated, max([asked_on, *(line.period_to for line in dated if line.period_to)])):
        ordered, billed = span.ordered, span.billed
        if ordered is None or span.unclear:
            continue  # a side that does not say how many
        if billed is None:
            since = sides.billing_since
            if since is None or vague or not ordered or since > span.last:
                continue
            span = replace(span, first=max(span.first, since))
            if span.first <= due and not _free(sides.orders, span.first):
                yield _not_billed(sides, span, min(span.last, due), ordered, None)
        elif billed > ordered:
            yield _too_much(sides, dated, span, billed, ordered)
        elif billed < ordered and not vague and span.first <= due:
            yield _not_billed(sides, span, min(span.last, due), ordered, billed)


def _free(orders: Sequence[Order], on: date) -> bool:
    """Whether all that is in force costs nothing: nobody sends an invoice for it."""
    held = [order for order in orders if order.holds(on)]
    return all(order.unit_price is not None and not order.unit_price for order in held)


def _too_much(sides: Sides, lines: Sequence[BilledLine], span: _Span, billed: int, ordered: int) -> Difference:
    behind = [line for line in lines if line.covers(span.first)]
    extra = billed - ordered
    money = _billed_price(behind, extra, span) or _worth(sides.orders, extra, span.first, span.last)
    bought = f"{ordered:,} were bought" if ordered else "none were bought"
    return Difference(
        Kind.BILLED_NOT_BOUGHT,
        f"{sides.key}:billed:{span.first.isoformat()}",
        f"{isolate(sides.name)}: {plural(billed, 'unit')} billed for {_period(span.first, span.last)}, {bought}. "
        f"Billed by {_numbers(behind)}.",
        f"{billed} {ordered}",
        product_id=sides.product_id,
        registered=ordered,
        invoiced=billed,
        money=money,
        first=span.first,
        last=span.last,
        invoices=tuple(line.id for line in behind),
    )


def _not_billed(sides: Sides, span: _Span, last: date, ordered: int, billed: int | None) -> Difference:
    said = "no invoice is registered" if billed is None else f"{max(0, billed):,} were billed"
    return Difference(
        Kind.BOUGHT_NOT_BILLED,
        f"{sides.key}:unbilled:{span.first.isoformat()}",
        f"{isolate(sides.name)}: {plural(ordered, 'unit')} bought for {_period(span.first, last)}, {said}.",
        f"{billed} {ordered}",
        product_id=sides.product_id,
        registered=ordered,
        invoiced=billed,
        money=_worth(sides.orders, ordered - (billed or 0), span.first, last),
        first=span.first,
        last=last,
    )


def _once(sides: Sides, lines: Sequence[BilledLine], asked_on: date, grace_days: int) -> Iterator[Difference]:
    """What is paid once is compared in all, whatever days an invoice names."""
    overdue_by, since = asked_on - timedelta(days=grace_days), sides.billing_since
    due = [one for one in sides.orders if one.starts_on <= overdue_by and (lines or (since and since <= one.starts_on))]
    begun = [order for order in sides.orders if order.starts_on <= asked_on]
    if any(order.quantity is None for order in begun) or any(line.units is None for line in lines):
        return
    first = min((order.starts_on for order in sides.orders), default=asked_on)
    billed = sum(line.units or 0 for line in lines) if lines else None
    bought, overdue = sum(one.quantity or 0 for one in begun), sum(one.quantity or 0 for one in due)
    if billed is not None and billed > bought:
        yield _too_much_once(sides, lines, billed, bought, first)
    elif overdue > (billed or 0):
        yield _not_billed(sides, _Span(first, asked_on, overdue, billed), asked_on, overdue, billed)


def _too_much_once(sides: Sides, lines: Sequence[BilledLine], billed: int, bought: int, first: date) -> Difference:
    span = _Span(first, first, bought, billed)
    made = _too_much(sides, lines, span, billed, bought)
    each = next((order.unit_price for order in reversed(sides.orders) if order.unit_price is not None), None)
    return Difference(
        made.kind,
        f"{sides.key}:billed:once",
        f"{isolate(sides.name)}: {plural(billed, 'unit')} billed in all, {bought:,} bought. Billed by "
        f"{_numbers(lines)}.",
        made.mark,
        product_id=sides.product_id,
        registered=bought,
        invoiced=billed,
        money=(each * (billed - bought)).rounded() if each is not None else None,
        invoices=tuple(line.id for line in lines),
    )


def _billed_price(lines: Sequence[BilledLine], units: int, span: _Span) -> Money | None:
    """What so many units of the newest invoice cost for the days of the span; None when it says no sum."""
    for line in sorted(lines, key=lambda one: (one.issued_on, one.id), reverse=True):
        if line.credit or line.money is None or not line.quantity or line.period_from is None or line.period_to is None:
            continue
        days = Decimal((min(span.last, line.period_to) - span.first).days + 1)
        whole = (line.period_to - line.period_from).days + 1
        return Money(line.money.amount * units * days / (line.quantity * whole), line.money.currency).rounded()
    return None


def _worth(orders: Sequence[Order], units: int, first: date, last: date) -> Money | None:
    """What so many units cost by the newest purchase in force on the first day; None without a price."""
    held = [order for order in orders if order.holds(first) and order.unit_price is not None]
    if not held:
        return None
    newest = max(held, key=lambda order: (order.starts_on, order.id))
    return newest.cost(first, last, units)


# -- Prices -----------------------------------------------------------------------------------------------------------


def _prices(sides: Sides, lines: Sequence[BilledLine]) -> Iterator[Difference]:
    for line in lines:
        difference = _price(sides, line)
        if difference is not None:
            yield difference


def _price(sides: Sides, line: BilledLine) -> Difference | None:
    """The sum of one line against what its units cost by the purchases in force; a cent a unit is rounding."""
    money, units = line.money, line.quantity
    if money is None or not units or line.credit:
        return None
    first = line.period_from or line.issued_on
    held = [one for one in sides.orders if one.unit_price is not None and (one.holds(first) or one.cycle == "once")]
    if not held:
        return None
    same = [one for one in held if one.unit_price is not None and one.unit_price.currency == money.currency]
    if not same:
        theirs = joined(sorted({one.unit_price.currency for one in held if one.unit_price is not None}))
        words = (
            f"{isolate(sides.name)}: invoice {line.called()} is in {money.currency}, bought in {theirs}. "
            "The prices are not compared."
        )
        return _of_price(sides, line, words, f"{money.currency} {theirs}", None)
    costs = [one.cost(line.period_from, line.period_to, units) for one in same]
    expected = sorted((one for one in costs if one is not None), key=lambda one: one.amount)
    lowest, highest = expected[0], expected[-1]
    slack = CENT * units
    if lowest.amount - slack <= money.amount <= highest.amount + slack:
        return None
    nearest = highest if money > highest else lowest
    off = (money - nearest).rounded()
    newest = max(same, key=lambda one: (one.starts_on, one.id))
    at = with_period(newest.unit_price, newest.cycle) if newest.unit_price is not None else "its price"
    more = "more" if off.amount > 0 else "less"
    words = (
        f"{isolate(sides.name)}: invoice {line.called()} bills {money} for {plural(units, 'unit')}, {_days_of(line)}; "
        f"at {at} it is {nearest.rounded()}: "
        f"{Money(abs(off.amount), off.currency)} {more}."
    )
    return _of_price(sides, line, words, str(off), off)


def _days_of(line: BilledLine) -> str:
    if line.period_from is None or line.period_to is None:
        return day(line.issued_on)
    return _period(line.period_from, line.period_to)


def _of_price(sides: Sides, line: BilledLine, words: str, mark: str, money: Money | None) -> Difference:
    return Difference(
        Kind.PRICE,
        f"invoice:{line.id}:price",
        words,
        mark,
        product_id=sides.product_id,
        invoiced=line.units,
        money=money,
        first=line.period_from,
        last=line.period_to,
        invoices=(line.id,),
    )


# -- The vendor's figures ---------------------------------------------------------------------------------------------


def _vendor(sides: Sides, asked_on: date) -> Iterator[Difference]:
    ordered = _ordered(sides.orders, asked_on) if sides.orders else None
    unlimited = any(order.unlimited for order in sides.orders)
    name, says = isolate(sides.name), sides.vendor_name

    def made(kind: Kind, what: str, words: str, mark: str, money: Money | None = None) -> Difference:
        return Difference(
            kind, f"{sides.key}:{what}", words, mark, product_id=sides.product_id, registered=ordered,
            vendor=sides.vendor, assigned=sides.assigned, money=money,
        )  # fmt: skip

    if sides.vendor is not None and not unlimited and not any(one.quantity is None for one in sides.orders):
        bought = ordered or 0
        year = asked_on, asked_on + timedelta(days=364)
        if sides.vendor > bought:
            held = f"{bought:,} are bought" if sides.orders else "no purchase is registered"
            words = f"{name}: {says} enables {sides.vendor:,}, {held}."
            more = _worth(sides.orders, sides.vendor - bought, *year)
            yield made(Kind.ENABLED_EARLY, "enabled", words, f"{sides.vendor} {bought}", more)
        elif sides.vendor < bought:
            words = f"{name}: {bought:,} are bought, {says} enables {sides.vendor:,}."
            lost = _worth(sides.orders, bought - sides.vendor, *year)
            yield made(Kind.NOT_ENABLED, "not-enabled", words, f"{sides.vendor} {bought}", lost)
    if sides.assigned_there is not None and sides.assigned_there > (sides.assigned or 0):
        extra = sides.assigned_there - (sides.assigned or 0)
        here = f"{sides.assigned:,} of them are known here" if sides.assigned else "none of them is known here"
        words = f"{name}: {says} counts {plural(sides.assigned_there, 'seat')} as given, {here}."
        yield made(Kind.SEAT_UNKNOWN, "seats", words, str(extra))


def _period(first: date, last: date) -> str:
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _numbers(lines: Iterable[BilledLine]) -> str:
    return and_more(list(dict.fromkeys(line.called() for line in lines)), NUMBERS_SHOWN)
