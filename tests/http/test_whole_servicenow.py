"""Seats ordered in ServiceNow, and everything that can become of an order there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.licences import Product
from model.requests import LineState, Status
from model.tickets import Ticket
from sandbox.graph_licensing import set_enabled
from sandbox.servicenow import add_catalog_item, add_user
from sandbox.slack_person import message_text
from tests.http.whole_acts import (
    all_said,
    ask,
    at_work,
    card,
    change,
    email,
    entitlements,
    holds,
    open_office,
    parked,
    policy_with,
    press,
    seats_of,
    tags,
    tickets,
)
from tests.whole import COPILOT, Whole
from workflows import submit, talk
from workflows.forms import NewProductForm


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def ordered(office: Whole) -> tuple[int, Ticket]:
    """Ana asked for Acrobat, Ben approved, the order is placed."""
    request_id = ask(office, "ana", "Acrobat")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Acrobat")
    (ticket,) = tickets(office, request_id, "grant")
    return request_id, ticket


def number(ticket: Ticket) -> str:
    assert ticket.number is not None
    return ticket.number


def note_of(office: Whole, request_id: int) -> str:
    return message_text(office.person("eli").message(f"REQ-{1000 + request_id} waits for a person", "it-alerts"))


def test_an_order_is_placed_once_and_its_end_gives_the_seat(tmp_path: Path, database_url: str) -> None:
    with open_office(tmp_path, database_url) as office:
        request_id, ticket = ordered(office)
        assert number(ticket).startswith("RITM") and ticket.opened_at is not None
        assert office.request(request_id).status == Status.FULFILLING
        assert number(ticket) in card(office, "ana", request_id)
        office.servicenow.control.resolve(number(ticket), "complete")
        office.forward(minutes=2)
        assert office.request(request_id).status == Status.FULFILLED
        assert [seat.path for seat in seats_of(office, "ana")] == ["servicenow"]
        assert "Ready" in card(office, "ana", request_id)
        items = office.servicenow.instance.find("sc_req_item", correlation_id=ticket.correlation_id)
        assert len(items) == 1
        office.forward(minutes=5)
        assert len(seats_of(office, "ana")) == 1


def test_an_approval_there_is_shown_as_waiting_in_servicenow(office: Whole) -> None:
    item = add_catalog_item(
        office.servicenow.instance,
        "Dear Acrobat",
        variables=(("seatkeeper_key", "Key", False), ("seatkeeper_ref", "In short", False)),
        price="2500",
    )
    change(office, Product, office.products["acrobat"], catalog_item_id=item)
    request_id, ticket = ordered(office)
    office.forward(minutes=2)
    shown = card(office, "ana", request_id)
    assert "waits in ServiceNow for the service desk" in shown and number(ticket) in shown
    office.servicenow.control.resolve(number(ticket), "approve")
    office.forward(minutes=2)
    assert "waits in ServiceNow" not in card(office, "ana", request_id)
    office.servicenow.control.resolve(number(ticket), "complete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLED


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("incomplete", "closed {} as incomplete"),
        ("cancelled", "{} was cancelled in ServiceNow"),
        ("reject_approval", "The approval of {} was refused in ServiceNow"),
    ],
)
def test_other_ends_are_told_apart_and_a_second_try_orders_anew(office: Whole, outcome: str, said: str) -> None:
    if outcome == "reject_approval":
        variables = (("seatkeeper_key", "Key", False),)
        item = add_catalog_item(office.servicenow.instance, "Dear Acrobat", variables=variables, price="2500")
        change(office, Product, office.products["acrobat"], catalog_item_id=item)
    request_id, ticket = ordered(office)
    office.servicenow.control.resolve(number(ticket), outcome)
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    assert said.format(number(ticket)) in card(office, "ana", request_id)
    assert said.format(number(ticket)) in note_of(office, request_id)
    press(office, "eli", "Try again", f"REQ-{1000 + request_id} waits for a person")
    assert office.request(request_id).status == Status.FULFILLING
    first, second = tickets(office, request_id, "grant")
    assert number(second) not in ("", number(first))
    if outcome == "reject_approval":
        office.servicenow.control.resolve(number(second), "approve")
    office.servicenow.control.resolve(number(second), "complete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLED


def test_a_person_servicenow_does_not_know_stops_the_order_with_a_sentence(office: Whole) -> None:
    rows = office.servicenow.instance.find("sys_user", email=email("ana"))
    office.servicenow.instance.delete("sys_user", rows[0]["sys_id"], office.servicenow.control.agent())
    request_id = ask(office, "ana", "Acrobat")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Acrobat")
    assert "not in ServiceNow" in all_said(office, "eli")
    shown = card(office, "ana", request_id)
    assert "IT was told" in shown or "waiting for a person" in shown, shown
    add_user(office.servicenow.instance, "ana", name="Ana Lindqvist", email=email("ana"))
    button = "Try again" if office.request(request_id).status == Status.FAILED else "Try it again"
    press(office, "eli", button, "for a person")
    (ticket,) = tickets(office, request_id, "grant")
    assert number(ticket).startswith("RITM")
    office.servicenow.control.resolve(number(ticket), "complete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLED


def test_an_instance_that_sleeps_for_hours_is_waited_for_and_people_know(office: Whole) -> None:
    request_id = ask(office, "ana", "Acrobat")
    fault = office.fault("servicenow", "html")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Acrobat")
    for _ in range(4):
        office.forward(hours=1)
    assert office.request(request_id).status == Status.FULFILLING
    assert "ServiceNow did not answer" in card(office, "ana", request_id)
    office.servicenow.faults.remove(fault)
    office.forward(minutes=20)
    (ticket,) = tickets(office, request_id, "grant")
    assert number(ticket).startswith("RITM")
    assert "did not answer" not in card(office, "ana", request_id)
    assert len(office.servicenow.instance.find("sc_req_item", correlation_id=ticket.correlation_id)) == 1
    office.servicenow.control.resolve(number(ticket), "complete")
    office.forward(minutes=20)
    assert office.request(request_id).status == Status.FULFILLED
    assert not parked(office)


def test_a_close_state_they_do_not_take_is_parked_with_one_note(tmp_path: Path, sqlite_url: str) -> None:
    policy = policy_with("servicenow: {close_codes: {fulfilled: {state: '99'}}}\n")
    with open_office(tmp_path, sqlite_url, policy=policy) as office:
        first = ask(office, "ana", "Copilot")
        press(office, "ben", "Approve", "Ana Lindqvist asks for Copilot")
        second = ask(office, "kai", "Copilot")
        press(office, "ben", "Approve", "Kai Moreno asks for Copilot")
        assert {office.request(one).status for one in (first, second)} == {Status.FULFILLED}
        assert len(parked(office)) == 2
        notes = [one for one in office.person("eli").messages("it-alerts") if "close" in message_text(one)]
        assert len(notes) == 1, [message_text(one) for one in notes]
        assert "close_codes" in message_text(notes[0])


def test_a_record_deleted_there_is_noticed(office: Whole) -> None:
    request_id, ticket = ordered(office)
    office.servicenow.instance.delete("sc_req_item", ticket.sys_id or "", office.servicenow.control.agent())
    office.forward(hours=2)
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    assert [line.state for line in office.lines(request_id)] == [LineState.FAILED]
    assert "is not in ServiceNow any more" in card(office, "ana", request_id)


def test_an_order_taken_up_again_there_goes_on_and_is_not_placed_twice(office: Whole) -> None:
    request_id, ticket = ordered(office)
    office.servicenow.control.resolve(number(ticket), "incomplete", note="Out of licences until Monday.")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    assert "The service desk writes: “Out of licences until Monday.”" in card(office, "ana", request_id)
    office.servicenow.control.reopen(number(ticket))
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLING
    office.servicenow.control.resolve(number(ticket), "complete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLED
    assert [one.number for one in tickets(office, request_id, "grant")] == [number(ticket)]
    assert len(seats_of(office, "ana")) == 1
    assert "ticket:record:reopened_there" in tags(office, request_id)


def test_a_seat_that_was_given_stays_when_its_order_is_opened_again(office: Whole) -> None:
    request_id, ticket = ordered(office)
    office.servicenow.control.resolve(number(ticket), "complete")
    office.forward(minutes=2)
    office.servicenow.control.reopen(number(ticket))
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLED and len(seats_of(office, "ana")) == 1
    assert f"{number(ticket)} was opened again in ServiceNow." in card(office, "ana", request_id)


def corrected(office: Whole, ticket: Ticket) -> None:
    """The desk closed it the wrong way and says so: complete after all, without opening it again."""
    agent = office.servicenow.control.agent()
    office.servicenow.instance.update("sc_req_item", ticket.sys_id or "", {"state": "3"}, agent)
    office.forward(minutes=2)


def test_an_order_that_the_desk_corrects_to_complete_gives_the_seat(office: Whole) -> None:
    """The seat was given there; here the request waited for it for ever, also after "Try again"."""
    request_id, ticket = ordered(office)
    office.servicenow.control.resolve(number(ticket), "incomplete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    corrected(office, ticket)
    assert office.request(request_id).status == Status.FULFILLED
    assert [line.state for line in office.lines(request_id)] == [LineState.GRANTED]
    assert len(seats_of(office, "ana")) == 1
    assert [one.number for one in tickets(office, request_id, "grant")] == [number(ticket)]
    assert "Ready" in card(office, "ana", request_id)
    (record,) = tickets(office, request_id, "record")
    assert (record.state, record.closing_words) == ("complete", "")


def test_an_order_corrected_after_another_one_followed_it_gives_no_second_seat(office: Whole) -> None:
    request_id, ticket = ordered(office)
    office.servicenow.control.resolve(number(ticket), "incomplete")
    office.forward(minutes=2)
    press(office, "eli", "Try again", f"REQ-{1000 + request_id} waits for a person")
    corrected(office, ticket)
    assert office.request(request_id).status == Status.FULFILLING and not seats_of(office, "ana")
    _, second = tickets(office, request_id, "grant")
    office.servicenow.control.resolve(number(second), "complete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FULFILLED and len(seats_of(office, "ana")) == 1


@pytest.mark.parametrize("then", ["waits", "withdrawn"])
def test_a_purchase_that_the_desk_corrects_to_complete_is_registered(
    tmp_path: Path, sqlite_url: str, then: str
) -> None:
    with open_office(tmp_path, sqlite_url, copilot_seats=0) as office:
        request_id = ask(office, "kai", "Copilot")
        press(office, "ben", "Approve and buy", "Kai Moreno asks for Copilot")
        press(office, "goran", "Approve and buy", "Kai Moreno asks for Copilot")
        (order,) = tickets(office, request_id, "purchase")
        office.servicenow.control.resolve(number(order), "incomplete")
        office.forward(minutes=2)
        assert office.request(request_id).status == Status.FAILED
        if then == "withdrawn":
            with office.work() as work:
                talk.withdraw(work, office.service.rules(), request_id, office.staff["kai"], office.now())
            office.settle()
        before = len(entitlements(office, "copilot"))
        set_enabled(office.graph.directory, COPILOT, 1)
        corrected(office, order)
        office.forward(minutes=6)
        bought = entitlements(office, "copilot")
        assert len(bought) == before + 1 and bought[-1].quantity == 1
        expected = Status.WITHDRAWN if then == "withdrawn" else Status.FULFILLED
        assert office.request(request_id).status == expected
        assert holds(office, "kai", COPILOT) == (then == "waits")
        corrected(office, order)
        assert len(entitlements(office, "copilot")) == before + 1


def test_new_software_that_the_desk_corrects_to_complete_is_there(office: Whole) -> None:
    with office.work() as work:
        form = NewProductForm("V-new", "Frobnicator", "We need it for the Lyon move.", "", "", "nothing", "")
        made = submit.submit_new_product(work, office.service.rules(), form, office.staff["ana"], office.now())
    office.settle()
    request_id = made.request_id
    press(office, "dara", "Approve", "Frobnicator")
    press(office, "goran", "Approve", "Frobnicator")
    (order,) = tickets(office, request_id, "new_product")
    office.servicenow.control.resolve(number(order), "incomplete")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    corrected(office, order)
    assert office.request(request_id).status == Status.FULFILLED


@pytest.mark.parametrize("asleep", [False, True], ids=["closed there", "not closed yet"])
def test_a_request_opened_again_ends_complete_there_too(office: Whole, asleep: bool) -> None:
    """Its record was closed as incomplete when nobody answered, and still said so after the seat was given."""
    request_id = ask(office, "ana", "Copilot")
    (first,) = tickets(office, request_id, "record")
    fault = office.fault("servicenow", "html") if asleep else 0
    for _ in range(8):
        office.forward(days=3)
    assert office.request(request_id).status == Status.EXPIRED
    press(office, "ana", "Open it again", "Closed without an answer")
    if asleep:
        office.servicenow.faults.remove(fault)
        office.forward(hours=1)
    at_work(office, "ben", "Ana Lindqvist asks")
    press(office, "ben", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED
    office.forward(hours=1)
    states = [one.state for one in tickets(office, request_id, "record")]
    assert states == (["complete"] if asleep else ["incomplete", "complete"])
    numbers = {one.number for one in tickets(office, request_id, "record")}
    assert len(numbers) == len(states) and number(first) in numbers
