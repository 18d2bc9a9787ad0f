"""No free seat: the queue with its places, seats that come back, and buying one, on every side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.requests import ApprovalStep, LineState, Status, StepApprover, StepKind
from sandbox.graph_licensing import set_enabled
from sandbox.slack_person import message_text
from tests.http.whole_acts import (
    all_said,
    ask,
    card,
    directory_id,
    entitlements,
    holds,
    open_office,
    press,
    returns,
    rows,
    seats_of,
    send,
    tags,
    tickets,
)
from tests.whole import COPILOT, Whole
from workflows.decide import Verdict, decide
from workflows.refusals import Refusal


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    """One Copilot seat."""
    with open_office(tmp_path, sqlite_url, copilot_seats=1) as made:
        yield made


def give_back(office: Whole, key: str, product: str) -> None:
    """Through Home, as people do."""
    person = office.person(key)
    person.open_home()
    office.settle()
    if "See what I have" in str(person.home()):
        person.press("See what I have", in_home=True)
        office.settle()
    person.press(f"Give back {product}", in_home=True)
    assert person.submit()["ok"]
    office.settle()


def get(office: Whole, key: str, name: str) -> int:
    request_id = ask(office, key, "Copilot")
    press(office, "ben", "Approve", f"{name} asks for Copilot")
    assert office.request(request_id).status == Status.FULFILLED
    return request_id


def wait(office: Whole, key: str, name: str) -> int:
    request_id = ask(office, key, "Copilot")
    press(office, "ben", "Approve and wait", f"{name} asks for Copilot")
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    return request_id


def test_a_seat_given_back_goes_to_the_first_in_the_queue(tmp_path: Path, database_url: str) -> None:
    with open_office(tmp_path, database_url, copilot_seats=1) as office:
        get(office, "ana", "Ana Lindqvist")
        first = wait(office, "kai", "Kai Moreno")
        second = wait(office, "li", "Li Wei")
        assert "In the queue: 1st of 2" in card(office, "kai", first)
        assert "In the queue: 2nd of 2" in card(office, "li", second)
        give_back(office, "ana", "Copilot")
        assert not holds(office, "ana", COPILOT) and holds(office, "kai", COPILOT)
        assert office.request(first).status == Status.FULFILLED
        assert "In the queue: 1st of 1" in card(office, "li", second)
        (back,) = returns(office)
        assert (back.state, back.ground, back.confirmed_by_id) == ("removed", "given_back", office.staff["ana"])
        assert "It went to someone who was waiting." in all_said(office, "ana")
        assert "Kai" not in all_said(office, "ana")


def test_leaving_the_queue_moves_the_others_up_and_urgency_is_no_jump(office: Whole) -> None:
    get(office, "ana", "Ana Lindqvist")
    first = wait(office, "kai", "Kai Moreno")
    second = wait(office, "li", "Li Wei")
    assert send(office, "li", "It is urgent", "In the queue", words="The board meets tomorrow.")["ok"]
    assert "The board meets tomorrow." in all_said(office, "chitra")
    assert "2nd of 2" in card(office, "li", second)
    press(office, "kai", "Leave the queue", "In the queue")
    assert office.request(first).status == Status.WITHDRAWN
    assert "In the queue: 1st of 1" in card(office, "li", second)
    (record,) = tickets(office, first, "record")
    assert record.state == "cancelled"


def test_a_second_approval_of_the_last_seat_joins_the_queue_and_says_so(office: Whole) -> None:
    first = ask(office, "ana", "Copilot")
    second = ask(office, "kai", "Copilot")
    ben = office.person("ben")
    for name in ("Ana Lindqvist", "Kai Moreno"):
        ben.press("Approve", in_message=f"{name} asks for Copilot")
    office.settle()
    assert office.request(first).status == Status.FULFILLED
    assert office.request(second).status == Status.WAITING_FOR_SEAT
    assert "In the queue: 1st of 1" in card(office, "kai", second)
    shown = message_text(ben.message("Copilot for Kai Moreno"))
    assert "Approved by Ben Okafor" in shown and "queue" in shown


def test_a_seat_is_bought_confirmed_by_another_person_and_given(tmp_path: Path, database_url: str) -> None:
    with open_office(tmp_path, database_url, copilot_seats=1) as office:
        get(office, "ana", "Ana Lindqvist")
        request_id = ask(office, "kai", "Copilot")
        press(office, "ben", "Approve and buy", "Kai Moreno asks for Copilot")
        request = office.request(request_id)
        assert (request.status, request.purchase) == (Status.AWAITING_APPROVAL, True)
        assert not tickets(office, request_id, "purchase")
        press(office, "goran", "Approve and buy", "Kai Moreno asks for Copilot")
        assert office.request(request_id).status == Status.WAITING_FOR_SEAT
        (order,) = tickets(office, request_id, "purchase")
        assert order.number is not None
        assert "being bought" in card(office, "kai", request_id) and order.number in card(office, "kai", request_id)
        before = len(entitlements(office, "copilot"))
        set_enabled(office.graph.directory, COPILOT, 2)
        office.servicenow.control.resolve(order.number, "complete")
        office.forward(minutes=6)
        assert office.request(request_id).status == Status.FULFILLED
        assert holds(office, "kai", COPILOT)
        bought = entitlements(office, "copilot")
        assert len(bought) == before + 1 and bought[-1].quantity == 1
        happened = tags(office, request_id)
        assert happened.count("request:purchase:ordered") == 1
        assert happened.count("request:purchase:arrived") == 1


def test_who_approved_the_money_does_not_confirm_the_order(office: Whole) -> None:
    get(office, "ana", "Ana Lindqvist")
    request_id = ask(office, "kai", "Copilot")
    press(office, "ben", "Approve and buy", "Kai Moreno asks for Copilot")
    step = rows(office, ApprovalStep, ApprovalStep.request_id == request_id)[-1]
    (asked,) = rows(office, StepApprover, StepApprover.step_id == step.id)
    assert (step.kind, asked.person_id) == (StepKind.PURCHASE, office.staff["goran"])
    with office.work() as work, pytest.raises(Refusal) as refused:  # Goran's card, forwarded to Ben, who presses it
        decide(work, office.service.rules, asked.id, None, "U0BEN", Verdict(True, buy=True), office.now())
    assert "Goran" in str(refused.value)
    assert office.request(request_id).status == Status.AWAITING_APPROVAL


def test_an_order_that_is_refused_fails_is_told_and_ordered_anew(office: Whole) -> None:
    get(office, "ana", "Ana Lindqvist")
    request_id = ask(office, "kai", "Copilot")
    press(office, "ben", "Approve and buy", "Kai Moreno asks for Copilot")
    press(office, "goran", "Approve and buy", "Kai Moreno asks for Copilot")
    (order,) = tickets(office, request_id, "purchase")
    office.servicenow.control.resolve(order.number or "", "incomplete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    assert "as incomplete" in card(office, "kai", request_id)
    reference = f"REQ-{1000 + request_id}"
    assert "as incomplete" in message_text(office.person("dara").message(f"{reference} waits for a person"))
    press(office, "dara", "Try again", f"{reference} waits for a person")
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    assert len(tickets(office, request_id, "purchase")) == 2
    # a seat comes free before the second order: nothing more is bought
    give_back(office, "ana", "Copilot")
    assert office.request(request_id).status == Status.FULFILLED
    assert holds(office, "kai", COPILOT)


def test_withdrawing_while_it_is_bought_cancels_the_order(office: Whole) -> None:
    get(office, "ana", "Ana Lindqvist")
    request_id = ask(office, "kai", "Copilot")
    press(office, "ben", "Approve and buy", "Kai Moreno asks for Copilot")
    press(office, "goran", "Approve and buy", "Kai Moreno asks for Copilot")
    press(office, "kai", "Leave the queue", "In the queue")
    assert office.request(request_id).status == Status.WITHDRAWN
    (order,) = tickets(office, request_id, "purchase")
    assert order.state == "cancelled"
    item = office.servicenow.instance.find("sc_req_item", number=order.number or "")[0]
    assert item["state"] in ("4", "7")
    assert [line.state for line in office.lines(request_id)] == [LineState.DROPPED]


def test_several_seats_of_which_some_wait(tmp_path: Path, sqlite_url: str) -> None:
    with open_office(tmp_path, sqlite_url, copilot_seats=2) as office:
        request_id = ask(office, "ana", "Copilot", people=["U0ANA", "U0KAI", "U0LI"], count="3")
        press(office, "ben", "Approve and wait", "Ana Lindqvist asks for 3 seats of Copilot")
        states = sorted(line.state for line in office.lines(request_id))
        assert states == [LineState.GRANTED, LineState.GRANTED, LineState.QUEUED]
        assert office.request(request_id).status == Status.WAITING_FOR_SEAT
        assert "2 of 3 seats given" in card(office, "ana", request_id)
        set_enabled(office.graph.directory, COPILOT, 3)
        office.forward(minutes=6)
        assert office.request(request_id).status == Status.FULFILLED
        assert all(holds(office, key, COPILOT) for key in ("ana", "kai", "li"))
        assert "You have Copilot" in all_said(office, "li")


def test_the_seat_of_somebody_who_took_it_elsewhere_is_not_given_twice(office: Whole) -> None:
    """An administrator gives the last seat by hand between approval and grant: the request waits, nobody loses one."""
    request_id = ask(office, "ana", "Copilot")
    office.graph.directory.grant(directory_id("tom"), COPILOT)
    press(office, "ben", "Approve", "Ana Lindqvist asks for Copilot")
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    assert not seats_of(office, "ana")
    assert office.graph.directory.consumed(COPILOT) == 1
