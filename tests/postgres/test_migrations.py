"""The schema's history on both databases: up from nothing, one step down and up again, and equal to the models."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

import migrations
from model.base import Base
from model.session import make_engine

#: The metadata is whole only when every module with tables was read.
for _name in (
    "model.people",
    "model.licences",
    "model.alerts",
    "model.contracts",
    "model.inventory",
    "model.reclaim",
    "model.renewals",
    "model.requests",
    "model.tickets",
    "model.usage",
    "model.events",
    "jobs.tables",
):
    importlib.import_module(_name)


#: SQLAlchemy cannot read an index over lower(…) back from SQLite; on PostgreSQL they are compared.
pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based index", "ignore:autogenerate skipping")


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    made = make_engine(empty_database_url)
    yield made
    made.dispose()


def test_there_is_one_head() -> None:
    assert ScriptDirectory(str(migrations.HERE)).get_heads() == [migrations.head()]


def test_up_from_nothing_gives_the_tables_of_the_models(engine: Engine) -> None:
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.head()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    assert not differences, "write a migration for what the models say, or take it back"
    assert set(inspect(engine).get_table_names()) - {"alembic_version"} == set(Base.metadata.tables)


def test_one_step_down_and_up_again_leads_to_the_same(engine: Engine) -> None:
    migrations.upgrade(engine)
    before = shape(engine)
    migrations.downgrade(engine)
    assert migrations.current(engine) != migrations.head()
    assert shape(engine) != before
    migrations.upgrade(engine)
    assert shape(engine) == before


def test_up_twice_changes_nothing(engine: Engine) -> None:
    migrations.upgrade(engine)
    before = shape(engine)
    migrations.upgrade(engine)
    assert shape(engine) == before


@pytest.mark.parametrize("change", ["UPDATE event SET actor = 'nobody'", "DELETE FROM event"])
def test_a_migrated_database_refuses_to_change_an_event(engine: Engine, change: str) -> None:
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO event (id, tag, at, actor, subject, facts)"
                " VALUES (1, 'seat:given', '2026-11-23 09:00:00+00:00', 'clock', 'seat:1', '{}')"
            )
        )
    with engine.connect() as connection, pytest.raises(DatabaseError):
        connection.execute(text(change))


def shape(engine: Engine) -> dict[str, list[str]]:
    """Tables with their columns and indexes, and the triggers, as the database tells them."""
    seen = inspect(engine)
    told = {
        table: sorted(
            [f"{column['name']} {column['type']} {column['nullable']}" for column in seen.get_columns(table)]
            + [f"{index['name']} {index['column_names']} {index['unique']}" for index in seen.get_indexes(table)]
        )
        for table in sorted(seen.get_table_names())
    }
    triggers = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
    }
    with engine.connect() as connection:
        told["triggers"] = list(connection.execute(text(triggers[engine.dialect.name])).scalars())
        if engine.dialect.name == "sqlite":
            own = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%lower(%' ORDER BY name"
            told["of expressions"] = list(connection.execute(text(own)).scalars())
    return told
