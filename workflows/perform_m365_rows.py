"""Microsoft's answers as rows of our tables, and pages read one ahead of being stored."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from integrations import graph_types as g
from integrations.graph_listing import UserPage
from licensing.sku_names import sku_name

Part = TypeVar("Part")


def ahead(
    call: Callable[[str], UserPage], first: UserPage, go_on: Callable[[], bool]
) -> Generator[UserPage, None, None]:
    """Pages from the first on; while one is stored the next is fetched. It ends early when `go_on` says no.

    Close it: a fetch under way is waited for.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="page") as fetcher:
        page = first
        while page.next_link is not None and go_on():
            fetching = fetcher.submit(call, page.next_link)
            yield page
            page = fetching.result()
        yield page


def read_ahead(parts: Iterator[Part]) -> Generator[Part, None, None]:
    """Parts as they come; while one is stored the next is read. Close it: a reading under way is waited for."""
    with ThreadPoolExecutor(1, thread_name_prefix="parts") as reader:
        part = next(parts, None)
        while part is not None:
            reading = reader.submit(next, parts, None)
            yield part
            part = reading.result()


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
