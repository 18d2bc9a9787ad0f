"""Sources of inventories: each begins in observe, is accepted (`inventory_sources`), and goes back when it jumps.

`day_devices` is how many devices the source has at the end of `day` so far, `last_day_devices` how many before it. A
quiet Sunday therefore makes no jump of Monday. While a source is in observe nothing is sent to anybody (rules §3).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from licensing.words import plural
from model.alerts import InventorySource, SourceState
from model.events import Happened, Tag
from model.session import UnitOfWork
from workflows.policy import InventoryRules

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
