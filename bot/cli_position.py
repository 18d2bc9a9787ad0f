"""`seatkeeper position`: what is bought, used, free and short, for any day, and why it changed."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bot import cli_position_vendor
from bot.cli_common import Failed, SettingsLoader, in_words, open_database
from bot.clock import ServiceClock
from bot.settings import load
from licensing.position import changes
from licensing.position.facts import CoreProfile
from licensing.position.figure import Position, shown, sum_in_words, to_json
from licensing.sheet import as_cell
from licensing.words import joined
from model.session import Database
from workflows.positions import why
from workflows.positions.compute import Computed, positions
from workflows.positions.named import find
from workflows.positions.rows import takers
from workflows.positions.times import Times
from workflows.reads.vendor import standings

COLUMNS = (
    "product", "metric", "at", "known_at", "entitled", "consumed", "at_least", "undecided", "surplus", "shortfall",
    "at_risk", "wasted", "shelfware", "not_proven", "stale", "sources", "reasons",
)  # fmt: skip


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "position",
        help="what is bought, used, free and short, for any day, and why it changed",
        description="The effective licence position: entitlements against consumption, metric by metric, with the "
        "reasons and what it is worth. --at asks about another day as known now, --known-at as known then.",
    )
    parser.add_argument("product", metavar="PRODUCT", nargs="?", help="its name or key; without it all products")
    parser.add_argument("--at", metavar="DATE", type=_day, help="at the end of this day; without it today")
    parser.add_argument("--known-at", metavar="DATE", type=_instant, help="as known at the end of this day")
    parser.add_argument("--why", metavar=("FROM", "TO"), nargs=2, type=_day, help="why it changed between two days")
    parser.add_argument(
        "--rows", action="store_true", help="with PRODUCT: the purchases and everybody who takes a unit"
    )
    parser.add_argument("--proven", action="store_true", help="count only purchases with a proof of purchase")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.set_defaults(run=lambda args: run(args, load))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a day is written as 2026-11-23, it says {text}") from None


def _instant(text: str) -> datetime:
    """The end of a day, or an instant with its zone."""
    try:
        if len(text) <= 10:
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC) - timedelta(
                microseconds=1
            )
        given = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a day is written as 2026-11-23, it says {text}") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 printed, 1 no such product or database, 2 wrong settings or use."""
    if (args.why or args.rows) and not args.product:
        print(
            "Name one product for --why or --rows: seatkeeper position miro --why 2026-10-01 2026-11-01",
            file=sys.stderr,
        )
        return 2
    if args.why and args.why[1] < args.why[0]:
        print(f"--why takes the earlier day first: {args.why[1]} lies before {args.why[0]}.", file=sys.stderr)
        return 2
    settings = settings_loader()
    now = now or ServiceClock(settings.clock_offset_file)()
    with open_database(settings) as database:
        if args.why:
            return _why(database, args, now)
        times = Times(args.at or now.date(), args.known_at or now, now)
        return _positions(database, args, times)


def _product(database: Database, words: str) -> int:
    with database.reading() as connection:
        named = find(connection, words)
    if named.product_id is None:
        close = f" Close: {joined(named.near, 'or')}." if named.near else ""
        raise Failed(f"Nothing in the register is called “{words}”.{close}")
    return named.product_id


def _positions(database: Database, args: argparse.Namespace, times: Times) -> int:
    chosen = [_product(database, args.product)] if args.product else None
    with database.reading() as connection:
        found = positions(connection, times, chosen, proven=args.proven)
        match args.format:
            case "json":
                json.dump([to_json(one.position) for one in found], sys.stdout, ensure_ascii=False, indent=2)
                print()
            case "csv":
                _csv(one.position for one in found)
            case _:
                rows = list(found)
                print(_table(rows))
                if not args.product:
                    for line in cli_position_vendor.unknown(standings(connection, times.now.date())):
                        print(line)
                if args.product:
                    for one in rows:
                        _tell(one)
                        if one.subject.sku_id is None or len(rows) == 1:
                            of = standings(connection, times.now.date(), [one.subject.product_id])
                            print("\n".join(cli_position_vendor.lines(of)), end="\n" if of else "")
                        if args.rows:
                            profile = next((p.cores for p in reversed(one.facts.purchases) if p.cores), CoreProfile())
                            for row in takers(connection, times, one.subject, one.position.metric, profile):
                                outside = row.suite or ("excluded" if row.excluded else "")
                                print(f"  {row.name}: {shown(row.units)}{f', {outside}' if outside else ''}")
    return 0


