"""How a campaign is paced: the numbers of the policy, the days counted backwards from a decision, removals per day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from licensing.business_time import WorkCalendar, working_day_after
from licensing.words import plural
from model.people import Role
from workflows.policy import Policy

#: Working days a person has for the list before the first removal, when a campaign is planned backwards.
CONFIRM_DAYS = 3
#: Holders asked for each seat that a request in the queue waits for: some keep theirs.
ASKED_PER_SEAT = 2


@dataclass(frozen=True)
class Limits:
    """Numbers of the policy that pace a campaign; "days" are working days where the name does not say otherwise."""

    answer_days: int
    remind_after_days: int
    snooze_calendar_days: int
    ask_again_calendar_days: int  # after a holder said that they keep it
    manager_word: bool
    a_day: int  # removals a calendar day, over all campaigns
    per_cent: int  # of a product's seats in 30 days
    confirmers: tuple[Role, ...]


def limits(policy: Policy) -> Limits:
    """As the policy in force has them."""
    part = policy.reclaim
    return Limits(
        answer_days=part.answer_working_days,
        remind_after_days=part.remind_after_working_days,
        snooze_calendar_days=part.snooze_max_days,
        ask_again_calendar_days=part.ask_again_after_days,
        manager_word=part.keep_needs_manager,
        a_day=part.limits.a_day,
        per_cent=part.limits.per_cent_of_product,
        confirmers=part.confirmers,
    )


@dataclass(frozen=True)
class Timeline:
    """Counted backwards from `decide_by`; without one there is no last day to begin."""

    take_days: int
    answer_days: int
    begin_by: date | None
    answer_by: date | None
    late: bool = False


def timeline(today: date, decide_by: date | None, seats: int, pace: Limits, calendar: WorkCalendar) -> Timeline:
    """When a campaign over so many seats has to begin, so that asking, reminder, confirmation and removal fit.

    Too little time shortens the asking, never below the reminder and two days to answer it; what does not fit then is
    `late`.
    """
    take_days = max(1, -(-seats // pace.a_day))
    if decide_by is None:
        return Timeline(take_days, pace.answer_days, None, None)
    first_removal = decide_by - timedelta(days=take_days - 1)
    answer_by = _before(first_removal, CONFIRM_DAYS, calendar)
    begin_by = _before(answer_by, pace.answer_days, calendar)
    if begin_by >= today:
        return Timeline(take_days, pace.answer_days, begin_by, answer_by)
    least = min(pace.answer_days, pace.remind_after_days + 2)
    days = pace.answer_days
    while days > least and working_day_after(today, days, calendar) > answer_by:
        days -= 1
    late = working_day_after(today, days, calendar) > answer_by
    return Timeline(take_days, days, begin_by, working_day_after(today, days, calendar), late)


def _before(day: date, count: int, calendar: WorkCalendar) -> date:
    """The `count`-th working day before `day`."""
    left = count
    while left:
        day -= timedelta(days=1)
        left -= calendar.works_on(day)
    return day


def spread(count: int, taken: Mapping[date, int], a_day: int, today: date) -> list[date]:
    """A day for each of `count` removals, none above `a_day` with what is `taken` by other lists."""
    days: list[date] = []
    day = today
    while len(days) < count:
        room = max(0, a_day - taken.get(day, 0))
        days += [day] * min(room, count - len(days))
        day += timedelta(days=1)
    return days


def spread_words(days: list[date], a_day: int, today: date) -> str:
    """ "20 a day: 20 today, 5 tomorrow."; nothing when all fit into today."""
    if not days or days[-1] == today:
        return ""
    parts = []
    for one in dict.fromkeys(days):
        ahead = (one - today).days
        when = "today" if ahead == 0 else "tomorrow" if ahead == 1 else f"in {plural(ahead, 'day')}"
        parts.append(f"{days.count(one)} {when}")
    return f"{a_day} a day: {', '.join(parts[:3])}{' and so on' if len(parts) > 3 else ''}."


def at_most(seats: int, per_cent: int) -> int:
    """How many of a product's seats may go in 30 days without their holders' own release; one at least."""
    return max(1, seats * per_cent // 100)
