"""Seats covered by another seat, and seats larger than what is stored and used, read set by set on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from model.licences import Granting, Product, Publisher, Seat, Sku
from model.session import Database, make_engine
from model.usage import LastUse, SourceHealth
from tests.use_office import DESIGN, NOW, POLICY, TODAY, Office
from workflows.reclaim.fits import redundant, smaller_tiers, too_big

GB = 1024**3
E5_SKU, BI_SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "f8a1db68-be16-40ed-86d5-cb42ce701560"


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    engine = make_engine(database_url)
    made = Office(Database(engine))
    with made.database.unit_of_work() as work:
        publisher = Publisher(name="Microsoft Corporation")
        work.session.add(publisher)
        work.session.flush()
        for key, name, guid, part in (
            ("e5", "Microsoft 365 E5", E5_SKU, "SPE_E5"),
            ("bi", "Power BI Pro", BI_SKU, "POWER_BI_PRO"),
        ):
            product = Product(publisher_id=publisher.id, name=name, key=key, granting=Granting.GRAPH_DIRECT)
            work.session.add(product)
            work.session.flush()
            sku = Sku(product_id=product.id, sku_id=guid, part_number=part)
            work.session.add(sku)
            work.session.flush()
            made.products[key], made.skus[key] = product.id, sku.id
        work.commit()
    yield made
    engine.dispose()


def test_a_part_beside_its_suite_is_redundant_and_visio_never_is(office: Office) -> None:
    both, alone, grouped = (office.person(name) for name in ("both", "alone", "grouped"))
    office.seat(both, "e5")
    covered = office.seat(both, "bi", began_at=NOW - timedelta(days=3))
    office.seat(both, "visio")
    office.seat(alone, "bi")
    office.seat(grouped, "e5")
    office.seat(grouped, "bi", f"group:{DESIGN}")
    with office.database.reading() as connection:
        found = redundant(connection, POLICY, office.products["bi"], TODAY)
        visio = redundant(connection, POLICY, office.products["visio"], TODAY)
        suite = redundant(connection, POLICY, office.products["e5"], TODAY)
    assert [(one.seat.seat_id, one.sentence) for one in found] == [(covered, "covered wholly by Microsoft 365 E5")]
    assert found[0].by_sku_id == office.skus["e5"]
    assert visio == suite == []


BI_PLAN = "70d33638-9c74-4d01-bfd3-562de28bd4ba"  # BI_AZURE_P2


@pytest.mark.parametrize(
    ("suite", "part", "listed"),
    [
        (None, None, True),  # not read
        ("", "", True),
        (BI_PLAN, "", False),  # Power BI is off in E5 and on in the seat beside it
        (BI_PLAN, BI_PLAN, True),
        (BI_PLAN, None, True),
        ("", BI_PLAN, True),
    ],
)
def test_what_is_off_in_the_suite_and_on_in_the_part_is_seen_when_the_list_is_made(
    office: Office, suite: str | None, part: str | None, listed: bool
) -> None:
    """It was listed, asked about, confirmed, and then left alone by the look right before the write."""
    both = office.person("both")
    seats = office.seat(both, "e5"), office.seat(both, "bi")
    with office.database.unit_of_work() as work:
        for seat_id, off in zip(seats, (suite, part), strict=True):
            work.session.get_one(Seat, seat_id).off = off
        work.commit()
    with office.database.reading() as connection:
        found = redundant(connection, POLICY, office.products["bi"], TODAY)
    assert [one.seat.seat_id for one in found] == ([seats[1]] if listed else [])
    if found:
        assert found[0].seat.evidence.get("off") == (["Power BI Pro"] if part else None)


def test_of_two_paths_only_what_is_off_in_both_is_off(office: Office) -> None:
    both = office.person("both")
    direct, grouped, part = office.seat(both, "e5"), office.seat(both, "e5", f"group:{DESIGN}"), office.seat(both, "bi")
    with office.database.unit_of_work() as work:
        for seat_id, off in ((direct, BI_PLAN), (grouped, ""), (part, "")):
            work.session.get_one(Seat, seat_id).off = off
        work.commit()
    with office.database.reading() as connection:
        assert [one.seat.seat_id for one in redundant(connection, POLICY, office.products["bi"], TODAY)] == [part]


def test_a_smaller_tier_is_offered_where_everything_fits_or_says_what_was_not_checked(office: Office) -> None:
    small, large, blank = (office.person(name) for name in ("small", "large", "blank"))
    seats = [office.seat(one, "e5") for one in (small, large, blank)]
    office.used(small, "mailbox", date(2026, 11, 1), bytes=12 * GB, archive=False, recipient_type=None)
    office.used(large, "mailbox", date(2026, 11, 1), bytes=101 * GB, archive=False, recipient_type=None)
    with office.database.reading() as connection:
        found = too_big(connection, POLICY, office.products["e5"], office.skus["e3"], TODAY)
        same = too_big(connection, POLICY, office.products["e3"], office.skus["e3"], TODAY)
        nowhere = too_big(connection, POLICY, office.products["e5"], office.skus["draw"], TODAY)
    assert [one.seat.seat_id for one in found] == [seats[0], seats[2]]
    assert found[0].not_checked and found[0].checks[0] == "mailbox: 12.0 GB of 100 GB"
    assert "mailbox size not checked; archive not checked" in found[1].words
    assert found[1].seat.look.startswith("mailbox size not checked")
    assert same == nowhere == []


@pytest.mark.parametrize(
    ("days", "state", "trusted"), [(7, "fine", True), (8, "fine", False), (1, "stale", False), (1, "concealed", False)]
)
def test_reports_that_are_old_or_not_fine_say_nothing_of_what_fits(
    office: Office, days: int, state: str, trusted: bool
) -> None:
    """Not checked, so that somebody looks at the row, neither "fits" nor "in use"."""
    e1 = "18181a46-0d4e-45cd-891e-60aabd171b4e"
    as_of = TODAY - timedelta(days=days)
    small, large = office.person("small"), office.person("large")
    for one, size, desktop in ((small, 1, False), (large, 99, True)):
        office.seat(one, "e3")
        office.used(one, "mailbox", as_of, bytes=size * GB, archive=False, recipient_type=None)
        office.used(one, "m365_apps", as_of, desktop=desktop)
    with office.database.unit_of_work() as work:
        work.session.execute(update(LastUse).values(as_of=as_of))
        for source in ("mailbox", "m365_apps"):
            work.session.merge(SourceHealth(source=source, state=state, as_of=as_of, read_at=NOW))
        product_id = work.session.get_one(Product, office.products["bi"]).publisher_id
        e1_product = Product(publisher_id=product_id, name="Office 365 E1", key="e1", granting=Granting.GRAPH_DIRECT)
        work.session.add(e1_product)
        work.session.flush()
        sku = Sku(product_id=e1_product.id, sku_id=e1, part_number="STANDARDPACK")
        work.session.add(sku)
        work.session.flush()
        found = too_big(work.connection, POLICY, office.products["e3"], sku.id, TODAY)
    words = "mailbox size not checked; archive not checked; desktop apps not checked"
    assert {one.seat.person_id: one.words for one in found} == (
        {small: ""} if trusted else {small: words, large: words}
    )


def test_only_what_is_wholly_part_of_a_held_licence_can_be_moved_to(office: Office) -> None:
    """A swap to a licence that is not smaller would have been an upgrade, or a move aside."""
    office.seat(office.person("holder"), "e5")
    office.seat(office.person("smallest"), "e3")
    with office.database.reading() as connection:
        found = smaller_tiers(connection, office.products["e5"])
        upwards = too_big(connection, POLICY, office.products["e3"], office.skus["e5"], TODAY)
        aside = smaller_tiers(connection, office.products["visio"])
    assert office.skus["e3"] in found
    assert not {office.skus["e5"], office.skus["bi"]} & set(found), "neither itself nor a part without mail"
    assert not upwards and not aside
