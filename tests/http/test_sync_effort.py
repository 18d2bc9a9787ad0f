"""A first reading stays linear: what the database looks at for each person does not grow with how many there are.

Counted in rows and steps, not in seconds: on PostgreSQL every row any plan touched or threw away, on SQLite the steps
of its machine. A plan made for the empty tables of a first reading, or a look-up without an index, shows at once.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.engine import Engine, make_url

from benchmarks.postgres import Cluster
from model.people import Person
from sandbox.graph_crowd import Crowd
from tests.http.sandbox_graph_tenant import E5, VISIO
from tests.http.sync_desk import desk

PEOPLE = 6_000
#: Twice to three times what it takes (115 rows, 1,100 steps); the faults this is for took thousands of rows more.
MOST_ROWS = 250
MOST_STEPS = 3_000

_NODE = re.compile(r"actual (?:time=\S+ )?rows=(\d+) loops=(\d+)")
_REMOVED = re.compile(r"Rows Removed by [\w ]+: (\d+)")


def read_all(folder: Path, url: str) -> None:
    crowd = Crowd(PEOPLE, [E5, VISIO], datetime.now(UTC))
    with desk(folder, url, people=0, crowd=crowd) as made:
        made.register(VISIO, "visio")
        assert made.sync() == "done"
        assert made.rows(select(func.count()).select_from(Person)) == [(PEOPLE,)]


def test_on_sqlite_no_step_is_taken_again_for_each_person(tmp_path: Path, sqlite_url: str) -> None:
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1_000

    def watch(connection: sqlite3.Connection, _record: Any) -> None:
        connection.set_progress_handler(count, 1_000)

    event.listen(Engine, "connect", watch)
    try:
        read_all(tmp_path, sqlite_url)
    finally:
        event.remove(Engine, "connect", watch)
    assert PEOPLE * 100 < steps < PEOPLE * MOST_STEPS, f"{steps / PEOPLE:.0f} steps a person"


def test_on_postgresql_no_plan_looks_through_everybody_for_each_person(
    tmp_path: Path, postgres_server: Cluster, postgres_url: str
) -> None:
    log = postgres_server.sockets / "log"
    before = log.stat().st_size
    name = make_url(postgres_url).database
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("LOAD 'auto_explain'")
        for setting in ("log_min_duration = 0", "log_analyze = on", "log_timing = off"):
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET auto_explain.{setting}')
        connection.exec_driver_sql(f"ALTER DATABASE \"{name}\" SET session_preload_libraries = 'auto_explain'")
    engine.dispose()
    read_all(tmp_path, postgres_url)
    with log.open("rb") as written:
        written.seek(before)
        plans = written.read().decode(errors="replace")
    rows = touched(plans)
    assert PEOPLE * 10 < rows < PEOPLE * MOST_ROWS, f"{rows / PEOPLE:.0f} rows a person"


def touched(plans: str) -> int:
    """Rows that the plans in a log of `auto_explain` produced or threw away, in all their loops."""
    rows, loops = 0, 1
    for line in plans.splitlines():
        if node := _NODE.search(line):
            loops = int(node[2])
            rows += int(node[1]) * loops
        elif removed := _REMOVED.search(line):
            rows += int(removed[1]) * loops
    return rows
