"""Raw titles as devices report them: which are stored, and what each is recognised as.

A new title meets the rules in `recognising`; a person's decision and an import that names the product itself win.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from licensing.recognition import Kind
from model.inventory import Title
from workflows.recognising import Recognised, Recognising
from workflows.register.entries import Book
from workflows.register.history import Row, Version, Writing, blank, earlier, known_at, load, same
from workflows.register.names import KnownProduct, Products

#: A title with its publisher, as reported.
Place = tuple[str, str]
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
    """A title as one row gives it; `product` where the row names it."""

    raw_title: str
    raw_publisher: str
    version: str
    first_seen_at: datetime
    recorded_at: datetime
    product: KnownProduct | None = None
    may_be: KnownProduct | None = None

    @property
    def decides(self) -> bool:
        """Whether the row says what the title is, or may be."""
        return self.product is not None or self.may_be is not None


def store(
    book: Book,
    products: Products,
    reported: Iterable[Reported],
    *,
    changed: set[tuple[Place, datetime]] | None = None,
) -> dict[Place, Row]:
    """The rows of titles by (title, publisher), new ones made; what an import names is decided by it.

    A title that was recognised later than a row says it was seen is known since that row: the register of then named
    the product as well. What an import said of it before, or says of a time before, is kept with both times.
    `changed` collects which titles were taken for something else, and when that was learned.
    """
    wanted: dict[Place, dict[datetime, Reported]] = {}
    for one in reported:
        times = wanted.setdefault((one.raw_title, one.raw_publisher), {})
        other = times.get(one.recorded_at)
        times[one.recorded_at] = one if other is None else _together(other, one)
    said = {place: sorted(times.values(), key=_in_turn) for place, times in wanted.items()}
    rows = {
        (row["raw_title"], row["raw_publisher"]): row
        for row in load(book.work, Title, "raw_title", sorted({title for title, _ in wanted}))
    }
    writing = Writing(book.work, Title)
    rules = _Rules(book, products)
    older = [
        row["id"]
        for place, words in said.items()
        if (row := rows.get(place)) and any(_before(row, one) for one in words)
    ]
    versions = earlier(book.work, Title, older)
    for place, words in said.items():
        row = rows.get(place)
        is_new = row is None
        if row is None:
            rows[place] = row = _made(rules, words[0], known_since=min(wanted[place]))
            words = words[1:]
            writing.insert(row)
        elif row["decided_by_id"] is not None and any(
            one.product and one.product.id != row["product_id"] for one in words
        ):
            book.note("name another product than a person decided for the title; that decision stands")
        history = versions.get(row["id"], []) if "id" in row else []
        for one in words:
            if _follow(writing, row, one, history) and changed is not None:
                changed.add((place, one.recorded_at))
        seen = min(one.first_seen_at for one in said[place])
        if seen < row["first_seen_at"]:
            row["first_seen_at"] = seen
            writing.change(row)
        if is_new and row["kind"] in (Kind.ASK, Kind.UNRECOGNISED):
            book.create("undecided title", row["raw_title"])
    writing.flush(ids=True)
    return rows


def _in_turn(one: Reported) -> tuple[bool, datetime]:
    """Rows that say what a title is come first, in the order in which they were learned."""
    return not one.decides, one.recorded_at


def _together(first: Reported, second: Reported) -> Reported:
    """Two rows about a title that were learned at one time."""
    return replace(
        first,
        first_seen_at=min(first.first_seen_at, second.first_seen_at),
        product=first.product or second.product,
        may_be=first.may_be or second.may_be,
    )


def _made(rules: _Rules, one: Reported, known_since: datetime) -> Row:
    return (
        blank(Title)
        | _decided(rules, one)
        | {
            "raw_title": one.raw_title,
            "raw_publisher": one.raw_publisher,
            "sample_version": one.version,
            "release": release(one.raw_title),
            "first_seen_at": one.first_seen_at,
            "recorded_at": known_since,
        }
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
    return _told(one) or _columns(rules.recognise(one))


def _told(one: Reported) -> Row:
    """What an import's row says of the title; nothing where it names no product."""
    if one.product is not None:
        return _columns(Recognised(PRODUCT, one.product.id, 100, BY_IMPORT))
    return _columns(Recognised(ASK, None, 0, BY_IMPORT, one.may_be.id)) if one.may_be is not None else {}


def _columns(found: Recognised) -> Row:
    return {
        "kind": found.kind,
        "product_id": found.product_id,
        "candidate_id": found.candidate_id,
        "confidence": found.confidence,
        "rule": found.rule,
    }


# -- stored titles against what imports say ----------------------------------------------------------------------------


def _before(row: Row, one: Reported) -> bool:
    """Whether something was learned before what an import said of the title."""
    return row["rule"] == BY_IMPORT and row["decided_by_id"] is None and one.recorded_at < row["recorded_at"]


def _follow(writing: Writing, row: Row, one: Reported, history: list[Version]) -> bool:
    """Let a title follow an import that says what it is, unless a person decided; whether that was new.

    What a title may be never undoes which product it is.
    """
    if row["decided_by_id"] is not None:
        return False
    if _before(row, one):
        return _past(writing, row, one, history)
    told = _told(one)
    if not told or not _says_more(row, one):
        return False
    is_new = not _same(row, told)
    if is_new and one.recorded_at > row["recorded_at"]:
        _keep(writing, row, Version(dict(row), row["recorded_at"], one.recorded_at), history)
        row["recorded_at"] = one.recorded_at
    row |= told
    row["recorded_at"] = min(row["recorded_at"], one.recorded_at)
    writing.change(row)
    return is_new


def _past(writing: Writing, row: Row, one: Reported, history: list[Version]) -> bool:
    """What was known once; the title as it is known now stays."""
    at, told = one.recorded_at, _told(one)
    then = known_at(history, at)
    later = min((version for version in history if version.recorded_at > at), key=_learned, default=None)
    if then is not None:
        if not told or _same(then.row, told) or not _says_more(then.row, one):
            return False
    elif later is None and (not told or _same(row, told)):
        row["recorded_at"] = at
        writing.change(row)
        return False
    nearest = then or later
    base = nearest.row if nearest else row
    until = later.recorded_at if later else row["recorded_at"]
    _keep(writing, row, Version(dict(base) | told | {"recorded_at": at}, at, until), history)
    return bool(told)


def _keep(writing: Writing, row: Row, version: Version, history: list[Version]) -> None:
    history.append(version)
    writing.supersede(row, version)


def _learned(version: Version) -> datetime:
    return version.recorded_at


def _says_more(row: Row, one: Reported) -> bool:
    if one.product is not None:
        return bool(row["product_id"] != one.product.id)
    return row["product_id"] is None


def _same(row: Row, told: Row) -> bool:
    return same(row, {name: told[name] for name in ("product_id", "candidate_id")})
