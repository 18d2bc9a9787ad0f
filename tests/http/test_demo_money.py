"""The demo's company has invoices that differ, in two currencies, a trial, and products that do the same job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest
from sqlalchemy import insert

from bot.views.difference_card import digest_of_differences
from bot.views.notices_card import notices_card
from licensing.procurement import Notice
from licensing.reconciliation.facts import Kind
from model.session import Database, make_engine
from model.usage import VendorSubscription
from sandbox import bills
from sandbox.company import EXAMPLE_DAY
from tests.http.company_register import POLICY, Filled, running_world, seed_into
from tests.unit.message_checks import check
from workflows.perform_m365_rows import subscription_row
from workflows.policy_file import load
from workflows.procurement import watch
from workflows.reads.budgets import budget_lines
from workflows.reads.procurement import notices
from workflows.reads.reconciliation import differences, digest
from workflows.reconciling import run
from workflows.rules import Rules

RULES = Rules(load(POLICY.read_text(encoding="utf-8")), 1)


def morning(filled: Filled) -> datetime:
    """Of the day the company stands on; its clock goes on with the machine's."""
    return datetime.combine(filled.world.company.day, time(9), UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with running_world(tmp_path_factory.mktemp("company")) as world:
        yield world


@pytest.fixture
def database(filled: Filled, sqlite_url: str) -> Iterator[Database]:
    made = Database(make_engine(sqlite_url))
    seed_into(made, filled)
    yield made
    made.dispose()


def test_invoices_differ_in_every_way_and_in_two_currencies(filled: Filled, database: Database) -> None:
    now = morning(filled)
    assert run.run(database, RULES, now).looks >= 1
    with database.reading() as connection:
        found = differences(connection)
        facts = digest(connection, 1, None)
    kinds = {one.kind for one in found}
    assert kinds >= {Kind.BILLED_NOT_BOUGHT, Kind.BOUGHT_NOT_BILLED, Kind.PRICE, Kind.UNCLEAR}
    assert {one.money.currency for one in found if one.money is not None} == {"EUR", "USD"}
    miro = next(one for one in found if one.product == "Miro" and one.kind is Kind.BILLED_NOT_BOUGHT)
    assert str(miro.money) == "€384.00"
    copilot = next(one for one in found if one.kind is Kind.PRICE and one.money is not None)
    assert str(copilot.money) == "€672.00"
    assert facts is not None
    check(digest_of_differences(facts), most_blocks=40, most_characters=9000)


def test_a_trial_and_pairs_that_overlap_are_said_once(filled: Filled, database: Database) -> None:
    now = morning(filled)
    rows = [subscription_row(one) | {"read_at": now} for one in filled.graph.subscriptions()]
    with database.unit_of_work() as work:
        work.connection.execute(insert(VendorSubscription), rows)
        work.commit()
    watch.look(database, RULES, now)
    with database.reading() as connection:
        found = notices(connection)
    kinds = {one.kind for one in found}
    assert {Notice.TRIAL, Notice.OVERLAP} <= kinds
    (trial,) = [one for one in found if one.kind is Notice.TRIAL]
    assert "the trial of 2 seats ends on" in trial.words and "Kept, it costs €1,320.00 a year." in trial.words
    planner = next(one for one in found if one.words.startswith("16 people hold Planner and Project"))
    assert planner.words.endswith("Planner and Project for them costs at least €1,728.00 a year.")
    check(notices_card(found, 60), most_blocks=40, most_characters=9000)
    assert watch.look(database, RULES, now).opened == 0


def test_budgets_have_spent_and_committed(filled: Filled, database: Database) -> None:
    company = filled.world.company
    with database.reading() as connection:
        lines = budget_lines(connection, company.day.year, RULES.policy.procurement)
        departments = budget_lines(connection, company.day.year, RULES.policy.procurement, departments=True)
    assert {one.currency for one in lines} == {"EUR", "USD"}
    assert any(one.over for one in lines) and any(one.spent for one in lines) and any(one.committed for one in lines)
    assert {one.name for one in departments} <= {one.name for one in lines} | {""}


def test_dates_of_bills_move_with_the_day_played() -> None:
    example, later = bills.load(), bills.load(EXAMPLE_DAY.replace(year=2027))
    assert (later[0].issued_on - example[0].issued_on).days == 365
    assert {one.currency for one in example} == {"EUR", "USD"} and any(one.amount < 0 for one in example)
