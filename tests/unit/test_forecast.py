"""Seats needed in months to come: honest where history is short, tried against the past, never twice the same heads."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from licensing.forecast import LEAST_MONTHS, Forecast, Month, Planned, forecast, in_words, whole
from licensing.money import months_later

START = date(2025, 4, 1)
ROOT = Path(__file__).resolve().parents[2]


def history(*seats: int) -> list[Month]:
    return [Month(months_later(START, at), value) for at, value in enumerate(seats)]


def growing(months: int, by: float = 2.0, noise: float = 0.8) -> list[Month]:
    chance = random.Random(7)
    return history(*(round(30 + by * at + chance.gauss(0, noise)) for at in range(months)))


@pytest.mark.parametrize("months", range(LEAST_MONTHS))
def test_a_short_history_says_so_and_gives_no_figure(months: int) -> None:
    found = forecast(history(*[30] * months), 12)
    assert (found.ahead, found.method, found.needed(date(2026, 1, 1), date(2027, 1, 1))) == ((), "", None)
    assert found.words.startswith(f"{months} month") and "too few for a forecast; it takes 6" in found.words
    assert in_words(None) == "not known"


def test_nothing_moves_where_nothing_moved() -> None:
    found = forecast(history(*[37] * 20), 16)
    assert found.method == "as today"
    assert {one.seats for one in found.ahead} == {37.0}
    assert found.ahead[0].low < 37 < found.ahead[0].high
    assert found.off_by == 0


def test_a_trend_is_seen_where_it_told_the_past_better() -> None:
    found = forecast(growing(20), 12)
    assert found.method == "damped trend"
    assert found.ahead[-1].seats > found.history[-1].seats + 5
    assert all(one.off < one.as_today_off for one in found.tried)


def test_less_than_a_year_shows_no_trend() -> None:
    found = forecast(growing(11), 6)
    assert (found.method, found.ahead[-1].seats) == ("as today", found.history[-1].seats)
    assert "a trend takes 12 months" in found.words


def test_no_trend_ends_at_nobody_or_at_everybody() -> None:
    """A steep fall over a year does not tell that all seats may go, nor a steep rise that they triple."""
    falling = forecast(history(60, 55, 50, 44, 40, 36, 33, 30, 28, 25, 22, 20, 18, 17, 15), 18)
    assert falling.method == "damped trend"
    assert min(one.seats for one in falling.ahead) == 7.5
    rising = forecast(history(*(2 ** (at // 2) for at in range(16))), 18)
    assert max(one.seats for one in rising.ahead) <= 2 * rising.history[-1].seats
    first = forecast(history(*[0] * 10, 1, 2, 3, 3, 4), 12)
    assert max(one.seats for one in first.ahead) <= 9


def test_noise_is_no_trend() -> None:
    chance = random.Random(3)
    found = forecast(history(*(40 + chance.randint(-2, 2) for _ in range(24))), 12)
    assert found.method == "as today"


def test_the_interval_widens_and_never_falls_below_none() -> None:
    found = forecast(history(9, 7, 6, 5, 3, 3, 2, 1, 1, 0), 24)
    widths = [one.high - one.low for one in found.ahead]
    assert all(one.low >= 0 and one.low <= one.seats <= one.high for one in found.ahead)
    assert found.ahead[-1].high > found.ahead[0].high
    assert widths[0] > 0


def test_a_hiring_plan_replaces_the_trend() -> None:
    plan = [Planned(date(2026, 12, 1), Decimal(3)), Planned(date(2027, 2, 15), Decimal("-1.5"))]
    grown = growing(20)  # to November 2026
    found = forecast(grown, 6, plan)
    last = grown[-1].seats
    assert [one.seats for one in found.ahead] == [last + 3, last + 3, last + 1.5, last + 1.5, last + 1.5, last + 1.5]
    assert (found.method, found.planned) == ("plan", Decimal("1.5"))
    before = forecast(grown, 6, [Planned(date(2026, 6, 1), Decimal(50))])  # they are here already
    assert before.ahead[0].seats == last


def test_a_term_needs_its_fullest_month() -> None:
    found = forecast(growing(20), 18, [Planned(date(2027, 1, 1), Decimal(5)), Planned(date(2027, 6, 1), Decimal(-9))])
    needed = found.needed(date(2027, 4, 1), date(2028, 3, 31))
    assert needed is not None and needed.first in (date(2027, 4, 1), date(2027, 5, 1))
    assert found.needed(date(2030, 1, 1), date(2030, 12, 31)) is None


def test_seats_are_whole() -> None:
    assert [whole(33.2), whole(34.0000000001), whole(-1.0), whole(0.0)] == [34, 34, 0, 0]
    found = forecast(history(*[34] * 12), 3)
    assert in_words(found.ahead[0]) == "34 (likely 34 to 35)"


def test_a_history_with_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="is missing"):
        forecast([*history(1, 2, 3), Month(date(2026, 1, 1), 4)], 3)


def test_equal_histories_give_equal_forecasts() -> None:
    assert forecast(growing(18), 9) == forecast(growing(18), 9)


def back_test() -> list[tuple[str, Forecast]]:
    """Histories of several kinds, forecast as they would be."""
    chance = random.Random(11)
    steps = [20] * 6 + [28] * 6 + [35] * 8
    return [
        ("steady growth", forecast(growing(24, 1.5), 12)),
        ("growth that ends", forecast(history(*(min(60, 30 + 3 * at) for at in range(24))), 12)),
        ("steps", forecast(history(*steps), 12)),
        ("noise", forecast(history(*(40 + chance.randint(-2, 2) for _ in range(24))), 12)),
        ("decline", forecast(growing(24, -1.0), 12)),
        ("half a year", forecast(growing(7), 12)),
    ]


def test_the_method_taken_is_never_clearly_worse_than_as_it_is_today() -> None:
    for name, found in back_test():
        assert found.tried, name
        own = sum(one.off for one in found.tried) / len(found.tried)
        today = sum(one.as_today_off for one in found.tried) / len(found.tried)
        assert own <= today * 1.05 + 0.5, name


def test_the_interval_holds_what_came_about_as_often_as_it_says() -> None:
    """Forecast from each of many pasts, eight of ten intervals hold the month after; a few more or fewer are chance."""
    held = times = 0
    for seed in range(14):
        chance = random.Random(seed)
        seats, level = [], 50.0
        for _ in range(26):
            level += 0.6 + chance.gauss(0, 1.2)
            seats.append(max(0, round(level)))
        found = forecast(history(*seats[:20]), 6)
        for ahead in (1, 3, 6):
            month = found.ahead[ahead - 1]
            held += month.low <= seats[19 + ahead] <= month.high
            times += 1
    assert 0.65 <= held / times <= 0.95


def test_nothing_heavy_is_loaded_before_a_forecast_is_made() -> None:
    asked = (
        "import sys, licensing.forecast, workflows.renewals.night; "
        "print([one for one in ('statsmodels', 'pandas', 'numpy', 'matplotlib') if one in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == "[]"
