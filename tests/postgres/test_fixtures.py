"""The databases handed to tests are real, separate, and of both kinds."""

from __future__ import annotations

from sqlalchemy import create_engine, inspect, text


def test_every_test_gets_a_database_it_can_write_to(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (n INTEGER)"))
        connection.execute(text("INSERT INTO mine VALUES (7)"))
        assert connection.execute(text("SELECT n FROM mine")).scalar_one() == 7
    engine.dispose()


def test_an_empty_database_has_no_tables(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_postgres_is_new_enough(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    engine.dispose()
    assert version >= 150000
