"""Who uses one product, from groups that are kept: what changed since they were counted is taken out and put in anew.

A product that everybody has takes a tenth of a second to count, and one device that changed moves it by one. So on
PostgreSQL the groups of each product are kept as they were counted in one snapshot of the data, and every row that a
count depends on leaves, when it is written, what it said before (`model.kept`; triggers see to it, whoever writes).
A question then takes the people and devices whose rows changed since that snapshot, counts them by the very statement
that counts all (`use_sql`), as they were beside as they are, and moves the groups by what differs. All of it is one
statement, the same for all products with the same question: what takes time is the way to the server and its planning.

Why so, and not a counter each writer adds to: whether a person counts once more hangs on their other devices and seats,
which another transaction may be changing at the same moment. Two that each add what they see lose one of the changes,
or have to wait for one another behind the row of a popular product. Here writers only append and never wait; a question
sees in one snapshot all that was committed by then, and nobody's sum is ever corrected in place.

Time changes counts with no row written: purchases, ends, last days, idleness. All go by days, so groups hold for one
day (UTC) and for one question, of which all but the rows themselves is in a digest: what was bought, suites, tiers.
Where nothing is kept, or too much changed, the product is counted by itself as ever. SQLite keeps nothing: its
companies are small, and counting one product is quick there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import structlog
from sqlalchemy import BigInteger, Connection, Row, TextClause, bindparam, text

from licensing.position.facts import Installed, Server, Users
from workflows.positions.times import Times
from workflows.positions.use import groups_of
from workflows.positions.use_sql import statement
from workflows.positions.use_then import Cover, Plan

Key = tuple[int, int]
Group = tuple[Key, Users | Server, bool]

#: Raised when a group comes to mean something else: what an earlier program kept is then nobody's answer.
FORM = 2
#: More changed rows than this are not looked at one by one.
MOST_CHANGES = 300
#: So many users are counted in the time in which one changed row is looked at (measured); a few rows always are.
USERS_PER_CHANGE, FEW_CHANGES = 20, 10
#: A product of more kinds of users than this is not worth keeping.
MOST_GROUPS = 2000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Question:
    """All that the groups of a product depend on beside the rows whose changes are told."""

    product_id: int
    plan: Plan
    at: date
    base_sku: int | None = None
    covers: tuple[Cover, ...] = ()
    idle_after: int = 0
    by_year: bool = False

    @property
    def digest(self) -> str:
        idle_after = self.idle_after if self.plan.signals or self.plan.judged else 0
        return hashlib.sha256(repr((FORM, replace(self, idle_after=idle_after))).encode()).hexdigest()[:40]

    @property
    def watched(self) -> str:
        """The product and the suites that cover it, for IN."""
        suites = sorted({cover.suite[0] for cover in self.covers} - {self.product_id})
        return ", ".join([_ASKED, *map(str, suites)])

    @property
    def named_by_itself(self) -> bool:
        """Whether the statement names the product, and is not the same for all that are asked the same."""
        return bool(self.covers or self.by_year or self.plan.signals or self.plan.judged) or self.base_sku is not None


def applies(connection: Connection, times: Times) -> bool:
    """Whether groups may be kept for such a question: about today, as known now, on PostgreSQL."""
    return times.plain and connection.dialect.name == "postgresql"


def changed(connection: Connection, question: Question) -> int:
    """Rows that changed since the question was answered; more than are looked at where all is to be counted anew."""
    found = _answer(connection, question, _kept(question))
    return MOST_CHANGES + 1 if found is None or found.anew else int(found.changes)


def users_since(connection: Connection, question: Question) -> list[Group] | None:
    """Groups as `use.users` would find them; None where the product is to be counted by itself."""
    first = _kept if question.named_by_itself else _moved
    found = _answer(connection, question, first(question))
    if found is not None and found.moves and first is _kept:
        found = _answer(connection, question, _moved(question))
    if found is None or (found.changes and not found.moves):
        return None
    kinds = _read(found.groups)
    if found.moves:
        rows = [SimpleNamespace(**row) for row in found.moved or ()]
        for group in groups_of(rows, question.plan):
            kinds[_kind(group)] += group[1].count if group[0][0] < _APART else -group[1].count
        if min(kinds.values(), default=0) < 0:
            log.warning("kept groups of a product do not fit its rows", product=question.product_id)
            return None
    return [_group(question.product_id, kind, count) for kind, count in kinds.items() if count]


def _answer(connection: Connection, question: Question, made: TextClause) -> Row[Any] | None:
    given = {"product": question.product_id, "question": question.digest, "few": FEW_CHANGES}
    return connection.execute(made, given).one_or_none()


def _kept(question: Question) -> TextClause:
    """What is kept, and how much changed since."""
    return text(_KEPT.format(watched=question.watched, moved="NULL")).bindparams(_PRODUCT)


def _moved(question: Question) -> TextClause:
    """The same, and in groups what the people and devices with changes are and what they were.

    It takes longer to write than to run, so it is written once for all products with the same question; and longer to
    plan, so it is asked at once only where the server has planned it already, for other products.
    """
    return _written(question if question.named_by_itself else replace(question, product_id=0, idle_after=0))


@lru_cache(maxsize=200)
def _written(question: Question) -> TextClause:
    """Both are counted at once: the product as it was is another product, of rows with keys of their own (`_APART`)."""

    def around(counted: str) -> str:
        moved = f"(SELECT json_agg(m) FROM (WITH {_both(question)}, {counted.removeprefix('WITH ')}) m)"
        return _KEPT.format(watched=question.watched, moved=moved)

    both = (question.product_id, question.product_id + _APART)
    covers = [
        Cover((one.part[0] + apart, one.part[1]), (one.suite[0] + apart, one.suite[1]), one.name)
        for one in question.covers
        for apart in (0, _APART)
    ]
    return statement(
        question.plan,
        both,
        Times.today(datetime.combine(question.at, time(), UTC)),
        sqlite=False,
        base_sku=dict.fromkeys(both, question.base_sku) if question.base_sku is not None else {},
        covers=covers,
        idle_after=dict.fromkeys(both, question.idle_after),
        by_year=both if question.by_year else (),
        named=f":product, :product + {_APART}",
        around=around,
    ).bindparams(_PRODUCT)


# -- the statements ----------------------------------------------------------------------------------------------------

_PRODUCT = bindparam("product", type_=BigInteger())
#: Hidden from the planner, to which all products are then alike: else it would plan for each anew, which takes longer
#: than the answer.
_ASKED = "CAST((SELECT product_id FROM asked) AS bigint)"
CLUSTER = "(SELECT CAST(system_identifier AS text) FROM pg_control_system())"
_COLUMNS = "c.id, c.xid, c.what, c.row_id, c.device_id, c.person_id, c.was"
#: Changes that concern a product: of its titles, of its seats, and of any device or person.
_CHANGES = f"""
SELECT {_COLUMNS} FROM position_change c WHERE c.xid >= {{since}} AND c.title_id IN ({{titles}})
UNION ALL
SELECT {_COLUMNS} FROM position_change c WHERE c.xid >= {{since}} AND c.product_id IN ({{watched}})
UNION ALL
SELECT {_COLUMNS} FROM position_change c
WHERE c.xid >= {{since}} AND c.title_id IS NULL AND c.product_id IS NULL
"""
TITLES = "SELECT id FROM title WHERE product_id IN ({watched}) OR candidate_id IN ({watched})"
_UNSEEN = "NOT pg_visible_in_snapshot(CAST(CAST(r.xid AS text) AS xid8), CAST({snapshot} AS pg_snapshot))"


def changes(since: str, snapshot: str, titles: str = TITLES) -> str:
    """What a count at a snapshot has not seen; `{watched}` stands for the products it is of."""
    found = _CHANGES.replace("{since}", since).replace("{titles}", titles)
    return f"SELECT * FROM ({found}) r WHERE {_UNSEEN.format(snapshot=snapshot)}"


#: What is kept and what changed since; `moves` where it is quicker to look at each change than to count all.
_KEPT = f"""
WITH asked AS MATERIALIZED (SELECT CAST(:product AS bigint) AS product_id),
kept AS MATERIALIZED (
    SELECT groups, seen_below, snapshot FROM position_kept
    WHERE product_id = {_ASKED} AND question = :question AND cluster = {CLUSTER}),
