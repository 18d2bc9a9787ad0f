"""What a card promises in "decide by" is kept, also where the first approver took nearly all the time there was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from model.people import Person as Employee
from model.requests import ApprovalStep, LicenceRequest, Status, StepApprover
from tests.http.bot_desk import POLICY, Desk, bot_desk
from workflows.policy_file import load

WAITS = "Waiting for you"
TWO_STEPS = POLICY.replace(
    "approval: {time_limit_hours: 4}",
    "approval: {steps: [line_manager, product_owner], fallback: {roles: [licence_manager]}}",
)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        found.policy = load(TWO_STEPS)
        yield found


def late_second_step(desk: Desk) -> ApprovalStep:
    """Sent on Monday the 16th at 09:00, agreed to by Ben on Friday at 16:00: the second step is open since."""
    desk.now = at(16, 9)
    desk.ask()
    desk.now = at(20, 16)
    desk.person("ben").press("Approve", in_message=WAITS)
    desk.work()
    [_, second] = desk.rows(ApprovalStep)
    assert second.due_at == at(24, 12)
    return second  # type: ignore[no-any-return]


def states(desk: Desk, step: ApprovalStep) -> dict[int, tuple[str, int]]:
    return {one.person_id: (one.state, one.reminders) for one in desk.rows(StepApprover, step_id=step.id)}


def test_a_later_step_waits_as_long_as_its_card_says(desk: Desk) -> None:
    """On Monday at 13:00 five working days since the sending are over, and Chitra has until Tuesday noon."""
    step = late_second_step(desk)
    desk.now = at(23, 13)
    desk.work()
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL
    desk.now = at(23, 15)
    desk.work()
    desk.now = at(24, 11)
    desk.work()
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL
    assert states(desk, step)[4] == ("asked", 2), "at half and at four fifths of her own time"
    desk.person("chitra").press("Approve", in_message="Still waiting for you")
    assert desk.row(LicenceRequest).status == Status.APPROVED


def test_then_the_next_in_line_has_a_whole_time_limit_and_after_it_the_request_closes(desk: Desk) -> None:
    step = late_second_step(desk)
    desk.now = at(24, 12)
    desk.work()
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL
    found = states(desk, step)
    assert found[4][0] == "passed"
    assert [state for state, _ in found.values()].count("asked") == 1
    due = desk.rows(ApprovalStep)[-1].due_at
    assert due == at(25, 16)
    desk.now = at(25, 15)
    desk.work()
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL
    desk.now = due
    desk.work()
    assert desk.row(LicenceRequest).status == Status.EXPIRED


def test_with_nobody_else_to_ask_it_closes_at_the_promised_time(desk: Desk) -> None:
    late_second_step(desk)
    for other in (3, 5):  # Mia and Dara have left
        desk.change(Employee, other, active=False)
    desk.now = at(24, 12)
    desk.work()
    assert desk.row(LicenceRequest).status == Status.EXPIRED
