"""People and seat figures read from outside: the Microsoft directory, its SKUs, and Slack accounts by e-mail.

A run is one event with counts. One that ended early, or that would close more than two per cent of the people, stops
and asks (design §10): a half-read directory must not look like a company that lost half its staff.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from integrations.graph_types import DirectoryUser, SubscribedSku
from model.events import Happened, Tag
from model.licences import Seat, SeatReturn, Sku
from model.people import Person
from model.requests import LicenceRequest, LineState, RequestLine
from model.session import UnitOfWork
from model.tickets import SyncRun
from workflows.effects import Effect, MatchQueue, enqueue

#: More people than this share, and more than a handful, never leave in one night.
MOST_CLOSED = 0.02
HANDFUL = 3


class RunStopped(Exception):
    """The run was stopped before it changed anything; the message says why and what to do."""


@dataclass
class Counts:
    """What one run did."""

    seen: int = 0
    added: int = 0
    changed: int = 0
    closed: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def stored(self) -> dict[str, int | str]:
        return {
            "seen": self.seen,
            "added": self.added,
            "changed": self.changed,
            "closed": self.closed,
            "rows": self.digest.hexdigest(),
        }


def store_people(
    work: UnitOfWork, users: Iterable[DirectoryUser], now: datetime, *, accept_closing: bool = False
) -> SyncRun:
    """Bring our people in line with a complete reading of the directory. Raises RunStopped and changes nothing.

    Matching is by directory id, then by e-mail once: an address that passed to another account does not make that
    account the person who had it, with their roles and seats. Guests are kept as guests; rooms and service accounts
    without a mail address are left out. The caller commits.
    """
    run = SyncRun(source="directory", began_at=now)
    work.session.add(run)
    read = _one_account_an_address(users)
    _free_addresses(work, read)
    known = {person.directory_id: person for person in _people(work) if person.directory_id}
    by_email = {person.email: person for person in _people(work) if person.directory_id is None}
    here = {directory_id for directory_id, person in known.items() if person.active}
    counts = Counts()
    managers: dict[str, str | None] = {}
    for email, user in read.items():
        counts.seen += 1
        counts.digest.update(f"{user.id}|{email}|{user.enabled}|{user.manager_id}\n".encode())
        person = known.get(user.id) or by_email.get(email)
        if person is None:
            person = Person(email=email, name=user.display_name)
            work.session.add(person)
            counts.added += 1
        if _apply(person, user, email) and person.id is not None:
            counts.changed += 1
        known[user.id] = person
        managers[user.id] = user.manager_id
    for directory_id in here - managers.keys():
        known[directory_id].active = False
    counts.closed = sum(not known[directory_id].active for directory_id in here)
    if counts.closed > max(HANDFUL, MOST_CLOSED * len(here)) and not accept_closing:
        raise RunStopped(
            f"The directory no longer shows {counts.closed} of {len(here)} people, or shows them as disabled. "
            "Nothing was changed. If that is right, run: seatkeeper sync people --accept"
        )
    work.session.flush()  # new people get their ids
    for directory_id, manager_id in managers.items():
        manager = known.get(manager_id) if manager_id else None
        known[directory_id].manager_id = manager.id if manager is not None else None
    run.ended_at, run.outcome, run.counts = now, "done", counts.stored()
    work.session.flush()
    work.record([Happened(Tag.SYNC_COMPLETED, "microsoft365", f"sync:{run.id}", run.counts)], now)
    return run


def _one_account_an_address(users: Iterable[DirectoryUser]) -> dict[str, DirectoryUser]:
    """Accounts by address; of two with the same one the enabled, else the first (shared mailboxes, guests of ours)."""
    read: dict[str, DirectoryUser] = {}
    for user in users:
        email = (user.mail or user.user_principal_name).lower()
        if "@" in email and (email not in read or (read[email].enabled is False and user.enabled is not False)):
            read[email] = user
    return read


def _free_addresses(work: UnitOfWork, read: Mapping[str, DirectoryUser]) -> None:
    """Whoever had an address that is another account's now gives it up; who is still there gets their new one next."""
    for person in _people(work):
        now_of = read.get(person.email)
        if now_of is not None and person.directory_id not in (None, now_of.id):
            person.email = f"moved.{person.id}@address.invalid"
    work.session.flush()  # the database lets nobody share an address, not even for a moment