own_title AS MATERIALIZED (
    SELECT id, product_id, candidate_id, release FROM title
    WHERE product_id IN ({{watched}}) OR candidate_id IN ({{watched}})),
touch AS MATERIALIZED (
    SELECT s.* FROM kept k CROSS JOIN LATERAL ({changes("k.seen_below", "k.snapshot", "SELECT id FROM own_title")}
    LIMIT {MOST_CHANGES + 1}) s),
tally AS MATERIALIZED (
    SELECT k.groups, n.changes, n.anew, CASE
        WHEN n.anew OR n.changes NOT BETWEEN 1 AND {MOST_CHANGES} THEN false
        WHEN n.changes <= :few THEN true
        ELSE n.changes <= (SELECT sum(CAST(g.value ->> 0 AS bigint)) FROM jsonb_array_elements(k.groups) g)
            / {USERS_PER_CHANGE}
        END AS moves
    FROM kept k CROSS JOIN (
        SELECT count(*) AS changes, coalesce(bool_or(what = 'all'), false) AS anew FROM touch) n)
SELECT groups, changes, anew, moves, CASE WHEN moves THEN {{moved}} END AS moved FROM tally
"""
#: Whoever may count otherwise than in the snapshot: owners of what changed, then and now, with all their devices.
_TOUCHED = {
    "was": "SELECT DISTINCT ON (what, row_id) what, row_id, was FROM touch ORDER BY what, row_id, id",
    "touched_person": """
