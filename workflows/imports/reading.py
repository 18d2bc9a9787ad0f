"""Rows of a file into entries: the heading row is found, columns are settled, and each distinct cell is read once.

Cells repeat (a device has three hundred titles), so a file is kept as tuples of shared values: a hundred thousand
rows are some ten megabytes, and a column's format is settled over all of it before the first cell is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from licensing import cells
from licensing.cells import Ambiguous, Cell, Format, Unreadable
from licensing.words import day
from model.events import canonical
from workflows.imports.columns import CannotRead, Column, Kind, Matched, match
from workflows.register.entries import LISTED, Entry, Problem

#: A longer file is split: what is all or nothing should fit a transaction.
MOST_ROWS = 1_000_000
#: Headings may stand below a title, not further down than this.
_LOOK_FOR_HEADINGS = 10
_LETTERS = 26

Tick = Callable[[str, int, int], None]  # what is being done, how much of it, of how much (0: not known)


@dataclass
class Source:
    """A sheet as it comes from the disk: numbered rows, and for spreadsheets the ranges of merged cells."""

    name: str
    rows: Iterable[tuple[int, Sequence[Cell]]]
    spreadsheet: bool = False
    merged: Sequence[tuple[int, str]] = ()  # last row and range: (4, "B3:C4")
    notes: tuple[str, ...] = ()


@dataclass
class Reading:
    """What a file says: entries in its order, or what is wrong with it."""

    kind: Kind
    source: Source
    matched: Matched
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unlisted: int = 0
    digest: str = ""

    def wrong(self, line: int, place: int, reason: str) -> None:
        if len(self.problems) >= 10 * LISTED:
            self.unlisted += 1
            return
        cell = f"{letters(place)}{line}" if self.source.spreadsheet else ""
        self.problems.append(Problem(line, self.matched.headings[place], reason, cell))


def read(kind: Kind, source: Source, given: Format, now: datetime, tick: Tick) -> Reading:
    """All entries of a file. Raises CannotRead for the file as a whole; what single rows lack is in `problems`."""
    rows = iter(source.rows)
    heading_line, matched, rows = _headings(kind, rows)
    for last_row, cells_merged in source.merged:
        if last_row >= heading_line:
            raise CannotRead(
                f"The cells {cells_merged} are merged, so it is not known to which rows they belong. "
                "Nothing was imported. Split them (Merge cells off), fill each row, and import again."
            )
    reading = Reading(kind, source, matched)
    places = sorted({*matched.columns, *matched.own})
    kept = _kept(reading, rows, places, tick)
    reading.digest = _digest(kept)
    values = {place: _column(reading, place, at, kept, given) for at, place in enumerate(places)}
    for done, (line, row) in enumerate(kept):
        if done % 10_000 == 0:
            tick("read", done, len(kept))
        _entry(reading, line, row, places, values, now)
    return reading


def _headings(
    kind: Kind, rows: Iterator[tuple[int, Sequence[Cell]]]
) -> tuple[int, Matched, Iterator[tuple[int, Sequence[Cell]]]]:
    """Line and columns of the heading row, and the rows below it.

    Of the first rows it is the one that has all required columns and knows the most; nothing is read above it.
    """
    first = list(islice(rows, _LOOK_FOR_HEADINGS))
    found: tuple[int, Matched] | None = None
    refused: CannotRead | None = None
    for at, (_, row) in enumerate(first):
        if all(cells.is_empty(cell) for cell in row):
            continue
        try:
            matched = match(kind, row)
        except CannotRead as wrong:
            refused = refused or wrong
            continue
        if found is None or len(matched.columns) > len(found[1].columns):
            found = at, matched
    if found is None:
        raise refused or CannotRead("The file is empty. The first row must hold the headings.")
    at, matched = found
    return first[at][0], matched, chain(first[at + 1 :], rows)


def _kept(
    reading: Reading, rows: Iterator[tuple[int, Sequence[Cell]]], places: list[int], tick: Tick
) -> list[tuple[int, tuple[Cell, ...]]]:
    shared: dict[tuple[type, Cell], Cell] = {}
    kept: list[tuple[int, tuple[Cell, ...]]] = []
    named = {place for place, name in enumerate(reading.matched.headings) if name}
    for line, row in rows:
        row = tuple(row)
        if all(cells.is_empty(cell) for cell in row):
            continue
        if len(kept) >= MOST_ROWS:
            raise CannotRead(f"The file has more than {MOST_ROWS:,} rows. Nothing was imported. Split it.")
        if any(place not in named and not cells.is_empty(cell) for place, cell in enumerate(row)):
            place = next(at for at, cell in enumerate(row) if at not in named and not cells.is_empty(cell))
            raise CannotRead(
                f"Row {line} has {cells.shown(row[place])} in a column without a heading ({letters(place)}). Nothing "
                "was imported. Give it a heading, or quote the cell where the separator belongs to it."
            )
        row += (None,) * (len(reading.matched.headings) - len(row))
        kept.append((line, tuple(shared.setdefault((type(row[at]), row[at]), row[at]) for at in places)))
        if len(shared) > 500_000:
            shared.clear()  # cells that never repeat are not worth remembering
        if len(kept) % 5_000 == 0:
            tick("read", len(kept), 0)
    return kept


def _digest(kept: list[tuple[int, tuple[Cell, ...]]]) -> str:
    """SHA-256 of the rows, the same for the same rows in a file of another format."""
    digest = hashlib.sha256()
    for _, row in kept:
        digest.update(canonical({"row": [cells.text_of(cell) for cell in row]}).encode())
    return digest.hexdigest()


def _column(
    reading: Reading, place: int, at: int, kept: list[tuple[int, tuple[Cell, ...]]], given: Format
) -> dict[tuple[type, Cell], Any]:
    """Each distinct cell of a column as a value, or as the exception that says why it has none."""
    column = reading.matched.columns.get(place)
    distinct = {(type(row[at]), row[at]) for _, row in kept if not cells.is_empty(row[at])}
    fixed = reading.kind.fixed
    said = Format(given.decimals or fixed.decimals, given.order or fixed.order)
    form = cells.settled((cell for _, cell in distinct), said)
    values: dict[tuple[type, Cell], Any] = {}
    for found in distinct:
        try:
            if column is None:
                cells.plain(found[1])
                values[found] = cells.text_of(found[1])
            else:
                values[found] = column.read(found[1], form)
        except Unreadable as wrong:
            values[found] = wrong
    return values


def _entry(
    reading: Reading,
    line: int,
    row: tuple[Cell, ...],
    places: list[int],
    values: dict[int, dict[tuple[type, Cell], Any]],
    now: datetime,
) -> None:
    said: dict[str, Any] = {}
    own: dict[str, str] = {}
    right = True
    for place, cell in zip(places, row, strict=True):
        value = None if cells.is_empty(cell) else values[place][type(cell), cell]
        column = reading.matched.columns.get(place)
        if isinstance(value, Unreadable):
            reading.wrong(line, place, _reason(value))
            right = False
        elif column is None:
            own[reading.matched.own[place]] = value or ""
        elif value is None and column.required:
            reading.wrong(line, place, f"is empty. {_needed(column)}")
            right = False
        else:
            said[column.name] = value
    recorded = said.pop("recorded_at", None) or now
    if recorded > now:
        place = next(at for at, column in reading.matched.columns.items() if column.name == "recorded_at")
        reading.wrong(line, place, f"{day(recorded.date())} is still to come; nothing was learned then yet.")
        right = False
    if right:
        reading.entries.append(Entry(line, said, recorded, own))


def _reason(wrong: Unreadable) -> str:
    if isinstance(wrong, Ambiguous):
        return f"{wrong}. Choose the format with {wrong.choices}, or change the cell."
    return f"{wrong}."


def _needed(column: Column) -> str:
    return f"It must say: {column.sentence[0].lower()}{column.sentence[1:]}"


def letters(place: int) -> str:
    """The name of a spreadsheet's column: 0 is A, 26 is AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, _LETTERS)
        name = chr(ord("A") + rest) + name
    return name
