"""When people are told of a renewal: stages before decide-by, only while something can be decided (rules §9).

What was told is kept by name. After an outage the latest stage that is due speaks for those that were slept through:
one message, not three, and never the first one after the date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from licensing.business_time import WorkCalendar, working_day_at_or_before
from licensing.renewal.dates import Due, Occasion
from licensing.renewal.terms import ONE_DAY
from licensing.renewal.windows import Decision

#: Days before decide-by, unless the policy or the contract says otherwise.
DAYS_BEFORE = (90, 30, 14, 3)
MISSED = "missed"
REVIEW = "review"
#: A window that opens while a decision waits to be carried out in it.
OPENS = "opens"
#: Somebody put it off to this day: "later-2027-01-08".
LATER = "later"


@dataclass(frozen=True, slots=True)
class Stage:
    """One time to tell: its name, which is kept once told, and its day."""

    name: str
    on: date


def stages(
    due: Due,
    calendar: WorkCalendar,
    known_since: date,
    days_before: Sequence[int] = DAYS_BEFORE,
) -> tuple[Stage, ...]:
    """The stages of an occasion in order, on working days of its owner, none before `known_since` but the first.

    The first is told when it is due or when we learn of the contract, whichever is later; of several that fall on one
    day the one nearest to decide-by remains. The day after the last chance for anything says what was missed. Nothing
    is told where there is nothing to decide.
    """
    last, over = due.decide_by, due.over
    if due.occasion is Occasion.REVIEW or last is None or over is None:
        return ()
    earliest = max(known_since, due.starts_on)
    by_day: dict[date, str] = {}
    for before in sorted(set(days_before), reverse=True):
        on = working_day_at_or_before(last - timedelta(days=before), calendar)
        by_day[max(on, earliest)] = name(before)
    found = [Stage(one, on) for on, one in by_day.items() if on <= last]
    opening = opens(due, over)
    if opening is not None and opening > earliest and opening not in by_day:
        found.append(Stage(OPENS, opening))
    if earliest <= over:
        found.append(Stage(MISSED, over + ONE_DAY))
    return tuple(sorted(found, key=lambda one: (one.on, one.name)))


def name(days: int) -> str:
    """What a stage is kept under: "before-30"."""
    return f"before-{days}"


def later(until: date) -> Stage:
    """The day somebody put it off to, on which they are asked again."""
    return Stage(f"{LATER}-{until.isoformat()}", until)


def opens(due: Due, last: date) -> date | None:
    """The first day on which a decision made earlier can be carried out, where its window opens later than the term."""
    days = {
        one.not_before
        for one in due.dates
        if one.not_before is not None and due.starts_on < one.not_before <= last
    }  # fmt: skip
    return min(days, default=None)


def to_tell(planned: Sequence[Stage], told: Collection[str], today: date) -> tuple[Stage | None, tuple[Stage, ...]]:
    """The one stage to tell now, and those it stands for because they passed untold. (None, ()) when none is due.

    A missed date is told whatever was told before; a stage before the date is never told after it.
    """
    due_now = [one for one in planned if one.on <= today and one.name not in told]
    if not due_now:
        return None, ()
    latest = due_now[-1]
    return latest, tuple(one for one in due_now if one is not latest)


def reclaim_from(due: Due, lead_days: int, today: date) -> date | None:
    """When asking holders has to begin, so that a reduction is possible by its date; today when that has passed."""
    last = due.by(Decision.REDUCE)
    return None if last is None else max(today, last.on - timedelta(days=lead_days))


def review_on(quarter_of: date, calendar: WorkCalendar) -> date:
    """The day of the quarterly review of contracts whose term is a month or less: the quarter's first working day."""
    first = quarter(quarter_of)[0]
    while not calendar.works_on(first):
        first += ONE_DAY
    return first


def quarter(of: date) -> tuple[date, date]:
    """First and last day of the calendar quarter a day lies in."""
    month = of.month - (of.month - 1) % 3
    following = date(of.year + month // 10, (month + 3 - 1) % 12 + 1, 1)
    return date(of.year, month, 1), following - ONE_DAY


def reviews(calendar: WorkCalendar, after: date, until: date) -> Iterator[Due]:
    """One occasion a quarter for a contract whose terms are a month or less; it is told on the quarter's first day."""
    first, last = quarter(after)
    while first <= until:
        yield Due(Occasion.REVIEW, first, last, ())
        first, last = quarter(last + ONE_DAY)
