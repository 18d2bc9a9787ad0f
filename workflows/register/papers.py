"""Invoices, exclusions and the company's own word on suites: found by their numbers, references and pairs."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from datetime import date

from sqlalchemy import select

from model.contracts import Exclusion, Invoice, SuiteCover
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, filled, in_order, load, put
from workflows.register.names import Contracts, Devices, People, Products, named
from workflows.register.prices import currency_of, term_is_right

_INVOICE = {
    name: name
    for name in (
        "vendor", "number", "issued_on", "period_from", "period_to", "quantity", "cost_centre", "words",
    )
}  # fmt: skip


def put_invoices(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write lines of invoices; a product they name must be in the register: a bill alone makes none."""
    products, contracts = Products(book), Contracts(book, named(entries, "contract"))
    nth: Counter[Hashable] = Counter()
    wanted = []
    for entry in entries:
        values = entry.only(_INVOICE)
        nth[entry["vendor"], entry["number"], entry.recorded_at] += 1
        values["line"] = entry["line"] or nth[entry["vendor"], entry["number"], entry.recorded_at]
        term_is_right(book, entry, "period_from", "period_to")
        if "contract" in entry.values:
            values["contract_id"] = contracts.find(entry)
        if "product" in entry.values:
            known = products.find(entry["product"]) if entry["product"] else None
            values["product_id"] = known.id if known else None
            if entry["product"] and known is None:
                values["words"] = values.get("words") or entry["product"]
                book.note("with a product that is not in the register; kept in words")
        if "amount" in entry.values:
            values["amount"] = entry["amount"][0] if entry["amount"] else None
            if values["amount"] is None:
                book.note("kept without an amount; sums that miss it say so")
        if "currency" in entry.values or "amount" in entry.values:
            values["currency"] = currency_of(book, entry, ("amount",))
            if values.get("amount") is not None and values["currency"] is None:
                book.note("kept without a currency; sums that miss it say so")
        if values.get("amount") is not None and values["amount"] > 0 and (entry["quantity"] or 0) < 0:
            book.note("with a negative number of units and a positive sum; not compared with what was bought")
        elif values.get("amount") is not None and values["amount"] < 0:
            book.note("read as a credit")
        key = (entry["vendor"], entry["number"], values["line"])
        wanted.append(Wanted(entry, key, filled(Invoice, values)))
    wanted = in_order(book, wanted, "number")
    if book.problems:
        return Counts()
    _repeated(book, entries)
    numbers = sorted({entry["number"] for entry in entries})
    stored: dict[Hashable, Row] = {
        (row["vendor"], row["number"], row["line"]): row for row in load(book.work, Invoice, "number", numbers)
    }
    return put(book, Invoice, wanted, stored)


def _repeated(book: Book, entries: Sequence[Entry]) -> None:
    """Says which numbers stand for more than one invoice, in the file or beside what is stored; nothing is dropped."""
    days: dict[tuple[str, str], set[date]] = defaultdict(set)
    for entry in entries:
        days[entry["vendor"], entry["number"]].add(entry["issued_on"])
    several = sum(1 for found in days.values() if len(found) > 1)
    if several:
        book.note("of an invoice number that stands on several days", several)
    stored = book.work.connection.execute(select(Invoice.vendor, Invoice.number).distinct()).all()
    ours = {(row.vendor, row.number) for row in stored} | set(days)
    spelt: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for vendor, number in ours:
        spelt[_plain(vendor), _plain(number)].add((vendor, number))
    twice = sum(1 for key in days if len(spelt[_plain(key[0]), _plain(key[1])]) > 1)
    if twice:
        book.note("of an invoice number that is there already, written otherwise", twice)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def put_exclusions(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write what a right in the contract takes out of the count: one device, person or site a row."""
    products = Products(book)
    devices, people = Devices(book, named(entries, "device")), People(book, named(entries, "person"))
    wanted = []
    for entry in entries:
        product = products.get(entry["product"], "")
        values = {
            "product_id": product.id,
            "device_id": devices.find(entry),
            "person_id": people.find(entry, "person"),
            "site": entry["site"] or "",
            "right": entry["right"],
            "evidence": entry["evidence"],
            "starts_on": entry["starts_on"],
            "ends_on": entry["ends_on"],
        }
        term_is_right(book, entry)
        whom = [name for name in ("device", "person", "site") if entry[name]]
        if len(whom) != 1:
            book.wrong(entry, "device", "an exclusion names one device, one person or one site, and only one of them.")
        what = ":".join((whom or ["nothing"])[:1] + [str(entry[name]) for name in whom])
        made = f"{product.key} {what} {entry['starts_on']} {entry['right'].casefold()}"
        if len(made) > 120:  # cut, and told apart by what was cut off
            made = f"{made[:100]} {hashlib.sha256(made.encode()).hexdigest()[:16]}"
        values["reference"] = entry["reference"] or made
        wanted.append(Wanted(entry, values["reference"], values))
    wanted = in_order(book, wanted, "reference")
    if book.problems:
        return Counts()
    references = sorted({one.values["reference"] for one in wanted})
    stored: dict[Hashable, Row] = {row["reference"]: row for row in load(book.work, Exclusion, "reference", references)}
    return put(book, Exclusion, wanted, stored)


def put_covers(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write which product, as a suite, covers which other; this wins over what is computed (rules §1)."""
    products = Products(book)
    wanted = []
    for entry in entries:
        suite, part = products.get(entry["suite"]), products.get(entry["part"])
        if suite.id == part.id:
            book.wrong(entry, "part", f"{part.name} cannot cover itself.")
        values = {
            "suite_product_id": suite.id,
            "part_product_id": part.id,
            "covers": entry["covers"] is not False,
            "source": entry["source"],
        }
        wanted.append(Wanted(entry, (suite.id, part.id), values))
    wanted = in_order(book, wanted, "part")
    if book.problems:
        return Counts()
    suites = sorted({one.values["suite_product_id"] for one in wanted})
    stored: dict[Hashable, Row] = {
        (row["suite_product_id"], row["part_product_id"]): row
        for row in load(book.work, SuiteCover, "suite_product_id", suites)
    }
    return put(book, SuiteCover, wanted, stored)
