"""Socket Mode: the same service over a socket that it opens itself, also when Slack was away at its start."""

from __future__ import annotations

import time
from pathlib import Path

from model.requests import Status
from tests.whole import Whole, whole


def until(office: Whole, seconds: float = 20) -> None:
    """Wait for the socket, bounded."""
    sockets = office.service.sockets
    assert sockets is not None
    end = time.monotonic() + seconds
    while not sockets.connected:
        assert time.monotonic() < end, "the socket did not open"
        office.person("ana").screen()


def test_asked_and_approved_over_a_socket_that_opened_late(tmp_path: Path, sqlite_url: str) -> None:
    with whole(tmp_path, sqlite_url, socket_mode=True) as office:
        office.fault("slack", "unavailable", path="apps.connections.open", times=1)
        office.run(work=False)
        until(office)
        ana, ben = office.person("ana"), office.person("ben")
        ana.command("/licence request Copilot")
        ana.fill(why="Minutes and drafts for the Lyon office move.")
        assert ana.submit()["ok"]
        office.settle()
        ben.press("Approve", in_message="Ana Lindqvist asks for Copilot")
        office.settle()
        assert office.newest().status == Status.FULFILLED
        office.slack.deliveries.hub.stop()
