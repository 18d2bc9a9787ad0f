"""Seats that people hold in products no connector reads, found by person, tier, path and first day."""

from __future__ import annotations

from collections.abc import Sequence

from licensing.words import plural
from model.licences import Seat
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import load
from workflows.register.names import People, Products, named
from workflows.register.signals import Signal, put_signals
from workflows.register.spans import Span, put_spans

DIRECT, NOTHING = "direct", "nothing"


def put_seats(book: Book, entries: Sequence[Entry]) -> Counts:
    """Open, end and correct seats. Wrong entries are noted in the book."""
    products, people = Products(book), People(book, named(entries, "person"))
    spans, used = [], []
    for entry in entries:
        product = products.get(entry["product"])
        sku_id, person_id = products.tier_of(entry, product), people.find(entry, "person")
        if sku_id is None or person_id is None:
            continue
        path = entry["path"] or DIRECT
        values = {"product_id": product.id, "sku_id": sku_id, "person_id": person_id, "path": path}
        if "until_on" in entry.values:
            values["until_on"] = entry["until_on"]
        if "authorised_by" in entry.values:
            values["authorised_by"] = entry["authorised_by"] or NOTHING
        changing = tuple(name for name in ("until_on", "authorised_by") if name in values)
        spans.append(Span(entry, (person_id, sku_id, path), values, changing))
        if entry["last_used_on"]:
            signal: Signal = (product.id, person_id, None, entry["last_used_on"])
            used.append((signal, entry.recorded_at))
    if book.problems:
        return Counts()
    stored = load(book.work, Seat, "person_id", sorted({span.values["person_id"] for span in spans}))
    counts = put_spans(book, Seat, spans, stored, lambda row: (row["person_id"], row["sku_id"], row["path"]))
    if not book.problems and (days := put_signals(book, used)):
        book.note(f"{plural(days, 'new day')} of last use", 0)
    return counts
