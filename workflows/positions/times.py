"""The two times of a question: which day is asked about, and what was known by when (rules §1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from model.contracts import Superseded

Versions = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Times:
    """`at` the day at whose end things are counted; `known_at` the instant up to which records count."""

    at: date
    known_at: datetime
    now: datetime

    @classmethod
    def today(cls, now: datetime) -> Times:
        """The question of every card and page: this day, as known now."""
        return cls(now.date(), now, now)

    @property
    def after(self) -> datetime:
        """The first instant after the day; what ended on the day does not count, what began on it does."""
        return datetime.combine(self.at + timedelta(days=1), time(), UTC)

    @property
    def plain(self) -> bool:
        """Whether rows can be taken as they stand: today, as known now."""
        return self.at == self.now.date() and self.known_at >= self.now


def open_on(
    times: Times,
    began_at: InstrumentedAttribute[datetime],
    ended_at: InstrumentedAttribute[datetime | None],
    recorded_at: InstrumentedAttribute[datetime],
    end_recorded_at: InstrumentedAttribute[datetime | None],
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Two conditions, for two indexes: rows that are open still, and rows that ended and yet count."""
    there = began_at < times.after
    later: ColumnElement[bool] = ended_at >= times.after
    if not times.plain:
        there = and_(there, recorded_at <= times.known_at)
        later = or_(later, func.coalesce(end_recorded_at, ended_at) > times.known_at)
    return and_(ended_at.is_(None), there), and_(ended_at.is_not(None), later, there)


def versions(connection: Connection, table: str, times: Times) -> dict[int, dict[str, Any]]:
    """Rows of `table` that read otherwise then: what they said, by row id. Empty for today as known now.

    Of the versions recorded by `known_at` the last one recorded that was true on the day wins; corrections were true
    on every day, changes from `effective_from` up to `effective_until`.
    """
    if times.plain:
        return {}
    rows = connection.execute(
        select(Superseded)
        .where(
            Superseded.table_name == table,
            Superseded.recorded_at <= times.known_at,
            or_(Superseded.superseded_at > times.known_at, Superseded.effective_until > times.at),
            or_(Superseded.effective_from.is_(None), Superseded.effective_from <= times.at),
        )
        .order_by(Superseded.recorded_at, Superseded.id)
    )
    return {row.row_id: dict(row.facts) for row in rows if _was_true(row, times)}


def _was_true(row: Row[Any], times: Times) -> bool:
    """A device's facts are true since a day, also those that were corrected later."""
    since = row.facts.get("facts_since")
    return row.effective_until is not None or not since or date.fromisoformat(str(since)) <= times.at


def unknown_then(recorded_at: datetime | None, times: Times) -> bool:
    """Whether the present row was not recorded yet; what it said before, if anything, is among `versions`."""
    return not times.plain and recorded_at is not None and recorded_at > times.known_at
