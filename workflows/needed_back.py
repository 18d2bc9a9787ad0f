"""Requests by which a seat that was taken back is given anew without an approval: one for each press of "I need it
back" that met no free seat or a seat given by hand. Each names its return in its key.
"""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import func, or_, select

from model.events import Happened, Tag
from model.licences import SeatReturn
from model.requests import LicenceRequest
from model.session import UnitOfWork
from workflows import seat_life, seat_returns
from workflows.effects import FollowReturn, PublishHome, enqueue
from workflows.reclaim import savings
from workflows.seat_life import Verb

_KEY = re.compile(r"back:(\d+)(?:-try\d+)?")


def return_of(key: str) -> int | None:
    """The return that the request with this key undoes."""
    found = _KEY.fullmatch(key)
    return int(found[1]) if found else None


def next_key(work: UnitOfWork, return_id: int) -> str:
    """The key of the next such request of a return, whose row the caller holds; it tells a second from a repeated."""
    key = LicenceRequest.submission_key
    first = f"back:{return_id}"
    made = select(func.count()).where(or_(key == first, key.like(f"{first}-try%")))
    before = work.connection.execute(made).scalar_one()
    return f"{first}-try{before + 1}" if before else first


def gave_up(work: UnitOfWork, request: LicenceRequest, actor: str, now: datetime) -> None:
    """The request was withdrawn or closed without a seat, and its caller holds it: its return is where it was.

    It can be needed back as before, until its time is over.
    """
    return_id = return_of(request.submission_key)
    if return_id is None:
        return
    row = work.session.get_one(SeatReturn, return_id, with_for_update=True, populate_existing=True)
    if not seat_life.can(row, Verb.GIVE_UP):
        return
    seat_life.move(row, Verb.GIVE_UP)
    row.restored_by_id, row.note = None, ""
    work.session.flush()
    facts = {"return": row.id, "request": request.id}
    work.record([Happened(Tag.SEAT_UNDO_GIVEN_UP, actor, f"seat:{row.seat_id}", facts)], now)
    savings.counts_again(work, row.id, request.created_at, now)
    shown = seat_returns.show_returned(work, row.id)
    enqueue(work, [*shown, FollowReturn(row.id), PublishHome(row.person_id)], now)
