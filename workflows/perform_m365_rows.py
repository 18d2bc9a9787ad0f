"""Microsoft's answers as rows of our tables, and parts of answers read ahead of being stored."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event, Semaphore
from typing import Any, TypeVar

from integrations import graph_types as g
from licensing.sku_names import sku_name

Part = TypeVar("Part")
#: Parts of one source that may lie unstored.
AHEAD = 2


def soonest(*sources: Iterator[Part]) -> Generator[Part, None, None]:
    """The parts of all sources as they come, each source in its order and read by a thread of its own.

    Each is at most `AHEAD` parts before what was taken of it, so that storing one part keeps no other from being read
    and memory stays flat. Close it: readings under way are waited for.
    """
    ready: Queue[tuple[Semaphore, Part | None, BaseException | None]] = Queue()
    closed = Event()

    def read(source: Iterator[Part], room: Semaphore) -> None:
        part: Part | None = None
        trouble: BaseException | None = None
        while room.acquire() and not closed.is_set():
            try:
                part = next(source, None)
            except BaseException as error:  # noqa: BLE001  raised where the parts are taken
                part, trouble = None, error
            ready.put((room, part, trouble))
            if part is None:
                return

    rooms = [Semaphore(AHEAD) for _ in sources]
    with ThreadPoolExecutor(len(sources), thread_name_prefix="reading") as readers:
        try:
            for source, room in zip(sources, rooms, strict=True):
                readers.submit(read, source, room)
            left = len(sources)
            while left:
                room, part, trouble = ready.get()
                if trouble is not None:
                    raise trouble
                if part is None:
                    left -= 1
                    continue
                room.release()
                yield part
        finally:
            closed.set()
            for room in rooms:
                room.release()


def sku_row(one: g.SubscribedSku) -> dict[str, Any]:
    """A SKU in the columns of `VendorSku`."""
    return {
        "sku_guid": one.sku_id,
        "part_number": one.part_number[:120],
        "name": sku_name(one.sku_id, one.part_number)[:256],
        "applies_to": one.applies_to,
        "status": one.status,
        "enabled": one.enabled,
        "consumed": one.consumed,
        "warning": one.warning,
        "suspended": one.suspended,
        "locked_out": one.locked_out,
    }


def subscription_row(one: g.Subscription) -> dict[str, Any]:
    """A subscription in the columns of `VendorSubscription`."""
    return {
        "subscription_id": one.id,
        "sku_guid": one.sku_id,
        "part_number": one.part_number[:120],
        "status": one.status,
        "units": one.total,
        "trial": one.is_trial,
        "next_change_on": one.next_lifecycle_at.date() if one.next_lifecycle_at else None,
        "created_on": one.created_at.date() if one.created_at else None,
    }


def group_row(group_id: str, facts: g.GroupFacts | None) -> dict[str, str]:
    """A group in the columns of `LicensingGroup`; None: it is gone."""
    if facts is None:
        return {"group_id": group_id, "name": "", "obstacle": "gone"}
    obstacles = {"dynamic": facts.dynamic, "synced": facts.synced, "role_assignable": facts.role_assignable}
    return {
        "group_id": group_id,
        "name": facts.name[:256],
        "obstacle": next((name for name, stands in obstacles.items() if stands), ""),
    }
