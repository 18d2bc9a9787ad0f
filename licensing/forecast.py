"""Seats needed in the months to come, from the months that were and the hiring plan; with an interval and its error.

Damped exponential smoothing with fixed parameters (statsmodels), chosen among few by how well each would have told the
past year, against "as it is today", which stays when nothing beats it. Nothing is optimised, so equal histories give
equal forecasts, and a handful of months does not make a model run wild. A hiring plan replaces the trend: both would
count the same people twice.

The library is loaded when a forecast is made: it takes a second and memory that no other command needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil, sqrt
from statistics import fmean

from licensing.money import months_later
from licensing.words import plural

#: Fewer months say nothing about those to come.
LEAST_MONTHS = 6
#: Fewer months show no trend that one could tell from chance.
LEAST_FOR_TREND = 12
#: How much a forecast is tried against the past: so many months back at most.
TRIED_MONTHS = 12
#: Standard deviations either way that hold the middle eight of ten.
MIDDLE_80 = 1.2816
Shape = tuple[float, float, float]
Errors = dict[int, list[float]]
#: (how much the newest month weighs, how much the newest change, what remains of a trend after each month)
_SHAPES: tuple[Shape, ...] = ((0.5, 0.1, 0.8), (0.8, 0.2, 0.9), (0.8, 0.3, 0.98))
#: No trend takes away more than this part of what is in use today, or adds more than twice as much: what falls ends
#: somewhere above nothing, and a number people act on must not say that nobody will need a seat. A few may always come.
_MOST_CHANGE, _FEW = 0.5, 5
#: A shape must be this much better than "as it is today" to be taken: small differences are luck.
_BETTER = 0.9


@dataclass(frozen=True, slots=True)
class Month:
    """Seats in use at the end of a month, named by its first day."""

    first: date
    seats: int


@dataclass(frozen=True, slots=True)
class Planned:
    """Seats that a hiring plan adds (or takes) from a day on; a share of a seat where a department is planned."""

    on: date
    seats: Decimal


@dataclass(frozen=True, slots=True)
class Ahead:
    """A month to come: the seats expected at its end, and the interval that holds eight of ten."""

    first: date
    seats: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tried:
    """How far off forecasts so many months ahead would have been: on average, beside "as it is today"."""

    months_ahead: int
    off: float
    as_today_off: float
    times: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Months ahead in order. `method` "" when history is too short: `ahead` is empty then, and `words` say so."""

    history: tuple[Month, ...]
    ahead: tuple[Ahead, ...]
    tried: tuple[Tried, ...]
    method: str
    words: str
    planned: Decimal = Decimal(0)

    def needed(self, first: date, last: date) -> Ahead | None:
        """The month of the days from `first` to `last` with most seats: a term is bought for its fullest month."""
        inside = [one for one in self.ahead if one.first <= last and _end(one.first) >= first]
        return max(inside, key=lambda one: one.seats, default=None)

    @property
    def off_by(self) -> float | None:
        """How far off, on average, the longest forecasts tried were; None when none could be tried."""
        return self.tried[-1].off if self.tried else None


def in_words(needed: Ahead | None) -> str:
    """ "34 (likely 32 to 36)", "not known"."""
    if needed is None:
        return "not known"
    return f"{whole(needed.seats):,} (likely {whole(needed.low):,} to {whole(needed.high):,})"


def whole(seats: float) -> int:
    """Seats are bought whole: up, but for what rounding in the arithmetic added."""
    return max(0, ceil(round(seats, 6)))


def forecast(history: Sequence[Month], months: int, plan: Sequence[Planned] = ()) -> Forecast:
    """`months` ahead of the last one in `history`, which is by month without a gap, oldest first.

    ValueError for a history with gaps or out of order.
    """
    series = [float(one.seats) for one in history]
    for before, after in pairwise(history):
        if months_later(before.first, 1) != after.first:
            raise ValueError(f"the month after {before.first} is missing from the history")
    if len(series) < LEAST_MONTHS:
        known = plural(len(series), "month")
        words = f"{known} of history are too few for a forecast; it takes {LEAST_MONTHS}."
        return Forecast(tuple(history), (), (), "", words.replace("1 month of history are", "1 month of history is"))
    today = _errors(series, None)
    trend = not plan and len(series) >= LEAST_FOR_TREND
    shape, errors = _best(series, today) if trend else (None, today)
    return _with_interval(tuple(history), months, plan, shape, errors, today)


