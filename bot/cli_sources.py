"""`seatkeeper sources`: sources that are watched only, what they would have sent, accepting one; devices in doubt."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bot.cli_common import Failed, SettingsLoader, in_words, open_database, person_at
from bot.clock import ServiceClock
from bot.questions import devices
from bot.settings import load
from bot.views.observe_card import work_off_row, would_row
from licensing.words import day, plural
from model.alerts import InventorySource, SourceState
from model.people import Person
from model.session import Database
from model.tickets import SyncRun
from workflows import device_doubts, inventory_sources, policies, questions
from workflows.alerts.causes import picture
from workflows.alerts.observed import counts
from workflows.device_doubts import Answer
from workflows.inventory.intune import STOPPED
from workflows.inventory.intune_devices import SOURCE as INTUNE
from workflows.perform_mail import spoken
from workflows.permissions import Access, NotForYou, Page, access, licence_managers, parts_of
from workflows.reads.baselines import to_work_off, would_rows
from workflows.reads.doubts import doubts
from workflows.reads.home import roles


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
    listing = verbs.add_parser(
        "list",
        help="each source with its state; of one, what it would have sent",
        description="Without NAME each source with its state. With NAME what a source that is watched only would have "
        "sent, by product and cause, or what an accepted one left to work off.",
    )
    listing.add_argument("name", metavar="NAME", nargs="?", help="one source, as the list calls it")
    listing.add_argument("--by", metavar="EMAIL", help="your address: licence managers and IT see people and devices")
    verbs.add_parser("doubts", help="list devices that may be one machine or two, with their numbers")
    deciding = verbs.add_parser(
        "decide",
        help="say whether devices are one machine or two",
        description="The answer is carried out: of two devices that are one the later is retired and what it reports "
        "counts for the earlier; of one that is two the newer agent gets a device of its own.",
    )
    deciding.add_argument("number", metavar="NUMBER", type=int, help="the question, as the list numbers it")
    deciding.add_argument("answer", metavar="same|two", choices=("same", "two"), help="one machine, or two")
    deciding.add_argument("--by", required=True, metavar="EMAIL", help="your address; IT or a licence manager decides")
    accepting = verbs.add_parser("accept", help="accept what a source reports now as the baseline")
    accepting.add_argument("name", metavar="NAME", help="the source, as the list calls it")
    accepting.add_argument("--by", required=True, metavar="EMAIL", help="your address; you must be a licence manager")


@in_words
def run(args: argparse.Namespace, settings_loader: SettingsLoader, now: datetime | None = None) -> int:
    """0 done, 1 refused or unreadable, 2 wrong settings."""
    settings = settings_loader()
    at = now or ServiceClock(settings.clock_offset_file)()
    with open_database(settings) as database:
        if args.verb == "doubts":
            with database.reading() as connection:
                print("\n".join(doubtful(connection)))
        elif args.verb == "decide":
            print(decide(database, args.number, args.answer, args.by, at))
        elif args.verb == "list":
            with database.reading() as connection:
                lines = detailed(connection, args.name, args.by, at) if args.name else listed(connection, at)
                print("\n".join(lines))
        else:
            print(accept(database, args.name, args.by, at))
    return 0


def listed(connection: Connection, now: datetime) -> list[str]:
    """A line per source; those that are watched only say what they would have sent."""
    rows = connection.execute(
        select(*InventorySource.__table__.c, Person.name.label("by"))
        .outerjoin(Person, Person.id == InventorySource.accepted_by_id)
        .order_by(InventorySource.name)
    ).all()
    if not rows:
        return ["No source has reported yet.", *_not_read(connection)]
    would = picture(connection, policies.in_force(connection), None, now).would
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


def detailed(connection: Connection, name: str, email: str | None, now: datetime) -> list[str]:
    """One source: what it would have sent, or what is left to work off. Raises Failed for one that is not there."""
    state = connection.execute(select(InventorySource.state).where(InventorySource.name == name)).scalar()
    if state is None:
        raise Failed(f"There is no source {name}. See them with: seatkeeper sources list")
    if state == SourceState.ACCEPTED:
        left = to_work_off(connection, name, now)
        return [_plain(work_off_row(row)) for row in left] or ["Nothing was short when the baseline was accepted."]
    names = False
    if email:
        held = roles(connection, person_at(connection, email), now)
        names = access(Page.ALERTS, parts_of(held)) >= Access.ACT
        if not names:
            raise NotForYou("Who has it", licence_managers(connection))
    lines = []
    for row in would_rows(connection, policies.in_force(connection), name, now, names=names):
        lines.append(_plain(would_row(row)))
        lines += [f"  {who or 'nobody known'}: {device}" for who, device in row.where]
        if names and row.devices > len(row.where):
            lines.append(f"  and {row.devices - len(row.where)} more")
    return lines or ["Nothing would have been sent until now."]


def _plain(mrkdwn: str) -> str:
    """Without Slack's markup and the marks around names that a terminal does not need."""
    return spoken(mrkdwn).replace(" · ", ", ").translate({0x2068: None, 0x2069: None})


def doubtful(connection: Connection) -> list[str]:
    """A line per open question about devices."""
    found = doubts(connection)
    return [f"{one.id}: {_plain(devices.asked(one).words)}" for one in found] or ["No device is in doubt."]


def decide(database: Database, number: int, answer: str, email: str, now: datetime) -> str:
    """Say which, as somebody. Raises Failed for an unknown person, and what the operation raises."""
    said = Answer.ONE if answer == "same" else Answer.TWO
    with database.unit_of_work() as work:
        person_id = person_at(work.connection, email)
        held = roles(work.connection, person_id, now)
        words = questions.answer(work, device_doubts.MATTER, number, said, person_id, held, now)
        work.commit()
    return words


def accept(database: Database, name: str, email: str, now: datetime) -> str:
    """Accept a source as somebody. Raises Failed for an unknown source or person, and what the operation raises."""
    with database.unit_of_work() as work:
        source_id = work.connection.execute(select(InventorySource.id).where(InventorySource.name == name)).scalar()
        if source_id is None:
            raise Failed(f"There is no source {name}. See them with: seatkeeper sources list")
        person_id = person_at(work.connection, email)
        held = roles(work.connection, person_id, now)
        found = inventory_sources.accept_baseline(work, source_id, person_id, held, now)
        work.commit()
    installed, devices = plural(found["installations"], "installation"), plural(found["devices"], "device")
    short = plural(len(found["short"]), "shortfall")
    return f"{name} is accepted: {installed} on {devices} are the baseline, {short} to work off."
