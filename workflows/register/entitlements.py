"""Purchases with their prices, rights and product keys.

A purchase is found by its reference. Without one it is the n-th of its product, contract, metric, kind, version and
term: two such rows are two purchases, and a correction of one needs a reference. A row without a tier is the purchase
of the only tier there was, also once there are several.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, update

from licensing.position.facts import Kind, Metric
from licensing.words import day, plural
from model.contracts import Entitlement, EntitlementRight, ProductKey
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, chunks, filled, in_order, load, put, same
from workflows.register.names import Contracts, KnownProduct, Products, named
from workflows.register.prices import currency_of, term_is_right

UNLIMITED = "unlimited"
_PRICES = ("unit_price", "true_up_price", "overage_price", "maintenance_price")
_PLAIN = {
    name: name
    for name in (
        "reference", "version", "maintenance_until", "acquired_on", "cores_per_processor", "cores_per_server",
        "cores_per_virtual", "pack", "sites", "proof", "supplier",
    )
}  # fmt: skip
#: Stored columns that are filled for a new purchase even where the file has no such column.
_FOLLOWS = {
    "contract_id": "contract",
    "sku_id": "tier",
    "version": "version",
    "ends_on": "ends_on",
    "metric": "metric",
    "kind": "kind",
    "billing_cycle": "billing_cycle",
}
#: What tells purchases without a reference apart.
_TELLS = ("product_id", "sku_id", "contract_id", "metric", "kind", "version", "starts_on", "ends_on")


def put_entitlements(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write purchases; products and publishers nobody registered are made. Wrong entries are noted in the book."""
    products, contracts = Products(book), Contracts(book, named(entries, "contract"))
    values = [_values(book, entry, products, contracts) for entry in entries]
    _references_once(book, entries)
    if book.problems:
        return Counts()
    stored: dict[Hashable, Row] = {}
    references = sorted({entry["reference"] for entry in entries if entry["reference"]})
    for row in load(book.work, Entitlement, "reference", references):
        stored[row["reference"]] = row
    product_ids = sorted({row["product_id"] for row in values})
    nth: Counter[Hashable] = Counter()
    for row in load(book.work, Entitlement, "product_id", product_ids):
        if row["reference"] is None:
            stored[_nth(nth, row)] = row
    first = {known.id: known.first_tier for known in products.all()}
    keys = _keys(entries, values, stored, nth, first)
    wanted = [Wanted(entry, key, row) for entry, key, row in zip(entries, keys, values, strict=True)]
    ordered = in_order(book, wanted, "reference")
    if book.problems:
        return Counts()
    for one in ordered:
        if one.key in stored:
            _only_said(one)
    touched: set[Hashable] = set()
    counts = put(book, Entitlement, ordered, stored, ids=True, touched=touched)
    with_rights = _put_rights(book, ordered, stored)
    _put_keys(book, ordered, stored)
    only_rights = {one.key for one in ordered if stored[one.key]["id"] in with_rights} - touched
    counts.changed += len(only_rights)
    counts.unchanged -= len(only_rights)
    _mark(book, ordered)
    return counts


def _only_said(one: Wanted) -> None:
    """Leave out what followed from other cells of a new purchase: a column the file lacks leaves what is stored."""
    for stored_column, column in _FOLLOWS.items():
        if column not in one.entry.values:
            one.values.pop(stored_column, None)


def _tells(row: Row) -> tuple[Hashable, ...]:
    return tuple(row.get(name) for name in _TELLS)


def _nth(nth: Counter[Hashable], row: Row) -> Hashable:
    tells = _tells(row)
    nth[tells] += 1
    return (*tells, nth[tells])


def _keys(
    entries: Sequence[Entry],
    values: Sequence[Row],
    stored: dict[Hashable, Row],
    held: Counter[Hashable],
    first: dict[int, int | None],
) -> list[Hashable]:
    """Which stored purchase each row is. One that names no tier of several may be kept under the `first` tier, from
    the time when that was the only one: it is, where more are `held` there than rows of the file name that tier."""
    named_here = Counter(_tells(row) for entry, row in zip(entries, values, strict=True) if not entry["reference"])
    counted: Counter[Hashable] = Counter()
    keys: list[Hashable] = []
    for entry, row in zip(entries, values, strict=True):
        then = row | {"sku_id": first[row["product_id"]]}
        reference, tells = entry["reference"], _tells(then)
        if row["sku_id"] is None and reference:
            if reference in stored and stored[reference]["sku_id"] == then["sku_id"]:
                row["sku_id"] = then["sku_id"]
        elif row["sku_id"] is None and held[tells] > named_here[tells]:
            there = stored.get((*tells, counted[tells] + 1))
            here = stored.get((*_tells(row), counted[_tells(row)] + 1))
            if there is not None and (here is None or (same(there, then) and not same(here, row))):
                row["sku_id"] = then["sku_id"]
                named_here[tells] += 1
        keys.append(reference or _nth(counted, row))
    return keys


