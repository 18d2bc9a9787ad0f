"""Who uses the many products of which nothing is asked but how often they are there: counted from an index alone.

A full count on PostgreSQL reads ten million installations. Nearly all lie on devices that count by one: live, and of
somebody who is here. Those are counted per product in the order of an index, as the best single aggregate would, and
only the devices that count otherwise are looked at one by one. Both run at once, on two connections that see the same
moment of the data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, bindparam, text

from licensing.position.facts import Installed, Users
from model.base import UtcTime
from workflows.positions.times import Times
from workflows.positions.use_then import Plan

Key = tuple[int, int]
#: Below this many products asking for each by name is quicker.
MANY = 200


def fits(plan: Plan, times: Times) -> bool:
    """Whether nothing tells one device of these products from another, and the question is about now."""
    rich = plan.versions or plan.portable or plan.sites or plan.servers or (plan.people and plan.devices)
    return times.plain and not (rich or plan.exclusions or plan.undecided or plan.signals or plan.judged)


def users(
    connection: Connection, times: Times, by_device: Collection[int], by_person: Collection[int]
) -> Iterator[tuple[Key, Users]]:
    """Groups of alike users as ((product, 0), group); no suite covers any of the products, and none has tiers."""
    with _same_moment(connection) as (one, other), ThreadPoolExecutor(1) as beside:
        whole = beside.submit(_everywhere, other, times, [*by_device, *by_person])
        _special(one, times, by_device, by_person)
        groups = [*_by_device(one), *_by_person(one, times, by_person)]
        lone = {row.product_id: row.n for row in one.execute(text(_SPECIAL_DEVICES))}
        everywhere = whole.result()
    people = set(by_person)
    for product_id, n in everywhere.items():
        if (count := n - lone.get(product_id, 0)) > 0:
            yield (product_id, 0), Users(count, person=product_id in people, devices=(Installed(),))
    yield from groups


@contextmanager
def _same_moment(connection: Connection) -> Iterator[tuple[Connection, Connection]]:
    """Two connections that see what `connection` sees."""
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    with ExitStack() as stack:
        made = []
        for _ in range(2):
            beside = stack.enter_context(connection.engine.connect())
            beside.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            beside.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            made.append(beside)
        yield made[0], made[1]


def _everywhere(connection: Connection, times: Times, products: Collection[int]) -> dict[int, int]:
    """Devices that have a product, by product. The products come in the order of their index, so that each is counted
    by itself: `+ 0` keeps PostgreSQL from looking them up one by one, unordered, and hashing ten million rows."""
    query = text(
        "SELECT t.product_id, count(DISTINCT i.device_id) AS n FROM title t JOIN installation i ON i.title_id = t.id "
        f"WHERE t.product_id + 0 IN ({_ids(products)}) AND i.ended_at IS NULL AND i.began_at < :after "
        "GROUP BY t.product_id"
    ).bindparams(bindparam("after", times.after, UtcTime()))
    return {row.product_id: row.n for row in connection.execute(query)}


def _ids(products: Collection[int]) -> str:
    return ", ".join(str(int(one)) for one in sorted(products)) or "0"


# -- the devices that count otherwise ----------------------------------------------------------------------------------


def _special(connection: Connection, times: Times, by_device: Collection[int], by_person: Collection[int]) -> None:
    """Temporary tables of this transaction: the devices that do not count by one, and what they have of the products.

    For all products those are devices that are stale, retired, a leaver's, or have a row that ended and yet counts;
    where people count also those without a person, of people with several, and of people who hold a seat.
    """
    given = {"at": times.at, "after": times.after}
    instant = bindparam("after", type_=UtcTime())
    connection.execute(text(_DEVICES.format(ids=_ids(by_person))).bindparams(instant), given)
    connection.exec_driver_sql("ANALYZE special_device")
    used = " UNION ALL ".join(
        _USE.format(ids=_ids(products), people=people, those=those, still=still, ended=ended)
        for products, people, those in ((by_device, "false", "s.always"), (by_person, "true", "true"))
        for still, ended in (("true", "i.ended_at IS NULL"), ("false", "i.ended_at >= :after"))
    )
    connection.execute(
        text(f"CREATE TEMPORARY TABLE special_use ON COMMIT DROP AS {used}").bindparams(instant), {"after": times.after}
    )


_GONE = "(p.leaves_on < :at OR (p.leaves_on IS NULL AND NOT p.active))"
_DEVICES = f"""
CREATE TEMPORARY TABLE special_device ON COMMIT DROP AS
SELECT d.id, d.person_id, CASE WHEN d.state = 'stale' THEN 1 ELSE 0 END AS stale,
       d.state <> 'retired' OR d.retired_on > :at AS counts, CASE WHEN {_GONE} THEN 1 ELSE 0 END AS leaver,
       coalesce(d.state <> 'live' OR {_GONE} OR e.device_id IS NOT NULL, false) AS always
