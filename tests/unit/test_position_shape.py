"""How a position leaves the computation: the shape of exports, the sum in words, versions, proof, and change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from licensing.position.changes import Cause, Explanation, Ground, Rows, explain, lines, sentence
from licensing.position.compute import position, proofs
from licensing.position.facts import Metric, Source
from licensing.position.figure import Position, number, sum_in_words, to_json
from tests.unit.position_facts import (
    CONCURRENT,
    CONSUMPTION,
    DOWNGRADE,
    SECOND_USE,
    SITE,
    alone,
    bought,
    enabled,
    facts,
    has,
    laptop,
    people,
    perpetual,
    reading,
    seats,
)


def figures(found: Position, *names: str) -> tuple[object, ...]:
    shape = to_json(found)
    return tuple(shape[name] for name in names)


def test_the_shape_is_that_of_the_rules() -> None:
    known = datetime(2026, 11, 23, 6, tzinfo=UTC)
    (found,) = position(
        facts(
            bought(10, "10.555", cycle="month", name="PO-1"),
            seats(8),
            seats(2, idle=True),
            seats(1, suite="Microsoft 365 E5"),
            seats(3, undecided=True),
            idle_after_days=60,
            sources=(Source("Microsoft 365", known), Source("devices")),
        )
    )
    shape = to_json(found)
    assert json.loads(json.dumps(shape)) == {
        "product": "Miro",
        "metric": "named_user",
        "at": "2026-11-23",
        "known_at": "2026-11-23T18:00:00+00:00",
        "entitled": 10,
        "consumed": 10,
        "at_least": False,
        "undecided": 3,
        "surplus": 0,
        "shortfall": 0,
        "at_risk": {},
        "wasted": {"EUR": "253.32"},  # 2 x 12 x 10.555
        "shelfware": 2,
        "not_proven": 0,
        "stale": 0,
        "sources": [{"name": "Microsoft 365", "at": "2026-11-23T06:00:00+00:00"}, {"name": "devices", "at": None}],
        "reasons": [
            "10 units bought in 1 purchase: PO-1",
            "11 people hold a seat or use a device that has it",
            "1 covered by Microsoft 365 E5",
            "1 of them holds a seat beside Microsoft 365 E5, which includes it",
            "Up to + 3 if titles not yet decided on are this product",
            "2 units wasted, €253.32 a year: 2 not used for 60 days",
            "Taken from what ends first, then the dearest: 2 of PO-1",
        ],
    }


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            position(facts(bought(40), seats(37), seats(8, suite="Microsoft 365 E5")))[0],
            "40 bought − 45 in use + 8 part of Microsoft 365 E5 = 3 free",
        ),
        (
            position(facts(perpetual(3, name="PO-1", rights=SECOND_USE), people(4, has(), laptop())))[0],
            "3 bought, PO-1 − 8 in use + 3 second use = 2 short",
        ),
        (
            position(facts(perpetual(9, version="2019"), perpetual(1, version="2016"), alone(4, has("2016"))))[0],
            "9 bought + 1 bought − 4 in use = 9 free and 3 short",
        ),
        (position(facts(bought(None), seats(7)))[0], "unlimited bought − 7 in use = 0 free"),
        (position(facts(seats(3)))[0], "0 bought − 3 in use = 3 short"),
        (position(facts(enabled(5), seats(7)))[0], "5 enabled by Microsoft 365 − 7 in use = 2 short"),
        (position(facts(bought(5, metric=CONCURRENT)))[0], "5 bought − not known in use = not known"),
        (
            position(facts(bought(1, metric=SITE, sites=("Lyon",)), alone(8, has(site="Lyon")), alone(2)))[0],
            "unlimited bought − 10 in use + 8 at the named sites = 2 short",
        ),
        (
            position(
                facts(
                    bought(100, metric=CONSUMPTION, cycle="month"),
                    readings=(reading("2026-10-31", "2026-11-02", "100"),),
                )
            )[0],
            "100 bought − 66.6667 in use = 33.3333 free",
        ),
    ],
)
def test_the_sum_is_said_in_words(found: Position, words: str) -> None:
    assert sum_in_words(found) == words


def test_each_version_is_shown_apart() -> None:
    (found,) = position(
        facts(
            perpetual(10, version="2019", rights=DOWNGRADE),
            perpetual(5, version="2016"),
            alone(6, has("2019")),
            alone(12, has("2016")),
            alone(1, has("2021")),
        )
    )
    assert [
        (line.version, *map(number, (line.entitled, line.consumed, line.surplus, line.shortfall)))
        for line in found.versions
    ] == [("2021", 0, 1, 0, 1), ("2019", 10, 6, 0, 0), ("2016", 5, 12, 0, 3)]
    assert figures(found, "surplus", "shortfall") == (0, 4)


def test_the_position_without_entitlements_that_lack_proof() -> None:
    (both,) = proofs(facts(bought(10), bought(4, proof=""), seats(12)))
    assert figures(both.everything, "entitled", "shortfall") == (14, 0)
    assert figures(both.proven, "entitled", "shortfall") == (10, 2)
    assert to_json(both.proven)["at_risk"] == {"EUR": "200.00"}


def test_a_vendors_figure_is_no_proof() -> None:
    (both,) = proofs(facts(enabled(10), seats(7)))
    assert figures(both.everything, "entitled", "not_proven") == (10, 10)
    assert figures(both.proven, "entitled", "not_proven", "shortfall") == (0, 0, 7)


def test_the_vendor_says_that_seats_are_given_and_nobody_read_to_whom() -> None:
    (both,) = proofs(facts(enabled(10, consumed=12)))
    assert figures(both.everything, "consumed", "shortfall") == (12, 2)
    assert figures(both.proven, "consumed", "shortfall") == (12, 12)


def rows(found: Position, users: dict[str, int], **purchases: int | None) -> Rows:
    return Rows(
        found,
        {name: None if units is None else Decimal(units) for name, units in purchases.items()},
        {name: Decimal(units) for name, units in users.items()},
    )


def change() -> Explanation:
    """October to November: 5 free, then 3; Ana joined, Ben's seat was taken back, Cem left, four had it installed."""
    (before,) = position(facts(bought(10), seats(5), at="2026-10-23"))
    (after,) = position(facts(bought(8), bought(4, starts_on="2026-11-01"), seats(9)))
    stay = {"dia": 1, "eve": 1, "fay": 1}
    return explain(
        rows(before, {**stay, "ben": 1, "cem": 1}, first=10),
        rows(after, {**stay, "ana": 1, "g": 1, "h": 1, "i": 1, "j": 1, "k": 1}, first=8, second=4),
        {
            "ana": Cause(Ground.JOINED, "event 1"),
            "ben": Cause(Ground.TAKEN_BACK, "event 2"),
            "cem": Cause(Ground.LEFT, "event 3"),
            **{name: Cause(Ground.INSTALLED, "event 4") for name in "ghij"},
        },
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (3, 4, "Short went from 3 to 4: 1 more in use."),
        (0, 2, "Short went from 0 to 2: 2 more in use."),
        (3, 3, "Short stayed at 3."),
        (-2, 1, "From 2 free to 1 short: 3 more in use."),
        (1, -1, "From 1 short to 1 free: 2 fewer in use."),
        (0, 0, "Free stayed at 0."),
    ],
)
def test_what_was_or_is_short_is_called_so(before: int, after: int, words: str) -> None:
    """ "Free went from −3 to −4"."""
    first, last = (
        rows(position(facts(bought(10), seats(10 + short)))[0], {str(one): 1 for one in range(10 + short)})
        for short in (before, after)
    )
    assert sentence(explain(first, last, {})) == words


