"""People as messages name them, many at once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from model.people import Person
from workflows.reads.facts import Who


def people(connection: Connection, ids: Iterable[int | None]) -> dict[int, Who]:
    """By id; ids of nobody, and None, are left out."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    rows = connection.execute(
        select(
            Person.id,
            Person.name,
            Person.department,
            Person.email,
            Person.slack_id,
            Person.time_zone,
            Person.active,
        ).where(Person.id.in_(wanted))
    )
    return {row.id: Who(*row) for row in rows}
