"""Work by hand that does not end as asked: the seat is gone, cannot be taken, or whoever was asked has left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from model.licences import Product, Seat
from model.people import Person
from model.positions import SeatFigures, seat_figures
from model.requests import Card, OwnerTask, Status
from sandbox.blocks_text import render_text
from sandbox.slack_person import message_text
from tests.http.test_whole_queue import give_back
from tests.http.whole_acts import (
    all_said,
    ask,
    card,
    change,
    open_office,
    policy_with,
    press,
    returns,
    rows,
    seats_of,
    send,
    tasks,
)
from tests.whole import Whole
from workflows import seats

GIVE = "Give Ana Lindqvist a seat"


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url) as made:
        yield made


def given(office: Whole, **more: str) -> int:
    """Ana has a seat of Miro, given by Chitra's hand."""
    request_id = ask(office, "ana", "Miro", **more)
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", GIVE)
    assert len(seats_of(office, "ana")) == 1
    return request_id


def test_a_seat_that_went_back_is_not_given_again_by_saying_that_it_does_not_work(office: Whole) -> None:
    """The button stays on old cards. A press there once gave the seat anew, and nobody had approved that."""
    request_id = given(office)
    give_back(office, "ana", "Miro")
    press(office, "chitra", "Done, seat taken back", "Take back")
    assert not seats_of(office, "ana")
    send(office, "ana", "It does not work", "Ready", words="The page says no access.")
    assert "You can ask for it again at any time." in render_text(office.person("ana").modal()["blocks"])
    assert [(task.kind, task.state) for task in tasks(office)] == [("give", "done"), ("take", "done")]
    assert office.request(request_id).status == Status.FULFILLED
    assert len(seats_of(office, "ana", open_only=False)) == 1


def test_a_seat_that_is_given_once_more_by_hand_takes_no_second_unit(either: Whole) -> None:
    """Held and on its way again, it once counted twice, and the next in line was told that none is free."""
    given(either)
    (seat,) = seats_of(either, "ana")
    before = figures(either, seat.sku_id)
    assert send(either, "ana", "It does not work", "Ready", words="The page says no access.")["ok"]
    assert [task.state for task in tasks(either)] == ["open"]
    assert figures(either, seat.sku_id) == before
    press(either, "chitra", "Done, seat given", GIVE)
    assert figures(either, seat.sku_id) == before


def figures(office: Whole, sku_id: int) -> SeatFigures:
    with office.database.reading() as connection:
        return seat_figures(connection, [sku_id], office.now().date())[sku_id]


