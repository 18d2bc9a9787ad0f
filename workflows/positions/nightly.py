"""The night's full count: every position computed together, kept as it was, and held against each product's own.

Cards and pages ask for one product at a time: from partial indexes, or on PostgreSQL from groups that were kept and are
brought up to date (`positions.kept`). That both ways agree is checked each night: a difference is an event, and it
waits for a person in IT's channel. What is kept is then what this night counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from licensing.position.figure import to_json
from licensing.words import and_more, plural
from model.events import Happened, Tag
from model.inventory import PositionRow, PositionRun
from model.session import Database
from workflows.positions.compute import Computed, positions
from workflows.positions.keep import keep
from workflows.positions.times import Times

#: Rows written at once.
BATCH = 500
NAMES_SHOWN = 5
#: What may differ between two counts of the same rows: how a sum is told, never what it is.
_WORDS = ("known_at", "sources", "reasons")


class PositionsDiffer(Exception):
    """The full count and a product's own count disagree; the message names the products."""


@dataclass(frozen=True)
class Night:
    """What one run found."""

    run_id: int
    rows: int
    differ: tuple[str, ...]


def count(database: Database, now: datetime) -> Night:
    """Compute, compare and keep all positions of today in one transaction of its own."""
    times = Times.today(now)
    with database.reading() as connection:
        _steady(connection)
        shapes = [(one.subject.key, one.position.metric, _shape(one)) for one in positions(connection, times)]
        differ = tuple(_differences(connection, times, {(key, metric): shape for key, metric, shape in shapes}))
    digest = hashlib.sha256()
    for _, _, shape in shapes:
        digest.update(json.dumps(_figures(shape), sort_keys=True, ensure_ascii=False).encode())
    words = f"Counted anew by itself, {and_more(list(differ), NAMES_SHOWN)} came out otherwise." if differ else ""
    with database.unit_of_work() as work:
        run = PositionRun(
            kind="nightly",
            at=times.at,
            known_at=now,
            made_at=now,
            rows=len(shapes),
            digest=digest.hexdigest(),
            words=words,
        )
        work.session.add(run)
        work.session.flush()  # its rows name it
        rows = [
            {"run_id": run.id, "product_id": key[0], "sku_id": key[1] or None, "metric": metric, "figures": shape}
            for key, metric, shape in shapes
        ]
        for first in range(0, len(rows), BATCH):
            work.connection.execute(insert(PositionRow), rows[first : first + BATCH])
        facts = {"rows": len(rows), "digest": run.digest, "differ": len(differ)}
        tag = Tag.POSITIONS_DIFFER if differ else Tag.POSITIONS_COUNTED
        work.record([Happened(tag, "clock", f"position_run:{run.id}", facts)], now)
        work.commit()
        night = Night(run.id, len(rows), differ)
    keep(database, now)
    return night


def differ_in_words(night: Night) -> str:
    """For IT's channel."""
    names = and_more(list(night.differ), NAMES_SHOWN)
    count_of = plural(len(night.differ), "position")
    return f"{count_of} came out otherwise when counted alone: {names}. Cards show the count of the product alone."


def latest(connection: Connection, day: Any) -> dict[tuple[int, int | None, str], dict[str, Any]]:
    """The figures of the newest complete run of a day, by product, tier and metric; empty when there was none."""
    run_id = connection.execute(
        select(PositionRun.id)
        .where(PositionRun.kind == "nightly", PositionRun.at == day)
        .order_by(PositionRun.id.desc())
        .limit(1)
    ).scalar()
    rows = connection.execute(select(PositionRow).where(PositionRow.run_id == run_id)) if run_id else ()
    return {(row.product_id, row.sku_id, row.metric): row.figures for row in rows}


def _steady(connection: Connection) -> None:
    """One picture of the data for both counts; SQLite gives it in any case."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _shape(one: Computed) -> dict[str, Any]:
    return dict(to_json(one.position))


def _figures(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name not in _WORDS}


def _differences(
    connection: Connection, times: Times, whole: dict[tuple[tuple[int, int], Any], dict[str, Any]]
) -> Iterator[str]:
    """Names of products whose own count is another than that of the full run."""
    for product_id in sorted({key[0] for key, _ in whole}):
        alone = {
            (one.subject.key, one.position.metric): _figures(_shape(one))
            for one in positions(connection, times, [product_id])
        }
        together = {at: _figures(shape) for at, shape in whole.items() if at[0][0] == product_id}
        if alone != together:
            yield str(next(iter(whole[at]["product"] for at in together)))
