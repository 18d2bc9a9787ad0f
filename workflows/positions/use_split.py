"""Who uses what, of the many products of which little is asked: counted from an index alone, several at a time.

A full count on PostgreSQL reads ten million installations. Nearly all lie on devices that count by one: live, and of
somebody who is here. Those are counted per product in the order of an index, as the best single aggregate would, and
only the devices that count otherwise are looked at one by one. Two connections that see the same moment of the data
work at once, a share of the products after the other, so that the positions of the first are computed while the last
are still counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from licensing.position.facts import Installed, Users
from model.base import UtcTime
from workflows.positions.times import Times
from workflows.positions.use import newest
from workflows.positions.use_then import VERSIONS, Plan, version_of

#: Below this many products asking for each by name is quicker.
MANY = 200
#: Shares of the products: what comes of one is computed while the next is counted.
SHARES = 8
#: For each connection: what a statement sorts and hashes stays in memory, and none is worth compiling.
_SETTINGS = ("SET LOCAL work_mem = '64MB'", "SET LOCAL jit = off")


@dataclass(frozen=True)
class Alike:
    """Products whose devices differ by nothing that counts, but `by_version` by that; `by_year`: see `use_sql`."""

    by_device: frozenset[int] = frozenset()
    by_version: frozenset[int] = frozenset()
    by_person: frozenset[int] = frozenset()
    by_year: frozenset[int] = frozenset()

    @property
    def all(self) -> frozenset[int]:
        return self.by_device | self.by_version | self.by_person

    def among(self, products: Collection[int]) -> Alike:
        chosen = frozenset(products)
        return Alike(self.by_device & chosen, self.by_version & chosen, self.by_person & chosen, self.by_year)


def fits(plan: Plan, times: Times) -> bool:
    """Whether at most the version tells one device of these products from another, and the question is about now."""
    rich = plan.portable or plan.sites or plan.servers or (plan.people and (plan.devices or plan.versions))
    return times.plain and not (rich or plan.exclusions or plan.undecided or plan.signals or plan.judged)


@contextmanager
def counting(connection: Connection, times: Times, alike: Alike, order: Sequence[int]) -> Iterator[Counting]:
    """Begins to count; products are wanted in `order`. No suite covers any of them, and none has tiers."""
    if not alike.all:
        yield Counting((), Future())
        return
    among = alike.all
    wanted = [one for one in dict.fromkeys(order) if one in among]
    size = -(-len(wanted) // SHARES)
    parts = [alike.among(wanted[first : first + size]) for first in range(0, len(wanted), size)]
    taken: dict[int, str] = {}

    def everywhere(hand: Connection, name: str, number: int) -> dict[int, Counter[str]] | None:
        """None where the other hand took it."""
        return _everywhere(hand, times, parts[number]) if taken.setdefault(number, name) == name else None

    with (
        _same_moment(connection) as one,
        _same_moment(connection) as other,
        ThreadPoolExecutor(1) as first,
        ThreadPoolExecutor(1) as second,
    ):
        special = first.submit(_special, one, times, alike)
        people = [first.submit(_people, one, times, part) for part in parts]
        # whoever has done its own work takes from the other's, which is in order, the last
        from_last = [first.submit(everywhere, one, "first", number) for number in reversed(range(len(parts)))]
        in_order = [second.submit(everywhere, other, "second", number) for number in range(len(parts))]
        shares = map(_Share, parts, people, in_order, reversed(from_last))
        try:
            yield Counting(tuple(shares), special)
        finally:
            for hand in (first, second):
                hand.shutdown(wait=True, cancel_futures=True)


class Counting:
    """What the two connections bring, product by product as it is asked for."""

    def __init__(self, shares: Sequence[_Share], special: Future[_Special]) -> None:
        self._shares = {product_id: share for share in shares for product_id in share.alike.all}
        self._special = special

    def of(self, product_id: int) -> list[Users]:
        """Groups of alike users of the product; waits until it is counted. None of a product that is not among them."""
        share = self._shares.get(product_id)
        if share is None:
            return []
        person = product_id in share.alike.by_person
        special = (share.people if person else self._special).result()
        groups = list(special.groups.get(product_id, ()))
        lone: Mapping[str, int] = special.lone.get(product_id, {})
        for version, devices in share.everywhere().get(product_id, {}).items():
            if (count := devices - lone.get(version, 0)) > 0:
                groups.append(Users(count, person=person, devices=(Installed(version),)))
        return groups


@dataclass(frozen=True)
class _Share:
    alike: Alike
    people: Future[_Special]
    in_order: Future[dict[int, Counter[str]] | None]
    from_last: Future[dict[int, Counter[str]] | None]

    def everywhere(self) -> dict[int, Counter[str]]:
        found = self.in_order.result()
        return found if found is not None else self.from_last.result() or {}


@dataclass(frozen=True)
class _Special:
    """Of the devices that do not count by one: how many have an open row of a product, by version, and what they are
    instead."""

    lone: Mapping[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    groups: Mapping[int, list[Users]] = field(default_factory=lambda: defaultdict(list))

    def devices(self, product_id: int, kind: int, version: str, count: int) -> None:
        if not kind & GONE:
            devices = (Installed(version, stale=bool(kind & STALE)),)
            self.groups[product_id].append(Users(count, person=False, devices=devices, leaver=bool(kind & LEAVER)))

    def people(
        self, product_id: int, kind: int, count: int, *, person: bool, seat: bool = False, devices: bool = True
    ) -> None:
        if not kind & GONE:
            having = (Installed(stale=bool(kind & STALE)),) if devices else ()
            self.groups[product_id].append(
                Users(count, person=person, seat=seat, devices=having, leaver=bool(kind & LEAVER))
            )


@contextmanager
def _same_moment(connection: Connection) -> Iterator[Connection]:
    """Another connection that sees what `connection` sees."""
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    with connection.engine.connect() as beside:
        beside.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        beside.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        for setting in _SETTINGS:
            beside.exec_driver_sql(setting)
        yield beside


def _rows(connection: Connection, times: Times, sql: str) -> Sequence[Row[Any]]:
    binds = [bindparam("after", times.after, UtcTime())] if ":after" in sql else []
    binds += [bindparam("at", times.at)] if ":at" in sql else []
    return connection.execute(text(sql).bindparams(*binds)).all()


def _ids(products: Collection[int]) -> str:
    return ", ".join(str(int(one)) for one in sorted(products)) or "0"


# -- all devices -------------------------------------------------------------------------------------------------------

#: A share's products come in the order of their index, so that each is counted by itself and nothing is hashed.
_OPEN = """
FROM title t JOIN installation i ON i.title_id = t.id
WHERE t.product_id IN ({ids}) AND i.ended_at IS NULL AND i.began_at < :after
"""
_EVERYWHERE = f"SELECT t.product_id, count(DISTINCT i.device_id) AS n {_OPEN} GROUP BY t.product_id"
_VERSIONS_EVERYWHERE = f"""
SELECT product_id, versions, count(*) AS n
FROM (
    SELECT t.product_id, string_agg({{version}}, '{VERSIONS}') AS versions {_OPEN} GROUP BY t.product_id, i.device_id
) d
GROUP BY product_id, versions
"""


def _everywhere(connection: Connection, times: Times, alike: Alike) -> dict[int, Counter[str]]:
    """Devices that have a product by the newest version on them, "" where versions play no part."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if counted := alike.by_device | alike.by_person:
        for row in _rows(connection, times, _EVERYWHERE.format(ids=_ids(counted))):
            found[row.product_id][""] = row.n
    if alike.by_version:
        sql = _VERSIONS_EVERYWHERE.format(ids=_ids(alike.by_version), version=version_of(alike.by_year))
        for row in _rows(connection, times, sql):
            found[row.product_id][newest(row.versions)] += row.n
    return found


