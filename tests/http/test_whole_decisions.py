"""Deciding, whole: changed, denied, asked, handed on, withdrawn, late, by deputies, by several, by rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from model.people import Person
from model.requests import LineState, Status
from sandbox.slack_person import message_text
from tests.http.whole_acts import (
    all_said,
    approvers,
    ask,
    at_work,
    card,
    change,
    open_office,
    policy_with,
    press,
    refused,
    seats_of,
    send,
    tags,
    tickets,
)
from tests.whole import Whole


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def names(office: Whole) -> dict[str, str]:
    """Who was asked, by key, with what became of it."""
    known = {row: key for key, row in office.staff.items()}
    return {known[one.person_id]: str(one.state) for one in approvers(office)}


def test_changed_to_less_and_approved(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot", people=["U0ANA", "U0KAI"], count="3")
    asked_cost = office.request(request_id).cost
    ben = office.person("ben")
    ben.press("Change and approve", in_message="Ana Lindqvist asks for 3 seats of Copilot")
    ben.fill(count="2", until="2027-01-31", note="Pilot first.")
    assert ben.submit()["ok"]
    office.settle()
    request = office.request(request_id)
    assert (request.status, request.seats, request.until_on) == (Status.FULFILLED, 2, date(2027, 1, 31))
    assert request.cost is not None and asked_cost is not None and request.cost < asked_cost
    states = [line.state for line in office.lines(request_id)]
    assert states == [LineState.GRANTED, LineState.GRANTED, LineState.DROPPED]
    assert [seat.until_on for key in ("ana", "kai") for seat in seats_of(office, key)] == [date(2027, 1, 31)] * 2
    told = all_said(office, "ana")
    assert "Ben Okafor approved it until 31 Jan 2027" in told and "Pilot first." in told


def test_opened_again_only_the_seats_that_were_left_are_given(tmp_path: Path, sqlite_url: str) -> None:
    """One step approved 3 of 5, the next never answered; opened again it gave all 5, while every card said 3."""
    policy = policy_with("", approval="{fallback: {roles: [licence_manager]}, steps: [line_manager, product_owner]}")
    with open_office(tmp_path, sqlite_url, copilot_seats=5, policy=policy) as office:
        request_id = ask(office, "ana", "Copilot", people=["U0ANA", "U0KAI"], count="5")
        ben = office.person("ben")
        ben.press("Change and approve", in_message="Ana Lindqvist asks for 5 seats of Copilot")
        assert ben.fill(count="3").submit()["ok"]
        office.settle()
        for _ in range(12):
            office.forward(days=3)
        assert office.request(request_id).status == Status.EXPIRED
        press(office, "ana", "Open it again", "Closed without an answer")
        states = [line.state for line in office.lines(request_id)]
        assert states == [LineState.WANTED] * 3 + [LineState.DROPPED] * 2
        for key in ("ben", "chitra"):
            at_work(office, key, "Ana Lindqvist asks for 3 seats of Copilot")
            press(office, key, "Approve", "Ana Lindqvist asks for 3 seats of Copilot")
        at_work(office, "chitra", "eat in")
        press(office, "chitra", "Done, seat given", "eat in")
        assert office.request(request_id).status == Status.FULFILLED
        given = [line.person_id for line in office.lines(request_id) if line.state == LineState.GRANTED]
        assert given == [office.staff["ana"], office.staff["kai"], None]


def test_denied_with_a_reason_and_a_suggestion(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    send(
        office, "ben", "Deny", "Ana Lindqvist asks", reason="Use something we own", words="The team plan covers it.",
        suggest="Microsoft Planner",
    )  # fmt: skip
    assert office.request(request_id).status == Status.DENIED
    shown, told = card(office, "ana", request_id), all_said(office, "ana")
    assert "Not approved" in shown and "The team plan covers it." in shown
    assert "Microsoft Planner" in told
    assert tickets(office, request_id, "record")[0].state == "incomplete"


def test_a_question_stops_the_time_limit_until_it_is_answered(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    send(office, "ben", "Ask a question", "Ana Lindqvist asks", words="For how long do you need it?")
    assert "Ben Okafor asks you something" in card(office, "ana", request_id)
    assert "For how long do you need it?" in all_said(office, "ana")
    for _ in range(2):
        office.forward(days=3)  # far beyond twelve working hours
    assert office.request(request_id).status == Status.AWAITING_APPROVAL
    assert names(office) == {"ben": "asked"}
    send(office, "ana", "Answer", "Ben Okafor asks you something", words="Until the end of March.")
    office.forward(hours=2)
    assert office.request(request_id).status == Status.AWAITING_APPROVAL
    at_work(office, "ben", "Until the end of March.")
    assert "Until the end of March." in all_said(office, "ben")
    press(office, "ben", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED


def test_a_question_never_answered_closes_the_request_and_another_waits_its_turn(office: Whole) -> None:
    people = ["U0ANA", "U0CHITRA"]
    request_id = ask(office, "ana", "Copilot", people=people, count="2")
    send(office, "ben", "Ask a question", "Ana Lindqvist asks", words="For how long do you need it?")
    send(office, "mia", "Ask a question", "Ana Lindqvist asks", words="Why two of them?")
    assert "Ben Okafor asked something first" in str(office.person("mia").screen())
    assert office.request(request_id).question == "For how long do you need it?"
    for _ in range(3):
        office.forward(days=3)
    assert office.request(request_id).status == Status.EXPIRED
    press(office, "ana", "Open it again", "Closed without an answer")
    office.forward(hours=2)
    assert office.request(request_id).status == Status.AWAITING_APPROVAL


def test_a_note_reaches_approver_and_record_and_a_reminder_is_sent_once_a_day(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    send(office, "ana", "Add a note", "Waiting for Ben Okafor", words="The workshop is on Friday.")
    assert "The workshop is on Friday." in all_said(office, "ben")
    record = tickets(office, request_id, "record")[0]
    journal = office.servicenow.instance.journal(record.sys_id or "", "work_notes")
    assert any("The workshop is on Friday." in str(row) for row in journal)
    office.forward(hours=7)
    office.forward(hours=19)  # past half of the time, before its end
    press(office, "ana", "Remind Ben", "Waiting for Ben Okafor")
    assert any("remind" in tag for tag in tags(office, request_id))
    assert "Remind Ben" not in str(office.person("ana").message("Waiting for Ben Okafor")["blocks"])


def test_handed_on_both_names_stay(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    ben = office.person("ben")
    ben.choose("approval_more", "Hand on", in_message="Ana Lindqvist asks")
    assert ben.fill(person="U0MIA").submit()["ok"]
    office.settle()
    assert "Handed on to Mia Chen" in all_said(office, "ben")
    assert "Ben Okafor was asked first and handed it on" in all_said(office, "mia")
    press(office, "mia", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED
    assert names(office) == {"ben": "passed", "mia": "agreed"}


def test_withdrawn_while_it_waits(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    press(office, "ana", "Withdraw", "Waiting for Ben Okafor")
    assert office.request(request_id).status == Status.WITHDRAWN
    assert "Withdrawn by Ana Lindqvist" in all_said(office, "ben")
    assert tickets(office, request_id, "record")[0].state == "cancelled"


def test_late_it_is_reminded_passed_on_closed_and_opened_again(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    for _ in range(9):
        office.forward(hours=1)
    happened = tags(office, request_id)
    assert any("remind" in tag for tag in happened), happened
    for _ in range(4):
        office.forward(hours=12)
    asked = names(office)
    assert asked["ben"] == "passed" and asked["mia"] in ("asked", "passed"), asked
    for _ in range(4):
        office.forward(days=3)
    assert office.request(request_id).status == Status.EXPIRED
    shown = card(office, "ana", request_id)
    assert "Closed without an answer" in shown and "denied" not in all_said(office, "ana").lower()
    press(office, "ana", "Open it again", "Closed without an answer")
    assert office.request(request_id).status == Status.AWAITING_APPROVAL
    at_work(office, "ben", "Ana Lindqvist asks")
    press(office, "ben", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED


def test_opened_again_after_one_of_two_had_agreed(tmp_path: Path, sqlite_url: str) -> None:
    approval = "{fallback: {roles: [licence_manager]}, steps: [product_owner, licence_manager]}"
    with open_office(tmp_path, sqlite_url, policy=policy_with("", approval=approval)) as office:
        request_id = ask(office, "ana", "Copilot")
        press(office, "chitra", "Approve", "Ana Lindqvist asks")
        for _ in range(4):
            office.forward(days=3)
        assert office.request(request_id).status == Status.EXPIRED
        press(office, "ana", "Open it again", "Closed without an answer")
        at_work(office, "chitra", "Ana Lindqvist asks")
        press(office, "chitra", "Approve", "Ana Lindqvist asks")
        at_work(office, "dara", "Ana Lindqvist asks")
        press(office, "dara", "Approve", "Ana Lindqvist asks")
        assert office.request(request_id).status == Status.FULFILLED


def test_a_deputy_decides_while_somebody_is_away(office: Whole) -> None:
    change(
        office, Person, office.staff["ben"], absent_from=date(2026, 11, 20), absent_until=date(2026, 11, 30),
        deputy_id=office.staff["mia"],
    )  # fmt: skip
    request_id = ask(office, "ana", "Copilot")
    assert "You stand in for Ben Okafor" in all_said(office, "mia")
    press(office, "mia", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED
    assert "Approved by Mia Chen for Ben Okafor" in all_said(office, "mia")


def test_several_people_with_different_managers_need_them_all(office: Whole) -> None:
    request_id = ask(office, "kai", "Copilot", people=["U0ANA", "U0CHITRA"], count="2")
    press(office, "ben", "Approve", "Kai Moreno asks for 2 seats")
    assert office.request(request_id).status == Status.AWAITING_APPROVAL
    assert "1 of 2 agreed" in card(office, "kai", request_id)
    press(office, "mia", "Approve", "Kai Moreno asks for 2 seats")
    assert office.request(request_id).status == Status.FULFILLED
    assert "You have Copilot" in all_said(office, "ana") and "You have Copilot" in all_said(office, "chitra")


def test_by_rule_at_once_and_only_while_a_seat_is_free(tmp_path: Path, sqlite_url: str) -> None:
    rule = "pre_approved:\n  - {rule: 4, below: {EUR: 500.00}}\n"
    with open_office(tmp_path, sqlite_url, copilot_seats=1, policy=policy_with(rule)) as office:
        first = ask(office, "ana", "Copilot")
        assert office.request(first).status == Status.FULFILLED
        assert "rule 4" in all_said(office, "ana")
        second = ask(office, "kai", "Copilot")
        assert office.request(second).status == Status.AWAITING_APPROVAL


def test_refusals_stand_at_their_fields_and_nothing_is_stored(tmp_path: Path, sqlite_url: str) -> None:
    more = (
        "conflicts:\n  - {rule: 20, products: [miro, planner], because: two boards}\n"
        "products:\n  planner: {group: planner}\n"
        "  acrobat: {may_ask: {rule: 21, only: {departments: [Legal]}, reason: only Legal signs}}\n"
    )
    policy = policy_with(more).replace("products:\n  planner: {group: planner}\n", "", 1)
    with open_office(tmp_path, sqlite_url, policy=policy) as office:
        assert "10 characters" in refused(office, "ana", "Copilot", why="x")["why"]
        assert "3 seats" in refused(office, "ana", "Copilot", people=["U0ANA", "U0KAI", "U0LI"], count="1")["count"]
        assert "Choose a day" in refused(office, "ana", "Copilot", until="2026-11-01")["until"]
        assert "only Legal signs" in str(refused(office, "ana", "Acrobat"))
        request_id = ask(office, "ana", "Miro")
        assert "waits for Ben Okafor" in refused(office, "ana", "Miro")["product"]
        press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
        press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
        assert "already have this" in refused(office, "ana", "Miro")["product"]
        assert "two boards" in str(refused(office, "ana", "Planner"))
        assert office.newest().id == request_id


def test_split_requests_are_summed_and_bring_finance_in(tmp_path: Path, sqlite_url: str) -> None:
    policy = policy_with("", finance="{above: {EUR: 250.00}, counts: requests}")
    with open_office(tmp_path, sqlite_url, policy=policy) as office:
        first = ask(office, "ana", "Copilot")
        press(office, "ben", "Approve", "Ana Lindqvist asks")
        assert office.request(first).status == Status.FULFILLED  # 118.75 alone
        second = ask(office, "kai", "Copilot")
        press(office, "ben", "Approve", "Kai Moreno asks")
        third = ask(office, "li", "Copilot")
        press(office, "ben", "Approve", "Li Wei asks")
        assert office.request(second).status == Status.FULFILLED
        assert office.request(third).status == Status.AWAITING_APPROVAL
        assert "Fatima Haddad" in card(office, "li", third)
        press(office, "fatima", "Approve", "Li Wei asks")
        assert office.request(third).status == Status.FULFILLED


def test_presses_that_change_nothing(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    message = office.person("ben").message("Ana Lindqvist asks")
    change(office, Person, office.staff["ana"], manager_id=office.staff["mia"])
    office.person("ben").press("Approve", in_message=message)
    office.settle()
    assert office.request(request_id).status == Status.AWAITING_APPROVAL
    assert "Mia Chen decides for Design now" in all_said(office, "ben")
    office.settle()
    press(office, "mia", "Approve", "Ana Lindqvist asks")  # it really went to her list
    assert office.request(request_id).status == Status.FULFILLED


def test_pressed_twice_is_once(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    message = office.person("ben").message("Ana Lindqvist asks")
    for _ in range(2):
        office.person("ben").press("Approve", in_message=message)
    office.settle()
    assert office.request(request_id).status == Status.FULFILLED
    assert tags(office, request_id).count("request:approval:granted") == 1
    assert message_text(office.person("ben").messages(replies=False)[-1])
