"""A system that does not answer for hours: IT hears once, and once more when it is over; a hiccup leaves no note."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from model.requests import Card, Status
from sandbox.slack_person import message_text
from tests.http.test_whole_path import ask
from tests.whole import COPILOT, Whole, directory_id, whole
from workflows.cards import CardKind


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with whole(tmp_path, database_url) as made:
        made.run(work=False)
        yield made


@pytest.fixture
def on_sqlite(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    """Where no other statement is asked than in the long outage, which is lived through on both."""
    with whole(tmp_path, sqlite_url) as made:
        made.run(work=False)
        yield made


def notes(office: Whole) -> list[str]:
    """What stands in IT's channel about outages."""
    found = [message_text(one) for one in office.person("eli").messages("it-alerts")]
    return [one for one in found if "answer" in one and "Microsoft 365" in one]


def down(office: Whole) -> int:
    """Microsoft 365 goes down after the approval; returns the request."""
    request_id = ask(office, "ana", "Copilot")
    office.fault("graph", "unavailable")
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for Copilot")
    office.settle()
    return request_id


def test_one_note_after_four_hours_and_its_end(office: Whole) -> None:
    request_id = down(office)
    for _ in range(3):
        office.forward(hours=1)
        office.forward(minutes=5)
    assert notes(office) == []
    for _ in range(6):
        office.forward(minutes=20)
        office.forward(minutes=6)
    [note] = notes(office)
    assert "Microsoft 365 has not answered since" in note
    assert "1 request waits; it goes on by itself." in note
    assert "Ana" not in note
    office.forward(hours=3)
    assert len(notes(office)) == 1

    office.graph.faults.clear()
    for _ in range(3):
        office.forward(minutes=20)
        office.forward(minutes=6)
    [note] = notes(office)
    assert "Microsoft 365 answers again" in note
    assert office.request(request_id).status == Status.FULFILLED
    assert office.graph.directory.holds(directory_id("ana"), COPILOT)

    office.fault("graph", "unavailable")
    for _ in range(16):
        office.forward(minutes=20)
    assert len(notes(office)) == 2, "the next outage has its own note"
    assert "answers again" in notes(office)[0]


def test_a_hiccup_leaves_no_note(on_sqlite: Whole) -> None:
    office = on_sqlite
    request_id = down(office)
    for _ in range(3):
        office.forward(hours=1)
    office.graph.faults.clear()
    for _ in range(6):
        office.forward(minutes=20)
        office.forward(minutes=6)
    assert office.request(request_id).status == Status.FULFILLED
    office.fault("graph", "unavailable", times=3)
    office.forward(hours=2)
    office.forward(minutes=30)
    assert notes(office) == []
    with office.database.reading() as connection:
        assert connection.execute(select(Card.id).where(Card.kind == CardKind.OUTAGE)).all() == []
