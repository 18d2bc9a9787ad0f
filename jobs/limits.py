"""Rate windows: how many jobs of a queue may start within some seconds, counted inside the claim for all processes.

A window is counted in ten parts, so that no stretch of `per_seconds` ever holds more than `calls`, also not across
the border of two windows; the price is a tenth of the rate at worst. A system that told us to wait closes its queue.
Every time here is the claim's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, String, bindparam, case, delete, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from jobs.tables import QueueHold, RateWindow
from model.base import UtcTime

PARTS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _counted(insert: Any) -> Any:
    start, used = bindparam("start", type_=UtcTime), bindparam("more", type_=Integer)
    new = insert(RateWindow).values(queue=bindparam("of", type_=String), window_start=start, used=used)
    more = {"used": RateWindow.used + new.excluded.used}
    return new.on_conflict_do_update(index_elements=["queue", "window_start"], set_=more)


# Written once: a claim looks several times for each job it finds, and building these took longer than running them.
_CLOSED = select(QueueHold.queue).where(QueueHold.closed_until > bindparam("at", type_=UtcTime))
_USED = select(RateWindow.queue, RateWindow.window_start, RateWindow.used)
_COUNT = {"sqlite": _counted(sqlite_insert), "postgresql": _counted(postgres_insert)}
_FORGET = delete(RateWindow).where(
    RateWindow.queue == bindparam("of"), RateWindow.window_start < bindparam("before", type_=UtcTime)
)


@dataclass(frozen=True)
class Limit:
    """At most `calls` jobs started in any `per_seconds`; at most `at_once` of them running in one process."""

    calls: int
    per_seconds: float
    at_once: int | None = None

    @property
    def part(self) -> timedelta:
        return timedelta(seconds=self.per_seconds) / PARTS


def closed_queues(connection: Connection, now: datetime) -> set[str]:
    """Queues whose system told us to wait beyond now."""
    return set(connection.execute(_CLOSED, {"at": now}).scalars())


def close_queue(connection: Connection, queue: str, until: datetime) -> None:
    """Nobody claims from the queue before `until`; an earlier, longer wait stays."""
    insert: Any = {"sqlite": sqlite_insert, "postgresql": postgres_insert}[connection.dialect.name]
    new = insert(QueueHold).values(queue=queue, closed_until=until)
    later = case(
        (new.excluded.closed_until > QueueHold.closed_until, new.excluded.closed_until), else_=QueueHold.closed_until
    )
    connection.execute(new.on_conflict_do_update(index_elements=["queue"], set_={"closed_until": later}))


class Room:
    """How many more jobs may start now, queue by queue. A queue without a limit has room for all."""

    def __init__(
        self, connection: Connection, limits: Mapping[str, Limit], running_here: Mapping[str, int], now: datetime
    ) -> None:
        self._limits = limits
        self._now = now
        self._taken: dict[str, int] = {}
        self._left: dict[str, int] = {}
        for queue, limit in limits.items():
            self._left[queue] = limit.calls
            if limit.at_once is not None:
                self._left[queue] = min(limit.calls, limit.at_once - running_here.get(queue, 0))
        used: dict[str, int] = {}
        for row in connection.execute(_USED):
            counted = limits.get(row.queue)
            if counted and row.window_start + counted.part > now - timedelta(seconds=counted.per_seconds):
                used[row.queue] = used.get(row.queue, 0) + row.used
        for queue, count in used.items():
            self._left[queue] = min(self._left[queue], limits[queue].calls - count)

    def full(self) -> set[str]:
        """Queues of which nothing may start now."""
        return {queue for queue, left in self._left.items() if left <= 0}

    def take(self, queue: str) -> bool:
        """Use up one start; False when there is none left."""
        if queue not in self._left:
            return True
        if self._left[queue] <= 0:
            return False
        self._left[queue] -= 1
        self._taken[queue] = self._taken.get(queue, 0) + 1
        return True

    def save(self, connection: Connection) -> None:
        """Write down what was taken, in the claim's transaction, and forget windows long past."""
        for queue, count in self._taken.items():
            limit = self._limits[queue]
            start = _EPOCH + (self._now - _EPOCH) // limit.part * limit.part
            connection.execute(_COUNT[connection.dialect.name], {"of": queue, "start": start, "more": count})
            past = start - timedelta(seconds=2 * limit.per_seconds)
            connection.execute(_FORGET, {"of": queue, "before": past})
