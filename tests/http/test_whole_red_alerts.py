"""A red alert from the scan to the close, in Slack and in ServiceNow, with the whole service (wording guide §2.11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.alerts import AlertState
from model.tickets import Ticket, TicketPurpose
from sandbox.slack_person import message_text
from tests.http import alert_acts as acts
from tests.http.whole_acts import all_said, open_office, press, rows
from tests.whole import Whole


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def found_on(office: Whole, *keys: str) -> tuple[int, int, list[int]]:
    """AutoCAD LT on a laptop of each; product, title and devices."""
    with office.work() as work:
        acts.accepted(work, office.now())
        product_id, title_id = acts.product(work, "autocad-lt", "AutoCAD LT", office.now())
        ids = [acts.device(work, f"LYO-{key}", office.staff[key], office.now()) for key in keys]
        for device_id in ids:
            acts.installed(work, device_id, title_id, office.now())
    acts.look(office, product_id)
    return product_id, title_id, ids


def channel_card(office: Whole, words: str = "AutoCAD LT") -> str:
    return message_text(office.person("eli").message(words, "it-alerts"))


def record(office: Whole) -> Ticket:
    tickets = rows(office, Ticket, Ticket.purpose == TicketPurpose.ALERT)
    assert len(tickets) == 1
    found: Ticket = tickets[0]
    return found


def incident(office: Whole, ticket: Ticket) -> dict[str, str]:
    assert ticket.sys_id is not None
    found: dict[str, str] = office.servicenow.instance.get("incident", ticket.sys_id)
    return found


def test_a_scan_opens_a_card_and_an_incident_and_a_later_scan_resolves_both(office: Whole) -> None:
    product_id, title_id, devices = found_on(office, "ana", "kai")
    said = channel_card(office)
    assert "Red alert: AutoCAD LT on 2 devices, no licence" in said
    assert "Nobody has it yet." in said and "0 seats bought" in said
    assert "Ana" not in said and "Kai" not in said
    ticket = record(office)
    assert ticket.number is not None and ticket.number in said
    press(office, "eli", "I will take it", "Red alert: AutoCAD LT")
    assert "Eli Marsh has it" in channel_card(office)
    press(office, "eli", "Ask 2 people", "Red alert: AutoCAD LT")
    assert "and the company has no licence for it" in all_said(office, "ana")
    press(office, "ana", "I will remove it", "AutoCAD LT is on your laptop")
    assert "You remove it by" in all_said(office, "ana")
    assert "2 asked, 1 answered" in channel_card(office)
    office.forward(hours=2)
    with office.work() as work:
        for device_id in devices:
            acts.reported(work, device_id, office.now(), without=title_id)
    acts.look(office, product_id)
    assert "Closed: gone at the scan of" in channel_card(office, "gone at the scan").replace("*", "")
    assert acts.the_alert(office).state == AlertState.CLOSED
    assert record(office).state == "complete"
    assert "Settled:" in all_said(office, "ana").replace("*", "")
