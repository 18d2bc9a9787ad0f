"""Who uses one product, from groups that are kept: what changed since they were counted is taken out and put in anew.

A product that everybody has takes a tenth of a second to count, and one device that changed moves it by one. So on
PostgreSQL the groups of each product are kept as they were counted in one snapshot of the data, and every row that a
count depends on leaves, when it is written, what it said before (`model.kept`; triggers see to it, whoever writes).
A question then takes the people and devices whose rows changed since that snapshot, counts them by the very statement
that counts all (`use_sql`), once over the rows as they were and once as they are, and moves the groups by what differs.

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
from datetime import date
from functools import lru_cache
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
FORM = 1
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
    found = _answer(connection, question)
    return MOST_CHANGES + 1 if found is None or found.anew else int(found.changes)


def users_since(connection: Connection, times: Times, question: Question) -> list[Group] | None:
    """Groups as `use.users` would find them; None where the product is to be counted by itself."""
    found = _answer(connection, question)
    if found is None or found.anew or found.changes > MOST_CHANGES:
        return None
    kinds = _read(found.groups)
    if found.changes > max(FEW_CHANGES, kinds.total() // USERS_PER_CHANGE):
        return None  # counting them all is quicker
    if found.changes:
        given = {"product": question.product_id, "seen_below": found.seen_below, "snapshot": found.snapshot}
        literal = question if question.named_by_itself else replace(question, product_id=0, idle_after=0)
        rows = connection.execute(_moved(literal, times), given).all()
        for row, group in zip(rows, groups_of(rows, question.plan), strict=True):
            kinds[_kind(group)] += row.sign * group[1].count
        if min(kinds.values(), default=0) < 0:
            log.warning("kept groups of a product do not fit its rows", product=question.product_id)
            return None
    return [_group(question.product_id, kind, count) for kind, count in kinds.items() if count]


def _answer(connection: Connection, question: Question) -> Row[Any] | None:
    return connection.execute(
        text(_KEPT.format(watched=question.watched)).bindparams(_PRODUCT),
        {"product": question.product_id, "question": question.digest},
    ).one_or_none()


@lru_cache(maxsize=200)
def _moved(question: Question, times: Times) -> TextClause:
    """What the people and devices with changes are now (sign 1), and what they were (sign -1), as groups.

    It takes longer to write than to run, so it is written once for all products with the same question.
    """

    def around(counted: str) -> str:
        tables = ", ".join(f"{name} AS ({sql.format(watched=question.watched)})" for name, sql in _TOUCHED.items())
        sides = " UNION ALL ".join(
            f"SELECT {sign} AS sign, x.* FROM (WITH {_shadows(side, question)}, {counted.removeprefix('WITH ')}) x"
            for sign, side in ((1, _NOW), (-1, _THEN))
        )
        return f"WITH {tables} {sides}"

    product_id = question.product_id
    return statement(
        question.plan,
        [product_id],
        times,
        sqlite=False,
        base_sku={product_id: question.base_sku} if question.base_sku is not None else {},
        covers=question.covers,
        idle_after={product_id: question.idle_after},
        by_year=[product_id] if question.by_year else [],
        named=_ASKED,
        around=around,
    ).bindparams(_PRODUCT)


# -- the statements ----------------------------------------------------------------------------------------------------

_PRODUCT = bindparam("product", type_=BigInteger())
_ASKED = ":product"
CLUSTER = "(SELECT CAST(system_identifier AS text) FROM pg_control_system())"
_COLUMNS = "c.id, c.xid, c.what, c.row_id, c.device_id, c.person_id, c.was"
#: Changes that concern a product: of its titles, of its seats, and of any device or person.
_CHANGES = f"""
SELECT {_COLUMNS} FROM position_change c WHERE c.xid >= {{since}} AND c.title_id IN (
    SELECT id FROM title WHERE product_id IN ({{watched}}) OR candidate_id IN ({{watched}}))
UNION ALL
SELECT {_COLUMNS} FROM position_change c WHERE c.xid >= {{since}} AND c.product_id IN ({{watched}})
UNION ALL
SELECT {_COLUMNS} FROM position_change c
WHERE c.xid >= {{since}} AND c.title_id IS NULL AND c.product_id IS NULL
"""
_UNSEEN = "NOT pg_visible_in_snapshot(CAST(CAST(r.xid AS text) AS xid8), CAST({snapshot} AS pg_snapshot))"


def changes(since: str, snapshot: str) -> str:
    """What a count at a snapshot has not seen; `{watched}` stands for the products it is of."""
    return f"SELECT * FROM ({_CHANGES.replace('{since}', since)}) r WHERE {_UNSEEN.format(snapshot=snapshot)}"


_KEPT = f"""
SELECT k.groups, k.seen_below, k.snapshot, n.changes, n.anew
FROM position_kept k CROSS JOIN LATERAL (
    SELECT count(*) AS changes, coalesce(bool_or(s.what = 'all'), false) AS anew
    FROM ({changes("k.seen_below", "k.snapshot")} LIMIT {MOST_CHANGES + 1}) s
) n
WHERE k.product_id = {_ASKED} AND k.question = :question AND k.cluster = {CLUSTER}
"""
#: Whoever may count otherwise than in the snapshot: owners of what changed, then and now, with all their devices.
_TOUCHED = {
    "own_title": "SELECT id FROM title WHERE product_id IN ({watched}) OR candidate_id IN ({watched})",
    "touch": changes("CAST(:seen_below AS bigint)", ":snapshot"),
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


@dataclass(frozen=True)
class _Read:
    """A table that the counting statement reads, with what of it belongs to the people or devices that are touched."""

    columns: str
    of: str
    where: str


_STANDS = "(ended_at IS NULL OR ended_at >= :after)"
#: Looked up one by one from its index: no guess at how few they are has PostgreSQL read a whole table (OFFSET 0).
_READ = {
    "device": _Read("id, person_id, kind, state, site, retired_on, processors, cores", "touched_device", "id = x.id"),
    "person": _Read("id, leaves_on, active", "touched_person", "id = x.id"),
    "installation": _Read(
        "id, device_id, title_id, version, began_at, ended_at",
        "touched_device",
        f"device_id = x.id AND {_STANDS} AND title_id IN (SELECT id FROM own_title)",
    ),
    "seat": _Read(
        "id, product_id, sku_id, person_id, began_at, ended_at",
        "touched_person",
        f"person_id = x.id AND {_STANDS} AND product_id IN ({{watched}})",
    ),
}
#: Of signals nothing is told: a change has its product counted anew.
_SIGNALS = (
    "SELECT product_id, person_id, device_id, day FROM usage_signal WHERE product_id IN ({watched}) "
    "AND (person_id IN (SELECT id FROM touched_person) OR device_id IN (SELECT id FROM touched_device))"
)
_NOW, _THEN = "now", "then"


def _shadows(side: str, question: Question) -> str:
    """Common tables that take the place of the tables: a name means the table inside them, and these few rows after."""
    made = [f"usage_signal AS ({_SIGNALS.format(watched=question.watched)})"] if question.plan.signals else []
    for table, read in _READ.items():
        where = read.where.format(watched=question.watched)
        named = ", ".join(f"r.{name}" for name in read.columns.split(", "))
        sql = (
            f"SELECT {named} FROM {read.of} x "
            f"CROSS JOIN LATERAL (SELECT {read.columns} FROM {table} WHERE {where} OFFSET 0) r"
        )
        if side == _THEN:
            sql += (
                f" WHERE r.id NOT IN (SELECT row_id FROM was WHERE what = '{table}') UNION ALL SELECT {named} "
                f"FROM was w, jsonb_populate_record(CAST(NULL AS {table}), w.was) r "
                f"WHERE w.what = '{table}' AND w.was IS NOT NULL"
            )
        made.append(f"{table} AS ({sql})")
    return ", ".join(made)


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
