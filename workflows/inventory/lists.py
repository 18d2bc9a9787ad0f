"""A device's list of software against the installations that are open: what came opens, what went is closed.

A full list closes rows of its own source and of sources that no longer report on the device. A row that a file brought
is handed over to the agent that sees the same, so that its removal is noticed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from model.inventory import Installation, Title
from model.session import UnitOfWork
from workflows import titles
from workflows.inventory.report import Software
from workflows.register.entries import Book
from workflows.register.history import chunks, table_of
from workflows.register.names import Products

AGENTS = frozenset({"fusioninventory", "ocs", "glpi", "osquery", "fleet"})
#: Titles whose ids are remembered: some thousand per company. Ids never change, so processes cannot disagree.
MOST_REMEMBERED = 200_000
#: Ids in one condition.
AT_ONCE = 500

_TABLE = table_of(Installation)
_INSERT = insert(_TABLE)
_OPEN = select(
    _TABLE.c.id,
    _TABLE.c.title_id,
    _TABLE.c.version,
    _TABLE.c.source,
    _TABLE.c.began_at,
    _TABLE.c.authorised_by,
).where(_TABLE.c.device_id == bindparam("device"), _TABLE.c.ended_at.is_(None))
_CLOSE = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("_id"))
    .values(ended_at=bindparam("_ended"), end_recorded_at=bindparam("_recorded"))
)


@dataclass
class Changes:
    """What a list changed: ids of titles that came and went."""

    opened: int = 0
    closed: int = 0
    title_ids: set[int] = field(default_factory=set)


class TitleIds:
    """Ids of titles by (title, publisher), remembered once they are committed."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}

    def find(self, work: UnitOfWork, software: Iterable[Software], at: datetime, now: datetime) -> list[int]:
        """An id for each row in order; titles nobody saw before meet the rules and are stored."""
        rows = list(software)
        ids = self._ids
        try:
            return [ids[one[0], one[1]] for one in rows]
        except KeyError:
            found = self._look_up(work, {(one[0], one[1]): one for one in rows if one[:2] not in ids}, at, now)
        work.after_commit(lambda: self._remember(found))
        return [found[place] if (place := (one[0], one[1])) in found else ids[place] for one in rows]

    def _look_up(
        self, work: UnitOfWork, wanted: dict[tuple[str, str], Software], at: datetime, now: datetime
    ) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for part in chunks(sorted({title for title, _ in wanted})):
            chosen = select(Title.id, Title.raw_title, Title.raw_publisher).where(Title.raw_title.in_(part))
            for title_id, title, publisher in work.connection.execute(chosen).tuples():
                if (title, publisher) in wanted:
                    found[title, publisher] = title_id
        new = [one for place, one in wanted.items() if place not in found]
        if new:
            book = Book(work, now)
            reported = [titles.Reported(one.title, one.publisher, one.version, at, now) for one in new]
            stored = titles.store(book, Products(book), reported)
            found |= {(one.title, one.publisher): stored[one.title, one.publisher]["id"] for one in new}
        return found

    def _remember(self, found: dict[tuple[str, str], int]) -> None:
        if len(self._ids) + len(found) > MOST_REMEMBERED:
            self._ids = {}
        self._ids |= found


def bring_in_line(
    work: UnitOfWork,
    ids: TitleIds,
    device_id: int,
    software: Collection[Software],
    *,
    source: str,
    others: Collection[str],
    at: datetime,
    now: datetime,
) -> Changes:
    """Open and close the installations of a device so that they say what its full list says.

    `others` are the other sources that reported on it lately: what they see is theirs to close.
    """
    changes = Changes()
    wanted = dict.fromkeys(zip(ids.find(work, software, at, now), (one.version for one in software), strict=True))
    opened: list[dict[str, Any]] = []
    closed: list[Row[Any]] = []
    for row in work.connection.execute(_OPEN, {"device": device_id}):
        place = (row.title_id, row.version)
        if place in wanted:
            del wanted[place]
            if row.source not in AGENTS:  # handed over
                closed.append(row)
                opened.append(_row(device_id, place, source, at, now) | {"authorised_by": row.authorised_by})
        elif row.source == source or (row.source in AGENTS and row.source not in others):
            closed.append(row)
            changes.closed += 1
            changes.title_ids.add(row.title_id)
    if closed:
        ends = [{"_id": row.id, "_ended": max(at, row.began_at), "_recorded": now} for row in closed]
        work.connection.execute(_CLOSE, ends)
    opened += [_row(device_id, place, source, at, now) for place in wanted]
    if opened:
        work.connection.execute(_INSERT, opened)
    changes.opened = len(wanted)
    changes.title_ids.update(title_id for title_id, _ in wanted)
    return changes


def _row(device_id: int, place: tuple[int, str], source: str, at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "title_id": place[0],
        "version": place[1],
        "source": source,
        "began_at": at,
        "recorded_at": now,
        "authorised_by": "nothing",
    }


def add_history(
    work: UnitOfWork,
    ids: TitleIds,
    device_id: int,
    software: Collection[Software],
    *,
    source: str,
    at: datetime,
    until: datetime,
    now: datetime,
) -> int:
    """What an older list shows and no row covers was there from `at` until the next report; returns how many rows."""
    places = zip(ids.find(work, software, at, now), (one.version for one in software), strict=True)
    there = work.connection.execute(
        select(_TABLE.c.title_id, _TABLE.c.version, _TABLE.c.began_at, _TABLE.c.ended_at).where(
            _TABLE.c.device_id == device_id
        )
    ).all()
    covered, begins = set(), dict[tuple[int, str], datetime]()
    for row in there:
        place = (row.title_id, row.version)
        if row.began_at <= at and (row.ended_at is None or row.ended_at > at):
            covered.add(place)
        elif row.began_at > at:
            begins[place] = min(row.began_at, begins.get(place, row.began_at))
    rows = [
        _row(device_id, place, source, at, now)
        | {"ended_at": min(until, begins.get(place, until)), "end_recorded_at": now}
        for place in dict.fromkeys(places)
        if place not in covered
    ]
    if rows:
        work.connection.execute(insert(_TABLE), rows)
    return len(rows)


def products_of(connection: Connection, title_ids: Collection[int]) -> tuple[int, ...]:
    """Products of titles, in order of their ids; undecided titles have none."""
    found: set[int] = set()
    for part in chunks(sorted(title_ids), AT_ONCE):
        chosen = select(Title.product_id).where(Title.id.in_(part), Title.product_id.is_not(None)).distinct()
        found.update(one for one in connection.execute(chosen).scalars() if one is not None)
    return tuple(sorted(found))
