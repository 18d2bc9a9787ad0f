"""The hiring plan, found by its references, and budgets, found by cost centre, year and currency."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence

from model.licences import Budget
from model.renewals import HiringPlan
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, filled, in_order, load, put
from workflows.register.names import Products
from workflows.register.prices import currency_of

_PLAIN = {name: name for name in ("department", "starts_on", "heads", "cost_centre", "words")}


def put_hiring(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write planned heads; a product they name must be in the register, for a plan alone makes none."""
    products = Products(book)
    wanted = []
    for entry in entries:
        values = entry.only(_PLAIN)
        if "product" in entry.values:
            known = products.find(entry["product"]) if entry["product"] else None
            if entry["product"] and known is None:
                book.wrong(entry, "product", f"“{entry['product']}” is not in the register. Import it as a product.")
            values["product_id"] = known.id if known else None
        values["reference"] = entry["reference"] or _made(entry)
        wanted.append(Wanted(entry, values["reference"], filled(HiringPlan, values)))
    wanted = in_order(book, wanted, "reference")
    if book.problems:
        return Counts()
    references = sorted({str(one.key) for one in wanted})
    stored: dict[Hashable, Row] = {
        row["reference"]: row for row in load(book.work, HiringPlan, "reference", references)
    }
    return put(book, HiringPlan, wanted, stored)


def put_budgets(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write budgets; one of a centre, year and currency that is there already is corrected."""
    wanted = []
    for entry in entries:
        amount = entry["amount"][0] if entry["amount"] else None
        currency = currency_of(book, entry, ("amount",))
        if amount is None or amount < 0:
            book.wrong(entry, "amount", "is no budget. Write 0 or more.")
        if currency is None:
            book.wrong(entry, "currency", "is missing. Write for example EUR, here or in the amount.")
        key = (entry["cost_centre"], entry["year"], currency)
        values = {"cost_centre": key[0], "year": key[1], "currency": currency, "amount": amount}
        wanted.append(Wanted(entry, key, values))
    wanted = in_order(book, wanted, "cost_centre")
    if book.problems:
        return Counts()
    centres = sorted({entry["cost_centre"] for entry in entries})
    stored: dict[Hashable, Row] = {
        (row["cost_centre"], row["year"], row["currency"]): row
        for row in load(book.work, Budget, "cost_centre", centres)
    }
    return put(book, Budget, wanted, stored)


def _made(entry: Entry) -> str:
    """What a row without a number is found by: department, day and product, told apart by a digest where long."""
    parts = [entry["department"] or "company", str(entry["starts_on"]), (entry["product"] or "").casefold()]
    made = " ".join(part for part in parts if part)
    if len(made) > 120:
        made = f"{made[:100]} {hashlib.sha256(made.encode()).hexdigest()[:16]}"
    return made
