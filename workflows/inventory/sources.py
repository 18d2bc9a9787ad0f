"""Sources of inventories: each begins in observe, is accepted by a licence manager, and goes back when it jumps.

`day_devices` is how many devices the source has at the end of `day` so far, `last_day_devices` how many before it. A
quiet Sunday therefore makes no jump of Monday. While a source is in observe nothing is sent to anybody (rules §3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, distinct, func, insert, or_, select, update

from licensing.words import joined, plural
from model.alerts import DeviceReport, InventorySource, SourceState
from model.events import Happened, Tag
from model.inventory import Installation, Title
from model.people import Person, Role, RoleGrant
from model.session import UnitOfWork
from workflows.inventory_sources import accept_baseline
from workflows.policy import InventoryRules
from workflows.refusals import Refusal

#: How exactly it is known when a source last reported; each inventory would write the same row otherwise.
SAID_EVERY = timedelta(hours=1)
_SOURCE = select(
    InventorySource.id,
    InventorySource.state,
    InventorySource.day,
    InventorySource.day_devices,
    InventorySource.last_day_devices,
    InventorySource.last_report_at,
).where(InventorySource.name == bindparam("name"))
_SOURCE_LOCKED = _SOURCE.with_for_update()


class SourceRefused(Refusal):
    """A source cannot be accepted; the sentence says why."""


@dataclass(frozen=True)
class Source:
    """A source as people see it."""

    name: str
    state: SourceState
    since: datetime
    last_report_at: datetime | None
    counts: Mapping[str, int]
    accepted_by: str
    words: str


def accepted(connection: Connection) -> frozenset[str]:
    """The sources that may be acted on."""
    rows = select(InventorySource.name).where(InventorySource.state == SourceState.ACCEPTED)
    return frozenset(connection.execute(rows).scalars())


def reported(work: UnitOfWork, name: str, *, new: bool, rules: InventoryRules, now: datetime) -> None:
    """A device of the source reported; `new`: for the first time. Makes the source, and takes it back when it jumps."""
    row = work.connection.execute(_SOURCE_LOCKED if new else _SOURCE, {"name": name}).one_or_none()
    if row is None:
        made = {
            "name": name,
            "state": SourceState.OBSERVE,
            "since": now,
            "day": now.date(),
            "day_devices": 1,
            "last_report_at": now,
        }
        work.connection.execute(insert(InventorySource), made)
        return
    values: dict[str, Any] = {}
    if row.last_report_at is None or now - row.last_report_at >= SAID_EVERY:
        values["last_report_at"] = now
    if new:
        before = row.day_devices if row.day != now.date() else row.last_day_devices
        values |= {"day": now.date(), "day_devices": row.day_devices + 1, "last_day_devices": before}
        more = values["day_devices"] - before
        if row.state == SourceState.ACCEPTED and more > max(
            rules.growth_from_devices, before * rules.growth_back_to_observe_percent / 100
        ):
            words = (
                f"{plural(more, 'new device')} in a day, on top of {before:,}: more than the "
                f"{rules.growth_back_to_observe_percent} per cent that policy allows. Accept it again to go on."
            )
            values |= {"state": SourceState.OBSERVE, "since": now, "words": words}
            facts = {"devices": values["day_devices"], "before": before}
            work.record([Happened(Tag.SOURCE_RETURNED, "policy", f"source:{name}", facts)], now)
    if values:
        work.connection.execute(update(InventorySource).where(InventorySource.id == row.id).values(values))


def accept(work: UnitOfWork, name: str, by_email: str, now: datetime) -> Source:
    """Accept the baseline: what exists now is adopted and not alerted. Raises SourceRefused; the caller commits."""
    person_id = _licence_manager(work.connection, by_email, now)
    row = work.connection.execute(
        select(InventorySource.id, InventorySource.state).where(InventorySource.name == name).with_for_update()
    ).one_or_none()
    if row is None:
        known = list(work.connection.execute(select(InventorySource.name).order_by(InventorySource.name)).scalars())
        there = f"There are: {joined(known)}." if known else "No agent has reported yet."
        raise SourceRefused(f"There is no source {name}. {there}")
    if row.state == SourceState.ACCEPTED:
        raise SourceRefused(f"{name} is accepted already.")
    accept_baseline(work, row.id, person_id, {Role.LICENCE_MANAGER}, now)
    return next(one for one in listed(work.connection) if one.name == name)


def counts_of(connection: Connection, name: str) -> dict[str, int]:
    """What a source holds now: devices, installations, and titles nobody has decided about."""
    devices = select(func.count(distinct(DeviceReport.device_id))).where(DeviceReport.source == name)
    open_rows = (Installation.source == name, Installation.ended_at.is_(None))
    installations = select(func.count()).select_from(Installation).where(*open_rows)
    undecided = (
        select(func.count(distinct(Title.id)))
        .select_from(Installation)
        .join(Title, Title.id == Installation.title_id)
        .where(*open_rows, Title.kind.in_(("ask", "unrecognised")))
    )
    statements = {"devices": devices, "installations": installations, "undecided": undecided}
    return {what: int(connection.execute(one).scalar_one()) for what, one in statements.items()}


def listed(connection: Connection) -> list[Source]:
    """All sources, by name."""
    rows = connection.execute(
        select(
            InventorySource.name,
            InventorySource.state,
            InventorySource.since,
            InventorySource.last_report_at,
            InventorySource.words,
            Person.name.label("person"),
        )
        .outerjoin(Person, Person.id == InventorySource.accepted_by_id)
        .order_by(InventorySource.name)
    ).all()
    return [
        Source(
            row.name,
            SourceState(row.state),
            row.since,
            row.last_report_at,
            counts_of(connection, row.name),
            row.person or "",
            row.words,
        )
        for row in rows
    ]


def _licence_manager(connection: Connection, email: str, now: datetime) -> int:
    found = connection.execute(
        select(Person.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            Person.email == email.strip().lower(),
            Person.active,
            RoleGrant.role == Role.LICENCE_MANAGER,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
    ).scalar()
    if found is None:
        raise SourceRefused(
            f"{email} is no licence manager, and only they accept a baseline. "
            f"Give the role: seatkeeper role give {email} licence_manager"
        )
    return int(found)
