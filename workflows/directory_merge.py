"""A complete reading of the directory merged into our people, in slices, each a few set-based statements.

Matching is by directory id, then by e-mail once: an address that passed to another account does not make that account
the person who had it, with their roles and seats. What would close too much is counted before anything is changed. A
slice done twice changes nothing the second time, so a merge that was killed goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from model.licences import Seat, Sku
from model.people import Person
from model.sync import MatchDoubt
from workflows.directory_stage import HOLDING, PEOPLE, SEATS, upsert

#: More people than this share, and more than a handful, never leave in one night.
MOST_CLOSED = 0.02
#: Seats move more than people do; beyond this share a reading that lost its licences is likelier than a clear-out.
MOST_SEATS_CLOSED = 0.10
HANDFUL = 3
#: Reads lag writes: a seat that we gave this recently may not be shown yet.
LAG = timedelta(hours=1)

_P: Table = Person.metadata.tables[Person.__tablename__]
#: The tables a first reading fills from nothing, and its plans look into.
GROWING: tuple[Table, ...] = (_P, Seat.metadata.tables[Seat.__tablename__])
#: What the directory owns of a person.
_COPIED = ("email", "name", "active", "department", "job_title", "usage_location", "employment")


@dataclass(frozen=True)
class Closing:
    """How much a reading would close, of how much; counted before it is merged."""

    people: int
    of_people: int
    seats: int
    of_seats: int

    @property
    def too_many(self) -> bool:
        return self.too_many_people or self.seats > max(HANDFUL, MOST_SEATS_CLOSED * self.of_seats)

    @property
    def too_many_people(self) -> bool:
        return self.people > max(HANDFUL, MOST_CLOSED * self.of_people)


#: What a first reading closes.
NOBODY = Closing(0, 0, 0, 0)


def _here(*, partial: bool) -> ColumnElement[bool]:
    """Whether the reading shows this person as one who may work here."""
    mine = PEOPLE.c.directory_id == Person.directory_id
    if partial:
        return ~select(PEOPLE.c.seq).where(mine, or_(PEOPLE.c.gone, ~PEOPLE.c.active)).exists()
    return select(PEOPLE.c.seq).where(mine, ~PEOPLE.c.shadow, PEOPLE.c.active).exists()


def closing(connection: Connection, now: datetime, *, partial: bool = False) -> Closing:
    """What merging would close. `partial`: the reading shows changes only, so who is not in it is still there."""
    active = select(func.count()).select_from(Person).where(Person.active, Person.directory_id.is_not(None))
    held = (
        select(func.count())
        .select_from(Seat)
        .join(Sku, and_(Sku.id == Seat.sku_id, Sku.sku_id.is_not(None)))
        .join(Person, Person.id == Seat.person_id)
        .join(PEOPLE, and_(PEOPLE.c.directory_id == Person.directory_id, ~PEOPLE.c.shadow))
        .where(Seat.ended_at.is_(None), Seat.path != "task", Seat.began_at < now - LAG)
    )
    shown = (
        select(SEATS.c.path)
        .where(
            SEATS.c.directory_id == PEOPLE.c.directory_id, SEATS.c.sku_guid == Sku.sku_id, SEATS.c.state.in_(HOLDING)
        )
        .exists()
    )
    return Closing(
        people=connection.execute(active.where(~_here(partial=partial))).scalar_one(),
        of_people=connection.execute(active).scalar_one(),
        seats=connection.execute(held.where(~shown)).scalar_one(),
        of_seats=connection.execute(held).scalar_one(),
    )


def free_addresses(connection: Connection) -> None:
    """Whoever had an address that is another account's now gives it up; who is still there gets their new one next."""
    taken = (
        select(PEOPLE.c.seq)
        .where(PEOPLE.c.email == Person.email, ~PEOPLE.c.shadow, PEOPLE.c.directory_id != Person.directory_id)
        .exists()
    )
    moved = literal("moved.") + cast(Person.id, String) + literal("@address.invalid")
    connection.execute(update(_P).where(Person.directory_id.is_not(None), taken).values(email=moved))


