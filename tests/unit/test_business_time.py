"""Working time in somebody's own zone: evenings, weekends, holidays, absences, and the days the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from licensing.business_time import (
    WorkCalendar,
    add_working_days,
    add_working_hours,
    next_working_moment,
    public_holidays,
    working_day_after,
    working_hours_between,
    zone_of,
)

PARIS = ZoneInfo("Europe/Paris")
IN_PARIS = WorkCalendar(PARIS, country="FR")


def paris(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (paris(23, 9), 8, paris(23, 17)),  # a whole day ends in the evening
        (paris(23, 9, 14), 12, paris(24, 13, 14)),
        (paris(23, 20), 1, paris(24, 10)),
        (paris(27, 16), 2, paris(30, 10)),  # Friday over the weekend
        (paris(28, 12), 0, paris(30, 9)),  # nothing on a Saturday is Monday morning
        (paris(10, 16), 2, paris(12, 10)),  # 11 November is a holiday in France
    ],
)
def test_hours_pass_only_at_work(start: datetime, hours: float, end: datetime) -> None:
    assert add_working_hours(start, hours, IN_PARIS) == end
    assert add_working_hours(start, hours, IN_PARIS).tzinfo is UTC


def test_another_country_works_on_that_holiday() -> None:
    swedish = WorkCalendar(ZoneInfo("Europe/Stockholm"), country="SE")
    assert add_working_hours(paris(10, 16), 2, swedish) == paris(11, 10)


def test_holidays_can_be_left_out_and_unknown_countries_have_none() -> None:
    assert WorkCalendar(PARIS, country="FR", holidays_off=False).works_on(date(2026, 11, 11))
    assert public_holidays("XX", 2026) == frozenset()
    assert public_holidays("", 2026) == frozenset()
    assert date(2026, 7, 14) in public_holidays("fr", 2026)


def test_absent_days_do_not_count() -> None:
    away = WorkCalendar(PARIS, absent=((date(2026, 11, 24), date(2026, 11, 30)),))
    assert add_working_hours(paris(23, 16), 2, away) == paris(1, 10, month=12)


def test_an_absence_without_end_does_not_swallow_a_deadline() -> None:
    away = WorkCalendar(PARIS, absent=((date(2026, 1, 1), date.max),))
    assert add_working_hours(paris(23, 9), 1, away) == paris(23, 10)


@pytest.mark.parametrize(
    ("friday", "utc_hours"), [(date(2026, 3, 27), (8, 7)), (date(2026, 10, 23), (7, 8))], ids=["spring", "autumn"]
)
def test_the_wall_clock_rules_over_a_change_of_the_clocks(friday: date, utc_hours: tuple[int, int]) -> None:
    """Nine in the morning stays nine in the morning although UTC moved by an hour over the weekend."""
    start = datetime.combine(friday, time(9), PARIS)
    end = add_working_hours(start, 8.5, IN_PARIS)
    assert start.astimezone(UTC).hour == utc_hours[0]
    assert end.astimezone(PARIS) == datetime.combine(friday + timedelta(days=3), time(9, 30), PARIS)
    assert end.hour == utc_hours[1]
    assert working_hours_between(start, end, IN_PARIS) == 8.5


def test_a_change_inside_working_hours_counts_the_hours_that_passed() -> None:
    """A shift on the night the clocks went forward has one hour less, and the next day pays for it."""
    night = WorkCalendar(PARIS, time(0), time(8), frozenset(range(7)))
    start = datetime(2026, 3, 29, 0, tzinfo=PARIS)
    assert add_working_hours(start, 8, night) == datetime(2026, 3, 30, 1, tzinfo=PARIS)


def test_next_working_moment_and_days() -> None:
    assert next_working_moment(paris(23, 10), IN_PARIS) == paris(23, 10)
    assert next_working_moment(paris(23, 17), IN_PARIS) == paris(24, 9)
    assert next_working_moment(paris(23, 3), IN_PARIS) == paris(23, 9)
    assert add_working_days(paris(27, 10), 1, IN_PARIS) == paris(30, 10)
    assert add_working_days(paris(27, 22), 5, IN_PARIS) == paris(7, 9, month=12)
    assert working_day_after(date(2026, 11, 27), 0, IN_PARIS) == date(2026, 11, 27)
    assert working_day_after(date(2026, 11, 27), 2, IN_PARIS) == date(2026, 12, 1)


def test_readers_at_both_ends_of_the_world() -> None:
    instant = datetime(2026, 11, 23, 12, tzinfo=UTC)
    honolulu, auckland = (WorkCalendar(ZoneInfo(name)) for name in ("Pacific/Honolulu", "Pacific/Auckland"))
    assert next_working_moment(instant, honolulu) == datetime(2026, 11, 23, 19, tzinfo=UTC)
    assert next_working_moment(instant, auckland) == datetime(2026, 11, 23, 20, tzinfo=UTC)


def test_an_unknown_zone_is_utc() -> None:
    assert [zone_of(name).key for name in ("Europe/Paris", "Mars/Base", "", "../etc/passwd")] == [
        "Europe/Paris", "UTC", "UTC", "UTC",
    ]  # fmt: skip


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="end after they begin"):
        WorkCalendar(PARIS, time(17), time(9))
    with pytest.raises(ValueError, match="Monday"):
        WorkCalendar(PARIS, weekdays=frozenset())
    with pytest.raises(ValueError, match="not taken away"):
        add_working_hours(paris(23, 9), -1, IN_PARIS)
    with pytest.raises(ValueError, match="not taken away"):
        working_day_after(date(2026, 11, 23), -1, IN_PARIS)
    for naive in (next_working_moment, lambda at, calendar: add_working_hours(at, 1, calendar)):
        with pytest.raises(ValueError, match="aware"):
            naive(datetime(2026, 11, 23, 9), IN_PARIS)  # noqa: DTZ001 - that is the point
    assert working_hours_between(paris(24, 9), paris(23, 9), IN_PARIS) == 0
