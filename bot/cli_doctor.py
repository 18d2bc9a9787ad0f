"""`seatkeeper doctor`: looks at everything the service needs and says what to do about what is not right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from bot import doctor_checks as checks
from bot import doctor_m365
from bot.bootstrap import NotReady, connect
from bot.doctor_checks import Line, guarded
from bot.doctor_servicenow import servicenow
from bot.settings import Settings, SettingsError, load
from licensing.words import plural
from migrations import current, head
from model.session import Database, make_engine
from workflows import match_doubts, policies, policy_file
from workflows.people import fallback_person
from workflows.policy import Policy
from workflows.policy_file import PolicyProblems
from workflows.reads import operations

SettingsLoader = Callable[[], Settings]


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="check settings, database, clock, sign-ins and permissions, and say what to do",
        description="Calls every system that is connected, reading only, and prints a line per finding. Ends with 1 "
        "when something fails.",
    )
    parser.set_defaults(run=lambda args: run(args, load))


def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: Callable[[], datetime] | None = None) -> int:
    """0 nothing fails, 1 something does, 2 wrong settings."""
    try:
        settings = settings_loader()
    except SettingsError as wrong:
        print("\n".join(wrong.problems), file=sys.stderr)
        return 2
    failed = 0
    for line in examine(settings, now or (lambda: datetime.now(UTC))):
        failed += line.level == "fail"
        print(f"{line.level:<5} {line.part}: {line.words}", flush=True)
    return 1 if failed else 0


def examine(settings: Settings, now: Callable[[], datetime]) -> Iterator[Line]:
    """Every finding, part by part; trouble in one part does not stop the next."""
    yield Line("ok", "Settings", "They can be read.")
    for sentence in settings.off():
        yield Line("warn", "Settings", sentence)
    policy = Policy()
    items: list[tuple[str, str]] = []
    try:
        with _database(settings) as database:
            found = yield from _stored(database, settings, now())
            policy = found or policy
            with database.reading() as connection:
                items = checks.catalogue_items(connection, policy)
    except NotReady as wrong:
        yield Line("fail", "Database", str(wrong))
    except SQLAlchemyError:
        yield Line("fail", "Database", "It cannot be reached: check DATABASE_URL, and that the server runs.")
    try:
        clients = connect(settings)
    except NotReady as wrong:
        yield Line("fail", "Settings", str(wrong))
        return
    if clients.slack is not None:
        slack = clients.slack
        yield from checks.clock(settings.slack_api_url, "Slack", now)
        yield from guarded("Slack", lambda: checks.slack(slack, settings))
    if clients.graph is not None:
        graph = clients.graph

        def of_use(held: frozenset[str] | None) -> Iterator[Line]:
            yield from doctor_m365.permissions(held)
            yield from doctor_m365.settings(graph, held)

        yield from checks.clock(_root(settings.graph_url), "Microsoft 365", now, settings.m365_ca_bundle)
        yield from guarded("Microsoft 365", lambda: checks.graph(graph, settings, policy, of_use))
    if clients.servicenow is not None:
        snow = clients.servicenow
        yield from checks.clock(settings.servicenow_url, "ServiceNow", now)
        yield from guarded("ServiceNow", lambda: servicenow(snow, policy, items))
    if settings.smtp_url:
        yield from guarded("Mail", lambda: checks.mail(settings))


class _database:  # noqa: N801  (reads as a word where it is used)
    """The database at this version's schema, closed at the end. Raises NotReady."""

    def __init__(self, settings: Settings) -> None:
        self._engine = make_engine(settings.database_url)

    def __enter__(self) -> Database:
        try:
            at = current(self._engine)
        except SQLAlchemyError:
            self._engine.dispose()
            raise
        if at != head():
            self._engine.dispose()
            raise NotReady(f"It is at revision {at or 'none'}, this version needs {head()}: run seatkeeper migrate.")
        return Database(self._engine)

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()


def _stored(database: Database, settings: Settings, now: datetime) -> Generator[Line, None, Policy | None]:
    """The schema is right here already; the policy in force, who decides at last, and work that waits."""
    yield Line("ok", "Database", "Reached, and at this version's schema.")
    with database.reading() as connection:
        active = policies.active(connection)
        parked = operations.parked(connection)
        people = operations.staff(connection)
        doubts = len(match_doubts.waiting(connection))
        health = doctor_m365.health(connection)
    policy = None
    if active is None:
        yield Line("warn", "Policy", f"None is in force yet: the first start takes over {settings.policy_file}.")
    else:
        try:
            policy = policy_file.load(active[1], f"version {active[0]}")
            yield Line("ok", "Policy", f"Version {active[0]} is in force.")
        except PolicyProblems as wrong:
            yield Line("fail", "Policy", f"This program cannot read the policy in force: {wrong.lines()[0]}")
    if not people:
        yield Line("warn", "People", "Nobody is in the staff directory yet: run seatkeeper sync m365 --full.")
    elif policy is not None:
        with database.unit_of_work() as work:
            try:
                fallback_person(work, policy, now)
            except LookupError as empty:
                yield Line("warn", "People", f"{str(empty)[:1].upper()}{str(empty)[1:]}, or give somebody the role.")
    if doubts:
        said = f"{plural(doubts, 'match', 'matches')} of accounts to people must be settled"
        yield Line("warn", "People", f"{said}: seatkeeper matches list.")
    yield from doctor_m365.sources(health)
    for cause in parked:
        yield Line("warn", "Work", f"{len(cause.ids):,} parked: {cause.words} Run it again when that is settled.")
    return policy


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