def test_why_did_it_change_is_told_in_steps() -> None:
    found = change()
    assert sentence(found) == "Free went from 5 to 3: 4 more in use, 2 more bought."
    assert lines(found) == [
        ("on 23 Oct 2026", "5"),
        ("bought", "+4"),
        ("corrected", "−2"),
        ("joined", "−1"),
        ("left", "+1"),
        ("taken back", "+1"),
        ("installed", "−4"),
        ("not explained", "−1"),  # k came from nowhere
        ("on 23 Nov 2026", "3"),
    ]
    assert not found.settled
    assert found.steps[-1].subjects == ("g", "h", "i", "j") and found.steps[-1].events == ("event 4",)


def test_what_is_fully_explained_still_shows_a_zero() -> None:
    (before,) = position(facts(bought(10), seats(5), at="2026-10-23"))
    (after,) = position(facts(bought(10), seats(5)))
    found = explain(rows(before, {}, first=10), rows(after, {}, first=10), {})
    assert sentence(found) == "Free stayed at 5."
    assert lines(found)[1:-1] == [("not explained", "0")]
    assert found.settled


def test_a_purchase_without_limit_is_a_step_that_no_number_measures() -> None:
    (before,) = position(facts(bought(10), seats(5), at="2026-10-23"))
    (after,) = position(facts(bought(None), seats(5)))
    found = explain(rows(before, {}, first=10), rows(after, {}, ela=None), {})
    assert sentence(found).startswith("Free is not known on both days, or without limit")
    assert [step.ground for step in found.steps] == [Ground.BOUGHT, Ground.ENDED]
    assert lines(found)[-2:] == [("not explained", "not known"), ("on 23 Nov 2026", "not known")]


def test_only_two_days_of_one_position_are_compared() -> None:
    (one,) = position(facts(bought(10), seats(5)))
    with pytest.raises(ValueError, match="one product and metric"):
        explain(Rows(one), Rows(replace(one, metric=Metric.DEVICE)), {})
    with pytest.raises(ValueError, match="1 Nov 2026 lies before 23 Nov 2026"):
        explain(Rows(one), Rows(replace(one, at=date(2026, 11, 1))), {})


def test_a_day_before_the_first_record_has_no_figure_and_says_why() -> None:
    (found,) = position(facts(seats(3), at="2025-01-01", first_record_on="2026-01-03"))
    assert (found.free, found.unpriced) == (None, False)
    assert sum_in_words(found) == "not known"