def _people(work: UnitOfWork) -> Iterable[Person]:
    return work.session.execute(select(Person)).scalars()


def _apply(person: Person, user: DirectoryUser, email: str) -> bool:
    """Copy what the directory owns; True when something changed."""
    wanted: dict[str, Any] = {
        "directory_id": user.id,
        "email": email,
        "name": user.display_name,
        "active": user.enabled is not False,
        "department": user.department or "",
        "job_title": user.job_title or "",
        "usage_location": user.usage_location or "",
        "employment": _employment(user),
        "country": (user.usage_location or person.country or "")[:2],
    }
    if user.hired_at is not None:
        wanted["starts_on"] = user.hired_at.date()
    changed = [name for name, value in wanted.items() if getattr(person, name, None) != value]
    for name in changed:
        setattr(person, name, wanted[name])
    return bool(changed)


def _employment(user: DirectoryUser) -> str:
    if (user.user_type or "").lower() == "guest":
        return "guest"
    return "contractor" if (user.employee_type or "").lower().startswith("contract") else "employee"


@dataclass(frozen=True)
class SlackAccount:
    """A Slack account that may belong to somebody."""

    id: str
    email: str
    time_zone: str
    active: bool


def link_slack(work: UnitOfWork, accounts: Iterable[SlackAccount], now: datetime) -> int:
    """Tie Slack accounts to people by e-mail, and take their time zones. Returns how many were linked anew.

    A link that exists stays: an address that moved to another account is for a person to settle.
    """
    people = {person.email: person for person in _people(work)}
    taken = {person.slack_id for person in people.values() if person.slack_id}
    linked: list[Happened] = []
    for account in accounts:
        person = people.get(account.email.lower())
        if person is None or not account.active:
            continue
        if person.slack_id is None and account.id not in taken:
            person.slack_id = account.id
            found = {"slack": account.id}
            linked.append(Happened(Tag.PERSON_LINKED, "slack", f"person:{person.id}", {"by": "email"}, found))
        if person.slack_id == account.id and account.time_zone:
            person.time_zone = account.time_zone
    work.session.flush()
    work.record(linked, now)
    return len(linked)


def store_figures(work: UnitOfWork, skus: Iterable[SubscribedSku], read_at: datetime, now: datetime) -> int:
    """Seat counts as the vendor gives them, with the time of the reading; freed units go to who waits.

    `read_at` is taken before the call: a seat given during it is then counted by its own row.
    """
    rows = [
        {
            "guid": sku.sku_id,
            "now_enabled": sku.enabled,
            "now_consumed": sku.consumed,
            "now_warning": sku.warning,
            "now_suspended": sku.suspended,
            "read_at": read_at,
        }
        for sku in skus
    ]
    if not rows:
        return 0
    changed = work.connection.execute(
        update(Sku)
        .where(
            Sku.sku_id == bindparam("guid"),
            or_(Sku.figures_at.is_(None), Sku.figures_at <= bindparam("read_at")),
        )
        .values(
            enabled=bindparam("now_enabled"),
            consumed=bindparam("now_consumed"),
            warning=bindparam("now_warning"),
            suspended=bindparam("now_suspended"),
            figures_at=bindparam("read_at"),
        ),
        rows,
    )
    effects: list[Effect] = [MatchQueue(sku_id) for sku_id in _waited_for(work.connection)]
    enqueue(work, effects, now)
    return changed.rowcount


def _waited_for(connection: Connection) -> list[int]:
    rows = connection.execute(
        select(LicenceRequest.sku_id)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(RequestLine.state == LineState.QUEUED, LicenceRequest.sku_id.is_not(None))
        .distinct()
    )
    return [sku_id for sku_id in rows.scalars() if sku_id is not None]


