"""When an approver is reminded, when the next in line is asked, when a request closes: in their working hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from licensing.business_time import (
    WorkCalendar,
    add_working_days,
    add_working_hours,
    next_working_moment,
    working_hours_between,
    zone_of,
)
from workflows.facts import PersonFacts
from workflows.policy import Approval, Policy

#: Limits from here on end on the full hour, which is easier to keep in mind; shorter ones to the minute.
ROUNDED_FROM_HOURS = 4


def calendar_of(person: PersonFacts, policy: Policy) -> WorkCalendar:
    """Working time of a person by policy's hours, their zone, their country's holidays and their absence."""
    hours = policy.working_hours
    absent: tuple[tuple[date, date], ...] = ()
    if person.absent_from is not None and person.absent_until is not None:
        absent = ((person.absent_from, person.absent_until),)
    return WorkCalendar(
        zone=zone_of(person.time_zone),
        starts=hours.starts,
        ends=hours.ends,
        weekdays=hours.weekdays,
        country=person.country,
        absent=absent,
        holidays_off=hours.public_holidays,
    )


def due_at(opened: datetime, approval: Approval, calendar: WorkCalendar) -> datetime:
    """When the next in line is asked: the time limit in working hours, down to the full hour on the reader's clock.

    Asked Monday 09:14 with 12 hours: due Tuesday 13:00.
    """
    exact = add_working_hours(opened, approval.time_limit_hours, calendar)
    if approval.time_limit_hours < ROUNDED_FROM_HOURS:
        return exact
    local = exact.astimezone(calendar.zone)
    down = exact - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    # hours may start at half past: the full hour before that is no working time
    if down <= opened or next_working_moment(down, calendar) != down:
        return exact
    return down


def expires_at(submitted: datetime, approval: Approval, calendar: WorkCalendar) -> datetime:
    """When a request that nobody decided closes without an answer."""
    return add_working_days(submitted, approval.expire_after_working_days, calendar)


def reminder_times(
    opened: datetime,
    due: datetime,
    calendar: WorkCalendar,
    approval: Approval | None = None,
    until: datetime | None = None,
) -> tuple[datetime, ...]:
    """When to ask again: at 50 % and 80 % of the working time to `due`, then each working day while before `until`.

    Without `until` there are no daily ones. Always in working hours, growing, and after `opened`.
    """
    rules = approval or Approval()
    hours = working_hours_between(opened, due, calendar)
    times = [add_working_hours(opened, hours * percent / 100, calendar) for percent in rules.remind_at_percent]
    if until is not None and rules.remind_each_working_day:
        daily = add_working_days(due, 1, calendar)
        while daily < until:
            times.append(daily)
            daily = add_working_days(daily, 1, calendar)
    return tuple(sorted({moment for moment in times if moment > opened}))
