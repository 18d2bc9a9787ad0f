"""Sessions and readings: the highest overlap since the true-up period began, and the units of the running period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import chain

from licensing.money import months_later
from licensing.position.facts import Facts, Purchase, Session, Spared

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, both counted; `last` None when no end is known."""

    first: date
    last: date | None

    @property
    def begins_at(self) -> datetime:
        """The first instant of its first day."""
        return _midnight(self.first)

    def over(self, day: date) -> bool:
        """Whether its last day is reached: a day is looked at as it ends."""
        return self.last is not None and self.last <= day


@dataclass(frozen=True, slots=True)
class Metered:
    """`units` used; None when nothing says so. `cut` readings reach over an edge and count by their days within."""

    units: Decimal | None
    reach: date | None = None  # last day that a reading tells of
    cut: int = 0


def true_up_period(purchases: Sequence[Purchase], day: date) -> Period:
    """Since the day the contract states, else since its last anniversary; without a contract the first purchase's.

    Later purchases that are in force beside it are taken to run with it. The newest stated day counts.
    """
    stated = [one.true_up_from for one in purchases if one.true_up_from is not None and one.true_up_from <= day]
    if stated:
        return Period(max(stated), day)
    contracts = [one.contract_from for one in purchases if one.contract_from is not None and one.contract_from <= day]
    start = min(contracts or [one.starts_on for one in purchases])
    years = day.year - start.year
    while months_later(start, 12 * years) > day:
        years -= 1
    return Period(months_later(start, 12 * years), day)


def needing(session: Session) -> list[Session]:
    """What is left of a session without the days on which it needs no unit."""
    if not session.spared:
        return [session]
    left = []
    begin, end = session.began_at, session.ended_at
    for one in sorted(session.spared, key=lambda one: one.first):
        first = _midnight(one.first)
        if end is not None and first >= end:
            break
        if first > begin:
            left.append(Session(begin, first))
        if one.last is None or one.last == date.max:
            return left
        begin = max(begin, _midnight(one.last + DAY))
    if end is None or begin < end:
        left.append(Session(begin, end))
    return left


def spared(sessions: Iterable[Session], period: Period, day: date) -> Counter[str]:
    """How many sessions of the period need no unit on some day of it: by suite, "" for those excluded, each once.

    Exclusions come before suites.
    """
    found: Counter[str] = Counter()
    begin, end = period.begins_at, _midnight(day + DAY)
    for session in sessions:
        if session.spared:
            first = max(session.began_at, begin)
            last = end if session.ended_at is None else min(session.ended_at, end)
            grounds = [one.suite for one in session.spared if _meets(one, first, last)]
            if grounds:
                found[min(grounds)] += 1
    return found


def _meets(one: Spared, first: datetime, last: datetime) -> bool:
    """Whether one of its days holds a moment from `first` up to, not at, `last`."""
    return first < last and _midnight(one.first) < last and (one.last is None or first.date() <= one.last)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def peak(sessions: Sequence[Session], period: Period, day: date) -> int:
    """Highest number of sessions at one moment from the period's first day to the end of `day`; ends are exclusive.

    A session does not count on days on which it is spared.
    """
    begin = period.begins_at
    end = _midnight(day + DAY)
    moves: list[tuple[datetime, int]] = []
    for session in chain.from_iterable(map(needing, sessions)):
        first = max(session.began_at, begin)
        last = end if session.ended_at is None else min(session.ended_at, end)
        if first < last:
            moves += [(first, 1), (last, -1)]
    highest = now = 0
    for _, step in sorted(moves):  # at one moment those that end come before those that begin
        now += step
        highest = max(highest, now)
    return highest


@dataclass
class Highest:
    """Finds the sessions of the highest overlap among any number, added in the order of their beginnings; `peak` of
    these is that of all, where none is spared. It holds no more than were open at once."""

    period: Period
    day: date
    _best: tuple[Session, ...] = ()
    _open: list[tuple[datetime, int, Session]] = field(default_factory=list)
    _seen: int = 0

    def add(self, session: Session) -> None:
        """One that began no earlier than all before it."""
        begin = self.period.begins_at
        end = _midnight(self.day + DAY)
        first = max(session.began_at, begin)
        last = end if session.ended_at is None else min(session.ended_at, end)
        if first >= last:
            return
        if self._open and self._open[0][0] <= first:
            self._best = self.sessions()
        while self._open and self._open[0][0] <= first:
            heappop(self._open)
        self._seen += 1
        heappush(self._open, (last, self._seen, session))

    def sessions(self) -> tuple[Session, ...]:
        """Those that overlap where most do."""
        return self._best if len(self._best) >= len(self._open) else tuple(one for _, _, one in self._open)


def running_period(purchases: Sequence[Purchase], day: date) -> Period:
    """The month or year, counted from the start of the first purchase in force, that holds the day; or its whole term.

    Purchases beside it top it up. A period never runs past the term.
    """
    base = min(purchases, key=lambda one: (one.starts_on, one.id))
    ends = [one.ends_on for one in purchases if one.starts_on == base.starts_on]
    ends_on = None if None in ends else max(end for end in ends if end is not None)
    if base.cycle == "once":
        return Period(base.starts_on, ends_on)
    months = 12 if base.cycle == "year" else 1
    number = ((day.year - base.starts_on.year) * 12 + day.month - base.starts_on.month) // months
    while months_later(base.starts_on, number * months) > day:
        number -= 1
    last = months_later(base.starts_on, (number + 1) * months) - DAY
    return Period(months_later(base.starts_on, number * months), last if ends_on is None else min(last, ends_on))


def used_up(facts: Facts, period: Period) -> Metered:
    """Units of the readings from the period's first day to the day asked for; nothing is carried over.

    A reading that reaches over an edge counts by the share of its days that lie within. Without a reading of the
    period its use is not known: a meter that is silent is not a meter at zero.
    """
    total, reach, cut, seen = Decimal(0), None, 0, False
    last = facts.at if period.last is None else min(facts.at, period.last)
    for reading in facts.readings or ():
        first_day, last_day = max(reading.from_on, period.first), min(reading.to_on, last)
        within = (last_day - first_day).days + 1
        if within <= 0:
            continue
        whole = (reading.to_on - reading.from_on).days + 1
        seen, reach = True, max(reach or last_day, last_day)
        cut += within < whole
        total += reading.units * within / whole
    return Metered(total if seen else None, reach, cut)
