"""Facts of any number of subjects: which statements they need, each run once for all that need the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain

from sqlalchemy import Connection, func, select

from licensing.position.facts import Facts, Metric, Reading, Server, Users
from licensing.position.metered import counted_since
from licensing.position.periods import Period
from model.contracts import Entitlement
from model.inventory import Installation, MeterReading, UseSession
from model.licences import Seat, Sku
from workflows.positions import kept, use_split
from workflows.positions.asked import Asked
from workflows.positions.asked import asked as asked_of
from workflows.positions.earlier import every
from workflows.positions.earlier import said as read_then
from workflows.positions.kept import Group, Question
from workflows.positions.sessions import sessions
from workflows.positions.subjects import Subject
from workflows.positions.times import Times
from workflows.positions.use import users
from workflows.positions.use_split import Alike
from workflows.positions.use_then import Cover, Plan

#: Products in one statement: its text names them.
AT_ONCE = 20_000
#: Below this many products a query names them; above it, reading all is cheaper.
FEW = 200


@dataclass
class _Use:
    """What the statements brought for one subject."""

    users: list[Users] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    excluded: dict[Metric, int] = field(default_factory=lambda: defaultdict(int))


def counted_now(
    connection: Connection, times: Times, product_ids: Collection[int] | None = None
) -> Iterator[tuple[Question, list[Group]]]:
    """Who uses each product, counted from the rows whatever is kept."""
    asked = asked_of(connection, times, product_ids)
    questions = list(asked.questions(times))
    alike = _alike(connection, times, asked)
    with use_split.counting(connection, times, alike, [one.product_id for one in questions]) as counted:
        rest: dict[tuple[Plan, int], list[Group]] = defaultdict(list)
        for plan, some in asked.plans.items():
            for group in _counted(connection, times, asked, plan, some):
                rest[plan, group[0][0]].append(group)
        for question in questions:
            product_id = question.product_id
            if product_id in asked.plans[question.plan]:
                yield question, rest[question.plan, product_id]
            else:
                yield question, [((product_id, 0), one, False) for one in counted.of(product_id)]


def facts(
    connection: Connection, times: Times, product_ids: Collection[int] | None = None
) -> Iterator[tuple[Subject, Facts]]:
    """All that positions are computed from, subject by subject, in the order of their names."""
    asked = asked_of(connection, times, product_ids)
    found, bought = asked.found, asked.bought
    alike = _alike(connection, times, asked)
    with use_split.counting(connection, times, alike, [one.product_id for one in found]) as counted:
        use = _use(connection, times, asked, since=product_ids is not None)
        periods: dict[int, set[Period]] = defaultdict(set)
        for one in found:
            if one.traits.sessions:
                periods[one.product_id].add(counted_since(bought.get(one.key, ()), times.at))
        used = sessions(connection, times, periods, _spared(asked, periods))
        readings = _readings(connection, times, {one.product_id for one in found if one.traits.readings})
        first = _first_record(connection, times)
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
                    sessions=used.get(subject.product_id),
                    readings=readings.get(subject.product_id),
                    vendor=subject.vendor,
                    excluded=dict(own.excluded),
                    list_price=subject.list_price,
                    list_cycle=subject.list_cycle,
                    default_metric=subject.metric,
                    idle_after_days=subject.idle_after_days,
                    sources=subject.sources,
                    first_record_on=first,
                ),
            )


# -- use ---------------------------------------------------------------------------------------------------------------


def _use(connection: Connection, times: Times, asked: Asked, *, since: bool) -> dict[tuple[int, int], _Use]:
    """`since`: of a few products those whose groups are kept are not counted, but brought up to date."""
    use: dict[tuple[int, int], _Use] = defaultdict(_Use)
    wanted = {plan: set(product_ids) for plan, product_ids in asked.plans.items()}
    if since and kept.applies(connection, times) and len(asked.found) < FEW:
        for question in asked.questions(times):
            groups = kept.users_since(connection, question)
            if groups is not None:
                wanted[question.plan].remove(question.product_id)
                for key, one, excluded in groups:
                    _take(use[key], one, excluded)
    for plan, product_ids in wanted.items():
        for key, one, excluded in _counted(connection, times, asked, plan, product_ids):
            _take(use[key], one, excluded)
    return use


def _counted(
    connection: Connection, times: Times, asked: Asked, plan: Plan, product_ids: Collection[int]
) -> Iterator[Group]:
    rows = sorted(product_ids)
    base_sku, idle_after = asked.base_sku, asked.idle_after
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        chosen = set(some)
        yield from users(
            connection,
            plan,
            some,
            times,
            base_sku={one: sku for one, sku in base_sku.items() if one in chosen},
            covers=[cover for cover in asked.covers if cover.part[0] in chosen],
            idle_after=idle_after,
            by_year=asked.by_year,
        )


def _alike(connection: Connection, times: Times, asked: Asked) -> Alike:
    """Takes out of the plans the many products that can be counted from an index alone."""
    plans, but = asked.plans, {cover.part[0] for cover in asked.covers} | set(asked.base_sku)
    plain = {plan: product_ids - but for plan, product_ids in plans.items() if use_split.fits(plan, times)}
    if connection.dialect.name != "postgresql" or sum(map(len, plain.values())) < use_split.MANY:
        return Alike()
    for plan, product_ids in plain.items():
        plans[plan] -= product_ids
    return Alike(
        frozenset(one for plan, some in plain.items() if not plan.people and not plan.versions for one in some),
        frozenset(one for plan, some in plain.items() if plan.versions for one in some),
        frozenset(one for plan, some in plain.items() if plan.people for one in some),
        frozenset(asked.by_year),
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


# -- sessions, meters --------------------------------------------------------------------------------------------------


def _spared(asked: Asked, periods: Collection[int]) -> dict[int, list[Cover]]:
    """Products used concurrently of which exclusions or suites may spare sessions, with those suites.

    Sessions say no tier: of a product with tiers, a suite spares them when it covers each tier.
    """
    found: dict[int, list[Cover]] = {}
    tiers: dict[int, list[Subject]] = defaultdict(list)
    for one in asked.found:
        tiers[one.product_id].append(one)
    for product_id in periods:
        own = [cover for cover in asked.covers if cover.part[0] == product_id]
        by_suite: dict[tuple[int, int], list[Cover]] = defaultdict(list)
        for cover in own:
            by_suite[cover.suite].append(cover)
        covers = [some[0] for some in by_suite.values() if len(some) == len(tiers[product_id])]
        bought = list(chain.from_iterable(asked.bought.get(one.key, ()) for one in tiers[product_id]))
        concurrent = not bought or any(one.metric is Metric.CONCURRENT for one in bought)
        if concurrent and (covers or any(one.traits.exclusions for one in tiers[product_id])):
            found[product_id] = covers
    return found


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
