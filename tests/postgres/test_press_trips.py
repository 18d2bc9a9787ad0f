"""How many statements a press takes: on PostgreSQL each is a round trip that a person waits for.

Counted where the driver is called, so that a statement added to the path anywhere below the operation is seen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import event

from benchmarks.press_setting import prepared
from workflows.decide import Verdict, decide
from workflows.rules import Rules

#: Read under lock, write; SQLite says its own BEGIN, takes writes one by one, and has no way to go.
EXPECTED = {
    "postgresql": ["SELECT", "WITH"],
    "sqlite": ["BEGIN", "SELECT", "UPDATE", "UPDATE", "INSERT", "UPDATE", "INSERT"],
}


def test_a_press_takes_no_more_statements_than_it_needs(database_url: str, tmp_path: Path) -> None:
    with prepared(database_url, tmp_path, 2, 0) as ready:
        seen: list[str] = []
        engine = ready.database.engine

        @event.listens_for(engine, "before_cursor_execute")
        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement.split()[0])

        for one in ready.waiting:
            seen.clear()
            with ready.database.unit_of_work() as work:
                decide(work, _no_rules, one.approver_id, 1, one.manager_slack, Verdict(True), datetime.now(UTC))
                work.commit()
            assert seen == EXPECTED[engine.dialect.name]


def _no_rules() -> Rules:
    raise AssertionError("a line manager's plain right needs no policy")
