"""`seatkeeper renewals`: what has to be decided until when, what is missing, and calendars of it."""

from __future__ import annotations

import argparse
import csv
import getpass
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.cli_common import SettingsLoader, in_words, open_database, policy_of
from bot.clock import ServiceClock
from bot.settings import Settings, load
from licensing.sheet import as_cell
from licensing.words import and_more, day
from model.session import Database
from workflows.policy import Policy
from workflows.reads.renewals import RenewalRow, renewals

COLUMNS = (
    "reference", "contract", "products", "seats", "occasion", "term_from", "term_to", "decide_by", "days_left",
    "state", "owner", "renews_by_itself", "next_term_costs", "prices_unknown", "dates", "missing", "words",
)  # fmt: skip
_TABLE = ("", "contract", "holds", "decide by", "days", "state", "owner")
PRODUCTS_SHOWN = 2


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "renewals",
        help="what has to be decided until when: contracts and Microsoft subscriptions",
        description="Contracts and Microsoft subscriptions by the day to decide by. What lacks an end, a notice "
        "period, a price or an owner is listed as well, with who can fill it in.",
    )
    parser.add_argument("--within", metavar="DAYS", type=_days, help="only what has to be decided in so many days")
    parser.add_argument("--format", choices=("table", "csv", "json", "ics"), default="table")
    parser.add_argument("--calendar", metavar="EMAIL", help="print the private address of this person's calendar")
    parser.add_argument("--new", action="store_true", help="with --calendar: a new address; the old one ends")
    parser.add_argument(
        "--backtest", action="store_true", help="how far off forecasts of the past year would have been"
    )
    whatif = parser.add_argument_group("what if", "a contract under other assumptions, beside as is; each is a line")
    whatif.add_argument("--what-if", metavar="CONTRACT", help="the contract's number")
    whatif.add_argument("--product", help="which of its products, where it holds several")
    whatif.add_argument("--seats", type=int, action="append", default=[], help="that many seats; may be repeated")
    whatif.add_argument("--price", action="append", default=[], help="another price, such as 300.00EUR")
    whatif.add_argument("--rise", type=_percent, action="append", default=[], help="per cent more, or less: 5, -3")
    whatif.add_argument(
        "--head-count", type=_percent, action="append", default=[], help="per cent more people, or fewer"
    )
    whatif.add_argument("--tier", action="append", default=[], help="another tier of the product, at its price")
    whatif.add_argument("--bundle", action="append", default=[], help="a suite in its place, and what it covers")
    parser.set_defaults(run=lambda args: run(args, load))


