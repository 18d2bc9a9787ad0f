"""Whether a sum stays under the limits a policy names, in whatever currency they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from licensing.money import Money, Rate, Sums, convert


def limit_passed_by(
    limits: Mapping[str, Decimal], total: Sums, rates: tuple[Rate, ...], on: date, *, inclusive: bool = False
) -> Money | None:
    """The limit that `total` is not known to stay under, or None when it stays under.

    A limit in a currency of the sum is compared first; otherwise the sum is converted by a rate the company stated.
    Without a price, a limit or a rate the sum counts as above (rules §5). `inclusive`: reaching the limit passes it.
    """
    if not limits:
        return None
    own_first = sorted(limits, key=lambda currency: currency not in total.totals)
    for currency in own_first if not total.unknown else ():
        together = _in_one_currency(total, currency, rates, on)
        if together is not None:
            limit = Money(limits[currency], currency)
            return limit if together > limit or (inclusive and together == limit) else None
    return Money(limits[own_first[0]], own_first[0])


def _in_one_currency(total: Sums, currency: str, rates: tuple[Rate, ...], on: date) -> Money | None:
    """All of `total` in one currency, or None when a rate is missing."""
    together = total.in_currency(currency)
    for part in total.each():
        if part.currency != currency and part:
            converted = convert(part, currency, rates, on)
            if converted is None:
                return None
            together += converted.money
    return together
