"""What deserves a red alert, by plain values (rules §8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from licensing.alerts import (
    Cause,
    Costed,
    Heard,
    KeySeen,
    Limits,
    QuietHours,
    Standing,
    Tolerated,
    Where,
    all_tolerated,
    grouped,
    heard,
    wanted,
    wanted_of_key,
)
from model import alerts as stored

LIMITS = Limits(rule="rule 30")
ENOUGH = Standing(
    7, "device", bought=Decimal(40), in_use=Decimal(30), free=Decimal(10), short=Decimal(0), bought_ever=True, devices=3
)
ENDED = replace(ENOUGH, bought=Decimal(0), free=Decimal(0), short=Decimal(30), ended_on=date(2026, 11, 30))
NOTHING = replace(ENOUGH, bought=Decimal(0), free=Decimal(0), short=Decimal(30), bought_ever=False)


def cause_of(standing: Standing, limits: Limits = LIMITS) -> Cause | None:
    found = wanted(standing, limits)
    return None if found is None else found.cause


def test_the_causes_are_those_that_are_stored() -> None:
    assert [one.value for one in Cause] == [one.value for one in stored.Cause]


@pytest.mark.parametrize(
    ("standing", "cause"),
    [
        (ENOUGH, None),
        (replace(ENOUGH, banned="not allowed, customer data (rule 5)"), Cause.UNAUTHORISED),
        (replace(ENOUGH, banned="not allowed", devices=0), None),
        (replace(NOTHING, needs_licence=True), Cause.UNAUTHORISED),
        (replace(NOTHING, restricted="restricted, nothing bought (rule 6)"), Cause.UNAUTHORISED),
        (replace(NOTHING, needs_licence=True, in_use=Decimal(0)), None),  # a suite covers them all
        (replace(NOTHING, needs_licence=True, in_use=None, bought=None), None),  # not known is never zero
        (replace(ENOUGH, bought=Decimal(0), short=Decimal(30), ended_on=date(2026, 10, 31)), Cause.EXPIRED_RIGHT),
        (replace(ENOUGH, short=Decimal(4), free=Decimal(0)), Cause.SHORTFALL),
        (replace(ENOUGH, short=Decimal(4), free=Decimal(0), hidden=Decimal(4)), None),  # observed only
        (replace(ENOUGH, short=Decimal(4), free=Decimal(0), adopted=Decimal(4)), None),  # there at the baseline
        (replace(ENOUGH, short=Decimal(5), free=Decimal(0), adopted=Decimal(4)), Cause.SHORTFALL),
        (replace(ENOUGH, in_use=Decimal(38), free=Decimal(2)), Cause.NEAR_LIMIT),
        (replace(ENOUGH, in_use=Decimal(37), free=Decimal(3)), None),
        (replace(ENOUGH, bought=Decimal(39), in_use=Decimal(37), free=Decimal(2)), None),  # above 5 per cent
        (replace(ENOUGH, bought=Decimal(10), in_use=Decimal(10), free=Decimal(0)), None),  # a small full house
        (replace(ENOUGH, bought=None, unlimited=True, short=None, free=None), None),
        (replace(ENOUGH, bought=None, unlimited=True, free=Decimal(0)), None),
        (replace(ENOUGH, bought=None, unlimited=True, short=Decimal(3), free=Decimal(0)), Cause.SHORTFALL),
        (replace(ENDED, devices=0, everywhere=30), Cause.EXPIRED_RIGHT),  # adopted devices were covered then
        (replace(ENDED, devices=0, people=1, in_use=Decimal(1), short=Decimal(1)), Cause.EXPIRED_RIGHT),  # a seat
        (replace(ENDED, devices=0, everywhere=30, adopted=Decimal(30)), None),  # short at the baseline as well
        (replace(ENDED, devices=0, hidden=Decimal(30)), None),
        (replace(ENDED, devices=1, everywhere=30, adopted=Decimal(29)), Cause.EXPIRED_RIGHT),
    ],
)  # fmt: skip
def test_a_position_asks_for_the_gravest_cause(standing: Standing, cause: Cause | None) -> None:
    assert cause_of(standing) is cause


def test_what_an_alert_leaves_out_of_a_shortfall_stands_in_its_figures() -> None:
    part = wanted(replace(ENOUGH, short=Decimal(6), free=Decimal(0), adopted=Decimal(2), hidden=Decimal(1)), LIMITS)
    assert part is not None
    assert [part.figures[name] for name in ("short", "adopted", "hidden")] == ["3", "2", "1"]


def test_the_end_of_a_purchase_speaks_of_whoever_it_covered_and_else_of_what_came_since() -> None:
    all_of_them = wanted(replace(ENDED, devices=1, everywhere=28, people=2), LIMITS)
    assert all_of_them is not None and all_of_them.adopted_too
    assert (all_of_them.figures["devices"], all_of_them.figures["people"]) == (28, 2)
    new = wanted(replace(ENDED, devices=1, everywhere=30, adopted=Decimal(29)), LIMITS)
    assert new is not None and not new.adopted_too and new.figures["devices"] == 1


def test_a_cause_that_policy_switched_off_asks_for_nothing() -> None:
    off = replace(LIMITS, causes=frozenset(Cause) - {Cause.SHORTFALL})
    assert cause_of(replace(ENOUGH, short=Decimal(4), free=Decimal(0)), off) is None


def test_a_key_names_the_cause_and_not_its_rows() -> None:
    one = wanted(replace(NOTHING, needs_licence=True), LIMITS)
    more = wanted(replace(NOTHING, needs_licence=True, devices=9, metric="named_user"), LIMITS)
    assert one is not None and more is not None
    assert one.key == more.key == "unauthorised:7" and one.rule == "nothing bought (rule 30)"
    short = wanted(replace(ENOUGH, short=Decimal("4.0"), free=Decimal(0), sku_id=3), LIMITS)
    assert short is not None and short.key == "shortfall:7:3:device" and short.figures["short"] == "4"


@pytest.mark.parametrize(
    ("key", "alerts"),
    [
        (KeySeen("ab", "Q7XYZ", 7, 2, 1), True),
        (KeySeen("ab", "Q7XYZ", 7, 2, 2), False),
        (KeySeen("ab", "Q7XYZ", 7, 2, None), False),
        (KeySeen("ab", "Q7XYZ", 7, 2, 1, volume=True), False),
        (KeySeen("ab", "Q7XYZ", 7, 21, 1), False),  # a volume key, marked or not
        (KeySeen("ab", "Q7XYZ", None, 2, 1), False),
        (KeySeen("ab", "Q7XYZ", 7, 2, 1, adopted=2), False),  # there at the baseline
        (KeySeen("ab", "Q7XYZ", 7, 3, 1, adopted=2), True),
    ],
)
def test_one_key_on_more_devices_than_it_allows(key: KeySeen, alerts: bool) -> None:
    assert (wanted_of_key(key, LIMITS) is not None) is alerts


def runs(cause: Cause, sightings: str, complete: bool = True) -> str:
    """What is heard after each run: "1" seen, "0" not; "o" opens, "c" clears, "." nothing."""
    is_open, agreed, said = False, 0, ""
    for one in sightings:
        meaning, agreed = heard(cause, is_open=is_open, agreed=agreed, seen=one == "1", complete=complete)
        said += {Heard.OPEN: "o", Heard.CLEAR: "c", Heard.NOTHING: "."}[meaning]
        is_open = is_open if meaning is Heard.NOTHING else meaning is Heard.OPEN
    return said


@pytest.mark.parametrize(
    ("cause", "sightings", "said"),
    [
        (Cause.SHORTFALL, "11", ".o"),
        (Cause.SHORTFALL, "1011", ".c.o"),  # what one run saw is forgotten by the next
        (Cause.SHORTFALL, "11010100", ".o.....c"),  # no flapping
        (Cause.NEAR_LIMIT, "1100", ".o.c"),
        (Cause.UNAUTHORISED, "101", "oco"),  # one scan is proof
        (Cause.EXPIRED_RIGHT, "110", "o.c"),
    ],
)
def test_runs_must_agree(cause: Cause, sightings: str, said: str) -> None:
    assert runs(cause, sightings) == said


def test_a_run_over_some_products_moves_no_count() -> None:
    assert runs(Cause.SHORTFALL, "1111", complete=False) == "...."
    assert runs(Cause.UNAUTHORISED, "10", complete=False) == "oc"


NEW = [Costed(number, Cause.UNAUTHORISED, Decimal(number * 100)) for number in range(1, 8)]


def test_more_than_the_hours_number_share_one_card_the_costliest_first() -> None:
    assert grouped(NEW, 0, 5, quiet=False) == ([7, 6, 5, 4, 3], [2, 1])
    assert grouped(NEW, 4, 5, quiet=False) == ([7], [6, 5, 4, 3, 2, 1])
    assert grouped(NEW[:2], 0, 5, quiet=True) == ([], [2, 1])
    assert grouped(NEW[:2], 0, 5, quiet=True, always=[Cause.UNAUTHORISED]) == ([2, 1], [])


@pytest.mark.parametrize(("hour", "quiet"), [(19, False), (20, True), (23, True), (3, True), (7, False)])
def test_quiet_hours_go_over_midnight_in_their_own_zone(hour: int, quiet: bool) -> None:
    paris = QuietHours(time(20), time(7), "Europe/Paris")
    assert paris.holds(datetime(2026, 11, 23, hour, tzinfo=UTC) - timedelta(hours=1)) is quiet


DAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("grants", "tolerated"),
    [
        ([], False),
        ([Tolerated(DAY, frozenset({1, 2}))], True),
        ([Tolerated(DAY - timedelta(days=1), frozenset({1, 2}))], False),
        ([Tolerated(DAY, frozenset({1}))], False),
        ([Tolerated(DAY, frozenset({1})), Tolerated(DAY, department="design")], True),
        ([Tolerated(DAY)], True),
    ],
)
def test_exceptions_silence_when_they_speak_of_every_place(grants: list[Tolerated], tolerated: bool) -> None:
    places = [Where(1, "Legal"), Where(2, "Design")]
    assert all_tolerated(places, grants, DAY) is tolerated
