"""What holds for every position, whatever is bought and used."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.money import Money
from licensing.position.changes import Cause, Ground, Rows, explain
from licensing.position.compute import position, proofs
from licensing.position.cover import Taker, cover
from licensing.position.facts import Facts, Installed, Kind, Metric, Purchase, Reading, Right, Session, Users
from licensing.position.figure import SIGNS, to_json
from licensing.position.periods import Highest, Period, peak
from licensing.position.versions import Supply, parts

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
VERSIONS = st.sampled_from(("", "2016", "2019", "2021"))
PRICES = st.one_of(
    st.none(),
    st.builds(Money, st.decimals("0.01", 900, places=3), st.sampled_from(("EUR", "USD"))),
)
RIGHTS = st.frozensets(st.sampled_from(list(Right)))


@st.composite
def purchases(draw: st.DrawFn, metric: Metric, number: int = 0) -> Purchase:
    kind = draw(st.sampled_from((Kind.SUBSCRIPTION, Kind.PERPETUAL)))
    return Purchase(
        number,
        metric,
        kind,
        draw(
            st.one_of(st.none(), st.integers(0, 12).map(Decimal))
            if draw(st.integers(0, 5)) == 0
            else st.integers(0, 12).map(Decimal)
        ),
        TODAY - timedelta(days=draw(st.integers(-40, 400))),
        draw(st.one_of(st.none(), st.integers(-60, 400).map(lambda days: TODAY + timedelta(days=days)))),
        unit_price=draw(PRICES),
        cycle=draw(st.sampled_from(("month", "year"))),
        version=draw(VERSIONS),
        maintenance_until=draw(st.sampled_from((None, TODAY, TODAY - timedelta(days=1)))),
        maintenance_price=draw(PRICES),
        rights=draw(RIGHTS),
        proof=draw(st.sampled_from(("", "invoice"))),
    )


INSTALLED = st.builds(Installed, VERSIONS, st.booleans(), st.booleans())
USERS = st.builds(
    Users,
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.lists(INSTALLED, max_size=3).map(tuple),
    st.sampled_from(("", "", "", "Suite")),
    st.sampled_from((None, True, False)),
    st.booleans(),
    st.sampled_from((False, False, False, True)),
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    metric = draw(st.sampled_from((Metric.NAMED_USER, Metric.DEVICE)))
    bought = tuple(draw(purchases(metric, number)) for number in range(draw(st.integers(0, 4))))
    return Facts(
        "Miro",
        TODAY,
        NOW,
        bought,
        tuple(draw(st.lists(USERS, max_size=5))),
        list_price=draw(PRICES),
        default_metric=metric,
    )


@given(facts())
@settings(max_examples=60)
def test_the_sum_adds_up_line_by_line_and_version_by_version(given_facts: Facts) -> None:
    for found in position(given_facts):
        assert found.surplus is not None and found.shortfall is not None and found.consumed is not None
        if found.entitled is not None:
            assert found.surplus - found.shortfall == found.entitled - found.consumed
            assert sum(SIGNS[line.kind] * (line.amount or 0) for line in found.lines) == 0
        if found.versions:
            assert sum(line.surplus for line in found.versions) == found.surplus
            assert sum(line.shortfall for line in found.versions) == found.shortfall
            assert sum(line.consumed for line in found.versions) == found.consumed
        assert min(found.surplus, found.shortfall, found.consumed) >= 0


@given(facts(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_the_facts_never_matters(given_facts: Facts, chance: random.Random) -> None:
    shuffled = replace(
        given_facts,
        purchases=tuple(chance.sample(given_facts.purchases, len(given_facts.purchases))),
        users=tuple(chance.sample(given_facts.users, len(given_facts.users))),
    )
    for found, other in zip(position(given_facts), position(shuffled), strict=True):
        left, right = to_json(found), to_json(other)
        for name in ("entitled", "consumed", "surplus", "shortfall", "at_risk", "wasted", "shelfware", "stale"):
            assert left[name] == right[name], name


@given(facts(), st.data())
@settings(max_examples=50)
def test_another_purchase_never_raises_a_shortfall(given_facts: Facts, data: st.DataObject) -> None:
    metric = given_facts.default_metric or Metric.DEVICE
    more = data.draw(purchases(metric, 99))
    before = {one.metric: one.shortfall for one in position(given_facts)}
    for found in position(replace(given_facts, purchases=(*given_facts.purchases, more))):
        had = before.get(found.metric)
        assert had is None or (found.shortfall is not None and found.shortfall <= had)


@given(facts())
@settings(max_examples=50)
def test_wasted_units_were_bought_and_unknown_use_wastes_none(given_facts: Facts) -> None:
    for found in position(given_facts):
        limited = sum(
            (
                one.quantity or Decimal(0)
                for one in given_facts.purchases
                if one.holds(TODAY) and one.metric is found.metric
            ),
            Decimal(0),
        )
        assert found.shelfware <= limited
        unknown = replace(
            given_facts, users=tuple(replace(user, idle=None, leaver=False) for user in given_facts.users)
        )
        for other in position(unknown):
            assert other.shelfware == other.surplus


@given(facts())
@settings(max_examples=50)
def test_currencies_never_mix_and_an_unknown_price_is_never_zero(given_facts: Facts) -> None:
    """Without a single price in euros no sum is in euros; without any price no sum is a figure."""

    def dollars(price: Money | None) -> Money | None:
        return None if price is None or price.currency == "EUR" else price

    def priced(one: Purchase) -> Purchase:
        return replace(one, unit_price=dollars(one.unit_price), maintenance_price=dollars(one.maintenance_price))

    only = replace(
        given_facts, purchases=tuple(map(priced, given_facts.purchases)), list_price=dollars(given_facts.list_price)
    )
    for found in position(only):
        assert found.at_risk is not None
        assert not {"EUR"} & ({*found.at_risk.totals} | {*found.wasted.totals})
    free = tuple(replace(one, unit_price=None, maintenance_price=None) for one in given_facts.purchases)
    for found in position(replace(given_facts, purchases=free, list_price=None)):
        assert found.at_risk is not None and not found.at_risk.totals
        assert found.unpriced == bool(found.shortfall)
        assert (to_json(found)["at_risk"] is None) == bool(found.shortfall)


@given(facts())
@settings(max_examples=30)
def test_proof_can_only_be_lost(given_facts: Facts) -> None:
    for both in proofs(given_facts):
        assert both.everything.shortfall is not None and both.proven.shortfall is not None
        assert both.proven.shortfall >= both.everything.shortfall
        if both.everything.entitled is not None:
            assert both.proven.entitled is not None and both.proven.entitled <= both.everything.entitled
        assert both.proven.consumed is not None


SUPPLIES = st.builds(
    Supply, VERSIONS.map(parts), st.integers(0, 2), st.booleans(), st.booleans(), second_use=st.just(0)
)
TAKERS = st.builds(Taker, st.integers(1, 2), st.tuples(st.tuples(VERSIONS.map(parts), st.booleans())))


def best(supplies: Sequence[Supply], wanted: list[tuple[int, ...]]) -> int:
    """The largest cover, by trying everything."""
    if not wanted:
        return 0
    first, rest = wanted[0], wanted[1:]
    found = best(supplies, rest)
    for place, supply in enumerate(supplies):
        if supply.units and supply.fit(first) is not None:
            left = [*supplies]
            left[place] = replace(supply, units=supply.units - 1)
            found = max(found, 1 + best(left, rest))
    return found


@given(st.lists(SUPPLIES, max_size=3), st.lists(TAKERS, max_size=3))
@settings(max_examples=150, deadline=None)
def test_the_cover_is_the_largest_there_is(supplies: list[Supply], takers: list[Taker]) -> None:
    wanted = [version for taker in takers for version, _ in taker.devices for _ in range(taker.count)]
    found = cover(supplies, takers)
    assert sum(found.units.values()) == best(supplies, wanted)
    for place, supply in enumerate(supplies):
        assert supply.units is not None
        assert 0 <= found.spare(place) <= supply.units
        assert sum(units for (number, _), units in found.units.items() if number == place) <= supply.units
    for version in found.needed:
        assert 0 <= found.short(version) <= wanted.count(version)
    for (number, version), units in found.units.items():
        assert units > 0 and supplies[number].fit(version) is not None


PEOPLE = st.lists(
    st.lists(st.tuples(st.sampled_from(((2016,), (2019,))), st.booleans()), min_size=1, max_size=3),
    min_size=1,
    max_size=2,
)


@given(st.lists(SUPPLIES, max_size=2), SUPPLIES, st.integers(0, 2), PEOPLE)
@settings(max_examples=80, deadline=None)
def test_second_use_and_units_together_are_the_largest_cover(
    plain: list[Supply], right: Supply, uses: int, people: list[list[tuple[tuple[int, ...], bool]]]
) -> None:
    """Every choice of portables that may leave is tried; the one taken leaves the least short, and the most leave."""
    supplies = [replace(right, second_use=uses), *plain]
    found = cover(supplies, [Taker(1, tuple(devices)) for devices in people], second_use=True)

    def choices(devices: list[tuple[tuple[int, ...], bool]]) -> list[list[tuple[int, ...]]]:
        fitting = [version for version, _ in devices if right.fit(version) is not None]
        portables = [number for number, (version, portable) in enumerate(devices) if portable and version in fitting]
        return [
            [version for number, (version, _) in enumerate(devices) if number not in gone]
            for size in range(min(len(portables), len(fitting) // 2) + 1)
            for gone in itertools.combinations(portables, size)
        ]

    total = sum(len(devices) for devices in people)
    tried = []
    for left in itertools.product(*map(choices, people)):
        wanted = [version for versions in left for version in versions]
        if total - len(wanted) <= uses:
            tried.append((len(wanted) - best(supplies, wanted), len(wanted)))
    least_short = min(short for short, _ in tried)
    assert sum(found.short(version) for version in found.needed) == least_short
    assert found.second_uses == total - min(wanted for _, wanted in tried)


@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.integers(1, 2), st.lists(st.booleans(), min_size=1, max_size=4)), max_size=4),
)
def test_second_use_is_no_more_than_the_right_and_half_of_each_persons_devices(
    rights: int, people: list[tuple[int, list[bool]]]
) -> None:
    takers = [Taker(count, tuple(((), portable) for portable in devices)) for count, devices in people]
    found = cover([Supply((), 3, second_use=rights)], takers, second_use=True)
    allowed = sum(count * min(sum(devices), len(devices) // 2) for count, devices in people)
    assert found.second_uses == min(rights, allowed)
    total = sum(count * len(devices) for count, devices in people)
    assert sum(found.needed.values()) == total - found.second_uses


@given(st.integers(0, 3), st.integers(0, 3), st.lists(st.booleans(), min_size=1, max_size=4), st.integers(1, 2))
def test_surplus_of_one_version_never_nets_a_shortfall_of_another(
    old: int, new: int, is_new: list[bool], count: int
) -> None:
    supplies = [Supply((2021,), new), Supply((2016,), old)]
    found = cover(supplies, [Taker(count, (((2021,) if newer else (2016,), False),)) for newer in is_new])
    for place, (version, bought) in enumerate((((2021,), new), ((2016,), old))):
        used = count * sum(newer == (version == (2021,)) for newer in is_new)
        assert found.spare(place) == max(0, bought - used)
        assert found.short(version) == max(0, used - bought)


MINUTES = st.integers(0, 60)


@given(st.lists(st.tuples(MINUTES, st.one_of(st.none(), MINUTES)), max_size=8))
def test_the_peak_is_the_fullest_minute(times: list[tuple[int, int | None]]) -> None:
    begin = datetime(2026, 11, 23, tzinfo=UTC)
    sessions = [
        Session(begin + timedelta(minutes=first), None if last is None else begin + timedelta(minutes=last))
        for first, last in times
    ]
    fullest = max(
        (sum(first <= minute and (last is None or minute < last) for first, last in times) for minute in range(61)),
        default=0,
    )
    assert peak(sessions, Period(TODAY, TODAY), TODAY) == fullest
    one_by_one = Highest(Period(TODAY, TODAY), TODAY)
    for session in sorted(sessions, key=lambda one: one.began_at):
        one_by_one.add(session)
    assert len(one_by_one.sessions()) == peak(one_by_one.sessions(), Period(TODAY, TODAY), TODAY) == fullest


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(0, 500)), max_size=4))
def test_what_no_reading_tells_of_is_not_known(spans: list[tuple[int, int, int]]) -> None:
    """November is the period: units are those of the days in it, and without such a day there is no figure."""
    readings = tuple(
        Reading(TODAY - timedelta(days=back + long), TODAY - timedelta(days=back), Decimal(units))
        for back, long, units in spans
    )
    bought = Purchase(1, Metric.CONSUMPTION, Kind.CONSUMPTION, Decimal(100), date(2026, 1, 1), cycle="month")
    (found,) = position(Facts("Miro", TODAY, NOW, (bought,), readings=readings))
    inside = [one for one in readings if one.to_on >= date(2026, 11, 1)]
    assert (found.consumed is None) == (not inside) == (found.shortfall is None)
    if found.consumed is not None:
        assert found.consumed <= sum(one.units for one in inside)


UNITS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 3).map(Decimal), max_size=6)


@given(UNITS, UNITS, UNITS, UNITS, st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from(list(Ground))))
def test_steps_and_what_they_leave_over_are_the_difference(
    old: dict[str, Decimal],
    new: dict[str, Decimal],
    were: dict[str, Decimal],
    are: dict[str, Decimal],
    grounds: dict[str, Ground],
) -> None:
    def rows(bought: dict[str, Decimal], users: dict[str, Decimal], at: date) -> Rows:
        purchases = tuple(
            Purchase(number, Metric.NAMED_USER, Kind.SUBSCRIPTION, units, date(2025, 1, 1))
            for number, units in enumerate(bought.values())
        )
        total = int(sum(users.values()))
        given_facts = Facts(
            "Miro", at, NOW, purchases, (Users(total, seat=True),) if total else (), default_metric=Metric.NAMED_USER
        )
        found = position(replace(given_facts, users=given_facts.users or (Users(1, seat=True, suite="S"),)))[0]
        return Rows(
            found,
            {f"purchase:{key}": units for key, units in bought.items()},
            {f"person:{key}": units for key, units in users.items()},
        )

    causes = {f"person:{key}": Cause(ground, f"event {key}") for key, ground in grounds.items()}
    found = explain(rows(old, were, TODAY - timedelta(days=30)), rows(new, are, TODAY), causes)
    before, after = found.free
    assert before is not None and after is not None and found.not_explained is not None
    assert before + sum(step.free for step in found.steps) + found.not_explained == after
    moved = {key for key in itertools.chain(were, are) if were.get(key) != are.get(key)}
    if moved <= set(grounds):
        assert found.not_explained == 0 and found.settled
