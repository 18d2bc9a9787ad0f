"""The import of one file: all of it or nothing, in one transaction with one event, and a preview that keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from licensing.cells import UNSETTLED, Format
from licensing.words import cut, plural
from model.events import Happened, Tag
from model.session import UnitOfWork
from workflows.imports import observed
from workflows.imports.columns import Kind
from workflows.imports.reading import Reading, Source, Tick, read
from workflows.register.entries import Book, Counts, Entry, RegisterRefused, told


@dataclass(frozen=True)
class Outcome:
    """What an import did, or in a preview would do."""

    kind: Kind
    counts: Counts
    lines: tuple[str, ...] = ()  # what was made, marked or left open on the way
    first: tuple[dict[str, str], ...] = ()  # the first rows as they are stored

    @property
    def changes(self) -> int:
        return self.counts.new + self.counts.changed

    @property
    def sentence(self) -> str:
        """ "12 new, 3 changed, 240 unchanged." """
        counts = self.counts
        return f"{counts.new:,} new, {counts.changed:,} changed, {counts.unchanged:,} unchanged."


@dataclass
class Import:
    """A file that was read and is right as far as it can be told without the register."""

    reading: Reading
    key: bytes
    now: datetime

    def apply(self, work: UnitOfWork, actor: str, tick: Tick) -> Outcome:
        """Write it all; the caller commits, or leaves without for a preview. Raises RegisterRefused."""
        kind, reading = self.reading.kind, self.reading
        if reading.problems:
            raise self._refused(work)
        tick("store", 0, len(reading.entries))
        book = Book(work, self.now, self.key, reading.matched.by_name)
        counts = write(book, kind, reading.entries)
        tick("store", len(reading.entries), len(reading.entries))
        outcome = Outcome(kind, counts, _lines(book), first_rows(reading.entries))
        if outcome.changes or book.made:
            facts: dict[str, Any] = {
                "kind": kind.name,
                "file": reading.source.name,
                "rows": len(reading.entries),
                "new": counts.new,
                "changed": counts.changed,
                "unchanged": counts.unchanged,
                "digest": reading.digest,
                "made": {what: len(names) for what, names in book.made.items()},
            }
            work.record([Happened(Tag.REGISTRY_IMPORTED, actor, f"registry:{kind.name}", facts)], self.now)
        return outcome

    def _refused(self, work: UnitOfWork) -> RegisterRefused:
        """What is wrong with cells, and with the rows whose cells are right, in one list: nobody corrects a file twice.

        What may refer to a row that could not be read is left out.
        """
        reading = self.reading
        problems, more = list(reading.problems), reading.unlisted
        try:
            write(Book(work, self.now, self.key, reading.matched.by_name), reading.kind, reading.entries)
        except RegisterRefused as refused:
            referring = {reading.matched.by_name.get(name) for name in _REFERRING}
            problems += [one for one in refused.problems if one.column not in referring]
        return RegisterRefused(problems, more)


#: Columns that name another row of the same file.
_REFERRING = ("manager", "host")


def write(book: Book, kind: Kind, entries: Sequence[Entry]) -> Counts:
    """Write entries of a kind through its operation. Raises RegisterRefused; the transaction is then to be left."""
    if not entries:
        return Counts()
    counts = kind.put(book, entries)
    book.check()
    observed.settle(book)
    return counts


def edit(work: UnitOfWork, kind: Kind, cells: Mapping[str, str], actor: str, *, key: bytes, now: datetime) -> Counts:
    """One row typed by a person, by heading, for pages and the API: read and checked as a row of a file is.

    A heading that is missing leaves what is stored. Raises CannotRead or RegisterRefused; the caller commits.
    """
    source = Source("typed", [(0, list(cells)), (1, list(cells.values()))])
    ready = prepare(kind, source, UNSETTLED, key=key, now=now, tick=lambda what, done, total: None)
    if ready.reading.problems:
        raise RegisterRefused(ready.reading.problems)
    book = Book(work, now, key, ready.reading.matched.by_name)
    counts = write(book, kind, ready.reading.entries)
    if counts.new or counts.changed or book.made:
        facts = {"kind": kind.name, "new": counts.new, "changed": counts.changed, "digest": ready.reading.digest}
        work.record([Happened(Tag.REGISTRY_CHANGED, actor, f"registry:{kind.name}", facts)], now)
    return counts


def prepare(kind: Kind, source: Source, given: Format, *, key: bytes, now: datetime, tick: Tick) -> Import:
    """Read a file. Raises CannotRead for the file as a whole, RegisterRefused where no row can be read.

    Where some can, `apply` refuses with what is wrong in the others too.
    """
    reading = read(kind, source, given, now, tick)
    if reading.problems and not reading.entries:
        raise RegisterRefused(reading.problems, reading.unlisted)
    return Import(reading, key, now)


def _lines(book: Book) -> tuple[str, ...]:
    marked = [sentence if not count else f"{plural(count, 'row')} {sentence}" for sentence, count in book.notes.items()]
    return (*told(book.made), *marked)


def first_rows(entries: Sequence[Entry], most: int = 5) -> tuple[dict[str, str], ...]:
    """The first rows as they were understood: column and value, without empty ones and without product keys."""
    return tuple(
        {
            name: "kept as a hash" if name == "product_key" else _text(value)
            for name, value in [*entry.values.items(), *entry.fields.items()]
            if value not in (None, "", [])
        }
        for entry in entries[:most]
    )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value if part is not None)
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, str):
        return cut(" ".join(value.split()))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
