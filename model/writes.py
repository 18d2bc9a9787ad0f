"""Several writes at once. On PostgreSQL they are one statement: each by itself is a round trip a person waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Insert, Select, Update, func, literal_column, select

#: A parameter's name, its value where the statement fixes it, and what turns a value into the driver's.
_Bind = tuple[str, Any, Callable[[Any], Any] | None]


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
        return [_made(connection, one) for one in writes]
    parameters = {name: value for one in writes for name, value in one.parameters.items()}
    return list(connection.execute(_as_one(tuple(one.statement for one in writes)), parameters).one())


def _made(connection: Connection, write: Write) -> int:
    """Make one write by its text: what SQLAlchemy prepares for each execution takes longer than SQLite does (measured).

    Returns how many rows it wrote.
    """
    text, binds = _as_text(write.statement, tuple(write.parameters), connection.dialect)
    values = tuple(
        given if bound is None else bound(given)
        for given, bound in ((write.parameters.get(name, fixed), bound) for name, fixed, bound in binds)
    )
    return connection.exec_driver_sql(text, values).rowcount


@cache
def _as_text(statement: Insert | Update, names: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[_Bind, ...]]:
    """A write for one driver: its SQL, and in their order the parameters. Raises TypeError for one with defaults that
    are made anew for each row, which only SQLAlchemy can do."""
    compiled = statement.compile(dialect=dialect, column_keys=names)
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise TypeError("this write has values of its own for each row")
    fixed = compiled.construct_params(_check=False)
    binds = (
        (name, fixed[name], compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in compiled.positiontup or ()
    )
    return str(compiled), tuple(binds)


@cache
def _as_one(statements: tuple[Insert | Update, ...]) -> Select[Any]:
    """WITH the writes: how many rows each returned. Statements are few and live as long as the program."""
    parts = [
        statement.returning(literal_column("1").label("wrote")).cte(f"part{place}")
        for place, statement in enumerate(statements)
    ]
    return select(*(select(func.count()).select_from(part).scalar_subquery() for part in parts))
