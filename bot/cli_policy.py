"""`seatkeeper policy`: check a file, see what it would have changed, propose it, put it in force."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from bot.settings import Settings, SettingsError, load
from licensing.words import cut, day, plural
from migrations import current, head
from model.session import Database, DatabaseBusy, make_engine
from workflows import policies, policy_file
from workflows.policy_file import PolicyProblems
from workflows.reclaim import simulated
from workflows.refusals import Refusal
from workflows.simulate import Difference, Simulation

SettingsLoader = Callable[[], Settings]
_COLUMNS = (("Request", 9), ("Product", 26), ("Then", 40), ("Under the file", 40))


class Failed(Exception):
    """Ends the command with exit code 1; the argument is the line for the operator."""


def add_parser(subparsers: Any) -> None:
    """Register the command and its verbs."""
    parser = subparsers.add_parser(
        "policy",
        help="check, simulate, propose and activate the policy",
        description="The policy says what the company allows and who decides. A changed file takes effect only after "
        "one person proposed it and another activated it.",
    )
    parser.set_defaults(run=lambda args: run(args, load))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    checking = verbs.add_parser("check", help="say on which line something is wrong")
    checking.add_argument("file", metavar="FILE", help="a policy file, such as policy.yaml")

    simulating = verbs.add_parser(
        "simulate",
        help="list past requests that a file would have treated differently",
        description="Routes past requests under the policy they met and under FILE, over the same facts, and lists "
        "those that differ. Nothing is changed.",
    )
    simulating.add_argument("file", metavar="FILE", help="a policy file, such as policy.yaml")
    simulating.add_argument("--since", metavar="DATE", type=_day, help="only requests sent from this day on")
    simulating.add_argument("--format", choices=("table", "json"), default="table", help="table (default) or json")

    proposing = verbs.add_parser("propose", help="store a file as a proposal; somebody else activates it")
    proposing.add_argument("file", metavar="FILE", help="a policy file, such as policy.yaml")
    proposing.add_argument("--by", metavar="E-MAIL", required=True, help="your address in the staff directory")

    activating = verbs.add_parser("activate", help="put a version that somebody else proposed in force")
    activating.add_argument("version", metavar="VERSION", type=int, help="its number, see: seatkeeper policy list")
    activating.add_argument("--by", metavar="E-MAIL", required=True, help="your address in the staff directory")

    verbs.add_parser("list", help="list the stored versions, newest first")


def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 done, 1 something is wrong (said in a line on standard error), 2 wrong settings."""
    moment = now or datetime.now(UTC)
    try:
        if args.verb == "check":
            return _check(args.file)
        with open_database(settings_loader()) as database:
            verb = {"simulate": _simulate, "propose": _propose, "activate": _activate, "list": _list}[args.verb]
            return verb(database, args, moment)
    except SettingsError as wrong:
        print("\n".join(wrong.problems), file=sys.stderr)
        return 2
    except PolicyProblems as wrong:
        print("\n".join(wrong.lines()), file=sys.stderr)
        return 1
    except (Failed, Refusal) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    except DatabaseBusy:
        print("The database is busy. Nothing was changed; try again in a few seconds.", file=sys.stderr)
        return 1


def _check(file: str) -> int:
    text = _read(file)
    policy_file.load(text, Path(file).name)
    rules = len(list(policy_file.load(text, Path(file).name).rules()))
    print(f"{Path(file).name} is right: {plural(rules, 'rule')}. Simulate it before you propose it.")
    return 0


def _simulate(database: Database, args: argparse.Namespace, now: datetime) -> int:
    policy = policy_file.load(_read(args.file), Path(args.file).name)
    with database.reading() as connection:
        simulation = Simulation(connection, policy, now, args.since)
        if args.format == "json":
            _print_json(simulation)
        else:
            _print_table(simulation)
        seats = simulated.in_words(simulated.differences(connection, policy, now.date()))
    since = f" since {day(args.since)}" if args.since else ""
    asked = plural(simulation.looked_at, "request")
    print(
        f"{asked}{since} looked at: {simulation.different:,} would have gone differently, {simulation.refused:,} of "
        "them not taken. People and roles are those of today." + (f"\n{seats}" if seats else ""),
        file=sys.stderr,
    )
    return 0


def _print_json(simulation: Simulation) -> None:
    """One list, written difference by difference."""
    print("[", end="")
    for index, one in enumerate(simulation):
        row = asdict(one) | {"asked_on": one.asked_on.isoformat()}
        print(",\n " if index else "", json.dumps(row, ensure_ascii=False), sep="", end="")
    print("]")


def _print_table(simulation: Simulation) -> None:
    for index, one in enumerate(simulation):
        if index == 0:
            print("  ".join(title.ljust(width) for title, width in _COLUMNS).rstrip())
            print("  ".join("-" * width for _, width in _COLUMNS))
        print("\n".join(_row(one)))


def _row(one: Difference) -> Iterable[str]:
    cells = (one.reference, cut(one.product, 60), str(one.then), str(one.now))
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, (_, width) in zip(cells, _COLUMNS, strict=True)]
    for line in range(max(len(cell) for cell in wrapped)):
        parts = [
            (cell[line] if line < len(cell) else "").ljust(width)
            for cell, (_, width) in zip(wrapped, _COLUMNS, strict=True)
        ]
        yield "  ".join(parts).rstrip()


def _propose(database: Database, args: argparse.Namespace, now: datetime) -> int:
    text = _read(args.file)
    with database.unit_of_work() as work:
        version = policies.propose(work, text, args.by, now, Path(args.file).name)
        work.commit()
    print(f"Stored as version {version}. Somebody else puts it in force: seatkeeper policy activate {version} --by …")
    return 0


def _activate(database: Database, args: argparse.Namespace, now: datetime) -> int:
    with database.unit_of_work() as work:
        policies.activate(work, args.version, args.by, now)
        work.commit()
    print(f"Version {args.version} is in force. Open requests keep the steps they have.")
    return 0


def _list(database: Database, args: argparse.Namespace, now: datetime) -> int:
    with database.reading() as connection:
        found = policies.versions(connection)
    if not found:
        print("No version is stored yet: the first start takes over the file.")
    for one in found:
        proposed = f"proposed {day(one.proposed_at.date())} by {one.proposed_by}"
        activated = (
            f", activated {day(one.activated_at.date())} by {one.activated_by}" if one.activated_at is not None else ""
        )
        print(f"{one.id:>4}  {one.state:<9} {proposed}{activated}")
    return 0


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database at this program's schema. Raises Failed with what to do."""
    engine = make_engine(settings.database_url)
    try:
        try:
            at = current(engine)
        except OperationalError:
            raise Failed("The database cannot be reached: check DATABASE_URL.") from None
        if at != head():
            raise Failed("The database is not at this version's schema. Run: seatkeeper migrate")
        yield Database(engine)
    finally:
        engine.dispose()


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Failed(f"{file} is not UTF-8 text.") from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-11-23") from None
