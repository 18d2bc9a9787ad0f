"""Raw titles as devices report them: which are stored, and what each is recognised as.

A new title meets the rules in `recognising`; a person's decision and an import that names the product itself win.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from licensing.recognition import Kind
from model.inventory import Title
from workflows.recognising import Recognised, Recognising
from workflows.register.entries import Book
from workflows.register.history import Row, Writing, blank, load
from workflows.register.names import KnownProduct, Products

PRODUCT, ASK = Kind.PRODUCT.value, Kind.ASK.value
BY_IMPORT = "import"
#: A year in a name is the version people buy by: "AutoCAD LT 2024" reports itself as 24.3.
YEAR = re.compile(r"(?<![\d.])(?:19|20)\d\d(?![\d.])")


def release(raw_title: str) -> str:
    """The year in a title, "" when there is none: "2019" of "Microsoft SQL Server 2019"."""
    found = YEAR.search(raw_title)
    return found[0] if found else ""


@dataclass(frozen=True)
class Reported:
    """A title with the earliest instants its rows give; `product` where the row names it."""

    raw_title: str
    raw_publisher: str
    version: str
    first_seen_at: datetime
    recorded_at: datetime
    product: KnownProduct | None = None
    may_be: KnownProduct | None = None


def store(book: Book, products: Products, reported: Iterable[Reported]) -> dict[tuple[str, str], Row]:
    """The rows of titles by (title, publisher), new ones made; what an import names is decided by it.

    A title that was recognised later than a row says it was seen is known since that row: the register of then named
    the product as well.
    """
    wanted: dict[tuple[str, str], Reported] = {}
    for one in reported:
        place = (one.raw_title, one.raw_publisher)
        other = wanted.get(place)
        wanted[place] = one if other is None else _earliest(other, one)
    rows = {
        (row["raw_title"], row["raw_publisher"]): row
        for row in load(book.work, Title, "raw_title", sorted({title for title, _ in wanted}))
    }
    writing = Writing(book.work, Title)
    rules = _Rules(book, products)
    for place, one in wanted.items():
        row = rows.get(place)
        if row is None:
            rows[place] = row = blank(Title) | _decided(rules, one)
            row |= {
                "raw_title": one.raw_title,
                "raw_publisher": one.raw_publisher,
                "sample_version": one.version,
                "release": release(one.raw_title),
                "first_seen_at": one.first_seen_at,
                "recorded_at": one.recorded_at,
            }
            writing.insert(row)
            if row["kind"] in (Kind.ASK, Kind.UNRECOGNISED):
                book.create("undecided title", one.raw_title)
            continue
        if one.product is not None and row["decided_by_id"] is not None and row["product_id"] != one.product.id:
            book.note("name another product than a person decided for the title; that decision stands")
        if _follows(row, one):
            writing.change(row)
    writing.flush(ids=True)
    return rows


def _earliest(first: Reported, second: Reported) -> Reported:
    return Reported(
        first.raw_title,
        first.raw_publisher,
        first.version,
        min(first.first_seen_at, second.first_seen_at),
        min(first.recorded_at, second.recorded_at),
        first.product or second.product,
        first.may_be or second.may_be,
    )


class _Rules:
    """The rules, made when the first title needs them: most files name their products themselves."""

    def __init__(self, book: Book, products: Products) -> None:
        self._book, self._products = book, products
        self._made: Recognising | None = None

    def recognise(self, one: Reported) -> Recognised:
        if self._made is None:
            self._made = Recognising(self._book.work, self._products)
        return self._made.recognise(one.raw_title, one.raw_publisher, one.version)


def _decided(rules: _Rules, one: Reported) -> Row:
    if one.product is not None:
        found = Recognised(PRODUCT, one.product.id, 100, BY_IMPORT)
    elif one.may_be is not None:
        found = Recognised(ASK, None, 0, BY_IMPORT, one.may_be.id)
    else:
        found = rules.recognise(one)
    return {
        "kind": found.kind,
        "product_id": found.product_id,
        "candidate_id": found.candidate_id,
        "confidence": found.confidence,
        "rule": found.rule,
    }


def _follows(row: Row, one: Reported) -> bool:
    """Let a stored title follow an import that names its product, unless a person decided; whether it changed."""
    before = dict(row)
    if one.product is not None and row["decided_by_id"] is None and row["product_id"] != one.product.id:
        row |= {
            "kind": PRODUCT,
            "product_id": one.product.id,
            "candidate_id": None,
            "confidence": 100,
            "rule": BY_IMPORT,
        }
    elif one.may_be is not None and row["decided_by_id"] is None and row["product_id"] is None:
        row |= {"kind": ASK, "candidate_id": one.may_be.id, "rule": BY_IMPORT}
    row["first_seen_at"] = min(row["first_seen_at"], one.first_seen_at)
    if row["rule"] == BY_IMPORT:
        row["recorded_at"] = min(row["recorded_at"], one.recorded_at)
    return row != before
