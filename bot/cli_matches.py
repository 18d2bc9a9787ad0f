"""`seatkeeper matches`: accounts that may or may not be one person, and saying which."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.cli_common import Failed, SettingsLoader, in_words, open_database
from bot.clock import ServiceClock
from bot.settings import load
from workflows import match_doubts, questions
from workflows.match_doubts import Answer
from workflows.questions import Answered


def add_parser(subparsers: Any) -> None:
    """Register the command and its verbs."""
    parser = subparsers.add_parser(
        "matches",
        help="list accounts that may be one person, and say whether they are",
        description="Slack accounts are matched to people by the link we hold, then by e-mail. Two candidates, or an "
        "address that moved, are not guessed: they wait here.",
    )
    parser.set_defaults(run=lambda args: run(args, load))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="each match that waits, with its number")
    for verb, words in (("same", "the account is this person's"), ("different", "it is not; do not ask again")):
        saying = verbs.add_parser(verb, help=words)
        saying.add_argument("number", metavar="NUMBER", type=int)
        saying.add_argument("--by", required=True, metavar="EMAIL", help="your address, for the audit trail")


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 done, 1 no such match or no database, 2 wrong settings."""
    settings = settings_loader()
    at = now or ServiceClock(settings.clock_offset_file)()
    with open_database(settings) as database:
        if args.verb == "list":
            with database.reading() as connection:
                print("\n".join(listed(connection)))
            return 0
        with database.unit_of_work() as work:
            try:
                words = match_doubts.settle(work, args.number, Answer(args.verb), args.by, at)
            except Answered:
                raise Failed(f"No match {args.number} waits for an answer: seatkeeper matches list") from None
            questions.redraw(work, match_doubts.MATTER, args.number, at)
            work.commit()
        print(words)
    return 0


def listed(connection: Connection) -> Iterator[str]:
    """One line for each match, or that there is none."""
    waiting = match_doubts.waiting(connection)
    for one in waiting:
        yield f"{one.id}  {one.name}: {one.words} ({one.account})"
    if not waiting:
        yield "No match waits for an answer."
