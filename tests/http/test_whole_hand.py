"""Work by hand that does not end as asked: the seat is gone, cannot be taken, or whoever was asked has left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.licences import Seat
from model.requests import Status
from sandbox.blocks_text import render_text
from tests.http.test_whole_queue import give_back
from tests.http.whole_acts import all_said, ask, change, open_office, press, returns, seats_of, send, tasks
from tests.whole import Whole
from workflows import seats

GIVE = "Give Ana Lindqvist a seat"


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
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
