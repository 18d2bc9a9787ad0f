"""What a position opens into: who and what takes a unit, row by row, with the ground it stands on.

The counterpart of `use`: one product at a time, for a page, an export or a comparison of two days. Only those who need
a unit of the product's own are in here; whom a suite or an exclusion takes out is named with that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, select

from licensing.position.count import core_count
from licensing.position.facts import CoreProfile, Metric, Server
from model.contracts import Exclusion
from model.inventory import Installation, Title
from model.licences import Seat
from model.people import Device, Person
from workflows.positions.asked import covers_of
from workflows.positions.earlier import said, stood
from workflows.positions.subjects import Subject
from workflows.positions.times import Times, open_on, versions


@dataclass(frozen=True)
class Ground:
    """A row of the registry that somebody's use stands on."""

    kind: str  # seat, installation
    row_id: int
    title_id: int | None = None


@dataclass
class Taker:
    """A person, or a device without one, and what they have of the product."""

    key: str  # person:7, device:12
    name: str
    units: Decimal = Decimal(0)  # 0 when a suite or exclusion takes them out
    grounds: list[Ground] = field(default_factory=list)
    suite: str = ""
    excluded: bool = False
    stale: bool = False


@dataclass(frozen=True)
class _Machine:
    """A device as it was on the day."""

    id: int
    name: str
    person_id: int | None
    kind: str
    site: str
    stale: bool
    processors: int | None
    cores: int | None


def takers(connection: Connection, times: Times, subject: Subject, metric: Metric, cores: CoreProfile) -> list[Taker]:
    """Everybody and everything that has the product, by name; units as the metric counts them."""
    installed = _installed(connection, times, subject) if subject.takes_devices else {}
    machines = _machines(connection, times, set(installed))
    seats = list(_seats(connection, times, subject)) if metric is Metric.NAMED_USER else []
    out = _Exclusions(connection, times, subject.product_id)
    suites = _Suites(connection, times, subject)
    names = _names(connection, {seat.person_id for seat in seats} | {one.person_id for one in machines.values()})
    found: dict[str, Taker] = {}
    whole: dict[str, list[str]] = defaultdict(list)
    for seat in seats:
        key = f"person:{seat.person_id}"
        if out.person(seat.person_id):
            found.setdefault(key, Taker(key, names[seat.person_id], excluded=True)).grounds.append(
                Ground("seat", seat.id)
            )
            continue
        taker = _counted(found, key, names[seat.person_id], Decimal(1))
        taker.grounds.append(Ground("seat", seat.id))
        whole[key].append("")
    for device_id, grounds in installed.items():
        machine = machines.get(device_id)
        if machine is None:
            continue
        by_person = metric is Metric.NAMED_USER and machine.person_id is not None
        key = f"person:{machine.person_id}" if by_person else f"device:{device_id}"
        name = names[machine.person_id] if by_person and machine.person_id is not None else machine.name
        if out.device(machine):
            found.setdefault(key, Taker(key, name, excluded=True)).grounds += grounds
            continue
        taker = _counted(found, key, name, _units(machine, metric, cores))
        taker.grounds += grounds
        taker.stale = machine.stale
        whole[key].append(suites.of_device(device_id))
        if not by_person and suites.of_person(machine.person_id):
            taker.suite = suites.of_device(device_id) or suites.of_person(machine.person_id)
    for key, taker in found.items():
        kind, _, row_id = key.partition(":")
        if kind == "person":
            taker.suite = suites.of_person(int(row_id))
        if not taker.suite and whole[key] and all(whole[key]):
            taker.suite = min(whole[key])
        if taker.suite or taker.excluded:
            taker.units = Decimal(0)
    return sorted(found.values(), key=lambda taker: (taker.name, taker.key))


def _counted(found: dict[str, Taker], key: str, name: str, units: Decimal) -> Taker:
    """The taker with this key; a person who counts by anything is not excluded by something else."""
    taker = found.setdefault(key, Taker(key, name))
    taker.excluded = False
    taker.units = units
    return taker


