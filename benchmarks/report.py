"""What a row hands back and how it is printed: measured figures, each compared with what is to be reached."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Check:
    """One figure against its goal; `at_least` False: the figure must not be above it."""

    name: str
    figure: float
    goal: float
    unit: str = "×"
    at_least: bool = True

    @property
    def reached(self) -> bool:
        return self.figure >= self.goal if self.at_least else self.figure <= self.goal

    def line(self) -> str:
        sign = "≥" if self.at_least else "≤"
        word = "reached" if self.reached else "NOT REACHED"
        return f"{self.name:<58} {self.figure:>10.3g} {self.unit:<4} {sign} {self.goal:g}  {word}"


@dataclass(frozen=True)
class Table:
    """Figures in columns, under a sentence that says what they are."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | int]]

    def lines(self) -> list[str]:
        cells = [[_cell(value) for value in row] for row in self.rows]
        widths = [max(len(one[at]) for one in [list(self.columns), *cells]) for at in range(len(self.columns))]
        head = "  ".join(name.rjust(width) for name, width in zip(self.columns, widths, strict=True))
        body = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return [self.title, head, *body]


@dataclass
class Report:
    """One row of the table of goals, on one database or none."""

    row: str
    what: str
    against: str
    tables: list[Table] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return all(check.reached for check in self.checks)

    def text(self) -> str:
        parts = [f"== {self.row}: {self.what}", f"   against {self.against}", ""]
        for table in self.tables:
            parts += [*table.lines(), ""]
        parts += [check.line() for check in self.checks]
        parts += [f"note: {note}" for note in self.notes]
        return "\n".join(parts)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        checks = [{**asdict(check), "reached": check.reached} for check in self.checks]
        return {**asdict(self), "checks": checks, "reached": self.reached}


def machine() -> str:
    """What it ran on, in a line."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {sys.version.split()[0]}"


def _cell(value: str | float | int) -> str:
    return value if isinstance(value, str) else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
