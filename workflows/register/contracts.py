"""Contracts with vendors and their documents, found by number."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from sqlalchemy import insert, select

from model.contracts import Contract, ContractDocument
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, chunks, filled, in_order, load, put
from workflows.register.names import People, named
from workflows.register.prices import currency_of, term_is_right

_PLAIN = {
    "number": "number",
    "vendor": "vendor",
    "starts_on": "starts_on",
    "ends_on": "ends_on",
    "receipt_counts": "receipt_counts",
    "delivery_days": "delivery_days",
    "auto_renew": "auto_renew",
    "term_months": "term_months",
    "programme": "programme",
    "true_up_peak": "true_up_peak",
    "told_days": "told_days",
    "commit_floor": "commit_floor",
    "cost_centre": "cost_centre",
    "true_up_from": "true_up_from",
    "penalty": "penalty",
}


def put_contracts(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write contracts; a number that is known is corrected. Wrong entries are noted in the book."""
    people = People(book, named(entries, "owner"))
    wanted = [Wanted(entry, entry["number"], _values(book, entry, people)) for entry in entries]
    wanted = in_order(book, wanted, "number")
    if book.problems:
        return Counts()
    stored: dict[Hashable, Row] = {row["number"]: row for row in load(book.work, Contract, "number", _numbers(entries))}
    counts = put(book, Contract, wanted, stored, ids=True)
    _documents(book, entries, stored)
    return counts


def _numbers(entries: Sequence[Entry]) -> list[str]:
    return sorted({entry["number"] for entry in entries})


def _values(book: Book, entry: Entry, people: People) -> Row:
    values = entry.only(_PLAIN)
    term_is_right(book, entry)
    if "owner" in entry.values:
        values["owner_id"] = people.find(entry, "owner")
    if "notice" in entry.values:
        values["notice_count"], values["notice_unit"] = entry["notice"] or (None, None)
    if "true_up_price" in entry.values:
        values["true_up_price"] = entry["true_up_price"][0] if entry["true_up_price"] else None
        values["true_up_currency"] = currency_of(book, entry, ("true_up_price",)) if entry["true_up_price"] else None
        if entry["true_up_price"] and values["true_up_currency"] is None:
            book.note("kept without a currency; sums that miss it say so")
    return filled(Contract, values)


def _documents(book: Book, entries: Sequence[Entry], stored: dict[Hashable, Row]) -> None:
    """Papers are added, never taken away: an agreement that was shown stays shown."""
    ids = [row["id"] for row in stored.values()]
    known: set[tuple[int, str]] = set()
    for part in chunks(ids):
        rows = book.work.connection.execute(
            select(ContractDocument.contract_id, ContractDocument.reference).where(
                ContractDocument.contract_id.in_(part)
            )
        )
        known |= {(row.contract_id, row.reference) for row in rows}
    new = []
    for entry in entries:
        for reference in entry["documents"] or []:
            place = (stored[entry["number"]]["id"], reference)
            if place not in known:
                known.add(place)
                new.append({"contract_id": place[0], "reference": reference, "recorded_at": entry.recorded_at})
    for part in chunks(new):
        book.work.connection.execute(insert(ContractDocument), part)