def _units(machine: _Machine, metric: Metric, cores: CoreProfile) -> Decimal:
    if metric is not Metric.CORE:
        return Decimal(1)
    counted, _ = core_count(Server(1, machine.kind == "virtual", machine.processors, machine.cores), cores)
    return Decimal(-(-counted // max(1, cores.pack)))


def _seats(connection: Connection, times: Times, subject: Subject) -> Iterator[Any]:
    still, ended = open_on(times, Seat.began_at, Seat.ended_at, Seat.recorded_at, Seat.end_recorded_at)
    query = select(Seat.id, Seat.person_id).where(Seat.product_id == subject.product_id, still | ended)
    if subject.sku_id is not None:
        query = query.where(Seat.sku_id == subject.sku_id)
    yield from connection.execute(query)
    for row in said(connection, Seat, times):
        here = row["product_id"] == subject.product_id and subject.sku_id in (None, row["sku_id"])
        if here and stood(row, times):
            yield SimpleNamespace(**row)


def titles_of(connection: Connection, times: Times, product_id: int) -> set[int]:
    """Titles that are this product, as known then."""
    before = versions(connection, "title", times)
    now = connection.execute(select(Title.id, Title.recorded_at).where(Title.product_id == product_id))
    found = {row.id for row in now if row.id not in before and (times.plain or row.recorded_at <= times.known_at)}
    return found | {row_id for row_id, facts in before.items() if facts.get("product_id") == product_id}


def _installed(connection: Connection, times: Times, subject: Subject) -> dict[int, list[Ground]]:
    still, ended = open_on(
        times, Installation.began_at, Installation.ended_at, Installation.recorded_at, Installation.end_recorded_at
    )
    found: dict[int, list[Ground]] = defaultdict(list)
    titles = titles_of(connection, times, subject.product_id)
    query = select(Installation.id, Installation.device_id, Installation.title_id).where(
        Installation.title_id.in_(titles), still | ended
    )
    for row in connection.execute(query):
        found[row.device_id].append(Ground("installation", row.id, row.title_id))
    for then in said(connection, Installation, times):
        if then["title_id"] in titles and stood(then, times):
            found[then["device_id"]].append(Ground("installation", then["id"], then["title_id"]))
    return found


def _machines(connection: Connection, times: Times, device_ids: set[int]) -> dict[int, _Machine]:
    before = versions(connection, "device", times)
    found = {}
    for row in connection.execute(select(Device).where(Device.id.in_(device_ids))):
        facts: Mapping[str, Any] = dict(row._mapping) | dict(before.get(row.id, {}))
        retired_on = facts["retired_on"]
        if isinstance(retired_on, str):
            retired_on = date.fromisoformat(retired_on)
        if facts["state"] == "retired" and not (retired_on is not None and retired_on > times.at):
            continue
        found[row.id] = _Machine(
            row.id,
            row.name,
            facts["person_id"],
            facts["kind"],
            facts["site"],
            facts["state"] == "stale",
            facts["processors"],
            facts["cores"],
        )
    return found


def _names(connection: Connection, ids: set[int | None]) -> dict[int, str]:
    rows = connection.execute(select(Person.id, Person.name).where(Person.id.in_([one for one in ids if one])))
    return {row.id: row.name for row in rows}


class _Exclusions:
    """Rights in force on the day that take somebody or something out of the count."""

    def __init__(self, connection: Connection, times: Times, product_id: int) -> None:
        query = select(Exclusion.device_id, Exclusion.person_id, Exclusion.site).where(
            Exclusion.product_id == product_id,
            Exclusion.starts_on <= times.at,
            Exclusion.ends_on >= times.at,
            Exclusion.recorded_at <= times.known_at,
        )
        self._rows: list[Any] = list(connection.execute(query))
        for row in said(connection, Exclusion, times):
            if row["product_id"] == product_id and row["starts_on"] <= times.at <= row["ends_on"]:
                self._rows.append(SimpleNamespace(**row))

    def person(self, person_id: int) -> bool:
        return any(row.person_id == person_id for row in self._rows)

    def device(self, machine: _Machine) -> bool:
        return any(
            row.device_id == machine.id
            or (row.person_id is not None and row.person_id == machine.person_id)
            or (row.site and row.site.lower() == machine.site.lower())
            for row in self._rows
        )


class _Suites:
    """Who and what is covered by a suite on the day."""

    def __init__(self, connection: Connection, times: Times, subject: Subject) -> None:
        self._people: dict[int, str] = {}
        self._devices: dict[int, str] = {}
        still, ended = open_on(times, Seat.began_at, Seat.ended_at, Seat.recorded_at, Seat.end_recorded_at)
        there, gone = open_on(
            times, Installation.began_at, Installation.ended_at, Installation.recorded_at, Installation.end_recorded_at
        )
        for cover in covers_of(connection, times, [subject]):
            seats = select(Seat.person_id).where(Seat.product_id == cover.suite[0], still | ended)
            if cover.suite[1]:
                seats = seats.where(Seat.sku_id == cover.suite[1])
            for person_id in connection.execute(seats).scalars():
                self._people[person_id] = min(self._people.get(person_id, cover.name), cover.name)
            devices = (
                select(Installation.device_id)
                .join(Title, Title.id == Installation.title_id)
                .where(Title.product_id == cover.suite[0], there | gone)
            )
            for device_id in connection.execute(devices).scalars():
                self._devices[device_id] = min(self._devices.get(device_id, cover.name), cover.name)

    def of_person(self, person_id: int | None) -> str:
        return self._people.get(person_id, "") if person_id is not None else ""

    def of_device(self, device_id: int) -> str:
        return self._devices.get(device_id, "")
