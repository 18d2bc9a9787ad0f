"""Which record an alert has: alone, in a group, after an exception, and what its work notes name (rules §8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from model.people import Role
from tests.unit.alert_desk import BASE, AlertDesk, alert_desk
from workflows.alerts import acting, records
from workflows.alerts.acting import Grant
from workflows.alerts.groups import together
from workflows.alerts.red_alert import locked

QUIET = BASE + 'alerts: {quiet_hours: {starts: "20:00", ends: "07:00", zone: UTC}}\n'
EVENING = datetime(2026, 11, 23, 22, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def office(sqlite_url: str) -> Iterator[AlertDesk]:
    with alert_desk(sqlite_url) as made:
        made.source()
        yield made


def found(office: AlertDesk, name: str, *devices: str) -> tuple[int, list[int]]:
    """A paid title that nobody bought is seen; its title and its devices."""
    _, title_id = office.product(name)
    ids = office.place(title_id, *(devices or (f"LYO-{name}",)))
    office.look()
    return title_id, ids


def open_records(office: AlertDesk) -> list[int | None]:
    """Alerts with a record that is to stay open."""
    return [one.alert_id for one in office.tickets() if one.closed_at is None and one.wanted != "complete"]


def spoken_for(office: AlertDesk, alert_id: int) -> list[int]:
    with office.desk.database.unit_of_work() as work:
        return [alert.id for alert in together(work, alert_id)]


def night(office: AlertDesk) -> None:
    office.policy, office.now = QUIET, EVENING


def test_an_alert_that_joins_a_card_whose_lead_is_gone_has_a_record_of_its_own(office: AlertDesk) -> None:
    """22:00 AutoCAD, gone at 23:00 and its ticket resolved; at 01:00 Visio joins the same card of the night."""
    night(office)
    title_id, devices = found(office, "AutoCAD")
    [first] = office.tickets()
    office.there(first.id)
    office.now += AN_HOUR
    office.gone(title_id, *devices)
    office.look()
    office.there(first.id, "complete")
    office.now += 2 * AN_HOUR
    visio, places = found(office, "Visio")
    _, second = office.tickets()
    assert (second.alert_id, open_records(office)) == (office.alerts()[-1].id, [second.alert_id])
    office.there(second.id)
    office.now += AN_HOUR
    office.gone(visio, *places)
    office.look()
    assert open_records(office) == []


def test_an_alert_of_a_cause_without_records_leads_no_ticket(office: AlertDesk) -> None:
    night(office)
    product_id, title_id = office.product("Paint")
    office.buy(product_id, 40)
    office.place(title_id, *(f"LYO-{number}" for number in range(39)))
    office.look(2)
    assert office.live() == [f"near_limit:{product_id}:0:device"] and not office.tickets()
    office.now += AN_HOUR
    found(office, "Visio")
    assert open_records(office) == [office.alerts()[-1].id]


def test_an_open_record_is_told_of_each_alert_that_joins_it(office: AlertDesk) -> None:
    night(office)
    autocad, devices = found(office, "AutoCAD")
    [ticket] = office.tickets()
    office.there(ticket.id)
    office.now += AN_HOUR
    visio, places = found(office, "Visio", "LYO-7", "LYO-8")
    assert len(office.tickets()) == 1 and spoken_for(office, 1) == [1, 2]
    [words] = office.notes()
    assert words.startswith("Also ALERT-2: Visio on 2 devices without a licence. Why: ")
    assert words.endswith("Devices: LYO-7 and LYO-8.")
    office.now += AN_HOUR
    office.gone(autocad, *devices)
    office.look()
    assert open_records(office) == [1]  # Visio is still there
    office.now += AN_HOUR
    found(office, "Project")  # its lead is closed, its record goes on
    assert spoken_for(office, 1) == [2, 3] and len(office.tickets()) == 1
    office.gone(visio, *places)
    office.look()
    assert open_records(office) == [1]


def test_the_dearest_of_a_group_leads_whatever_its_number(office: AlertDesk) -> None:
    """Alerts of one card come by cost, so that one with a smaller number may follow."""
    night(office)
    office.place(office.product("AutoCAD")[1], "LYO-1")
    visio = office.product("Visio")[1]
    devices = office.place(visio, "LYO-2", "LYO-3")
    office.look()
    assert [one.alert_id for one in office.tickets()] == [2]
    assert spoken_for(office, 2) == [1, 2]
    office.gone(visio, *devices)
    office.look()
    assert open_records(office) == [2]  # AutoCAD is still there


def test_a_record_opened_by_hand_for_one_of_a_group_ends_with_it(office: AlertDesk) -> None:
    night(office)
    office.policy = QUIET.replace("{quiet", "{tickets: {unauthorised: {open: false}}, quiet")
    autocad, devices = found(office, "AutoCAD")
    office.now += AN_HOUR
    visio, places = found(office, "Visio")
    with office.desk.database.unit_of_work() as work:
        for number in (1, 2):
            records.open_for(work, office.rules(), locked(work, number), office.now, asked=True)
        work.commit()
    assert open_records(office) == [1, 2]
    office.gone(visio, *places)
    office.look()
    assert open_records(office) == [1]
    office.gone(autocad, *devices)
    office.look()
    assert open_records(office) == []


def tolerated(office: AlertDesk, days: int) -> None:
    with office.desk.database.unit_of_work() as work:
        until = office.now.date() + timedelta(days=days)
        grant = Grant("Needed until the new office stands.", office.manager, until)
        by, roles = office.manager, frozenset({Role.LICENCE_MANAGER})
        acting.grant_exception(work, office.rules(), 1, None, grant, by, roles, office.now)
        work.commit()


def test_a_record_closed_during_an_exception_is_opened_again_when_it_ends(office: AlertDesk) -> None:
    found(office, "AutoCAD")
    [ticket] = office.tickets()
    office.there(ticket.id)
    tolerated(office, 10)
    office.there(ticket.id, "complete")
    office.now += timedelta(days=12)
    office.look()
    assert office.alerts()[0].state == "open"
    [ticket] = office.tickets()
    assert (ticket.wanted, ticket.closed_at) == (records.REOPENED, None)
    assert ticket.opening_words == "ALERT-1 is open again: no exception holds."


def test_a_record_deleted_during_an_exception_is_followed_by_a_new_one_when_it_ends(office: AlertDesk) -> None:
    found(office, "AutoCAD")
    [ticket] = office.tickets()
    office.there(ticket.id)
    tolerated(office, 10)
    office.there(ticket.id, "deleted")
    assert office.alerts()[0].figures["own"]["ticket_gone"] == "INC0000001"
    office.now += timedelta(days=12)
    office.look()
    assert "ticket_gone" not in office.alerts()[0].figures["own"]
    _, new = office.tickets()
    assert (new.alert_id, new.closed_at, new.correlation_id) == (1, None, f"{ticket.correlation_id}-try2")
    assert new.opening_words.startswith("Follows INC0000001, which cannot be opened again. ALERT-1 is open again")


def test_an_alert_without_a_record_gets_one_when_its_exception_ends(office: AlertDesk) -> None:
    """ServiceNow was connected meanwhile."""
    servicenow, office.servicenow = office.servicenow, False
    found(office, "AutoCAD")
    tolerated(office, 10)
    assert not office.tickets()
    office.servicenow = servicenow
    office.now += timedelta(days=12)
    office.look()
    assert open_records(office) == [1]


def test_work_notes_name_every_device_that_came(office: AlertDesk) -> None:
    """A3 comes before the note of A2 is sent, A4 after it; the next day has a note of its own."""
    title_id, _ = found(office, "AutoCAD", "A1")
    office.there(office.tickets()[0].id)
    for name in ("A2", "A3"):
        office.now += AN_HOUR
        office.place(title_id, name)
        office.look()
    assert office.notes() == ["ALERT-1, devices: new: A2 and A3."]
    office.sent()
    office.now += AN_HOUR
    [fourth] = office.place(title_id, "A4")
    office.look()
    office.now += AN_HOUR
    office.look()
    assert office.notes() == ["ALERT-1, devices: new: A2 and A3."]
    office.now += timedelta(days=1)
    office.look()
    assert office.notes() == ["ALERT-1, devices: new: A2 and A3.", "ALERT-1, devices: new: A4."]
    office.gone(title_id, fourth)
    office.look()
    assert office.notes()[1] == "ALERT-1, devices: new: A4; gone: A4."
    office.sent()
    office.now += timedelta(days=1)
    office.look(2)
    assert len(office.notes()) == 2
