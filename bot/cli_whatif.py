"""`seatkeeper renewals --what-if CONTRACT`: other assumptions as lines beside "as is"."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from bot.cli_common import Failed
from licensing.money import Money
from licensing.renewal.whatif import Outcome, WhatIf, outcomes
from licensing.words import day, plural
from model.licences import Sku
from workflows.policy import Policy
from workflows.positions.named import find
from workflows.reads.prices import prices
from workflows.renewals.whatif import Renewing, parts_of, renewing, tier_price

_PRICE = re.compile(r"(\d{1,12}(?:\.\d{1,4})?) ?([A-Z]{3})")
_HEADS = ("", "units", "a unit", "a year", "the term", "needs", "more or less")


def told(connection: Connection, policy: Policy, args: argparse.Namespace, now: datetime) -> list[str]:
    """The table as lines. Raises Failed for a contract, product, tier, bundle or price that is not there."""
    one = _chosen(renewing(connection, policy, args.what_if, now), args.what_if, args.product)
    found = outcomes(one.as_is, list(_asked(connection, one, args, now)))
    rows = [_HEADS, *(_cells(outcome) for outcome in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [f"{one.as_is.product}, {args.what_if}: {day(one.as_is.first)} to {day(one.as_is.last)}"]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{outcome.name}: {words}." for outcome in found for words in outcome.words]
    return lines


def _chosen(found: list[Renewing], number: str, product: str | None) -> Renewing:
    if not found:
        raise Failed(f"Nothing renews under {number}. See what does: seatkeeper renewals")
    wanted = [one for one in found if product is None or product.casefold() in one.as_is.product.casefold()]
    if len(wanted) != 1:
        names = ", ".join(one.as_is.product for one in found)
        raise Failed(f"{number} holds several products; name one with --product: {names}")
    return wanted[0]


def _asked(connection: Connection, one: Renewing, args: argparse.Namespace, now: datetime) -> Iterator[WhatIf]:
    for seats in args.seats:
        if seats < 0:
            raise Failed(f"A number of seats is 0 or more, it says {seats}.")
        yield WhatIf(plural(seats, "seat"), units=seats)
    for text in args.price:
        price = _money(text)
        yield WhatIf(f"at {price}", unit_price=price)
    for rise in args.rise:
        yield WhatIf(f"price {_signed(rise)}", rise=rise)
    for people in args.head_count:
        yield WhatIf(f"people {_signed(people)}", people=people)
    for tier in args.tier:
        known = tier_price(connection, one.product_id, tier, now)
        if known is None:
            raise Failed(f"{one.as_is.product} has no tier called {tier}.")
        if known.unit is None:
            raise Failed(f"What the tier {tier} costs is not recorded.")
        yield WhatIf(tier, unit_price=known.unit, cycle=known.cycle)
    for bundle in args.bundle:
        yield _bundle(connection, one, bundle, now)


def _bundle(connection: Connection, one: Renewing, words: str, now: datetime) -> WhatIf:
    named = find(connection, words)
    if named.product_id is None:
        close = f" Close: {', '.join(named.near)}." if named.near else ""
        raise Failed(f"Nothing in the register is called “{words}”.{close}")
    skus = list(connection.execute(select(Sku.id).where(Sku.product_id == named.product_id)).scalars())
    priced = [price for price in prices(connection, skus, now.date()).values() if price.unit is not None]
    if not priced:
        raise Failed(f"What {words} costs is not recorded.")
    parts = parts_of(connection, one.product_id, named.product_id, now)
    return WhatIf(f"{words} in its place", unit_price=priced[0].unit, cycle=priced[0].cycle, instead_of=parts)


def _money(text: str) -> Money:
    match = _PRICE.fullmatch(text.strip())
    if match is None:
        raise Failed(f"A price is written as 300.00EUR, it says {text}")
    return Money(Decimal(match[1]), match[2])


def _signed(per_cent: Decimal) -> str:
    return f"{'+' if per_cent >= 0 else '−'}{abs(per_cent).normalize():f}%"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    unknown = "not known"
    if outcome.difference is None:
        differs = "" if outcome.name == "as is" else unknown
    else:
        each = [money for money in outcome.difference.each() if money]
        differs = ", ".join(f"+{money}" if money.amount > 0 else str(money) for money in each) or "the same"
    return (
        outcome.name,
        unknown if outcome.units is None else f"{outcome.units:,}",
        unknown if outcome.unit_price is None else str(outcome.unit_price),
        unknown if outcome.a_year is None else str(outcome.a_year),
        unknown if outcome.term is None else str(outcome.term),
        unknown if outcome.needs is None else f"{outcome.needs:,}",
        differs,
    )