# -- the devices that count otherwise ----------------------------------------------------------------------------------

#: For bits of `kind`: a device that differs by none of them counts like most.
STALE, LEAVER, GONE = 1, 2, 4
_LEFT = "(p.leaves_on < :at OR (p.leaves_on IS NULL AND NOT p.active))"
#: A temporary table. `always` are devices that are stale, retired or a leaver's; the others are looked at where people
#: count: those without a person, of people with several, and of people with a seat. `later` have a row that ended and
#: yet counts; `apart` are all of whom one row does not tell how their person counts.
_DEVICES = f"""
CREATE TEMPORARY TABLE special_device ON COMMIT DROP AS
SELECT d.id, coalesce(d.person_id, -d.id) AS who,
       CASE WHEN d.state = 'stale' THEN {STALE} ELSE 0 END + CASE WHEN g.id IS NOT NULL THEN {LEAVER} ELSE 0 END
       + CASE WHEN d.state <> 'retired' OR d.retired_on > :at THEN 0 ELSE {GONE} END AS kind,
       d.state <> 'live' OR g.id IS NOT NULL AS always, e.device_id IS NOT NULL AS later,
       e.device_id IS NOT NULL OR coalesce(m.apart, false) AS apart
FROM device d
LEFT JOIN (SELECT p.id FROM person p WHERE {_LEFT}) g ON g.id = d.person_id
LEFT JOIN (SELECT DISTINCT device_id FROM installation WHERE ended_at >= :after) e ON e.device_id = d.id
LEFT JOIN (
    SELECT person_id, bool_or(apart) AS apart
    FROM (
        SELECT x.person_id, bool_or(x.state <> 'live' OR y.device_id IS NOT NULL) AS apart
        FROM device x
        LEFT JOIN (SELECT DISTINCT device_id FROM installation WHERE ended_at >= :after) y ON y.device_id = x.id
        WHERE x.person_id IS NOT NULL GROUP BY x.person_id HAVING count(*) > 1
        UNION ALL
        SELECT person_id, true FROM seat WHERE product_id IN ({{ids}}) AND (ended_at IS NULL OR ended_at >= :after)
    ) several
    GROUP BY person_id
) m ON m.person_id = d.person_id
WHERE d.state <> 'live' OR d.person_id IS NULL OR g.id IS NOT NULL OR e.device_id IS NOT NULL
   OR m.person_id IS NOT NULL
"""
_SPECIAL = """
FROM title t JOIN installation i ON i.title_id = t.id JOIN special_device s ON s.id = i.device_id
WHERE t.product_id IN ({ids}) AND i.began_at < :after AND
"""
_PLAIN = f"""
SELECT t.product_id, s.kind, count(DISTINCT s.id) AS n
{_SPECIAL} {{those}} AND i.ended_at IS NULL
GROUP BY t.product_id, s.kind
"""
#: Where all devices of one person count alike.
_PLAIN_PEOPLE = f"""
SELECT t.product_id, s.kind, s.who > 0 AS person, count(DISTINCT s.id) AS devices, count(DISTINCT s.who) AS n
{_SPECIAL} {{those}} AND i.ended_at IS NULL
GROUP BY t.product_id, s.kind, s.who > 0
"""
#: The versions of each device as `_VERSIONS_EVERYWHERE` reads them.
_PLAIN_VERSIONS = f"""
SELECT product_id, kind, versions, count(*) AS n
FROM (
    SELECT t.product_id, s.id, s.kind, string_agg({{version}}, '{VERSIONS}') AS versions
    {_SPECIAL} {{those}} AND i.ended_at IS NULL
    GROUP BY t.product_id, s.id, s.kind
) d
GROUP BY product_id, kind, versions
"""
#: The others, product by device; `open` are the versions of its open rows, NULL where it has none.
_APART = f"""
SELECT product_id, id, who, kind, string_agg(version, '{VERSIONS}') AS versions,
       string_agg(version, '{VERSIONS}') FILTER (WHERE still) AS open
FROM (
    SELECT t.product_id, s.id, s.who, s.kind, true AS still, {{version}} AS version
    {_SPECIAL} {{those}} AND i.ended_at IS NULL
    UNION ALL
    SELECT t.product_id, s.id, s.who, s.kind, false, {{version}}
    {_SPECIAL} {{those}} AND i.ended_at >= :after
) r
GROUP BY product_id, id, who, kind
"""
_DEVICES_APART = """
SELECT product_id, kind, versions, open, count(*) AS n FROM ({apart}) u GROUP BY product_id, kind, versions, open
"""
#: First how many devices are taken out, then what stands for them: people and devices without one.
_PEOPLE_APART = f"""
WITH u AS MATERIALIZED ({{apart}})
SELECT product_id, true AS lone, false AS person, 0 AS seat, true AS devices, 0 AS kind, count(*) AS n
FROM u WHERE open IS NOT NULL GROUP BY product_id
UNION ALL
SELECT product_id, false, person, seat, devices, kind, count(*)
FROM (
    SELECT product_id, who > 0 AS person, max(seat) AS seat, count(stale) > 0 AS devices,
           coalesce(min(stale), 0) * {STALE} + max(leaver) AS kind
    FROM (
        SELECT product_id, who, 0 AS seat, kind & {STALE} AS stale, kind & {LEAVER} AS leaver
        FROM u WHERE kind < {GONE}
        UNION ALL
        SELECT h.product_id, h.person_id, 1, NULL, CASE WHEN {_LEFT} THEN {LEAVER} ELSE 0 END
        FROM seat h JOIN person p ON p.id = h.person_id
        WHERE h.product_id IN ({{ids}}) AND h.began_at < :after AND (h.ended_at IS NULL OR h.ended_at >= :after)
    ) r
    GROUP BY product_id, who
) g
GROUP BY product_id, person, seat, devices, kind
"""


