"""Sources of inventories: each begins in observe, is accepted (`inventory_sources`), and goes back when it jumps.

`day_devices` is how many devices the source has at the end of `day` so far, `last_day_devices` how many before it. A
quiet Sunday therefore makes no jump of Monday. While a source is in observe nothing is sent to anybody (rules §3).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, insert, select, update

from licensing.words import plural
from model.alerts import InventorySource, SourceState
from model.events import Happened, Tag
from model.session import UnitOfWork
from workflows.policy import InventoryRules
from workflows.register.history import table_of

#: How exactly it is known when a source last reported; each inventory would write the same row otherwise.
SAID_EVERY = timedelta(hours=1)
_TABLE = table_of(InventorySource)
_HEARD = select(_TABLE.c.last_report_at).where(_TABLE.c.name == bindparam("source"))
_SAID = update(_TABLE).where(_TABLE.c.name == bindparam("source")).values(last_report_at=bindparam("now"))
_GROW = (
    update(_TABLE)
    .where(_TABLE.c.name == bindparam("source"))
    .values(
        last_day_devices=case(
            (_TABLE.c.day == bindparam("today"), _TABLE.c.last_day_devices), else_=_TABLE.c.day_devices
        ),
        day=bindparam("today"),
        day_devices=_TABLE.c.day_devices + bindparam("more"),
        last_report_at=bindparam("now"),
    )
    .returning(_TABLE.c.id, _TABLE.c.state, _TABLE.c.day_devices, _TABLE.c.last_day_devices)
)
_BACK = update(_TABLE).where(_TABLE.c.id == bindparam("source_id"))


class Heard:
    """When sources were last said to have reported, remembered so that not every inventory asks."""

    def __init__(self) -> None:
        self._at: dict[str, datetime] = {}

    def reported(self, work: UnitOfWork, name: str, *, new: bool, rules: InventoryRules, now: datetime) -> None:
        """A device of the source reported; `new`: for the first time."""
        if new:
            grew(work, name, 1, rules, now)
        elif (known := self._at.get(name)) is not None and now - known < SAID_EVERY:
            return
        else:
            stored = work.connection.execute(_HEARD, {"source": name}).one_or_none()
            if stored is None:
                grew(work, name, 1, rules, now)
            elif stored.last_report_at is not None and now - stored.last_report_at < SAID_EVERY:
                now = stored.last_report_at
            else:
                work.connection.execute(_SAID, {"source": name, "now": now})
        work.after_commit(lambda: self._at.update({name: now}))


def grew(work: UnitOfWork, name: str, more: int, rules: InventoryRules, now: datetime) -> None:
    """So many devices of the source reported for the first time. Makes the source, and takes it back when it jumps."""
    given = {"source": name, "today": now.date(), "more": more, "now": now}
    row = work.connection.execute(_GROW, given).one_or_none()
    if row is None and more == 0:
        return
    if row is None:
        made = {
            "name": name,
            "state": SourceState.OBSERVE,
            "since": now,
            "day": now.date(),
            "day_devices": more,
            "last_report_at": now,
        }
        work.connection.execute(insert(InventorySource), made)
        return
    before = row.last_day_devices
    allowed = max(rules.growth_from_devices, before * rules.growth_back_to_observe_percent / 100)
    if row.state != SourceState.ACCEPTED or row.day_devices - before <= allowed:
        return
    words = (
        f"{plural(row.day_devices - before, 'new device')} in a day, on top of {before:,}: more than the "
        f"{rules.growth_back_to_observe_percent} per cent that policy allows. Accept it again to go on."
    )
    back = _BACK.values(state=SourceState.OBSERVE, since=now, words=words)
    work.connection.execute(back, {"source_id": row.id})
    facts = {"devices": row.day_devices, "before": before}
    work.record([Happened(Tag.SOURCE_RETURNED, "policy", f"source:{name}", facts)], now)
