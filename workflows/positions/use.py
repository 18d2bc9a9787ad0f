"""Who uses what, in one statement for any number of products: rows become groups of alike users in the database.

Ten million installations must not pass through Python. Each statement first reduces installations to one row per
product and device, then, where people are counted or one person may use a second device, to one row per product and
person, and counts what is alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from licensing.position.facts import Installed, Server, Users
from workflows.positions.earlier import earlier
from workflows.positions.times import Times, versions
from workflows.positions.use_sql import statement
from workflows.positions.use_then import DEVICES, PARTS, VERSIONS, Cover, Plan

Key = tuple[int, int]


def users(
    connection: Connection,
    plan: Plan,
    products: Collection[int],
    times: Times,
    *,
    base_sku: Mapping[int, int],
    covers: Sequence[Cover],
    idle_after: Mapping[int, int],
    by_year: Collection[int] = (),
) -> Iterator[tuple[Key, Users | Server, bool]]:
    """Groups as ((product, tier or 0), group, excluded by a right in the contract), in no order.

    With `plan.servers` the groups are machines with their cores, else people or devices.
    """
    made = statement(
        plan,
        products,
        times,
        sqlite=connection.dialect.name == "sqlite",
        base_sku=base_sku,
        covers=covers,
        idle_after=idle_after,
        device_before=versions(connection, "device", times),
        title_before=versions(connection, "title", times),
        by_year=by_year,
        before=earlier(connection, times),
    )
    # not through a server-side cursor: PostgreSQL plans no parallel work for one, and groups are few
    yield from groups_of(connection.execute(made).all(), plan)


def groups_of(rows: Iterable[Any], plan: Plan) -> Iterator[tuple[Key, Users | Server, bool]]:
    """What the rows of `statement` say, one group a row."""
    for row in rows:
        group = _server(row) if plan.servers else _users(row, plan)
        yield (row.product_id, row.sku_id), group, bool(row.excluded)


def _server(row: Any) -> Server:
    return Server(
        count=row.n,
        virtual=bool(row.virtual_machine),
        processors=row.processors,
        cores=row.cores,
        stale=bool(row.stale),
        undecided=bool(row.undecided),
        suite=row.suite or "",
        version=newest(row.versions),
    )


def _users(row: Any, plan: Plan) -> Users:
    return Users(
        count=row.n,
        person=bool(row.person),
        seat=bool(row.seat),
        devices=_devices(row, plan),
        suite=row.suite or "",
        idle=None if row.idle is None else bool(row.idle),
        leaver=bool(row.leaver),
        undecided=bool(row.undecided),
    )


def _devices(row: Any, plan: Plan) -> tuple[Installed, ...]:
    if not plan.people:
        return (Installed(newest(row.versions), bool(row.portable), bool(row.stale_n), row.site),)
    if row.versions:
        return tuple(_installed(text) for text in sorted(row.versions.split(DEVICES)))
    stale: int = row.stale_n
    live: int = row.devices_n - stale
    return (Installed(),) * live + (Installed(stale=True),) * stale


def _installed(text: str) -> Installed:
    stale, portable, site, found = text.split(PARTS)
    return Installed(newest(found), portable == "1", stale == "1", site)


def newest(found: str) -> str:
    """The newest of the versions on one device: it decides which right is needed."""
    return max(found.split(VERSIONS), key=_parts)


def _parts(version: str) -> tuple[tuple[int, ...], str]:
    digits = "".join(letter if letter.isdigit() else " " for letter in version).split()
    return tuple(int(one) for one in digits), version
