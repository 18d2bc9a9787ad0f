"""Alerts of the last month and of today under another policy, on a real database; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from model.inventory import Installation
from model.licences import Product
from tests.http import alert_acts as acts
from tests.unit.inventory_desk import Desk, desk, person
from workflows import policy_file
from workflows.alerts import looks
from workflows.rules import Rules
from workflows.simulate_alerts import AlertSimulation

BASE = "version: 1\n"


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    """Draw is on two devices and alerts; Paint is free and on one; Old was there and closed twenty days ago."""
    with desk(sqlite_url) as made:
        ana, kai = person(made, "ana@acme.example"), person(made, "kai@acme.example")
        with made.database.unit_of_work() as work:
            acts.accepted(work, made.now)
            _, draw = acts.product(work, "draw", "Draw", made.now)
            _, old = acts.product(work, "old", "Old", made.now)
            paint_id, paint = acts.product(work, "paint", "Paint", made.now)
            work.connection.execute(update(Product).where(Product.id == paint_id).values(licence_model="free"))
            for name, owner in (("LYO-1", ana), ("LYO-2", kai)):
                acts.installed(work, acts.device(work, name, owner, made.now), draw, made.now)
            third = acts.device(work, "LYO-3", ana, made.now)
            acts.installed(work, third, paint, made.now)
            acts.installed(work, third, old, made.now)
            work.commit()
        look(made)
        made.now += timedelta(days=1)
        with made.database.unit_of_work() as work:
            gone = update(Installation).where(Installation.title_id == old).values(ended_at=made.now)
            work.connection.execute(gone)
            work.commit()
        look(made)
        made.now += timedelta(days=20)
        yield made


def look(office: Desk) -> None:
    with office.database.unit_of_work() as work:
        looks.look(work, Rules(policy_file.load(BASE), 1), None, office.now)
        work.commit()


def differences(office: Desk, text: str, **more: object) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    with office.database.reading() as connection:
        made = AlertSimulation(
            connection, policy_file.load(BASE), policy_file.load(BASE + text), office.now, **more  # type: ignore[arg-type]
        )  # fmt: skip
        found = [(one.reference, one.product, str(one.then), str(one.now)) for one in made]
        return found, made.compared.lines()


RAISED = "alert as unauthorised, asks {} by itself, opens a ticket"


def test_the_same_policy_differs_in_nothing(office: Desk) -> None:
    before = office.sizes()
    assert differences(office, "") == ([], ["unauthorised: 2 alerts in force; under the file no difference"])
    assert office.sizes() == before


def test_a_cause_switched_off_raises_none_of_it(office: Desk) -> None:
    found, lines = differences(office, "alerts: {causes: [shortfall]}\n")
    assert found == [
        ("ALERT-1", "Draw", RAISED.format("2 people"), "no alert"),
        ("ALERT-2", "Old", RAISED.format("1 person"), "no alert"),
    ]
    assert lines == [
        "unauthorised: 2 alerts in force; under the file 2 not raised, 3 people not asked, 2 tickets not opened"
    ]


def test_a_ban_raises_what_no_alert_was_ever_raised_for(office: Desk) -> None:
    found, _ = differences(office, "not_allowed: [{rule: 5, name: Paint, because: customer data}]\n")
    assert found == [("today", "Paint", "no alert", RAISED.format("1 person"))]


def test_who_is_asked_and_which_ticket_is_opened_are_compared_as_well(office: Desk) -> None:
    by_hand = "alerts: {ask_people: {unauthorised: by_hand}, tickets: {unauthorised: {open: false}}}\n"
    found, lines = differences(office, by_hand)
    assert [one[3] for one in found] == ["alert as unauthorised, asks nobody by itself, no ticket"] * 2
    assert lines == ["unauthorised: 2 alerts in force; under the file 3 people not asked, 2 tickets not opened"]


def test_alerts_closed_before_the_day_are_left_out(office: Desk) -> None:
    found, _ = differences(office, "alerts: {causes: [shortfall]}\n", since=office.now.date() - timedelta(days=5))
    assert [one[1] for one in found] == ["Draw"]