SELECT person_id AS id FROM touch WHERE person_id IS NOT NULL
UNION
SELECT d.person_id FROM touch t CROSS JOIN LATERAL (SELECT person_id FROM device WHERE id = t.device_id OFFSET 0) d
WHERE d.person_id IS NOT NULL""",
    "touched_device": """
SELECT device_id AS id FROM touch WHERE device_id IS NOT NULL
UNION
SELECT d.id FROM touched_person p CROSS JOIN LATERAL (SELECT id FROM device WHERE person_id = p.id OFFSET 0) d""",
}
#: Added to the keys of rows as they were, which are counted beside those that are: no row has such a number.
_APART = 1 << 40
_KEYS = frozenset({"id", "device_id", "person_id", "title_id", "product_id", "candidate_id", "seat_id"})


@dataclass(frozen=True)
class _Read:
    """What the counting statement reads of a table, and how the rows of those who are touched are found.

    Each is looked up from an index: no guess at how few they are has PostgreSQL read a whole table (OFFSET 0).
    `told`: its changes are, row by row; where not, a change of it has its product counted anew.
    """

    columns: str
    found: str
    told: bool = True
    needed: str = ""  # by which plans, where not by all


def _looked_up(table: str, columns: str, by: str, where: str) -> str:
    return f"SELECT r.* FROM {by} CROSS JOIN LATERAL (SELECT {columns} FROM {table} WHERE {where} OFFSET 0) r"


_DEVICE = "id, person_id, kind, state, site, retired_on, processors, cores"
_PERSON = "id, leaves_on, active"
_INSTALLATION = "id, device_id, title_id, version, began_at, ended_at"
_SEAT = "id, product_id, sku_id, person_id, began_at, ended_at"
_TITLE = "id, product_id, candidate_id, release"
_SIGNAL = "product_id, person_id, device_id, day"
_VERDICT = "seat_id, product_id, sku_id, person_id, verdict, judged_on"
_EXCLUSION = "product_id, device_id, person_id, site, starts_on, ends_on"
_STANDS = "(ended_at IS NULL OR ended_at >= :after)"
_READ = {
    "title": _Read(_TITLE, f"SELECT {_TITLE} FROM own_title", told=False),
    "device": _Read(_DEVICE, _looked_up("device", _DEVICE, "touched_device x", "id = x.id")),
    "person": _Read(_PERSON, _looked_up("person", _PERSON, "touched_person x", "id = x.id")),
    "installation": _Read(
        _INSTALLATION,
        _looked_up(
            "installation",
            _INSTALLATION,
            "touched_device x CROSS JOIN own_title t",
            f"device_id = x.id AND title_id = t.id AND {_STANDS}",
        ),
    ),
    "seat": _Read(
        _SEAT,
        _looked_up(
            "seat", _SEAT, "touched_person x", f"person_id = x.id AND {_STANDS} AND product_id IN ({{watched}})"
        ),
    ),
    "usage_signal": _Read(
        _SIGNAL,
        f"SELECT {_SIGNAL} FROM usage_signal WHERE product_id = {_ASKED} "
        "AND (person_id IN (SELECT id FROM touched_person) OR device_id IN (SELECT id FROM touched_device))",
        told=False,
        needed="signals",
    ),
    "seat_use": _Read(
        _VERDICT,
        _looked_up("seat_use", _VERDICT, "touched_person x", f"person_id = x.id AND product_id = {_ASKED}"),
        told=False,
        needed="judged",
    ),
    "exclusion": _Read(
        _EXCLUSION,
        f"SELECT {_EXCLUSION} FROM exclusion WHERE product_id = {_ASKED}",
        told=False,
        needed="exclusions",
    ),
}


def _both(question: Question) -> str:
    """Common tables that take the place of the tables: those few rows as they are, and beside them as they were."""
    made = dict(_TOUCHED)
    for table, read in _READ.items():
        if read.needed and not getattr(question.plan, read.needed):
            continue
        names = read.columns.split(", ")
        then = f"{table}_now"
        if read.told:
            then = (
                f"(SELECT * FROM {table}_now WHERE id NOT IN (SELECT row_id FROM was WHERE what = '{table}') "
                f"UNION ALL SELECT {', '.join(f'r.{name}' for name in names)} "
                f"FROM was w, jsonb_populate_record(CAST(NULL AS {table}), w.was) r "
                f"WHERE w.what = '{table}' AND w.was IS NOT NULL)"
            )
        apart = ", ".join(f"{name} + {_APART}" if name in _KEYS else name for name in names)
        made[f"{table}_now"] = read.found
        made[table] = f"SELECT * FROM {table}_now UNION ALL SELECT {apart} FROM {then} x"
    return ", ".join(f"{name} AS ({sql.format(watched=question.watched)})" for name, sql in made.items())


# -- groups as JSON ----------------------------------------------------------------------------------------------------

#: Tier, excluded, server or users, and their fields but the count; devices in one order.
Kind = tuple[int, bool, bool, tuple[Any, ...]]


def written(groups: Iterable[Group]) -> list[Any] | None:
    """Groups as they are kept; None where there are too many kinds of them."""
    counted: Counter[Kind] = Counter()
    for group in groups:
        counted[_kind(group)] += group[1].count
    return [[count, *kind] for kind, count in counted.items()] if len(counted) <= MOST_GROUPS else None


def _kind(group: Group) -> Kind:
    (_, sku_id), one, excluded = group
    values = tuple(getattr(one, name) for name in (_SERVER if isinstance(one, Server) else _USERS))
    if isinstance(one, Users):
        values += (tuple(sorted(tuple(getattr(device, name) for name in _INSTALLED) for device in one.devices)),)
    return sku_id, excluded, isinstance(one, Server), values


def _group(product_id: int, kind: Kind, count: int) -> Group:
    sku_id, excluded, is_server, values = kind
    if is_server:
        return (product_id, sku_id), Server(count, **dict(zip(_SERVER, values, strict=True))), excluded
    *values_of, devices = values
    users = Users(
        count, **dict(zip(_USERS, values_of, strict=True)), devices=tuple(Installed(*device) for device in devices)
    )
    return (product_id, sku_id), users, excluded


def _read(rows: Iterable[Sequence[Any]]) -> Counter[Kind]:
    kinds: Counter[Kind] = Counter()
    for count, sku_id, excluded, is_server, values in rows:
        if is_server:
            kinds[sku_id, excluded, True, tuple(values)] = count
        else:
            kinds[sku_id, excluded, False, (*values[:-1], tuple(map(tuple, values[-1])))] = count
    return kinds


_SERVER = tuple(one.name for one in fields(Server) if one.name != "count")
_USERS = tuple(one.name for one in fields(Users) if one.name not in ("count", "devices"))
_INSTALLED = tuple(one.name for one in fields(Installed))
