"""The kill switch: one row per turn, the newest counts. Off means that lists are prepared and nothing is taken.

It is read before every single removal. Without any row removals are on: each of them has a person's word all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from licensing.words import isolate
from model.events import Happened, Tag
from model.people import Person
from model.reclaim import RemovalSwitch
from model.requests import Card, OwnerTask
from model.session import UnitOfWork
from workflows import cards, refusals
from workflows.effects import ShowCard, enqueue
from workflows.permissions import Duty
from workflows.reclaim import rights
from workflows.refusals import FieldRefusals, Refusal
from workflows.replies import About, Said


@dataclass(frozen=True)
class Switch:
    """How it stands, and who turned it last; `at` None: nobody ever did."""

    on: bool
    by: str = ""
    at: datetime | None = None
    reason: str = ""

    def words(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        """ "Eli Marsh switched removals off 23 Nov, 10:02 UTC." """
        if self.at is None:
            return "Removals are switched on."
        return f"{isolate(self.by)} switched removals {'on' if self.on else 'off'} {instant(self.at)}."


class SwitchedOff(Refusal):
    """Nothing is confirmed and nothing taken while removals are off."""

    def __init__(self, switch: Switch) -> None:
        super().__init__(switch)
        self.switch = switch

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return f"{self.switch.words(instant)} The list can be prepared, not confirmed."


def state(connection: Connection) -> Switch:
    """The switch as it stands now."""
    row = connection.execute(
        select(RemovalSwitch.on, RemovalSwitch.by, RemovalSwitch.at, RemovalSwitch.reason)
        .order_by(RemovalSwitch.id.desc())
        .limit(1)
    ).one_or_none()
    return Switch(True) if row is None else Switch(row.on, row.by, row.at, row.reason)


def is_on(connection: Connection) -> bool:
    """Whether removals may run; read it right before each of them."""
    return state(connection).on


def turn(work: UnitOfWork, on: bool, by: int | None, reason: str, now: datetime, *, operator: str = "") -> Said:
    """Turn removals on or off. `by` None: from the command line, by `operator`.

    Raises NotForYou, and FieldRefusals when nothing says why they go off.
    """
    if by is not None:
        rights.require(work.connection, Duty.SWITCH_REMOVALS, None, by, now)
    if not on and len(reason.strip()) < 3:
        raise FieldRefusals({"reason": "Say in a few words why: whoever waits for a list reads it."})
    before = state(work.connection)
    if before.on == on:
        return Said(About.TEXT, text=f"Removals are switched {'on' if on else 'off'} already.")
    name = work.session.get_one(Person, by).name if by is not None else operator or "the command line"
    row = RemovalSwitch(on=on, by_id=by, by=name[:320], at=now, reason=reason.strip()[:500])
    work.session.add(row)
    actor = f"person:{by}" if by is not None else f"operator:{operator}"[:60]
    personal = {"reason": row.reason} if row.reason else {}
    work.record([Happened(Tag.REMOVALS_SWITCHED, actor, "switch:removals", {"on": on}, personal)], now)
    work.session.flush()  # whoever draws the tasks reads it
    enqueue(work, _tasks_by_hand(work, on, now), now)
    words = (
        "Removals are on again: confirmed seats are taken as planned."
        if on
        else "Removals are off: nothing is taken back until somebody switches them on. Lists can be prepared."
    )
    return Said(About.TEXT, text=words)


def _tasks_by_hand(work: UnitOfWork, on: bool, now: datetime) -> list[ShowCard]:
    """Whoever was asked to take a seat by hand reads that it waits, and is asked anew when removals are on again."""
    effects: list[ShowCard] = []
    tasks = work.connection.execute(
        select(OwnerTask.id, OwnerTask.assignee_id)
        .where(OwnerTask.kind == "take", OwnerTask.state == "open")
        .order_by(OwnerTask.id)
    )
    for task in tasks.all():
        if on:
            effects += cards.new_card(work, cards.CardKind.TASK, task.id, cards.person(task.assignee_id), now)
            continue
        shown = select(Card.id).where(Card.kind == cards.CardKind.TASK, Card.subject_id == task.id, Card.live)
        effects += [ShowCard(card_id) for card_id in work.connection.execute(shown).scalars()]
    return effects
