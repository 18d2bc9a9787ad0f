"""How many statements a press takes: on PostgreSQL each is a round trip that a person waits for.

Counted in the driver, so that a statement added to the path anywhere below the operation is seen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from benchmarks.press_setting import prepared
from workflows.decide import Verdict, decide
from workflows.rules import Rules

#: Read under lock, write; SQLite takes writes one by one, and has no way to go.
EXPECTED = {
    "postgresql": ["SELECT", "WITH"],
    "sqlite": ["BEGIN", "SELECT", "UPDATE", "UPDATE", "INSERT", "UPDATE", "INSERT", "COMMIT"],
}


def test_a_press_takes_no_more_statements_than_it_needs(database_url: str, tmp_path: Path) -> None:
    with prepared(database_url, tmp_path, 2, 0) as ready:
        seen: list[str] = []
        engine = ready.database.engine

        class Noting(psycopg.Cursor[Any]):
            def execute(self, query: Any, *rest: Any, **named: Any) -> Any:
                seen.append(query.split()[0])
                return super().execute(query, *rest, **named)

        said: list[str] = []

        def note(statement: str) -> None:
            if said[-1:] != [statement]:  # what a trigger does is said as the statement that pulled it
                seen.append(statement.split()[0])
            said.append(statement)

        @event.listens_for(engine, "checkout")
        def watch(connection: Any, *_: object) -> None:
            if engine.dialect.name == "sqlite":
                connection.set_trace_callback(note)
            else:
                connection.cursor_factory = Noting

        for one in ready.waiting:
            seen.clear()
            with ready.database.unit_of_work() as work:
                decide(work, _no_rules, one.approver_id, 1, one.manager_slack, Verdict(True), datetime.now(UTC))
                work.commit()
            assert seen == EXPECTED[engine.dialect.name]


def _no_rules() -> Rules:
    raise AssertionError("a line manager's plain right needs no policy")