def test_of_a_team_the_task_of_a_seat_that_is_still_held_opens_again(office: Whole) -> None:
    request_id = ask(office, "ana", "Miro", people=["U0ANA", "U0KAI"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Miro")
    press(office, "chitra", "Done, seat given", GIVE)
    press(office, "chitra", "Done, seat given", "Give Kai Moreno a seat")
    (mine,) = seats_of(office, "ana")
    change(office, Seat, mine.id, ended_at=office.now())
    assert send(office, "ana", "It does not work", "Ready", words="Kai sees no board.")["ok"]
    by_line = {task.line_id: task.state for task in tasks(office)}
    assert [by_line[line.id] for line in office.lines(request_id)] == ["done", "open"]


def test_a_seat_that_its_owner_cannot_take_stays_and_those_concerned_hear_why(office: Whole) -> None:
    """It once stayed "confirmed" for ever: nobody heard of it, and nobody could confirm it anew."""
    given(office, until="2026-12-01")
    office.forward(days=9)
    assert [(one.ground, one.state) for one in returns(office)] == [("agreed_end", "confirmed")]
    words = "The last owner of a board cannot be removed."
    assert send(office, "chitra", "I could not do it", "Take back", reason="Other", words=words)["ok"]
    (row,) = returns(office)
    assert row.state == "failed" and words in row.note
    assert [(task.kind, task.state) for task in tasks(office)] == [("give", "done"), ("take", "closed")]
    assert len(seats_of(office, "ana")) == 1
    for key in ("ben", "eli"):
        assert words in all_said(office, key), key
    assert words in all_said(office, "chitra") and "Not taken back" in all_said(office, "chitra")
    office.forward(hours=2)
    assert len(returns(office)) == 1  # nothing repeats by itself
    with office.work() as work:  # a person may confirm it anew
        seats.give_back(work, office.service.rules(), row.seat_id, office.staff["ana"], "", office.now())
    assert [one.state for one in returns(office)] == ["failed", "confirmed"]


def open_task(office: Whole) -> OwnerTask:
    (task,) = [task for task in tasks(office) if task.state == "open"]
    return task


def reads(office: Whole, key: str, words: str) -> int:
    return sum(words in message_text(one) for one in office.person(key).messages())


def test_work_of_somebody_who_left_goes_to_whoever_looks_after_the_product_now(either: Whole) -> None:
    """Only the person asked may press, so the task once waited for ever."""
    request_id = ask(either, "ana", "Miro")
    press(either, "ben", "Approve", "Ana Lindqvist asks for Miro")
    before = open_task(either)
    change(either, Person, either.staff["chitra"], active=False)
    change(either, Product, either.products["miro"], owner_id=either.staff["kai"])
    either.forward(hours=1)
    now = open_task(either)
    assert (now.id, now.assignee_id) == (before.id, either.staff["kai"]) and now.due_at > before.due_at
    assert "Kai Moreno gives the seat" in card(either, "ana", request_id)
    either.forward(hours=2)
    assert reads(either, "kai", GIVE) == 1 and open_task(either).version == now.version  # once
    press(either, "kai", "Done, seat given", GIVE)
    assert either.request(request_id).status == Status.FULFILLED


def test_without_an_owner_who_is_there_it_goes_to_the_fallback_group(office: Whole) -> None:
    given(office)
    give_back(office, "ana", "Miro")
    change(office, Person, office.staff["chitra"], leaves_on=office.now().date() - timedelta(days=2))
    office.forward(hours=1)
    assert open_task(office).assignee_id == office.staff["dara"]
    press(office, "dara", "Done, seat taken back", "Take back")
    assert [one.state for one in returns(office)] == ["removed"]


def test_a_task_tried_again_goes_to_somebody_who_is_there(office: Whole) -> None:
    request_id = ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    send(office, "chitra", "I could not do it", GIVE, reason="No right to do it")
    change(office, Person, office.staff["chitra"], active=False)
    press(office, "eli", "Try again", "waits for a person")
    assert open_task(office).assignee_id == office.staff["dara"]
    press(office, "dara", "Done, seat given", GIVE)
    change(office, Person, office.staff["dara"], active=False)
    change(office, Product, office.products["miro"], owner_id=office.staff["kai"])
    assert send(office, "ana", "It does not work", "Ready", words="The page says no access.")["ok"]
    assert open_task(office).assignee_id == office.staff["kai"]
    assert office.request(request_id).status == Status.FULFILLING


def test_an_overdue_task_is_reminded_once(tmp_path: Path, database_url: str) -> None:
    with open_office(tmp_path, database_url, policy=policy_with("tasks: {limit_hours: 5}\n")) as office:
        ask(office, "ana", "Miro")
        press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
        before = open_task(office)
        assert before.due_at - before.created_at == timedelta(hours=5)  # of a working day that began at nine
        office.forward(hours=4)
        assert generations(office, before.id) == [1]
        office.forward(hours=2)
        assert generations(office, before.id) == [1, 2]
        office.forward(days=3)
        assert generations(office, before.id) == [1, 2]
        press(office, "chitra", "Done, seat given", GIVE)
        assert [task.state for task in tasks(office)] == ["done"]


def generations(office: Whole, task_id: int) -> list[int]:
    """How often the task was put before its assignee."""
    return [one.generation for one in rows(office, Card, Card.kind == "task", Card.subject_id == task_id)]
