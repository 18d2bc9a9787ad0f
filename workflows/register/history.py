"""Rows that are corrected or changed without losing what they said: the two times of the register (rules §1).

A row says what is known now and since when (`recorded_at`). Whatever it said before goes to `superseded`, complete,
with the time from which that was known and the time it was replaced. What was known at K is then the version with the
greatest `recorded_at` not after K, of those that were not replaced by K: a late fact about the past is one more
version, and no version is ever altered. `restored` gives a version back as a row.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Date, Table, bindparam, insert, select, update

from model.base import Amount, UtcTime
from model.contracts import Superseded
from model.session import UnitOfWork
from workflows.register.entries import Book, Counts, Entry

#: Rows of tables that do not say since when they are known count as known always.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
#: Rows a statement, below the number of parameters either database takes.
BATCH = 500

Row = dict[str, Any]


def table_of(model: type) -> Table:
    """The Core table of a mapped class."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # every mapped class has one
    return table


def chunks(items: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Lists of at most `size` items."""
    part: list[Any] = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def load(work: UnitOfWork, model: type, column: str, values: Iterable[Any]) -> list[Row]:
    """All rows whose column has one of the values, in the order of their ids."""
    table = table_of(model)
    rows: list[Row] = []
    for part in chunks(values):
        found = work.connection.execute(select(table).where(table.c[column].in_(part)).order_by(table.c.id))
        rows += [dict(row) for row in found.mappings()]
    return rows


# -- what a version says, as JSON --------------------------------------------------------------------------------------


def facts_of(row: Mapping[str, Any]) -> dict[str, object]:
    """A row as JSON: days and instants in ISO form, amounts as text, references as ids; without its id."""
    return {name: _json(value) for name, value in row.items() if name != "id"}


def _json(value: Any) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def restored(model: type, facts: Mapping[str, Any]) -> Row:
    """The row that `facts_of` wrote down, with the types of the table's columns."""
    columns = table_of(model).c
    return {name: _typed(columns[name], value) for name, value in facts.items() if name in columns}


def _typed(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, UtcTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    return Decimal(value) if isinstance(column.type, Amount) else value


# -- writing -----------------------------------------------------------------------------------------------------------


@dataclass
class Version:
    """An earlier state of a row."""

    row: Row
    recorded_at: datetime
    superseded_at: datetime
    effective_from: date | None = None
    effective_until: date | None = None


@dataclass
class Writing:
    """Rows of one table to be written together; `flush` sends changes first, so that an end frees its place."""

    work: UnitOfWork
    model: type
    new: list[Row] = field(default_factory=list)
    changed: dict[int, Row] = field(default_factory=dict)
    versions: list[tuple[Row, Version]] = field(default_factory=list)  # of which row

    def insert(self, row: Row) -> None:
        self.new.append(row)

    def change(self, row: Row) -> None:
        if "id" in row:
            self.changed[row["id"]] = row

    def supersede(self, row: Row, version: Version) -> None:
        self.versions.append((row, version))

    def flush(self, ids: bool = False) -> None:
        """Write everything; with `ids` the new rows get their `id`, which costs a little."""
        table = table_of(self.model)
        by_columns: dict[tuple[str, ...], list[Row]] = {}
        for row in self.changed.values():
            by_columns.setdefault(tuple(sorted(name for name in row if name != "id")), []).append(row)
        for names, rows in by_columns.items():
            statement = update(table).where(table.c.id == bindparam("_id")).values({n: bindparam(n) for n in names})
            for part in chunks(rows):
                self.work.connection.execute(statement, [{"_id": row["id"]} | _without_id(row) for row in part])
        earlier = {id(row) for row, _ in self.versions}
        for part in chunks(self.new, 1000):
            if not ids and not any(id(row) in earlier for row in part):
                self.work.connection.execute(insert(table), part)
                continue
            made = self.work.connection.execute(
                insert(table).returning(table.c.id, sort_by_parameter_order=True), part
            ).scalars()
            for row, row_id in zip(part, made, strict=True):
                row["id"] = row_id
        _store_versions(self.work, table.name, self.versions)
        self.new, self.changed, self.versions = [], {}, []


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def blank(model: type) -> Row:
    """A row of which nothing is known: each column empty or with its default."""
    return {column.name: _default(column) for column in table_of(model).c if column.name != "id"}


def filled(model: type, values: Row) -> Row:
    """`values` with the column's default where an empty cell stands for a column that is never empty."""
    columns = table_of(model).c
    return {
        name: _default(columns[name]) if value is None and not columns[name].nullable else value
        for name, value in values.items()
    }


def _default(column: Column[Any]) -> Any:
    default = column.default
    if default is None:
        return None
    if default.is_callable:
        return default.arg(None)  # type: ignore[attr-defined]  # dict or list, which take no context
    return default.arg  # type: ignore[attr-defined]  # a plain value


def _store_versions(work: UnitOfWork, name: str, versions: Sequence[tuple[Row, Version]]) -> None:
    rows = [
        {
            "table_name": name,
            "row_id": row["id"],
            "facts": facts_of(version.row),
            "recorded_at": version.recorded_at,
            "superseded_at": version.superseded_at,
            "effective_from": version.effective_from,
            "effective_until": version.effective_until,
        }
        for row, version in versions
    ]
    for part in chunks(rows):
        work.connection.execute(insert(Superseded), part)


def earlier(work: UnitOfWork, model: type, row_ids: Iterable[int]) -> dict[int, list[Version]]:
    """The earlier versions of rows, oldest knowledge first."""
    found: dict[int, list[Version]] = {}
    for part in chunks(row_ids):
        rows = work.connection.execute(
            select(Superseded.__table__)
            .where(Superseded.table_name == table_of(model).name, Superseded.row_id.in_(part))
            .order_by(Superseded.recorded_at, Superseded.id)
        )
        for row in rows:
            version = Version(
                restored(model, row.facts), row.recorded_at, row.superseded_at, row.effective_from, row.effective_until
            )
            found.setdefault(row.row_id, []).append(version)
    return found


# -- entries against rows ----------------------------------------------------------------------------------------------


@dataclass
class Wanted:
    """What an entry says of the row with this key; `values` are columns of the table, only those the file has."""

    entry: Entry
    key: Hashable
    values: Row

    @property
    def at(self) -> datetime:
        return self.entry.recorded_at


def same(row: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether the row says all of this already."""
    return all(row.get(name) == value for name, value in values.items())


def with_own(row: Mapping[str, Any], entry: Entry, values: Row) -> Row:
    """`values` and the company's own fields, merged into those the row has; an empty cell takes one away."""
    if not entry.fields:
        return values
    merged = {**(row.get("fields") or {}), **entry.fields}
    return values | {"fields": {name: value for name, value in merged.items() if value}}


def in_order(book: Book, wanted: Iterable[Wanted], key_column: str) -> list[Wanted]:
    """By when they were learned; two that say different things of one row at one time are wrong."""
    seen: dict[Hashable, Wanted] = {}
    kept = []
    for one in wanted:
        other = seen.setdefault((one.key, one.at), one)
        if other is not one:
            book.wrong(
                one.entry,
                key_column,
                f"is the same as in row {other.entry.line}. Delete one of the rows, or say when each was recorded.",
            )
            continue
        kept.append(one)
    return sorted(kept, key=lambda one: one.at)


def put(
    book: Book,
    model: type,
    wanted: Sequence[Wanted],
    stored: dict[Hashable, Row],
    *,
    ids: bool = False,
    touched: set[Hashable] | None = None,
) -> Counts:
    """Bring rows in line with entries, in the order given; `stored` gets the new rows as well.

    A row that says something else is superseded. An entry learned before what is stored adds a version of then.
    `touched` collects the keys of rows that are new or changed.
    """
    writing = Writing(book.work, model)
    counts = Counts()
    timed = "recorded_at" in table_of(model).c
    ids_of_old = [
        row["id"]
        for one in wanted
        if (row := stored.get(one.key)) and "id" in row and (not timed or one.at < (row["recorded_at"] or ALWAYS))
    ]
    versions = earlier(book.work, model, dict.fromkeys(ids_of_old))
    history = {id(row): versions.get(row["id"], []) for row in stored.values() if "id" in row}
    for one in wanted:
        row = stored.get(one.key)
        if row is None:
            row = blank(model) | with_own({}, one.entry, one.values) | ({"recorded_at": one.at} if timed else {})
            stored[one.key] = row
            history[id(row)] = []
            writing.insert(row)
            counts.new += 1
        elif _apply(writing, row, one, history.setdefault(id(row), []), timed):
            counts.changed += 1
        else:
            counts.unchanged += 1
            continue
        if touched is not None:
            touched.add(one.key)
    writing.flush(ids)
    return counts


def _apply(writing: Writing, row: Row, one: Wanted, versions: list[Version], timed: bool) -> bool:
    """Change one row, or add to its past; whether anything was new."""
    last = max((version.superseded_at for version in versions), default=ALWAYS)
    known_since = (row["recorded_at"] or ALWAYS) if timed else last
    if one.at >= known_since:
        values = with_own(row, one.entry, one.values)
        if same(row, values):
            return False
        version = Version(dict(row), known_since, one.at)
        row.update(values)
        if timed:
            row["recorded_at"] = one.at
        writing.change(row)
    else:
        then = known_at(versions, one.at)
        base = then.row if then else row
        values = with_own(base, one.entry, one.values)
        if then is not None and same(base, values):
            return False
        following = min(
            (version.recorded_at for version in versions if version.recorded_at > one.at), default=known_since
        )
        facts = dict(base) | values | ({"recorded_at": one.at} if timed else {})
        version = Version(facts, one.at, following)
    versions.append(version)
    writing.supersede(row, version)
    return True


def known_at(versions: Sequence[Version], at: datetime) -> Version | None:
    """The earlier version that was known at an instant, if one was."""
    then = [version for version in versions if version.recorded_at <= at < version.superseded_at]
    return max(then, key=lambda version: version.recorded_at, default=None)
