"""`seatkeeper import`: a file of rows into the register, shown first, all of it or nothing."""

from __future__ import annotations

import argparse
import csv
import getpass
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from bot.bootstrap import open_database
from bot.clock import ServiceClock
from bot.settings import Settings, load
from bot.sheets import open_sheet
from licensing.cells import Format
from licensing.words import plural
from model.session import Database
from workflows.imports import run
from workflows.imports.columns import CannotRead, Kind, Matched
from workflows.imports.kinds import KINDS, kind_of
from workflows.imports.reading import Tick
from workflows.imports.run import Import, Outcome
from workflows.register.entries import RegisterRefused

#: Shorter files are done before a bar could be read.
BAR_FROM = 2_000
_BAR = 30


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `import`."""
    kinds = "\n".join(f"  {kind.name:<17} {kind.sentence}" for kind in KINDS.values())
    parser = subparsers.add_parser(
        "import",
        help="fill the register from a CSV or XLSX file",
        description="Takes a CSV or XLSX file into the register: shows what it would do, asks, and then does all of it "
        "or nothing. The same file again changes nothing. Columns are found by their headings.\n\nKinds:\n" + kinds,
        epilog="Begin with a template:  seatkeeper import --template entitlements > entitlements.csv\n"
        "What its columns hold:  seatkeeper import --template entitlements --describe\n"
        "A column of your own:   head it “field: NAME”.\n"
        "Former knowledge:       fill recorded_at, and days in the past become history.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", metavar="KIND", nargs="?", help="what the file holds, see below")
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="a CSV or XLSX file")
    parser.add_argument("--template", metavar="KIND", help="print the headings of a kind as CSV")
    parser.add_argument("--describe", action="store_true", help="with --template: say what each column holds instead")
    parser.add_argument("--preview", "--dry-run", action="store_true", help="show what would happen and change nothing")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--decimal", choices=(".", ","), help="the decimal mark, where 1.200 could be two numbers")
    parser.add_argument("--dates", choices=("dmy", "mdy", "ymd"), help="the order of day, month and year in dates")
    parser.add_argument("--sheet", metavar="NAME", help="which sheet of a workbook")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.template:
        return _template(kind_of(arguments.template), arguments.describe)
    if not arguments.kind or not arguments.file:
        print("Say what and which file: seatkeeper import entitlements purchases.csv", file=sys.stderr)
        return 2
    kind = kind_of(arguments.kind)
    settings = load()
    database = open_database(settings)
    try:
        return _import(kind, arguments, settings, database)
    except CannotRead as wrong:
        print(wrong, file=sys.stderr)
        return 1
    except RegisterRefused as wrong:
        print("\n".join([*wrong.lines(), "Nothing was imported."]), file=sys.stderr)
        return 1
    except IntegrityError:
        print("Somebody else wrote the same rows just now. Nothing was imported; import again.", file=sys.stderr)
        return 1
    finally:
        database.dispose()


def _template(kind: Kind, describe: bool) -> int:
    if not describe:
        csv.writer(sys.stdout, lineterminator="\n").writerow(kind.headings())
        return 0
    print(f"{kind.sentence}\n")
    for column in kind.columns:
        needed = "needed. " if column.required else ""
        also = f" Also: {', '.join(column.also)}." if column.also else ""
        text = textwrap.wrap(f"{needed}{column.sentence}{also}", 90)
        print(f"{column.name:<20} {text[0]}")
        for line in text[1:]:
            print(f"{'':<20} {line}")
    if kind.own_fields:
        print(f"{'field: NAME':<20} A column of your own, kept as it is.")
    return 0


def _import(kind: Kind, arguments: argparse.Namespace, settings: Settings, database: Database) -> int:
    now = ServiceClock(settings.clock_offset_file)()
    asks = sys.stdin.isatty() and not arguments.yes and not arguments.preview
    actor = f"operator:{getpass.getuser()}"[:60]
    with _bar() as tick:
        with open_sheet(arguments.file, arguments.sheet) as source:
            print(*source.notes, sep="\n", end="\n" if source.notes else "", file=sys.stderr)
            given = Format(arguments.decimal, arguments.dates)
            ready = run.prepare(kind, source, given, key=settings.key("product keys"), now=now, tick=tick)
        if not ready.reading.entries:
            print("The file has headings and no rows: nothing to import.")
            return 0
        if asks or arguments.preview:
            with database.unit_of_work() as work:  # left without a commit: nothing is kept
                outcome = ready.apply(work, actor, tick)
            tick("", 0, 0)
            _preview(ready, outcome)
            if arguments.preview:
                print("Nothing was changed: this is a preview.")
                return 0
            if not outcome.changes:
                print("There is nothing to change.")
                return 0
            if not _agreed(f"Import {plural(outcome.changes, 'row')}? [y/N] "):
                print("Nothing was changed.")
                return 0
        with database.unit_of_work() as work:
            outcome = ready.apply(work, actor, tick)
            work.commit()
    print(f"Imported {kind.name}: {outcome.sentence}")
    if not asks:
        print(*outcome.lines, sep="\n", end="\n" if outcome.lines else "")
    return 0


def _agreed(question: str) -> bool:
    """Whether somebody typed yes; a closed terminal is a no."""
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        print()
        return False


def _preview(ready: Import, outcome: Outcome) -> None:
    matched: Matched = ready.reading.matched
    print("Columns:", *(f"  {line}" for line in matched.told()), sep="\n")
    print("First rows:")
    for row in outcome.first:
        print("  " + ", ".join(f"{name} {value}" for name, value in row.items()))
    print(f"{outcome.kind.name}: {outcome.sentence}")
    for line in outcome.lines:
        print(line)


@contextmanager
def _bar() -> Iterator[Tick]:
    """A bar on standard error for long files, where somebody looks at a terminal."""
    shown = False

    def tick(what: str, done: int, total: int) -> None:
        nonlocal shown
        if not sys.stderr.isatty() or (max(done, total) < BAR_FROM and not shown):
            return
        shown = True
        if not what:
            text = ""
        elif total:
            full = _BAR * done // total
            text = f"{what:<6} [{'#' * full}{'.' * (_BAR - full)}] {done:,} of {total:,}"
        else:
            text = f"{what:<6} {done:,} rows"
        print(f"\r{text:<78}", end="\r" if not text else "", file=sys.stderr, flush=True)

    try:
        yield tick
    finally:
        if shown:
            print(file=sys.stderr)
