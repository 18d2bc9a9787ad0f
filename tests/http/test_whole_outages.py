"""An outside system is down for hours: requests are taken, people know what waits, all of it completes later, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.requests import Card, Status
from sandbox.slack_person import message_text
from tests.http.whole_acts import ask, card, holds, open_office, parked, press, rows, seats_of, tickets
from tests.whole import COPILOT, Whole


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def test_microsoft_365_down_for_hours(office: Whole) -> None:
    fault = office.fault("graph", "unavailable")
    request_id = ask(office, "ana", "Copilot")
    press(office, "ben", "Approve", "Ana Lindqvist asks")
    assert "Microsoft 365 did not answer" in card(office, "ana", request_id)
    for _ in range(5):
        office.forward(hours=1)
    assert office.request(request_id).status == Status.FULFILLING
    office.graph.faults.remove(fault)
    office.forward(minutes=20)
    assert office.request(request_id).status == Status.FULFILLED
    assert holds(office, "ana", COPILOT) and office.graph.directory.consumed(COPILOT) == 1
    assert len(seats_of(office, "ana")) == 1 and not parked(office)


def test_slack_down_for_hours_loses_and_doubles_no_message(office: Whole) -> None:
    person = office.person("ana")
    person.command("/licence request Copilot")
    person.fill(why="Minutes and drafts for the Lyon office move.")
    fault = office.fault("slack", "unavailable", path="/api/.*")
    assert person.submit()["ok"]
    office.settle()
    for _ in range(3):
        office.forward(hours=1)
    office.slack.faults.remove(fault)
    office.forward(minutes=20)
    request_id = office.newest().id
    shown = [one for one in office.person("ben").messages() if "Ana Lindqvist asks" in message_text(one)]
    assert len(shown) == 1
    press(office, "ben", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED
    assert all(one.ts for one in rows(office, Card, Card.request_id == request_id, Card.live))


def test_servicenow_down_does_not_hold_up_a_seat_and_is_recorded_once_later(office: Whole) -> None:
    fault = office.fault("servicenow", "unavailable")
    request_id = ask(office, "ana", "Copilot")
    press(office, "ben", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED
    for _ in range(4):
        office.forward(hours=1)
    assert tickets(office, request_id, "record")[0].sys_id is None
    office.servicenow.faults.remove(fault)
    office.forward(minutes=20)
    (record,) = tickets(office, request_id, "record")
    if record.wanted == "complete" and record.sys_id is not None:
        assert record.state == "complete"
    found = office.servicenow.instance.find("sc_req_item", correlation_id=record.correlation_id)
    assert len(found) <= 1 and record.closed_at is not None
