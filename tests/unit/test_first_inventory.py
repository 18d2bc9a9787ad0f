"""A first inventory of 500 devices sends nothing until its baseline is accepted, and shows what it would have sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from jobs.tables import Job
from model.alerts import AlertPlace, InventorySource, RedAlert
from model.licences import Product
from model.people import Device, Role
from model.requests import Card
from model.tickets import Ticket
from tests.unit.inventory_desk import PHOTOSHOP, SEVEN_ZIP, VISIO, Desk, desk, person, report
from workflows.alerts import looks
from workflows.alerts.observed import would_have_sent
from workflows.cards import CardKind
from workflows.inventory_sources import accept_baseline
from workflows.policy import Policy
from workflows.reads.baselines import to_work_off, would_rows
from workflows.rules import Rules

DEVICES, PEOPLE = 500, 25
SOURCE = "fusioninventory"
#: Kinds of work that somebody outside would notice.
OUTWARD = ("card.mail", "ticket.settle", "digest.send", "answer.say")


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    """Everybody's devices stand in the directory of machines; then all of them report for the first time."""
    with desk(sqlite_url) as made:
        people = [person(made, f"p{number}@acme.example") for number in range(PEOPLE)]
        with made.database.unit_of_work() as work:
            rows = [
                {
                    "identity": f"PC-{number}",
                    "name": f"PC-{number}",
                    "person_id": people[number % PEOPLE],
                    "person_source": "import",
                    "kind": "portable",
                }
                for number in range(DEVICES)
            ]
            work.connection.execute(insert(Device), rows)
            work.commit()
        for number in range(DEVICES):
            made.take(report(SEVEN_ZIP, VISIO if number % 2 else PHOTOSHOP, name=f"PC-{number}"), days=0.0001)
        yield made


def look(office: Desk, times: int = 2) -> None:
    """Complete runs, an hour apart."""
    for _ in range(times):
        office.now += timedelta(hours=1)
        with office.database.unit_of_work() as work:
            looks.look(work, Rules(Policy(), 1, servicenow=True), None, office.now)
            work.commit()


def cards(office: Desk) -> list[str]:
    return [kind for (kind,) in office.rows(Card, "kind")]


def outward(office: Desk) -> list[str]:
    with office.database.reading() as connection:
        return list(connection.execute(select(Job.kind).where(Job.kind.in_(OUTWARD))).scalars())


def test_nothing_is_sent_until_the_baseline_is_accepted_and_then_only_what_is_new(office: Desk) -> None:
    assert len(office.rows(Device, "id")) == DEVICES and not office.doubts()
    with office.database.unit_of_work() as work:
        work.connection.execute(update(Product).values(licence_model="paid", provisional=False))
        work.commit()
    look(office)
    assert cards(office) == [CardKind.OBSERVE] and not outward(office)
    assert not office.rows(RedAlert, "id") and not office.rows(Ticket, "id") and not office.rows(AlertPlace, "id")

    with office.database.reading() as connection:
        counts = would_have_sent(connection, Policy(), SOURCE, office.now)
        plain = would_rows(connection, Policy(), SOURCE, office.now)
        named = would_rows(connection, Policy(), SOURCE, office.now, names=True)
    assert counts == {"alerts": 3, "tickets": 3, "questions": 0}
    by_product = {row.product: row for row in plain}
    assert {row.cause for row in plain} == {"unauthorised"}
    assert sorted(row.devices for row in plain) == [DEVICES // 2, DEVICES // 2, DEVICES]
    assert all(row.asked == 0 for row in plain if row.devices > 20), "IT decides where half the company is concerned"
    assert all(not row.where for row in plain), "without names for those who are not entitled"
    assert all(1 <= len(row.where) <= 20 for row in named)
    assert {name for row in named for name, _ in row.where} <= {f"P{number}" for number in range(PEOPLE)}

    dara = person(office, "dara@acme.example", Role.LICENCE_MANAGER)
    with office.database.unit_of_work() as work:
        [(source_id,)] = office.rows(InventorySource, "id")
        found = accept_baseline(work, source_id, dara, [Role.LICENCE_MANAGER], office.now)
        work.commit()
    assert found["devices"] == DEVICES
    look(office)
    assert cards(office) == [CardKind.OBSERVE] and not outward(office) and not office.rows(RedAlert, "id")
    with office.database.reading() as connection:
        left = to_work_off(connection, SOURCE, office.now)
        assert not would_rows(connection, Policy(), SOURCE, office.now)
    assert {row.product for row in left} == set(by_product)
    assert all(row.now == row.then == by_product[row.product].devices for row in left)

    office.take(report(VISIO, name="PC-new"))
    look(office)
    alerts = office.rows(RedAlert, "cause", "figures")
    assert ("unauthorised", 1) in [(cause, int(figures["devices"])) for cause, figures in alerts]
    assert len(office.rows(Ticket, "id")) == len(alerts) and outward(office)
