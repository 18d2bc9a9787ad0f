"""What holds for all sums and all instants."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from licensing.business_time import (
    WorkCalendar,
    add_working_days,
    add_working_hours,
    next_working_moment,
    working_hours_between,
    working_time_between,
)
from licensing.money import Money, Sums, cost_to_end, share
from licensing.words import cut, isolate

ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
DAYS = st.dates(date(2024, 1, 1), date(2030, 1, 1))
AMOUNTS = st.decimals(0, 100_000, places=4)


@st.composite
def calendars(draw: st.DrawFn) -> WorkCalendar:
    first, last = sorted((draw(st.integers(0, 22)), draw(st.integers(1, 23))))
    assume(first < last)
    away = draw(DAYS)
    return WorkCalendar(
        ZoneInfo(draw(st.sampled_from(ZONES))),
        time(first, draw(st.sampled_from((0, 30)))),
        time(last, 59),
        draw(st.frozensets(st.integers(0, 6), min_size=1)),
        draw(st.sampled_from(("", "FR", "US", "SE"))),
        ((away, away + timedelta(days=draw(st.integers(0, 30)))),),
    )


@given(INSTANTS, st.integers(0, 3000), calendars())
def test_added_working_time_is_the_working_time_between(start: datetime, minutes: int, calendar: WorkCalendar) -> None:
    end = add_working_hours(start, minutes / 60, calendar)
    passed = working_time_between(start, end, calendar)
    assert abs(passed - timedelta(minutes=minutes)) < timedelta(milliseconds=1)
    assert end >= start


@given(INSTANTS, st.integers(0, 40), st.integers(0, 40), calendars())
def test_later_limits_end_later_and_parts_add_up(start: datetime, a: int, b: int, calendar: WorkCalendar) -> None:
    middle = add_working_hours(start, a, calendar)
    assert add_working_hours(middle, b, calendar) == (
        add_working_hours(start, a + b, calendar) if b else next_working_moment(middle, calendar)
    )
    assert middle <= add_working_hours(start, a + b, calendar)


@given(INSTANTS, calendars())
def test_the_next_working_moment_is_at_work_and_nothing_lies_before(start: datetime, calendar: WorkCalendar) -> None:
    moment = next_working_moment(start, calendar)
    assert moment >= start
    assert calendar.works_on(calendar.local_day(moment))
    assert working_hours_between(start, moment, calendar) == 0
    assert next_working_moment(moment, calendar) == moment


@given(INSTANTS, st.integers(0, 12), calendars())
def test_working_days_end_at_work(start: datetime, days: int, calendar: WorkCalendar) -> None:
    end = add_working_days(start, days, calendar)
    assert end >= start
    assert next_working_moment(end, calendar) == end


@given(AMOUNTS, st.sampled_from(("month", "year")), DAYS, st.integers(0, 1500), st.integers(0, 1500))
def test_a_longer_term_never_costs_less(price: Decimal, cycle: str, first: date, a: int, b: int) -> None:
    shorter, longer = sorted((a, b))
    ends = (first + timedelta(days=days) for days in (shorter, longer))
    less, more = (cost_to_end(Money(price, "EUR"), cycle, first, end) for end in ends)  # type: ignore[arg-type]
    assert less <= more


@given(st.sampled_from(("month", "year")), DAYS, st.integers(0, 1500))
def test_a_share_is_whole_cycles_and_less_than_one_more(cycle: str, first: date, days: int) -> None:
    part = share(cycle, first, first + timedelta(days=days))  # type: ignore[arg-type]
    assert part.whole >= 0
    assert 0 <= part.days < part.of_days
    assert part.factor > 0


@given(st.lists(st.none() | st.builds(Money, AMOUNTS, st.sampled_from(("EUR", "USD", "CHF")))), st.randoms())
def test_sums_do_not_depend_on_order_and_lose_nothing(items: list[Money | None], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    sums = Sums.of(items)
    assert sums == Sums.of(shuffled)
    step_by_step = Sums()
    for item in items:
        step_by_step = step_by_step.plus(item)
    assert step_by_step == sums
    assert sums.unknown == items.count(None)


@given(st.text(), st.integers(1, 80))
def test_a_cut_fits_and_begins_like_the_text(text: str, room: int) -> None:
    shown = cut(text, room)
    assert len(shown) <= room
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


@given(st.text())
def test_isolating_twice_is_isolating_once(name: str) -> None:
    assert isolate(isolate(name)) == isolate(name)
