"""Every change of a position between two days is explained to the last unit, on both databases.

The rows a position opens into add up to what it says is consumed, and the steps from one day to another leave nothing
over, for random companies in which things were bought, given, installed, corrected and decided at any time.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlalchemy import Connection, delete, update

from licensing.position.facts import CoreProfile, Metric
from licensing.position.figure import Position
from model.contracts import Contract, Entitlement, Exclusion, SuiteCover
from model.inventory import Title, UsageSignal
from model.session import Database, make_engine
from tests.positions_town import NOW, settle
from workflows.positions import use_split, why
from workflows.positions.compute import positions
from workflows.positions.rows import takers
from workflows.positions.times import Times
from workflows.positions.use_split import Alike, Counting

METRICS = ("named_user", "device", "core")
real = use_split.counting


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(make_engine(database_url))
    yield made
    made.dispose()


def buy(database: Database, product_ids: list[int], *, suite: bool = True) -> None:
    """Purchases by several metrics, and a suite that covers a part by the company's own word."""
    with database.unit_of_work() as work:
        contract = Contract(vendor="Vendor", number="C-1", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
        work.session.add(contract)
        work.session.flush()
        for number, product_id in enumerate(product_ids[:3]):
            for starts_on, quantity in ((date(2026, 1, 1), 3), (date(2026, 10, 1), 2)):
                work.session.add(
                    Entitlement(
                        product_id=product_id,
                        contract_id=contract.id,
                        metric=METRICS[number],
                        quantity=quantity,
                        unit_price=Decimal(100),
                        currency="EUR",
                        starts_on=starts_on,
                        ends_on=date(2026, 11, 10) if quantity == 2 else None,
                        recorded_at=NOW - timedelta(days=320),
                    )
                )
        if suite:
            work.session.add(
                SuiteCover(
                    suite_product_id=product_ids[3],
                    part_product_id=product_ids[0],
                    source="our agreement",
                    recorded_at=NOW - timedelta(days=320),
                )
            )
        work.commit()


@pytest.mark.parametrize("seed", range(3))
def test_rows_add_up_and_nothing_is_left_unexplained(database: Database, seed: int) -> None:
    town = settle(database, seed)
    buy(database, town.product_ids)
    days = [date(2026, 6, 15), date(2026, 9, 1), date(2026, 10, 20), date(2026, 11, 12), NOW.date()]
    with database.reading() as connection:
        for day in days:
            times = why.known_on(day, NOW) if day < NOW.date() else Times.today(NOW)
            for one in positions(connection, times):
                metric = one.position.metric
                if metric in (Metric.NAMED_USER, Metric.DEVICE, Metric.CORE) and one.position.consumed is not None:
                    rows = takers(connection, times, one.subject, metric, CoreProfile())
                    assert sum(row.units for row in rows) == one.position.consumed, (day, one.subject.name)
        for since, until in pairwise(days):
            for product_id in town.product_ids:
                for found in why.explain(connection, product_id, since, until, NOW):
                    assert found.settled, (since, until, product_id, found)


def nothing_rare(database: Database) -> None:
    """Take out what a product is counted by itself for."""
    with database.unit_of_work() as work:
        for table in (Exclusion, UsageSignal):
            work.connection.execute(delete(table))
        work.connection.execute(update(Title).values(candidate_id=None))
        work.commit()


@pytest.mark.parametrize("seed", range(6))
def test_many_products_counted_from_an_index_come_out_as_each_alone(
    postgres_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way is for hundreds of products; here it is made to begin at one. By device, version and person."""
    monkeypatch.setattr(use_split, "MANY", 1)
    database = Database(make_engine(postgres_url))
    town = settle(database, seed)
    buy(database, town.product_ids, suite=False)
    nothing_rare(database)
    with database.unit_of_work() as work:
        # the last two are bought by version, one of them by the year in the name of a title
        for product_id, version in zip(town.product_ids[2:], ("10", "2024"), strict=True):
            rows = update(Entitlement).where(Entitlement.product_id == product_id)
            work.connection.execute(rows.values(metric="device", version=version))
            if version == "2024":
                work.session.add(
                    Entitlement(
                        product_id=product_id,
                        metric="device",
                        quantity=2,
                        version=version,
                        starts_on=date(2026, 1, 1),
                        recorded_at=NOW - timedelta(days=320),
                    )
                )
                titles = update(Title).where(Title.product_id == product_id, Title.id % 2 == 0)
                work.connection.execute(titles.values(release="2024"))
        work.commit()
    asked: list[Alike] = []

    def watched(
        connection: Connection, times: Times, alike: Alike, order: Sequence[int]
    ) -> AbstractContextManager[Counting]:
        asked.append(alike)
        return real(connection, times, alike, order)

    monkeypatch.setattr(use_split, "counting", watched)
    with database.reading() as connection:
        times = Times.today(NOW)
        together = {(one.subject.key, one.position.metric): one.position for one in positions(connection, times)}
        assert asked and asked[0].by_device and asked[0].by_version and asked[0].by_person
        for product_id in town.product_ids:
            alone = use_of(connection, times, product_id)
            assert {at: one for at, one in together.items() if at[0][0] == product_id} == alone
    database.dispose()


def test_who_looks_at_the_first_position_only_leaves_no_connection_behind(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shares that nobody waits for any more are not counted, and both connections go back."""
    monkeypatch.setattr(use_split, "MANY", 1)
    database = Database(make_engine(postgres_url))
    town = settle(database, 0)
    buy(database, town.product_ids, suite=False)
    nothing_rare(database)
    with database.reading() as connection:
        found = positions(connection, Times.today(NOW))
        assert isinstance(found, Generator)
        next(found)
        assert database.engine.pool.checkedout() == 3  # type: ignore[attr-defined]  # a queue's
        found.close()
        assert database.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
    database.dispose()


def use_of(connection: Connection, times: Times, product_id: int) -> dict[tuple[tuple[int, int], Metric], Position]:
    """The positions of one product, counted the long way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(use_split, "MANY", 1000)
        found = positions(connection, times, [product_id])
        return {(one.subject.key, one.position.metric): one.position for one in found}


def test_a_day_before_the_first_record_is_not_known(database: Database) -> None:
    town = settle(database, 1)
    buy(database, town.product_ids)
    with database.reading() as connection:
        for one in positions(connection, Times(date(2019, 1, 1), NOW, NOW)):
            assert one.position.consumed is None
            assert one.position.entitled is None


def test_nothing_recorded_yet_is_not_known(database: Database) -> None:
    town = settle(database, 1)
    buy(database, town.product_ids)
    with database.reading() as connection:
        found = list(positions(connection, Times(NOW.date(), NOW - timedelta(days=900), NOW)))
    assert all(one.position.consumed is None for one in found)
