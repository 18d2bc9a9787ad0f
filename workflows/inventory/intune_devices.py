"""Which of our devices a managed device of Intune is, and what Intune says of it.

Its own id comes first, then the serial number, then the name where the person is the same or one of both has none. Two
that could be meant are told apart and put to a person, never merged, as with agents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, insert, or_, select

from model.alerts import DeviceIdentity
from model.people import Device, Person
from model.session import UnitOfWork
from workflows.inventory import identity, report
from workflows.inventory.report import Report
from workflows.register import devices
from workflows.register.history import Row, Writing, blank, chunks, load, table_of

SOURCE = BY_INTUNE = "intune"
#: [?] Intune renews its list of software about weekly; a device that was in touch says nothing newer than that.
LIST_IS_BEHIND = timedelta(days=7)
#: Ways a device's person is known that Intune may overrule (rules §2); an import and a person's own word stand.
_WEAKER = ("", "reports", BY_INTUNE)


class Managed(NamedTuple):
    """A managed device, as plain values; "" for what Intune does not say."""

    id: str
    name: str
    serial: str
    user_id: str
    user_name: str
    system: str
    synced_at: datetime | None


@dataclass(frozen=True)
class _Choice:
    """The device meant, None for a new one, with a doubt for a person."""

    device_id: int | None
    words: str = ""
    other_id: int | None = None


def settle(work: UnitOfWork, seen: Iterable[Managed], now: datetime) -> tuple[dict[str, int], int]:
    """Our devices by Intune's ids, made where nobody knew them; returns them and how many Intune shows for the first
    time. What Intune says of each is stored."""
    found: dict[str, int] = {}
    first = 0
    for part in chunks({one.id: one for one in seen if one.id and one.name}.values()):
        there, more = _part(work, [_cleaned(one) for one in part], now)
        found |= there
        first += more
    return found, first


def _cleaned(one: Managed) -> Managed:
    return one._replace(
        name=report.text(one.name), serial=report.known(one.serial), system=report.text(one.system, 160)
    )


def _part(work: UnitOfWork, seen: Sequence[Managed], now: datetime) -> tuple[dict[str, int], int]:
    owners = _owners(work, seen)
    known = _Known(work, seen)
    found: dict[str, int] = {}
    identities: list[dict[str, Any]] = []
    for one in seen:
        choice = known.choose(one, owners.get(one.id))
        device_id = choice.device_id
        if device_id is None:
            device_id = _made(work, one, now)
            known.add(device_id, one, owners.get(one.id))
        found[one.id] = device_id
        identities += known.claim(device_id, one, now)
        if choice.words:
            _doubt(work, device_id, choice, now)
    if identities:
        work.connection.execute(insert(table_of(DeviceIdentity)), identities)
    writing = Writing(work, Device)
    rows = {row["id"]: row for row in load(work, Device, "id", sorted(set(found.values())))}
    for one in seen:
        _learn(writing, rows[found[one.id]], one, owners.get(one.id), now)
    writing.flush()
    return found, sum(row["kind"] == SOURCE for row in identities)


class _Known:
    """The devices that could be meant: by Intune's id, by serial number, by name."""

    def __init__(self, work: UnitOfWork, seen: Sequence[Managed]) -> None:
        self._by_id: dict[str, int] = {}
        self._by_serial: defaultdict[str, set[int]] = defaultdict(set)
        self._by_name: defaultdict[str, set[int]] = defaultdict(set)
        self._rows: dict[int, tuple[str, str, int | None]] = {}
        self._serials: set[str] = set()
        self._claimed: set[int] = set()
        table, named = table_of(DeviceIdentity), table_of(Device)
        ids, serials = [one.id for one in seen], [one.serial for one in seen if one.serial]
        names = [one.name.lower() for one in seen]
        rows = work.connection.execute(
            select(table.c.kind, table.c.value, table.c.device_id).where(
                or_(
                    (table.c.kind == SOURCE) & table.c.value.in_(ids),
                    (table.c.kind == "serial") & table.c.value.in_(serials),
                )
            )
        ).all()
        for row in rows:
            if row.kind == SOURCE:
                self._by_id[row.value] = row.device_id
            else:
                self._by_serial[row.value].add(row.device_id)
                self._serials.add(row.value)
        columns = select(named.c.id, named.c.name, named.c.identity, named.c.serial, named.c.person_id)
        met = sorted({row.device_id for row in rows})
        for row in work.connection.execute(
            columns.where(
                or_(
                    named.c.id.in_(met),
                    named.c.serial.in_(serials),
                    func.lower(named.c.name).in_(names),
                    func.lower(named.c.identity).in_(names),
                )
            )
        ):
            self._rows[row.id] = (row.name, row.serial, row.person_id)
            if row.serial:
                self._by_serial[row.serial].add(row.id)
            for name in {row.name.lower(), row.identity.lower()}:
                self._by_name[name].add(row.id)
        claimed = select(table.c.device_id).where(
            table.c.kind == SOURCE, table.c.device_id.in_(sorted(self._rows)), table.c.value.not_in(ids)
        )
        self._claimed.update(work.connection.execute(claimed).scalars())
        self._claimed.update(self._by_id.values())

    def choose(self, one: Managed, person_id: int | None) -> _Choice:
        """The device meant by a managed one, whose person is `person_id`."""
        own = self._by_id.get(one.id)
        if own is not None:
            other = one.serial and self._rows[own][1] not in ("", one.serial)
            return _Choice(own, "It reports another serial number than before: is it one machine?" if other else "")
        by_serial = sorted(self._by_serial[one.serial]) if one.serial else []
        if len(by_serial) == 1:
            return _Choice(by_serial[0])
        if by_serial:
            words = f"{one.name} has the serial number of {len(by_serial)} devices: which of them is it?"
            return _Choice(None, words, by_serial[0])
        named = sorted(self._by_name[one.name.lower()])
        could = [found for found in named if found not in self._claimed and self._agrees(found, one, person_id)]
        if len(could) == 1:
            return _Choice(could[0])
        if named:
            words = f"Intune manages another device called {one.name}: one machine, or two?"
            return _Choice(None, words, (could or named)[0])
        return _Choice(None)

    def _agrees(self, device_id: int, one: Managed, person_id: int | None) -> bool:
        _, serial, owner = self._rows[device_id]
        return (not serial or not one.serial or serial == one.serial) and (
            owner is None or person_id is None or owner == person_id
        )

    def add(self, device_id: int, one: Managed, person_id: int | None) -> None:
        """A device that was made on the way is known to the next."""
        self._rows[device_id] = (one.name, one.serial, person_id)
        self._by_name[one.name.lower()].add(device_id)
        if one.serial:
            self._by_serial[one.serial].add(device_id)

    def claim(self, device_id: int, one: Managed, now: datetime) -> list[dict[str, Any]]:
        """The identities to store for it."""
        self._claimed.add(device_id)
        new = []
        if one.id not in self._by_id:
            self._by_id[one.id] = device_id
            new.append((SOURCE, one.id[:200]))
        if one.serial and one.serial not in self._serials:
            self._serials.add(one.serial)
            new.append(("serial", one.serial[:200]))
        seen = {"device_id": device_id, "first_seen_at": now, "last_seen_at": now}
        return [{"kind": kind, "value": value} | seen for kind, value in new]


