"""What purchases, contracts and invoices share: the currency of their sums, and terms that run forwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from babel.numbers import list_currencies

from licensing import cells
from licensing.money import Money
from licensing.words import day
from workflows.register.entries import Book, Entry

#: ISO 4217 codes, also those of the past, as CLDR lists them.
CURRENCIES = frozenset(list_currencies())


def currency_of(book: Book, entry: Entry, columns: Sequence[str], column: str = "currency") -> str | None:
    """The currency an entry's sums are in, from its own column or from the cells; two different ones are wrong."""
    found: dict[str, str] = {}
    if entry[column]:
        found[entry[column]] = column
    for name in columns:
        if entry[name] and entry[name][1]:
            found.setdefault(entry[name][1], name)
    for code, name in found.items():
        if code not in CURRENCIES:
            book.wrong(entry, name, f"“{code}” is no ISO 4217 currency. Write for example EUR.")
    if len(found) > 1:
        codes = list(found)
        book.wrong(entry, found[codes[1]], f"is in {codes[1]}, but the row says {codes[0]}. One row has one currency.")
    return next(iter(found), None)


#: The company's own column of a purchase that holds the price its vendor announced for the next term.
ANNOUNCED = "announced_price"


def announces(name: str) -> bool:
    """Whether an own column of this name holds the announced price."""
    return name.casefold().replace(" ", "_") == ANNOUNCED


def announced(fields: Mapping[str, str] | None, currency: str | None) -> Money | None:
    """The price a vendor announced for a purchase's next term; None where nothing that can be read stands there."""
    said = next((value for name, value in (fields or {}).items() if announces(name) and value), None)
    if said is None:
        return None
    try:
        amount, code = cells.money(said)
    except cells.Unreadable:
        return None
    named = code or currency
    return Money(amount, named) if named else None


def term_is_right(book: Book, entry: Entry, first: str = "starts_on", last: str = "ends_on") -> None:
    """Note a term that ends before it begins."""
    begins: date | None = entry[first]
    ends: date | None = entry[last]
    if begins is not None and ends is not None and ends < begins:
        book.wrong(entry, last, f"{day(ends)} is before {day(begins)}, the first day.")
