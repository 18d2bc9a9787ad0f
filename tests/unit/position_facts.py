"""Words to write a position's facts with, so that a case reads as a sentence: what is bought, and who uses it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from licensing.money import Money
from licensing.position.facts import (
    Facts,
    Installed,
    Kind,
    Metric,
    Purchase,
    Reading,
    Right,
    Server,
    Session,
    Spared,
    Users,
    Vendor,
)

TODAY = date(2026, 11, 23)
KNOWN_AT = datetime(2026, 11, 23, 18, tzinfo=UTC)
USER, DEVICE, CORE = Metric.NAMED_USER, Metric.DEVICE, Metric.CORE
CONCURRENT, CONSUMPTION, SITE = Metric.CONCURRENT, Metric.CONSUMPTION, Metric.SITE
DOWNGRADE, SECOND_USE = Right.DOWNGRADE, Right.SECOND_USE
PERPETUAL = Kind.PERPETUAL

DAYS = (
    "starts_on", "ends_on", "acquired_on", "maintenance_until", "true_up_from", "contract_from", "contract_until",
)  # fmt: skip

_ids = itertools.count(1)


def money(text: str | None) -> Money | None:
    """ "336" is €336.00, "240 USD" is US$240.00."""
    if text is None:
        return None
    amount, _, currency = text.partition(" ")
    return Money(Decimal(amount), currency or "EUR")


def day(text: str) -> date:
    return date.fromisoformat(text)


def bought(quantity: int | str | None, price: str | None = "100", metric: Metric = USER, **more: Any) -> Purchase:
    """A subscription paid by the year from 1 Jan to 31 Dec 2026, proof in hand, unless said otherwise.

    Days are written "2026-01-31", prices as `money` reads them; `rights` is one right or several.
    """
    for name in DAYS:
        if isinstance(more.get(name), str):
            more[name] = day(more[name])
    for name in ("maintenance_price", "true_up_price", "overage_price"):
        if isinstance(more.get(name), str):
            more[name] = money(more[name])
    rights = more.pop("rights", ())
    more["rights"] = frozenset([rights] if isinstance(rights, Right) else rights)
    more["sites"] = frozenset(more.pop("sites", ()))
    number = more.pop("id", None) or next(_ids)
    kind = more.pop("kind", Kind.SUBSCRIPTION)
    more.setdefault("starts_on", day("2026-01-01"))
    more.setdefault("ends_on", None if kind is PERPETUAL else day("2026-12-31"))
    more.setdefault("proof", "invoice 4711")
    units = None if quantity is None else Decimal(quantity)
    return Purchase(number, metric, kind, units, unit_price=money(price), **more)


def perpetual(quantity: int | None, price: str | None = "400", metric: Metric = DEVICE, **more: Any) -> Purchase:
    """Bought once, on 1 Jan 2026, for good."""
    return bought(quantity, price, metric, kind=PERPETUAL, cycle="once", **more)


def has(version: str = "", **more: Any) -> Installed:
    return Installed(version, **more)


def laptop(version: str = "", **more: Any) -> Installed:
    return Installed(version, portable=True, **more)


def seats(count: int, **more: Any) -> Users:
    """People who hold a seat."""
    return Users(count, seat=True, **more)


def people(count: int, *devices: Installed, **more: Any) -> Users:
    """People without a seat who are the person of these devices, each of them."""
    return Users(count, devices=devices or (has(),), **more)


def alone(count: int, device: Installed | None = None, **more: Any) -> Users:
    """Devices that have no person."""
    return Users(count, person=False, devices=(device or has(),), **more)


def session(begins: str, ends: str | None, *spared: Spared) -> Session:
    """Times in UTC, "2026-11-02 09:00"."""
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None for text in (begins, ends))
    assert first is not None
    return Session(first, last, spared)


def reading(first: str, last: str, units: str) -> Reading:
    return Reading(day(first), day(last), Decimal(units))


def enabled(units: int, **more: Any) -> Vendor:
    return Vendor(units, "Microsoft 365", KNOWN_AT, **more)


def server(count: int = 1, **more: Any) -> Server:
    return Server(count, **more)


def facts(*parts: Purchase | Users | Server | Vendor, at: date | str = TODAY, **more: Any) -> Facts:
    """Purchases, users, servers and the vendor's word in any order."""
    if isinstance(more.get("list_price"), str):
        more["list_price"] = money(more["list_price"])
    if isinstance(more.get("first_record_on"), str):
        more["first_record_on"] = day(more["first_record_on"])
    more.setdefault("known_at", KNOWN_AT)
    return Facts(
        "Miro",
        at if isinstance(at, date) else day(at),
        purchases=tuple(part for part in parts if isinstance(part, Purchase)),
        users=tuple(part for part in parts if isinstance(part, Users)),
        servers=tuple(part for part in parts if isinstance(part, Server)),
        vendor=next((part for part in parts if isinstance(part, Vendor)), None),
        **more,
    )
