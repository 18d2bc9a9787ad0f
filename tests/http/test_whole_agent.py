"""An unmodified agent's report, with nothing else done: a card, a question, an incident; its next one resolves them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.alerts import AlertState, InventorySource
from model.people import Device, Role
from model.tickets import Ticket, TicketPurpose
from sandbox.slack_person import message_text
from tests.http import alert_acts as acts
from tests.http.real_agents import fusion
from tests.http.whole_acts import all_said, open_office, rows
from tests.whole import AGENTS_TOKEN, Whole
from workflows.inventory_sources import accept_baseline

#: What the agent adds to its own list, by a setting it has for that: this machine has nothing that needs a licence.
LICENSED = """<?xml version="1.0" encoding="UTF-8"?>
<REQUEST><CONTENT><SOFTWARES>
<NAME>AutoCAD LT 2024</NAME><PUBLISHER>Autodesk</PUBLISHER><VERSION>31.0.46.0</VERSION>
</SOFTWARES></CONTENT></REQUEST>
"""


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def test_the_report_of_an_unlicensed_title_is_all_it_takes(office: Whole, fusion_agent: str, tmp_path: Path) -> None:
    assert office.running is not None
    server = f"http://127.0.0.1:{office.running.port}/inventory/{AGENTS_TOKEN}"
    (tmp_path / "licensed.xml").write_text(LICENSED, encoding="utf-8")

    def report(*more: str) -> str:
        said = fusion(fusion_agent, tmp_path, server, *more)
        office.settle()
        return said

    with office.work() as work:  # the directory of machines says whose it is
        device_id = acts.device(work, socket.gethostname(), office.staff["ana"], office.now())
        work.session.get_one(Device, device_id).person_source = "import"
        acts.product(work, "autocad-lt", "AutoCAD LT", office.now())
    said = report()
    (source,) = rows(office, InventorySource)
    with office.work() as work:
        accept_baseline(work, source.id, office.staff["dara"], [Role.LICENCE_MANAGER], office.now())
    office.settle()
    assert not rows(office, Ticket), said
    assert [one.id for one in rows(office, Device)] == [device_id]

    report(f"--additional-content={tmp_path / 'licensed.xml'}")
    alert = acts.the_alert(office)
    assert (alert.state, alert.cause) == (AlertState.OPEN, "unauthorised")
    card = message_text(office.person("eli").message("AutoCAD LT", "it-alerts"))
    (ticket,) = rows(office, Ticket, Ticket.purpose == TicketPurpose.ALERT)
    assert "on 1 device, no licence" in card and ticket.number in card and "1 asked, 0 answered" in card
    assert "and the company has no licence for it" in all_said(office, "ana")

    report()
    assert acts.the_alert(office).state == AlertState.CLOSED
    assert "Closed: gone at the scan of" in message_text(office.person("eli").message("gone", "it-alerts")).replace(
        "*", ""
    )
    (ticket,) = rows(office, Ticket, Ticket.purpose == TicketPurpose.ALERT)
    assert ticket.state == "complete" and ticket.closed_at is not None
    assert "Settled:" in all_said(office, "ana").replace("*", "")
