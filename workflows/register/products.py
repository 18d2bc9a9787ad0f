"""Products by key or name: publisher, metric, list price, owner, tiers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from model.licences import Granting, Product
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, Writing, filled, in_order, load, put, with_own
from workflows.register.names import NOT_RECORDED, KnownProduct, People, Products, named
from workflows.register.prices import currency_of

_PLAIN = {
    "name": "name",
    "category": "category",
    "search_words": "search_words",
    "metric": "metric",
    "licence_model": "licence_model",
    "cycle": "list_cycle",
    "idle_after_days": "idle_after_days",
    "admin_url": "admin_url",
}


def put_products(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write products; one that a purchase or a title made before loses its provisional state."""
    products, people = Products(book), People(book, named(entries, "owner"))
    before = {id(known) for entry in entries if (known := _known(products, entry))}
    wanted: list[tuple[bool, Wanted]] = []
    known_ids: set[int] = set()
    for entry in entries:
        known = _known(products, entry) or products.make(
            entry["name"], entry["publisher"] or NOT_RECORDED, entry["key"] or ""
        )
        known_ids.add(known.id)
        by_key = products.find(entry["key"]) if entry["key"] else None
        if entry["key"] and by_key is not known:
            book.wrong(entry, "key", f"{known.name} has the key {known.key}. Keys stay, because the policy names them.")
        named_so = products.find(entry["name"])
        if named_so is not None and named_so is not known and named_so.name.casefold() == entry["name"].casefold():
            book.wrong(entry, "name", f"is the name of {named_so.key} already. Two products have two names.")
        values = entry.only(_PLAIN) | {"provisional": False}
        if entry["publisher"]:
            values["publisher_id"] = products.publisher(entry["publisher"])
        if "owner" in entry.values:
            values["owner_id"] = people.find(entry, "owner")
        if "list_price" in entry.values:
            values["list_price"] = entry["list_price"][0] if entry["list_price"] else None
        if "list_price" in entry.values or "currency" in entry.values:
            values["list_currency"] = currency_of(book, entry, ("list_price",))
            if values.get("list_price") is not None and values["list_currency"] is None:
                book.note("kept without a currency; sums that miss it say so")
        if entry["granting"]:
            values["granting"] = Granting(entry["granting"])
        for tier in entry["tiers"] or []:
            products.tier(known, tier)
        if not known.tiers:
            products.tier(known, "")
        wanted.append((id(known) not in before, Wanted(entry, known.id, filled(Product, values))))
    ordered = in_order(book, [one for _, one in wanted], "name")
    if book.problems:
        return Counts()
    fresh = {one.key for new, one in wanted if new}
    ids = sorted(known_ids)
    stored: dict[Hashable, Row] = {row["id"]: row for row in load(book.work, Product, "id", ids)}
    writing = Writing(book.work, Product)
    for one in ordered:
        if one.key in fresh:  # made above with its name only: this is the rest of making it
            stored[one.key].update(with_own(stored[one.key], one.entry, one.values))
            writing.change(stored[one.key])
    writing.flush()
    counts = put(book, Product, [one for one in ordered if one.key not in fresh], stored)
    counts.new += len(fresh)
    book.made.pop("product", None)  # they are what the file is about
    return counts


def _known(products: Products, entry: Entry) -> KnownProduct | None:
    """By key where the row has one that is known, else by name."""
    return (products.find(entry["key"]) if entry["key"] else None) or products.find(entry["name"])
