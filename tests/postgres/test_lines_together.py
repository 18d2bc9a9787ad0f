"""What happens to a request in two transactions at once ends as if one had come after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from bot.trouble import BUSY
from model.licences import Seat, SeatReturn, Sku
from model.people import Person
from model.requests import ApproverState, LicenceRequest, LineState, OwnerTask, RequestKind, RequestLine, Status
from model.session import DatabaseBusy, UnitOfWork
from tests.http.whole_acts import approvers, ask, open_office, press, returns, rows, seats_of, tasks
from tests.whole import Whole, slack_id
from workflows import decide, seat_returns, seats, seats_free, talk
from workflows import tasks as by_hand
from workflows.decide import Verdict
from workflows.refusals import Refusal


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url, copilot_seats=0) as made:
        yield made


def crossing(
    office: Whole,
    first: Callable[[UnitOfWork], object],
    second: Callable[[UnitOfWork], object],
    then: Callable[[UnitOfWork], object] = lambda _: None,
) -> object:
    """`second` begins while `first` is done and not committed, and `then` follows in its transaction.

    What `second` returned or refused.
    """
    came: list[object] = []

    def later() -> None:
        try:
            with office.database.unit_of_work() as work:
                came.append(second(work))
                work.commit()
        except (Refusal, DatabaseBusy) as refusal:
            came.append(refusal)

    thread = threading.Thread(target=later)
    with office.database.unit_of_work() as work:
        first(work)
        thread.start()
        thread.join(0.5)  # it may have to wait for us, and then ends after the commit
        then(work)
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


def test_a_seat_that_comes_and_a_press_that_leaves_the_queue_wait_for_each_other_in_one_order(office: Whole) -> None:
    """The press held the request and wanted its lines, the job held the lines and wanted the request."""
    request_id = ask(office, "ana", "Copilot")
    press(office, "ben", "Approve and wait", "Ana Lindqvist asks for Copilot")
    rules, now, sku = office.service.rules(), office.now(), office.skus["copilot"]
    with office.work() as work:
        work.session.get_one(Sku, sku).enabled = 1

    def begin(work: UnitOfWork) -> object:
        return work.session.get_one(LicenceRequest, request_id, with_for_update=True)

    def leave(work: UnitOfWork) -> None:
        talk.leave_queue(work, rules, request_id, office.staff["ana"], now)

    def match(work: UnitOfWork) -> object:
        return seats_free.match_queue(work, sku, now)

    assert crossing(office, begin, match, leave) == []
    assert [line.state for line in office.lines(request_id)] == [LineState.DROPPED]


def with_task_to_take(office: Whole, ground: str) -> tuple[Seat, SeatReturn, OwnerTask]:
    """Ana's seat is to be taken by its owner's hand."""
    ask(office, "ana", "Miro", until="2026-12-14")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    (seat,) = seats_of(office, "ana")
    with office.work() as work:
        mine = work.session.get_one(Seat, seat.id)
        seat_returns.confirm(work, office.service.rules(), mine, ground, office.staff["ben"], office.now())
    (back,) = returns(office)
    (task,) = rows(office, OwnerTask, OwnerTask.return_id == back.id)
    return seat, back, task


@pytest.mark.parametrize("act", ["need it back", "keep it longer"])
def test_an_owner_who_took_a_seat_and_its_holder_wait_for_each_other_in_one_order(office: Whole, act: str) -> None:
    """The owner's press held the task and wanted the return, the holder's held the return and wanted the task."""
    seat, back, task = with_task_to_take(office, "given_back" if act == "need it back" else "agreed_end")
    rules, now, ana = office.service.rules(), office.now(), office.staff["ana"]

    def begin(work: UnitOfWork) -> object:
        return work.session.get_one(OwnerTask, task.id, with_for_update=True)

    def take(work: UnitOfWork) -> None:
        by_hand.done(work, rules, task.id, work.session.get_one(Person, office.staff["chitra"]), now)

    def hold(work: UnitOfWork) -> object:
        if act == "need it back":
            seats.need_back(work, rules, back.id, ana, now)
            return None
        return seats.extend(work, rules, seat.id, ana, date(2027, 1, 31), "The pilot goes on.", "V1", now)

    came = crossing(office, begin, hold, take)
    assert not isinstance(came, DatabaseBusy)
    assert (came is None) == (act == "need it back")  # there is nothing to keep any more, and that is said
    assert [one.state for one in returns(office)] == ["restoring" if act == "need it back" else "removed"]


def test_a_removal_under_way_is_not_called_off_by_a_wish_to_keep_the_seat(office: Whole) -> None:
    """The press read "confirmed", waited for the job that wrote "removing", and wrote "kept" over it."""
    seat, back, _ = with_task_to_take(office, "agreed_end")
    rules, now = office.service.rules(), office.now()

    def remove(work: UnitOfWork) -> object:
        row = work.session.get_one(SeatReturn, back.id, with_for_update=True)
        row.state = "removing"
        work.session.flush()
        return None

    def keep(work: UnitOfWork) -> object:
        until = date(2027, 1, 31)
        return seats.extend(work, rules, seat.id, office.staff["ana"], until, "The pilot goes on.", "V1", now)

    refused = crossing(office, remove, keep)
    assert isinstance(refused, seats.EndUnderWay)
    assert [one.state for one in returns(office)] == ["removing"]
    assert not rows(office, LicenceRequest, LicenceRequest.kind == RequestKind.EXTENSION)


def test_who_is_chosen_to_give_way_reads_that_it_is_busy_and_presses_again(postgres_url: str, tmp_path: Path) -> None:
    """PostgreSQL ends one of two transactions that wait for each other. Nothing was wrong, and "tell IT" was said."""
    with open_office(tmp_path, postgres_url, copilot_seats=0) as office:
        request_id = ask(office, "ana", "Copilot")
        press(office, "ben", "Approve and wait", "Ana Lindqvist asks for Copilot")
        (line,) = office.lines(request_id)

        def hold_line(work: UnitOfWork) -> object:
            return work.session.get_one(RequestLine, line.id, with_for_update=True)

        def hold_request(work: UnitOfWork) -> object:  # the press has waited longer, so it is the one that ends
            return work.session.get_one(LicenceRequest, request_id, with_for_update=True)

        def leave(_: UnitOfWork) -> object:
            return office.person("ana").press("Leave the queue", in_message="In the queue")

        crossing(office, hold_line, leave, hold_request)
        assert BUSY in str(office.person("ana").modal())
        assert office.request(request_id).status == Status.WAITING_FOR_SEAT
        office.person("ana").close()
        press(office, "ana", "Leave the queue", "In the queue")
        assert office.request(request_id).status == Status.WITHDRAWN
