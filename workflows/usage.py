"""What Microsoft says about use and about what was bought, as said, with its day, and whether it can be trusted.

A source that is not fine makes verdicts unknown; so each reading ends in a `SourceHealth` with a sentence, and nothing
is stored from one that hides names or lacks what it should hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Integer,
    Table,
    cast,
    column,
    delete,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from model.people import Person
from model.sync import VendorSku
from model.usage import LastUse, LicensingGroup, SourceHealth, VendorSubscription
from workflows.directory_merge import put_last_use
from workflows.directory_stage import PEOPLE, upsert

#: Microsoft promises reports within 48 hours and others saw 72; beyond this something is wrong there.
STALE_AFTER = timedelta(days=5)
#: Raw signals are kept this long (rules §10).
KEPT = timedelta(days=90)
CHUNK = 4_000

#: Kinds of account, and the recipient types of the mailbox report that are one.
MAILBOXES = {
    "room": ("room", "roommailbox", "equipment", "equipmentmailbox"),
    "shared": ("shared", "sharedmailbox"),
    "user": ("user", "usermailbox"),
}

_LAST_USE: Table = LastUse.metadata.tables[LastUse.__tablename__]
_HEALTH: Table = SourceHealth.metadata.tables[SourceHealth.__tablename__]
_SKUS: Table = VendorSku.metadata.tables[VendorSku.__tablename__]
_SUBSCRIPTIONS: Table = VendorSubscription.metadata.tables[VendorSubscription.__tablename__]
_GROUPS: Table = LicensingGroup.metadata.tables[LicensingGroup.__tablename__]


class Used(Protocol):
    """What one line of a report says, by user principal name (lower-cased)."""

    @property
    def name(self) -> str: ...

    @property
    def used_on(self) -> date | None: ...

    @property
    def facts(self) -> Mapping[str, Any]: ...


def say(connection: Connection, source: str, state: str, words: str, as_of: date | None, now: datetime) -> None:
    """How a source is; `as_of` None keeps the day known before."""
    row = {"source": source, "state": state, "words": words[:500], "as_of": as_of, "read_at": now}
    inserted = upsert(connection, _HEALTH)
    names = ["state", "words", "read_at"] + (["as_of"] if as_of is not None else [])
    values = {name: inserted.excluded[name] for name in names}
    connection.execute(inserted.on_conflict_do_update(index_elements=["source"], set_=values), [row])


def state_of(connection: Connection, source: str) -> str:
    """The last word on a source, empty when there was none."""
    return connection.execute(select(SourceHealth.state).where(SourceHealth.source == source)).scalar() or ""


def say_read(connection: Connection, source: str, as_of: date, rows: int, now: datetime) -> None:
    """A report was read to its end."""
    age = (now.date() - as_of).days
    if timedelta(days=age) > STALE_AFTER:
        words = (
            f"The report is of {as_of:%d %b %Y}, {age} days ago; Microsoft promises two. Use since then is not known."
        )
        say(connection, source, "stale", words, as_of, now)
    else:
        say(connection, source, "fine", f"{rows} people, up to {as_of:%d %b %Y}.", as_of, now)


def store(connection: Connection, source: str, rows: Sequence[Used], as_of: date, now: datetime) -> int:
    """What a report says of people laid down by this reading; returns of how many. Names that are nobody's are left.

    All rows go to the database as one value: a parameter for each column of each row costs more than the rest together.
    """
    said = json.dumps([(row.name, row.used_on.isoformat() if row.used_on else None, row.facts) for row in rows])
    name, used_on, facts = _unpacked(connection, said)
    found = (
        select(
            Person.id,
            literal(source),
            null(),
            used_on,
            facts,
            literal(as_of, Date),
            literal(now, _LAST_USE.c.read_at.type),
        )
        .select_from(name.table)
        .join(PEOPLE, PEOPLE.c.upn == name.column)
        .join(Person, Person.directory_id == PEOPLE.c.directory_id)
        .where(~PEOPLE.c.shadow, ~PEOPLE.c.gone)
    )
    columns = ["person_id", "source", "product_id", "used_on", "facts", "as_of", "read_at"]
    return put_last_use(connection, upsert(connection, _LAST_USE).from_select(columns, found))


class _Name(NamedTuple):
    """The table that a value unpacks to, and its column of names."""

    table: Any
    column: ColumnElement[Any]


def _unpacked(connection: Connection, said: str) -> tuple[_Name, ColumnElement[Any], ColumnElement[Any]]:
    if connection.dialect.name == "sqlite":
        each = func.json_each(literal(said)).table_valued("value", name="said")

        def part(place: int) -> ColumnElement[Any]:
            return func.json_extract(each.c.value, f"$[{place}]")

        return _Name(each, part(0)), part(1), part(2)
    rows = func.jsonb_array_elements(cast(literal(said), JSONB)).table_valued(column("value", JSONB), name="said")
    value = rows.c.value
    return (
        _Name(rows, value.op("->>")(literal(0, Integer))),
        cast(value.op("->>")(literal(1, Integer)), Date),
        value.op("->")(literal(2, Integer)),
    )


def tell_mailboxes(connection: Connection, now: datetime) -> None:
    """What kind of account a person is, by the mailbox report just read; what a person or a policy said stays."""
    said = func.lower(LastUse.facts["recipient_type"].as_string())
    for kind, words in MAILBOXES.items():
        theirs = select(LastUse.person_id).where(
            LastUse.source == "mailbox", LastUse.product_id.is_(None), LastUse.read_at >= now, said.in_(words)
        )
        moved = (
            update(Person).where(Person.account.not_in([kind, "service"]), Person.id.in_(theirs)).values(account=kind)
        )
        connection.execute(moved.execution_options(synchronize_session=False))


def forget(connection: Connection, source: str, now: datetime) -> int:
    """Raw signals past their time are deleted; returns how many."""
    old = delete(_LAST_USE).where(
        _LAST_USE.c.source == source, _LAST_USE.c.product_id.is_(None), _LAST_USE.c.read_at < now - KEPT
    )
    return connection.execute(old).rowcount


# -- what was bought, and by which groups it is given ------------------------------------------------------------------


def store_skus(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Every SKU the tenant lists, in the columns of `VendorSku`; those no longer listed are marked, nothing else."""
    fresh = [dict(row) | {"read_at": now, "gone_at": None} for row in rows]
    return _replace(connection, _SKUS, "sku_guid", fresh, now)