def store_seats(work: UnitOfWork, users: Iterable[DirectoryUser], now: datetime) -> tuple[int, int]:
    """Seats as the directory shows them, per person and path. Returns (opened, closed).

    A seat of ours that is shown by another path than we wrote down stays the same seat, with its end and its ground.
    What we hold open and Microsoft no longer shows was taken there by somebody else: it is closed with today's date.
    Seats that we gave within the last hour are left alone, since reads lag writes.
    """
    skus = {
        guid: (sku_id, product_id)
        for sku_id, guid, product_id in work.connection.execute(
            select(Sku.id, Sku.sku_id, Sku.product_id).where(Sku.sku_id.is_not(None))
        )
    }
    people = {d: i for i, d in work.connection.execute(select(Person.id, Person.directory_id)) if d}
    shown: dict[tuple[int, int, str], tuple[int, int]] = {}
    for user in users:
        person_id = people.get(user.id)
        if person_id is None:
            continue
        for state in user.licences.states:
            if state.sku_id in skus and state.state in ("Active", "ActiveWithError"):
                sku_id, product_id = skus[state.sku_id]
                path = f"group:{state.group_id}" if state.group_id else "direct"
                shown[person_id, sku_id, path] = (sku_id, product_id)
    held = {
        (person, sku, path): (seat, began)
        for seat, person, sku, path, began in work.connection.execute(
            select(Seat.id, Seat.person_id, Seat.sku_id, Seat.path, Seat.began_at)
            .join(Sku, Sku.id == Seat.sku_id)
            .where(Seat.ended_at.is_(None), Sku.sku_id.is_not(None))
            .order_by(Seat.line_id.is_(None), Seat.id)  # what somebody asked for keeps its ground first
        )
    }
    missed = {key: one for key, one in held.items() if key not in shown}
    moved = _moved(work, missed, [key for key in shown if key not in held])
    opened = [key for key in shown if key not in held and key not in moved.values()]
    closed = [
        seat
        for (_, _, path), (seat, began) in missed.items()
        if seat not in moved and path != "task" and (now - began).total_seconds() > 3600
    ]
    for seat, (_, _, path) in moved.items():
        work.connection.execute(update(Seat).where(Seat.id == seat).values(path=path))
    for person_id, sku_id, path in opened:
        work.session.add(
            Seat(
                product_id=shown[person_id, sku_id, path][1],
                sku_id=sku_id,
                person_id=person_id,
                path=path,
                began_at=now,
                recorded_at=now,
                authorised_by="baseline",
            )
        )
    if closed:
        work.connection.execute(update(Seat).where(Seat.id.in_(closed)).values(ended_at=now))
    work.session.flush()
    if opened or closed:
        rows = hashlib.sha256(f"{sorted(opened)}{sorted(closed)}".encode()).hexdigest()
        facts = {"opened": len(opened), "closed": len(closed), "rows": rows}
        work.record([Happened(Tag.SYNC_COMPLETED, "microsoft365", "sync:seats", facts)], now)
    return len(opened), len(closed)


def _moved(
    work: UnitOfWork,
    missed: Mapping[tuple[int, int, str], tuple[int, datetime]],
    new: Iterable[tuple[int, int, str]],
) -> dict[int, tuple[int, int, str]]:
    """Seats that are shown by a path other than ours, each with that path. One being removed keeps the path that was
    confirmed."""
    going = set(
        work.connection.execute(
            select(SeatReturn.seat_id).where(SeatReturn.state.in_(["confirmed", "removing"]))
        ).scalars()
    )
    free = list(new)
    moved: dict[int, tuple[int, int, str]] = {}
    for (person, sku, _), (seat, _) in missed.items():
        found = next((key for key in free if key[:2] == (person, sku)), None)
        if found is not None and seat not in going:
            free.remove(found)
            moved[seat] = found
    return moved


def last_run(connection: Connection, source: str) -> datetime | None:
    """When a source was last read to its end."""
    return connection.execute(
        select(func.max(SyncRun.ended_at)).where(SyncRun.source == source, SyncRun.outcome == "done")
    ).scalar()
