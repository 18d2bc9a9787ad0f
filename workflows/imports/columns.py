"""What a kind of file is made of: its columns with their readers, and how headings find them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from licensing import cells
from licensing.cells import Cell, Format
from licensing.words import joined
from workflows.refusals import Refusal
from workflows.register.entries import Book, Counts, Entry

Reader = Callable[[Cell, Format], Any]
#: More columns than this no register has; a sheet with thousands was exported by mistake.
MOST_COLUMNS = 400
_OWN = ("field:", "own:", "own field:")


class CannotRead(Refusal):
    """The file as a whole cannot be taken; the sentence says what to change."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, how its cells are read, and a sentence on what it holds."""

    name: str
    read: Reader
    sentence: str
    also: tuple[str, ...] = ()  # other headings it is known by
    required: bool = False

    def spellings(self) -> set[str]:
        return {cells.folded(one) for one in (self.name, *self.also)}


@dataclass(frozen=True)
class Kind:
    """A kind of file. `put` writes its entries; `fixed` is the format that its source always has."""

    name: str
    sentence: str
    columns: tuple[Column, ...]
    put: Callable[[Book, Sequence[Entry]], Counts]
    fixed: Format = cells.UNSETTLED
    own_fields: bool = False  # whether the company's own columns are kept

    def headings(self) -> list[str]:
        return [one.name for one in self.columns]


@dataclass(frozen=True)
class Matched:
    """Which column of the file is which: place -> column; own fields; headings that are left out."""

    columns: Mapping[int, Column]
    own: Mapping[int, str]
    ignored: tuple[str, ...]
    headings: tuple[str, ...]
    by_name: Mapping[str, str] = field(default_factory=dict)  # column -> heading

    def told(self) -> list[str]:
        """ "Unit price -> unit_price": how each heading was understood."""
        lines = [f"{self.headings[place]} -> {column.name}" for place, column in sorted(self.columns.items())]
        lines += [f"{self.headings[place]} -> own field {name}" for place, name in sorted(self.own.items())]
        return [*lines, *(f"{name} -> ignored" for name in self.ignored)]


def match(kind: Kind, headings: Sequence[Cell]) -> Matched:
    """Find the columns by their headings. Raises CannotRead for missing, doubled or far too many ones."""
    names = [cells.text_of(one) for one in headings]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise CannotRead(
            f"The file has {len(names):,} columns; at most {MOST_COLUMNS} are read. Keep the columns of "
            f"`seatkeeper import --template {kind.name}` and delete the others."
        )
    known = {spelling: column for column in kind.columns for spelling in column.spellings()}
    found: dict[int, Column] = {}
    own: dict[int, str] = {}
    ignored: list[str] = []
    by_name: dict[str, str] = {}
    for place, name in enumerate(names):
        column = known.get(cells.folded(name))
        if column is not None:
            if column.name in by_name:
                raise CannotRead(
                    f"Two columns say {column.name}: “{by_name[column.name]}” and “{name}”. Rename or delete one."
                )
            found[place], by_name[column.name] = column, name
        elif kind.own_fields and (field_name := _own(name)):
            own[place] = field_name
        elif name:
            ignored.append(name)
    missing = [column.name for column in kind.columns if column.required and column.name not in by_name]
    if missing:
        seen = ", ".join(f"“{name}”" for name in names if name)
        raise CannotRead(
            f"The column {joined(missing)} is missing. The first row must hold the headings; it says: "
            f"{seen[:300] or 'nothing'}. See `seatkeeper import --template {kind.name}`."
            if len(missing) == 1
            else f"The columns {joined(missing)} are missing. The first row must hold the headings; it says: "
            f"{seen[:300] or 'nothing'}. See `seatkeeper import --template {kind.name}`."
        )
    return Matched(found, own, tuple(ignored), tuple(names), by_name)


def _own(name: str) -> str:
    for prefix in _OWN:
        if name.casefold().startswith(prefix):
            return name[len(prefix) :].strip()
    return ""


# -- readers of cells --------------------------------------------------------------------------------------------------


def text(most: int) -> Reader:
    """A text of at most so many characters."""

    def read(cell: Cell, form: Format) -> str:
        cells.plain(cell)
        value = clean(cells.text_of(cell))
        if len(value) > most:
            raise cells.Unreadable(f"has {len(value):,} characters; at most {most:,} are kept")
        return value

    return read


def clean(written: str) -> str:
    """A text as it is stored: composed letters, plain spaces, no control characters but line ends and tabs."""
    letters = []
    for letter in unicodedata.normalize("NFC", written):
        category = unicodedata.category(letter)
        if category == "Zs":
            letters.append(" ")
        elif category not in ("Cc", "Cs") or letter in "\n\t":
            letters.append(letter)
    return "".join(letters).strip()


def email(cell: Cell, form: Format) -> str:
    """An e-mail address, lower-cased."""
    value = text(320)(cell, form).lower()
    name, at, domain = str(value).rpartition("@")
    if not (name and at and domain) or any(letter.isspace() for letter in str(value)):
        raise cells.Unreadable(f"{cells.shown(cell)} is not an e-mail address")
    return str(value)


def listed(most: int) -> Reader:
    """Several texts with semicolons between them."""

    def read(cell: Cell, form: Format) -> list[str]:
        whole = text(10 * most)(cell, form)
        parts = [part.strip() for part in str(whole).replace("\n", ";").split(";") if part.strip()]
        if any(len(part) > most for part in parts):
            raise cells.Unreadable(f"has a part of more than {most:,} characters")
        return list(dict.fromkeys(parts))

    return read


def one_of(words: Mapping[str, Sequence[str]]) -> Reader:
    """One of the stored words, or another spelling of it."""
    known = {cells.folded(spelling): word for word, also in words.items() for spelling in (word, *also)}

    def read(cell: Cell, form: Format) -> str:
        return cells.choice(cell, known)

    return read


def several_of(words: Mapping[str, Sequence[str]]) -> Reader:
    """Several of the stored words, with semicolons between them."""
    single = one_of(words)

    def read(cell: Cell, form: Format) -> list[str]:
        parts = cells.text_of(cell).replace(",", ";").split(";")
        return list(dict.fromkeys(single(part, form) for part in parts if part.strip()))

    return read


def whole(cell: Cell, form: Format) -> int:
    return cells.count(cell, form)


def from_one(cell: Cell, form: Format) -> int:
    """A whole number, one or more."""
    value = cells.count(cell, form)
    if value < 1:
        raise cells.Unreadable(f"{cells.shown(cell)} must be 1 or more")
    return value


def yes_no(cell: Cell, form: Format) -> bool:
    return cells.yes_no(cell)