def doubt_addresses(connection: Connection, now: datetime) -> int:
    """Somebody entered by hand has the address that an account we know took on: whether they are one is asked.

    Until that is settled the account keeps the address it had here.
    """
    by_hand, known = _P.alias("by_hand"), _P.alias("known")
    rows = connection.execute(
        select(PEOPLE.c.directory_id, known.c.email, known.c.id, by_hand.c.id)
        .join(known, known.c.directory_id == PEOPLE.c.directory_id)
        .join(by_hand, and_(by_hand.c.email == PEOPLE.c.email, by_hand.c.directory_id.is_(None)))
        .where(~PEOPLE.c.shadow)
    ).all()
    for account, email, person_id, other in rows:
        connection.execute(update(PEOPLE).where(PEOPLE.c.directory_id == account).values(email=email))
        doubt(
            connection, f"directory:{account}:person:{other}", "directory", other, account,
            f"The account of person {person_id} took on the address of person {other}, who was entered by hand. "
            "Are they the same?", now,
        )  # fmt: skip
    return len(rows)


def doubt_twins(connection: Connection, now: datetime) -> int:
    """Two enabled accounts with one address: one is the person, and somebody should say whether it is the right one."""
    twin = PEOPLE.alias("twin")
    rows = connection.execute(
        select(twin.c.directory_id, Person.id)
        .select_from(twin)
        .join(PEOPLE, and_(PEOPLE.c.email == twin.c.email, ~PEOPLE.c.shadow))
        .join(Person, Person.directory_id == PEOPLE.c.directory_id)
        .where(twin.c.shadow, ~twin.c.gone, twin.c.active, PEOPLE.c.active)
    ).all()
    for account, person_id in rows:
        words = f"A second enabled account in the directory has the address of person {person_id}. Which one is theirs?"
        doubt(connection, f"directory:{account}:person:{person_id}", "directory", person_id, account, words, now)
    return len(rows)


def doubt(connection: Connection, key: str, kind: str, person_id: int, account: str, words: str, now: datetime) -> None:
    """Write down what only a person can settle; the same doubt is not written twice."""
    row = {"key": key, "kind": kind, "person_id": person_id, "account": account, "words": words, "found_at": now}
    table = MatchDoubt.metadata.tables[MatchDoubt.__tablename__]
    connection.execute(upsert(connection, table).on_conflict_do_nothing(), [row | {"settled_by": "", "outcome": ""}])


def merge_people(connection: Connection, which: ColumnElement[bool]) -> tuple[int, int, int]:
    """These of the people laid down. Returns (added, changed, matched by address)."""
    within = and_(which, ~PEOPLE.c.shadow)
    known = _P.alias("known")
    mine = (
        select(PEOPLE.c.directory_id)
        .where(
            within,
            PEOPLE.c.email == Person.email,
            ~select(known.c.id).where(known.c.directory_id == PEOPLE.c.directory_id).exists(),
        )
        .correlate(_P)
    )
    adopted = update(_P).where(Person.directory_id.is_(None), mine.exists()).values(directory_id=mine.scalar_subquery())
    matched = connection.execute(adopted).rowcount
    country = case((PEOPLE.c.usage_location != "", PEOPLE.c.usage_location), else_=Person.country)
    values = {name: PEOPLE.c[name] for name in _COPIED} | {
        "country": country,
        "upn": func.coalesce(func.nullif(PEOPLE.c.upn, ""), Person.upn),
        "account_since": func.coalesce(PEOPLE.c.account_since, Person.account_since),
        "starts_on": func.coalesce(PEOPLE.c.starts_on, Person.starts_on),
    }
    differs = or_(*(_P.c[name].is_distinct_from(value) for name, value in values.items()))
    changed = connection.execute(
        update(_P).where(_P.c.directory_id == PEOPLE.c.directory_id, within, differs).values(values)
    ).rowcount
    columns, new = _new_people(within)
    written = insert(_P).from_select(columns, new).execution_options(preserve_rowcount=True)
    added = connection.execute(written).rowcount
    return added, changed, matched


