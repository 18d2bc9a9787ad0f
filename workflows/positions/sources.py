"""How old the figures are: the register, and each outside source with its last complete run.

Read in the statement of the subjects: asked by itself it takes longer on its way than to be answered.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, func, select

from licensing.position.facts import Source
from model.base import UtcTime
from model.people import Device
from model.tickets import SyncRun
from workflows.positions.times import Times

_NAMES = {"devices": "devices", "directory": "the staff directory", "figures": "Microsoft 365"}
#: When each was read, not after `known_at`.
COLUMNS = [
    select(func.max(Device.last_seen_at)).scalar_subquery().label("read_devices"),
    *(
        select(func.max(SyncRun.ended_at))
        .where(
            SyncRun.source == name,
            SyncRun.outcome == "done",
            SyncRun.ended_at <= bindparam("known_at", type_=UtcTime),
        )
        .scalar_subquery()
        .label(f"read_{name}")
        for name in ("directory", "figures")
    ),
]


def sources(row: Any, times: Times) -> tuple[Source, ...]:
    """What a row with these columns says."""
    read = ((words, getattr(row, f"read_{name}")) for name, words in _NAMES.items())
    return (
        Source("the licence register", min(times.known_at, times.now)),
        *(Source(words, at) for words, at in read if at is not None),
    )