def _values(book: Book, entry: Entry, products: Products, contracts: Contracts) -> Row:
    product = products.get(entry["product"], entry["publisher"] or "")
    values = entry.only(_PLAIN) | {"product_id": product.id, "contract_id": contracts.find(entry)}
    values["version"] = values.get("version") or ""
    values["sku_id"] = products.tier(product, entry["tier"] or "")  # of several and none named: the product's
    values["starts_on"] = entry["starts_on"] or entry["acquired_on"]
    values["ends_on"] = entry["ends_on"]
    if values["starts_on"] is None:
        book.wrong(entry, "starts_on", "is empty, and so is acquired_on. Write the first day of the right.")
    term_is_right(book, entry)
    values |= _terms(book, entry, product)
    if "quantity" in entry.values:
        unlimited = entry["quantity"] == UNLIMITED
        values["quantity"] = None if unlimited else entry["quantity"]
        values["quantity_known"] = entry["quantity"] is not None
    elif not entry["reference"]:
        values["quantity_known"] = False
    for name in _PRICES:
        if name in entry.values:
            values[name] = entry[name][0] if entry[name] else None
            if values[name] is not None and values[name] < 0:
                book.wrong(entry, name, f"“{values[name]}” is below zero. A credit belongs to invoices.")
    if "currency" in entry.values or any(name in entry.values for name in _PRICES):
        values["currency"] = currency_of(book, entry, _PRICES)
    _rights_are_right(book, entry)
    return filled(Entitlement, values)


def _terms(book: Book, entry: Entry, product: KnownProduct) -> Row:
    """Metric, kind and billing cycle; what a row leaves open follows from what it says, or is asked for."""
    kind: str | None = entry["kind"]
    metric: str | None = entry["metric"] or product.metric or None
    cycle: str | None = entry["billing_cycle"]
    if metric is None:
        metric = {Kind.CONCURRENT.value: Metric.CONCURRENT.value, Kind.CONSUMPTION.value: Metric.CONSUMPTION.value}.get(
            kind or ""
        )
    if metric is None:
        known = ", ".join(one.value for one in Metric)
        book.wrong(entry, "metric", f"is empty, and {product.name} has none of its own. Write one of: {known}.")
    if kind is None:
        if metric == Metric.CONSUMPTION:
            kind = Kind.CONSUMPTION.value
        elif cycle == "once" or (cycle is None and entry["ends_on"] is None):
            kind = Kind.PERPETUAL.value
        else:
            kind = Kind.SUBSCRIPTION.value
        book.note(f"without a kind, taken as {kind}")
    if cycle is None:
        cycle = "once" if kind == Kind.PERPETUAL or (kind == Kind.CONCURRENT and not entry["ends_on"]) else "year"
    if metric == Metric.SITE and not entry["sites"]:
        book.wrong(entry, "sites", "is empty. A licence by site covers the sites it names and no other.")
    return {"metric": metric or "", "kind": kind, "billing_cycle": cycle}


def _rights_are_right(book: Book, entry: Entry) -> None:
    if entry["rights"] and not entry["evidence"]:
        named_rights = " and ".join(entry["rights"])
        book.wrong(
            entry, "evidence", f"is empty. The right {named_rights} counts only with the clause or paper that gives it."
        )


def _references_once(book: Book, entries: Sequence[Entry]) -> None:
    """Two rows of one purchase that were learned at one time: terms that overlap, or one number for two purchases."""
    seen: dict[tuple[Hashable, Hashable], Entry] = {}
    for entry in entries:
        if not entry["reference"]:
            continue
        other = seen.setdefault((entry["reference"], entry.recorded_at), entry)
        if other is entry:
            continue
        first, second = sorted((_term(other), _term(entry)), key=lambda term: term[0])
        if first[1] is None or second[0] <= first[1]:
            end = f" until {day(first[1])}" if first[1] else ""
            reason = f"{entry['reference']} is in row {other.line} too, and its term{end} overlaps this one."
        else:
            reason = f"{entry['reference']} is in row {other.line} too. Each term has a reference of its own."
        book.wrong(entry, "reference", f"{reason} For a correction say in recorded_at when each row was learned.")


def _term(entry: Entry) -> tuple[date, date | None]:
    return entry["starts_on"] or entry["acquired_on"] or date.min, entry["ends_on"]


def _mark(book: Book, wanted: Sequence[Wanted]) -> None:
    """Tell what is kept although a sum will miss it."""
    for one in wanted:
        if one.values.get("quantity_known") is False:
            book.note("kept without a quantity; sums that miss it say so")
        if one.values.get("unit_price") is None:
            book.note("kept without a price; sums that miss it say so")
        elif one.values.get("currency") is None:
            book.note("kept without a currency; sums that miss it say so")
        if not one.values.get("proof"):
            book.note("without proof of purchase")


# -- rights and keys ---------------------------------------------------------------------------------------------------


