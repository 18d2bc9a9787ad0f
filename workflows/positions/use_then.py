"""The rows a position is counted from, as they were on a day and as they were known: pieces of the statement of `use`.

Both databases read it; only how strings are gathered differs. What varies is put together from the fixed pieces here
and from row ids, never from anything typed or reported.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.positions.earlier import Earlier
from workflows.positions.times import Times

#: Between devices of one person, between what is said of one device, between versions: none occurs in a version.
DEVICES, PARTS, VERSIONS = "\x1e", "\x1f", "\x1d"

#: Versions that are handed over, and their columns.
TOLD: dict[str, dict[str, str]] = {
    "device_before": {
        "id": "bigint", "person_id": "bigint", "kind": "text", "state": "text", "site": "text", "retired_on": "date",
        "processors": "int", "cores": "int",
    },
    "title_before": {"id": "bigint", "product_id": "bigint", "candidate_id": "bigint"},
    "seat_before": {"product_id": "bigint", "sku_id": "bigint", "person_id": "bigint"},
    "installation_before": {"title_id": "bigint", "device_id": "bigint", "version": "text"},
    "exclusion_before": {"product_id": "bigint", "device_id": "bigint", "person_id": "bigint", "site": "text"},
}  # fmt: skip


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
    judged: bool = False  # of people's seats a verdict is kept, which counts rather than the feed alone


def version_of(by_year: Collection[int]) -> str:
    """The version of an installation `i` with title `t`: for products bought `by_year` the year in the title's name."""
    if not by_year:
        return "i.version"
    ids = ", ".join(str(int(one)) for one in sorted(by_year))
    return f"CASE WHEN t.release <> '' AND t.product_id IN ({ids}) THEN t.release ELSE i.version END"


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
        named: str = "",
    ) -> None:
        self.plan, self.times, self.sqlite = plan, times, sqlite
        self.ids = named or ", ".join(str(int(one)) for one in products)
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
        if self.title_before:
            known += " AND id NOT IN (SELECT id FROM title_before)"
        rows = [f"SELECT id, product_id, 0 AS undecided, release FROM title WHERE product_id IN ({self.ids}){known}"]
        if self.plan.undecided:
            rows.append(
                "SELECT id, candidate_id, 1, release FROM title "
                f"WHERE product_id IS NULL AND candidate_id IN ({self.ids}){known}"
            )
        if self.title_before:
            now = "FROM title_before b JOIN title t ON t.id = b.id WHERE b."
            rows.append(f"SELECT b.id, b.product_id, 0, t.release {now}product_id IN ({self.ids})")
            if self.plan.undecided:
                rows.append(
                    f"SELECT b.id, b.candidate_id, 1, t.release {now}product_id IS NULL "
                    f"AND b.candidate_id IN ({self.ids})"
                )
        return " UNION ALL ".join(rows)

    def _said(self, name: str) -> str:
        """Rows handed over as one parameter, however many: `told` says which, and what their columns are."""
        columns = TOLD[name]
        if self.sqlite:
            named = ", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in columns)
            return f"SELECT {named} FROM json_each(:{name}_json)"
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        return f"SELECT {', '.join(columns)} FROM jsonb_to_recordset(CAST(:{name}_json AS jsonb)) AS r({typed})"

    def told(self, name: str) -> str:
        """The rows of one of `TOLD` as JSON."""
        apart: dict[str, Sequence[Mapping[str, Any]]] = {
            "device_before": [{**facts, "id": row_id} for row_id, facts in self.device_before.items()],
            "title_before": [{**facts, "id": row_id} for row_id, facts in self.title_before.items()],
            "seat_before": self.before.seats,
            "installation_before": self.before.installations,
            "exclusion_before": self.before.exclusions,
        }
        return json.dumps([{column: row.get(column) for column in TOLD[name]} for row in apart[name]])

    def _device_then(self) -> str:
        names = "id, person_id, kind, state, site, retired_on, processors, cores"
        if not self.device_before:
            return f"SELECT {names} FROM device"
        return (
            f"SELECT {names} FROM device WHERE id NOT IN (SELECT id FROM device_before) "
            f"UNION ALL SELECT {names} FROM device_before"
        )

    def _seat_then(self) -> str:
        still, ended = self._open("s")
        tier = self._tier("s.product_id", "s.sku_id")
        columns = f"s.product_id, {tier} AS sku_id, s.sku_id AS own_sku_id, s.person_id"
        rows = f"SELECT {columns} FROM seat s WHERE {still} UNION ALL SELECT {columns} FROM seat s WHERE {ended}"
        if not self.before.seats:
            return rows
        return f"{rows} UNION ALL SELECT {columns} FROM seat_before s"

    def _installed_before(self, columns: str, join: str) -> str:
        """Installations that read otherwise now, joined to the titles `t` they have."""
        if not self.before.installations:
            return ""
        return f" UNION ALL SELECT {columns} {join.replace('JOIN installation i', 'JOIN installation_before i')}"

    def _exclusion_then(self) -> str:
        named = "product_id, device_id, person_id, site"
        rows = f"SELECT {named} FROM exclusion WHERE starts_on <= :at AND ends_on >= :at AND recorded_at <= :known"
        return f"{rows} UNION ALL SELECT {named} FROM exclusion_before"

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

    def _judged(self) -> str:
        """Whether a person's open seats of it look idle by their kept verdicts: in use when any is, and not known when
        one of them is not, or nobody judged them lately."""
        tier = "AND (x.sku_id = 0 OR j.sku_id = x.sku_id) " if self.base_sku else ""

        def any_is(*kinds: str) -> str:
            said = ", ".join(f"'{kind}'" for kind in kinds)
            return f"max(CASE WHEN j.verdict IN ({said}) THEN 1 ELSE 0 END) = 1"

        return (
            f"(SELECT CASE WHEN {any_is('active', 'little_used')} THEN 0 WHEN count(*) = 0 OR {any_is('unknown')} "
            "THEN NULL ELSE 1 END FROM seat_use j JOIN seat js ON js.id = j.seat_id AND js.ended_at IS NULL "
            f"WHERE j.product_id = x.product_id AND j.person_id = x.person_id {tier}AND j.judged_on > :judged)"
        )

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
