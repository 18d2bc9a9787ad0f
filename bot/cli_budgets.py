"""`seatkeeper budgets`: what each cost centre or department may spend, has spent and is committed to, per currency."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.cli_common import SettingsLoader, in_words, open_database, policy_of
from bot.clock import ServiceClock
from bot.settings import load
from licensing.budgets import Line
from licensing.money import Money, rounded
from licensing.sheet import as_cell
from workflows.reads.budgets import budget_lines
from workflows.reads.next_terms import next_terms

COLUMNS = (
    "name", "year", "currency", "budget", "spent", "committed", "left", "spent_unknown", "committed_unknown",
)  # fmt: skip
_NOBODY = "(names none)"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "budgets",
        help="what cost centres and departments may spend, have spent and are committed to",
        description="A line per cost centre and currency: the year's budget, what invoices of the year bill, what "
        "purchases and next terms that are certain oblige to until the year's end beyond that, and what is left. "
        "Currencies are never added.",
    )
    parser.add_argument("--year", type=_year, help="a calendar year; without it this one")
    parser.add_argument("--by", choices=("cost-centre", "department"), default="cost-centre")
    parser.add_argument("--over", action="store_true", help="only what is over its budget, or has none")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.set_defaults(run=lambda args: run(args, load))


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 2000 <= int(text) <= 2100):
        raise argparse.ArgumentTypeError(f"a year is 2000 to 2100, it says {text}")
    return int(text)


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 printed, 1 no database, 2 wrong settings."""
    settings = settings_loader()
    now = now or ServiceClock(settings.clock_offset_file)()
    year = args.year or now.year
    with open_database(settings) as database:
        policy = policy_of(database)
        with database.reading() as connection:
            coming = next_terms(connection, policy, now)
            by_department = args.by == "department"
            found = budget_lines(connection, year, policy.procurement, departments=by_department, coming=coming)
    if args.over:
        found = [line for line in found if line.over or line.left is None]
    _print(found, year, args.format)
    return 0


def _print(found: Sequence[Line], year: int, form: str) -> None:
    if form == "json":
        json.dump([_shape(line, year) for line in found], sys.stdout, ensure_ascii=False, indent=2)
        print()
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for line in found:
            shape = _shape(line, year)
            writer.writerow([as_cell(shape[name]) for name in COLUMNS])
    elif not found:
        print(f"No budget, invoice or purchase of {year} is recorded.")
    else:
        width = max(len(line.name or _NOBODY) for line in found)
        for line in found:
            print(f"{(line.name or _NOBODY).ljust(width)}  {line}")


def _shape(line: Line, year: int) -> dict[str, Any]:
    """A line as exports carry it; None is not recorded. XXX is ISO 4217's code where no sum is known."""
    return {
        "name": line.name,
        "year": year,
        "currency": line.currency,
        "budget": _sum(line.budget),
        "spent": _sum(line.spent),
        "committed": _sum(line.committed),
        "left": _sum(line.left),
        "spent_unknown": line.spent_unknown,
        "committed_unknown": line.committed_unknown,
    }


def _sum(money: Money | None) -> str | None:
    return f"{rounded(money.amount):.2f}" if money is not None else None
