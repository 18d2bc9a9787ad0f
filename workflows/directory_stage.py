"""What a reading of the directory shows, laid down page by page until it is complete (see `model.sync`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, false, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from integrations.graph_types import DirectoryUser, SignIn, moment
from model.bulk import rows_of
from model.people import Person
from model.sync import StagedPerson, StagedSeat, StagedUse

PEOPLE: Table = StagedPerson.metadata.tables[StagedPerson.__tablename__]
SEATS: Table = StagedSeat.metadata.tables[StagedSeat.__tablename__]
USES: Table = StagedUse.metadata.tables[StagedUse.__tablename__]
LAID = (PEOPLE, SEATS, USES)
_COLUMNS = tuple(column.name for column in PEOPLE.columns)
#: States in which an assignment gives a seat.
HOLDING = ("Active", "ActiveWithError")
#: The path of a SKU that Graph shows as held and explains by no assignment (a defect it admits): never touched.
UNEXPLAINED = "?"


def clear(connection: Connection) -> None:
    """Begin a new reading."""
    for table in LAID:
        connection.execute(delete(table))


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT of this database that can say what to do about a row that is there."""
    return {"sqlite": sqlite_insert, "postgresql": postgres_insert}[connection.dialect.name](table)


def lay(
    connection: Connection,
    users: Iterable[DirectoryUser],
    seq: int,
    digest: str,
    *,
    merged: bool = False,
    later: bool = True,
) -> tuple[int, str]:
    """Lay down people with their seats, numbered after `seq`. Returns how many there were and the digest so far.

    Somebody without any address is left out. Whoever is shown twice counts as shown last. `merged`, `later`: whether
    they themselves will be stored with this page, and what is said of their use will not (see `StagedPerson`).
    """
    chain = hashlib.sha256(digest.encode())
    people: dict[str, dict[str, Any]] = {}
    seats: dict[tuple[str, str, str], dict[str, Any]] = {}
    count = 0
    for user in users:
        email = (user.mail or user.user_principal_name).lower()
        count += 1
        if "@" not in email:
            continue
        people[user.id] = _person(user, email, seq + count) | {"merged": merged, "later": later}
        chain.update(f"{user.id}|{email}|{user.enabled}|{user.manager_id}\n".encode())
        for guid, path, state, since, off in _paths(user):
            if state in HOLDING or (user.id, guid, path) not in seats:  # of two entries the one that holds counts
                row = {"directory_id": user.id, "sku_guid": guid, "path": path, "state": state, "since": since}
                seats[user.id, guid, path] = row | {"off": off}
            chain.update(f"{guid}|{path}|{state}|{off}\n".encode())
    if people:
        inserted = upsert(connection, PEOPLE).from_select(*rows_of(connection, PEOPLE, list(people.values())))
        changed = {name: inserted.excluded[name] for name in _COLUMNS if name != "directory_id"}
        changed["merged"] = false()  # whoever became ours with an earlier page is brought in line by the merge
        connection.execute(inserted.on_conflict_do_update(index_elements=["directory_id"], set_=changed))
    if seats:
        inserted = upsert(connection, SEATS).from_select(*rows_of(connection, SEATS, list(seats.values())))
        connection.execute(inserted.on_conflict_do_nothing())
    return count, chain.hexdigest()


def lay_managers(connection: Connection, managers: Iterable[tuple[str, str]]) -> None:
    """Add managers of a pass of their own: (directory id, the manager's)."""
    rows = [{"of": one, "manager_is": manager} for one, manager in managers]
    if rows:
        said = update(PEOPLE).where(PEOPLE.c.directory_id == bindparam("of")).values(manager=bindparam("manager_is"))
        connection.execute(said, rows)


def lay_gone(connection: Connection, ids: Iterable[str], seq: int) -> None:
    """A change says that these left the directory."""
    nothing: dict[str, Any] = dict.fromkeys(("email", "upn", "name", "department", "job_title", "usage_location"), "")
    nothing |= {"seq": seq, "active": False, "employment": "employee", "shadow": True, "gone": True}
    nothing |= {"merged": False, "later": True}
    rows = [nothing | {"directory_id": one} for one in dict.fromkeys(ids)]
    if rows:
        connection.execute(upsert(connection, PEOPLE).on_conflict_do_nothing(), rows)


def drop_use(connection: Connection, sources: Sequence[str]) -> None:
    """Nothing that was laid down of these reports counts."""
    if sources:
        connection.execute(delete(USES).where(USES.c.source.in_(sources)))


def page_of(after: int, until: int) -> ColumnElement[bool]:
    """The people numbered `after` < seq <= `until`."""
    return and_(PEOPLE.c.seq > after, PEOPLE.c.seq <= until)


def unmerge(connection: Connection, which: ColumnElement[bool]) -> None:
    """Whoever of these did not become a person of ours is left to the merge."""
    same = and_(Person.directory_id == PEOPLE.c.directory_id, Person.email == PEOPLE.c.email)
    taken = ~select(Person.id).where(same).exists()
    connection.execute(update(PEOPLE).where(which, PEOPLE.c.merged, taken).values(merged=False))


def leave_all_to_the_merge(connection: Connection) -> None:
    """Nobody is settled before the merge."""
    connection.execute(update(PEOPLE).where(PEOPLE.c.merged).values(merged=False))


def mark_use_stored(connection: Connection, which: ColumnElement[bool], later: ColumnElement[bool]) -> None:
    """What is said of the use of these is stored; for whoever is nobody of ours yet, and for some, that comes later."""
    unknown = ~select(Person.id).where(Person.directory_id == PEOPLE.c.directory_id).exists()
    left = or_(unknown, later)
    connection.execute(update(PEOPLE).where(which, PEOPLE.c.later != left).values(later=left))


