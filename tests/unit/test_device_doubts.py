"""Devices that may be one or two are put to a person, once, and what the person says is carried out (issue 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from model.alerts import AlertPlace, DeviceDoubt, InstalledKey, InventorySource, RedAlert, SourceState
from model.inventory import Installation
from model.licences import Product
from model.people import Role
from model.requests import Card
from tests.unit.inventory_desk import PHOTOSHOP, SEVEN_ZIP, VISIO, Desk, desk, licence, person, report
from workflows import device_doubts, questions
from workflows.alerts import looks
from workflows.cards import CardKind
from workflows.device_doubts import Answer
from workflows.permissions import NotForYou
from workflows.policy import Policy
from workflows.questions import Answered
from workflows.reads.doubts import doubts
from workflows.rules import Rules

UUID = "4c4c4544-0042-4a10-8053-b4c04f4e3732"
KEY = "VK7JG-NPHTM-C97JM-9MPGT-3V66T"
#: One machine that was renamed and set up anew reports as another device.
FIRST = report(VISIO, SEVEN_ZIP, uuid=UUID, keys=(licence(KEY),))
RENAMED = report(VISIO, PHOTOSHOP, uuid=UUID, name="PC-9", deviceid="PC-9-2026-03-03-03-03-03", keys=(licence(KEY),))
#: Two machines of one template report as one device.
TWIN = report(VISIO, uuid=UUID, deviceid="PC-7-2026-03-03-03-03-03")


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


def decide(office: Desk, answer: Answer, by: int, role: Role = Role.IT, doubt: int = 1) -> str:
    with office.database.unit_of_work() as work:
        words = questions.answer(work, device_doubts.MATTER, doubt, answer, by, {role}, office.now)
        work.commit()
    return words


def look(office: Desk) -> None:
    office.now += timedelta(hours=1)
    with office.database.unit_of_work() as work:
        looks.look(work, Rules(Policy(), 1), None, office.now)
        work.commit()


def accept(office: Desk) -> None:
    with office.database.unit_of_work() as work:
        work.connection.execute(update(InventorySource).values(state=SourceState.ACCEPTED))
        work.connection.execute(update(Product).values(licence_model="paid", provisional=False))
        work.commit()


def test_one_machine_in_two_rows_goes_on_in_the_earlier_one(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    kept, gone = office.take(FIRST).device_id, office.take(RENAMED).device_id
    assert kept != gone and len(office.doubts()) == 1
    assert decide(office, Answer.ONE, eli) == "PC-9 counts as PC-7 from now on and is retired."
    row = office.device(gone)
    assert (row["state"], row["retired_by_id"], row["retired_on"]) == ("retired", eli, office.now.date())
    assert office.open_titles(gone) == set()
    assert office.open_titles(kept) == {VISIO.title, SEVEN_ZIP.title, PHOTOSHOP.title}  # until its next full list
    assert office.rows(InstalledKey, "device_id", "gone_at") == [(kept, None), (gone, office.now)]
    for _ in range(3):
        assert office.take(RENAMED).device_id == kept
    assert office.open_titles(kept) == {VISIO.title, PHOTOSHOP.title}
    assert office.device(kept)["name"] == "PC-9" and office.device(gone)["state"] == "retired"
    assert [found.decision for found in _all(office)] == ["one"]


def _all(office: Desk) -> list[DeviceDoubt]:
    with office.database.unit_of_work() as work:
        return list(work.session.execute(select(DeviceDoubt).order_by(DeviceDoubt.id)).scalars())


def test_a_list_that_did_not_change_is_compared_again_after_the_answer(office: Desk) -> None:
    """Otherwise the kept row would go on with what only the retired one had."""
    eli = person(office, "eli@acme.example", Role.IT)
    kept = office.take(FIRST).device_id
    office.take(RENAMED)
    decide(office, Answer.ONE, eli)
    office.take(replace(RENAMED, software=FIRST.software))
    assert office.open_titles(kept) == {VISIO.title, SEVEN_ZIP.title}


def test_an_alert_goes_with_the_machine_and_does_not_close(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    kept, gone = office.take(report(SEVEN_ZIP, uuid=UUID)).device_id, office.take(RENAMED).device_id
    accept(office)
    look(office)
    alerts = office.rows(RedAlert, "id", "state")
    assert len(alerts) == 3
    decide(office, Answer.ONE, eli)
    look(office)
    assert office.rows(RedAlert, "id", "state") == alerts
    places = office.rows(AlertPlace, "alert_id", "device_id", "gone_at")
    assert {alert for alert, device, ended in places if device == kept and ended is None} == {one for one, _ in alerts}
    assert all(ended is not None for _, device, ended in places if device == gone)


def test_two_machines_stay_two_and_are_not_asked_about_again(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    one, two = office.take(FIRST).device_id, office.take(RENAMED).device_id
    assert decide(office, Answer.TWO, eli, Role.LICENCE_MANAGER) == "They stay two devices."
    assert [office.take(FIRST).device_id, office.take(RENAMED).device_id] == [one, two]
    assert len(office.doubts()) == 1 and office.device(two)["state"] == "live"


def test_two_machines_in_one_row_get_a_row_each(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    device_id = office.take(FIRST).device_id
    assert {office.take(each).device_id for each in (TWIN, FIRST, TWIN)} == {device_id}
    assert "of its own" in decide(office, Answer.TWO, eli)
    twin = office.take(TWIN).device_id
    assert twin != device_id
    for _ in range(3):
        assert [office.take(FIRST).device_id, office.take(TWIN).device_id] == [device_id, twin]
    assert office.open_titles(device_id) == {VISIO.title, SEVEN_ZIP.title} and office.open_titles(twin) == {VISIO.title}
    assert len(office.doubts()) == 1


def test_what_cannot_be_told_apart_says_what_to_do(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    one = report(VISIO, uuid=UUID, serial="S-1")
    device_id = office.take(one).device_id
    office.take(replace(one, serial="S-2"))
    assert "set up one of the agents anew" in decide(office, Answer.TWO, eli)
    assert office.take(one).device_id == device_id


def test_one_machine_in_one_row_stays_as_it_is(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    for each in (FIRST, TWIN, FIRST):
        office.take(each)
    before = office.sizes()
    assert decide(office, Answer.ONE, eli) == "It stays one device."
    assert {name for name, size in office.sizes().items() if size != before[name]} == {"event", "unsealed"}


def test_who_may_answer_and_only_once(office: Desk) -> None:
    ana, eli = person(office, "ana@acme.example"), person(office, "eli@acme.example", Role.IT)
    office.take(FIRST)
    office.take(RENAMED)
    with pytest.raises(NotForYou):
        decide(office, Answer.ONE, ana, Role.FINANCE)
    decide(office, Answer.TWO, eli)
    with pytest.raises(Answered, match="Eli answered this already"):
        decide(office, Answer.ONE, eli)
    with pytest.raises(Answered):
        decide(office, Answer.ONE, eli, doubt=99)
    assert office.tags().count("inventory:device:doubt_decided") == 1


def test_an_answer_settles_the_other_questions_about_the_retired_row(office: Desk) -> None:
    eli = person(office, "eli@acme.example", Role.IT)
    office.take(FIRST)
    gone = office.take(RENAMED).device_id
    third = replace(RENAMED, name="PC-11", deviceid="PC-11-2026-04-04-04-04-04")
    office.take(third)
    with office.database.unit_of_work() as work:
        work.session.add(DeviceDoubt(device_id=gone, other_id=None, words="In turn.", seen_at=office.now))
        work.commit()
    decide(office, Answer.ONE, eli)
    decisions = {row.id: row.decision for row in _all(office)}
    assert decisions[1] == "one" and list(decisions.values()).count("moot") == 1
    with office.database.reading() as connection:
        assert [one.open for one in doubts(connection)] == [True]


def cards(office: Desk) -> list[tuple[str, list[int]]]:
    with office.database.reading() as connection:
        query = select(Card.audience, Card.facts).where(Card.kind == CardKind.DOUBT).order_by(Card.id)
        return [(row.audience, row.facts["doubts"]) for row in connection.execute(query)]


def test_a_watched_source_asks_nobody_and_an_accepted_one_once_a_day(office: Desk) -> None:
    office.take(FIRST)
    office.take(RENAMED)
    look(office)
    assert cards(office) == []
    accept(office)
    look(office)
    look(office)
    assert cards(office) == [("channel:it_alerts", [1])]
    office.take(replace(RENAMED, name="PC-11", deviceid="PC-11-2026-04-04-04-04-04"))
    look(office)
    assert [ids for _, ids in cards(office)] == [[1, 2]]
    office.now += timedelta(days=1)
    office.take(replace(RENAMED, name="PC-12", deviceid="PC-12-2026-04-04-04-04-04"))
    look(office)
    assert [ids for _, ids in cards(office)] == [[1, 2], [3]]
    assert office.rows(Installation, "id")
