"""On which days a session of a product needs no unit: its person or device is excluded, or has a suite that covers it.

As for all other use (`use_sql`): an exclusion names a device, a person, or a site where the device stands; a suite is
held by the person or installed on the device. A session without a person is taken to be of the device's person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from licensing.position.facts import Spared
from model.contracts import Exclusion
from model.inventory import Installation, Title, UseSession
from model.licences import Seat
from model.people import Device
from workflows.positions.earlier import said
from workflows.positions.times import Times, versions
from workflows.positions.use_then import Cover
from workflows.register.history import table_of

_Row = Mapping[str, Any]


@dataclass
class Rights:
    """What spares sessions of one product, by whom, by which device, and at which site."""

    devices: dict[int, tuple[int | None, str]]  # person and site of each device with a session, as it was
    by_person: dict[int, list[Spared]] = field(default_factory=lambda: defaultdict(list))
    by_device: dict[int, list[Spared]] = field(default_factory=lambda: defaultdict(list))
    by_site: dict[str, list[Spared]] = field(default_factory=lambda: defaultdict(list))

    def of(self, person_id: int | None, device_id: int | None) -> tuple[Spared, ...]:
        """What holds for a session of that person on that device."""
        owner, site = self.devices.get(device_id, (None, "")) if device_id is not None else (None, "")
        whose = person_id if person_id is not None else owner
        return (
            *(self.by_person.get(whose, ()) if whose is not None else ()),
            *(self.by_device.get(device_id, ()) if device_id is not None else ()),
            *(self.by_site.get(site, ()) if site else ()),
        )


def rights(connection: Connection, times: Times, product_id: int, covers: Sequence[Cover]) -> Rights:
    """All exclusions of the product, and the suites among `covers` with the days on which they were there."""
    found = Rights(_devices(connection, times, product_id))
    _exclude(found, connection, times, product_id)
    if covers:
        _by_seat(found, connection, times, product_id, covers)
        _by_installation(found, connection, times, product_id, covers)
    return found


def _with_session(product_id: int) -> Select[tuple[int | None]]:
    return select(UseSession.device_id).where(UseSession.product_id == product_id)


def _devices(connection: Connection, times: Times, product_id: int) -> dict[int, tuple[int | None, str]]:
    query = select(Device.id, Device.person_id, Device.site).where(Device.id.in_(_with_session(product_id)))
    found = {row.id: (row.person_id, row.site.casefold()) for row in connection.execute(query)}
    for device_id, facts in versions(connection, "device", times).items():
        if device_id in found:
            found[device_id] = facts["person_id"], facts["site"].casefold()
    return found


def _rows(connection: Connection, query: Select[Any]) -> list[_Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _exclude(found: Rights, connection: Connection, times: Times, product_id: int) -> None:
    known = select(table_of(Exclusion)).where(Exclusion.recorded_at <= times.known_at)
    then = [row for row in said(connection, Exclusion, times) if row["product_id"] == product_id]
    for row in [*_rows(connection, known.where(Exclusion.product_id == product_id)), *then]:
        days = Spared(row["starts_on"], row["ends_on"])
        if row["device_id"] is not None:
            found.by_device[row["device_id"]].append(days)
        if row["person_id"] is not None:
            found.by_person[row["person_id"]].append(days)
        if row["site"]:
            found.by_site[row["site"].casefold()].append(days)


def _by_seat(found: Rights, connection: Connection, times: Times, product_id: int, covers: Sequence[Cover]) -> None:
    """Seats of a suite, of people who have a session."""
    working = select(UseSession.person_id).where(UseSession.product_id == product_id)
    people = {person_id for person_id, _ in found.devices.values()} | set(connection.execute(working).scalars())
    suites = {cover.suite[0] for cover in covers}
    known = select(table_of(Seat)).where(Seat.product_id.in_(suites), Seat.recorded_at <= times.known_at)
    if times.plain:  # of another day a device may have been somebody else's
        owning = select(Device.person_id).where(Device.id.in_(_with_session(product_id)))
        known = known.where(or_(Seat.person_id.in_(working), Seat.person_id.in_(owning)))
    for row in [*_rows(connection, known), *said(connection, Seat, times)]:
        if row["person_id"] in people:
            for cover in covers:
                if row["product_id"] == cover.suite[0] and cover.suite[1] in (0, row["sku_id"]):
                    found.by_person[row["person_id"]] += _counted(row, times, cover)


def _by_installation(
    found: Rights, connection: Connection, times: Times, product_id: int, covers: Sequence[Cover]
) -> None:
    """Suites on devices that have a session."""
    of_suite = select(Title.id, Title.product_id).where(Title.product_id.in_({cover.suite[0] for cover in covers}))
    titles = {row.id: row.product_id for row in connection.execute(of_suite)}
    known = select(table_of(Installation)).where(
        Installation.device_id.in_(_with_session(product_id)),
        Installation.title_id.in_(of_suite.with_only_columns(Title.id)),
        Installation.recorded_at <= times.known_at,
    )
    for row in [*_rows(connection, known), *said(connection, Installation, times)]:
        if row["device_id"] in found.devices and row["title_id"] in titles:
            for cover in covers:
                if titles[row["title_id"]] == cover.suite[0]:
                    found.by_device[row["device_id"]] += _counted(row, times, cover)


def _counted(row: _Row, times: Times, cover: Cover) -> list[Spared]:
    """The days on which a seat or installation counts: up to, not on, the day it ended, as far as that was known."""
    ended_at = row["ended_at"]
    if ended_at is not None and (row["end_recorded_at"] or ended_at) > times.known_at and not times.plain:
        ended_at = None
    first: date = row["began_at"].date()
    last = ended_at.date() - timedelta(days=1) if ended_at is not None else None
    return [Spared(first, last, cover.name)] if last is None or first <= last else []
