"""The chart of the weekly summary: saving by month, possible outlined, realised filled, put back below 0 (guide §4.5).

One currency a chart: the one that most months speak of. What the picture shows is decided in `chart`; `png` draws it.
Matplotlib is loaded when something is drawn.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.money import Money
from licensing.words import MONTHS
from workflows.reads.week import MonthSaved, WeekFacts
from workflows.renewals.chart import month
from workflows.renewals.draw import BOUGHT, DOTS, GRID, HEIGHT, IN_USE, MUTED, PAPER, TEXT, WIDTH

IDLE = "#a86400"
#: Text stands this many points high where a pixel is 1/100 inch.
_POINTS = TEXT * 72 / DOTS


@dataclass(frozen=True)
class Column:
    """One month in one currency. `put_back` is what was taken off again, as a positive amount."""

    first: date
    possible: Decimal
    realised: Decimal
    put_back: Decimal


@dataclass(frozen=True)
class SavingChart:
    """Columns, oldest first, with the title that says the year's sum and the sentence for whoever cannot see them."""

    currency: str
    title: str
    subtitle: str
    alt: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """Names the data: the same data is drawn and uploaded once."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    @property
    def highest(self) -> int:
        return _round(max((max(one.possible, one.realised) for one in self.columns), default=Decimal(0)))

    @property
    def lowest(self) -> int:
        deepest = max((one.put_back for one in self.columns), default=Decimal(0))
        return -_round(deepest) if deepest else 0


def _round(amount: Decimal) -> int:
    """The next number people read at a glance, with a little room above the amount: 2, 4, … 10, 20, 25, 30, 40 …"""
    wanted, step = float(amount) * 1.05, 1
    while wanted > step * 10:
        step *= 10
    return int(
        next(part * step for part in (2, 2.5, 3, 4, 5, 6, 8, 10) if part * step >= wanted and part * step % 2 == 0)
    )


def chart(facts: WeekFacts) -> SavingChart | None:
    """None where no month has an amount: an empty picture says nothing."""
    currency = _currency(facts.months)
    if currency is None:
        return None

    def of(one: MonthSaved) -> Column:
        return Column(
            one.first,
            one.possible.in_currency(currency).amount,
            one.realised.in_currency(currency).amount,
            one.put_back.in_currency(currency).amount,
        )

    columns = tuple(of(one) for one in facts.months)
    saved = facts.saved.in_currency(currency)
    title = f"{saved.rounded()} saved in {facts.year}" if saved else f"Nothing saved yet in {facts.year}"
    told = [f"Saving by month in {currency}, {month(columns[0].first)} to {month(columns[-1].first)}.", f"{title}."]
    for one in columns:
        parts = [
            f"{name} {Money(amount, currency).rounded()}"
            for name, amount in (("possible", one.possible), ("realised", one.realised), ("put back", one.put_back))
            if amount
        ]
        if parts:
            told.append(f"{month(one.first)}: {', '.join(parts)}.")
    subtitle = f"{currency} by month: filled realised, outlined possible"
    subtitle += ", below 0 put back" if any(one.put_back for one in columns) else ""
    return SavingChart(currency, title, subtitle, " ".join(told), columns)


def _currency(months: Sequence[MonthSaved]) -> str | None:
    seen: Counter[str] = Counter()
    for one in months:
        for sums in (one.possible, one.realised, one.put_back):
            seen.update(currency for currency, amount in sums.totals.items() if amount)
    return min(seen, key=lambda currency: (-seen[currency], currency), default=None)


def png(made: SavingChart) -> bytes:
    """1600 × 900, light; text is read in a Slack message a quarter as wide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / DOTS, HEIGHT / DOTS), dpi=DOTS, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.text(0.02, 0.965, made.title, size=_POINTS, color=BOUGHT, va="top", parse_math=False)
    figure.text(0.02, 0.868, made.subtitle, size=_POINTS * 0.72, color=MUTED, va="top", parse_math=False)
    axes = figure.add_axes((0.14, 0.115, 0.83, 0.64))
    axes.set_facecolor(PAPER)
    places = list(range(len(made.columns)))
    possible = [float(one.possible) for one in made.columns]
    realised = [float(one.realised) for one in made.columns]
    back = [-float(one.put_back) for one in made.columns]
    outlined = {"facecolor": "none", "linewidth": 4}
    for heights, width, look in (
        (possible, 0.62, {**outlined, "edgecolor": IN_USE, "linestyle": (0, (2, 1.2))}),
        (realised, 0.46, {"color": IN_USE}),
        (back, 0.46, {**outlined, "edgecolor": IDLE, "hatch": "//"}),
    ):
        shown = [place for place in places if heights[place]]  # a month without has no line at 0 either
        axes.bar(shown, [heights[place] for place in shown], width=width, **look)
    axes.set_xlim(-0.6, len(places) - 0.4)
    low, high = made.lowest, made.highest
    axes.set_ylim(low, high)
    ticks = [one for one in (low, 0, high // 2, high) if low <= one <= high]
    axes.set_yticks(
        sorted(set(ticks)), [f"{one:,}".replace("-", "−") for one in sorted(set(ticks))], size=_POINTS * 0.8
    )
    axes.set_xticks(places, [MONTHS[one.first.month - 1] for one in made.columns], size=_POINTS, color=BOUGHT)
    axes.tick_params(length=0, pad=10)
    axes.grid(axis="y", color=GRID, linewidth=1.5)
    axes.axhline(0, color=BOUGHT, linewidth=2)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DOTS, metadata={"Software": None})
    return out.getvalue()
