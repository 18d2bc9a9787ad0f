"""Reminders, the time limit and expiry fall into the approver's own working hours."""

from datetime import UTC, date, datetime

import pytest

from licensing.business_time import next_working_moment
from workflows.deadlines import calendar_of, due_at, expires_at, reminder_times
from workflows.facts import PersonFacts
from workflows.policy import Approval, Policy

BEN = PersonFacts(2, "Ben Okafor", country="GB", time_zone="Europe/London")
OPENED = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)
RULES = Approval()


def test_a_request_of_monday_morning_is_due_on_tuesday_at_one() -> None:
    assert due_at(OPENED, RULES, calendar_of(BEN, Policy())) == datetime(2026, 11, 24, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        ("Pacific/Honolulu", datetime(2026, 11, 24, 23, tzinfo=UTC)),  # begins 09:00 there, 19:00 UTC
        ("Asia/Kolkata", datetime(2026, 11, 25, 4, 30, tzinfo=UTC)),  # Wednesday 10:00 there: full hours of the reader
        ("Pacific/Auckland", datetime(2026, 11, 25, 0, tzinfo=UTC)),
    ],
)
def test_the_limit_runs_in_the_approvers_zone(zone: str, due: datetime) -> None:
    person = PersonFacts(3, "Mia Chen", time_zone=zone)
    assert due_at(OPENED, RULES, calendar_of(person, Policy())) == due


def test_holidays_of_the_approvers_country_and_their_absence_move_the_limit() -> None:
    french = PersonFacts(3, "Mia Chen", country="FR", time_zone="Europe/Paris")
    before_armistice = datetime(2026, 11, 10, 15, tzinfo=UTC)
    assert due_at(before_armistice, RULES, calendar_of(french, Policy())) == datetime(2026, 11, 13, 11, tzinfo=UTC)
    away = PersonFacts(3, "Mia Chen", absent_from=date(2026, 11, 24), absent_until=date(2026, 11, 25))
    assert due_at(OPENED, RULES, calendar_of(away, Policy())) == datetime(2026, 11, 26, 13, tzinfo=UTC)


def test_policy_hours_and_short_limits() -> None:
    given = Policy.model_validate({"working_hours": {"starts": "08:30", "ends": "16:30", "days": ["mon", "sun"]}})
    calendar = calendar_of(BEN, given)
    assert next_working_moment(datetime(2026, 11, 24, 12, tzinfo=UTC), calendar) == datetime(
        2026, 11, 29, 8, 30, tzinfo=UTC
    )
    assert due_at(OPENED, Approval(time_limit_hours=1), calendar) == datetime(2026, 11, 23, 10, 14, tzinfo=UTC)
    # 8 hours from 09:00 end at 09:00 on Sunday; 08:40 would round to a time before work begins
    assert due_at(datetime(2026, 11, 23, 8, 40, tzinfo=UTC), Approval(time_limit_hours=8), calendar) == datetime(
        2026, 11, 29, 8, 40, tzinfo=UTC
    )


def test_reminders_at_half_and_four_fifths_then_each_working_day() -> None:
    calendar = calendar_of(BEN, Policy())
    due = due_at(OPENED, RULES, calendar)
    until = expires_at(OPENED, RULES, calendar)
    assert until == datetime(2026, 11, 30, 9, 14, tzinfo=UTC)
    times = reminder_times(OPENED, due, calendar, RULES, until)
    assert times[:2] == (
        datetime(2026, 11, 23, 15, 7, tzinfo=UTC),
        datetime(2026, 11, 24, 10, 38, 48, tzinfo=UTC),
    )
    assert [moment.day for moment in times[2:]] == [25, 26, 27]
    assert reminder_times(OPENED, due, calendar) == times[:2]
    quiet = Approval(remind_each_working_day=False, remind_at_percent=())
    assert reminder_times(OPENED, due, calendar, quiet, until) == ()


def test_no_reminder_falls_outside_work_or_before_the_question() -> None:
    calendar = calendar_of(BEN, Policy())
    for opened in (OPENED, datetime(2026, 11, 27, 16, 59, tzinfo=UTC), datetime(2026, 11, 28, 3, tzinfo=UTC)):
        due = due_at(opened, RULES, calendar)
        times = reminder_times(opened, due, calendar, RULES, expires_at(opened, RULES, calendar))
        assert list(times) == sorted(set(times))
        assert all(opened < moment for moment in times)
        assert all(calendar.works_on(calendar.local_day(moment)) for moment in times)
