"""When a programme takes a change: windows as data, each with its source, shown as "not before" and "not after".

A window is counted in calendar days from a day of the contract. What a vendor's paper says and we could not confirm
stands here and nowhere else, marked.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, timedelta

from licensing.renewal.terms import Programme


class Decision(enum.StrEnum):
    """What can be decided about a contract, each with a last day of its own. Stored: read a new name twice."""

    CANCEL = "cancel"
    REDUCE = "reduce"
    TRUE_UP = "true_up"


class Anchor(enum.StrEnum):
    """The day a window is counted from."""

    ANNIVERSARY = "anniversary"  # of the contract, in the middle of its term
    TERM_END = "term_end"  # the last day
    TERM_START = "term_start"  # day of purchase or renewal


@dataclass(frozen=True, slots=True)
class Window:
    """From `first` to `last` days after the anchor (before it where negative), both included.

    `first` None: from the first day of the term on. `confirmed` False: no paper we saw says so outright.
    """

    programme: Programme
    decision: Decision
    anchor: Anchor
    first: int | None
    last: int
    what: str
    source: str
    confirmed: bool = True

    def around(self, anchor: date, term_start: date, term_end: date) -> tuple[date, date]:
        """Not before, and not after; never outside the term, which may be shorter than the window."""
        first = term_start if self.first is None else anchor + timedelta(days=self.first)
        return max(first, term_start), max(term_start, min(anchor + timedelta(days=self.last), term_end))


_EA, _NCE = Programme.ENTERPRISE_AGREEMENT, Programme.NEW_COMMERCE
_ENROLMENT = "Microsoft Enterprise Enrollment: true-up order or update statement"
_NEW_COMMERCE = "Microsoft new commerce for licence-based subscriptions: cancellation and changes at renewal"
_STATEMENT = "true-up order or update statement"

WINDOWS: tuple[Window, ...] = (
    Window(_EA, Decision.TRUE_UP, Anchor.ANNIVERSARY, -60, -30, _STATEMENT, _ENROLMENT),
    Window(_EA, Decision.REDUCE, Anchor.ANNIVERSARY, -60, -30, _STATEMENT, _ENROLMENT),
    # in the last year there is no anniversary to come: the statement is due within the last 30 days
    Window(_EA, Decision.TRUE_UP, Anchor.TERM_END, -30, 0, _STATEMENT, _ENROLMENT),
    Window(_EA, Decision.REDUCE, Anchor.TERM_END, -30, 0, _STATEMENT, _ENROLMENT),
    Window(_NCE, Decision.CANCEL, Anchor.TERM_END, None, 0, "renewal switched off", _NEW_COMMERCE),
    Window(_NCE, Decision.REDUCE, Anchor.TERM_END, None, 0, "change planned for the renewal", _NEW_COMMERCE),
    # seven days count the day of purchase or renewal, whatever its hour, so that the last one is never too late
    Window(_NCE, Decision.CANCEL, Anchor.TERM_START, 0, 6, "cancellation within 7 days", _NEW_COMMERCE),
    # the one rule not confirmed: whether seats can be given back in the days in which all can be cancelled
    Window(
        _NCE, Decision.REDUCE, Anchor.TERM_START, 0, 6, "reduction within 7 days", _NEW_COMMERCE, confirmed=False
    ),
)  # fmt: skip


def windows(programme: Programme, anchor: Anchor) -> tuple[Window, ...]:
    """The windows of a programme around one of its days."""
    return tuple(one for one in WINDOWS if one.programme is programme and one.anchor is anchor)
