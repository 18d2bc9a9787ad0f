"""Decide-by: the last day on which somebody must have decided, per contract and per decision (rules §9).

The true last day is the end less the notice in the contract's own unit, or the end of a window. Decide-by is never
later: it is brought forward to a working day of the owner's country, and by the days a notice is under way where
receipt counts. Absences of the owner move nothing: somebody else decides then.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

from licensing.business_time import WorkCalendar, public_holidays, working_day_at_or_before, working_day_before
from licensing.money import months_later
from licensing.renewal.terms import ONE_DAY, Agreement, Notice, Programme, Term, Unit, anniversaries, terms
from licensing.renewal.windows import Anchor, Decision, Window, windows
from licensing.words import day, plural

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Occasion(enum.StrEnum):
    """What a set of decisions is about. Stored: read a new name twice."""

    TERM = "term"  # the end of a term
    ANNIVERSARY = "anniversary"  # a true-up or statement in the middle of one
    TRUE_UP = "true_up"  # the last true-up of a term, which has a date apart from the notice
    REVIEW = "review"  # terms of a month or less: one look a quarter


@dataclass(frozen=True, slots=True)
class DecideBy:
    """Until when one thing can be decided: by `on`; the vendor must have it `not_before` and `not_after`.

    `why` says what moved the day, "" when nothing did. `confirmed` False: the window is not.
    """

    decision: Decision
    on: date
    not_after: date
    not_before: date | None = None
    why: str = ""
    what: str = ""
    source: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Due:
    """One occasion of a contract: the last day of the period it closes, and what can be decided until when."""

    occasion: Occasion
    starts_on: date
    ends_on: date
    dates: tuple[DecideBy, ...]

    def by(self, decision: Decision) -> DecideBy | None:
        """The last chance for a decision; windows that open after it are not counted."""
        return max((one for one in self.dates if one.decision is decision), key=lambda one: one.on, default=None)

    @property
    def decide_by(self) -> date | None:
        """The day people are told: the first on which a chance for one of the decisions ends for good."""
        return min(self._ends(), default=None)

    @property
    def over(self) -> date | None:
        """The last day on which anything can still be decided."""
        return max(self._ends(), default=None)

    def _ends(self) -> list[date]:
        return [found.on for decision in Decision if (found := self.by(decision)) is not None]


def notice_day(end: date, notice: Notice, calendar: WorkCalendar) -> date:
    """The last day that keeps the notice, before anything is brought forward.

    Two months before 31 Mar 2027 is 31 Jan, before 30 Apr 2027 it is 28 Feb: the same day number or the month's last.
    """
    match notice.unit:
        case Unit.MONTHS:
            return months_later(end, -notice.count)
        case Unit.WEEKS:
            return end - timedelta(weeks=notice.count)
        case Unit.WORKING_DAYS:
            return working_day_before(end, notice.count, calendar)
        case Unit.DAYS:
            return end - timedelta(days=notice.count)


def brought_forward(last: date, calendar: WorkCalendar, delivery_days: int = 0) -> tuple[date, str]:
    """A working day not after `last`, so many working days earlier as a notice is under way, and why it moved."""
    working = working_day_at_or_before(last, calendar)
    reasons = [] if working == last else [_day_off(last, calendar)]
    if delivery_days:
        working = working_day_before(working, delivery_days, calendar)
        reasons.append(f"{plural(delivery_days, 'working day')} under way")
    return working, "; ".join(reasons)


def _day_off(when: date, calendar: WorkCalendar) -> str:
    """ "31 Jan 2027 is a Sunday"."""
    off = calendar.holidays_off and when in public_holidays(calendar.country, when.year)
    if off and when.weekday() in calendar.weekdays:
        return f"{day(when)} is a public holiday"
    return f"{day(when)} is a {WEEKDAY_NAMES[when.weekday()]}"


def due(contract: Agreement, calendar: WorkCalendar, after: date, until: date) -> Iterator[Due]:
    """The occasions whose period ends in the days from `after` to `until`, both included, in order.

    None for a contract without an end; for one without a notice period only what its windows say.
    """
    for term in takewhile(lambda one: one.starts_on <= until, terms(contract)):
        if term.ends_on < after:
            continue
        for anniversary in anniversaries(contract, term):
            made = _anniversary(contract, calendar, term, anniversary)
            if made.dates and after <= made.ends_on <= until:
                yield made
        if term.ends_on <= until:
            yield _end(contract, calendar, term)
            if contract.true_up and contract.programme is Programme.OTHER:
                last = (_true_up(term.ends_on, calendar),)
                yield Due(Occasion.TRUE_UP, term.starts_on, term.ends_on, last)


def _anniversary(contract: Agreement, calendar: WorkCalendar, term: Term, anniversary: date) -> Due:
    found = [_in_window(one, anniversary, term, calendar) for one in windows(contract.programme, Anchor.ANNIVERSARY)]
    if contract.true_up and contract.programme is Programme.OTHER:
        found.append(_true_up(anniversary - ONE_DAY, calendar))
    return Due(Occasion.ANNIVERSARY, term.starts_on, anniversary - ONE_DAY, tuple(found))


def _end(contract: Agreement, calendar: WorkCalendar, term: Term) -> Due:
    anchors = ((Anchor.TERM_START, term.starts_on), (Anchor.TERM_END, term.ends_on))
    found = [
        _in_window(one, day_of, term, calendar)
        for anchor, day_of in anchors
        for one in windows(contract.programme, anchor)
    ]
    if contract.notice is not None and contract.programme is not Programme.NEW_COMMERCE:
        last = notice_day(term.ends_on, contract.notice, calendar)
        delivery = contract.delivery_days if contract.receipt_counts else 0
        on, why = brought_forward(last, calendar, delivery)
        known = {one.decision for one in found}
        found += [
            DecideBy(decision, on, last, None, why, f"notice of {contract.notice}", "the contract")
            for decision in (Decision.CANCEL, Decision.REDUCE)
            if decision not in known
        ]
    return Due(Occasion.TERM, term.starts_on, term.ends_on, tuple(found))


def _true_up(last: date, calendar: WorkCalendar) -> DecideBy:
    """What is used above the purchase is ordered by the last day of its period."""
    on, why = brought_forward(last, calendar)
    return DecideBy(Decision.TRUE_UP, on, last, None, why, "true-up order", "the contract")


def _in_window(window: Window, anchor: date, term: Term, calendar: WorkCalendar) -> DecideBy:
    first, last = window.around(anchor, term.starts_on, term.ends_on)
    on, why = brought_forward(last, calendar)
    return DecideBy(window.decision, on, last, first, why, window.what, window.source, window.confirmed)