def _percent(text: str) -> Decimal:
    try:
        given = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"per cent are written as 5 or -3, it says {text}") from None
    if not (given.is_finite() and Decimal(-100) <= given <= 1000):
        raise argparse.ArgumentTypeError(f"per cent are -100 to 1000, it says {text}")
    return given


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 <= int(text) <= 3660):
        raise argparse.ArgumentTypeError(f"a number of days is 0 to 3660, it says {text}")
    return int(text)


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 printed, 1 no such person or database, 2 wrong settings or use."""
    if args.new and not args.calendar:
        print("--new belongs to --calendar: seatkeeper renewals --calendar ana@example.com --new", file=sys.stderr)
        return 2
    settings = settings_loader()
    now = now or ServiceClock(settings.clock_offset_file)()
    with open_database(settings) as database:
        if args.calendar:
            return _calendar(database, settings, args.calendar, now, anew=args.new)
        if args.backtest:
            return _backtest(database, now)
        policy = policy_of(database)
        if args.what_if:
            return _what_if(database, policy, args, now)
        with database.reading() as connection:
            rows = renewals(connection, policy, now, args.within)
        _print(rows, args.format, now)
        return 0


def _print(rows: Sequence[RenewalRow], form: str, now: datetime) -> None:
    match form:
        case "json":
            json.dump([_shape(row, now.date()) for row in rows], sys.stdout, ensure_ascii=False, indent=2)
            print()
        case "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(COLUMNS)
            for row in rows:
                shape = _shape(row, now.date())
                writer.writerow([as_cell(shape[name], _part) for name in COLUMNS])
        case "ics":
            from workflows.renewals.calendar import ics

            sys.stdout.write(ics(rows, now).decode("utf-8"))
        case _:
            print(_table(rows, now.date()))


def _shape(row: RenewalRow, today: date) -> dict[str, Any]:
    """A row as exports carry it; None is not known."""
    occasion, cost = row.occasion, row.next_cost
    return {
        "reference": row.reference,
        "contract": row.subject.name,
        "products": list(row.subject.products),
        "seats": row.seats,
        "occasion": occasion.occasion.value if occasion else None,
        "term_from": occasion.starts_on.isoformat() if occasion else None,
        "term_to": occasion.ends_on.isoformat() if occasion else None,
        "decide_by": row.decide_by.isoformat() if row.decide_by else None,
        "days_left": (row.decide_by - today).days if row.decide_by else None,
        "state": str(row.state),
        "owner": row.owner or None,
        "renews_by_itself": row.subject.agreement.auto_renew,
        "next_term_costs": cost.rounded() if cost is not None else None,
        "prices_unknown": cost.unknown if cost is not None else None,
        "dates": [
            {
                "decision": one.decision.value,
                "decide_by": one.on.isoformat(),
                "not_before": one.not_before.isoformat() if one.not_before else None,
                "not_after": one.not_after.isoformat(),
                "why": one.why,
                "what": one.what,
                "source": one.source,
                "confirmed": one.confirmed,
            }
            for one in row.dates
        ],
        "missing": [one.value for one in row.missing],
        "words": row.words,
    }


def _part(one: Any) -> str:
    """A decision with its last day; anything else as it reads."""
    return f"{one['decision']} by {one['decide_by']}" if isinstance(one, dict) else str(one)


def _table(rows: Sequence[RenewalRow], today: date) -> str:
    if not rows:
        return "Nothing has to be decided. Contracts come from files: seatkeeper import --help"
    lines = [_TABLE, *(_line(row, today) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_TABLE))]

    def shown(line: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if at == 4 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    printed = []
    for row, line in zip([None, *rows], lines, strict=True):
        printed.append(shown(line))
        if row is None:
            continue
        printed += [f"    {one.why}" for one in row.dates if one.on == row.decide_by and one.why][:1]
        printed += [f"    not recorded: {row.missing_words}"] if row.missing else []
        printed += [f"    {row.subject.wrong}"] if row.subject.wrong else []
        printed += [f"    {row.words}"] if row.words else []
    return "\n".join(printed)


def _line(row: RenewalRow, today: date) -> tuple[str, ...]:
    by = row.decide_by
    seats = f", {row.seats:,}" if row.seats is not None else ""
    when = day(by) if by is not None else "not known"
    if row.occasion is not None and row.occasion.occasion.value == "review":
        when = "each quarter"
    return (
        row.reference,
        row.subject.name,
        f"{and_more(list(row.subject.products), PRODUCTS_SHOWN) or 'nothing on record'}{seats}",
        when,
        f"{(by - today).days:,}" if by is not None else "",
        row.state_words,
        row.owner or "nobody",
    )


def _calendar(database: Database, settings: Settings, email: str, now: datetime, *, anew: bool) -> int:
    from workflows.renewals import calendar

    with database.unit_of_work() as work:
        actor, key = f"operator:{getpass.getuser()}", settings.key("links")
        token = calendar.token_of(work, key, calendar.person_of(work.connection, email), actor, now, anew=anew)
        work.commit()
    print(calendar.address(settings.public_url, token))
    print("Whoever has this address can read it. --new makes another and ends this one.", file=sys.stderr)
    return 0


def _backtest(database: Database, now: datetime) -> int:
    """A line per product that is bought: its history, the method, and the error one to twelve months ahead."""
    from licensing.forecast import forecast
    from workflows.positions.subjects import subjects
    from workflows.positions.times import Times
    from workflows.renewals.outlook import months

    print(f"{'product':<36}{'months':>7}  {'method':<14}{'1':>12}{'3':>12}{'6':>12}{'12':>12}   months ahead")
    with database.reading() as connection:
        for one in subjects(connection, Times.today(now)):
            history = months(connection, one.product_id, one.sku_id, now.date())
            if not history:
                continue
            made = forecast(history, 12)
            tried = {each.months_ahead: f"{each.off:.1f} ({each.as_today_off:.1f})" for each in made.tried}
            cells = "".join(f"{tried.get(ahead, '–'):>12}" for ahead in (1, 3, 6, 12))
            print(f"{one.name[:35]:<36}{len(history):>7}  {made.method or 'too short':<14}{cells}")
    print("Seats off on average; in brackets what “as it is today” would have been off by.")
    return 0


def _what_if(database: Database, policy: Policy, args: argparse.Namespace, now: datetime) -> int:
    from bot.cli_whatif import told

    with database.reading() as connection:
        print("\n".join(told(connection, policy, args, now)))
    return 0
