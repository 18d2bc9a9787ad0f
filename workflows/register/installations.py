"""Installations on devices, found by device, title, version and first day; devices are worked off in parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from licensing.words import plural
from model.inventory import Installation
from workflows import titles
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, chunks, load
from workflows.register.names import Devices, KnownProduct, Products, named
from workflows.register.signals import Signal, put_signals
from workflows.register.spans import Span, midnight, put_spans

NOTHING = "nothing"
#: Devices at a time: some hundred rows each.
DEVICES = 200


def put_installations(book: Book, entries: Sequence[Entry]) -> Counts:
    """Open, end and correct installations; raw titles are stored and recognised. Wrong entries are noted."""
    products, devices = Products(book), Devices(book, named(entries, "device"))
    by_device: dict[int, list[Entry]] = {}
    decided: dict[tuple[str, str], Entry] = {}
    named_products: dict[int, KnownProduct] = {}
    for entry in entries:
        if not entry["title"] and not entry["product"]:
            book.wrong(entry, "title", "is empty, and so is product. Write what the device reports, or the product.")
            continue
        device_id = devices.find(entry)
        if device_id is None:
            continue
        by_device.setdefault(device_id, []).append(entry)
        if entry["product"]:
            product = named_products[id(entry)] = products.get(entry["product"], entry["publisher"] or "")
            other = decided.setdefault(_place(entry), entry)
            if named_products[id(other)] is not product:
                book.wrong(entry, "product", f"row {other.line} says this title is {other['product']}. It is one.")
    if book.problems:
        return Counts()
    reported = (_reported(entry, named_products.get(id(entry)), products) for entry in entries)
    told: set[tuple[titles.Place, datetime]] = set()
    stored = titles.store(book, products, reported, changed=told)
    counts = Counts()
    used: list[tuple[Signal, datetime]] = []
    for part in chunks(by_device, DEVICES):
        spans = [
            _span(entry, device_id, stored[_place(entry)], told) for device_id in part for entry in by_device[device_id]
        ]
        known = load(book.work, Installation, "device_id", part)
        _heard_of(book, spans, known)
        counts.add(put_spans(book, Installation, spans, known, _group))
        for span in spans:
            _use(book, span, stored, devices, used)
        if book.problems:
            return Counts()
    if days := put_signals(book, used):
        book.note(f"{plural(days, 'new day')} of last use", 0)
    return counts


def _heard_of(book: Book, spans: Sequence[Span], known: Sequence[Row]) -> None:
    """Which sources report which devices for the first time; what had ended when it was written down is history."""
    there = {(row["source"], row["device_id"]) for row in known}
    for span in spans:
        source, device_id = span.values["source"], span.values["device_id"]
        first = book.sources.setdefault(source, set())
        if span.entry["ended_on"] is None and (source, device_id) not in there:
            first.add(device_id)


def _place(entry: Entry) -> titles.Place:
    return entry["title"] or entry["product"], entry["publisher"] or ""


def _reported(entry: Entry, product: KnownProduct | None, products: Products) -> titles.Reported:
    title, publisher = _place(entry)
    began = entry["began_on"]
    seen = midnight(began) if began else entry.recorded_at
    may_be = products.get(entry["may_be"]) if entry["may_be"] and product is None else None
    return titles.Reported(title, publisher, entry["version"] or "", seen, entry.recorded_at, product, may_be)


def _group(row: Row) -> tuple[int, int, str]:
    return row["device_id"], row["title_id"], row["version"]


def _span(entry: Entry, device_id: int, title: Row, told: Collection[tuple[titles.Place, datetime]]) -> Span:
    values = {
        "device_id": device_id,
        "title_id": title["id"],
        "version": entry["version"] or "",
        "source": entry["source"] or titles.BY_IMPORT,
    }
    if "authorised_by" in entry.values:
        values["authorised_by"] = entry["authorised_by"] or NOTHING
    changing = ("authorised_by",) if "authorised_by" in values else ()
    tells = bool(entry["product"] or entry["may_be"]) and (_place(entry), entry.recorded_at) in told
    return Span(entry, _group(values), values, changing, tells)


def _use(
    book: Book,
    span: Span,
    stored: dict[tuple[str, str], Row],
    devices: Devices,
    used: list[tuple[Signal, datetime]],
) -> None:
    """The day of last use, of the device's person where it has one."""
    entry = span.entry
    if not entry["last_used_on"]:
        return
    product_id = stored[_place(entry)]["product_id"]
    if product_id is None:
        book.note("with a day of last use that is not kept until the title is decided")
        return
    person_id = devices.person(span.values["device_id"])
    device_id = None if person_id is not None else span.values["device_id"]
    used.append(((product_id, person_id, device_id, entry["last_used_on"]), entry.recorded_at))
