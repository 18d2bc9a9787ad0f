"""Lines of invoices that can be compared, and the others by name: repeats, credits, gaps, what nobody registered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from licensing.reconciliation.facts import BilledLine, Difference, Kind, Sides
from licensing.words import day, isolate, joined


def unplaced(lines: Iterable[BilledLine]) -> list[Difference]:
    """Lines that name no product of the register: billed, and nothing says that it was bought."""
    found = []
    for line in lines:
        said = f"“{isolate(line.words)}”, which" if line.words else "something"
        kind, words = Kind.BILLED_NOT_BOUGHT, f"Invoice {line.called()} bills {said} the register does not know."
        if line.credit:
            kind, words = Kind.UNCLEAR, f"Credit note {line.called()} is for {said} the register does not know."
        found.append(
            Difference(
                kind,
                f"invoice:{line.id}",
                _with_gap(words, line),
                f"{line.amount} {line.currency}",
                invoiced=line.units,
                money=line.money,
                first=line.period_from,
                last=line.period_to,
                invoices=(line.id,),
            )
        )
    return found


def duplicates(lines: Sequence[BilledLine]) -> tuple[list[BilledLine], list[Difference]]:
    """Lines without those that repeat a number, and the repeats by name.

    A repeat is the same vendor and number, written alike but for case and signs, with the same line and sum: counted
    once. The same number on another day or with another sum stays in the count, since it may be right, and is named.
    """
    first: dict[tuple[str, str, int], BilledLine] = {}
    kept: list[BilledLine] = []
    odd: list[Difference] = []
    for line in sorted(lines, key=lambda one: one.id):
        key = (_plain(line.vendor), _plain(line.number), line.line)
        before = first.setdefault(key, line)
        if before is line:
            kept.append(line)
            continue
        same = (before.amount, before.currency, before.quantity) == (line.amount, line.currency, line.quantity)
        if not same:
            kept.append(line)
        words = (
            f"Invoice {line.called()} has the number of {before.called()}, {day(before.issued_on)}, and the same sum. "
            "It is counted once."
            if same
            else f"Invoice {line.called()} has the number of {before.called()} and another sum. Both are counted."
        )
        odd.append(_unclear(line, "duplicate", words))
    by_number: dict[tuple[str, str], set[date]] = defaultdict(set)
    for line in kept:
        by_number[line.vendor, line.number].add(line.issued_on)
    for line in kept:
        days = by_number[line.vendor, line.number]
        if len(days) > 1 and line.issued_on != min(days):
            shown = joined([day(one) for one in sorted(days)])
            odd.append(_unclear(line, "days", f"Invoice {line.called()} carries several days: {shown}."))
    return kept, odd


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def readable(sides: Sides) -> tuple[list[BilledLine], list[Difference]]:
    """Lines that can be compared, and those that cannot by name; the latter leave their days unknown, not empty."""
    once = any(order.cycle == "once" for order in sides.orders)
    kept: list[BilledLine] = []
    odd: list[Difference] = []
    for line in sides.lines:
        reason = _unreadable(line, once)
        if reason:
            odd.append(_unclear(line, "line", reason, sides.product_id))
            if line.quantity is None and line.credit:
                continue  # a sum alone: the count stays what it was
            kept.append(replace(line, quantity=None, amount=None))
            continue
        if line.money is None:
            odd.append(_unclear(line, "sum", _with_gap(f"Invoice {line.called()}", line), sides.product_id))
        kept.append(line)
    return kept, odd


def _unreadable(line: BilledLine, once: bool) -> str:
    called = f"{'Credit note' if line.credit else 'Invoice'} {line.called()}"
    dated = line.period_from is not None and line.period_to is not None
    if line.quantity is not None and line.quantity < 0 and line.amount is not None and line.amount > 0:
        return f"Invoice {line.called()} has a negative number of units and a positive sum."
    if line.period_from is not None and line.period_to is not None and line.period_to < line.period_from:
        return f"{called} is for a period that ends before it begins."
    if line.quantity is None and line.credit:
        return f"{called} names no number of units: its sum lowers no count."
    if not once and not dated:
        return f"{called} does not say which days it is for."
    if line.quantity is None:
        return f"{called} does not say how many it is for."
    return ""


def _with_gap(words: str, line: BilledLine) -> str:
    """The sentence, and what the line does not say of its sum."""
    gap = "sum" if line.amount is None else "currency" if not line.currency else ""
    if not gap:
        return words
    return f"{words} It names no {gap}." if " bills " in words or " is for " in words else f"{words} names no {gap}."


def _unclear(line: BilledLine, what: str, words: str, product_id: int | None = None) -> Difference:
    return Difference(
        Kind.UNCLEAR,
        f"invoice:{line.id}:{what}",
        words,
        words,
        product_id=product_id if product_id is not None else line.product_id,
        invoiced=line.units,
        money=line.money,
        first=line.period_from,
        last=line.period_to,
        invoices=(line.id,),
    )
