"""Rate windows: never more than allowed in any stretch of time, and closed queues stay closed for as long as told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, select

from jobs.limits import Limit, Room, close_queue, closed_queues
from jobs.tables import QueueHold, RateWindow
from model.base import Base

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[Connection]:
    yield from memory()


def memory() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[t.__tablename__] for t in (RateWindow, QueueHold)])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def start(connection: Connection, limits: dict[str, Limit], queue: str, now: datetime) -> bool:
    room = Room(connection, limits, {}, now)
    taken = room.take(queue)
    room.save(connection)
    return taken


@settings(max_examples=40, deadline=None)
@given(
    calls=st.integers(1, 8),
    per_seconds=st.sampled_from([0.5, 1, 3, 60]),
    gaps=st.lists(st.floats(0, 0.7), min_size=20, max_size=60),
)
def test_no_stretch_of_time_holds_more_starts_than_allowed(calls: int, per_seconds: float, gaps: list[float]) -> None:
    limits = {"graph": Limit(calls, per_seconds)}
    for connection in memory():
        now, starts = NOW, []
        for gap in gaps:
            now += timedelta(seconds=gap * per_seconds / 2)
            if start(connection, limits, "graph", now):
                starts.append(now)
        window = timedelta(seconds=per_seconds)
        assert all(sum(first <= other < first + window for other in starts) <= calls for first in starts)


def test_a_steady_worker_reaches_nine_tenths_of_the_rate(connection: Connection) -> None:
    limits = {"graph": Limit(20, 10)}
    starts = sum(start(connection, limits, "graph", NOW + timedelta(seconds=tenth / 10)) for tenth in range(1000))
    assert 0.9 * 200 <= starts <= 200 + 20


def test_a_queue_without_limit_has_room_for_all(connection: Connection) -> None:
    room = Room(connection, {"graph": Limit(1, 1)}, {}, NOW)
    assert all(room.take("local") for _ in range(100))
    assert room.full() == set()


def test_one_process_runs_no_more_at_once_than_its_share(connection: Connection) -> None:
    room = Room(connection, {"graph": Limit(100, 1, at_once=3)}, {"graph": 2}, NOW)
    assert [room.take("graph"), room.take("graph")] == [True, False]
    assert Room(connection, {"graph": Limit(100, 1, at_once=3)}, {"graph": 3}, NOW).full() == {"graph"}


def test_windows_long_past_are_forgotten(connection: Connection) -> None:
    limits = {"graph": Limit(5, 1)}
    for second in range(100):
        start(connection, limits, "graph", NOW + timedelta(seconds=second))
    assert connection.execute(select(func.count()).select_from(RateWindow)).scalar_one() <= 4


def test_the_longer_wait_stays(connection: Connection) -> None:
    close_queue(connection, "graph", NOW + timedelta(minutes=5))
    close_queue(connection, "graph", NOW + timedelta(minutes=1))
    assert closed_queues(connection, NOW + timedelta(minutes=4)) == {"graph"}
    assert closed_queues(connection, NOW + timedelta(minutes=5)) == set()
