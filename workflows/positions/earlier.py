"""What corrected rows said as it was known then: their versions in `superseded`, for each table a position reads.

A row that says since when it is known leaves the count by that itself, so its version only has to be added. People do
not say it: the present word on those with a version is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from model.contracts import Exclusion, Superseded
from model.inventory import Installation
from model.licences import Seat
from model.people import Person
from workflows.positions.times import Times, versions
from workflows.register.history import restored, table_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """Versions that stood on the day; `left` says of people with another last day whether it was over."""

    seats: Sequence[Row] = ()
    installations: Sequence[Row] = ()
    exclusions: Sequence[Row] = ()
    left: Mapping[int, bool] = field(default_factory=dict)


def earlier(connection: Connection, times: Times) -> Earlier:
    """All of them; nothing for today as known now."""
    if times.plain:
        return Earlier()
    return Earlier(
        seats=[row for row in said(connection, Seat, times) if stood(row, times)],
        installations=[row for row in said(connection, Installation, times) if stood(row, times)],
        exclusions=[
            row for row in said(connection, Exclusion, times) if row["starts_on"] <= times.at <= row["ends_on"]
        ],
        left={
            row["id"]: row["leaves_on"] is not None and row["leaves_on"] < times.at
            for row in said(connection, Person, times)
        },
    )


def said(connection: Connection, model: type, times: Times) -> list[Row]:
    """Rows of a table as they read then, where they read otherwise now."""
    before = versions(connection, table_of(model).name, times)
    return [{"id": row_id} | restored(model, facts) for row_id, facts in before.items()]


def every(connection: Connection, model: type, times: Times) -> list[Row]:
    """All versions that rows of a table had by then, oldest knowledge first: readings that later ones replaced."""
    if times.plain:
        return []
    query = select(Superseded.row_id, Superseded.facts).where(
        Superseded.table_name == table_of(model).name, Superseded.recorded_at <= times.known_at
    )
    rows = connection.execute(query.order_by(Superseded.recorded_at, Superseded.id))
    return [{"id": row.row_id} | restored(model, row.facts) for row in rows]


def stood(row: Row, times: Times) -> bool:
    """Whether a seat or installation counted on the day: begun, and not ended as far as was known."""
    ended_at: datetime | None = row["ended_at"]
    learned: datetime | None = row["end_recorded_at"] or ended_at
    return row["began_at"] < times.after and (
        ended_at is None or ended_at >= times.after or (learned is not None and learned > times.known_at)
    )
