"""Two policies over the same causes: plain values in, differences in words out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from licensing import alert_changes
from licensing.alert_changes import Outcome, Stance, compared
from licensing.alerts import Cause, KeySeen, Limits, Standing

IN_FORCE = Stance(Limits(rule="rule 30"), frozenset({Cause.UNAUTHORISED}), 20, frozenset({Cause.UNAUTHORISED}))
NOTHING = Standing(
    7, "device", bought=Decimal(0), in_use=Decimal(3), free=Decimal(0), short=Decimal(3), needs_licence=True, devices=3
)
FEW = Standing(7, "device", bought=Decimal(40), in_use=Decimal(38), free=Decimal(2), short=Decimal(0), bought_ever=True)
QUIET = replace(IN_FORCE, limits=Limits(frozenset(Cause) - {Cause.UNAUTHORISED}, rule="rule 30"))


@pytest.mark.parametrize(
    ("stance", "people", "said"),
    [
        (IN_FORCE, 3, "alert as unauthorised, asks 3 people by itself, opens a ticket"),
        (IN_FORCE, 1, "alert as unauthorised, asks 1 person by itself, opens a ticket"),
        (IN_FORCE, 21, "alert as unauthorised, asks nobody by itself, opens a ticket"),
        (replace(IN_FORCE, asks=frozenset()), 3, "alert as unauthorised, asks nobody by itself, opens a ticket"),
        (replace(IN_FORCE, tickets=frozenset()), 3, "alert as unauthorised, asks 3 people by itself, no ticket"),
        (QUIET, 3, "no alert"),
    ],
)
def test_what_a_policy_makes_of_a_cause_is_said_in_words(stance: Stance, people: int, said: str) -> None:
    assert str(alert_changes.of(NOTHING, people, stance)) == said


def test_the_limits_decide_and_a_ban_changes_the_cause() -> None:
    assert str(alert_changes.of(FEW, 0, IN_FORCE)).startswith("alert as near limit")
    wide = replace(IN_FORCE, limits=Limits(near_count=1))
    assert alert_changes.of(FEW, 0, wide) == Outcome()
    assert alert_changes.of(replace(FEW, banned="not allowed", devices=2), 0, IN_FORCE).cause is Cause.UNAUTHORISED
    key = KeySeen("ab", "Q7XYZ", 7, 2, 1)
    assert alert_changes.of(key, 0, IN_FORCE).key == "key:ab"


def test_differences_are_counted_by_cause() -> None:
    then, now = alert_changes.of(NOTHING, 3, IN_FORCE), alert_changes.of(NOTHING, 3, QUIET)
    found = compared([(then, now), (then, then), (Outcome(), Outcome(Cause.NEAR_LIMIT, 0, False, "near_limit:7"))])
    assert (found.looked_at, found.different) == (3, 2)
    assert found.lines() == [
        "unauthorised: 2 alerts in force; under the file 1 not raised, 3 people not asked, 1 ticket not opened",
        "near limit: 0 alerts in force; under the file 1 more",
    ]


def test_a_changed_cause_is_one_less_of_the_one_and_one_more_of_the_other() -> None:
    then = Outcome(Cause.SHORTFALL, 0, True, "shortfall:7:0:device")
    now = Outcome(Cause.UNAUTHORISED, 2, True, "unauthorised:7")
    found = compared([(then, now)])
    assert found.lines() == [
        "unauthorised: 0 alerts in force; under the file 1 more, 2 people more asked, 1 ticket more",
        "shortfall: 1 alert in force; under the file 1 not raised, 1 ticket not opened",
    ]


def test_the_same_under_another_key_is_no_difference() -> None:
    one = Outcome(Cause.SHORTFALL, 0, True, "a")
    found = compared([(one, replace(one, key="b"))])
    assert found.different == 0
    assert found.lines() == ["shortfall: 1 alert in force; under the file no difference"]