FROM device d
LEFT JOIN person p ON p.id = d.person_id
LEFT JOIN (SELECT DISTINCT device_id FROM installation WHERE ended_at >= :after) e ON e.device_id = d.id
LEFT JOIN (
    SELECT person_id FROM device WHERE person_id IS NOT NULL GROUP BY person_id HAVING count(*) > 1
    UNION SELECT person_id FROM seat WHERE product_id IN ({{ids}}) AND (ended_at IS NULL OR ended_at >= :after)
) m ON m.person_id = d.person_id
WHERE d.state <> 'live' OR {_GONE} OR e.device_id IS NOT NULL OR d.person_id IS NULL OR m.person_id IS NOT NULL
"""
_USE = """
SELECT t.product_id, i.device_id, {people} AS people, {still} AS still
FROM title t
JOIN installation i ON i.title_id = t.id
JOIN special_device s ON s.id = i.device_id AND {those}
WHERE t.product_id IN ({ids}) AND i.began_at < :after AND {ended}
"""
_SPECIAL_DEVICES = "SELECT product_id, count(DISTINCT device_id) AS n FROM special_use WHERE still GROUP BY product_id"
_BY_DEVICE = """
SELECT u.product_id, s.stale, s.leaver, count(DISTINCT u.device_id) AS n
FROM special_use u JOIN special_device s ON s.id = u.device_id AND s.counts
WHERE NOT u.people
GROUP BY u.product_id, s.stale, s.leaver
"""
_BY_PERSON = f"""
SELECT product_id, person, seat, devices, stale, leaver, count(*) AS n
FROM (
    SELECT product_id, who > 0 AS person, max(seat) AS seat, count(stale) > 0 AS devices,
           coalesce(min(stale), 0) AS stale, max(leaver) AS leaver
    FROM (
        SELECT u.product_id, coalesce(s.person_id, -s.id) AS who, 0 AS seat, s.stale, s.leaver
        FROM special_use u JOIN special_device s ON s.id = u.device_id AND s.counts
        WHERE u.people
        UNION ALL
        SELECT h.product_id, h.person_id, 1, NULL, CASE WHEN {_GONE} THEN 1 ELSE 0 END
        FROM seat h JOIN person p ON p.id = h.person_id
        WHERE h.product_id IN ({{ids}}) AND h.began_at < :after AND (h.ended_at IS NULL OR h.ended_at >= :after)
    ) r
    GROUP BY product_id, who
) g
GROUP BY product_id, person, seat, devices, stale, leaver
"""


def _by_device(connection: Connection) -> Iterator[tuple[Key, Users]]:
    for row in connection.execute(text(_BY_DEVICE)):
        devices = (Installed(stale=bool(row.stale)),)
        yield (row.product_id, 0), Users(row.n, person=False, devices=devices, leaver=bool(row.leaver))


def _by_person(connection: Connection, times: Times, by_person: Collection[int]) -> Iterator[tuple[Key, Users]]:
    query = text(_BY_PERSON.format(ids=_ids(by_person))).bindparams(bindparam("after", type_=UtcTime()))
    for row in connection.execute(query, {"at": times.at, "after": times.after}):
        devices = (Installed(stale=bool(row.stale)),) if row.devices else ()
        yield (
            (row.product_id, 0),
            Users(row.n, person=row.person, seat=bool(row.seat), devices=devices, leaver=bool(row.leaver)),
        )