def know_sizes(connection: Connection, tables: Iterable[Table] = (PEOPLE, SEATS)) -> None:
    """Tell PostgreSQL how much lies there: it plans for an empty table until its own housekeeping comes by."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {table.name}")


def find_shadows(connection: Connection) -> int:
    """Of accounts with the same address the enabled, else the first, is the person; returns how many are not."""
    other = PEOPLE.alias("other")
    better = (other.c.active & ~PEOPLE.c.active) | ((other.c.active == PEOPLE.c.active) & (other.c.seq < PEOPLE.c.seq))
    shared = select(PEOPLE.c.email).where(~PEOPLE.c.gone).group_by(PEOPLE.c.email).having(func.count() > 1)
    clash = (
        select(other.c.directory_id)
        .where(other.c.email == PEOPLE.c.email, ~other.c.gone, other.c.directory_id != PEOPLE.c.directory_id, better)
        .exists()
    )
    return connection.execute(
        update(PEOPLE).where(~PEOPLE.c.gone, PEOPLE.c.email.in_(shared), clash).values(shadow=True)
    ).rowcount


def find_shadows_of_known(connection: Connection) -> int:
    """In a reading of changes: an address that somebody has who did not change stays theirs until all is read."""
    there = PEOPLE.alias("there")
    theirs = (
        select(Person.id)
        .where(
            Person.email == PEOPLE.c.email,
            Person.directory_id.is_not(None),
            Person.directory_id != PEOPLE.c.directory_id,
            ~select(there.c.seq).where(there.c.directory_id == Person.directory_id).exists(),
        )
        .exists()
    )
    return connection.execute(update(PEOPLE).where(~PEOPLE.c.gone, theirs).values(shadow=True)).rowcount


def next_slice(
    connection: Connection, after: str, size: int, of: ColumnElement[bool] | None = None
) -> tuple[str, ColumnElement[bool]] | None:
    """The next `size` people laid down, of some or of all: the last directory id and who they are. None: none."""
    some = and_(PEOPLE.c.directory_id > after, true() if of is None else of)
    ids = select(PEOPLE.c.directory_id).where(some).order_by(PEOPLE.c.directory_id)
    end = connection.execute(ids.offset(size - 1).limit(1)).scalar()
    if end is None:
        end = connection.execute(select(func.max(PEOPLE.c.directory_id)).where(some)).scalar()
    return None if end is None else (end, and_(some, PEOPLE.c.directory_id <= end))


def counted(connection: Connection) -> int:
    """How many people lie there."""
    return connection.execute(select(func.count()).select_from(PEOPLE)).scalar_one()


def groups_shown(connection: Connection) -> list[str]:
    """Ids of the groups that give a seat to somebody in this reading."""
    paths = connection.execute(select(SEATS.c.path).where(SEATS.c.path.like("group:%")).distinct()).scalars()
    return sorted(path.removeprefix("group:") for path in paths)


def ids_after(connection: Connection, after: str, size: int) -> list[str]:
    """The next people laid down, by directory id."""
    ids = select(PEOPLE.c.directory_id).where(PEOPLE.c.directory_id > after).order_by(PEOPLE.c.directory_id)
    return list(connection.execute(ids.limit(size)).scalars())


def _person(user: DirectoryUser, email: str, seq: int) -> dict[str, Any]:
    return {
        "directory_id": user.id,
        "seq": seq,
        "email": email[:320],
        "upn": user.user_principal_name.lower()[:320],
        "name": (user.display_name or email)[:256],
        "active": user.enabled is not False,
        "department": (user.department or "")[:120],
        "job_title": (user.job_title or "")[:120],
        "usage_location": (user.usage_location or "")[:2],
        "employment": _employment(user),
        "account_since": _on(user.created_at),
        "starts_on": _on(user.hired_at),
        "manager": user.manager_id,
        "used_on": last_use(user.sign_in),
        "sign_in": shown(user.sign_in),
        "shadow": False,
        "gone": False,
    }


def _paths(user: DirectoryUser) -> Iterator[tuple[str, str, str, datetime | None, str]]:
    explained = set()
    for state in user.licences.states:
        explained.add(state.sku_id)
        path = f"group:{state.group_id}" if state.group_id else "direct"
        yield state.sku_id, path, state.state, moment(state.updated_at), ",".join(sorted(state.disabled_plans))
    for guid in user.licences.assigned - explained:
        yield guid, UNEXPLAINED, "Active", None, ""


def _employment(user: DirectoryUser) -> str:
    if (user.user_type or "").lower() == "guest":
        return "guest"
    return "contractor" if (user.employee_type or "").lower().startswith("contract") else "employee"


def _on(at: datetime | None) -> date | None:
    return at.date() if at is not None else None


def last_use(sign_in: SignIn | None) -> date | None:
    """The day of the last success; where none is recorded, of the last attempt. None: no sign-in is known."""
    if sign_in is None:
        return None
    if sign_in.success is not None:
        return sign_in.success.date()
    return max((at.date() for at in (sign_in.interactive, sign_in.non_interactive) if at is not None), default=None)


def shown(sign_in: SignIn | None) -> dict[str, str | None] | None:
    """The facts as `LastUse` keeps them."""
    if sign_in is None:
        return None
    return {
        name: at.isoformat() if at is not None else None
        for name, at in (
            ("success", sign_in.success),
            ("interactive", sign_in.interactive),
            ("non_interactive", sign_in.non_interactive),
        )
    }
