"""`seatkeeper policy`: check a file, see what it would have changed, propose it, put it in force."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bot.cli_common import Failed, SettingsLoader, in_words, open_database
from bot.settings import SettingsError, load
from licensing.words import cut, day, plural
from model.session import Database
from workflows import policies, policy_file, policy_register
from workflows.policy import Policy
from workflows.reclaim import simulated
from workflows.simulate import Difference, Simulation
from workflows.simulate_alerts import AlertDifference, AlertSimulation

Columns = tuple[tuple[str, int], ...]
_COLUMNS: Columns = (("Request", 9), ("Product", 26), ("Then", 40), ("Under the file", 40))
_ALERT_COLUMNS: Columns = (("Alert", 9), ("Product", 26), ("In force", 40), ("Under the file", 40))


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
        help="list past requests and red alerts that a file would have treated differently",
        description="Routes past requests under the policy they met and under FILE, judges the red alerts of the last "
        "month and of today under the policy in force and under FILE, over the same facts, and lists those that "
        "differ. Nothing is changed.",
    )
    simulating.add_argument("file", metavar="FILE", help="a policy file, such as policy.yaml")
    simulating.add_argument("--since", metavar="DATE", type=_day, help="only requests and alerts from this day on")
    simulating.add_argument("--format", choices=("table", "json"), default="table", help="table (default) or json")

    proposing = verbs.add_parser("propose", help="store a file as a proposal; somebody else activates it")
    proposing.add_argument("file", metavar="FILE", help="a policy file, such as policy.yaml")
    proposing.add_argument("--by", metavar="E-MAIL", required=True, help="your address in the staff directory")

    activating = verbs.add_parser("activate", help="put a version that somebody else proposed in force")
    activating.add_argument("version", metavar="VERSION", type=int, help="its number, see: seatkeeper policy list")
    activating.add_argument("--by", metavar="E-MAIL", required=True, help="your address in the staff directory")

    verbs.add_parser("list", help="list the stored versions, newest first")


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 done, 1 something is wrong (said in a line on standard error), 2 wrong settings."""
    moment = now or datetime.now(UTC)
    if args.verb == "check":
        return _check(args.file, settings_loader)
    with open_database(settings_loader()) as database:
        verb = {"simulate": _simulate, "propose": _propose, "activate": _activate, "list": _list}[args.verb]
        return verb(database, args, moment)


def _check(file: str, settings_loader: SettingsLoader) -> int:
    """Needs no database; where one is there, names are compared with the register too."""
    text, name = _read(file), Path(file).name
    policy = policy_file.load(text, name)
    try:
        settings = settings_loader()
        url = make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise Failed("There is no database yet.")  # looking would make an empty one
        with open_database(settings) as database, database.reading() as connection:
            policy_register.check(connection, policy, text, name)
    except (SettingsError, Failed) as reason:
        print(f"Tiers were not compared with the register. {str(reason).splitlines()[0]}", file=sys.stderr)
    rules = len(list(policy.rules()))
    print(f"{Path(file).name} is right: {plural(rules, 'rule')}. Simulate it before you propose it.")
    return 0


def _simulate(database: Database, args: argparse.Namespace, now: datetime) -> int:
    policy = policy_file.load(_read(args.file), Path(args.file).name)
    with database.reading() as connection:
        simulation = Simulation(connection, policy, now, args.since)
        stored = policies.active(connection)
        in_force = policy_file.load(stored[1], "the policy in force") if stored else Policy()
        alerts = AlertSimulation(connection, in_force, policy, now, args.since)
        if args.format == "json":
            _print_json(simulation, alerts)
        else:
            _print_table(_COLUMNS, (_cells(one) for one in simulation))
            _print_table(_ALERT_COLUMNS, (_cells(one) for one in alerts), apart=bool(simulation.different))
        seats = simulated.in_words(simulated.differences(connection, policy, now.date()))
    since = f" since {day(args.since)}" if args.since else ""
    asked = plural(simulation.looked_at, "request")
    print(
        f"{asked}{since} looked at: {simulation.different:,} would have gone differently, {simulation.refused:,} of "
        "them not taken. People and roles are those of today." + (f"\n{seats}" if seats else ""),
        file=sys.stderr,
    )
    causes = plural(alerts.compared.looked_at, "cause")
    print(
        f"{causes} of red alerts{since or ' in the last 30 days'} looked at: {alerts.compared.different:,} would go "
        "differently.",
        *alerts.compared.lines(),
        sep="\n",
        file=sys.stderr,
    )
    return 0


def _print_json(simulation: Simulation, alerts: AlertSimulation) -> None:
    """One object, written difference by difference."""
    print('{"requests": [', end="")
    for index, one in enumerate(simulation):
        _print_row(index, asdict(one) | {"asked_on": one.asked_on.isoformat()})
    print('],\n "alerts": [', end="")
    for index, alert in enumerate(alerts):
        _print_row(index, asdict(alert))
    tallies = {cause.value: asdict(tally) for cause, tally in alerts.compared.by_cause.items()}
    print(f'],\n "alerts_by_cause": {json.dumps(tallies)}}}')


def _print_row(index: int, row: dict[str, Any]) -> None:
    print(",\n " if index else "", json.dumps(row, ensure_ascii=False), sep="", end="")


def _print_table(columns: Columns, rows: Iterable[tuple[str, ...]], *, apart: bool = False) -> None:
    for index, cells in enumerate(rows):
        if index == 0:
            if apart:
                print()
            print("  ".join(title.ljust(width) for title, width in columns).rstrip())
            print("  ".join("-" * width for _, width in columns))
        print("\n".join(_lines(columns, cells)))


def _cells(one: Difference | AlertDifference) -> tuple[str, ...]:
    return one.reference, cut(one.product, 60), str(one.then), str(one.now)


def _lines(columns: Columns, cells: tuple[str, ...]) -> Iterable[str]:
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, (_, width) in zip(cells, columns, strict=True)]
    for line in range(max(len(cell) for cell in wrapped)):
        parts = [
            (cell[line] if line < len(cell) else "").ljust(width)
            for cell, (_, width) in zip(wrapped, columns, strict=True)
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
