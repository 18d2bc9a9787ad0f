"""What was adopted with baselines and raises no alert: shortfalls still to be worked off, keys on several devices (§3).

A source keeps in `accepted_counts` what was short when it was accepted, and beside it what is left of that: a complete
run lowers it to the shortfall of that moment, so that what was worked off is not tolerated a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, select

from model.alerts import InstalledKey, InventorySource
from model.inventory import Installation
from model.people import Device
from model.session import UnitOfWork

SHORT, LEFT, KEYS = "short", "left", "keys"  # stored in `accepted_counts`


@dataclass(frozen=True)
class Adopted:
    """Of all accepted sources, the largest counts: shortfalls left by key of their alert, devices by fingerprint."""

    short: Mapping[str, Decimal] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Lowered:
    """What a complete run leaves of the shortfalls of one source, as it was accepted at that moment."""

    source: str
    accepted_at: datetime | None
    left: Mapping[str, str]


def adopted(sources: Iterable[Row[Any]]) -> Adopted:
    """What stands adopted with these accepted sources."""
    short: dict[str, Decimal] = {}
    keys: dict[str, int] = {}
    for source in sources:
        for key, left in _left(source.accepted_counts).items():
            short[key] = max(short.get(key, Decimal(0)), left)
        for fingerprint, devices in dict((source.accepted_counts or {}).get(KEYS) or {}).items():
            keys[fingerprint] = max(keys.get(fingerprint, 0), int(devices))
    return Adopted(short, keys)


def _left(counts: Mapping[str, Any] | None) -> dict[str, Decimal]:
    known = counts or {}
    stored = {**(known.get(SHORT) or {}), **(known.get(LEFT) or {})}
    return {key: Decimal(str(value)) for key, value in stored.items()}


def lowered(sources: Iterable[Row[Any]], short: Mapping[str, Decimal | None]) -> tuple[Lowered, ...]:
    """Which sources have less left than before. `short` is every shortfall now; None, not known, lowers nothing."""
    found = []
    for source in sources:
        before = _left(source.accepted_counts)
        now = {key: short.get(key, Decimal(0)) for key in before}
        after = {key: left if (known := now[key]) is None else min(left, known) for key, left in before.items()}
        if after != before:
            left = {key: str(value) for key, value in after.items()}
            found.append(Lowered(source.name, source.accepted_at, left))
    return tuple(found)


def lower(work: UnitOfWork, run: Iterable[Lowered]) -> None:
    """Keep what is left; a baseline accepted since the run was read stays as it is."""
    for one in run:
        source = work.session.execute(
            select(InventorySource)
            .where(InventorySource.name == one.source)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if source is not None and source.accepted_at == one.accepted_at:
            source.accepted_counts = {**source.accepted_counts, LEFT: dict(one.left)}
            work.session.flush()


def keys_on_several(connection: Connection, observed: Collection[str]) -> dict[str, int]:
    """Fingerprints on more than one device of sources that are not observed, with how many."""
    spoken = select(Installation.device_id).where(Installation.ended_at.is_(None), Installation.source.not_in(observed))
    devices = func.count(InstalledKey.device_id.distinct())
    rows = connection.execute(
        select(InstalledKey.fingerprint, devices.label("devices"))
        .join(Device, Device.id == InstalledKey.device_id)
        .where(InstalledKey.gone_at.is_(None), Device.state != "retired", InstalledKey.device_id.in_(spoken))
        .group_by(InstalledKey.fingerprint)
        .having(devices > 1)
    )
    return {row.fingerprint: row.devices for row in rows}
