"""`seatkeeper reclaim`: campaigns in numbers, planning one, the kill switch, and which mailboxes are on hold.

Confirming a list is not here: that is done where each row, with its reason, is in front of a person (Slack).
"""

from __future__ import annotations

import argparse
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.bootstrap import Service, assemble
from bot.cli_common import Failed, in_words, person_at
from bot.settings import load
from licensing.words import day, plural
from model.reclaim import CampaignKind, ReclaimCampaign
from model.session import UnitOfWork
from workflows.positions.named import find
from workflows.reads.reclaim import CampaignFacts, campaigns, live_campaigns
from workflows.reclaim import asking, held, plan, switch
from workflows.reclaim.counters import Counters, counters

#: Kinds that somebody plans by hand; leavers' lists come by themselves.
KINDS = ("idle", "redundant", "review")


def add_parser(subparsers: Any) -> None:
    """Register the command and its verbs."""
    parser = subparsers.add_parser(
        "reclaim",
        help="campaigns to take seats back: see, plan, begin, call off, switch removals off",
        description="A campaign asks holders whether they still need a seat. Nothing is taken before a person with the "
        "right has confirmed a list in Slack.",
    )
    parser.set_defaults(run=run)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="campaigns that are not over, with their counters, and the switch")
    planning = verbs.add_parser("plan", help="a dry run: which seats would be asked about; nobody hears of it")
    planning.add_argument("product", metavar="PRODUCT")
    planning.add_argument("--kind", choices=KINDS, default="idle")
    planning.add_argument(
        "--decide-by", type=date.fromisoformat, metavar="DAY", help="plan backwards from this day (2027-01-29)"
    )
    for name, said in (("begin", "ask the holders"), ("cancel", "call it off: everybody keeps their seat")):
        verb = verbs.add_parser(name, help=said)
        verb.add_argument("campaign", metavar="CMP-12")
    switching = verbs.add_parser("switch", help="the kill switch, read before every single removal")
    switching.add_argument("to", choices=("on", "off"))
    switching.add_argument("--reason", default="", help="needed to switch off; whoever waits for a list reads it")
    holding = verbs.add_parser("holds", help="say which mailboxes are on litigation hold; good for 30 days")
    which = holding.add_mutually_exclusive_group(required=True)
    which.add_argument("--file", metavar="FILE", help="one mail address or sign-in name a line")
    which.add_argument("--none", action="store_true", help="sign with your name that there are none")
    for verb in (planning, verbs.choices["begin"], verbs.choices["cancel"], switching, holding):
        verb.add_argument(
            "--by", required=True, metavar="EMAIL", help="your address; what you do is kept with your name"
        )


@in_words
def run(arguments: argparse.Namespace) -> int:
    """0 done, 1 refused or unreadable, 2 wrong settings."""
    service = assemble(load())
    try:
        print("\n".join(_listed(service) if arguments.verb == "list" else [_done(service, arguments)]))
        return 0
    finally:
        service.close()


def _done(service: Service, arguments: argparse.Namespace) -> str:
    with service.database.unit_of_work() as work:
        by, now = person_at(work.connection, arguments.by), service.now()
        said = _VERBS[arguments.verb](work, service, arguments, by, now)
        work.commit()
    return said


def _plan(work: UnitOfWork, service: Service, arguments: argparse.Namespace, by: int, now: datetime) -> str:
    named = find(work.connection, arguments.product)
    if named.product_id is None:
        close = f" Close: {', '.join(named.near)}." if named.near else ""
        raise Failed(f"Nothing in the register is called “{arguments.product}”.{close}")
    kind, actor = CampaignKind(arguments.kind), f"person:{by}"
    row = plan.plan(work, service.rules(), named.product_id, kind, actor, now, decide_by=arguments.decide_by)
    work.session.flush()
    facts = campaigns(work.connection, [row.id], now)[row.id]
    numbers = counters(work.connection, [row.id], now.date()).get(row.id)
    return (
        f"{_line(facts, numbers)}\nNobody was asked. Ask the holders: seatkeeper reclaim begin {facts.reference} --by …"
    )


def _begin(work: UnitOfWork, service: Service, arguments: argparse.Namespace, by: int, now: datetime) -> str:
    row = asking.begin(work, service.rules(), _campaign(work, arguments.campaign), by, now)
    until = f" Answers by {day(row.answer_by)}." if row.answer_by else ""
    return f"The holders are being asked.{until} Nothing is taken without a list that somebody else confirms."


def _cancel(work: UnitOfWork, service: Service, arguments: argparse.Namespace, by: int, now: datetime) -> str:
    plan.cancel(work, service.rules(), _campaign(work, arguments.campaign), by, "", now)
    return "Called off: everybody keeps their seat, and whoever was asked is told."


def _switch(work: UnitOfWork, service: Service, arguments: argparse.Namespace, by: int, now: datetime) -> str:
    return switch.turn(work, arguments.to == "on", by, arguments.reason, now).text


def _holds(work: UnitOfWork, service: Service, arguments: argparse.Namespace, by: int, now: datetime) -> str:
    if arguments.none:
        return held.state_none(work, by, now).text
    try:
        lines = Path(arguments.file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        raise Failed(f"{arguments.file} cannot be read as UTF-8 text: {wrong}") from None
    return held.state_list(work, lines, by, now).text


_VERBS = {"plan": _plan, "begin": _begin, "cancel": _cancel, "switch": _switch, "holds": _holds}


def _campaign(work: UnitOfWork, reference: str) -> int:
    number = reference.upper().removeprefix("CMP-")
    known = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    if work.connection.execute(select(ReclaimCampaign.id).where(ReclaimCampaign.id == known)).first() is None:
        raise Failed(f"There is no campaign {reference}. See them with: seatkeeper reclaim list")
    return known


def _listed(service: Service) -> list[str]:
    with service.database.reading() as connection:
        ids = live_campaigns(connection, None)
        found = campaigns(connection, ids, service.now())
        numbers = counters(connection, ids, service.now().date())
        standing = switch.state(connection).words()
    lines = [_line(found[one], numbers.get(one)) for one in ids]
    return [*(lines or ["No campaign is running."]), standing]


def _line(facts: CampaignFacts, numbers: Counters | None) -> str:
    """ "CMP-12  Microsoft Copilot, idle, asking: 4 seats, asked 4, kept 1, given back 1, no answer 2"."""
    counts = [plural(len(facts.rows), "seat")]
    if numbers is not None:
        pairs = {
            "asked": numbers.asked,
            "kept": numbers.kept,
            "given back": numbers.given_back,
            "no answer": numbers.no_answer,
            "in use": numbers.in_use,
            "taken": numbers.taken,
            "put back": numbers.put_back,
        }
        counts += [f"{name} {count}" for name, count in pairs.items() if count]
    state = facts.state.value.replace("_", " ")
    words = f". {facts.words}" if facts.words else ""
    return f"{facts.reference}  {facts.product}, {facts.kind.value}, {state}: {', '.join(counts)}{words}"
