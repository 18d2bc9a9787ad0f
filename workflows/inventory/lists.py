"""A device's list of software against the installations that are open: what came opens, what went is closed.

A full list closes rows of its own source and of sources that no longer report on the device. A row that a file brought
is handed over to the agent that sees the same, so that its removal is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, insert, select, text, update

from model.base import UtcTime
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

_TABLE = table_of(Installation)
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
    .where(_TABLE.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        ended_at=case((_TABLE.c.began_at > bindparam("at", type_=UtcTime), _TABLE.c.began_at), else_=bindparam("at")),
        end_recorded_at=bindparam("recorded"),
    )
)
#: One row with a list: some hundred products of a notebook need not be hundred rows.
_PRODUCTS = {
    "sqlite": text(
        "SELECT json_group_array(DISTINCT product_id) FROM title WHERE product_id IS NOT NULL "
        "AND id IN (SELECT value FROM json_each(:titles))"
    ),
    "postgresql": text(
        "SELECT array_agg(DISTINCT product_id) FROM title WHERE product_id IS NOT NULL "
        "AND id = ANY(CAST(:titles AS bigint[]))"
    ),
}
#: A list is written by one statement: as rows each would be a round trip on PostgreSQL, and a fivefold cost on SQLite.
_INTO = "INSERT INTO installation (device_id, title_id, version, source, began_at, recorded_at, authorised_by) SELECT "
_TIMES = (bindparam("began", type_=UtcTime), bindparam("recorded", type_=UtcTime))
_INSERT = {
    "sqlite": text(
        _INTO + ":device, json_extract(value, '$[0]'), json_extract(value, '$[1]'), :source, :began, :recorded, "
        "'nothing' FROM json_each(:rows)"
    ).bindparams(*_TIMES),
    "postgresql": text(
        _INTO + ":device, x.title, x.version, :source, :began, :recorded, 'nothing' "
        "FROM unnest(CAST(:titles AS bigint[]), CAST(:versions AS text[])) AS x (title, version)"
    ).bindparams(*_TIMES),
}


@dataclass
class Changes:
    """How many installations a list opened and closed, and the titles that went and came."""

    opened: int = 0
    closed: int = 0
    gone: list[int] = field(default_factory=list)
    came: list[int] = field(default_factory=list)


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
        # in one order, so that two deliveries with the same new titles do not wait for one another
        new = [wanted[place] for place in sorted(wanted.keys() - found.keys())]
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
    is_new: bool,
    at: datetime,
    now: datetime,
) -> Changes:
    """Open and close the installations of a device so that they say what its full list says.

    `others` are the other sources that reported on it lately: what they see is theirs to close.
    """
    changes = Changes()
    wanted = dict.fromkeys(zip(ids.find(work, software, at, now), (one.version for one in software), strict=True))
    handed_over: list[dict[str, Any]] = []
    closed: list[int] = []
    for row in () if is_new else work.connection.execute(_OPEN, {"device": device_id}):
        place = (row.title_id, row.version)
        if place in wanted:
            del wanted[place]
            if row.source not in AGENTS:
                closed.append(row.id)
                handed_over.append(_row(device_id, place, source, at, now) | {"authorised_by": row.authorised_by})
        elif row.source == source or (row.source in AGENTS and row.source not in others):
            closed.append(row.id)
            changes.closed += 1
            changes.gone.append(row.title_id)
    for part in chunks(closed):
        work.connection.execute(_CLOSE, {"ids": part, "at": at, "recorded": now})
    if handed_over:
        work.connection.execute(insert(_TABLE), handed_over)
    if wanted:
        _open(work.connection, device_id, list(wanted), source, at, now)
    changes.opened = len(wanted)
    changes.came = [title_id for title_id, _ in wanted]
    return changes


def _open(
    connection: Connection, device_id: int, places: list[tuple[int, str]], source: str, at: datetime, now: datetime
) -> None:
    given: dict[str, Any] = {"device": device_id, "source": source, "began": at, "recorded": now}
    name = connection.dialect.name
    if name == "sqlite":
        given["rows"] = json.dumps(places)
    else:
        given |= {"titles": [title_id for title_id, _ in places], "versions": [version for _, version in places]}
    connection.execute(_INSERT[name], given)


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
    columns = (_TABLE.c.title_id, _TABLE.c.version, _TABLE.c.began_at, _TABLE.c.ended_at)
    own = select(*columns).where(_TABLE.c.device_id == device_id)
    there = work.connection.execute(own.where(_TABLE.c.ended_at.is_(None))).all()
    there = [*there, *work.connection.execute(own.where(_TABLE.c.ended_at > at))]
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


def changed_products(connection: Connection, changes: Changes) -> tuple[int, ...]:
    """Products of the titles that came or went with a list; undecided titles have none."""
    titles = list({*changes.came, *changes.gone})
    if not titles:
        return ()
    if connection.dialect.name == "sqlite":
        found = connection.execute(_PRODUCTS["sqlite"], {"titles": json.dumps(titles)}).scalar_one()
        return tuple(sorted(json.loads(found)))
    return tuple(sorted(connection.execute(_PRODUCTS["postgresql"], {"titles": titles}).scalar_one() or ()))
