"""What a read leaves behind on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from model import session
from model.session import Database, make_engine


@pytest.mark.parametrize("ping_after", [session.PING_AFTER_SECONDS, 0.0])
def test_statements_that_were_planned_once_stay_planned_from_read_to_read(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, ping_after: float
) -> None:
    """Each read ended by a rollback, upon which psycopg forgets them: every card paid for the planning again.

    So did the question whether a connection that lay idle is alive.
    """
    monkeypatch.setattr(session, "PING_AFTER_SECONDS", ping_after)
    database = Database(make_engine(postgres_url, pool_size=1))
    for number in range(8):
        with database.reading() as connection:
            connection.execute(text("SELECT count(*) FROM product WHERE id = :product"), {"product": number})
    with database.reading() as connection:
        planned = connection.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    database.dispose()
    assert [one for one in planned if one.startswith("SELECT count(*) FROM product")]
