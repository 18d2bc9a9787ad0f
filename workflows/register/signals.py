"""Days of last use that rows carry: one signal a product, person or device, and day (rules §7: unknown without)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from model.inventory import UsageSignal
from model.usage import LastUse
from workflows.register.entries import Book
from workflows.register.history import chunks

IMPORTED = "import"

#: Product, person, device (one of the two), day.
Signal = tuple[int, int | None, int | None, date]


def put_signals(book: Book, used: Iterable[tuple[Signal, datetime]]) -> int:
    """Store days of use that are not known yet; returns how many."""
    wanted: dict[Signal, datetime] = {}
    for signal, at in used:
        wanted[signal] = min(at, wanted.get(signal, at))
    known: set[Signal] = set()
    table = UsageSignal
    for part in chunks(sorted({signal[0] for signal in wanted})):
        days = [signal[3] for signal in wanted]
        rows = book.work.connection.execute(
            select(table.product_id, table.person_id, table.device_id, table.day).where(
                table.product_id.in_(part), table.kind == IMPORTED, table.day.between(min(days), max(days))
            )
        ).tuples()
        known.update(iter(rows))
    new = [
        {
            "product_id": product_id,
            "person_id": person_id,
            "device_id": device_id,
            "kind": IMPORTED,
            "day": day,
            "recorded_at": at,
        }
        for (product_id, person_id, device_id, day), at in wanted.items()
        if (product_id, person_id, device_id, day) not in known
    ]
    for part in chunks(new, 1000):
        book.work.connection.execute(insert(UsageSignal), part)
    _put_last_uses(book, wanted)
    return len(new)


def _put_last_uses(book: Book, used: Mapping[Signal, datetime]) -> None:
    """What the list says of each person it names, as of the day it says so: naming the same day again is news too.

    Freshness is per person, so that a list of one never makes what an old list said of others look fresh.
    """
    told: dict[tuple[int, int], tuple[date, datetime]] = {}
    for (product_id, person_id, _, day), at in used.items():
        if person_id is not None:
            before = told.get((product_id, person_id), (day, at))
            told[product_id, person_id] = max(before[0], day), max(before[1], at)
    table = LastUse
    changed: list[dict[str, Any]] = []
    for part in chunks(sorted({product_id for product_id, _ in told})):
        rows = book.work.connection.execute(
            select(table.id, table.product_id, table.person_id, table.used_on, table.as_of).where(
                table.product_id.in_(part), table.source == IMPORTED
            )
        )
        for row in rows:
            found = told.pop((row.product_id, row.person_id), None)
            if found is not None:
                day, at = found
                newest = day if row.used_on is None else max(row.used_on, day)
                told_on = max(row.as_of, at.date())
                changed.append({"of": row.id, "used_on": newest, "as_of": told_on, "read_at": at})
    rows_of = LastUse.metadata.tables["last_use"]
    changes = update(rows_of).where(rows_of.c.id == bindparam("of"))
    for part in chunks(changed, 1000):
        book.work.connection.execute(changes, part)
    added = [
        {
            "product_id": product_id,
            "person_id": person_id,
            "source": IMPORTED,
            "used_on": day,
            "as_of": at.date(),
            "read_at": at,
        }
        for (product_id, person_id), (day, at) in told.items()
    ]
    for part in chunks(added, 1000):
        book.work.connection.execute(insert(LastUse), part)
