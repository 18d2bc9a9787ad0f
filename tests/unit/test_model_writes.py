"""Several writes at once are what they would be one by one, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, insert, select, update

from model.base import Json, UtcTime
from model.session import Database, make_engine
from model.writes import Write, write_together

META = MetaData()
THING = Table(
    "thing", META, Column("id", Integer, primary_key=True), Column("name", String), Column("at", UtcTime),
    Column("facts", Json),
)  # fmt: skip
NOW = datetime(2026, 11, 23, 9, 30, 0, 250_000, UTC)
STAMPED = Table("stamped", META, Column("id", Integer), Column("at", UtcTime, default=lambda: NOW))
NEW = insert(THING).values(id=bindparam("number"), name="new", at=bindparam("moment"), facts=bindparam("told"))
RENAME = update(THING).where(THING.c.id == bindparam("which"), THING.c.name == "old").values(name=bindparam("to"))


@pytest.fixture
def database(empty_database_url: str) -> Database:
    made = Database(make_engine(empty_database_url))
    with made.unit_of_work() as work:
        META.create_all(work.connection)
        work.connection.execute(insert(THING), [{"id": 1, "name": "old", "at": NOW, "facts": None}])
        work.commit()
    return made


def test_each_write_says_how_many_rows_it_wrote_and_keeps_every_type(database: Database) -> None:
    with database.unit_of_work() as work:
        for number in (2, 3):  # the second time its text is known already
            told = {"moment": NOW + timedelta(hours=number), "told": {"é": [number]}}
            writes = [Write(NEW, {"number": number, **told}), Write(RENAME, {"which": 1, "to": "renamed"})]
            assert write_together(work.connection, writes) == [1, int(number == 2)]
        work.commit()
    with database.reading() as connection:
        rows = connection.execute(select(THING).order_by(THING.c.id)).all()
    assert [tuple(row) for row in rows] == [
        (1, "renamed", NOW, None),
        (2, "new", NOW + timedelta(hours=2), {"é": [2]}),
        (3, "new", NOW + timedelta(hours=3), {"é": [3]}),
    ]
    database.dispose()


def test_a_write_whose_rows_have_defaults_of_their_own_is_not_made_by_its_text(sqlite_url: str) -> None:
    database = Database(make_engine(sqlite_url))
    with database.unit_of_work() as work:
        META.create_all(work.connection)
        with pytest.raises(TypeError, match="values of its own"):
            write_together(work.connection, [Write(insert(STAMPED).values(id=bindparam("number")), {"number": 1})])
    database.dispose()
