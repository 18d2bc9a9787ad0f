"""Reserving seats: the one place where "is there a seat" is decided, under a lock on the SKU.

Two approvals of the last seat meet here; the second joins the queue. The lock is the SKU's row on PostgreSQL and the
writing transaction itself on SQLite.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, cast, exists, func, literal, or_, select, update

from model.contracts import Entitlement
from model.events import Event, Happened, Tag
from model.licences import Seat, Sku
from model.positions import seat_figures
from model.requests import LicenceRequest, LineState, OwnerTask, RequestLine, Status
from model.session import UnitOfWork
from workflows.effects import Advance, Effect
from workflows.reclaim import savings
from workflows.request import settle


def lock_sku(work: UnitOfWork, sku_id: int) -> None:
    """Nobody else reserves of this SKU until the transaction ends."""
    work.connection.execute(select(Sku.id).where(Sku.id == sku_id).with_for_update()).one()


def free_now(work: UnitOfWork, sku_id: int, now: datetime) -> int | None:
    """Seats that could be reserved this moment; None without a limit. Call with the SKU locked."""
    if _said_full(work, sku_id):
        return 0
    return seat_figures(work.connection, [sku_id], now.date())[sku_id].free


def _said_full(work: UnitOfWork, sku_id: int) -> bool:
    """The owner found no seat left there, whatever our register counts, and none came back or was bought since."""
    said = work.connection.execute(
        select(func.max(Event.at))
        .join(OwnerTask, Event.subject == literal("task:") + cast(OwnerTask.id, String))
        .join(RequestLine, RequestLine.id == OwnerTask.line_id)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(
            Event.tag == Tag.TASK_BLOCKED,
            OwnerTask.state == "could_not",
            RequestLine.state == LineState.QUEUED,
            LicenceRequest.sku_id == sku_id,
        )
    ).scalar()
    if said is None:
        return False
    came = or_(
        exists().where(Seat.sku_id == sku_id, Seat.ended_at > said),
        exists().where(Entitlement.sku_id == sku_id, Entitlement.recorded_at > said),
    )
    return not work.connection.execute(select(came)).scalar_one()


def reserve(work: UnitOfWork, request_id: int, sku_id: int, now: datetime) -> tuple[int, int]:
    """Reserve what is free for the request's wanted lines, queue the others. Returns (reserved, queued)."""
    lock_sku(work, sku_id)
    waiting_before = _queued_ahead(work, sku_id, request_id)
    free = free_now(work, sku_id, now)
    lines = list(
        work.connection.execute(
            select(RequestLine.id)
            .where(RequestLine.request_id == request_id, RequestLine.state == LineState.WANTED)
            .order_by(RequestLine.person_id.is_(None), RequestLine.id)
        ).scalars()
    )
    # whoever waits already comes first
    usable = len(lines) if free is None else max(0, min(len(lines), free - waiting_before))
    _set(work, lines[:usable], LineState.RESERVED)
    savings.avoided(work, sku_id, [request_id] * usable, free, now)
    _set(work, lines[usable:], LineState.QUEUED)
    return usable, len(lines) - usable


def match_queue(work: UnitOfWork, sku_id: int, now: datetime) -> list[Effect]:
    """Hand what is free to the lines that wait, oldest request first. Returns the effects that go on from there.

    Requests are held before the SKU and the lines, as whoever reserves or withdraws does; else two wait for each other.
    """
    queued = RequestLine.state == LineState.QUEUED
    served_here = (
        LicenceRequest.sku_id == sku_id,
        LicenceRequest.status.in_([Status.WAITING_FOR_SEAT, Status.FULFILLING, Status.FAILED]),
    )
    theirs = exists().where(RequestLine.request_id == LicenceRequest.id, queued)
    held = select(LicenceRequest.id).where(*served_here, theirs).order_by(LicenceRequest.id).with_for_update()
    work.connection.execute(held).all()
    lock_sku(work, sku_id)
    free = free_now(work, sku_id, now)
    waiting = work.connection.execute(
        select(RequestLine.id, RequestLine.request_id)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(*served_here, queued)
        .order_by(LicenceRequest.queued_at, LicenceRequest.id, RequestLine.id)
    ).all()
    wanted = waiting if free is None else waiting[:free]
    if not wanted:
        return []
    taken = set(
        work.connection.execute(
            update(RequestLine)
            .where(RequestLine.id.in_([line.id for line in wanted]), RequestLine.state == LineState.QUEUED)
            .values(state=LineState.RESERVED)
            .returning(RequestLine.id)
        ).scalars()
    )
    served = [line for line in wanted if line.id in taken]  # whoever left the queue at this moment gets nothing
    requests = sorted({line.request_id for line in served})
    events: list[Happened] = []
    for request_id in requests:
        seats = sum(1 for line in served if line.request_id == request_id)
        events.append(
            Happened(Tag.REQUEST_RESERVED, "rule:queue", f"request:{request_id}", {"seats": seats, "sku": sku_id})
        )
        events += settle(work, request_id, "rule:queue", now)
    work.record(events, now)
    savings.avoided(work, sku_id, [line.request_id for line in served], free, now)
    # the places of all others have moved
    others = {line.request_id for line in waiting} - set(requests)
    return [Advance(request_id) for request_id in [*requests, *sorted(others)]]


def waiting_requests(work: UnitOfWork, sku_id: int, but: int) -> list[int]:
    """The other requests in the queue of a SKU, whose places change when one joins or leaves."""
    return list(
        work.connection.execute(
            select(LicenceRequest.id)
            .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
            .where(LicenceRequest.sku_id == sku_id, LicenceRequest.id != but, RequestLine.state == LineState.QUEUED)
            .distinct()
            .order_by(LicenceRequest.id)
        ).scalars()
    )


def _queued_ahead(work: UnitOfWork, sku_id: int, request_id: int) -> int:
    return work.connection.execute(
        select(func.count())
        .select_from(RequestLine)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(
            LicenceRequest.sku_id == sku_id,
            LicenceRequest.id != request_id,
            RequestLine.state == LineState.QUEUED,
        )
    ).scalar_one()


def _set(work: UnitOfWork, line_ids: list[int], state: LineState) -> None:
    if line_ids:
        work.connection.execute(update(RequestLine).where(RequestLine.id.in_(line_ids)).values(state=state))
