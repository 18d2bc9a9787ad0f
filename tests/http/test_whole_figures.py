"""Seat figures are read again before a seat is given (rules §5), once for many, and decide when nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from model.licences import Sku
from model.requests import LineState, Status
from tests.http.test_whole_path import ask
from tests.whole import COPILOT, PLANNER, Whole, directory_id, whole


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with whole(tmp_path, sqlite_url) as made:
        made.run(work=False)
        yield made


def calls(office: Whole, path: str, method: str = "GET", since: int = 0) -> list[dict[str, Any]]:
    found = office.traffic.since(since, "graph")
    return [one for one in found if one["method"] == method and path in one["path"]]


def aged(office: Whole, key: str, **by: float) -> None:
    """The stored figures are this old."""
    with office.work() as work:
        at = office.now() - timedelta(**by)
        work.connection.execute(update(Sku).where(Sku.id == office.skus[key]).values(figures_at=at))


def taken_outside(office: Whole, guid: str, *keys: str) -> None:
    """Somebody gives seats in Microsoft's own admin page."""
    for key in keys:
        office.graph.directory.grant(directory_id(key), guid)


def test_the_figures_are_read_before_a_seat_is_given(office: Whole) -> None:
    ask(office, "ana", "Copilot")
    aged(office, "copilot", minutes=4)
    taken_outside(office, COPILOT, "tom")
    before = len(calls(office, "/subscribedSkus"))
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for Copilot")
    office.settle()
    assert len(calls(office, "/subscribedSkus")) == before + 1
    assert office.graph.directory.holds(directory_id("ana"), COPILOT)
    with office.database.reading() as connection:
        row = connection.execute(select(Sku.enabled, Sku.consumed).where(Sku.id == office.skus["copilot"])).one()
    assert (row.enabled, row.consumed) == (3, 1)


@pytest.mark.parametrize(("product", "guid"), [("Copilot", COPILOT), ("Planner", PLANNER)])
def test_with_nothing_left_there_it_joins_the_queue_without_a_try(office: Whole, product: str, guid: str) -> None:
    request_id = ask(office, "ana", product)
    office.person("ben").press("Approve", in_message=f"Ana Lindqvist asks for {product}")
    aged(office, product.lower(), minutes=4)
    taken_outside(office, guid, "tom", "kai", *(["mia"] if guid == COPILOT else []))
    since = len(office.traffic.since(0))
    office.settle()
    assert [line.state for line in office.lines(request_id)] == [LineState.QUEUED]
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT
    assert calls(office, "/assignLicense", "POST", since) == [] == calls(office, "/members", "POST", since)
    assert not office.graph.directory.holds(directory_id("ana"), guid)


def test_many_seats_share_one_reading(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot", people=["U0ANA", "U0LI", "U0KAI"], count="3")
    aged(office, "copilot", minutes=4)
    before = len(calls(office, "/subscribedSkus"))
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for 3 seats of Copilot")
    office.settle()
    assert {line.state for line in office.lines(request_id)} == {LineState.GRANTED}
    assert len(calls(office, "/subscribedSkus")) == before + 1


def test_a_system_that_asks_to_wait_is_obeyed_and_the_seat_comes(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    aged(office, "copilot", minutes=4)
    office.fault("graph", "throttled", path="/subscribedSkus", times=1, parameters={"retry_after": 20})
    since = len(office.traffic.since(0))
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for Copilot")
    pressed = office.now()
    office.settle()
    assert office.request(request_id).status == Status.FULFILLED
    given = calls(office, "/assignLicense", "POST", since)
    assert len(given) == 1
    assert office.now() - pressed >= timedelta(seconds=20)
