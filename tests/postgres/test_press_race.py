"""Several presses on one step at the same moment, on both databases: one decides, the others are told who did.

The right, the version and the steps to come are read together with the lock, and again after a wait for it: the first
reading shows them as they were before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from benchmarks.press_setting import Prepared, prepared
from jobs.tables import Job
from model.events import Event, Tag
from model.requests import ApprovalStep, ApproverState, LicenceRequest, Status, StepApprover, StepKind, StepState
from model.session import Database
from workflows.decide import Decided, Verdict, decide
from workflows.refusals import Refusal, RightGone
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


def test_a_press_that_waited_while_a_step_was_added_leaves_the_last_word_to_it(
    database_url: str, tmp_path: Path
) -> None:
    def add_a_step(session: Session, request: LicenceRequest, step: ApprovalStep, _: StepApprover) -> None:
        request.version += 1
        session.add(
            ApprovalStep(
                request_id=request.id,
                position=step.position + 1,
                kind=StepKind.FINANCE,
                state=StepState.LATER,
                quorum=1,
            )
        )

    with prepared(database_url, tmp_path, 1, 0) as ready:
        came = _pressed_meanwhile(ready, add_a_step)
        assert isinstance(came, Decided) and not came.final
        assert _stands(ready) == (Status.AWAITING_APPROVAL, ApproverState.AGREED, StepState.APPROVED)


def test_a_press_that_waited_while_its_turn_passed_changes_nothing_and_says_so(
    database_url: str, tmp_path: Path
) -> None:
    def pass_on(_: Session, __: LicenceRequest, ___: ApprovalStep, asked: StepApprover) -> None:
        asked.state = ApproverState.PASSED  # the request's version stays

    with prepared(database_url, tmp_path, 1, 0) as ready:
        assert isinstance(_pressed_meanwhile(ready, pass_on), RightGone)
        assert _stands(ready) == (Status.AWAITING_APPROVAL, ApproverState.PASSED, StepState.OPEN)


def _pressed_meanwhile(
    ready: Prepared, change: Callable[[Session, LicenceRequest, ApprovalStep, StepApprover], None]
) -> Decided | Refusal:
    """What becomes of a press that came before `change` was committed, and after its row was locked."""
    one = ready.waiting[0]
    came: list[Decided | Refusal] = []

    def press() -> None:
        try:
            with ready.database.unit_of_work() as work:
                verdict = Verdict(True)
                done = decide(work, _no_rules, one.approver_id, None, one.manager_slack, verdict, datetime.now(UTC))
                work.commit()
            came.append(done)
        except Refusal as refusal:
            came.append(refusal)

    thread = threading.Thread(target=press)
    with ready.database.unit_of_work() as other:
        request = other.session.get_one(LicenceRequest, one.request_id, with_for_update=True)
        asked = other.session.get_one(StepApprover, one.approver_id)
        change(other.session, request, other.session.get_one(ApprovalStep, asked.step_id), asked)
        other.session.flush()
        thread.start()
        _until_it_waits(ready.database, thread)
        other.commit()
    thread.join(20)
    (only,) = came
    return only


def _stands(ready: Prepared) -> tuple[str, str, str]:
    """The states of the only request, of whom was asked first, and of that step."""
    with ready.database.reading() as connection:
        return (
            connection.execute(
                select(LicenceRequest.status, StepApprover.state, ApprovalStep.state)
                .select_from(StepApprover)
                .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
                .join(LicenceRequest, LicenceRequest.id == ApprovalStep.request_id)
                .where(StepApprover.id == ready.waiting[0].approver_id)
            )
            .one()
            ._tuple()
        )


def _until_it_waits(database: Database, thread: threading.Thread) -> None:
    """Until PostgreSQL says that somebody waits for a lock; on SQLite the press waits before its first statement."""
    deadline = time.monotonic() + 20
    while not database.is_sqlite and time.monotonic() < deadline:
        with database.reading() as connection:
            if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return
        thread.join(0.01)


def _no_rules() -> Rules:
    raise AssertionError("a line manager's plain right needs no policy")
