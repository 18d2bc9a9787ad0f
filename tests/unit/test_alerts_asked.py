"""Who is asked without a press: by cause, about sure people only, once, in one message a day (rules §2, §8, §10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from model.alerts import AlertPlace, ExceptionGrant, RedAlert
from model.people import Device
from model.requests import Card
from tests.http import alert_acts as acts
from tests.unit.inventory_desk import Desk, desk, person
from workflows import policy_file
from workflows.alerts import looks
from workflows.cards import CardKind
from workflows.rules import Rules

BY_HAND = "version: 1\nalerts: {ask_people: {unauthorised: by_hand}}\n"
FEW = "version: 1\nalerts: {ask_people: {people_at_most: 1}}\n"


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        with made.database.unit_of_work() as work:
            acts.accepted(work, made.now)
            work.commit()
        yield made


def product(office: Desk, name: str) -> tuple[int, int]:
    with office.database.unit_of_work() as work:
        found = acts.product(work, name.lower().replace(" ", "-"), name, office.now)
        work.commit()
    return found


def placed(office: Desk, title_id: int, name: str, person_id: int | None, kind: str = "portable") -> int:
    with office.database.unit_of_work() as work:
        device_id = acts.device(work, name, person_id, office.now)
        work.session.get_one(Device, device_id).kind = kind
        acts.installed(work, device_id, title_id, office.now)
        work.commit()
    return device_id


def look(office: Desk, policy: str = "version: 1\n", *product_ids: int) -> None:
    rules = Rules(policy_file.load(policy), 1)
    with office.database.unit_of_work() as work:
        looks.look(work, rules, product_ids or None, office.now)
        work.commit()


def asked(office: Desk) -> list[tuple[int | None, bool]]:
    """Person and whether asked, of each place."""
    found = office.rows(AlertPlace, "person_id", "asked_at")
    return [(person_id, at is not None) for person_id, at in found]


def questions(office: Desk) -> list[tuple[str, list[int]]]:
    """Audience and places of each message to a person."""
    with office.database.reading() as connection:
        rows = connection.execute(
            select(Card.audience, Card.facts).where(Card.kind == CardKind.FOUND).order_by(Card.id)
        )
        return [(row.audience, row.facts["places"]) for row in rows]


def test_an_unauthorised_title_asks_its_person_as_soon_as_it_is_seen(office: Desk) -> None:
    ana = person(office, "ana@acme.example")
    _, title_id = product(office, "AutoCAD LT")
    placed(office, title_id, "LYO-1", ana)
    look(office)
    assert asked(office) == [(ana, True)]
    [(audience, places)] = questions(office)
    assert (audience, len(places)) == (f"person:{ana}", 1)
    look(office)
    assert len(questions(office)) == 1 and office.tags().count("alert:question:asked") == 1


@pytest.mark.parametrize("kind", ["server", "virtual"])
def test_nobody_is_asked_about_a_device_without_a_sure_person(office: Desk, kind: str) -> None:
    ana = person(office, "ana@acme.example")
    _, title_id = product(office, "AutoCAD LT")
    placed(office, title_id, "LYO-1", None)
    placed(office, title_id, "SRV-1", ana, kind)
    look(office)
    assert asked(office) == [(None, False), (None, False)] and not questions(office)


def test_whoever_becomes_the_sure_person_later_is_asked_then(office: Desk) -> None:
    ana = person(office, "ana@acme.example")
    _, title_id = product(office, "AutoCAD LT")
    device_id = placed(office, title_id, "LYO-1", None)
    look(office)
    with office.database.unit_of_work() as work:
        work.connection.execute(update(Device).where(Device.id == device_id).values(person_id=ana))
        work.commit()
    look(office)
    assert asked(office) == [(ana, True)]


def test_where_policy_says_by_hand_somebody_presses(office: Desk) -> None:
    ana = person(office, "ana@acme.example")
    _, title_id = product(office, "AutoCAD LT")
    placed(office, title_id, "LYO-1", ana)
    look(office, BY_HAND)
    assert asked(office) == [(ana, False)] and not questions(office)


def test_an_alert_about_more_people_than_policy_allows_asks_nobody_by_itself(office: Desk) -> None:
    people = [person(office, f"p{number}@acme.example") for number in range(2)]
    _, title_id = product(office, "AutoCAD LT")
    for number, one in enumerate(people):
        placed(office, title_id, f"LYO-{number}", one)
    look(office, FEW)
    assert not questions(office)
    look(office)
    assert [audience for audience, _ in questions(office)] == [f"person:{one}" for one in people]


def test_one_message_a_day_lists_all_titles_and_the_next_day_has_its_own(office: Desk) -> None:
    ana = person(office, "ana@acme.example")
    titles = [product(office, f"Draw {number}")[1] for number in range(3)]
    device_id = placed(office, titles[0], "LYO-1", ana)
    look(office)
    put(office, device_id, titles[1])
    look(office)
    [(_, places)] = questions(office)
    assert len(places) == 2
    with office.database.unit_of_work() as work:
        work.connection.execute(update(Card).where(Card.kind == CardKind.FOUND).values(posted_at=office.now))
        work.commit()
    office.now += timedelta(days=1)
    put(office, device_id, titles[2])
    look(office)
    assert [len(places) for _, places in questions(office)] == [2, 1]


@pytest.mark.parametrize(("gone", "lists"), [(False, [2]), (True, [1, 1])])
def test_a_message_that_waits_for_working_hours_takes_in_what_comes_until_then(
    office: Desk, gone: bool, lists: list[int]
) -> None:
    """One that has nothing to ask any more is never sent, so it takes nothing in."""
    ana = person(office, "ana@acme.example")
    titles = [product(office, f"Draw {number}")[1] for number in range(2)]
    device_id = placed(office, titles[0], "LYO-1", ana)
    look(office)
    office.now += timedelta(days=1)
    put(office, device_id, titles[1])
    if gone:
        with office.database.unit_of_work() as work:
            acts.reported(work, device_id, office.now, without=titles[0])
            work.commit()
    look(office)
    assert [len(places) for _, places in questions(office)] == lists


def put(office: Desk, device_id: int, title_id: int) -> None:
    with office.database.unit_of_work() as work:
        acts.installed(work, device_id, title_id, office.now)
        work.commit()


def test_a_new_device_of_a_known_alert_asks_its_person_and_nobody_twice(office: Desk) -> None:
    ana, kai = person(office, "ana@acme.example"), person(office, "kai@acme.example")
    product_id, title_id = product(office, "AutoCAD LT")
    placed(office, title_id, "LYO-1", ana)
    look(office)
    placed(office, title_id, "LYO-2", kai)
    look(office, "version: 1\n", product_id)
    assert asked(office) == [(ana, True), (kai, True)]
    assert [audience for audience, _ in questions(office)] == [f"person:{ana}", f"person:{kai}"]


def test_a_device_an_exception_speaks_of_is_not_asked_about(office: Desk) -> None:
    """The exception covers one device; the second opens the alert again and is the only one asked about."""
    ana, kai = person(office, "ana@acme.example"), person(office, "kai@acme.example")
    _, title_id = product(office, "AutoCAD LT")
    first = placed(office, title_id, "LYO-1", ana)
    look(office, BY_HAND)
    with office.database.unit_of_work() as work:
        alert = work.session.execute(select(RedAlert)).scalar_one()
        work.session.add(
            ExceptionGrant(
                alert_id=alert.id, product_id=alert.product_id, devices=[first], reason="Until the office moves.",
                owner_id=kai, granted_by_id=kai, granted_at=office.now, ends_on=office.now.date() + timedelta(days=90),
            )
        )  # fmt: skip
        work.commit()
    placed(office, title_id, "LYO-2", kai)
    look(office)
    assert asked(office) == [(ana, False), (kai, True)]
