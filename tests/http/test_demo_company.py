"""The three stand-ins know the same people, and the register seeded from them is whole, priced and sealed."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot import seed
from model import seal
from model.events import Event, Tag
from model.licences import Budget, Product, Publisher, Seat, SeatReturn, Sku
from model.people import Person, RoleGrant
from model.positions import seat_figures
from model.requests import LicenceRequest, Status
from model.session import Database, make_engine
from sandbox import inventory
from sandbox.company import Company
from sandbox.company_seed import channel_id
from tests.http.company_register import Filled, running_world, seed_into
from workflows import directory, matching
from workflows.reads.prices import budgets, prices


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with running_world(tmp_path_factory.mktemp("company")) as world:
        yield world


@pytest.fixture
def database(filled: Filled, database_url: str) -> Iterator[Database]:
    made = Database(make_engine(database_url))
    seed_into(made, filled)
    yield made
    made.dispose()


@pytest.fixture
def company(filled: Filled) -> Company:
    return filled.world.company


def test_all_three_know_the_same_people(filled: Filled, company: Company) -> None:
    by_directory = {user.id: user for user in filled.outside.users}
    accounts = {account.email: account for account in filled.outside.accounts}
    rows = filled.world.servicenow.instance
    for staff in company.people.values():
        user = by_directory[staff.directory_id]
        manager = company.people[staff.manager].directory_id if staff.manager else None
        assert (user.mail, user.display_name, user.manager_id) == (staff.email, staff.name, manager)
        assert user.enabled is not staff.left
        assert (staff.email in accounts) == (staff.slack_id is not None)
        if staff.slack_id:
            account = accounts[staff.email]
            assert account.id == staff.slack_id and account.active is not staff.left
            assert staff.left or account.time_zone == staff.time_zone  # Slack keeps none for a deactivated account
        found = rows.find("sys_user", email=staff.email)
        assert bool(found) == staff.in_servicenow
    assert len(by_directory) == len(company.people)


def test_microsoft_counts_what_the_tables_say(filled: Filled, company: Company) -> None:
    counted = {sku.sku_id: (sku.enabled, sku.consumed) for sku in filled.outside.skus}
    told = {
        tier.sku_id: (tier.bought, len(tier.holders))
        for product in company.products.values()
        for tier in product.tiers
        if product.from_microsoft
    }
    assert counted == told


def test_the_bot_is_in_the_channels(filled: Filled) -> None:
    world = filled.world.slack.world
    for name in ("licences", "it-alerts", "renewals"):
        channel = world.channel(channel_id(name))
        assert channel is not None and world.app.bot_user_id in channel["members"]


def test_a_second_world_on_the_same_folder_goes_on(tmp_path: Path) -> None:
    with running_world(tmp_path) as first:
        keys, counts = first.world.keys, len(first.outside.users)
        first.world.clock.forward(timedelta(days=2))
        was = first.world.clock.now()
    with running_world(tmp_path, datetime(2027, 5, 5, tzinfo=UTC)) as second:
        assert second.world.keys == keys and len(second.outside.users) == counts
        assert timedelta(0) <= second.world.clock.now() - was < timedelta(minutes=2)


def test_seeding_is_done_once(database: Database, filled: Filled, company: Company) -> None:
    assert not seed.seed(database, company, filled.outside, filled.world.clock.now())
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Person)).scalar() == len(company.people)


def test_people_stand_as_the_directory_has_them(database: Database, company: Company) -> None:
    with database.reading() as connection:
        people = {row.directory_id: row for row in connection.execute(select(*Person.__table__.c))}
        roles = {(row.person_id, row.role) for row in connection.execute(select(*RoleGrant.__table__.c))}
    ids = {key: people[staff.directory_id].id for key, staff in company.people.items()}
    for key, staff in company.people.items():
        row = people[staff.directory_id]
        assert row.manager_id == (ids[staff.manager] if staff.manager else None)
        assert row.deputy_id == (ids[staff.deputy] if staff.deputy else None)
        assert row.active is not staff.left
        assert (row.time_zone, row.country, row.employment) == (staff.time_zone, staff.country, staff.employment)
        assert row.slack_id == (None if staff.left else staff.slack_id)
        assert row.cost_centre == row.department == staff.department
        assert {role for person, role in roles if person == ids[key]} == set(staff.roles)


def test_seats_and_figures_agree_with_the_tables(database: Database, company: Company, filled: Filled) -> None:
    with database.reading() as connection:
        skus = {
            (key, tier): sku
            for key, tier, sku in connection.execute(
                select(Product.key, Sku.tier, Sku.id).join(Sku, Sku.product_id == Product.id)
            )
        }
        figures = seat_figures(connection, list(skus.values()), company.day)
    for product in company.products.values():
        for tier in product.tiers:
            found = figures[skus[product.key, tier.tier]]
            assert found.consumed == len(tier.holders), product.name
            assert found.reserved == 0
            assert found.known == product.owned
            if product.owned:
                assert found.enabled == tier.bought
            assert found.source == ("vendor" if product.from_microsoft else "register")


def test_the_nightly_reading_changes_nothing(database: Database, filled: Filled) -> None:
    with database.unit_of_work() as work:
        run = directory.store_people(work, filled.outside.users, filled.world.clock.now())
        assert (run.counts["added"], run.counts["changed"], run.counts["closed"]) == (0, 0, 0)
        assert directory.store_seats(work, filled.outside.users, filled.world.clock.now()) == (0, 0)
        assert matching.link_slack(work, filled.outside.accounts, filled.world.clock.now()) == 0


def test_prices_and_budgets_are_those_of_the_story(database: Database, company: Company) -> None:
    with database.reading() as connection:
        rows = connection.execute(select(Product.key, Sku.tier, Sku.id).join(Sku, Sku.product_id == Product.id)).all()
        found = prices(connection, [row.id for row in rows], company.day)
        left = budgets(connection, ["Design"], company.day.year)
        years = connection.execute(select(Budget.year).distinct()).scalars().all()
    by_name = {(row.key, row.tier): found[row.id] for row in rows}
    copilot = by_name["microsoft-copilot", ""]
    assert copilot.unit is not None and copilot.unit.amount == Decimal("336.00")
    assert copilot.ends_on is not None and (copilot.ends_on - company.day).days == 128
    assert by_name["planner-project", "Plan 3"].yearly is not None
    assert by_name["lucidchart", ""].unit is None and by_name["lucidchart", ""].unknown
    assert left["Design", "EUR"].amount == Decimal("1204.00")
    assert sorted(years) == [company.day.year, company.day.year + 1]


def test_the_past_is_on_record_and_the_next_request_is_1042(database: Database, company: Company) -> None:
    with database.reading() as connection:
        statuses = Counter(connection.execute(select(LicenceRequest.status)).scalars())
        last = connection.execute(select(func.max(LicenceRequest.id))).scalar()
        [ana] = connection.execute(
            select(Seat.began_at, Seat.ended_at, Seat.line_id, SeatReturn.ground)
            .join(Person, Person.id == Seat.person_id)
            .join(Product, Product.id == Seat.product_id)
            .join(SeatReturn, SeatReturn.seat_id == Seat.id)
            .where(Person.email.startswith("ana."), Product.key == "microsoft-copilot")
        ).all()
        tags = set(connection.execute(select(Event.tag)).scalars())
    assert statuses == {Status.FULFILLED: 37, Status.DENIED: 2, Status.WITHDRAWN: 1, Status.EXPIRED: 1}
    assert last == 41
    assert ana.ground == "given_back" and ana.line_id is not None and ana.began_at < ana.ended_at
    assert {Tag.REQUEST_SUBMITTED, Tag.REQUEST_APPROVED, Tag.SEAT_GIVEN, Tag.SEAT_TAKEN_BACK, Tag.ROLE_GRANTED} <= tags


def test_the_chain_over_the_seeded_past_is_intact(database: Database, filled: Filled) -> None:
    sealed = seal.seal(database, filled.world.clock.now())
    assert sealed > 100
    out = io.StringIO()
    with database.reading() as connection:
        assert seal.unsealed(connection) == 0
        exported = seal.export(connection, out)
    report = seal.verify(out.getvalue().splitlines())
    assert report.ok and report.count == exported == sealed, report.words
    with database.reading() as connection:
        times = connection.execute(
            select(Event.at).where(Event.tag.startswith("request:")).order_by(Event.id)
        ).scalars()
        told = list(times)
    assert told == sorted(told)


def test_every_publisher_and_product_is_stored_once(database: Database, company: Company) -> None:
    machines = inventory.load(company)
    with database.reading() as connection:
        names = connection.execute(select(Product.name)).scalars().all()
        by_hand = connection.execute(select(Product.name).where(Product.owner_id.is_not(None))).scalars().all()
        publishers = connection.execute(select(Publisher.name)).scalars().all()
        orderable = connection.execute(select(Product.name).join(Sku).distinct()).scalars().all()
    asked_for = sorted(product.name for product in company.products.values())
    assert sorted(orderable) == asked_for
    assert sorted(by_hand) == sorted([*asked_for, *(one.name for one in machines.products)])
    assert len(names) == len({name.casefold() for name in names}) > len(by_hand)
    assert len(publishers) == len(set(publishers))
