"""What Microsoft says about use and about what was bought, as said, with its day, and whether it can be trusted.

A source that is not fine makes verdicts unknown; so each reading ends in a `SourceHealth` with a sentence, and nothing
is stored from one that hides names or lacks what it should hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Select,
    Table,
    and_,
    delete,
    func,
    literal,
    null,
    select,
    update,
)

from model.bulk import rows_of
from model.people import Person
from model.sync import VendorSku
from model.usage import LastUse, LicensingGroup, SourceHealth, VendorSubscription
from workflows.directory_stage import PEOPLE, USES, mark_use_stored, upsert

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
_COLUMNS = ["person_id", "source", "product_id", "used_on", "facts", "as_of", "read_at"]
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


def lay(connection: Connection, source: str, rows: Sequence[Used], as_of: date) -> None:
    """Lay down lines of a report; of two for one name the last counts."""
    lines = {row.name[:320]: {"upn": row.name[:320], "used_on": row.used_on, "facts": row.facts} for row in rows}
    names, found = rows_of(connection, USES, list(lines.values()))
    found = found.add_columns(literal(source), literal(as_of, Date))
    inserted = upsert(connection, USES).from_select([*names, "source", "as_of"], found)
    changed = {name: inserted.excluded[name] for name in ("used_on", "facts", "as_of")}
    connection.execute(inserted.on_conflict_do_update(index_elements=["upn", "source"], set_=changed))


def store(connection: Connection, which: ColumnElement[bool], now: datetime) -> None:
    """What was laid down of the use of these people: the directory's word on sign-ins, and the reports'.

    Names in reports that are nobody's are left, and so is who is nobody of ours yet.
    """
    theirs = and_(which, ~PEOPLE.c.shadow, ~PEOPLE.c.gone)
    whose = PEOPLE.join(Person, Person.directory_id == PEOPLE.c.directory_id)
    read_at = literal(now, _LAST_USE.c.read_at.type)
    signed = (
        select(
            Person.id,
            literal("sign_in"),
            null(),
            PEOPLE.c.used_on,
            PEOPLE.c.sign_in,
            literal(now.date(), Date),
            read_at,
        )
        .select_from(whose)
        .where(theirs, PEOPLE.c.sign_in.is_not(None))
    )
    reported = (
        select(Person.id, USES.c.source, null(), USES.c.used_on, USES.c.facts, USES.c.as_of, read_at)
        .select_from(whose.join(USES, USES.c.upn == PEOPLE.c.upn))
        .where(theirs)
    )
    for rows in (signed, reported):
        _put_last_use(connection, rows)
    mark_use_stored(connection, which)


def _put_last_use(connection: Connection, rows: Select[Any]) -> None:
    """Write what sources say of people; the newer reading takes the older one's place."""
    inserted = upsert(connection, _LAST_USE).from_select(_COLUMNS, rows)
    new = inserted.excluded
    connection.execute(
        inserted.on_conflict_do_update(
            index_elements=["person_id", "source"],
            index_where=_LAST_USE.c.product_id.is_(None),
            set_={name: new[name] for name in ("used_on", "facts", "as_of", "read_at")},
            where=_LAST_USE.c.as_of <= new.as_of,
        )
    )


def of_how_many(connection: Connection, since: datetime) -> dict[str, int]:
    """Of how many people each source spoke in a reading that began then."""
    rows = connection.execute(
        select(LastUse.source, func.count())
        .where(LastUse.product_id.is_(None), LastUse.read_at >= since)
        .group_by(LastUse.source)
    )
    return dict(rows.tuples().all())


def tell_mailboxes(connection: Connection, since: datetime) -> None:
    """What kind of account a person is, by the mailbox report of a reading that began then.

    What a person or a policy said stays.
    """
    said = func.lower(LastUse.facts["recipient_type"].as_string())
    for kind, words in MAILBOXES.items():
        theirs = select(LastUse.person_id).where(
            LastUse.source == "mailbox", LastUse.product_id.is_(None), LastUse.read_at >= since, said.in_(words)
        )
        moved = (
            update(Person).where(Person.account.not_in([kind, "service"]), Person.id.in_(theirs)).values(account=kind)
        )
        connection.execute(moved.execution_options(synchronize_session=False))


def forget(connection: Connection, sources: Iterable[str], now: datetime) -> int:
    """Raw signals of these sources past their time are deleted; returns how many."""
    old = delete(_LAST_USE).where(
        _LAST_USE.c.source.in_(list(sources)), _LAST_USE.c.product_id.is_(None), _LAST_USE.c.read_at < now - KEPT
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
