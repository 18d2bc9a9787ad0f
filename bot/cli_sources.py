"""`seatkeeper sources`: which sources of inventories are watched only, what they would have sent, and accepting one."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bot.cli_policy import Failed, SettingsLoader, open_database
from bot.clock import ServiceClock
from bot.settings import SettingsError, load
from licensing.words import day, plural
from model.alerts import InventorySource, SourceState
from model.people import Person
from model.session import Database, DatabaseBusy
from model.tickets import SyncRun
from workflows import inventory_sources, policies, policy_file
from workflows.alerts_facts import picture
from workflows.alerts_observed import counts
from workflows.inventory.intune import STOPPED
from workflows.inventory.intune_devices import SOURCE as INTUNE
from workflows.policy import Policy
from workflows.reads.home import roles
from workflows.refusals import Refusal


def add_parser(subparsers: Any) -> None:
    """Register the command and its verbs."""
    parser = subparsers.add_parser(
        "sources",
        help="list sources of inventories with what they would have sent, or accept one",
        description="A new source is watched only: it fills the register, and nobody hears of it. Accepting it adopts "
        "what it reports now as the baseline; what comes later counts.",
    )
    parser.set_defaults(run=lambda args: run(args, load))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="each source with its state")
    accepting = verbs.add_parser("accept", help="accept what a source reports now as the baseline")
    accepting.add_argument("name", metavar="NAME", help="the source, as the list calls it")
    accepting.add_argument("--by", required=True, metavar="EMAIL", help="your address; you must be a licence manager")


def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 done, 1 refused or unreadable, 2 wrong settings."""
    try:
        settings = settings_loader()
        at = now or ServiceClock(settings.clock_offset_file)()
        with open_database(settings) as database:
            if args.verb == "list":
                with database.reading() as connection:
                    print("\n".join(listed(connection, at)))
            else:
                print(accept(database, args.name, args.by, at))
        return 0
    except SettingsError as wrong:
        print("\n".join(wrong.problems), file=sys.stderr)
        return 2
    except (Failed, Refusal) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    except DatabaseBusy:
        print("The database is busy. Nothing was changed; try again in a few seconds.", file=sys.stderr)
        return 1


def listed(connection: Connection, now: datetime) -> list[str]:
    """A line per source; those that are watched only say what they would have sent."""
    rows = connection.execute(
        select(*InventorySource.__table__.c, Person.name.label("by"))
        .outerjoin(Person, Person.id == InventorySource.accepted_by_id)
        .order_by(InventorySource.name)
    ).all()
    if not rows:
        return ["No source has reported yet.", *_not_read(connection)]
    stored = policies.active(connection)
    would = picture(connection, policy_file.load(stored[1]) if stored else Policy(), None, now).would
    lines = []
    for source in rows:
        by = source.by
        if source.state == SourceState.ACCEPTED:
            on = f" on {day(source.accepted_at.date())}" if source.accepted_at else ""
            lines.append(f"{source.name}: accepted{f' by {by}' if by else ''}{on}")
            continue
        sent = counts(would[source.name]) if source.name in would else {"alerts": 0, "tickets": 0, "questions": 0}
        said = ", ".join(plural(number, what.removesuffix("s")) for what, number in sent.items())
        why = f" {source.words}" if source.words else ""
        lines.append(f"{source.name}: watched only since {day(source.since.date())}; would have sent {said}.{why}")
    return [*lines, *_not_read(connection)]


def _not_read(connection: Connection) -> list[str]:
    """Why Intune was not read at the last try; nothing while it is."""
    last = connection.execute(
        select(SyncRun.began_at, SyncRun.outcome, SyncRun.words)
        .where(SyncRun.source == INTUNE)
        .order_by(SyncRun.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.outcome != STOPPED:
        return []
    return [f"{INTUNE}: not read on {day(last.began_at.date())}. {last.words}"]


def accept(database: Database, name: str, email: str, now: datetime) -> str:
    """Accept a source as somebody. Raises Failed for an unknown source or person, and what the operation raises."""
    with database.unit_of_work() as work:
        source_id = work.connection.execute(select(InventorySource.id).where(InventorySource.name == name)).scalar()
        if source_id is None:
            raise Failed(f"There is no source {name}. See them with: seatkeeper sources list")
        person_id = work.connection.execute(
            select(Person.id).where(Person.email == email.strip().lower(), Person.active)
        ).scalar()
        if person_id is None:
            raise Failed(f"Nobody in the staff directory has the address {email}. Use your address at work.")
        held = roles(work.connection, person_id, now)
        found = inventory_sources.accept_baseline(work, source_id, person_id, held, now)
        work.commit()
    installed, devices = plural(found["installations"], "installation"), plural(found["devices"], "device")
    short = plural(len(found["short"]), "shortfall")
    return f"{name} is accepted: {installed} on {devices} are the baseline, {short} to work off."
