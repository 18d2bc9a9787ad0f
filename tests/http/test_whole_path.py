"""The main job through every part: asked in Slack, approved, given in Microsoft 365, closed in ServiceNow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from model.events import Event
from model.requests import Card, LineState, Status
from model.seal import seal, verify_database
from model.tickets import Ticket, TicketPurpose
from sandbox.slack_person import message_text
from tests.whole import COPILOT, PLANNER, Whole, directory_id, whole


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with whole(tmp_path, database_url) as made:
        made.run(work=False)  # presses are real HTTP, the work is done by `settle`
        yield made


def ask(office: Whole, key: str, product: str, **more: Any) -> int:
    """Ask through the form, as a person; returns the request's id."""
    person = office.person(key)
    person.command(f"/licence request {product}")
    person.fill(why="Minutes and drafts for the Lyon office move.", **more)
    answer = person.submit()
    assert answer["ok"], answer
    office.settle()
    return office.newest().id


def seats_of(office: Whole, key: str) -> set[str]:
    return {sku for sku in (COPILOT, PLANNER) if office.graph.directory.holds(directory_id(key), sku)}


def test_asked_approved_given_recorded_and_told(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    card = office.person("ben").message("Ana Lindqvist asks for Copilot")
    assert "3 of 3" in message_text(card)
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for Copilot")
    office.settle()

    assert office.request(request_id).status == Status.FULFILLED
    assert [line.state for line in office.lines(request_id)] == [LineState.GRANTED]
    assert COPILOT in seats_of(office, "ana")
    with office.database.reading() as connection:
        ticket = connection.execute(select(Ticket.state, Ticket.number)).one()
        shown = connection.execute(select(Card.kind, Card.ts).where(Card.request_id == request_id)).all()
        tags = list(connection.execute(select(Event.tag).where(Event.subject == f"request:{request_id}")).scalars())
    assert ticket.state == "complete"
    assert all(card.ts for card in shown)
    assert "Ready" in message_text(office.person("ana").message("REQ-"))
    assert "Approved by Ben Okafor" in message_text(office.person("ben").messages()[-1])
    assert tags.count("request:approval:granted") == 1 and tags.count("request:grant:completed") == 1

    seal(office.database, office.now())
    report = verify_database(office.database)
    assert report.ok, report.words

    office.person("ana").open_home()
    office.settle()
    assert "Copilot" in str(office.person("ana").home())


def test_a_seat_that_does_not_work_reaches_it_with_an_incident(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for Copilot")
    office.settle()
    office.person("ana").press("It does not work", in_message="REQ-")
    ana = office.person("ana")
    ana.fill(words="Word shows no Copilot button.")
    answer = ana.submit()
    assert answer["ok"], answer
    office.settle()
    with office.database.reading() as connection:
        incident = connection.execute(
            select(Ticket.number, Ticket.table_name).where(Ticket.purpose == TicketPurpose.TROUBLE)
        ).one()
    assert incident.table_name == "incident" and incident.number.startswith("INC")
    note = office.person("eli").message("does not work")
    assert "Ana" not in message_text(note)
    assert office.request(request_id).status == Status.FULFILLED
