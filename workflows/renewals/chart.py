"""The chart of a brief as values: lines, labels, title and the sentence that replaces it for whoever cannot see it.

Bought as steps, in use as a line, the forecast dashed inside its interval (wording guide §4.5). What the picture shows
is decided here and tested here; `draw` only puts it on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from licensing.forecast import Ahead, Month, in_words, whole
from licensing.words import MONTHS, cut
from workflows.renewals.outlook import Bought, Outlook

#: A title has so much room at the size people can read in Slack.
TITLE_LENGTH = 42
SUBTITLE = "Seats by month, from the register"


@dataclass(frozen=True)
class SeatsChart:
    """One product. Months are named by their first day; `peak` None where nobody ever held a seat.

    `bought` has gaps where a purchase is unlimited or its number is not known.
    """

    title: str
    subtitle: str
    alt: str
    used: tuple[Month, ...]
    bought: tuple[Bought, ...]
    ahead: tuple[Ahead, ...]
    peak: Month | None
    needed: Ahead | None

    @property
    def first(self) -> date:
        return self.used[0].first if self.used else self.bought[0].first

    @property
    def today(self) -> date:
        return self.used[-1].first if self.used else self.bought[-1].first

    @property
    def last(self) -> date:
        return self.ahead[-1].first if self.ahead else self.today

    @property
    def bought_now(self) -> int | None:
        return self.bought[-1].seats if self.bought else None

    @property
    def bought_line(self) -> tuple[tuple[date, int], ...]:
        """What is bought, carried on to the end of the chart: the renewal is what would change it."""
        known = tuple((one.first, one.seats) for one in self.bought if one.seats is not None)
        if not known or self.bought_now is None or known[-1][0] >= self.last:
            return known
        return (*known, (self.last, self.bought_now))

    @property
    def highest(self) -> int:
        """The top of the axis: a round number with room above every line."""
        values = [one.seats for one in self.used]
        values += [one.seats for one in self.bought if one.seats is not None]
        values += [whole(one.high) for one in self.ahead]
        return round_up(max(values, default=0) * 1.2 + 1)

    @property
    def ticks(self) -> tuple[int, int, int]:
        """Numbers on the axis, from 0."""
        return 0, self.highest // 2, self.highest


def round_up(value: float) -> int:
    """The next even number people read at a glance: 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200 …"""
    step = 2
    while value > step * 5:
        step *= 10
    return int(-(-value // step) * step)


def chart(name: str, seen: Outlook) -> SeatsChart:
    """The chart of a product as it stands and as it may become."""
    bought = seen.bought[-1].seats if seen.bought else None
    return SeatsChart(
        title=_title(name, seen, bought),
        subtitle=SUBTITLE,
        alt=_alt(seen, bought),
        used=seen.history,
        bought=seen.bought,
        ahead=seen.forecast.ahead,
        peak=seen.peak,
        needed=seen.needed,
    )


def _title(name: str, seen: Outlook, bought: int | None) -> str:
    """The finding, with as much of the name as there is room for."""
    used = seen.in_use
    if seen.needed is not None:
        found = f"{whole(seen.needed.seats):,} expected"
        found += f", {bought:,} bought" if bought is not None else ""
    elif used is None:
        found = "nobody has a seat"
    else:
        found = f"{used:,} of {bought:,} in use" if bought is not None else f"{used:,} in use"
    return f"{cut(name, max(8, TITLE_LENGTH - len(found) - 2))}: {found}"


def _alt(seen: Outlook, bought: int | None) -> str:
    """What the eye sees, in sentences."""
    spans: Sequence[date] = [one.first for one in seen.history] or [seen.today]
    ahead = seen.forecast.ahead
    until = f", with forecast to {month(ahead[-1].first)}" if ahead else ""
    parts = [f"Seats, {month(spans[0])} to {month(spans[-1])}{until}."]
    parts.append(f"Bought {bought:,}." if bought is not None else "Bought: no limit, or not known.")
    if seen.in_use is not None:
        peak = f", peak {seen.peak.seats:,} in {month(seen.peak.first)}" if seen.peak is not None else ""
        parts.append(f"In use {seen.in_use:,}{peak}.")
    told = seen.needed or (ahead[-1] if ahead else None)
    parts.append(f"Forecast {in_words(told)}." if told is not None else seen.forecast.words)
    return " ".join(parts).replace("(", "").replace(")", "").replace(" likely", ", likely")


def month(first: date) -> str:
    """ "Jun 2026"."""
    return f"{MONTHS[first.month - 1]} {first.year}"
