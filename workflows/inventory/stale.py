"""Devices that stopped reporting turn stale, which is not clean: they count until a person retires them (rules §1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from model.events import Happened, Tag
from model.people import Device
from model.session import UnitOfWork
from workflows.policy import InventoryRules
from workflows.register.devices import learn
from workflows.register.history import Writing, chunks, load

LIVE, STALE = "live", "stale"


def mark(work: UnitOfWork, rules: InventoryRules, now: datetime) -> int:
    """Mark live devices whose agent is silent for longer than policy allows; returns how many. The caller commits."""
    silent = select(Device.id).where(
        Device.last_seen_at < now - timedelta(days=rules.stale_after_days), Device.state == LIVE, Device.agent != ""
    )
    device_ids = list(work.connection.execute(silent.order_by(Device.id)).scalars())
    for part in chunks(device_ids):
        writing = Writing(work, Device)
        for row in load(work, Device, "id", part):
            learn(writing, row, {"state": STALE}, now, now)
        writing.flush()
    if device_ids:
        facts = {"devices": len(device_ids), "after_days": rules.stale_after_days}
        work.record([Happened(Tag.DEVICES_SILENT, "clock", "inventory:devices", facts)], now)
    return len(device_ids)
