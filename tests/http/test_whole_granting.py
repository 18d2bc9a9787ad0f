"""How a seat is given, whole: by a licensing group, by the product's owner, by an order in ServiceNow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.licences import Product
from model.requests import LineState, Status
from sandbox.graph_directory import GROUP, USER
from sandbox.graph_licensing import set_enabled
from sandbox.slack_person import message_text
from tests.http.whole_acts import (
    all_said,
    ask,
    card,
    change,
    directory_id,
    holds,
    open_office,
    parked,
    press,
    seats_of,
    send,
    tags,
    tasks,
    tickets,
)
from tests.whole import COPILOT, PLANNER, PLANNER_GROUP, Whole


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url) as made:
        yield made


def members(office: Whole) -> list[str]:
    group = office.graph.directory.seen("graph.group", PLANNER_GROUP)
    assert group is not None
    return list(group["members"])


def test_a_group_seat_is_given_only_when_its_state_says_active(either: Whole) -> None:
    request_id = ask(either, "ana", "Planner")
    either.graph.directory.group_delay *= 24  # two minutes: Microsoft takes its time
    press(either, "ben", "Approve", "Ana Lindqvist asks for Planner")
    assert directory_id("ana") in members(either)
    assert either.request(request_id).status == Status.FULFILLING  # a member, and no seat yet
    assert not seats_of(either, "ana")
    either.forward(minutes=3)
    assert either.request(request_id).status == Status.FULFILLED
    assert holds(either, "ana", PLANNER)
    (seat,) = seats_of(either, "ana")
    assert seat.path == f"group:{PLANNER_GROUP}" and seat.authorised_by == "request"
    assert "Ready" in card(either, "ana", request_id)


def test_a_group_without_units_puts_the_request_back_into_the_queue(office: Whole) -> None:
    request_id = ask(office, "ana", "Planner")
    set_enabled(office.graph.directory, PLANNER, 0)  # sold meanwhile; our figures are minutes old
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    office.forward(minutes=1)
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    assert directory_id("ana") not in members(office)  # else the next free unit goes past the queue
    assert "In the queue: 1st of 1" in card(office, "ana", request_id)
    set_enabled(office.graph.directory, PLANNER, 2)
    office.forward(minutes=6)
    office.forward(minutes=1)
    assert office.request(request_id).status == Status.FULFILLED
    assert holds(office, "ana", PLANNER)


@pytest.mark.parametrize("kind", ["dynamic", "synced", "role_assignable"])
def test_a_group_that_must_not_be_touched_is_refused_in_words_and_cleared_by_a_person(office: Whole, kind: str) -> None:
    office.graph.directory.add_group(
        "Licence: Planner",
        id=PLANNER_GROUP,
        licences=[PLANNER],
        dynamic=kind == "dynamic",
        synced=kind == "synced",
        role_assignable=kind == "role_assignable",
    )
    request_id = ask(office, "ana", "Planner")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    assert office.request(request_id).status == Status.FAILED
    assert [line.state for line in office.lines(request_id)] == [LineState.FAILED]
    assert "waiting for a person" in card(office, "ana", request_id)
    assert "not usable" in card(office, "ana", request_id)
    note = message_text(office.person("eli").message("waits for a person", "it-alerts"))
    assert "not usable" in note and "Ana" not in note
    assert not parked(office)

    office.graph.directory.add_group("Licence: Planner", id=PLANNER_GROUP, licences=[PLANNER])
    press(office, "ana", "Try again", "waits for a person")
    assert office.request(request_id).status == Status.FAILED  # not hers to press
    press(office, "eli", "Try again", "waits for a person")
    assert office.request(request_id).status == Status.FULFILLED
    assert "Settled" in message_text(office.person("eli").message(f"REQ-{1000 + request_id}", "it-alerts"))


@pytest.mark.parametrize(
    ("gives", "words"),
    [([PLANNER, COPILOT], "gives other licences besides this one"), ([COPILOT], "does not give this licence"),
     ([], "does not give this licence")],
    ids=["more", "another", "none"],
)  # fmt: skip
def test_a_group_gives_nothing_but_what_was_approved(office: Whole, gives: list[str], words: str) -> None:
    """A group with a second licence gave that one too, and one without any was asked every minute for ever."""
    office.graph.directory.add_group("Licence: Planner", id=PLANNER_GROUP, licences=gives)
    request_id = ask(office, "ana", "Planner")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    office.forward(minutes=2)
    assert office.request(request_id).status == Status.FAILED
    assert words in office.lines(request_id)[0].words
    assert words in message_text(office.person("eli").message("waits for a person", "it-alerts"))
    assert directory_id("ana") not in members(office)
    assert not holds(office, "ana", COPILOT) and not parked(office)


def test_a_member_loses_no_other_licence_because_this_one_has_no_unit(office: Whole) -> None:
    """Whoever was already in the group of two licences was taken out of it, and the second one went unconfirmed."""
    office.graph.directory.add_group(
        "Licence: Planner", id=PLANNER_GROUP, licences=[PLANNER, COPILOT], members=[directory_id("ana")]
    )
    document = office.graph.directory.store.get(USER, directory_id("ana"))
    assert document is not None
    for one in document["licences"]:
        if one["skuId"].lower() == PLANNER:
            one |= {"state": "Error", "error": "CountViolation"}
    office.graph.directory.write(USER, document)
    request_id = ask(office, "ana", "Planner")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    assert office.request(request_id).status == Status.FAILED
    assert directory_id("ana") in members(office) and holds(office, "ana", COPILOT)


def test_a_group_that_was_deleted_is_named_and_the_person_is_not_said_to_have_left(office: Whole) -> None:
    request_id = ask(office, "ana", "Planner")
    office.graph.directory.store.drop(GROUP, PLANNER_GROUP)
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    assert office.request(request_id).status == Status.FAILED
    words = office.lines(request_id)[0].words
    assert "licensing group is not in Microsoft 365 any more" in words and "Ana" not in words
    assert not parked(office)


def test_a_person_without_a_usage_location_is_named_and_served_after_it_is_set(office: Whole) -> None:
    office.graph.directory.change_user(directory_id("ana"), usageLocation=None)
    request_id = ask(office, "ana", "Copilot")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Copilot")
    assert office.request(request_id).status == Status.FAILED
    assert "no usage location" in office.lines(request_id)[0].words
    office.graph.directory.change_user(directory_id("ana"), usageLocation="FR")
    press(office, "eli", "Try again", "waits for a person")
    assert office.request(request_id).status == Status.FULFILLED


# -- by the product's owner -------------------------------------------------------------------------------------------


def test_the_owner_gives_it_and_opens_the_task_again_when_it_does_not_work(either: Whole) -> None:
    request_id = ask(either, "ana", "Miro")
    press(either, "ben", "Approve", "Ana Lindqvist asks for Miro")
    assert either.request(request_id).status == Status.FULFILLING
    assert "Chitra Rao gives the seat" in card(either, "ana", request_id)
    assert "ana@lumenfjord.example" in message_text(either.person("chitra").message("Give Ana Lindqvist a seat"))
    press(either, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    assert either.request(request_id).status == Status.FULFILLED
    assert [seat.path for seat in seats_of(either, "ana")] == ["task"]
    assert "Done by Chitra Rao" in all_said(either, "chitra")
    assert send(either, "ana", "It does not work", "Ready", words="The page says no access.")["ok"]
    assert either.request(request_id).status == Status.FULFILLING
    assert "The page says no access." in all_said(either, "chitra")
    press(either, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    assert either.request(request_id).status == Status.FULFILLED
    assert len(seats_of(either, "ana")) == 1
    assert tags(either, request_id).count("request:grant:completed") == 2
    (record,) = tickets(either, request_id, "record")
    assert record.state == "complete"


@pytest.mark.parametrize(
    ("reason", "words", "said"),
    [
        ("Person unknown there", "", "not known in the product"),
        ("No right to do it", "", "no right to give seats"),
        ("Other", "Their page is down.", "Their page is down."),
    ],
)
def test_what_is_in_the_owners_way_reaches_it_and_the_task_comes_back(
    office: Whole, reason: str, words: str, said: str
) -> None:
    request_id = ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    fields = {"reason": reason} | ({"words": words} if words else {})
    assert send(office, "chitra", "I could not do it", "Give Ana Lindqvist a seat", **fields)["ok"]
    assert office.request(request_id).status == Status.FAILED
    assert said in card(office, "ana", request_id)
    told = office.person("ana").message("A person was told to clear what is in the way: ")
    assert said in message_text(told) and message_text(told).rstrip().endswith("You need not do anything.")
    [task] = tasks(office)
    assert "_" not in message_text(office.person("chitra").message("Something is in the way")) and task.words
    assert said in message_text(office.person("eli").message("waits for a person", "it-alerts"))
    press(office, "eli", "Try again", "waits for a person")
    assert office.request(request_id).status == Status.FULFILLING
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    assert office.request(request_id).status == Status.FULFILLED
    assert len(tasks(office)) == 1


def test_no_seat_left_there_waits_for_a_real_seat_and_does_not_ask_the_owner_again_and_again(office: Whole) -> None:
    first = ask(office, "kai", "Miro")
    press(office, "ben", "Approve", "Kai Moreno asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Kai Moreno a seat")
    request_id = ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    assert send(office, "chitra", "I could not do it", "Give Ana Lindqvist a seat", reason="No seat left")["ok"]
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    assert "In the queue: 1st of 1" in card(office, "ana", request_id)
    office.forward(minutes=11)
    assert [task.state for task in tasks(office)] == ["done", "could_not"]
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    # Kai gives theirs back: the owner takes it, and Ana is next
    give_back(office, "kai", "Miro")
    press(office, "chitra", "Done, seat taken back", "Take back")
    assert not seats_of(office, "kai")
    assert office.request(request_id).status == Status.FULFILLING
    office.forward(hours=24)  # Chitra had three messages today, so this one is a row of the digest at nine
    press(office, "chitra", "Done", "1 thing waits for you")
    assert office.request(request_id).status == Status.FULFILLED
    assert office.request(first).status == Status.FULFILLED


def give_back(office: Whole, key: str, product: str) -> None:
    """Through Home, as people do."""
    person = office.person(key)
    person.open_home()
    office.settle()
    try:
        person.press("See what I have", in_home=True)
    except AssertionError:
        pass  # the first visit only
    office.settle()
    person.press(f"Give back {product}", in_home=True)
    assert person.submit()["ok"]
    office.settle()


def test_a_task_is_handed_on_and_both_names_stay(office: Whole) -> None:
    request_id = ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    chitra = office.person("chitra")
    message = chitra.message("Give Ana Lindqvist a seat")
    chitra.choose("task_more", "Hand on", in_message=message)
    assert chitra.fill(person="U0DARA").submit()["ok"]
    office.settle()
    assert "Handed on to Dara Novak" in all_said(office, "chitra")
    press(office, "dara", "Done, seat given", "Give Ana Lindqvist a seat")
    assert office.request(request_id).status == Status.FULFILLED
    assert tasks(office)[0].done_by_id == office.staff["dara"]


def test_several_people_get_theirs_by_hand_and_the_right_task_opens_again(office: Whole) -> None:
    request_id = ask(office, "ana", "Miro", people=["U0ANA", "U0KAI"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    assert office.request(request_id).status == Status.FULFILLING
    press(office, "chitra", "Done, seat given", "Give Kai Moreno a seat")
    assert office.request(request_id).status == Status.FULFILLED
    assert "You have Miro" in all_said(office, "kai")
    assert send(office, "ana", "It does not work", "Ready", words="Ana sees no board.")["ok"]
    by_line = {task.line_id: task.state for task in tasks(office)}
    (ana_line, kai_line) = office.lines(request_id)
    assert (by_line[ana_line.id], by_line[kai_line.id]) == ("open", "done")


def test_a_product_whose_owner_left_goes_to_the_fallback_group(office: Whole) -> None:
    change(office, Product, office.products["miro"], owner_id=None)
    request_id = ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "dara", "Done, seat given", "Give Ana Lindqvist a seat")
    assert office.request(request_id).status == Status.FULFILLED
