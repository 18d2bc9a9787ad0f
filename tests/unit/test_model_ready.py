"""A statement that is run by its text behaves as SQLAlchemy's own execution does, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    exists,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound

from model import ready
from model.base import Amount, Json, UtcTime
from model.session import Database, make_engine

META = MetaData()
THING = Table(
    "thing", META, Column("id", Integer, primary_key=True), Column("name", String), Column("at", UtcTime),
    Column("facts", Json), Column("price", Amount), Column("whole", Boolean),
)  # fmt: skip
NOW = datetime(2026, 11, 23, 9, 30, 0, 250_000, UTC)
NEW = insert(THING).values(id=bindparam("number"), name="new", at=bindparam("moment"), whole=True)
RENAME = update(THING).where(THING.c.id == bindparam("which")).values(name=bindparam("to"))
BY_NAME = select(THING, exists().where(THING.c.id > bindparam("above")).label("some_above")).where(
    THING.c.name == bindparam("called"), THING.c.name != literal_column("'100%'", String)
)


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    made = Database(make_engine(empty_database_url, pool_size=1))
    with made.unit_of_work() as work:
        META.create_all(work.connection)
        rows = [{"id": 1, "name": "one", "at": NOW, "facts": {"é": [1]}, "price": 12, "whole": False}]
        work.connection.execute(insert(THING), rows)
        work.commit()
    yield made
    made.dispose()


def names(database: Database) -> list[str | None]:
    with database.reading() as connection:
        return list(connection.execute(select(THING.c.name).order_by(THING.c.id)).scalars())


def test_a_row_comes_out_as_sqlalchemy_gives_it(database: Database) -> None:
    with database.reading() as connection:
        for called in ("one", "nobody"):
            given = {"called": called, "above": 0}
            expected = connection.execute(BY_NAME, given).one_or_none()
            found = ready.one_or_none(connection, BY_NAME, given)
            if expected is None:
                assert found is None
                continue
            assert tuple(found) == tuple(expected)
            assert [type(value) for value in found] == [type(value) for value in expected]
            assert (found.at, found.facts, found.price, found.whole) == (NOW, {"é": [1]}, 12, False)
            assert found.some_above is True


def test_two_rows_where_one_is_expected_are_refused(database: Database) -> None:
    with database.unit_of_work() as work:
        ready.write(work.connection, NEW, {"number": 2, "moment": NOW})
        ready.write(work.connection, RENAME, {"which": 2, "to": "one"})
        with pytest.raises(MultipleResultsFound):
            ready.one_or_none(work.connection, BY_NAME, {"called": "one", "above": 0})


def test_what_was_run_by_its_text_is_part_of_the_transaction(database: Database) -> None:
    with database.unit_of_work() as work:
        assert ready.write(work.connection, RENAME, {"which": 1, "to": "lost"}) == 1
        assert ready.write(work.connection, RENAME, {"which": 9, "to": "nobody"}) == 0
    assert names(database) == ["one"]
    with database.unit_of_work() as work:
        ready.write(work.connection, RENAME, {"which": 1, "to": "kept"})
        ready.write(work.connection, NEW, {"number": 2, "moment": NOW})
        work.commit()
    assert names(database) == ["kept", "new"]


def test_an_error_of_the_driver_is_the_one_sqlalchemy_raises(database: Database) -> None:
    with database.unit_of_work() as work, pytest.raises(IntegrityError):
        ready.write(work.connection, NEW, {"number": 1, "moment": NOW})
    with database.unit_of_work() as work, pytest.raises(ValueError, match="aware"):
        ready.write(work.connection, NEW, {"number": 2, "moment": NOW.replace(tzinfo=None)})
    assert names(database) == ["one"]


def test_a_connection_that_is_gone_does_not_come_back(empty_postgres_url: str) -> None:
    database, other = (Database(make_engine(empty_postgres_url, pool_size=1)) for _ in range(2))
    with database.unit_of_work() as work:
        META.create_all(work.connection)
        work.commit()
    with database.unit_of_work() as work:
        own = work.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with other.engine.connect() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
        with pytest.raises(DBAPIError) as raised:
            ready.write(work.connection, NEW, {"number": 1, "moment": NOW})
    assert raised.value.connection_invalidated
    with database.unit_of_work() as work:
        ready.write(work.connection, NEW, {"number": 1, "moment": NOW})
        work.commit()
    assert names(database) == ["new"]
    other.dispose()
    database.dispose()


def test_a_database_that_is_locked_is_said_as_sqlalchemy_says_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'locked.db'}"
    one, other = (make_engine(url, pool_size=1) for _ in range(2))
    with one.begin() as connection:
        META.create_all(connection)
    with one.begin(), other.execution_options(seatkeeper_writing=False).connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
        with pytest.raises(DBAPIError, match="locked"):
            ready.write(connection, NEW, {"number": 1, "moment": NOW})
    one.dispose()
    other.dispose()
