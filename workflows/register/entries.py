"""What the operations of the register take and answer: entries, what is wrong with them, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from licensing.words import plural
from model.session import UnitOfWork
from workflows.refusals import Refusal

#: So many wrong rows are listed one by one; the rest is counted.
LISTED = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be taken: its line in the file, the column as the file calls it, and the reason."""

    line: int
    column: str
    reason: str
    cell: str = ""  # of a spreadsheet: "C14"

    def __str__(self) -> str:
        where = f", *{self.column}*" if self.column else ""
        return f"Row {self.line}{where}{f' ({self.cell})' if self.cell else ''}: {self.reason}"


class RegisterRefused(Refusal):
    """Rows cannot be taken; nothing was changed. The lines name each row, column and reason."""

    def __init__(self, problems: list[Problem], kept_back: int = 0) -> None:
        super().__init__(problems)
        self.problems = sorted(problems, key=lambda one: one.line)
        self.more = max(0, len(problems) - LISTED) + kept_back

    def lines(self) -> list[str]:
        """One line a problem, up to the number that is listed, and how many more there are."""
        listed = [str(one) for one in self.problems[:LISTED]]
        return [*listed, f"And {self.more:,} more."] if self.more else listed

    def say(self, instant: object = None) -> str:
        return "\n".join([*self.lines(), "Nothing was changed."])


@dataclass(slots=True)
class Entry:
    """One row: what it says by column, None for an empty cell; a column that is missing leaves what is stored."""

    line: int
    values: dict[str, Any]
    recorded_at: datetime
    fields: dict[str, str] = field(default_factory=dict)  # the company's own

    def __getitem__(self, column: str) -> Any:
        return self.values.get(column)

    def only(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The values of those columns the entry has: stored column -> value."""
        return {stored: self.values[name] for name, stored in names.items() if name in self.values}


@dataclass(slots=True)
class Counts:
    """What became of entries."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, other: Counts) -> None:
        self.new += other.new
        self.changed += other.changed
        self.unchanged += other.unchanged


@dataclass
class Book:
    """One change of the register in progress: the transaction, who and when, what is wrong, what was made on the way.

    `key` is the secret that product keys are hashed with. `tick` hears how many rows are done.
    """

    work: UnitOfWork
    now: datetime
    key: bytes = b""
    headings: Mapping[str, str] = field(default_factory=dict)  # column -> as the file calls it
    problems: list[Problem] = field(default_factory=list)
    unlisted: int = 0
    made: dict[str, list[str]] = field(default_factory=dict)  # products, publishers … -> their names
    notes: dict[str, int] = field(default_factory=dict)  # a sentence about rows -> how many
    sources: dict[str, set[int]] = field(default_factory=dict)  # of installations -> devices new to each

    def wrong(self, entry: Entry, column: str, reason: str) -> None:
        """Note why an entry cannot be taken."""
        if len(self.problems) >= 10 * LISTED:
            self.unlisted += 1
            return
        self.problems.append(Problem(entry.line, self.headings.get(column, column), reason))

    def note(self, sentence: str, count: int = 1) -> None:
        """Count rows about which the operator is told something."""
        self.notes[sentence] = self.notes.get(sentence, 0) + count

    def create(self, what: str, name: str) -> None:
        """Remember what was made because a row named it."""
        self.made.setdefault(what, []).append(name)

    def check(self) -> None:
        """Raises RegisterRefused when anything is wrong."""
        if self.problems:
            raise RegisterRefused(self.problems, self.unlisted)


def told(made: Mapping[str, list[str]]) -> list[str]:
    """ "2 products made: Visio, Project": what was created because rows named it."""
    lines = []
    for what, names in made.items():
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
        lines.append(f"{plural(len(names), what)} made: {shown}")
    return lines
