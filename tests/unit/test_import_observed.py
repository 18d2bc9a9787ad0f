"""Sources of imported installations are watched only until accepted, and again when they jump (rules §3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from model.alerts import InventorySource, SourceState
from model.events import Event
from model.inventory import Installation
from model.people import Person, Role
from tests.unit.import_desk import DEVICES, PEOPLE, Desk, desk
from workflows.alerts import looks
from workflows.alerts.causes import picture
from workflows.imports.kinds import KINDS
from workflows.imports.run import edit
from workflows.inventory_sources import accept_baseline
from workflows.policy import Policy
from workflows.rules import Rules

PRODUCTS = """
    key,name,publisher,licence_model,metric
    visio,Microsoft Visio Professional,Microsoft,paid,device
"""
USED = """
    device,product,source
    L1,Microsoft Visio Professional,
    S1,Microsoft Visio Professional,scanner
"""


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        made.take("people", PEOPLE)
        made.take("devices", DEVICES)
        made.take("products", PRODUCTS)
        yield made


def states(office: Desk) -> dict[str, tuple[SourceState, int]]:
    return {name: (state, count) for name, state, count in office.rows(InventorySource, "name", "state", "day_devices")}


def accept(office: Desk, name: str) -> None:
    with office.database.unit_of_work() as work:
        by = work.connection.execute(select(Person.id).order_by(Person.id).limit(1)).scalar_one()
        source = select(InventorySource.id).where(InventorySource.name == name)
        accept_baseline(work, work.connection.execute(source).scalar_one(), by, {Role.LICENCE_MANAGER}, office.now)
        work.commit()


def fleet(first: int, count: int) -> str:
    return "identity,kind\n" + "\n".join(f"PC-{number},laptop" for number in range(first, first + count))


def installed(first: int, count: int, source: str = "scanner") -> str:
    rows = (f"PC-{number},Microsoft Visio Professional,{source}" for number in range(first, first + count))
    return "device,product,source\n" + "\n".join(rows)


def test_a_first_import_fills_the_register_and_says_what_it_would_have_sent(office: Desk) -> None:
    outcome = office.take("installations", USED)
    assert states(office) == {"import": (SourceState.OBSERVE, 1), "scanner": (SourceState.OBSERVE, 1)}
    assert len(office.rows(Installation, "id")) == 2
    said = [line for line in outcome.lines if "watched only" in line]
    assert [line.split(" is ")[0] for line in said] == ["The source import", "The source scanner"]
    assert "it would have sent 1 alert, 1 ticket and 1 question, and nothing is sent." in said[0]
    assert "it would have sent 1 alert, 1 ticket and 0 questions, and nothing is sent." in said[1]
    assert said[0].endswith("seatkeeper sources accept import --by YOUR-ADDRESS")


def test_nothing_is_wanted_of_it_before_its_baseline_and_then_only_of_what_came_later(office: Desk) -> None:
    office.take("devices", fleet(1, 3))
    office.take("installations", installed(1, 2))
    rules = Rules(Policy(), 1)
    with office.database.unit_of_work() as work:
        assert not picture(work.connection, rules.policy, None, office.now).found
        looks.look(work, rules, None, office.now)
        work.commit()
    accept(office, "scanner")
    with office.database.reading() as connection:
        assert not picture(connection, rules.policy, None, office.now).found  # adopted
    outcome = office.take("installations", installed(3, 1))
    assert not [line for line in outcome.lines if "watched only" in line]
    with office.database.reading() as connection:
        found = picture(connection, rules.policy, None, office.now).found
    assert [place.device for one in found.values() for place in one.places] == ["PC-3"]


def test_a_preview_says_the_same_and_keeps_no_source(office: Desk) -> None:
    outcome = office.take("installations", USED, keep=False)
    assert any("The source import is watched only" in line for line in outcome.lines)
    assert states(office) == {}


def test_a_source_that_grows_beyond_policy_in_a_day_goes_back_and_says_why(office: Desk) -> None:
    office.take("devices", fleet(1, 200))
    office.take("installations", installed(1, 50))
    accept(office, "scanner")
    office.now += timedelta(days=1)
    office.take("installations", installed(51, 25))
    assert states(office)["scanner"] == (SourceState.ACCEPTED, 75)
    outcome = office.take("installations", installed(76, 1))
    assert states(office)["scanner"] == (SourceState.OBSERVE, 76)
    (said,) = [line for line in outcome.lines if "watched only" in line]
    assert "26 new devices in a day, on top of 50: more than the 50 per cent that policy allows." in said
    assert [tag for (tag,) in office.rows(Event, "tag")].count("inventory:source:returned_to_observe") == 1


def test_the_same_file_again_is_no_growth_and_history_is_none_either(office: Desk) -> None:
    office.take("installations", USED)
    office.take("installations", USED)
    history = "device,product,source,began_on,ended_on\nV1,Microsoft Visio Professional,old,2024-01-01,2025-01-01"
    office.take("installations", history)
    assert {name: count for name, (_, count) in states(office).items()} == {"import": 1, "scanner": 1}


def test_a_row_typed_by_a_person_is_counted_as_well(office: Desk) -> None:
    with office.database.unit_of_work() as work:
        cells = {"device": "L1", "product": "Microsoft Visio Professional", "source": "by hand"}
        edit(work, KINDS["installations"], cells, "person:1", key=b"k" * 32, now=office.now)
        work.commit()
    assert states(office) == {"by hand": (SourceState.OBSERVE, 1)}