def has_sku_named(connection: Connection, word: str) -> bool:
    """Whether the tenant holds a SKU with this word in its name or part number."""
    like = f"%{word}%"
    found = select(VendorSku.sku_guid).where(
        VendorSku.gone_at.is_(None), VendorSku.name.ilike(like) | VendorSku.part_number.ilike(like)
    )
    return connection.execute(found.limit(1)).first() is not None


def store_subscriptions(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Every subscription, in the columns of `VendorSubscription`; those no longer listed are marked."""
    fresh = [dict(row) | {"read_at": now, "gone_at": None} for row in rows]
    return _replace(connection, _SUBSCRIPTIONS, "subscription_id", fresh, now)


def _replace(connection: Connection, table: Table, key: str, rows: list[dict[str, Any]], now: datetime) -> int:
    """Write rows by their key and mark the absent; returns how many went away just now."""
    if rows:
        inserted = upsert(connection, table)
        values = {name: inserted.excluded[name] for name in rows[0] if name != key}
        connection.execute(inserted.on_conflict_do_update(index_elements=[key], set_=values), rows)
    shown = [row[key] for row in rows]
    gone = update(table).where(table.c.gone_at.is_(None), table.c[key].not_in(shown)).values(gone_at=now)
    return connection.execute(gone).rowcount


def groups_to_name(connection: Connection, shown: Iterable[str], now: datetime) -> list[str]:
    """Groups that license somebody and were not looked at within a week."""
    fresh = set(
        connection.execute(
            select(LicensingGroup.group_id).where(LicensingGroup.read_at > now - timedelta(days=7))
        ).scalars()
    )
    return sorted(set(shown) - fresh)


def store_groups(connection: Connection, rows: Sequence[Mapping[str, str]], now: datetime) -> None:
    """Names of licensing groups and what stands against touching them, in the columns of `LicensingGroup`."""
    if rows:
        inserted = upsert(connection, _GROUPS)
        values = {name: inserted.excluded[name] for name in ("name", "obstacle", "read_at")}
        named = [dict(row) | {"read_at": now} for row in rows]
        connection.execute(inserted.on_conflict_do_update(index_elements=["group_id"], set_=values), named)
