"""What happens to a request in two transactions at once ends as if one had come after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model.licences import Sku
from model.people import Person
from model.requests import ApproverState, LineState, OwnerTask, Status
from model.session import UnitOfWork
from tests.http.whole_acts import approvers, ask, open_office, press, tasks
from tests.whole import Whole, slack_id
from workflows import decide, seats_free, talk
from workflows import tasks as by_hand
from workflows.decide import Verdict
from workflows.refusals import Refusal


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url, copilot_seats=0) as made:
        yield made


def crossing(office: Whole, first: Callable[[UnitOfWork], object], second: Callable[[UnitOfWork], object]) -> object:
    """`second` begins while `first` is done and not committed; what it returned or refused."""
    came: list[object] = []

    def later() -> None:
        try:
            with office.database.unit_of_work() as work:
                came.append(second(work))
                work.commit()
        except Refusal as refusal:
            came.append(refusal)

    thread = threading.Thread(target=later)
    with office.database.unit_of_work() as work:
        first(work)
        thread.start()
        thread.join(0.5)  # it may have to wait for us, and then ends after the commit
        work.commit()
    thread.join(20)
    return came[0]


def test_two_seats_given_at_once_complete_the_request(office: Whole) -> None:
    """Each saw the other's line as it was before, and the request was never done."""
    request_id = ask(office, "ana", "Miro", people=["U0ANA", "U0KAI"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Miro")
    rules, now = office.service.rules(), office.now()

    def give(task: OwnerTask) -> Callable[[UnitOfWork], object]:
        def done(work: UnitOfWork) -> object:
            owner = work.session.get_one(Person, office.staff["chitra"])
            return by_hand.done(work, rules, task.id, owner, now)

        return done

    one, other = tasks(office)
    crossing(office, give(one), give(other))
    office.settle()
    assert {line.state for line in office.lines(request_id)} == {LineState.GRANTED}
    assert office.request(request_id).status == Status.FULFILLED


def test_an_approval_is_not_undone_by_handing_on_at_the_same_moment(office: Whole) -> None:
    request_id = ask(office, "ana", "Miro")
    (row,) = approvers(office)
    rules, now = office.service.rules(), office.now()

    def approve(work: UnitOfWork) -> object:
        return decide.decide(work, office.service.rules, row.id, None, slack_id("ben"), Verdict(True), now)

    def pass_on(work: UnitOfWork) -> object:
        talk.hand_on(work, rules, row.id, office.staff["ben"], office.staff["mia"], now)
        return None

    refused = crossing(office, approve, pass_on)
    assert isinstance(refused, Refusal)
    assert [(one.person_id, one.state) for one in approvers(office)] == [(office.staff["ben"], ApproverState.AGREED)]
    office.settle()
    assert office.request(request_id).status == Status.FULFILLING


def test_a_seat_that_comes_is_not_kept_for_somebody_who_left_the_queue(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    press(office, "ben", "Approve and wait", "Ana Lindqvist asks for Copilot")
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    rules, now, sku = office.service.rules(), office.now(), office.skus["copilot"]
    with office.work() as work:
        work.session.get_one(Sku, sku).enabled = 1

    def leave(work: UnitOfWork) -> object:
        talk.leave_queue(work, rules, request_id, office.staff["ana"], now)
        return None

    def match(work: UnitOfWork) -> object:
        return seats_free.match_queue(work, sku, now)

    assert not isinstance(crossing(office, leave, match), Refusal)  # a job that is refused would be parked
    assert [line.state for line in office.lines(request_id)] == [LineState.DROPPED]
    assert office.request(request_id).status == Status.WITHDRAWN
