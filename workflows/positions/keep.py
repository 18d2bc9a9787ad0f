"""Counting what is kept: all products when a day begins, and those anew of which much changed (`positions.kept`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from model.kept import PositionChange, PositionKept
from model.session import Database
from workflows.positions import kept
from workflows.positions.asked import asked
from workflows.positions.gather import FEW, counted_now
from workflows.positions.kept import Question
from workflows.positions.times import Times

#: Changed rows of a product after which it is counted anew: with more, a question takes longer than it need.
MANY_CHANGES = 50
#: Rows written at once.
BATCH = 500
_SNAPSHOT = text(
    "SELECT CAST(s AS text) AS snapshot, CAST(CAST(pg_snapshot_xmin(s) AS text) AS bigint) AS seen_below, "
    f"{kept.CLUSTER} AS cluster FROM pg_current_snapshot() s"
)
_CHANGED = text(
    "SELECT k.product_id FROM position_kept k CROSS JOIN LATERAL ("
    "SELECT count(*) AS n, bool_or(s.what = 'all') AS anew "
    f"FROM ({kept.changes('k.seen_below', 'k.snapshot').format(watched='k.product_id')} LIMIT {MANY_CHANGES + 1}) s) c "
    f"WHERE c.anew OR c.n > {MANY_CHANGES}"
)


def refresh(database: Database, now: datetime) -> int:
    """Count what is not kept for today's questions or has changed much; returns of how many products.

    Nothing is done on SQLite. What nobody asks any more, and changes that every count has seen, are forgotten.
    """
    times = Times.today(now)
    with database.reading() as connection:
        if not kept.applies(connection, times):
            return 0
        wanted = list(asked(connection, times).questions(times))
        due = _due(connection, wanted)
    if due:
        keep(database, now, due if len(due) < FEW else None)
    with database.unit_of_work() as work:
        _forget(work.connection, wanted)
        work.commit()
    return len(due)


def keep(database: Database, now: datetime, product_ids: Collection[int] | None = None) -> None:
    """Count some products, or all, and keep their groups with the snapshot in which they were counted."""
    times = Times.today(now)
    with database.reading() as connection:
        if not kept.applies(connection, times):
            return
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = dict(connection.execute(_SNAPSHOT).mappings().one())
        rows = [
            {"product_id": question.product_id, "question": question.digest, "at": times.at, "made_at": now}
            | {"groups": groups}
            | seen
            for question, found in counted_now(connection, times, product_ids)
            if (groups := kept.written(found)) is not None
        ]
    anew = insert(PositionKept)
    anew = anew.on_conflict_do_update(
        index_elements=["product_id", "question"],
        set_={name: anew.excluded[name] for name in ("groups", "made_at", *seen)},
    )
    with database.unit_of_work() as work:
        for first in range(0, len(rows), BATCH):
            work.connection.execute(anew, rows[first : first + BATCH])
        work.commit()


def _due(connection: Connection, wanted: Sequence[Question]) -> set[int]:
    """Products of which some question has no answer kept, or whose rows changed a lot since."""
    own = connection.execute(text(f"SELECT {kept.CLUSTER}")).scalar_one()
    there = select(PositionKept.product_id, PositionKept.question).where(PositionKept.cluster == own)
    answered = set(connection.execute(there).tuples())
    changed = set(connection.execute(_CHANGED).scalars())
    return {
        one.product_id
        for one in wanted
        if one.product_id in changed
        or (one.product_id, one.digest) not in answered
        or (one.covers and kept.changed(connection, one) > MANY_CHANGES)
    }


def _forget(connection: Connection, wanted: Sequence[Question]) -> None:
    asked = {(one.product_id, one.digest) for one in wanted}
    there = connection.execute(select(PositionKept.product_id, PositionKept.question)).tuples()
    for product_id, question in set(there) - asked:
        gone = delete(PositionKept).where(PositionKept.product_id == product_id, PositionKept.question == question)
        connection.execute(gone)
    oldest = select(func.min(PositionKept.seen_below)).scalar_subquery()
    connection.execute(delete(PositionChange).where(PositionChange.xid < oldest))
