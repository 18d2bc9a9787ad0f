"""Rows handed over as one value arrive as rows written one by one do, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import insert, select

from model.bulk import rows_of
from model.session import Database, make_engine
from workflows.directory_stage import PEOPLE, SEATS

PERSON: dict[str, Any] = {
    "directory_id": "a", "seq": 1, "email": "a@acme.example", "upn": "a", "name": "Zoë “Quote” \\ O'Neil\n\U0001f600",
    "active": True, "department": "", "job_title": "", "usage_location": "DE", "employment": "employee",
    "account_since": date(2020, 2, 29), "starts_on": None, "manager": None, "used_on": date(2026, 1, 2),
    "sign_in": {"success": "2026-01-02T08:00:00Z", "attempts": [1, None, True]}, "shadow": False, "gone": True,
    "merged": False, "later": True,
}  # fmt: skip
SEAT: dict[str, Any] = {"directory_id": "a", "sku_guid": "s", "path": "direct", "state": "Active"}


@pytest.fixture
def database(database_url: str) -> Any:
    made = Database(make_engine(database_url))
    yield made
    made.dispose()


def test_every_kind_of_value_arrives_as_it_does_row_by_row(database: Database) -> None:
    people = [PERSON, PERSON | {"directory_id": "b", "sign_in": None, "starts_on": date(2027, 1, 1), "active": False}]
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    seats = [
        SEAT | {"since": None},
        SEAT | {"path": "group:1", "since": datetime(2026, 1, 2, 3, 4, 5, 678, UTC)},
        SEAT | {"path": "group:2", "since": datetime(2026, 1, 2, 3, 4, 5, tzinfo=elsewhere)},
    ]
    for table, rows in ((PEOPLE, people), (SEATS, seats)):
        found = []
        for bulk in (False, True):
            with database.unit_of_work() as work:
                if bulk:
                    work.connection.execute(insert(table).from_select(*rows_of(work.connection, table, rows)))
                else:
                    work.connection.execute(insert(table), rows)
                found.append(work.connection.execute(select(table).order_by(*table.primary_key)).all())
                nothing = work.connection.execute(select(PEOPLE.c.seq).where(PEOPLE.c.sign_in.is_(None))).all()
                assert len(nothing) == (table is PEOPLE)
        assert found[0] == found[1] and len(found[0]) == len(rows)


def test_what_has_no_form_there_is_refused(database: Database) -> None:
    with database.reading() as connection:
        if connection.dialect.name == "sqlite":
            with pytest.raises(TypeError, match="cannot be handed over"):
                rows_of(connection, PEOPLE, [PERSON | {"name": object()}])
