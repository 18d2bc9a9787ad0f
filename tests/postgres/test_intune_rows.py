"""A reading of Intune brought in line on both databases: the statements are their own on each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from model.alerts import InventorySource
from model.inventory import Installation, ManagedSoftware
from model.session import Database, make_engine
from workflows.inventory import intune
from workflows.inventory.intune_devices import Managed
from workflows.policy import InventoryRules

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
VISIO = intune.App("a1", "Microsoft Visio Professional 2021", "16.0", "Microsoft", "windows", 2)
DEVICES = [Managed(f"m{number}", f"LT-{number}", f"SN-{number}", "", "", "Windows 11", NOW) for number in range(2)]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(make_engine(database_url))
    yield made
    made.dispose()


def read(database: Database, now: datetime, managed: list[Managed], app: intune.App = VISIO) -> dict[str, object]:
    rules = InventoryRules()
    with database.unit_of_work() as work:
        begun = intune.begin(work, now)
        work.commit()
    gathering = intune.Gathering(begun.run_id, rules)
    for _ in range(2):  # a page that is read again adds nothing
        with database.unit_of_work() as work:
            gathering.add(work, app, managed, now)
            work.commit()
    with database.unit_of_work() as work:
        run = intune.finish(work, begun.run_id, rules, now)
        counts = dict(run.counts)
        work.commit()
    return counts


def test_rows_open_once_close_with_the_day_and_stay_where_a_list_is_missing(database: Database) -> None:
    assert read(database, NOW, DEVICES) == {"devices": 2, "opened": 2, "closed": 0}
    later = NOW + timedelta(days=1)
    assert read(database, later, []) == {"devices": 2, "opened": 0, "closed": 0}
    assert read(database, later, DEVICES[:1]) == {"devices": 1, "opened": 0, "closed": 1}
    with database.reading() as connection:
        rows = connection.execute(select(Installation.began_at, Installation.ended_at).order_by(Installation.id)).all()
        assert [tuple(row) for row in rows] == [(NOW, None), (NOW, later)]
        assert connection.execute(select(ManagedSoftware.run_id)).all() == []
        assert connection.execute(select(InventorySource.day_devices)).scalars().all() == [2]
