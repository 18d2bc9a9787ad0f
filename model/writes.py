"""Several writes at once. On PostgreSQL they are one statement: each by itself is a round trip a person waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, Select, Update, func, literal_column, select

from model import ready


class Write(NamedTuple):
    """An INSERT or UPDATE built once, and its parameters.

    Writes made together share a parameter's name only for one value, and none has the name of a column: SQLAlchemy
    would set that column.
    """

    statement: Insert | Update
    parameters: Mapping[str, Any]


def write_together(connection: Connection, writes: Sequence[Write]) -> list[int]:
    """Make writes that do not build on one another; returns how many rows each wrote, in their order.

    The parts of PostgreSQL's one statement see what was there before it, in no certain order: no row may be written
    by two of them.
    """
    if connection.dialect.name == "sqlite":
        return [ready.write(connection, *one) for one in writes]
    parameters = {name: value for one in writes for name, value in one.parameters.items()}
    return list(ready.one_or_none(connection, _as_one(tuple(one.statement for one in writes)), parameters))


@cache
def _as_one(statements: tuple[Insert | Update, ...]) -> Select[Any]:
    """WITH the writes: how many rows each returned. Statements are few and live as long as the program."""
    parts = [
        statement.returning(literal_column("1").label("wrote")).cte(f"part{place}")
        for place, statement in enumerate(statements)
    ]
    counts = (select(func.count()).select_from(part).scalar_subquery().label(f"{part.name}_wrote") for part in parts)
    return select(*counts)
