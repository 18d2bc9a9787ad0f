"""Statements of the path a person waits on, made ready once: their text, how values go in, how a row comes out.

What SQLAlchemy prepares for each execution takes longer than SQLite does, and half as long as PostgreSQL (measured).
A statement made ready goes to the driver by its text, in the transaction of the connection it is given.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError, MultipleResultsFound
from sqlalchemy.types import TypeEngine

Statement: TypeAlias = Select[Any] | Insert | Update
_Change: TypeAlias = Callable[[Any], Any] | None


class _Bind(NamedTuple):
    """A parameter: its name, its value where the statement fixes it, what makes the driver's value of ours."""

    name: str
    fixed: Any
    change: _Change


class _Ready(NamedTuple):
    text: str
    by_place: bool
    binds: tuple[_Bind, ...]

    def values(self, parameters: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """What the driver is given: by place or by name, as it asks."""
        given = [
            parameters.get(name, fixed) if change is None else change(parameters.get(name, fixed))
            for name, fixed, change in self.binds
        ]
        return tuple(given) if self.by_place else dict(zip((bind.name for bind in self.binds), given, strict=True))


def one_or_none(connection: Connection, query: Select[Any], parameters: Mapping[str, Any]) -> Any:
    """The only row, with its columns by name, or None. Raises MultipleResultsFound, and DBAPIError as SQLAlchemy does.

    The query lives as long as the program, its columns have names, and none of them depends on its parameters.
    """
    rows, _ = _run(connection, query, parameters, rows=True)
    if len(rows) > 1:
        raise MultipleResultsFound("more than one row where at most one is")
    return _row(query, connection.dialect)(rows[0]) if rows else None


def write(connection: Connection, statement: Insert | Update, parameters: Mapping[str, Any]) -> int:
    """How many rows it wrote. The statement lives as long as the program.

    Raises TypeError for one with defaults that are made anew for each row, which only SQLAlchemy can do, and DBAPIError
    as SQLAlchemy does.
    """
    return _run(connection, statement, parameters, rows=False)[1]


def _run(
    connection: Connection, statement: Statement, parameters: Mapping[str, Any], *, rows: bool
) -> tuple[list[tuple[Any, ...]], int]:
    """The rows it gave, if asked for, and how many it wrote."""
    names = () if isinstance(statement, Select) else tuple(parameters)
    ready = _ready(statement, names, connection.dialect)
    values = ready.values(parameters)
    if not connection.in_transaction():
        connection.begin()  # SQLAlchemy ends only what it knows to have begun
    try:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(ready.text, values)
            return list(cursor.fetchall()) if rows else [], cursor.rowcount
    except _base_error(connection.dialect) as error:
        raise _as_known(connection, ready.text, values, error) from error


@cache
def _ready(statement: Statement, names: tuple[str, ...], dialect: Dialect) -> _Ready:
    compiled = statement.compile(dialect=dialect, column_keys=names or None)
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise TypeError("this write has values of its own for each row")
    fixed = compiled.construct_params(_check=False)
    kinds = {name: bind.type for bind, name in compiled.bind_names.items()}
    places = compiled.positiontup
    binds = (
        _Bind(name, fixed[name], _of(kinds[name], dialect).bind_processor(dialect))
        for name in (kinds if places is None else places)
    )
    return _Ready(str(compiled), places is not None, tuple(binds))


@cache
def _row(query: Select[Any], dialect: Dialect) -> Callable[[tuple[Any, ...]], Any]:
    """What makes a named row of the driver's."""
    columns = list(query.selected_columns)
    made: Any = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]
    changes = [_of(column.type, dialect).result_processor(dialect, None) for column in columns]
    if not any(changes):
        return made._make
    return lambda row: made._make(
        value if change is None else change(value) for value, change in zip(row, changes, strict=True)
    )


def _of(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)


def _base_error(dialect: Dialect) -> type[Exception]:
    error: type[Exception] = dialect.loaded_dbapi.Error
    return error


def _as_known(connection: Connection, text: str, values: Any, error: Exception) -> BaseException:
    """The driver's error as SQLAlchemy raises it; a connection that is gone does not go back to the pool."""
    dialect = connection.dialect
    gone = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if gone:
        connection.invalidate(error)
    return DBAPIError.instance(text, values, error, _base_error(dialect), connection_invalidated=gone, dialect=dialect)
