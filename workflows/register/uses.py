"""Sessions of concurrent products and readings of meters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import date
from itertools import pairwise

from licensing.words import day
from model.inventory import MeterReading, UseSession
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, filled, in_order, load, put
from workflows.register.names import Devices, People, Products, named
from workflows.register.prices import term_is_right


def put_sessions(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write sessions; one is found by its reference, else by who, where and when it began."""
    products = Products(book)
    people, devices = People(book, named(entries, "person")), Devices(book, named(entries, "device"))
    nth: Counter[Hashable] = Counter()
    wanted = []
    for entry in entries:
        product = products.get(entry["product"])
        values: Row = {"product_id": product.id, "began_at": entry["began_at"]}
        if "ended_at" in entry.values:
            values["ended_at"] = entry["ended_at"]
        if entry["ended_at"] is not None and entry["ended_at"] < entry["began_at"]:
            book.wrong(entry, "ended_at", "is before began_at.")
        for column, found in (("person", people.find(entry, "person")), ("device", devices.find(entry))):
            if column in entry.values:
                values[f"{column}_id"] = found
        reference = entry["reference"]
        if not reference:
            who = [f"p{values['person_id']}"] if values.get("person_id") else []
            who += [f"d{values['device_id']}"] if values.get("device_id") else []
            reference = " ".join([*who, entry["began_at"].isoformat()])
            if not who:  # nobody is named, so several at one time are several
                nth[product.id, reference, entry.recorded_at] += 1
                reference = f"{reference} {nth[product.id, reference, entry.recorded_at]}"
        values["reference"] = reference
        wanted.append(Wanted(entry, (product.id, reference), values))
    wanted = in_order(book, wanted, "began_at")
    if book.problems:
        return Counts()
    references = sorted({one.values["reference"] for one in wanted})
    stored: dict[Hashable, Row] = {
        (row["product_id"], row["reference"]): row for row in load(book.work, UseSession, "reference", references)
    }
    return put(book, UseSession, wanted, stored)


def put_meters(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write readings; two of one meter for the same days would count the units twice and are wrong."""
    products = Products(book)
    wanted = []
    for entry in entries:
        product = products.get(entry["product"])
        term_is_right(book, entry, "from_on", "to_on")
        values = {
            "product_id": product.id,
            "meter": entry["meter"] or "",
            "from_on": entry["from_on"],
            "to_on": entry["to_on"],
            "units": entry["units"],
        }
        key = (product.id, values["meter"], entry["from_on"], entry["to_on"])
        wanted.append(Wanted(entry, key, filled(MeterReading, values)))
    wanted = in_order(book, wanted, "from_on")
    if book.problems:
        return Counts()
    stored: dict[Hashable, Row] = {
        (row["product_id"], row["meter"], row["from_on"], row["to_on"]): row
        for row in load(book.work, MeterReading, "product_id", sorted({one.values["product_id"] for one in wanted}))
    }
    _twice_counted(book, wanted, stored)
    if book.problems:
        return Counts()
    return put(book, MeterReading, wanted, stored)


def _twice_counted(book: Book, wanted: Sequence[Wanted], stored: dict[Hashable, Row]) -> None:
    meters: dict[tuple[int, str], dict[tuple[date, date], Wanted | None]] = {}
    for row in stored.values():
        meters.setdefault((row["product_id"], row["meter"]), {})[row["from_on"], row["to_on"]] = None
    for one in wanted:
        place = (one.values["product_id"], one.values["meter"])
        meters.setdefault(place, {})[one.values["from_on"], one.values["to_on"]] = one
    for periods in meters.values():
        for first, second in pairwise(sorted(periods)):
            wrong = periods[second] or periods[first]
            if second[0] <= first[1] and wrong is not None:
                reason = f"the reading from {day(first[0])} to {day(first[1])} has some of these days too."
                book.wrong(wrong.entry, "from_on", reason)
