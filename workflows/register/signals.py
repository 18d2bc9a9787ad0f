"""Days of last use that rows carry: one signal a product, person or device, and day (rules §7: unknown without)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import insert, select

from model.inventory import UsageSignal
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
    return len(new)
