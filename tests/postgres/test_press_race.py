"""Several presses on one step at the same moment, on both databases: one decides, the others are told who did.

The right, the version and the steps to come are read by a statement that begins after the lock was won; read together
with the lock, PostgreSQL would show them as they were before the wait.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.press_setting import prepared
from jobs.tables import Job
from model.events import Event, Tag
from workflows.decide import Decided, Verdict, decide
from workflows.refusals import Refusal
from workflows.rules import Rules

AT_ONCE = 4
ROUNDS = 5


def test_four_presses_at_the_same_moment_decide_once(database_url: str, tmp_path: Path) -> None:
    with prepared(database_url, tmp_path, ROUNDS, 0) as ready:
        for one in ready.waiting:
            start = threading.Barrier(AT_ONCE)
            came: list[Decided | Refusal] = []

            def press(approver: int, slack_id: str, start: threading.Barrier, came: list[Decided | Refusal]) -> None:
                start.wait(10)
                try:
                    with ready.database.unit_of_work() as work:
                        done = decide(work, _no_rules, approver, 1, slack_id, Verdict(True), datetime.now(UTC))
                        work.commit()
                    came.append(done)
                except Refusal as refusal:
                    came.append(refusal)

            threads = [
                threading.Thread(target=press, args=(one.approver_id, one.manager_slack, start, came))
                for _ in range(AT_ONCE)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert sum(isinstance(result, Decided) for result in came) == 1
            assert {type(result).__name__ for result in came} == {"Decided", "AlreadyDecided"} and len(came) == AT_ONCE
        with ready.database.reading() as connection:
            granted = select(func.count()).select_from(Event).where(Event.tag == Tag.REQUEST_APPROVED.value)
            assert connection.execute(granted).scalar_one() == ROUNDS
            advance = select(func.count()).select_from(Job).where(Job.kind == "request.advance")
            assert connection.execute(advance).scalar_one() == ROUNDS


def _no_rules() -> Rules:
    raise AssertionError("a line manager's plain right needs no policy")