def _special(connection: Connection, times: Times, alike: Alike) -> _Special:
    """Makes the temporary table, and reads what the devices in it are where devices count."""
    made = text(_DEVICES.format(ids=_ids(alike.by_person))).bindparams(bindparam("after", type_=UtcTime()))
    connection.execute(made, {"at": times.at, "after": times.after})
    connection.exec_driver_sql("ANALYZE special_device")
    later = bool(connection.exec_driver_sql("SELECT bool_or(later) FROM special_device").scalar())
    found, version = _Special(), version_of(alike.by_year)
    if alike.by_device:
        for row in _these(connection, times, _PLAIN, alike.by_device, "s.always AND NOT s.later"):
            found.lone[row.product_id][""] += row.n
            found.devices(row.product_id, row.kind, "", row.n)
    if alike.by_version:
        for row in _these(
            connection, times, _PLAIN_VERSIONS, alike.by_version, "s.always AND NOT s.later", version=version
        ):
            found.lone[row.product_id][newest(row.versions)] += row.n
            found.devices(row.product_id, row.kind, newest(row.versions), row.n)
    if later:
        for products, reported in ((alike.by_device, "''"), (alike.by_version, version)):
            for row in _these(connection, times, _DEVICES_APART, products, "s.later", version=reported):
                if row.open is not None:
                    found.lone[row.product_id][newest(row.open)] += row.n
                found.devices(row.product_id, row.kind, newest(row.versions), row.n)
    return found


def _people(connection: Connection, times: Times, alike: Alike) -> _Special:
    """What the devices in the temporary table are where people count."""
    found = _Special()
    if not alike.by_person:
        return found
    for row in _these(connection, times, _PLAIN_PEOPLE, alike.by_person, "NOT s.apart"):
        found.lone[row.product_id][""] += row.devices
        found.people(row.product_id, row.kind, row.n, person=row.person)
    for row in _these(connection, times, _PEOPLE_APART, alike.by_person, "s.apart"):
        if row.lone:
            found.lone[row.product_id][""] += row.n
        else:
            seat = bool(row.seat)
            found.people(row.product_id, row.kind, row.n, person=row.person, seat=seat, devices=row.devices)
    return found


def _these(
    connection: Connection, times: Times, sql: str, products: Collection[int], those: str, *, version: str = "''"
) -> Sequence[Row[Any]]:
    pieces = {"ids": _ids(products), "those": those, "version": version}
    return _rows(connection, times, sql.format(apart=_APART.format(**pieces), **pieces))
