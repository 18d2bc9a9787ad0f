"""Asking for a licence in Slack, over HTTP and over a socket: from the command to the approver's card."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.blocks_text import render_text
from tests.http.bot_desk import Desk, LicenceRequest, Status, bot_desk


@pytest.fixture(params=["http", "socket"])
def desk(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url, request.param) as found:
        yield found


def test_ask_and_approve(desk: Desk) -> None:
    ana, ben = desk.person("ana"), desk.person("ben")
    assert ana.command("/licence request planner")["ok"]
    form = render_text(ana.modal()["blocks"])
    assert "Planner and Project Plan 3* · 12 of 12 free" in form
    assert "€312.00 a seat a year until 31 Mar 2027" in form
    assert "Ben Okafor decides, usually within 4 working hours" in form
    ana.fill(why="Plan of the Lyon office move")
    assert ana.submit()["ok"]
    assert "*Sent.* Ben Okafor has been asked" in render_text(ana.modal()["blocks"])
    desk.work()
    request = desk.row(LicenceRequest)
    assert (request.status, request.product_id) == (Status.AWAITING_APPROVAL, 1)
    assert "Waiting for Ben Okafor" in render_text(ana.message("REQ-1001")["blocks"])
    assert ben.press("Approve", in_message="Waiting for you")["ok"]
    assert desk.row(LicenceRequest).status == Status.APPROVED
    desk.work()
    assert "Approved by Ben Okafor" in render_text(ben.message("Planner")["blocks"])
    assert not ana.toasts() and not ben.toasts()
