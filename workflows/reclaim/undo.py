"""Putting back what a list took: some or all of it, by a person who may confirm, while seat and data exist (rules §7).

The former holder's own "I need it back" is `seats.need_back`. Both come back exactly as they were while a seat is free;
without one the person is the first in the queue. After the end nothing is undone, and the sentence says since when.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from licensing.words import day, plural
from model.licences import Seat, SeatReturn
from model.positions import seat_figures
from model.reclaim import ReclaimCandidate
from model.session import UnitOfWork
from workflows import refusals, seats
from workflows.effects import PublishHome, enqueue
from workflows.reclaim import rights
from workflows.rules import Rules
from workflows.seat_returns import show_returned


class NothingToPutBack(refusals.Refusal):
    """All of it was put back already, or its time is over."""

    def __init__(self, ended: datetime | None) -> None:
        super().__init__(ended)
        self.ended = ended

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        if self.ended is not None:
            return f"Undo ended on {day(self.ended.date())}."
        return "Nothing of this is left to put back."


@dataclass(frozen=True)
class Ahead:
    """What "Put back" would do, for the question before it."""

    seats: int
    free: int | None  # None: without a limit
    until: datetime | None  # the earliest end among them

    @property
    def queued(self) -> int:
        """How many would wait at the top of the queue."""
        return 0 if self.free is None else max(0, self.seats - self.free)

    def words(self) -> str:
        """ "9 seats are free; 2 are in use, so 2 people join the queue at the top. The saving is taken back." """
        if not self.queued:
            return "A seat is free for each of them. The saving is taken back."
        free = plural(self.free or 0, "seat is", "seats are")
        queue = plural(self.queued, "person joins", "people join")
        used = plural(self.queued, "is in use", "are in use")
        return f"{free} free; {used}, so {queue} the queue at the top. The saving is taken back."


@dataclass(frozen=True)
class Done:
    """What was begun: on their way back at once, and first in the queue."""

    coming: int
    queued: int


def of_campaign(connection: Connection, campaign_id: int) -> list[int]:
    """Returns of a campaign that were taken and not put back, in the order of its list."""
    rows = connection.execute(
        select(SeatReturn.id)
        .join(ReclaimCandidate, ReclaimCandidate.seat_return_id == SeatReturn.id)
        .where(ReclaimCandidate.campaign_id == campaign_id, SeatReturn.state == "removed")
        .order_by(ReclaimCandidate.id)
    ).scalars()
    return list(rows)


def ahead(connection: Connection, return_ids: Collection[int], now: datetime) -> Ahead:
    """What putting these back would mean now."""
    rows = connection.execute(
        select(Seat.sku_id, func.count().label("n"), func.min(SeatReturn.undo_until).label("until"))
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .where(SeatReturn.id.in_(return_ids), SeatReturn.state == "removed", SeatReturn.undo_until > now)
        .group_by(Seat.sku_id)
    ).all()
    figures = seat_figures(connection, [row.sku_id for row in rows], now.date())
    limited = [(row.n, figures[row.sku_id].free) for row in rows]
    known = [min(count, max(0, free)) if free is not None else count for count, free in limited]
    free = None if all(one is None for _, one in limited) else sum(known)
    until = min((row.until for row in rows), default=None)
    return Ahead(sum(row.n for row in rows), free, until)


def put_back(work: UnitOfWork, rules: Rules, return_ids: Collection[int], by: int, now: datetime) -> Done:
    """Begin to put these seats back. Raises NotForYou, or NothingToPutBack when none of them can be.

    One whose time is over, or that somebody else put back first, is left out: pressing twice does it once.
    """
    coming = queued = 0
    ended: datetime | None = None
    rows = work.session.execute(
        select(SeatReturn)
        .where(SeatReturn.id.in_(return_ids))
        .order_by(SeatReturn.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalars()
    for row in list(rows):
        rights.require_confirming(work.connection, rules.policy, by, now)
        if row.state != "removed":
            continue
        try:
            at_once = seats.put_back(work, rules, row, by, now)
        except seats.UndoEnded as over:
            ended = over.when
            continue
        coming, queued = coming + at_once, queued + (not at_once)
        enqueue(work, [*show_returned(work, row.id), PublishHome(row.person_id)], now)
    if not coming + queued:
        raise NothingToPutBack(ended)
    return Done(coming, queued)
