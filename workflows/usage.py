"""What Microsoft says about use and about what was bought, as said, with its day, and whether it can be trusted.

A source that is not fine makes verdicts unknown; so each reading ends in a `SourceHealth` with a sentence, and nothing
is stored from one that hides names or lacks what it should hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Select,
    Table,
    and_,
    case,
    delete,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
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
    """Lay down lines of a report; of two for one name the one with the later day counts."""
    lines: dict[str, Used] = {}
    for row in rows:
        there = lines.get(row.name[:320])
        if there is None or there.used_on is None or (row.used_on is not None and row.used_on >= there.used_on):
            lines[row.name[:320]] = row
    said = [{"upn": name, "used_on": row.used_on, "facts": row.facts} for name, row in lines.items()]
    names, found = rows_of(connection, USES, said)
    found = found.add_columns(literal(source), literal(as_of, Date))
    inserted = upsert(connection, USES).from_select([*names, "source", "as_of"], found)
    new = inserted.excluded
    connection.execute(
        inserted.on_conflict_do_update(
            index_elements=["upn", "source"],
            set_={name: new[name] for name in ("used_on", "facts", "as_of")},
            where=or_(USES.c.used_on.is_(None), new.used_on >= USES.c.used_on),
        )
    )


def store_with_page(
    connection: Connection, which: ColumnElement[bool], sources: Collection[str], now: datetime
) -> None:
    """Store, while people are still being read, what cannot mislead: sign-ins that have a day, and whole reports.

    Whether "no sign-in" says anything is known when everybody was read, so who shows none is left for later, and so is
    who is nobody of ours yet.
    """
    _put_last_use(connection, _signed(which, now).where(PEOPLE.c.used_on.is_not(None)))
    _put_last_use(connection, _reported(which, sources, now))
    mark_use_stored(connection, which, and_(PEOPLE.c.sign_in.is_not(None), PEOPLE.c.used_on.is_(None)))


def store_later(
    connection: Connection,
    which: ColumnElement[bool],
    sources: Collection[str],
    began: datetime,
    now: datetime,
    *,
    sign_ins: bool,
) -> None:
    """Store what a reading that began then has left, once everybody was read and merged.

    `sign_ins` False: they say nothing about anybody.
    """
    if sign_ins:
        _put_last_use(connection, _signed(which, now))
    _put_last_use(connection, _reported(which, sources, now), _LAST_USE.c.read_at < began)
    mark_use_stored(connection, which, false())


def store_report(connection: Connection, which: ColumnElement[bool], source: str, now: datetime) -> None:
    """Store one report that was read after the people."""
    _put_last_use(connection, _reported(which, [source], now))


_OURS = PEOPLE.join(Person, Person.directory_id == PEOPLE.c.directory_id)


def _signed(which: ColumnElement[bool], now: datetime) -> Select[Any]:
    """What the directory says of sign-ins, for everybody of whom it was read and who is ours."""
    columns = PEOPLE.c.used_on, PEOPLE.c.sign_in, literal(now.date(), Date), literal(now, _LAST_USE.c.read_at.type)
    rows = select(Person.id, literal("sign_in"), null(), *columns).select_from(_OURS)
    return rows.where(which, ~PEOPLE.c.shadow, ~PEOPLE.c.gone, PEOPLE.c.sign_in.is_not(None))


def _reported(which: ColumnElement[bool], sources: Collection[str], now: datetime) -> Select[Any]:
    """What these reports say of people of ours; names that are nobody's are left."""
    columns = USES.c.used_on, USES.c.facts, USES.c.as_of, literal(now, _LAST_USE.c.read_at.type)
    rows = select(Person.id, USES.c.source, null(), *columns)
    return rows.select_from(_OURS.join(USES, USES.c.upn == PEOPLE.c.upn)).where(
        which, ~PEOPLE.c.shadow, ~PEOPLE.c.gone, USES.c.source.in_(list(sources))
    )


def _put_last_use(connection: Connection, rows: Select[Any], only: ColumnElement[bool] | None = None) -> None:
    """Write what sources say of people; the newer reading takes the older one's place, or only that of some."""
    inserted = upsert(connection, _LAST_USE).from_select(_COLUMNS, rows)
    new = inserted.excluded
    connection.execute(
        inserted.on_conflict_do_update(
            index_elements=["person_id", "source"],
            index_where=_LAST_USE.c.product_id.is_(None),
            set_={name: new[name] for name in ("used_on", "facts", "as_of", "read_at")},
            where=and_(_LAST_USE.c.as_of <= new.as_of, true() if only is None else only),
        )
    )


def of_how_many(connection: Connection, sources: Collection[str], since: datetime) -> dict[str, int]:
    """Of how many people each of these sources spoke in a reading that began then."""
    rows = connection.execute(
        select(LastUse.source, func.count())
        .where(LastUse.source.in_(list(sources)), LastUse.product_id.is_(None), LastUse.read_at >= since)
        .group_by(LastUse.source)
    )
    return dict(rows.tuples().all())


def mailboxes_told(connection: Connection, since: datetime) -> dict[str, list[int]]:
    """Who has become another kind of account, by the mailbox report of a reading that began then: people by kind.

    What a person or a policy said stays.
    """
    said = func.lower(LastUse.facts["recipient_type"].as_string())
    kind = case(*((said.in_(words), kind) for kind, words in MAILBOXES.items()))
    rows = connection.execute(
        select(kind, Person.id)
        .join(Person, Person.id == LastUse.person_id)
        .where(
            LastUse.source == "mailbox",
            LastUse.product_id.is_(None),
            LastUse.read_at >= since,
            kind != Person.account,
            Person.account != "service",
        )
    )
    found: dict[str, list[int]] = {}
    for name, person_id in rows:
        found.setdefault(name, []).append(person_id)
    return found


def tell_mailboxes(connection: Connection, kind: str, people: Sequence[int]) -> None:
    """These people are accounts of this kind."""
    told = update(Person).where(Person.id.in_(people)).values(account=kind)
    connection.execute(told.execution_options(synchronize_session=False))


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
