"""Seats as the directory shows them, per person and path, merged in slices beside the people.

A seat of ours that is shown by another path than we wrote down stays the same seat, with its end and its ground. What
we hold open and Microsoft no longer shows was taken there by somebody else: it is closed with today's date. A SKU held
by no path that Graph names is a defect of its answer, and what we hold of it is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, case, func, insert, literal, select, update
from sqlalchemy.orm import aliased

from model.licences import Seat, SeatReturn, Sku
from model.people import Person
from workflows.directory_merge import LAG
from workflows.directory_stage import HOLDING, PEOPLE, SEATS, UNEXPLAINED

_SEAT: Table = Seat.metadata.tables[Seat.__tablename__]
Key = tuple[int, int, str]  # person, SKU, path


def merge_seats(connection: Connection, which: ColumnElement[bool], now: datetime) -> tuple[int, int, str]:
    """The seats of these of the people laid down. Returns (opened, closed, digest of both)."""
    missed = _missed(connection, which)
    chain = hashlib.sha256()
    closed: list[int] = []
    if missed:
        people = {row.person_id for row in missed}
        moved = _moved(connection, missed, _new(connection, people))
        for seat, path in moved.items():
            connection.execute(update(_SEAT).where(_SEAT.c.id == seat).values(path=path))
        unexplained = _unexplained(connection, people)
        closed = [
            row.id
            for row in missed
            if row.id not in moved
            and row.path != "task"
            and row.began_at < now - LAG
            and (row.person_id, row.sku_id) not in unexplained
        ]
        if closed:
            connection.execute(update(_SEAT).where(_SEAT.c.id.in_(closed)).values(ended_at=now))
            chain.update(f"closed {sorted(closed)}".encode())
    _note_what_is_off(connection, which)
    opened = open_seats(connection, which, now)
    chain.update(f"opened {opened}".encode())
    return opened, len(closed), chain.hexdigest()


def open_seats(connection: Connection, which: ColumnElement[bool], now: datetime) -> int:
    """What is shown of these people and not held by our books is held from `now` on; returns how many seats.

    `now` is when the reading began: of a seat that ended since, it shows what was true before.
    """
    since = aliased(Seat)
    ended_since = select(since.id).where(since.person_id == Person.id, since.sku_id == Sku.id, since.ended_at > now)
    found = (
        _shown_and_not_held(which)
        .where(~ended_since.correlate(Person, Sku).exists())
        .add_columns(_held_since(now), literal(now, _SEAT.c.recorded_at.type), literal("baseline"), SEATS.c.off)
    )
    columns = ["person_id", "sku_id", "product_id", "path", "began_at", "recorded_at", "authorised_by", "off"]
    written = insert(_SEAT).from_select(columns, found).execution_options(preserve_rowcount=True)
    return connection.execute(written).rowcount


def _note_what_is_off(connection: Connection, which: ColumnElement[bool]) -> None:
    """Services are switched on and off inside a seat that stays: what the reading shows of them is kept with it."""
    shown = and_(SEATS.c.sku_guid == Sku.sku_id, SEATS.c.path == _SEAT.c.path, SEATS.c.state.in_(HOLDING))
    changed = update(_SEAT).where(
        which,
        ~PEOPLE.c.shadow,
        Person.directory_id == PEOPLE.c.directory_id,
        SEATS.c.directory_id == PEOPLE.c.directory_id,
        _SEAT.c.person_id == Person.id,
        _SEAT.c.sku_id == Sku.id,
        _SEAT.c.ended_at.is_(None),
        shown,
        _SEAT.c.off.is_distinct_from(SEATS.c.off),
    )
    connection.execute(changed.values(off=SEATS.c.off))


def registered(connection: Connection) -> str:
    """A digest of the SKUs that our register knows: of others no seat is kept."""
    known = connection.execute(select(Sku.sku_id).where(Sku.sku_id.is_not(None)).order_by(Sku.sku_id)).scalars()
    return hashlib.sha256("".join(str(one) for one in known).encode()).hexdigest()


def _held_since(now: datetime) -> Any:
    """Since when at least: Microsoft says when it last changed the assignment. Never before an earlier seat ended.

    Without it a company that begins today would judge nobody idle until every seat was watched for its idle days.
    """
    at = literal(now, _SEAT.c.began_at.type)
    since = func.coalesce(SEATS.c.since, at)
    before = aliased(Seat)
    ended = (
        select(func.max(before.ended_at))
        .where(before.person_id == Person.id, before.sku_id == Sku.id, before.ended_at.is_not(None))
        .correlate(Person, Sku)
        .scalar_subquery()
    )
    return case((since > at, at), (ended > since, ended), else_=since)


def _shown_and_not_held(which: ColumnElement[bool]) -> Any:
    return (
        select(Person.id, Sku.id, Sku.product_id, SEATS.c.path)
        .select_from(SEATS)
        .join(PEOPLE, and_(PEOPLE.c.directory_id == SEATS.c.directory_id, ~PEOPLE.c.shadow))
        .join(Person, Person.directory_id == SEATS.c.directory_id)
        .join(Sku, Sku.sku_id == SEATS.c.sku_guid)
        .outerjoin(
            Seat,
            and_(
                Seat.person_id == Person.id,
                Seat.sku_id == Sku.id,
                Seat.path == SEATS.c.path,
                Seat.ended_at.is_(None),
            ),
        )
        .where(
            which,
            SEATS.c.path != UNEXPLAINED,
            SEATS.c.state.in_(HOLDING),
            Seat.id.is_(None),
        )
    )


def _missed(connection: Connection, which: ColumnElement[bool]) -> list[Row[Any]]:
    """Open seats of these people that the reading does not show by the path we wrote down.

    What somebody asked for keeps its ground first.
    """
    return list(
        connection.execute(
            select(Seat.id, Seat.person_id, Seat.sku_id, Seat.path, Seat.began_at)
            .join(Sku, and_(Sku.id == Seat.sku_id, Sku.sku_id.is_not(None)))
            .join(Person, Person.id == Seat.person_id)
            .join(PEOPLE, and_(PEOPLE.c.directory_id == Person.directory_id, ~PEOPLE.c.shadow))
            .outerjoin(
                SEATS,
                and_(
                    SEATS.c.directory_id == Person.directory_id,
                    SEATS.c.sku_guid == Sku.sku_id,
                    SEATS.c.path == Seat.path,
                    SEATS.c.state.in_(HOLDING),
                ),
            )
            .where(
                which,
                Seat.ended_at.is_(None),
                SEATS.c.path.is_(None),
            )
            .order_by(Seat.line_id.is_(None), Seat.id)
        )
    )


def _new(connection: Connection, people: Iterable[int]) -> list[Key]:
    rows = connection.execute(_shown_and_not_held(Person.id.in_(people)))
    return [(row[0], row[1], row[3]) for row in rows]


def _unexplained(connection: Connection, people: Iterable[int]) -> set[tuple[int, int]]:
    rows = connection.execute(
        select(Person.id, Sku.id)
        .select_from(SEATS)
        .join(Person, Person.directory_id == SEATS.c.directory_id)
        .join(Sku, Sku.sku_id == SEATS.c.sku_guid)
        .where(SEATS.c.path == UNEXPLAINED, Person.id.in_(people))
    )
    return {(person, sku) for person, sku in rows}


def _moved(connection: Connection, missed: Iterable[Row[Any]], new: Iterable[Key]) -> Mapping[int, str]:
    """Seats that are shown by a path other than ours, each with that path. One being removed keeps the path that was
    confirmed."""
    going = set(
        connection.execute(select(SeatReturn.seat_id).where(SeatReturn.state.in_(["confirmed", "removing"]))).scalars()
    )
    free = list(new)
    moved: dict[int, str] = {}
    for row in missed:
        found = next((key for key in free if key[:2] == (row.person_id, row.sku_id)), None)
        if found is not None and row.id not in going:
            free.remove(found)
            moved[row.id] = found[2]
    return moved