def _owners(work: UnitOfWork, seen: Sequence[Managed]) -> dict[str, int]:
    """Whose device each is, by the directory's id, else by the address Intune names."""
    wanted = {one.user_id for one in seen if one.user_id} | {one.user_name for one in seen if one.user_name}
    if not wanted:
        return {}
    rows = work.connection.execute(
        select(Person.id, Person.directory_id, Person.email).where(
            or_(func.lower(Person.directory_id).in_(wanted), Person.email.in_(wanted))
        )
    ).all()
    ids = {(row.directory_id or "").lower(): row.id for row in rows}
    addresses = {row.email: row.id for row in rows}
    found = {one.id: ids.get(one.user_id) if one.user_id in ids else addresses.get(one.user_name) for one in seen}
    return {device: person_id for device, person_id in found.items() if person_id is not None}


def _made(work: UnitOfWork, one: Managed, now: datetime) -> int:
    """A device nobody knew."""
    as_reported = Report(source=SOURCE, name=one.name, serial=one.serial, agent_id=one.id)
    row = blank(Device) | {
        "identity": identity.free_identity(work.connection, as_reported, identity.Found(None)),
        "name": one.name,
        "serial": one.serial,
        "system": one.system,
        "agent": identity.MANAGED,
        "first_seen_at": one.synced_at or now,
        "recorded_at": now,
    }
    key = work.connection.execute(insert(table_of(Device)), row).inserted_primary_key
    assert key is not None  # noqa: S101  one row went in
    return int(key[0])


def _learn(writing: Writing, row: Row, one: Managed, person_id: int | None, now: datetime) -> None:
    """What Intune says of a device, where nothing better is known; an agent's word on its own machine stands."""
    at = one.synced_at or now
    facts: dict[str, Any] = {}
    if row["agent"] in ("", identity.MANAGED) and one.system:
        facts["system"] = one.system
    if one.serial and not row["serial"]:
        facts["serial"] = one.serial
    if row["person_source"] in _WEAKER and row["kind"] != "server":
        if person_id is not None and not (row["person_source"] == "" and row["person_id"] is not None):
            facts |= {"person_id": person_id, "person_source": BY_INTUNE}
        elif person_id is None and row["person_source"] == BY_INTUNE:
            facts |= {"person_id": None, "person_source": ""}
    last = row["last_seen_at"]
    if row["state"] != "live" and _is_back(row, one):
        facts |= {"state": "live", "retired_on": None, "retired_by_id": None}
    devices.learn(writing, row, facts, min(at, now), now)
    signs: dict[str, Any] = {"agent": row["agent"] or identity.MANAGED}
    if one.synced_at is not None:
        signs["last_seen_at"] = max(one.synced_at, last or one.synced_at)
        listed = one.synced_at - LIST_IS_BEHIND
        signs["software_at"] = max(listed, row["software_at"] or listed)
    if any(row[name] != value for name, value in signs.items()):
        row |= signs
        writing.change(row)


def _is_back(row: Row, one: Managed) -> bool:
    """Whether a device that was silent or retired was in touch since."""
    if one.synced_at is None or (row["last_seen_at"] is not None and one.synced_at <= row["last_seen_at"]):
        return False
    return row["retired_on"] is None or one.synced_at.date() > row["retired_on"]


def _doubt(work: UnitOfWork, device_id: int, choice: _Choice, now: datetime) -> None:
    """Put it to a person, once."""
    found = identity.Found(None, choice.words, choice.other_id)
    identity.remember(work.connection, found, device_id, now)


__all__ = ["BY_INTUNE", "SOURCE", "Managed", "settle"]
