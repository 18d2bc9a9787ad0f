"""`seatkeeper recognise`: a list of installed titles to products, row for row. Needs no database and no settings."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from licensing.recognition import Recogniser, shipped
from licensing.sheet import no_formula
from licensing.words import joined

COLUMNS = ("raw_title", "raw_publisher", "raw_version")
ANSWER = ("raw_title", "product", "publisher", "kind", "confidence", "rule")


class Unreadable(Exception):
    """Ends the command; `code` 2 when the file is not of the kind asked for, 1 when it is broken."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.code = code


#: Characters in a cell; what is longer is no title.
LONGEST_CELL = 131_072


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "recognise",
        help="say which products a list of installed titles is",
        description="Reads a CSV file with the columns raw_title, raw_publisher and raw_version (UTF-8, in any order, "
        "others are ignored) and writes one row for each of its rows, in order, to standard output: raw_title, "
        "product, publisher, kind, confidence, rule. The kind is product; component or update, which never need a "
        "licence of their own; ask, where the title alone cannot decide; or unrecognised.",
    )
    parser.add_argument("file", metavar="FILE", help="a CSV file, such as an export of an inventory")
    parser.set_defaults(run=lambda args: run(args.file))


def run(file: str, out: TextIO | None = None) -> int:
    """0 every row was answered, 1 the file cannot be read, 2 it lacks a column."""
    target = out or _standard_output()
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as lines:
            answer(file, lines, target)
        target.flush()
    except Unreadable as wrong:
        print(wrong, file=sys.stderr)
        return wrong.code
    except UnicodeDecodeError:
        print(f"{file} is not UTF-8 text; save or export it as CSV in UTF-8.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the answers has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{file} cannot be read: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def answer(file: str, lines: Iterator[str], out: TextIO) -> None:
    """Answer every row of `lines` on `out`, holding one row at a time. Raises Unreadable."""
    csv.field_size_limit(LONGEST_CELL)  # the limit is the process's, and another reader may have set its own
    rows = csv.reader(lines)
    writer = csv.writer(out, lineterminator="\n")
    recogniser = Recogniser(shipped())
    try:
        heading = next(rows, None)
        if not heading:
            raise Unreadable(f"{file} is empty; its first line must name the columns {joined(COLUMNS)}.", 2)
        places = _places(file, heading)
        writer.writerow(ANSWER)
        for row in rows:
            if not row:
                continue
            title, publisher, version = (row[at] if at < len(row) else "" for at in places)
            found = recogniser.recognise(title, publisher, version)
            writer.writerow(
                (
                    title,
                    no_formula(found.product),
                    no_formula(found.publisher),
                    found.kind,
                    f"{found.confidence:.2f}",
                    found.rule,
                )
            )
    except csv.Error as error:
        raise Unreadable(f"{file}, line {rows.line_num}, is not CSV: {error}.", 1) from None


def _places(file: str, heading: Sequence[str]) -> list[int]:
    names = [name.strip().casefold() for name in heading]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        hint = ""
        if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
            hint = (
                f" Its columns are separated by {'semicolons' if ';' in names[0] else 'tabs'}; export it with commas."
            )
        column = "the column" if len(missing) == 1 else "the columns"
        raise Unreadable(f"{file} lacks {column} {joined(missing)}.{hint}", 2)
    return [names.index(name) for name in COLUMNS]


def _standard_output() -> TextIO:
    """Standard output in UTF-8 whatever the terminal's language is: the answer is a file."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout
