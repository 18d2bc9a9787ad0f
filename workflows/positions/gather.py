"""Facts of any number of subjects: which statements they need, each run once for all that need the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, bindparam, exists, func, literal, or_, select

from licensing.position.facts import Facts, Metric, Purchase, Reading, Right, Server, Session, Source, Users
from licensing.suites import cover_table, sku_named
from model.base import UtcTime
from model.contracts import Entitlement, SuiteCover
from model.inventory import Installation, MeterReading, UseSession
from model.licences import Product, Publisher, Seat, Sku
from model.people import Device
from model.tickets import SyncRun
from workflows.positions import use_split
from workflows.positions.earlier import every
from workflows.positions.earlier import said as read_then
from workflows.positions.purchases import purchases
from workflows.positions.subjects import Subject, subjects
from workflows.positions.times import Times
from workflows.positions.use import users
from workflows.positions.use_split import Alike
from workflows.positions.use_then import Cover, Plan

#: Products in one statement: its text names them.
AT_ONCE = 20_000
#: Below this many products a query names them; above it, reading all is cheaper.
FEW = 200
#: A version that people buy by.
YEAR = re.compile(r"(?:19|20)\d\d")
#: Publishers of products that may be Microsoft's by their name alone.
MICROSOFT = ("microsoft", "not recorded")
#: A true-up period is a year; a session may have begun before it.
_SESSIONS_BACK = timedelta(days=400)


@dataclass
class _Use:
    """What the statements brought for one subject."""

    users: list[Users] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    excluded: dict[Metric, int] = field(default_factory=lambda: defaultdict(int))


def facts(
    connection: Connection, times: Times, product_ids: Collection[int] | None = None
) -> Iterator[tuple[Subject, Facts]]:
    """All that positions are computed from, subject by subject, in the order of their names."""
    found = subjects(connection, times, product_ids)
    bought = _by_subject(found, purchases(connection, times, product_ids))
    ids = {subject.product_id for subject in found}
    covers, plans = covers_of(connection, times, found), _plans(found, bought, ids)
    by_year = {product_id for (product_id, _), rows in bought.items() if any(YEAR.fullmatch(r.version) for r in rows)}
    tiered = {one.product_id for one in found if one.takes_devices and one.sku_id is not None}
    alike = _alike(connection, times, plans, {cover.part[0] for cover in covers} | tiered, by_year)
    with use_split.counting(connection, times, alike, [one.product_id for one in found]) as counted:
        use = _use(connection, times, found, plans, covers, by_year)
        sessions = _sessions(connection, times, {one.product_id for one in found if one.traits.sessions})
        readings = _readings(connection, times, {one.product_id for one in found if one.traits.readings})
        sources, first = _sources(connection, times), _first_record(connection, times)
        for subject in found:
            own = use.get(subject.key, _Use())
            yield (
                subject,
                Facts(
                    product=subject.name,
                    at=times.at,
                    known_at=times.known_at,
                    purchases=tuple(bought.get(subject.key, ())),
                    users=(*own.users, *counted.of(subject.product_id)),
                    servers=tuple(own.servers),
                    sessions=sessions.get(subject.product_id),
                    readings=readings.get(subject.product_id),
                    vendor=subject.vendor,
                    excluded=dict(own.excluded),
                    list_price=subject.list_price,
                    list_cycle=subject.list_cycle,
                    default_metric=subject.metric,
                    idle_after_days=subject.idle_after_days,
                    sources=sources,
                    first_record_on=first,
                ),
            )


def _by_subject(
    found: Sequence[Subject], bought: Mapping[tuple[int, int | None], list[Purchase]]
) -> dict[tuple[int, int], list[Purchase]]:
    """Purchases to tiers; what was bought for a product with tiers as such counts where its devices do."""
    sorted_out: dict[tuple[int, int], list[Purchase]] = defaultdict(list)
    whole = {subject.product_id for subject in found if subject.sku_id is None}
    base = {subject.product_id: subject.key for subject in found if subject.takes_devices}
    for (product_id, sku_id), rows in bought.items():
        if product_id in whole:
            sorted_out[product_id, 0] += rows
        elif sku_id is not None:
            sorted_out[product_id, sku_id] += rows
        elif product_id in base:
            sorted_out[base[product_id]] += rows
    return sorted_out


# -- use ---------------------------------------------------------------------------------------------------------------


def _use(
    connection: Connection,
    times: Times,
    found: Sequence[Subject],
    plans: Mapping[Plan, Collection[int]],
    covers: Sequence[Cover],
    by_year: Collection[int],
) -> dict[tuple[int, int], _Use]:
    base_sku = {one.product_id: one.sku_id for one in found if one.takes_devices and one.sku_id is not None}
    idle_after = {one.product_id: one.idle_after_days for one in found}
    use: dict[tuple[int, int], _Use] = defaultdict(_Use)
    for plan, product_ids in plans.items():
        rows = sorted(product_ids)
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            chosen = set(some)
            groups = users(
                connection,
                plan,
                some,
                times,
                base_sku={one: sku for one, sku in base_sku.items() if one in chosen},
                covers=[cover for cover in covers if cover.part[0] in chosen],
                idle_after=idle_after,
                by_year=by_year,
            )
            for key, one, excluded in groups:
                _take(use[key], one, excluded)
    return use


def _alike(
    connection: Connection, times: Times, plans: dict[Plan, set[int]], but: Collection[int], by_year: Collection[int]
) -> Alike:
    """Takes out of `plans` the many products that can be counted from an index alone."""
    plain = {plan: product_ids - set(but) for plan, product_ids in plans.items() if use_split.fits(plan, times)}
    if connection.dialect.name != "postgresql" or sum(map(len, plain.values())) < use_split.MANY:
        return Alike()
    for plan, product_ids in plain.items():
        plans[plan] -= product_ids
    return Alike(
        frozenset(one for plan, some in plain.items() if not plan.people and not plan.versions for one in some),
        frozenset(one for plan, some in plain.items() if plan.versions for one in some),
        frozenset(one for plan, some in plain.items() if plan.people for one in some),
        frozenset(by_year),
    )


def _take(use: _Use, group: Users | Server, excluded: bool) -> None:
    if isinstance(group, Server):
        if excluded:
            use.excluded[Metric.CORE] += group.count
        else:
            use.servers.append(group)
    elif excluded:
        use.excluded[Metric.NAMED_USER] += group.count
        use.excluded[Metric.DEVICE] += group.count * len(group.devices)
        use.excluded[Metric.SITE] += group.count * len(group.devices)
    else:
        use.users.append(group)


def _plans(
    found: Sequence[Subject],
    bought: Mapping[tuple[int, int], Sequence[Purchase]],
    ids: Collection[int],
) -> dict[Plan, set[int]]:
    """Which products need which statement; one with cores and something else needs two."""
    traits = {subject.product_id: subject.traits for subject in found}
    by_product: dict[int, list[Purchase]] = defaultdict(list)
    asked: dict[int, set[Metric]] = defaultdict(set)
    for subject in found:
        by_product[subject.product_id] += bought.get(subject.key, ())
        if subject.metric is not None:
            asked[subject.product_id].add(subject.metric)
    plans: dict[Plan, set[int]] = defaultdict(set)
    for product_id in ids:
        rows = by_product[product_id]
        metrics = {one.metric for one in rows} or asked[product_id]
        flags = {
            "exclusions": traits[product_id].exclusions,
            "undecided": traits[product_id].undecided,
            "signals": traits[product_id].signals,
        }
        if Metric.CORE in metrics:
            plans[Plan(servers=True, exclusions=flags["exclusions"], undecided=flags["undecided"])].add(product_id)
        if not metrics or metrics & {Metric.NAMED_USER, Metric.DEVICE, Metric.SITE}:
            second = any(Right.SECOND_USE in one.rights for one in rows)
            by_person = Metric.NAMED_USER in metrics or second or (not metrics and traits[product_id].seats)
            plans[
                Plan(
                    people=by_person,
                    devices=not by_person or second or bool(metrics - {Metric.NAMED_USER, Metric.CORE}),
                    versions=any(one.version for one in rows),
                    portable=second,
                    sites=Metric.SITE in metrics,
                    judged=by_person and traits[product_id].judged,
                    **flags,
                )
            ].add(product_id)
    return plans


def covers_of(connection: Connection, times: Times, found: Sequence[Subject]) -> list[Cover]:
    """Which suites cover which of the subjects: Microsoft's by their plans, and the company's own word, which wins."""
    if times.plain and not _by_vendor_id(found) and not any(one.traits.covers for one in found):
        return []
    query = select(SuiteCover.suite_product_id, SuiteCover.part_product_id, SuiteCover.covers)
    said = {
        (suite_id, part_id): yes
        for suite_id, part_id, yes in connection.execute(query.where(SuiteCover.recorded_at <= times.known_at))
    }
    said |= {
        (row["suite_product_id"], row["part_product_id"]): row["covers"]
        for row in read_then(connection, SuiteCover, times)
    }
    own = select(Product.id).join(Publisher, Publisher.id == Product.publisher_id)
    microsoft = own.where(
        or_(
            *(func.lower(Publisher.name).startswith(name) for name in MICROSOFT),
            exists().where(Sku.product_id == Product.id, Sku.sku_id.is_not(None)),
        )
    )
    held = set(connection.execute(microsoft).scalars()) | {suite_id for suite_id, _ in said}
    suites = subjects(connection, times, held)
    by_vendor_id = _by_vendor_id(suites)
    wanted = {one.key for one in found}
    covers: dict[tuple[tuple[int, int], tuple[int, int]], str] = {}
    for computed in cover_table(by_vendor_id):
        suite, part = by_vendor_id[computed.suite], by_vendor_id[computed.part]
        if part.key in wanted and said.get((suite.product_id, part.product_id), True):
            covers[part.key, suite.key] = suite.name
    for (suite_id, part_id), yes in said.items():
        names = [one.name for one in suites if one.product_id == suite_id]
        if yes and names:
            covers |= {(part.key, (suite_id, 0)): names[0] for part in found if part.product_id == part_id}
    return [Cover(part, suite, name) for (part, suite), name in sorted(covers.items()) if part[0] != suite[0]]


def _by_vendor_id(found: Sequence[Subject]) -> dict[str, Subject]:
    """Microsoft's products by its ids: those read from its tenant, and those the register knows by name only."""
    by_id: dict[str, Subject] = {}
    for one in found:
        ids = [vendor_id for _, vendor_id in one.skus if vendor_id]
        if not ids and one.publisher.casefold().startswith(MICROSOFT):
            ids = [named] if (named := sku_named(one.name)) else []
        by_id |= dict.fromkeys(ids, one)
    return by_id


# -- sessions, meters, sources -----------------------------------------------------------------------------------------


def _sessions(connection: Connection, times: Times, ids: Collection[int]) -> dict[int, tuple[Session, ...]]:
    if not ids:
        return {}
    query = select(UseSession.product_id, UseSession.began_at, UseSession.ended_at).where(
        UseSession.began_at < times.after,
        UseSession.recorded_at <= times.known_at,
        or_(UseSession.ended_at.is_(None), UseSession.ended_at > times.after - _SESSIONS_BACK),
    )
    rows = connection.execute(query.where(UseSession.product_id.in_(ids)) if len(ids) < FEW else query)
    found: dict[int, list[Session]] = defaultdict(list)
    for product_id, began_at, ended_at in rows:
        if product_id in ids:
            found[product_id].append(Session(began_at, ended_at))
    for row in read_then(connection, UseSession, times):
        if row["product_id"] in ids:
            found[row["product_id"]].append(Session(row["began_at"], row["ended_at"]))
    return {product_id: tuple(sessions) for product_id, sessions in found.items()}


def _readings(connection: Connection, times: Times, ids: Collection[int]) -> dict[int, tuple[Reading, ...]]:
    if not ids:
        return {}
    query = select(MeterReading.product_id, MeterReading.from_on, MeterReading.to_on, MeterReading.units).where(
        MeterReading.from_on <= times.at, MeterReading.recorded_at <= times.known_at
    )
    rows = connection.execute(query.where(MeterReading.product_id.in_(ids)) if len(ids) < FEW else query)
    found: dict[int, list[Reading]] = defaultdict(list)
    for product_id, from_on, to_on, units in rows:
        if product_id in ids:
            found[product_id].append(Reading(from_on, to_on, units))
    for row in read_then(connection, MeterReading, times):
        if row["product_id"] in ids and row["from_on"] <= times.at:
            found[row["product_id"]].append(Reading(row["from_on"], row["to_on"], row["units"]))
    return {product_id: tuple(readings) for product_id, readings in found.items()}


_SOURCES = {"figures": "Microsoft 365", "directory": "the staff directory"}
_FRESH = (
    select(SyncRun.source, func.max(SyncRun.ended_at).label("at"))
    .where(
        SyncRun.outcome == "done",
        SyncRun.ended_at <= bindparam("known_at", type_=UtcTime),
        SyncRun.source.in_(_SOURCES),
    )
    .group_by(SyncRun.source)
    .union_all(select(literal("devices"), func.max(Device.last_seen_at)))
)


def _sources(connection: Connection, times: Times) -> tuple[Source, ...]:
    """The register, and each outside source with its last complete run not after `known_at`."""
    found = [Source("the licence register", min(times.known_at, times.now))]
    rows = connection.execute(_FRESH, {"known_at": times.known_at}).all()
    known = {source: at for source, at in rows if at is not None}
    return (*found, *(Source(_SOURCES.get(source, source), known[source]) for source in sorted(known)))


def _first_record(connection: Connection, times: Times) -> date | None:
    """The first day anything is known of, for a question about the past; a day before it is not known, not zero."""
    if times.plain:
        return None
    firsts: list[date | datetime | None] = [
        connection.execute(select(func.min(Sku.figures_at)).where(Sku.figures_at <= times.known_at)).scalar(),
        *(row["figures_at"] for row in every(connection, Sku, times)),
    ]
    for model, name in _FIRSTS.items():
        began, recorded = getattr(model, name), model.recorded_at  # type: ignore[attr-defined]  # each of these has it
        firsts.append(connection.execute(select(func.min(began)).where(recorded <= times.known_at)).scalar())
        firsts += [row[name] for row in read_then(connection, model, times)]
    days = [one.date() if isinstance(one, datetime) else one for one in firsts if one is not None]
    return min(days, default=date.max)


#: By what a record of each table says of which day it is.
_FIRSTS = {
    Entitlement: "starts_on", Seat: "began_at", Installation: "began_at", UseSession: "began_at",
    MeterReading: "from_on",
}  # fmt: skip
