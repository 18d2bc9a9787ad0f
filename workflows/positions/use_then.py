"""The rows a position is counted from, as they were on a day and as they were known: pieces of the statement of `use`.

Both databases read it; only how strings are gathered differs. What varies is put together from the fixed pieces here
and from row ids, never from anything typed or reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.positions.earlier import Earlier
from workflows.positions.times import Times

#: Between devices of one person, between what is said of one device, between versions: none occurs in a version.
DEVICES, PARTS, VERSIONS = "\x1e", "\x1f", "\x1d"


@dataclass(frozen=True)
class Cover:
    """Holding `suite` covers `part`; tiers are 0 where the whole product is meant."""

    part: tuple[int, int]
    suite: tuple[int, int]
    name: str


@dataclass(frozen=True)
class Plan:
    """What the purchases of some products make it necessary to know; each costs time, so each is asked for."""

    people: bool = False  # a person counts once: seats, and devices by their person
    devices: bool = True  # with `people`: their devices count too, so each is told apart
    versions: bool = False
    portable: bool = False  # one person may use a second device
    sites: bool = False
    servers: bool = False  # cores
    exclusions: bool = False
    undecided: bool = False
    signals: bool = False  # a feed says when it was last used


class Then:
    """Rows of the registry as they were on the day and as they were known; each method is one common table."""

    def __init__(
        self,
        plan: Plan,
        products: Sequence[int],
        times: Times,
        sqlite: bool,
        base_sku: Mapping[int, int],
        covers: Sequence[Cover],
        idle_after: Mapping[int, int],
        device_before: Mapping[int, Mapping[str, Any]],
        title_before: Mapping[int, Mapping[str, Any]],
        by_year: Collection[int],
        before: Earlier,
    ) -> None:
        self.plan, self.times, self.sqlite = plan, times, sqlite
        self.ids = ", ".join(str(int(one)) for one in products)
        self.base_sku, self.covers = base_sku, covers
        self.idle_after = {one: idle_after[one] for one in products}
        self.idle_days = sorted(set(self.idle_after.values())) if plan.signals else []
        self.device_before, self.title_before = device_before, title_before
        self.by_year = sorted(set(by_year) & set(products))
        self.before = before

    # -- rows as they were ---------------------------------------------------------------------------------------------

    def _open(self, alias: str) -> tuple[str, str]:
        """Conditions for rows that are open still and for rows that ended and yet count: each has its index."""
        there = f"{alias}.began_at < :after"
        later = f"{alias}.ended_at >= :after"
        if not self.times.plain:
            there += f" AND {alias}.recorded_at <= :known"
            later = f"({later} OR coalesce({alias}.end_recorded_at, {alias}.ended_at) > :known)"
        return f"{alias}.ended_at IS NULL AND {there}", f"{alias}.ended_at IS NOT NULL AND {later} AND {there}"

    def _titles(self) -> str:
        known = "" if self.times.plain else " AND recorded_at <= :known"
        apart = self.title_before
        but = f" AND id NOT IN ({', '.join(str(one) for one in apart)})" if apart else ""
        rows = [
            f"SELECT id, product_id, 0 AS undecided, release FROM title WHERE product_id IN ({self.ids}){known}{but}"
        ]
        if self.plan.undecided:
            rows.append(
                "SELECT id, candidate_id, 1, release FROM title "
                f"WHERE product_id IS NULL AND candidate_id IN ({self.ids}){known}{but}"
            )
        for row_id, facts in apart.items():
            product, candidate = facts.get("product_id"), facts.get("candidate_id")
            if product in self.idle_after:
                rows.append(f"SELECT id, {product}, 0, release FROM title WHERE id = {int(row_id)}")
            elif product is None and candidate in self.idle_after and self.plan.undecided:
                rows.append(f"SELECT id, {candidate}, 1, release FROM title WHERE id = {int(row_id)}")
        return " UNION ALL ".join(rows)

    def _device_then(self) -> str:
        names = "id, person_id, kind, state, site, retired_on, processors, cores"
        if not self.device_before:
            return f"SELECT {names} FROM device"
        rows = [f"SELECT {names} FROM device WHERE id NOT IN ({', '.join(str(one) for one in self.device_before)})"]
        for row_id, facts in self.device_before.items():
            numbers = {name: facts.get(name) for name in ("person_id", "processors", "cores")}
            plain = {name: "NULL" if value is None else str(int(value)) for name, value in numbers.items()}
            retired = f"CAST(:d{row_id}_retired_on AS date)" if not self.sqlite else f":d{row_id}_retired_on"
            rows.append(
                f"SELECT {int(row_id)}, CAST({plain['person_id']} AS bigint), :d{row_id}_kind, :d{row_id}_state, "
                f":d{row_id}_site, {retired}, CAST({plain['processors']} AS int), CAST({plain['cores']} AS int)"
            )
        return " UNION ALL ".join(rows)

    def _seat_then(self) -> str:
        still, ended = self._open("s")
        tier = self._tier("s.product_id", "s.sku_id")
        columns = f"s.product_id, {tier} AS sku_id, s.sku_id AS own_sku_id, s.person_id"
        rows = f"SELECT {columns} FROM seat s WHERE {still} UNION ALL SELECT {columns} FROM seat s WHERE {ended}"
        if not self.before.seats:
            return rows
        return f"{rows} UNION ALL SELECT {columns} FROM ({_ids(self.before.seats, *_SEAT)}) s"

    def _installed_before(self, columns: str, join: str) -> str:
        """Installations that read otherwise now, joined to the titles `t` they have."""
        if not self.before.installations:
            return ""
        rows = ", ".join(
            f"({int(row['title_id'])}, {int(row['device_id'])}, CAST(:i{number} AS varchar(200)))"
            for number, row in enumerate(self.before.installations)
        )
        then = f"SELECT column1 AS title_id, column2 AS device_id, column3 AS version FROM (VALUES {rows}) v"
        return f" UNION ALL SELECT {columns} {join.replace('JOIN installation i', f'JOIN ({then}) i')}"

    def _exclusion_then(self) -> str:
        named = "product_id, device_id, person_id, site"
        rows = f"SELECT {named} FROM exclusion WHERE starts_on <= :at AND ends_on >= :at AND recorded_at <= :known"
        for number, row in enumerate(self.before.exclusions):
            whom = ", ".join(_id(row[name]) for name in ("product_id", "device_id", "person_id"))
            rows += f" UNION ALL SELECT {whom}, CAST(:x{number} AS varchar(120))"
        return rows

    def _tier(self, product: str, sku: str) -> str:
        """The tier a row counts under: its own where the product has several, else 0."""
        if not self.base_sku:
            return "0"
        tiered = ", ".join(str(one) for one in self.base_sku)
        return f"CASE WHEN {product} IN ({tiered}) THEN {sku} ELSE 0 END"

    def _device_tier(self, product: str) -> str:
        if not self.base_sku:
            return "0"
        whens = " ".join(f"WHEN {one} THEN {sku}" for one, sku in self.base_sku.items())
        return f"CASE {product} {whens} ELSE 0 END"

    # -- suites, signals -----------------------------------------------------------------------------------------------

    def _cover_rows(self) -> str:
        return " UNION ALL ".join(
            f"SELECT {cover.part[0]} AS product_id, {cover.part[1]} AS sku_id, {cover.suite[0]} AS suite_id, "
            f"{cover.suite[1]} AS suite_sku_id, CAST(:suite{number} AS varchar(200)) AS suite"
            for number, cover in enumerate(self.covers)
        )

    def _suite_person(self) -> str:
        return (
            f"SELECT c.product_id, c.sku_id, s.person_id, min(c.suite) AS suite FROM ({self._cover_rows()}) c "
            "JOIN seat_then s ON s.product_id = c.suite_id AND (c.suite_sku_id = 0 OR s.own_sku_id = c.suite_sku_id) "
            "GROUP BY c.product_id, c.sku_id, s.person_id"
        )

    def _suite_device(self) -> str:
        still, ended = self._open("i")
        join = (
            f"FROM ({self._cover_rows()}) c JOIN title t ON t.product_id = c.suite_id "
            "JOIN installation i ON i.title_id = t.id"
        )
        named = "c.product_id, i.device_id, c.suite"
        return (
            f"SELECT product_id, device_id, min(suite) AS suite FROM (SELECT {named} {join} "
            f"WHERE {still} UNION ALL SELECT {named} {join} WHERE {ended}{self._installed_before(named, join)}) x "
            "GROUP BY product_id, device_id"
        )

    def _last_use(self) -> str:
        known = "" if self.times.plain else " AND recorded_at <= :known"
        return (
            f"SELECT product_id, person_id, device_id, max(day) AS day FROM usage_signal "
            f"WHERE product_id IN ({self.ids}) AND day <= :at{known} GROUP BY product_id, person_id, device_id"
        )

    def _idle(self, whose: str) -> str:
        whens = " ".join(f"WHEN {one} THEN :idle{days}" for one, days in self.idle_after.items())
        last = f"(SELECT max(l.day) FROM last_use l WHERE l.product_id = x.product_id AND {whose})"
        return f"CASE WHEN {last} IS NULL THEN NULL WHEN {last} < CASE x.product_id {whens} END THEN 1 ELSE 0 END"

    def _suite(self, device_suite: str) -> tuple[dict[str, str], str]:
        """The column that names the covering suite, and its join; nothing where no suite covers any of them."""
        if not self.covers:
            return {}, ""
        tier = "x.sku_id" if self.base_sku else "0"
        join = (
            " LEFT JOIN suite_person sp ON sp.product_id = x.product_id AND sp.sku_id = "
            f"{tier} AND sp.person_id = x.person_id"
        )
        return {"suite": f"coalesce({device_suite})"}, join


_SEAT = ("product_id", "sku_id", "person_id")


def _id(value: int | None) -> str:
    return f"CAST({'NULL' if value is None else int(value)} AS bigint)"


def _ids(rows: Sequence[Mapping[str, Any]], *names: str) -> str:
    """Rows of ids, as a table."""
    columns = ", ".join(f"column{number} AS {name}" for number, name in enumerate(names, 1))
    values = ", ".join(f"({', '.join(_id(row[name]) for name in names)})" for row in rows)
    return f"SELECT {columns} FROM (VALUES {values}) v"