def welcome(connection: Connection, which: ColumnElement[bool]) -> int:
    """Enabled accounts that are nobody's yet and whose address is nobody's become people; returns how many.

    Of accounts with one address the first that is enabled is the person (`find_shadows`), so an account that comes
    later takes nothing from these.
    """
    columns, new = _new_people(and_(which, PEOPLE.c.active, ~PEOPLE.c.shadow))
    written = upsert(connection, _P).from_select(columns, new).on_conflict_do_nothing()
    return connection.execute(written.execution_options(preserve_rowcount=True)).rowcount


def _new_people(which: ColumnElement[bool]) -> tuple[list[str], Select[Any]]:
    """Columns and rows of people that are not there yet; those who lead them, where they are."""
    fixed = {"cost_centre": "", "time_zone": "UTC", "account": "user"}
    copied = (*_COPIED, "upn", "directory_id", "account_since", "starts_on")
    boss = _P.alias("boss")
    new = (
        select(
            *(PEOPLE.c[name] for name in copied),
            PEOPLE.c.usage_location,
            boss.c.id,
            *(literal(one) for one in fixed.values()),
        )
        .select_from(
            PEOPLE.outerjoin(_P, _P.c.directory_id == PEOPLE.c.directory_id).outerjoin(
                boss, boss.c.directory_id == PEOPLE.c.manager
            )
        )
        .where(which, _P.c.id.is_(None))
        .order_by(PEOPLE.c.seq)
    )
    return [*copied, "country", "manager_id", *fixed], new


def merge_managers(connection: Connection, which: ColumnElement[bool]) -> None:
    """Who reports to whom; every person must be there by then."""
    boss = _P.alias("boss")
    wanted = (
        select(_P.c.id.label("person"), boss.c.id.label("manager"))
        .select_from(
            PEOPLE.join(_P, _P.c.directory_id == PEOPLE.c.directory_id).outerjoin(
                boss, boss.c.directory_id == PEOPLE.c.manager
            )
        )
        .where(
            which,
            ~PEOPLE.c.shadow,
            _P.c.manager_id.is_distinct_from(boss.c.id),
        )
        .subquery("wanted")
    )
    connection.execute(update(_P).where(_P.c.id == wanted.c.person).values(manager_id=wanted.c.manager))


def close_people(connection: Connection, now: datetime, *, partial: bool = False) -> int:
    """Whoever the reading no longer shows is not active, and their seats ended with them. Returns seats closed."""
    left = _left(partial=partial)
    connection.execute(update(_P).where(Person.active, Person.directory_id.is_not(None), left).values(active=False))
    return close_seats_of_absent(connection, now, partial=partial)


def close_seats_of_absent(connection: Connection, now: datetime, *, partial: bool = False) -> int:
    """Microsoft's seats of people who are not in the directory any more; returns how many."""
    theirs = select(Person.id).where(Person.directory_id.is_not(None), _left(partial=partial))
    return connection.execute(
        update(Seat)
        .where(
            Seat.ended_at.is_(None),
            Seat.path != "task",
            Seat.began_at < now - LAG,
            Seat.sku_id.in_(select(Sku.id).where(Sku.sku_id.is_not(None))),
            Seat.person_id.in_(theirs),
        )
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    ).rowcount


def _left(*, partial: bool) -> ColumnElement[bool]:
    staged = PEOPLE.c.directory_id == Person.directory_id
    if partial:
        return select(PEOPLE.c.seq).where(staged, PEOPLE.c.gone).exists()
    return ~select(PEOPLE.c.seq).where(staged, ~PEOPLE.c.shadow).exists()
