"""Working time of one person: their zone, the policy's hours, public holidays of their country, and their absence.

All arithmetic is on instants: the hours of a day are read off the wall clock in the person's zone and turned into UTC
before anything is added, so a change of the clocks inside or between working days neither adds nor loses an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: An absence longer than this no longer moves a deadline; somebody else is asked anyway.
LONGEST_ABSENCE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """When somebody works. `absent` days count from the first to the last, both included; weekdays: Monday is 0.

    Raises ValueError when the hours are empty or no weekday is left.
    """

    zone: ZoneInfo
    starts: time = time(9)
    ends: time = time(17)
    weekdays: frozenset[int] = frozenset(range(5))
    country: str = ""
    absent: tuple[tuple[date, date], ...] = ()
    holidays_off: bool = True

    def __post_init__(self) -> None:
        if self.starts >= self.ends:
            raise ValueError("working hours end after they begin, on the same day")
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError("working days are some of Monday (0) to Sunday (6)")

    def works_on(self, day: date) -> bool:
        if day.weekday() not in self.weekdays:
            return False
        if self.holidays_off and day in public_holidays(self.country, day.year):
            return False
        return not any(first <= day <= last and last - first <= LONGEST_ABSENCE for first, last in self.absent)

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """First and last instant of that day's working hours, in UTC."""
        return (
            datetime.combine(day, self.starts, self.zone).astimezone(UTC),
            datetime.combine(day, self.ends, self.zone).astimezone(UTC),
        )

    def local_day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def spans_from(self, instant: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The working spans after `instant`, the running one cut to what is left. Never ends, never an empty span."""
        day = self.local_day(instant)
        while True:
            if self.works_on(day):
                begin, end = self.hours_of(day)
                begin = max(begin, instant.astimezone(UTC))
                if begin < end:
                    yield begin, end
            day += DAY


def zone_of(name: str) -> ZoneInfo:
    """The zone by its name; an unknown or empty one is UTC, since a deadline must exist for everybody."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Nationwide public holidays; none for an unknown country. Regional ones differ by office: not counted."""
    code = country.upper()
    if code not in _supported():
        return frozenset()
    return frozenset(holidays.country_holidays(code, years=year))


@lru_cache(maxsize=1)
def _supported() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries())


def next_working_moment(instant: datetime, calendar: WorkCalendar) -> datetime:
    """`instant` itself inside working hours, else the next time they begin."""
    return next(calendar.spans_from(_aware(instant)))[0]


def add_working_hours(start: datetime, hours: float, calendar: WorkCalendar) -> datetime:
    """The instant at which `hours` of working time have passed. Whole days end in the evening, not the next morning.

    ValueError for negative hours or a naive start.
    """
    if hours < 0:
        raise ValueError("working hours are added, not taken away")
    left = timedelta(hours=hours)
    for begin, end in calendar.spans_from(_aware(start)):
        if left <= end - begin:
            return begin + left
        left -= end - begin
    raise AssertionError("working spans never end")


def working_time_between(start: datetime, end: datetime, calendar: WorkCalendar) -> timedelta:
    """Working time from `start` to `end`; nothing when `end` is not later."""
    _aware(end)
    total = timedelta(0)
    for begin, finish in calendar.spans_from(_aware(start)):
        if begin >= end:
            return total
        total += min(finish, end) - begin
    raise AssertionError("working spans never end")


def working_hours_between(start: datetime, end: datetime, calendar: WorkCalendar) -> float:
    """The same in hours."""
    return working_time_between(start, end, calendar) / HOUR


def working_days_from(day: date, calendar: WorkCalendar) -> Iterator[date]:
    """The working days after `day`, in order."""
    while True:
        day += DAY
        if calendar.works_on(day):
            yield day


def working_day_after(day: date, count: int, calendar: WorkCalendar) -> date:
    """The `count`-th working day after `day`; `count` 0 is the day itself."""
    if count < 0:
        raise ValueError("working days are added, not taken away")
    return day if count == 0 else next(islice(working_days_from(day, calendar), count - 1, None))


def working_day_before(day: date, count: int, calendar: WorkCalendar) -> date:
    """The `count`-th working day before `day`; `count` 0 is the day itself."""
    if count < 0:
        raise ValueError("working days are counted back, not forward")
    for _ in range(count):
        day = working_day_at_or_before(day - DAY, calendar)
    return day


def working_day_at_or_before(day: date, calendar: WorkCalendar) -> date:
    """`day` itself when it is a working day, else the last one before it."""
    while not calendar.works_on(day):
        day -= DAY
    return day


def add_working_days(start: datetime, days: int, calendar: WorkCalendar) -> datetime:
    """The same time of day `days` working days later, moved into working hours: Friday 10:00 plus 1 is Monday 10:00."""
    begin = next_working_moment(start, calendar)
    local = begin.astimezone(calendar.zone)
    later = working_day_after(local.date(), days, calendar)
    moved = datetime.combine(later, local.timetz().replace(tzinfo=None), calendar.zone).astimezone(UTC)
    return next_working_moment(moved, calendar)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant carries its zone: give an aware datetime")
    return instant
