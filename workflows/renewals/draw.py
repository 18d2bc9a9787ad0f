"""Draws a chart of seats: a light PNG of 1600 × 900 for Slack, and an SVG whose colours a page can change.

Matplotlib is loaded when something is drawn: it takes a second and tens of megabytes. Figures are made without its
global state, so that several threads may draw. A page allows no inline styles, so the SVG carries plain attributes, and
each colour is a variable with the light one as its default: dark mode and print need no second picture.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from licensing.forecast import Month, whole
from workflows.renewals.chart import SeatsChart, month

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DOTS = 1600, 900, 100
#: Text is read in a Slack message a quarter as wide: no smaller than 56 of 1600 (wording guide §4.5).
TEXT = 56
#: How wide a digit is at that size, as part of the picture.
LETTER = 0.0205
IN_USE, BOUGHT, MUTED, PAPER, GRID = "#0b4fa3", "#1b1f24", "#4a5560", "#ffffff", "#d5dadf"
_VARIABLES = {
    IN_USE: "--chart-in-use",
    BOUGHT: "--chart-bought",
    MUTED: "--chart-muted",
    PAPER: "--chart-paper",
    GRID: "--chart-grid",
}
_STYLE = re.compile(r' style="([^"]*)"')
_GROUP = re.compile(r'<g id="[^"]*"')


def png(chart: SeatsChart) -> bytes:
    """1600 × 900, light."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _figure(chart)
    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DOTS, metadata={"Software": None})
    return out.getvalue()


def svg(chart: SeatsChart) -> str:
    """To be put into a page: role and description inside, no styles, no size but its proportions."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure = _figure(chart)
    FigureCanvasSVG(figure)
    out = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(out, format="svg", dpi=72, metadata=nothing)
    text = out.getvalue()
    body = text[text.index("<svg") :]
    inside = body[body.index(">") + 1 :]
    inside = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", inside, count=1, flags=re.DOTALL)
    inside = re.sub(r"<metadata>.*?</metadata>", "", inside, flags=re.DOTALL)
    inside = _GROUP.sub("<g", _STYLE.sub(_attributes, inside))  # several charts on a page share no names
    for colour, name in _VARIABLES.items():
        inside = inside.replace(f'"{colour}"', f'"var({name}, {colour})"')
    width, height = WIDTH * 72 / DOTS, HEIGHT * 72 / DOTS
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'viewBox="0 0 {width:g} {height:g}"><title>{escape(chart.title)}</title><desc>{escape(chart.alt)}</desc>'
        f"{inside}"
    )


def _attributes(found: re.Match[str]) -> str:
    """A style as attributes of the same names, and the reader's own font."""
    made = []
    for part in found[1].split(";"):
        name, _, value = part.partition(":")
        name, value = name.strip(), value.strip()
        if name == "font-family":
            made.append((name, "system-ui, sans-serif"))
        elif name:
            made.append((name, value.replace("'", "")))
    return "".join(f' {name}="{value}"' for name, value in made)


def _figure(chart: SeatsChart) -> Figure:
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "seatkeeper"})
    figure = Figure(figsize=(WIDTH / DOTS, HEIGHT / DOTS), dpi=DOTS, facecolor=PAPER)
    figure.text(0.02, 0.965, _drawable(chart.title), size=_points(TEXT + 4), color=BOUGHT, va="top")
    figure.text(0.02, 0.868, chart.subtitle, size=_points(TEXT), color=MUTED, va="top")
    left = 0.03 + LETTER * max(len(f"{value:,}") for value in chart.ticks)
    right = 0.97 - LETTER * max((len(text) for _, text, _ in _names(chart)), default=0)
    axes = figure.add_axes((left, 0.115, right - left, 0.64))
    _frame(axes, chart)
    _lines(axes, chart)
    _ends(axes, chart)
    return figure


def _points(pixels: float) -> float:
    return pixels * 72 / DOTS


def _at(first: date) -> int:
    """A month on the axis."""
    return first.year * 12 + first.month


def _frame(axes: Axes, chart: SeatsChart) -> None:
    """Axis from 0, three numbers, three dates, no box."""
    first, today, last = _at(chart.first), _at(chart.today), max(_at(chart.last), _at(chart.first) + 1)
    axes.set_facecolor(PAPER)
    axes.set_xlim(first, last)
    axes.set_ylim(0, chart.highest)
    axes.set_yticks(chart.ticks, [f"{value:,}" for value in chart.ticks], size=_points(TEXT), color=BOUGHT)
    shown = {first: month(chart.first), last: month(chart.last)}
    month_wide = LETTER * len(shown[first]) / axes.get_position().width  # of the axis
    if min(today - first, last - today) / (last - first) > month_wide * 1.4:
        shown[today] = "today"
    axes.set_xticks(sorted(shown), [shown[one] for one in sorted(shown)], size=_points(TEXT), color=BOUGHT)
    for label, place in zip(axes.get_xticklabels(), sorted(shown), strict=True):
        label.set_horizontalalignment("left" if place == first else "right" if place == last else "center")
    axes.tick_params(length=0, pad=10)
    axes.grid(axis="y", color=GRID, linewidth=1.5)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(BOUGHT)
    if chart.ahead:
        axes.axvline(today, color=MUTED, linewidth=1.5, linestyle=(0, (1, 3)))


