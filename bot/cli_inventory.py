"""`seatkeeper inventory`: the sources of inventories, and accepting the baseline of one."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bot.bootstrap import open_database
from bot.clock import ServiceClock
from bot.settings import load
from licensing.words import day, plural
from model.alerts import SourceState
from workflows.inventory import sources
from workflows.inventory.sources import Source


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "inventory",
        help="list the sources of device inventories, or accept one",
        description="Every source of inventories begins in observe: it fills the register and sends nothing to "
        "anybody. A licence manager accepts what it holds as the baseline; from then on changes raise alerts. "
        "A source that gains more devices in a day than policy allows goes back to observe.",
    )
    parser.add_argument("action", choices=("sources", "accept"))
    parser.add_argument("name", nargs="?", help="accept: which source, for example glpi")
    parser.add_argument("--by", metavar="EMAIL", help="accept: the licence manager who accepts")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.action == "accept" and not (arguments.name and arguments.by):
        print("Say which and who: seatkeeper inventory accept glpi --by dara@example.com", file=sys.stderr)
        return 2
    settings = load()
    database = open_database(settings)
    try:
        if arguments.action == "accept":
            now = ServiceClock(settings.clock_offset_file)()
            with database.unit_of_work() as work:
                source = sources.accept(work, arguments.name, arguments.by, now)
                work.commit()
            print(f"{source.name} is accepted, with {_held(source)}. What exists now is the baseline.")
            return 0
        with database.reading() as connection:
            listed = sources.listed(connection)
        if not listed:
            print("No agent has reported yet. Set INVENTORY_TOKEN and point agents at /inventory; the README says how.")
        for source in listed:
            print(_line(source))
        return 0
    finally:
        database.dispose()


def _line(source: Source) -> str:
    last = f", last report {source.last_report_at:%Y-%m-%d %H:%M} UTC" if source.last_report_at else ""
    if source.state == SourceState.ACCEPTED:
        stands = f"accepted by {source.accepted_by} on {day(source.since.date())}"
    else:
        stands = f"in observe since {day(source.since.date())}"
    words = f" {source.words}" if source.words else ""
    return f"{source.name}: {stands}; {_held(source)}{last}.{words}"


def _held(source: Source) -> str:
    counts = source.counts
    return (
        f"{plural(counts['devices'], 'device')}, {plural(counts['installations'], 'installation')}, "
        f"{plural(counts['undecided'], 'undecided title')}"
    )
