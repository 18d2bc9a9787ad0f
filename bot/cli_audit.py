"""`seatkeeper audit`: check the chain of the audit trail, here or as a file elsewhere, and export it."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cli_common import Failed, SettingsLoader, in_words, open_database
from bot.settings import load
from model import seal


def add_parser(subparsers: Any) -> None:
    """Register the command and its verbs."""
    parser = subparsers.add_parser(
        "audit",
        help="check or export the audit trail",
        description="Each event of the audit trail is linked to the one before it by a hash, so that nothing can be "
        "changed, moved or taken out without it being seen.",
    )
    parser.set_defaults(run=lambda args: run(args, load))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verifying = verbs.add_parser(
        "verify",
        help="check every link and name the first bad one",
        description="With FILE, an exported chain is checked without any database, also on another machine.",
    )
    verifying.add_argument("file", metavar="FILE", nargs="?", help="an exported chain; without it the database")
    exporting = verbs.add_parser(
        "export",
        help="write the chain as lines of JSON",
        description="Seals what is not sealed yet, then writes every link. Names and typed words stay out unless "
        "--personal is given; the chain can be checked either way.",
    )
    exporting.add_argument("--out", metavar="FILE", help="write to this file; without it to standard output")
    exporting.add_argument("--personal", action="store_true", help="include names and typed words; handle with care")


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 the chain is whole, 1 it is not or cannot be read, 2 wrong settings."""
    if args.verb == "verify" and args.file is not None:
        return _verify_file(args.file)
    with open_database(settings_loader()) as database:
        if args.verb == "verify":
            return _say(seal.verify_database(database))
        seal.seal(database, now or datetime.now(UTC))
        with ExitStack() as stack:
            out = stack.enter_context(_writing(args.out)) if args.out else sys.stdout
            connection = stack.enter_context(database.reading())
            links = seal.export(connection, out, personal=args.personal)
    print(f"{links:,} links written{f' to {args.out}' if args.out else ''}.", file=sys.stderr)
    return 0


def _verify_file(file: str) -> int:
    try:
        with Path(file).open(encoding="utf-8") as lines:
            return _say(seal.verify(lines))
    except UnicodeDecodeError:
        raise Failed(f"{file} is not UTF-8 text, so it is no exported chain.") from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from None


def _say(report: seal.ChainReport) -> int:
    if report.ok:
        print(f"{report.words} The last hash is {report.head}.")
        return 0
    print(report.words, file=sys.stderr)
    return 1


def _writing(file: str) -> Any:
    try:
        return Path(file).open("w", encoding="utf-8")
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.") from None