def _lines(axes: Axes, chart: SeatsChart) -> None:
    if chart.bought_line:
        days, seats = zip(*chart.bought_line, strict=True)
        axes.step([_at(one) for one in days], seats, where="post", color=BOUGHT, linewidth=2.5)
    axes.plot([_at(one.first) for one in chart.used], [one.seats for one in chart.used], color=IN_USE, linewidth=6)
    if chart.ahead and chart.used:
        months = [_at(chart.today), *(_at(one.first) for one in chart.ahead)]
        now = float(chart.used[-1].seats)
        low, high = [now, *(one.low for one in chart.ahead)], [now, *(one.high for one in chart.ahead)]
        axes.fill_between(months, low, high, facecolor=IN_USE, alpha=0.14, linewidth=0)
        for edge in (low, high):
            axes.plot(months, edge, color=IN_USE, linewidth=1.5)
        middle = [now, *(one.seats for one in chart.ahead)]
        axes.plot(months, middle, color=IN_USE, linewidth=5, linestyle=(0, (2.2, 1.6)))
    if chart.peak is not None and chart.peak.seats and chart.peak.first != chart.today:
        _peak(axes, chart, chart.peak)


def _peak(axes: Axes, chart: SeatsChart, peak: Month) -> None:
    """A ring on the highest month, named above it, or below where the line of what is bought would run through."""
    first, last = _at(chart.first), max(_at(chart.last), _at(chart.first) + 1)
    place = _at(peak.first)
    axes.plot([place], [peak.seats], "o", color=IN_USE, markerfacecolor=PAPER, markersize=18, markeredgewidth=4,
              clip_on=False)  # fmt: skip
    share = (place - first) / (last - first)
    side = "left" if share < 0.15 else "right" if share > 0.85 else "center"
    letters = TEXT / (HEIGHT * 0.64) * chart.highest  # a line of text, in seats
    crossed = any(0.4 * letters < seats - peak.seats < 1.9 * letters for _, seats in chart.bought_line)
    below = crossed and peak.seats > 2.5 * letters
    axes.annotate(f"peak {peak.seats:,}", (place, peak.seats), xytext=(0, -22 if below else 22),
                  textcoords="offset points", size=_points(TEXT), color=IN_USE, ha=side,
                  va="top" if below else "bottom", annotation_clip=False)  # fmt: skip


def _names(chart: SeatsChart) -> list[tuple[float, str, str]]:
    """What stands at the right: where, what, in which colour."""
    wanted: list[tuple[float, str, str]] = []
    if chart.bought_now is not None:
        wanted.append((chart.bought_now, f"bought {chart.bought_now:,}", BOUGHT))
    if chart.ahead:
        last = chart.ahead[-1]
        wanted.append((last.seats, f"forecast {whole(last.seats):,}", IN_USE))
    if chart.used:
        now = chart.used[-1].seats
        wanted.append((now if not chart.ahead else now - 0.001, f"in use {now:,}", IN_USE))
    return wanted


def _ends(axes: Axes, chart: SeatsChart) -> None:
    """Each line's name where it ends, kept apart where two end close together."""
    wanted = _names(chart)
    room = TEXT * 1.15 / (HEIGHT * 0.64) * chart.highest
    for place, (_, text, colour) in zip(apart([one[0] for one in wanted], room, chart.highest), wanted, strict=True):
        axes.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), size=_points(TEXT), color=colour,
                      va="center", annotation_clip=False)  # fmt: skip


def apart(places: Sequence[float], room: float, top: float) -> list[float]:
    """Where labels stand so that none covers another: in their order, moved no more than needed, inside the axis."""
    order = sorted(range(len(places)), key=lambda at: places[at])
    moved: dict[int, float] = {}
    floor = room / 2
    for at in order:
        moved[at] = max(places[at], floor)
        floor = moved[at] + room
    ceiling = top
    for at in reversed(order):
        moved[at] = min(moved[at], ceiling)
        ceiling = moved[at] - room
    return [moved[at] for at in range(len(places))]


def _drawable(text: str) -> str:
    """The title without letters the font does not have; a name in another script becomes "This product"."""
    from matplotlib.font_manager import findfont, get_font

    known: Any = get_font(findfont("DejaVu Sans")).get_charmap()
    name, colon, rest = text.rpartition(": ")
    return text if all(ord(letter) in known for letter in text) else f"This product{colon}{rest}" if name else rest