def _csv(found: Iterable[Position]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        shape = to_json(one)
        writer.writerow([as_cell(shape[name], _part) for name in COLUMNS])


def _part(one: Any) -> str:
    """A source with the instant it was read; anything else as it reads."""
    if not isinstance(one, dict):
        return str(one)
    return f"{one['name']} {one['at']}" if one["at"] else f"{one['name']}, never"


def _table(found: Sequence[Computed]) -> str:
    if not found:
        return "Nothing is bought and nothing is used. Fill the register: seatkeeper import --help"
    head = ("product", "counted by", "bought", "in use", "free", "short", "at risk", "wasted a year")
    rows = [_line(one.position) for one in found]
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        left = [cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False)]
        right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        return "  ".join([*left, *right]).rstrip()

    return "\n".join([line(head), *(line(row) for row in rows)])


def _line(one: Position) -> tuple[str, ...]:
    def amount(value: Any) -> str:
        return "not known" if value is None else shown(value)

    bought = "unlimited" if one.unlimited else amount(one.entitled)
    used = f"{'at least ' if one.at_least else ''}{amount(one.consumed)}"
    if one.undecided:
        used += f" (up to + {one.undecided:,})"
    return (
        one.product,
        str(one.metric).replace("_", " "),
        f"{bought}{' (not proven)' if one.not_proven else ''}",
        used,
        "no limit" if one.unlimited and not one.surplus else amount(one.surplus),
        amount(one.shortfall),
        "not known" if one.at_risk is None else str(one.at_risk) if one.shortfall else "",
        str(one.wasted) if one.wasted else "",
    )


def _tell(one: Computed) -> None:
    position = one.position
    print(f"\n{position.product}, {str(position.metric).replace('_', ' ')}: {sum_in_words(position)}")
    for version in position.versions:
        bought = "unlimited" if version.entitled is None else shown(version.entitled)
        print(
            f"  version {version.version or 'any'}: {bought} bought, {shown(version.consumed)} in use, "
            f"{shown(version.surplus)} free, {shown(version.shortfall)} short"
        )
    for reason in position.reasons:
        print(f"  {reason}.")
    for source in position.sources:
        print(
            f"  Figures from {source.name}, {source.at:%d %b %Y, %H:%M} UTC."
            if source.at
            else f"  {source.name}: never."
        )


def _why(database: Database, args: argparse.Namespace, now: datetime) -> int:
    with database.reading() as connection:
        found = why.explain(connection, _product(database, args.product), args.why[0], args.why[1], now, args.known_at)
    if args.format == "json":
        json.dump([_explained(one) for one in found], sys.stdout, ensure_ascii=False, indent=2)
        print()
        return 0
    if args.format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("metric", "step", "free", "rows", "events"))
        for one in found:
            steps = {step.words: step for step in one.steps}
            for words, amount in changes.lines(one):
                step = steps.get(words)
                rows = ("; ".join(step.subjects), "; ".join(step.events)) if step else ("", "")
                writer.writerow((str(one.metric), words, amount.replace("−", "-"), *rows))
        return 0
    for one in found:
        print(f"{str(one.metric).replace('_', ' ')}: {changes.sentence(one)}")
        for words, amount in changes.lines(one):
            print(f"  {words:<32}{amount:>12}")
    if not found:
        print("There is no position on both days.")
    return 0


def _explained(one: changes.Explanation) -> dict[str, Any]:
    return {
        "metric": str(one.metric),
        "from": one.since.isoformat(),
        "to": one.until.isoformat(),
        "sentence": changes.sentence(one),
        "free": [None if amount is None else float(amount) for amount in one.free],
        "steps": [
            {
                "step": str(step.ground),
                "free": float(step.free),
                "rows": list(step.subjects),
                "events": list(step.events),
            }
            for step in one.steps
        ],
        "not_explained": None if one.not_explained is None else float(one.not_explained),
    }
