"""Products by key or name: publisher, metric, list price, owner, tiers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from model.licences import Granting, Product, Sku
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, Writing, filled, in_order, load, put, same, with_own
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
_FIGURES = {name: name for name in ("enabled", "consumed", "warning", "suspended", "figures_at")}


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
    making: dict[Hashable, Wanted] = {}
    for one in ordered:
        if one.key in fresh and one.key not in making:  # made above with its name only: this is the rest of making it
            making[one.key] = one
            stored[one.key].update(with_own(stored[one.key], one.entry, one.values))
            writing.change(stored[one.key])
    writing.flush()
    touched: set[Hashable] = set(fresh)
    counts = put(book, Product, [one for one in ordered if making.get(one.key) is not one], stored, touched=touched)
    counts.new += len(fresh)
    only_figures = _put_figures(book, ordered, products) - touched
    counts.changed += len(only_figures)
    counts.unchanged -= len(only_figures)
    book.made.pop("product", None)  # they are what the file is about
    return counts


def _put_figures(book: Book, wanted: Sequence[Wanted], products: Products) -> set[Hashable]:
    """What the vendor says is enabled, on the product's one tier; returns the products whose figures changed.

    Without a day of their own the figures are as old as the row; the same figures again are not newer.
    """
    asked: list[Wanted] = []
    owners: dict[Hashable, Hashable] = {}
    for one in wanted:
        values = {name: value for name, value in one.entry.only(_FIGURES).items() if value is not None}
        known = _known(products, one.entry)
        if not values or known is None:
            continue
        tier = one.entry["tiers"][0] if one.entry["tiers"] and len(one.entry["tiers"]) == 1 else ""
        sku_id = products.tier(known, tier)
        if sku_id is None:
            book.wrong(one.entry, "enabled", f"{known.name} has several tiers. Name in tiers the one that is meant.")
            continue
        owners[sku_id] = one.key
        asked.append(Wanted(Entry(one.entry.line, {}, one.at), sku_id, values))
    stored: dict[Hashable, Row] = {row["id"]: row for row in load(book.work, Sku, "id", sorted(owners, key=str))}
    for one in asked:
        if "figures_at" not in one.values and not same(stored[one.key], one.values):
            one.values["figures_at"] = one.at
    touched: set[Hashable] = set()
    put(book, Sku, asked, stored, touched=touched)
    return {owners[sku_id] for sku_id in touched}


def _known(products: Products, entry: Entry) -> KnownProduct | None:
    """By key where the row has one that is known, else by name."""
    return (products.find(entry["key"]) if entry["key"] else None) or products.find(entry["name"])
