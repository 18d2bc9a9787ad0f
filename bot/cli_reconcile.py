"""`seatkeeper reconcile`: what was bought, enabled, billed and given, a line per product, and what differs."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.cli_common import SettingsLoader, in_words, open_database, policy_of
from bot.clock import ServiceClock
from bot.settings import load
from licensing.money import rounded
from licensing.reconciliation.facts import KINDS, Compared, Difference
from licensing.sheet import as_cell
from licensing.words import day
from workflows.reads.reconciliation import STATES, DifferenceFacts, differences
from workflows.reconciling.gather import Looked, look

COLUMNS = (
    "product", "registered", "vendor", "invoiced", "assigned", "assigned_there", "kind", "words", "amount", "currency",
    "from", "to", "state", "owner", "answer", "evidence",
)  # fmt: skip
_TABLE = ("product", "bought", "enabled", "billed", "given")
_SIDES = ("registered", "vendor", "invoiced", "assigned", "assigned_there")


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "reconcile",
        help="hold purchases, the vendor's figures, invoices and seats against each other",
        description="A line per product with what was bought, enabled by the vendor, billed and given today, and "
        "under it what differs, with money and where its answer stands. Nothing is corrected. Finance answers in "
        "Slack. “?” is not known, which is not the same as 0.",
    )
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.add_argument("--differing", action="store_true", help="only products with a difference")
    parser.set_defaults(run=lambda args: run(args, load))


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 printed, 1 no database, 2 wrong settings."""
    settings = settings_loader()
    now = now or ServiceClock(settings.clock_offset_file)()
    with open_database(settings) as database:
        policy = policy_of(database)
        with database.reading() as connection:
            seen = look(connection, now.date(), grace_days=policy.procurement.invoice_grace_days)
            kept = {(one.kind.value, one.cause): one for one in differences(connection, states=tuple(STATES))}
    _print(seen, kept, args.format, now, differing=args.differing)
    return 0


Kept = Mapping[tuple[str, str], DifferenceFacts]


def _print(seen: Looked, kept: Kept, form: str, now: datetime, *, differing: bool) -> None:
    lines = [line for line in seen.products if line.differences or not differing]
    if form == "json":
        shape = {
            "at": now.date().isoformat(),
            "products": [
                _sides(line) | {"differences": [_difference(one, kept) for one in line.differences]} for line in lines
            ],
            "others": [_difference(one, kept) for one in seen.others],
        }
        json.dump(shape, sys.stdout, ensure_ascii=False, indent=2)
        print()
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for line in lines:
            for one in line.differences or (None,):
                shape = _sides(line) | (_difference(one, kept) if one is not None else {})
                writer.writerow([as_cell(shape.get(name)) for name in COLUMNS])
        for other in seen.others:
            shape = dict.fromkeys(_SIDES) | {"product": ""} | _difference(other, kept)
            writer.writerow([as_cell(shape.get(name)) for name in COLUMNS])
    else:
        print(_table(lines, seen, kept, now))


def _sides(line: Compared) -> dict[str, Any]:
    return {
        "product": line.sides.name,
        "registered": line.registered,
        "vendor": line.sides.vendor,
        "invoiced": line.invoiced,
        "assigned": line.sides.assigned,
        "assigned_there": line.sides.assigned_there,
    }


def _difference(one: Difference, kept: Kept) -> dict[str, Any]:
    """A difference as exports carry it; `state` None: no look has kept it yet."""
    line = kept.get((one.kind.value, one.cause))
    return {
        "kind": one.kind.value,
        "words": one.words,
        "amount": f"{rounded(one.money.amount):.2f}" if one.money is not None else None,
        "currency": one.money.currency if one.money is not None else None,
        "from": one.first.isoformat() if one.first else None,
        "to": one.last.isoformat() if one.last else None,
        "state": line.state if line is not None else None,
        "owner": line.owner.name if line is not None and line.owner is not None else None,
        "answer": line.answer if line is not None else None,
        "evidence": line.evidence if line is not None else None,
    }


def _table(lines: list[Compared], seen: Looked, kept: Kept, now: datetime) -> str:
    if not lines and not seen.others:
        return "Nothing differs. Purchases and invoices come from files: seatkeeper import --help"
    rows = [_TABLE, *(_row(line) for line in lines)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_TABLE))]
    printed = [f"As of {day(now.date())}."]
    for line, row in zip([None, *lines], rows, strict=True):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        printed.append("  ".join(cells).rstrip())
        printed += [_words(one, kept) for one in (line.differences if line is not None else ())]
    if seen.others:
        printed += ["", "Belonging to no product of the register, or written twice:"]
        printed += [_words(one, kept) for one in seen.others]
    return "\n".join(printed)


def _row(line: Compared) -> tuple[str, ...]:
    sides = line.sides
    unlimited = any(order.unlimited for order in sides.orders)
    bought = "unlimited" if unlimited else _number(line.registered)
    return (sides.name[:60], bought, _number(sides.vendor), _number(line.invoiced), _number(sides.assigned))


def _number(known: int | None) -> str:
    return f"{known:,}" if known is not None else "?"


def _words(one: Difference, kept: Kept) -> str:
    line = kept.get((one.kind.value, one.cause))
    money = str(one.money) if one.money is not None else "sum not known"
    state = f" [{STATES[line.state]}]" if line is not None else ""
    return f"    {KINDS[one.kind]}, {money}{state}: {one.words}"
