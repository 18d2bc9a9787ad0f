"""A seat that another one covers goes only while the other is there, with every service that is on in the seat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from model.licences import Granting, Product, Seat, Sku
from sandbox.certificates import Authority, make_ca
from sandbox.graph_directory import USER
from tests.http.reclaim_desk import E3_PLAN, Desk, desk
from tests.reclaim_town import E3_SKU

E5_SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
TEAMS_PLAN = "57ff2da0-773e-42df-b2af-ffb7a2317929"  # TEAMS1
UNCOVERED = "no other licence of the person gives all that this one does any more"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def office(tmp_path: Path, authority: Authority) -> Iterator[Desk]:
    with desk(tmp_path, authority) as made:
        yield made


def covered(office: Desk) -> int:
    """Kai has E5 as well, which covers all of E3; the list that says so is confirmed."""
    town = office.town
    with town.database.unit_of_work() as work:
        e3 = work.session.get_one(Product, town.products["e3"])
        e5 = Product(publisher_id=e3.publisher_id, name="Microsoft 365 E5", key="e5", granting=Granting.GRAPH_DIRECT)
        work.session.add(e5)
        work.session.flush()
        sku = Sku(product_id=e5.id, sku_id=E5_SKU, part_number="SPE_E5", enabled=1, consumed=1, figures_at=town.now)
        work.session.add(sku)
        work.session.flush()
        town.products["e5"], town.skus["e5"] = e5.id, sku.id
        work.commit()
    town.seat("kai", "e5")
    office.graph.directory.add_sku(E5_SKU, 1)
    office.graph.directory.grant(office.user, E5_SKU)
    return office.confirmed("redundant")


def switched_off(office: Desk, *plans: str) -> None:
    """An administrator switches services off in E5."""
    document = office.document()
    document["licences"][-1]["disabledPlans"] = list(plans)
    office.graph.directory.write(USER, document)


def gone(office: Desk) -> None:
    document = office.document()
    document["licences"].pop()
    office.graph.directory.write(USER, document)


@pytest.mark.parametrize("off", [(), (E3_PLAN,)], ids=["all on", "off in both"])
def test_a_seat_that_another_covers_is_taken_and_the_other_stays(office: Desk, off: tuple[str, ...]) -> None:
    made = covered(office)
    switched_off(office, *off)
    office.settle()
    assert office.row(made).state == "removed", office.row(made).note
    assert set(office.held()) == {E5_SKU}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda office: gone(office),
        lambda office: switched_off(office, TEAMS_PLAN),
        lambda office: switched_off(office, E3_PLAN, TEAMS_PLAN),
    ],
    ids=["gone", "off", "more is off"],
)
def test_a_seat_stays_when_what_covers_it_is_gone_or_off_this_morning(
    office: Desk, wrong: Callable[[Desk], None]
) -> None:
    """Our rows are last night's: what a person holds beside it is read right before the write."""
    made = covered(office)
    wrong(office)
    office.settle(1)
    assert (office.row(made).state, office.row(made).note) == ("kept", UNCOVERED)
    assert E3_SKU in office.held() and office.candidate(made)[0] == "skipped"


def test_a_seat_stays_when_what_covers_it_ends_on_a_day(office: Desk) -> None:
    """Given until a day, it goes then, and nothing would be left."""
    made = covered(office)
    with office.town.database.unit_of_work() as work:
        until_on = office.town.now.date() + timedelta(days=3)
        seat = work.session.execute(select(Seat).where(Seat.product_id == office.town.products["e5"])).scalar_one()
        seat.until_on = until_on
        work.commit()
    office.settle(1)
    assert office.row(made).state == "kept" and set(office.held()) == {E3_SKU, E5_SKU}
