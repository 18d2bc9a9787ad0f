"""Over random contracts: no date too late, none on a day off, each stage told once however often the service slept."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from licensing.business_time import WorkCalendar, public_holidays
from licensing.renewal import stages
from licensing.renewal.dates import Due, due, notice_day
from licensing.renewal.terms import Agreement, Length, Notice, Programme, Unit, terms

#: The first look at a country's holidays takes its time, whichever example it falls to.
TIMELESS = settings(deadline=None)
DAYS = st.dates(date(2020, 1, 1), date(2029, 12, 31))
NOTICES = st.builds(
    Notice, st.integers(0, 30), st.sampled_from([Unit.DAYS, Unit.WORKING_DAYS, Unit.WEEKS])
) | st.builds(Notice, st.integers(0, 12), st.just(Unit.MONTHS))
CALENDARS = st.builds(
    WorkCalendar,
    st.just(ZoneInfo("UTC")),
    country=st.sampled_from(["", "FR", "DE", "US", "GB", "JP", "CN", "IN", "IL", "AE", "XX"]),
    weekdays=st.sampled_from([frozenset(range(5)), frozenset({6, 0, 1, 2, 3}), frozenset({0, 1, 2, 3})]),
)


@st.composite
def agreements(draw: st.DrawFn) -> Agreement:
    first = draw(DAYS)
    length = draw(
        st.builds(Length, months=st.sampled_from([1, 3, 12, 36])) | st.builds(Length, days=st.integers(1, 900))
    )
    return Agreement(
        first,
        length.later(first, 1) - timedelta(days=1),
        draw(st.none() | NOTICES),
        auto_renew=draw(st.booleans()),
        receipt_counts=draw(st.booleans()),
        delivery_days=draw(st.integers(0, 6)),
        programme=draw(st.sampled_from(list(Programme))),
        true_up=draw(st.booleans()),
    )


def occasions(agreement: Agreement, calendar: WorkCalendar) -> list[Due]:
    assert agreement.ends_on is not None
    return list(due(agreement, calendar, agreement.starts_on, agreement.ends_on + timedelta(days=500)))


@TIMELESS
@given(agreements(), CALENDARS)
def test_never_after_the_true_last_day_and_never_on_a_day_off(agreement: Agreement, calendar: WorkCalendar) -> None:
    for occasion in occasions(agreement, calendar):
        for one in occasion.dates:
            assert one.on <= one.not_after <= occasion.ends_on
            assert one.on.weekday() in calendar.weekdays
            assert one.on not in public_holidays(calendar.country, one.on.year)
            assert one.not_before is None or occasion.starts_on <= one.not_before
            assert bool(one.why) == (one.on != one.not_after)
        last = occasion.decide_by
        assert last is None or all(
            any(chance.on >= last for chance in occasion.dates if chance.decision is one.decision)
            for one in occasion.dates
        )


@TIMELESS
@given(agreements(), CALENDARS, st.dates(date(2020, 1, 1), date(2033, 1, 1)), NOTICES)
def test_notice_is_kept_in_its_own_unit(
    agreement: Agreement, calendar: WorkCalendar, end: date, notice: Notice
) -> None:
    """Counted forward again from the last day, the notice has run by the end, and a day later it has not."""
    last = notice_day(end, notice, calendar)
    match notice.unit:
        case Unit.MONTHS:
            assert (end.year - last.year) * 12 + end.month - last.month == notice.count
            assert last.day == end.day or (last + timedelta(days=1)).day == 1
        case Unit.WORKING_DAYS:
            span = [last + timedelta(days=more) for more in range((end - last).days)]
            assert sum(calendar.works_on(one) for one in span) == notice.count
        case _:
            assert (end - last).days == notice.count * (7 if notice.unit is Unit.WEEKS else 1)


@TIMELESS
@given(agreements())
@example(Agreement(date(2020, 1, 1), date(2020, 3, 1), auto_renew=True))  # two months as a year is often written
def test_terms_follow_without_gap_and_without_drift(agreement: Agreement) -> None:
    found = [term for term, _ in zip(terms(agreement), range(40), strict=False)]
    assert found[0].ends_on == agreement.ends_on
    assert (len(found) > 1) == agreement.auto_renew
    for before, after in pairwise(found):
        assert after.starts_on == before.ends_on + timedelta(days=1) and after.ends_on >= after.starts_on
    if agreement.repeats is not None and agreement.repeats.months:
        whole = Length.between(found[0].starts_on, found[0].ends_on).months  # else it ends on its first day's own date
        day = (found[0].starts_on if whole else found[0].ends_on + timedelta(days=1)).day
        assert all(term.starts_on.day == day or (term.starts_on + timedelta(days=1)).day == 1 for term in found[1:])


@TIMELESS
@given(agreements(), CALENDARS, st.data())
def test_told_once_and_in_time_however_often_the_service_slept(
    agreement: Agreement, calendar: WorkCalendar, data: st.DataObject
) -> None:
    """The service wakes on some days only. No name is told twice, nothing before its day, no warning after the date."""
    for occasion in occasions(agreement, calendar)[:3]:
        known = data.draw(st.dates(agreement.starts_on - timedelta(days=60), occasion.ends_on))
        planned = stages.stages(occasion, calendar, known)
        last = occasion.over
        if not planned or last is None:
            continue
        awake = sorted(data.draw(st.sets(st.integers(0, (occasion.ends_on - known).days + 5), max_size=25)))
        told: list[tuple[str, date]] = []
        past: set[str] = set()
        for today in (known + timedelta(days=later) for later in awake):
            now, instead = stages.to_tell(planned, past, today)
            if now is None:
                continue
            told.append((now.name, today))
            past |= {now.name} | {one.name for one in instead}
            assert now.on <= today
            assert now.name == stages.MISSED or today <= last
        assert len({one for one, _ in told}) == len(told)
        warned = [today for name, today in told if name != stages.MISSED]
        first = planned[0].on
        could = [known + timedelta(days=later) for later in awake if first <= known + timedelta(days=later) <= last]
        assert bool(warned) == bool(could), "awake before the date means told before the date"
