"""How a product's owner closes work done by hand in that product's own admin page."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, update

from licensing.words import cut
from model.events import Happened, Tag
from model.licences import Product, Seat, SeatReturn
from model.people import Person
from model.requests import Card, LicenceRequest, LineState, OwnerTask, RequestLine
from model.session import UnitOfWork
from workflows import cards, granting, refusals, seat_returns
from workflows.effects import Advance, Effect, PublishHome, ShowCard, ShowRequest, enqueue
from workflows.replies import About, Said
from workflows.request import settle
from workflows.rules import Rules
from workflows.task_opening import ask_anew, facts_of, renewed


class InTheWay(enum.StrEnum):
    """Why an owner could not do it."""

    NO_SEAT = "no_seat"
    UNKNOWN_THERE = "unknown_there"
    NO_RIGHT = "no_right"
    OTHER = "other"


class TaskClosed(refusals.Refusal):
    """The task is done or no longer needed."""

    def __init__(self, by: str, at: datetime | None) -> None:
        super().__init__(by, at)
        self.by, self.at = by, at

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        when = f" {instant(self.at)}" if self.at else ""
        return (
            f"{self.by} closed this{when}; your press changed nothing." if self.by else "Nothing to do here any more."
        )


class SeatGone(refusals.Refusal):
    """ "It does not work" about a seat that was given back, taken back or ended: giving it anew needs an approval."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "This seat was given back or has ended, so nothing was sent. You can ask for it again at any time."


class NotYourTask(refusals.Refusal):
    """The task belongs to somebody else."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return f"This waits for {self.name}. You can look, not press."


def done(work: UnitOfWork, rules: Rules, task_id: int, by: Person, now: datetime) -> OwnerTask:
    """The owner says it is done. Raises TaskClosed or NotYourTask."""
    task = _mine(work, task_id, by)
    task.state, task.done_by_id, task.done_at, task.version = "done", by.id, now, task.version + 1
    work.session.flush()  # the event and what follows read it
    actor = f"person:{by.id}"
    work.record([Happened(Tag.TASK_DONE, actor, f"task:{task.id}", facts_of(task))], now)
    if task.line_id is not None:
        granting.given(work, task.line_id, "task", actor, now, task=task.id)
    elif task.return_id is not None:
        seat_returns.removed(work, task.return_id, actor, now)
    enqueue(work, [*shown(work, task)], now)
    return task


def could_not(
    work: UnitOfWork, rules: Rules, task_id: int, by: Person, why: InTheWay, words: str, now: datetime
) -> None:
    """The owner says what is in the way: no seat goes to the queue, the rest to a person who can clear it.

    A seat that cannot be taken stays with its holder: its return is over, and whoever confirms anew makes a new task.
    """
    task = _mine(work, task_id, by)
    if task.return_id is not None:
        _not_taken(work, task, by, why, words, now)
        return
    task.state, task.words, task.version = "could_not", words or _SAID[why], task.version + 1
    work.session.flush()  # what follows reads it
    actor = f"person:{by.id}"
    work.record(
        [Happened(Tag.TASK_BLOCKED, actor, f"task:{task.id}", facts_of(task) | {"why": why.value}, {"words": words})],
        now,
    )
    if task.line_id is not None:
        if why is InTheWay.NO_SEAT:
            granting.no_seat_left(work, task.line_id, actor, now)
        else:
            granting.blocked(work, task.line_id, _BLOCKED_WORDS[why].format(words=words), actor, now)
    enqueue(work, [*shown(work, task)], now)


#: What the owner said, for the card of the task, when they chose an answer and wrote nothing.
_SAID = {
    InTheWay.NO_SEAT: "No seat is left.",
    InTheWay.UNKNOWN_THERE: "The person is not known there.",
    InTheWay.NO_RIGHT: "I have no right to do it.",
    InTheWay.OTHER: "",
}

_BLOCKED_WORDS = {
    InTheWay.UNKNOWN_THERE: "The person is not known in the product. Invite them there, then try again.",
    InTheWay.NO_RIGHT: "The product owner has no right to give seats there. Name another owner, then try again.",
    InTheWay.OTHER: "The product owner could not give the seat: {words}",
    InTheWay.NO_SEAT: "No seat is left.",
}


_NOT_TAKEN_WORDS = {
    InTheWay.UNKNOWN_THERE: "The person is not known in the product. Look there who has the seat.",
    InTheWay.NO_RIGHT: "The product owner has no right to take seats there. Name another owner, then confirm it anew.",
    InTheWay.OTHER: "The product owner could not take the seat: {words}",
    InTheWay.NO_SEAT: "The product owner could not take the seat. {words}",
}


def _not_taken(work: UnitOfWork, task: OwnerTask, by: Person, why: InTheWay, words: str, now: datetime) -> None:
    """Whoever confirmed it and IT hear why; of a list, whoever confirmed reads it in the list's own card."""
    said = _NOT_TAKEN_WORDS[why].format(words=words).strip()
    task.state, task.words, task.version = "closed", said, task.version + 1
    task.done_by_id, task.done_at = by.id, now
    work.session.flush()  # the event and what follows read it
    actor = f"person:{by.id}"
    facts = facts_of(task) | {"why": why.value}
    (event,) = work.record([Happened(Tag.TASK_BLOCKED, actor, f"task:{task.id}", facts, {"words": words})], now)
    assert task.return_id is not None  # noqa: S101  the caller looked
    seat_returns.not_removed(work, task.return_id, said, actor, now)
    row = work.session.get_one(SeatReturn, task.return_id)
    told = []
    if row.ground not in seat_returns.OF_ONE_SEAT:
        told.append(cards.channel("it_alerts"))  # of a single seat it heard with the return
    elif row.confirmed_by_id not in (row.person_id, by.id):
        told.append(cards.person(row.confirmed_by_id))
    product = work.session.get_one(Product, task.product_id).name
    note = Said(About.TEXT, text=f"A seat of {cut(product, 60)} was to be taken back and was not. {cut(said, 200)}")
    effects = shown(work, task)
    for to in told:
        effects += cards.new_card(work, cards.CardKind.NOTE, event, to, now, facts=note.facts())
    enqueue(work, effects, now)


