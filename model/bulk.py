"""Many rows handed to the database as one value: a parameter for each column of each row costs more than the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, cast, column, func, literal, select, true
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.sql.schema import Table


def rows_of(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], Select[Any]]:
    """Names and a SELECT of these rows, to insert from. There is one at least, and all hold the same columns.

    For text, numbers, truth, days, instants and JSON; not for `Amount`.
    """
    names = list(rows[0])
    if connection.dialect.name == "sqlite":
        each = func.json_each(literal(json.dumps(rows, default=_as_sqlite_has_it), Text)).table_valued("value")
        columns = [func.json_extract(each.c.value, f"$.{name}") for name in names]
        return names, select(*columns).where(true())  # without a condition SQLite takes ON CONFLICT for a join's
    said = cast(literal(json.dumps(rows, default=str), Text), JSON)
    typed = func.json_to_recordset(said).table_valued(*(column(name, table.c[name].type) for name in names), name="row")
    row = typed.render_derived(with_types=True)
    return names, select(*(row.c[name] for name in names))


def _as_sqlite_has_it(value: object) -> str:
    """Days and instants in the form in which SQLite's columns hold them."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be handed over in bulk")
