"""Seats that somebody takes by hand: looked at again while their task is open, as each other one is before its write.

What no longer holds is called off, and its task closes. While removals are switched off the tasks say so.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select

from model.licences import Product, Seat, SeatReturn
from model.reclaim import ReclaimCandidate
from model.requests import OwnerTask
from model.session import UnitOfWork
from workflows import seat_returns
from workflows.effects import enqueue
from workflows.reclaim import taking
from workflows.reclaim.recheck import recheck
from workflows.rules import Rules
from workflows.seats import locked_return
from workflows.task_opening import open_take_task


def open_ones(connection: Connection) -> list[int]:
    """Confirmed returns whose task waits for a hand.

    Not agreed ends: an extension calls them off itself, and what is called off here is confirmed anew within the hour.
    """
    of_task = (OwnerTask.kind == "take", OwnerTask.state == "open")
    rows = connection.execute(
        select(SeatReturn.id)
        .join(OwnerTask, OwnerTask.return_id == SeatReturn.id)
        .where(SeatReturn.state == "confirmed", SeatReturn.ground != "agreed_end", *of_task)
        .order_by(SeatReturn.id)
    )
    return list(rows.scalars())


def ask(work: UnitOfWork, rules: Rules, now: datetime) -> None:
    """Ask for those whose day has come: a list goes by so many a day, by hand too."""
    rows = work.session.execute(
        select(SeatReturn, Seat, Product)
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .join(Product, Product.id == SeatReturn.product_id)
        .join(ReclaimCandidate, ReclaimCandidate.seat_return_id == SeatReturn.id)
        .where(
            SeatReturn.state == "confirmed",
            ReclaimCandidate.take_on <= now.date(),
            ~exists().where(OwnerTask.return_id == SeatReturn.id),
        )
        .order_by(SeatReturn.id)
        .with_for_update(of=SeatReturn)
    ).tuples()
    for row, seat, product in rows.all():
        if seat.ended_at is None and not seat_returns.by_graph(product, seat, rules):
            enqueue(work, open_take_task(work, rules, row.id, product, now), now)


def look(work: UnitOfWork, rules: Rules, return_id: int, now: datetime) -> None:
    """Call one off whose ground does not hold any more. A seat that is gone there waits for its owner's word."""
    row = locked_return(work, return_id)
    if row is None or row.state != "confirmed":
        return
    seat = work.session.get_one(Seat, row.seat_id, populate_existing=True)
    if seat.ended_at is not None:
        return
    gone = taking.not_held_any_more(work, rules, recheck, row, seat, now, None)
    if isinstance(gone, taking.Keep):
        seat_returns.called_off(work, row, gone.words, now)
        enqueue(work, seat_returns.show_returned(work, row.id), now)
