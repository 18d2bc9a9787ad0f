"""Devices that may be one or two, as a person must see them to say which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Label, RowMapping, select
from sqlalchemy.orm import aliased

from model.alerts import DeviceDoubt
from model.people import Device
from workflows.reads.facts import Who
from workflows.reads.people import people


@dataclass(frozen=True)
class DeviceFacts:
    """A device by what a person at it can check."""

    id: int
    name: str
    serial: str
    system: str
    agent: str
    last_seen_at: datetime | None


@dataclass(frozen=True)
class DoubtFacts:
    """One question. `other` None: about one row that may be two machines. `decision`: "", one, two or moot."""

    id: int
    words: str
    device: DeviceFacts
    other: DeviceFacts | None
    seen_at: datetime
    decision: str
    decided_by: Who | None

    @property
    def open(self) -> bool:
        return not self.decision


def doubts(connection: Connection, ids: Collection[int] | None = None) -> list[DoubtFacts]:
    """Questions by id, or all that are open; the oldest first, in two queries."""
    other = aliased(Device)
    query = (
        select(*DeviceDoubt.__table__.c, *_columns(Device, "d"), *_columns(other, "o"))
        .join(Device, Device.id == DeviceDoubt.device_id)
        .outerjoin(other, other.id == DeviceDoubt.other_id)
        .order_by(DeviceDoubt.id)
    )
    query = query.where(DeviceDoubt.decision == "") if ids is None else query.where(DeviceDoubt.id.in_(ids))
    rows = connection.execute(query).mappings().all()
    known = people(connection, [row["decided_by_id"] for row in rows])
    return [
        DoubtFacts(
            row["id"],
            row["words"],
            _device(row, "d"),
            _device(row, "o") if row["other_id"] is not None else None,
            row["seen_at"],
            row["decision"],
            known.get(row["decided_by_id"] or 0),
        )
        for row in rows
    ]


_NAMES = ("id", "name", "serial", "system", "agent", "last_seen_at")


def _columns(table: Any, prefix: str) -> list[Label[Any]]:
    return [getattr(table, name).label(f"{prefix}_{name}") for name in _NAMES]


def _device(row: RowMapping, prefix: str) -> DeviceFacts:
    return DeviceFacts(*(row[f"{prefix}_{name}"] for name in _NAMES))
