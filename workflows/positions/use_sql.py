"""The statement behind `use`: written out, because how it runs over ten million rows is what it is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Date, TextClause, bindparam, text

from model.base import UtcTime
from workflows.positions.earlier import Earlier
from workflows.positions.times import Times
from workflows.positions.use_then import DEVICES, PARTS, TOLD, VERSIONS, Cover, Plan, Then, version_of

#: A kept verdict older than this says nothing: nobody judged it since, so nobody knows.
KEPT_DAYS = 3
_NOTHING: Mapping[int, Mapping[str, Any]] = {}
_NOTHING_EARLIER = Earlier()


def statement(
    plan: Plan,
    products: Collection[int],
    times: Times,
    *,
    sqlite: bool,
    base_sku: Mapping[int, int],
    covers: Sequence[Cover],
    idle_after: Mapping[int, int],
    device_before: Mapping[int, Mapping[str, Any]] = _NOTHING,
    title_before: Mapping[int, Mapping[str, Any]] = _NOTHING,
    by_year: Collection[int] = (),
    before: Earlier = _NOTHING_EARLIER,
    named: str = "",
    around: Callable[[str], str] = str,
) -> TextClause:
    """One row a group of alike users: see `use._group` for its columns.

    `base_sku`: under which tier devices of a product with tiers count. `device_before` and `title_before`: what rows
    said then, where they read otherwise now. `by_year`: products bought by the year in their name, which their
    installed version does not tell. `before`: versions of the other rows. `named`: what stands for the products in
    the statement, where not their ids. `around`: puts the statement into another one.
    """
    parts = _Parts(
        plan,
        sorted(products),
        times,
        sqlite,
        base_sku,
        covers,
        idle_after,
        device_before,
        title_before,
        by_year,
        before,
        named,
    )
    made = text(around(parts.whole()))
    binds: list[BindParameter[Any]] = [
        bindparam(f"idle{days}", times.at - timedelta(days=days), Date()) for days in parts.idle_days
    ]
    if ":judged" in made.text:
        binds.append(bindparam("judged", times.at - timedelta(days=KEPT_DAYS), Date()))
    if ":after" in made.text:
        binds.append(bindparam("after", times.after, UtcTime()))
    if ":known" in made.text:
        binds.append(bindparam("known", times.known_at, UtcTime()))
    if ":at" in made.text:
        binds.append(bindparam("at", times.at, Date()))
    binds += [bindparam(f"suite{number}", cover.name) for number, cover in enumerate(covers)]
    binds += [bindparam(f"{name}_json", parts.told(name)) for name in TOLD if f":{name}_json" in made.text]
    return made.bindparams(*binds)


class _Parts(Then):
    """The pieces of one statement."""

    def whole(self) -> str:
        if self.plan.servers:
            body = self._servers()
        elif self.plan.people:
            body = self._people()
        else:
            body = self._devices()
        names: dict[str, Callable[[], str]] = {
            "title_then": self._titles,
            "device_then": self._device_then,
            "device_flag": self._device_flag,
            "found": self._found,
            "on_device": self._on_device,
            "used": self._used,
            "seat_then": self._seat_then,
            "exclusion_then": self._exclusion_then,
            "suite_person": self._suite_person,
            "suite_device": self._suite_device,
            "last_use": self._last_use,
            **{name: partial(self._said, name) for name in TOLD},
        }
        needed: dict[str, str] = {}

        def need(sql: str) -> None:
            for name, build in names.items():
                if name not in needed and f" {name}" in sql:
                    needed[name] = ""  # named before it is built: pieces do not refer to themselves
                    built = build()
                    need(built)
                    needed.pop(name)
                    needed[name] = built

        need(body)
        tables = ",\n".join(f"{name} AS ({sql})" for name, sql in needed.items())
        return f"WITH {tables}\n{body}"

    # -- devices that have a product -----------------------------------------------------------------------------------

    def _device_flag(self) -> str:
        """One row a device that counts, with all that is asked of it and of its person: joined once, not row by row."""
        plan = self.plan
        columns = ["d.id", "d.person_id", "CASE WHEN d.state = 'stale' THEN 1 ELSE 0 END AS stale"]
        columns.append(f"{self._leaver()} AS leaver")
        if plan.portable:
            columns.append("CASE WHEN d.kind = 'portable' THEN 1 ELSE 0 END AS portable")
        if plan.sites or plan.exclusions:
            columns.append("d.site")
        if plan.servers:
            columns += ["CASE WHEN d.kind = 'virtual' THEN 1 ELSE 0 END AS virtual_machine", "d.processors", "d.cores"]
        return (
            f"SELECT {', '.join(columns)} FROM device_then d LEFT JOIN person p ON p.id = d.person_id "
            "WHERE d.state <> 'retired' OR d.retired_on > :at"
        )

    def _gone(self) -> str:
        """Whether the person `p` has left: after their last day, or without one, as the directory says now."""
        gone = "p.leaves_on < :at"
        if self.times.plain:
            return f"({gone} OR (p.leaves_on IS NULL AND NOT p.active))"
        if not self.before.left:
            return gone
        apart = ", ".join(str(int(one)) for one in self.before.left)
        left = ", ".join(str(int(one)) for one, over in self.before.left.items() if over) or "NULL"
        return f"(({gone} AND p.id NOT IN ({apart})) OR p.id IN ({left}))"

    def _leaver(self) -> str:
        return f"CASE WHEN {self._gone()} THEN 1 ELSE 0 END"

    def _found(self) -> str:
        """Installations on the day; a device may have several titles and versions of one product."""
        still, ended = self._open("i")
        columns = ["t.product_id", "i.device_id"]
        columns += ["t.undecided"] if self.plan.undecided else []
        columns += [f"{version_of(self.by_year)} AS version"] if self.plan.versions else []
        join = "FROM title_then t JOIN installation i ON i.title_id = t.id"
        named = ", ".join(columns)
        rows = f"SELECT {named} {join} WHERE {still} UNION ALL SELECT {named} {join} WHERE {ended}"
        return rows + self._installed_before(named, join)

    def _on_device(self) -> str:
        """One row a product and device."""
        columns = ["product_id", "device_id"]
        columns += ["min(undecided) AS undecided"] if self.plan.undecided else []
        columns += [f"{self._gather('version', VERSIONS, distinct=True)} AS versions"] if self.plan.versions else []
        return f"SELECT {', '.join(columns)} FROM found GROUP BY product_id, device_id"

    def _gather(self, what: str, between: str, *, distinct: bool = False) -> str:
        apart = f"'{between}'"
        if self.sqlite:  # gathers distinct values only with a comma, which a version may hold: twice does no harm
            return f"group_concat({what}, {apart})"
        return f"string_agg({'DISTINCT ' if distinct else ''}{what}, {apart})"

    def _used(self, source: str = "on_device") -> str:
        """Each product and device with the facts of the device; columns as `_kinds` lists them."""
        columns = ["f.product_id", "f.device_id", "d.person_id", "d.stale", "d.leaver"]
        columns += ["f.undecided"] if self.plan.undecided else []
        columns += ["f.versions"] if self.plan.versions else []
        columns += ["d.portable"] if self.plan.portable else []
        columns += ["d.site"] if self.plan.sites else []
        columns += ["d.virtual_machine", "d.processors", "d.cores"] if self.plan.servers else []
        columns += [f"{self._excluded('f.product_id', 'd')} AS excluded"] if self.plan.exclusions else []
        columns += [f"{self._device_tier('f.product_id')} AS sku_id"] if self.base_sku else []
        suite = ""
        if self.covers:
            columns.append("sd.suite AS device_suite")
            suite = " LEFT JOIN suite_device sd ON sd.product_id = f.product_id AND sd.device_id = f.device_id"
        return f"SELECT {', '.join(columns)} FROM {source} f JOIN device_flag d ON d.id = f.device_id{suite}"

    def _excluded(self, product: str, device: str) -> str:
        whom = (
            f"e.device_id = {device}.id OR e.person_id = {device}.person_id "
            f"OR (e.site <> '' AND lower(e.site) = lower({device}.site))"
        )
        return (
            f"CASE WHEN EXISTS (SELECT 1 FROM {self._rights()} AND e.product_id = {product} AND ({whom})) "
            "THEN 1 ELSE 0 END"
        )

    def _rights(self) -> str:
        """Exclusions in force on the day, as known then."""
        if self.before.exclusions:
            return "exclusion_then e WHERE 1 = 1"
        known = "" if self.times.plain else " AND e.recorded_at <= :known"
        return f"exclusion e WHERE e.starts_on <= :at AND e.ends_on >= :at{known}"

    # -- what is counted -----------------------------------------------------------------------------------------------

    def _devices(self) -> str:
        suite, join = self._suite("x.device_suite, sp.suite")
        kinds = {"product_id": "x.product_id", "stale_n": "x.stale", "leaver": "x.leaver"} | suite
        kinds |= {name: f"x.{name}" for name in self._asked("versions", "portable", "sites")}
        if self.plan.signals:
            kinds["idle"] = self._idle("(l.device_id = x.device_id OR l.person_id = x.person_id)")
        return self._counted(kinds, f"used x{join}")

    def _asked(self, *flags: str) -> list[str]:
        """Columns of `used` that these plans, the tiers and the exclusions make it necessary to keep apart."""
        names = ["site" if flag == "sites" else flag for flag in flags if getattr(self.plan, flag)]
        names += ["excluded"] if self.plan.exclusions else []
        names += ["undecided"] if self.plan.undecided else []
        return names + (["sku_id"] if self.base_sku else [])

    def _people(self) -> str:
        """A person with everything of the product they have, or one device without a person: `who` tells them apart."""
        plan = self.plan
        rich = plan.versions or plan.portable or plan.sites
        apart = [name for name in ("excluded", "undecided") if getattr(plan, _FLAG[name])]
        tier = ["sku_id"] if self.base_sku else []
        device = "||".join(
            [
                "stale",
                f"'{PARTS}'||{'portable' if plan.portable else '0'}",
                f"'{PARTS}'||{'site' if plan.sites else _EMPTY}",
                f"'{PARTS}'||{'versions' if plan.versions else _EMPTY}",
            ]
        )
        own = {"product_id": "product_id", "who": "coalesce(person_id, -device_id)", "seat": "0", "stale": "stale"}
        own |= {"leaver": "leaver"} | {name: name for name in [*apart, *tier]}
        seat = {"product_id": "s.product_id", "who": "s.person_id", "seat": "1", "stale": "NULL"}
        seat |= {"leaver": self._leaver()} | {"sku_id": "s.sku_id"} | {"undecided": "0"}
        seat |= {"excluded": self._seat_excluded(), "device": "NULL", "device_suite": "NULL"}
        own |= {"device": device} if rich else {}
        own |= {"device_suite": "device_suite"} if self.covers else {}
        each = plan.devices or rich
        used = "used" if each else f"({self._used('found')}) u"
        rows = (
            f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in own.items())} FROM {used} UNION ALL "
            f"SELECT {', '.join(f'{seat[name]} AS {name}' for name in own)} FROM seat_then s "
            f"LEFT JOIN person p ON p.id = s.person_id WHERE s.product_id IN ({self.ids})"
        )
        keys = ", ".join(["product_id", "who", *tier, *apart])
        counted = "count(stale) AS devices_n, coalesce(sum(stale), 0) AS stale_n"
        if not each:
            counted = "CASE WHEN count(stale) > 0 THEN 1 ELSE 0 END AS devices_n, coalesce(min(stale), 0) AS stale_n"
        columns = [keys, "max(seat) AS seat", "max(leaver) AS leaver", counted]
        columns += [f"{self._gather('device', DEVICES)} AS devices"] if rich else []
        if self.covers:
            columns.append("CASE WHEN count(device_suite) = count(*) THEN min(device_suite) END AS device_suite")
        who = f"SELECT {', '.join(columns)} FROM ({rows}) r GROUP BY {keys}"
        source, once = f"({who})", ""
        if apart:
            rank = " + ".join(f"{_RANK[name]} * {name}" for name in apart)
            over = ", ".join(["product_id", "who", *tier])
            source = f"(SELECT w.*, min({rank}) OVER (PARTITION BY {over}) AS least FROM ({who}) w)"
            # a person who counts anyway is not excluded, and no undecided title makes them count once more
            once = "" if plan.portable else f" WHERE {rank} = x.least"
        if self.covers or plan.signals or plan.judged:
            source = f"(SELECT y.*, CASE WHEN y.who > 0 THEN y.who END AS person_id FROM {source} y)"
        suite, join = self._suite("sp.suite, x.device_suite")
        kinds = {name: f"x.{name}" for name in ("product_id", "seat", "devices_n", "stale_n", "leaver", *tier, *apart)}
        kinds |= {"person": "CASE WHEN x.who > 0 THEN 1 ELSE 0 END"} | suite
        kinds |= {"versions": "x.devices"} if rich else {}
        idle = self._idle("(l.person_id = x.person_id OR l.device_id = -x.who)") if plan.signals else "NULL"
        if plan.judged:
            idle = f"CASE WHEN x.seat = 1 THEN {self._judged()} ELSE {idle} END"
        if plan.signals or plan.judged:
            kinds["idle"] = idle
        return self._counted(kinds, f"{source} x{join}{once}")

    def _seat_excluded(self) -> str:
        return (
            f"CASE WHEN EXISTS (SELECT 1 FROM {self._rights()} AND e.product_id = s.product_id "
            "AND e.person_id = s.person_id) THEN 1 ELSE 0 END"
        )

    def _servers(self) -> str:
        suite, join = self._suite("x.device_suite, sp.suite")
        kinds = {name: f"x.{name}" for name in ("product_id", "virtual_machine", "processors", "cores", "stale")}
        kinds |= {name: f"x.{name}" for name in self._asked("versions")} | suite
        return self._counted(kinds, f"used x{join}")

    def _counted(self, kinds: Mapping[str, str], source: str) -> str:
        """Grouped by what varies only: each column more is hashed for each of ten million rows."""
        named = ", ".join(f"{sql} AS {name}" for name, sql in kinds.items())
        keys = ", ".join(kinds)
        known = COLUMNS if not self.plan.servers else SERVER_COLUMNS
        shown = ", ".join(f"g.{name}" if name in kinds else f"{sql} AS {name}" for name, sql in known.items())
        return (
            f"SELECT g.product_id, {shown}, g.n FROM "
            f"(SELECT {keys}, count(*) AS n FROM (SELECT {named} FROM {source}) k GROUP BY {keys}) g"
        )


#: What a row of the answer says beside the product and the count, and what it says where nothing was asked.
COLUMNS = {
    "sku_id": "0", "person": "0", "seat": "0", "devices_n": "1", "stale_n": "0", "versions": "''", "portable": "0",
    "site": "''", "excluded": "0", "undecided": "0", "suite": "NULL", "leaver": "0", "idle": "NULL",
}  # fmt: skip
SERVER_COLUMNS = {
    "sku_id": "0", "virtual_machine": "0", "processors": "NULL", "cores": "NULL", "stale": "0", "excluded": "0",
    "undecided": "0", "suite": "NULL", "versions": "''",
}  # fmt: skip
_EMPTY = "''"
_FLAG = {"excluded": "exclusions", "undecided": "undecided"}
_RANK = {"excluded": 1, "undecided": 2}