def _with_interval(
    history: tuple[Month, ...],
    months: int,
    plan: Sequence[Planned],
    shape: Shape | None,
    errors: Errors,
    today: Errors,
) -> Forecast:
    series = [float(one.seats) for one in history]
    last = history[-1].first
    middle = _ahead(series, months, shape)
    spread = _spread(errors)
    ahead = []
    for number, value in enumerate(middle, start=1):
        first = months_later(last, number)
        seats = max(
            0.0, value + float(sum((one.seats for one in plan if _end(last) < one.on <= _end(first)), Decimal()))
        )
        half = MIDDLE_80 * spread * sqrt(number)
        ahead.append(Ahead(first, seats, max(0.0, seats - half), seats + half))
    tried = _tried(errors, today)
    added = sum((one.seats for one in plan if one.on > _end(last)), Decimal())
    if plan:
        method, how = "plan", "what is in use today and the hiring plan"
    elif len(series) < LEAST_FOR_TREND:
        method, how = "as today", f"what is in use today: a trend takes {LEAST_FOR_TREND} months"
    elif shape is None:
        method, how = "as today", "what is in use today: no trend told the past year better"
    else:
        method, how = "damped trend", "the trend of the past months, growing weaker"
    words = f"From {how}, {plural(len(series), 'month')} of history."
    if tried:
        words += f" {plural(tried[-1].months_ahead, 'month')} ahead it would have been off by {tried[-1].off:.1f}."
    return Forecast(history, tuple(ahead), tried, method, words, added)


def _end(first: date) -> date:
    return months_later(first, 1) - timedelta(days=1)


def _ahead(series: Sequence[float], months: int, shape: Shape | None) -> list[float]:
    """The middle of the forecast; None is as it is today."""
    if shape is None or len(series) < 2 or min(series) == max(series):
        return [series[-1]] * months
    import numpy
    from statsmodels.tsa.holtwinters import Holt

    level, change, kept = shape
    with numpy.errstate(all="ignore"):  # the library takes the logarithm of an error that may be none
        model = Holt(
            numpy.asarray(series, dtype=float),
            damped_trend=True,
            initialization_method="known",
            initial_level=series[0],
            initial_trend=0.0,
        )
        fitted = model.fit(smoothing_level=level, smoothing_trend=change, damping_trend=kept, optimized=False)
        told = [float(value) for value in fitted.forecast(months)]
    least, most = series[-1] * (1 - _MOST_CHANGE), max(series[-1] * (1 + _MOST_CHANGE * 2), series[-1] + _FEW)
    return [min(max(value, least), most) for value in told]


def _origins(series: Sequence[float]) -> range:
    """How many months were known each time a forecast is tried."""
    return range(max(LEAST_MONTHS - 2, len(series) - TRIED_MONTHS), len(series))


def _errors(series: Sequence[float], shape: Shape | None) -> Errors:
    """By months ahead: how far each forecast of the past year would have been off."""
    found: dict[int, list[float]] = {}
    for known in _origins(series):
        told = _ahead(series[:known], len(series) - known, shape)
        for months, (value, real) in enumerate(zip(told, series[known:], strict=True), start=1):
            found.setdefault(months, []).append(abs(value - real))
    return found


def _best(series: Sequence[float], today: Errors) -> tuple[Shape | None, Errors]:
    """The shape that would have told the past year best; None when none is clearly better than "as it is today"."""
    if min(series) == max(series):
        return None, today
    tried = [(shape, _errors(series, shape)) for shape in _SHAPES]
    best = min(tried, key=lambda one: _off(one[1]))
    return best if _off(best[1]) < _off(today) * _BETTER else (None, today)


def _off(errors: Errors) -> float:
    return fmean(fmean(each) for each in errors.values())


def _spread(errors: Errors) -> float:
    """Standard deviation of a forecast one month ahead, as the past year shows it; never less than half a seat."""
    each = [error / sqrt(months) for months, found in errors.items() for error in found]
    root = sqrt(fmean([error * error for error in each])) if each else 0.0
    return max(0.5 / MIDDLE_80, root)


def _tried(own: Errors, today: Errors) -> tuple[Tried, ...]:
    return tuple(
        Tried(months, fmean(own[months]), fmean(today[months]), len(own[months]))
        for months in (1, 3, 6, 12)
        if own.get(months)
    )