def _put_rights(book: Book, wanted: Sequence[Wanted], stored: dict[Hashable, Row]) -> set[int]:
    """Rights by purchase and name; one the row no longer names is over since then. Returns whose changed."""
    ids = [row["id"] for row in stored.values()]
    known: dict[Hashable, Row] = {
        (row["entitlement_id"], row["name"]): row for row in load(book.work, EntitlementRight, "entitlement_id", ids)
    }
    latest: dict[int, Wanted] = {}
    asked: list[Wanted] = []
    for one in wanted:
        if "rights" not in one.entry.values:
            continue
        entitlement_id = stored[one.key]["id"]
        latest[entitlement_id] = one
        for name in one.entry["rights"] or []:
            values = {
                "entitlement_id": entitlement_id,
                "name": name,
                "evidence": one.entry["evidence"],
                "ends_on": one.entry["rights_until"],
            }
            bare = Entry(one.entry.line, {}, one.at)  # the company's own fields belong to the purchase
            asked.append(Wanted(bare, (entitlement_id, name), values))
    for wish in asked:
        row = known.get(wish.key)
        if row is not None and _gives_back(row, wish.at):
            wish.values["ended_recorded_at"] = None
    touched: set[Hashable] = set()
    put(book, EntitlementRight, asked, known, ids=True, touched=touched)
    given_up = [
        row
        for row in known.values()
        if (newest := latest.get(row["entitlement_id"])) is not None
        and row["name"] not in (newest.entry["rights"] or [])
        and row["ended_recorded_at"] is None
        and newest.at >= row["recorded_at"]
    ]
    changed = {row["entitlement_id"] for row in known.values() if (row["entitlement_id"], row["name"]) in touched}
    for row in given_up:
        over = update(EntitlementRight).where(EntitlementRight.id == row["id"])
        book.work.connection.execute(over.values(ended_recorded_at=latest[row["entitlement_id"]].at))
        changed.add(row["entitlement_id"])
    return changed


def _gives_back(row: Row, at: datetime) -> bool:
    """Whether a right named at that time is in force again: it was over by then, and nothing later is known of it."""
    ended: datetime | None = row["ended_recorded_at"]
    return ended is not None and row["recorded_at"] <= at and ended <= at


def fingerprint(key: bytes, product_key: str) -> tuple[str, str]:
    """A product key as its keyed hash and its last five letters or digits, however it was grouped (rules §2)."""
    bare = "".join(letter for letter in product_key.upper() if letter.isalnum())
    return hmac.new(key, bare.encode(), hashlib.sha256).hexdigest(), bare[-5:]


def _put_keys(book: Book, wanted: Sequence[Wanted], stored: dict[Hashable, Row]) -> None:
    asked: dict[tuple[int, str], dict[str, Any]] = {}
    for one in wanted:
        for written in one.entry["product_key"] or []:
            digest, last_five = fingerprint(book.key, written)
            row = {"entitlement_id": stored[one.key]["id"], "fingerprint": digest, "last_five": last_five}
            asked[row["entitlement_id"], digest] = row | {"volume": bool(one.entry["volume_key"])}
    known: set[tuple[int, str]] = set()
    for part in chunks(sorted({entitlement_id for entitlement_id, _ in asked})):
        rows = book.work.connection.execute(
            select(ProductKey.entitlement_id, ProductKey.fingerprint).where(ProductKey.entitlement_id.in_(part))
        )
        known |= {(row.entitlement_id, row.fingerprint) for row in rows}
    new = [row for place, row in asked.items() if place not in known]
    for part in chunks(new):
        book.work.connection.execute(insert(ProductKey), part)
    if new:
        book.note(f"{plural(len(new), 'product key')} kept as a hash and the last five characters", 0)


# -- Snipe-IT ----------------------------------------------------------------------------------------------------------


def put_snipeit(book: Book, entries: Sequence[Entry]) -> Counts:
    """Licences of Snipe-IT as purchases. It matches on serial and name, so the reference is made of these two.

    The rows of one licence differ only in who has it; that is not read, because an address there is no seat here.
    """
    made: dict[Hashable, Entry] = {}
    for entry in entries:
        values = dict(entry.values)
        serial, name = values.get("product_key") or [], values["product"]
        mark = fingerprint(book.key, f"{name.casefold()} {'|'.join(serial).casefold()}")[0][:12]
        values |= {"reference": f"Snipe-IT {mark}", "metric": Metric.NAMED_USER.value}
        values["starts_on"] = values.get("acquired_on")
        values["kind"] = (Kind.SUBSCRIPTION if values.get("ends_on") else Kind.PERPETUAL).value
        values["billing_cycle"] = "year" if values.get("ends_on") else "once"
        own = {**entry.fields}
        for column in ("order", "company", "category", "notes"):
            if values.get(column):
                own[column] = values[column]
        if values["starts_on"] is None:
            book.wrong(entry, "acquired_on", "is empty. Write the day of purchase in Snipe-IT, then export again.")
        read = Entry(entry.line, values, entry.recorded_at, own)
        other = made.setdefault(values["reference"], read)
        if other is not read and other.values != values:
            book.wrong(entry, "product", f"{name} with this serial is in row {other.line} too and says something else.")
        elif other is not read:
            book.note("named again for another holder, counted once")
    if made:
        book.note("Snipe-IT names no metric; kept as named_user", 0)
    return put_entitlements(book, list(made.values()))