def hand_on(work: UnitOfWork, rules: Rules, task_id: int, by: Person, to: Person, now: datetime) -> None:
    """Somebody else does it; both names stay in the record."""
    task = _mine(work, task_id, by)
    task.assignee_id, task.version = to.id, task.version + 1
    work.session.flush()  # the new card names the new assignee
    work.record([Happened(Tag.REQUEST_HANDED_ON, f"person:{by.id}", f"task:{task.id}", {"to": f"person:{to.id}"})], now)
    enqueue(work, [*shown(work, task), *renewed(work, task, now), PublishHome(by.id)], now)


def reopen(work: UnitOfWork, rules: Rules, request_id: int, by: Person, words: str, now: datetime) -> bool:
    """ "It does not work": the done task that gave `by` their seat, else the last one, is open again with these words.

    False if there is none. Raises SeatGone when none of the seats given so is held any more.
    """
    requester = select(LicenceRequest.requester_id).where(LicenceRequest.id == request_id).scalar_subquery()
    done_tasks = (
        select(OwnerTask, _held())
        .join(RequestLine, RequestLine.id == OwnerTask.line_id)
        .where(OwnerTask.request_id == request_id, OwnerTask.kind == "give", OwnerTask.state == "done")
        .where((RequestLine.person_id == by.id) | (requester == by.id))  # whoever asked speaks for all of them
        .order_by((RequestLine.person_id == by.id).is_(True).desc(), OwnerTask.done_at.desc())
    )
    found = work.session.execute(done_tasks).tuples().all()
    if not found:
        return False
    task = next((task for task, held in found if held), None)
    if task is None:
        raise SeatGone
    task.state, task.words, task.version = "open", words, task.version + 1
    ask_anew(work, rules, task, now)
    work.connection.execute(
        update(RequestLine).where(RequestLine.id == task.line_id).values(state=LineState.GRANTING, words=words[:500])
    )
    work.session.flush()  # settle reads the line
    events = [
        Happened(Tag.TASK_REOPENED, f"person:{by.id}", f"task:{task.id}", facts_of(task), {"words": words}),
        *settle(work, request_id, f"person:{by.id}", now),
    ]
    work.record(events, now)
    enqueue(work, [*renewed(work, task, now), Advance(request_id)], now)
    return True


def _held() -> ColumnElement[bool]:
    """Whether the seat that a line led to is in use still; one without a name has no row of its own."""
    seat = exists().where(
        Seat.person_id == RequestLine.person_id, Seat.line_id == OwnerTask.line_id, Seat.ended_at.is_(None)
    )
    return or_(RequestLine.person_id.is_(None), seat)


def _mine(work: UnitOfWork, task_id: int, by: Person) -> OwnerTask:
    task = work.session.get(OwnerTask, task_id, with_for_update=True)
    if task is None or task.state not in ("open", "could_not"):
        closer = work.session.get(Person, task.done_by_id) if task is not None and task.done_by_id else None
        raise TaskClosed(closer.name if closer else "", task.done_at if task else None)
    if task.assignee_id != by.id:
        raise NotYourTask(work.session.get_one(Person, task.assignee_id).name)
    return task


def shown(work: UnitOfWork, task: OwnerTask) -> list[Effect]:
    """Every message that speaks of the task."""
    if task.request_id is not None:
        return [ShowRequest(task.request_id), PublishHome(task.assignee_id)]
    rows = work.connection.execute(
        select(Card.id).where(Card.kind == cards.CardKind.TASK, Card.subject_id == task.id)
    ).scalars()
    return [*(ShowCard(card_id) for card_id in rows), PublishHome(task.assignee_id)]
