"""The chart of a brief: what it shows is tested as values, that it is a picture as bytes (wording guide §4.5)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from datetime import date
from xml.etree import ElementTree

import pytest

from licensing.forecast import Month, forecast
from licensing.money import months_later
from workflows.renewals import draw
from workflows.renewals.chart import TITLE_LENGTH, SeatsChart, chart, round_up
from workflows.renewals.outlook import Bought, Outlook

START = date(2025, 4, 1)
SEATS = (22, 24, 25, 27, 28, 30, 31, 33, 33, 34, 36, 37, 38, 38, 39, 38, 38, 37, 37, 37)
NAME = "Microsoft Copilot for Microsoft 365"


def seen(seats: Sequence[int] = SEATS, bought: Sequence[int | None] | None = None, ahead: int = 16) -> Outlook:
    history = tuple(Month(months_later(START, at), value) for at, value in enumerate(seats))
    held = bought if bought is not None else [30] * 6 + [40] * (len(seats) - 6)
    lines = tuple(Bought(months_later(START, at), value) for at, value in enumerate(held))
    made = forecast(history, ahead)
    return Outlook(date(2026, 11, 23), history, lines, made, made.needed(date(2027, 4, 1), date(2028, 3, 31)))


def test_the_chart_says_what_the_eye_sees() -> None:
    made = chart(NAME, seen())
    assert made.title == "Microsoft Copilot…: 37 expected, 40 bought"
    assert len(made.title) <= TITLE_LENGTH
    assert made.alt == (
        "Seats, Apr 2025 to Nov 2026, with forecast to Mar 2028. Bought 40. In use 37, peak 39 in Jun 2026. "
        "Forecast 37, likely 34 to 40."
    )
    assert (made.first, made.today, made.last) == (START, date(2026, 11, 1), date(2028, 3, 1))
    assert made.peak == Month(date(2026, 6, 1), 39)
    assert made.bought_line[0] == (START, 30) and made.bought_line[-1] == (date(2028, 3, 1), 40)
    assert made.ticks == (0, 30, 60)


def test_without_a_forecast_it_shows_what_is_known_and_says_why() -> None:
    made = chart("Copilot", seen(SEATS[:3], [30] * 3))
    assert made.title == "Copilot: 25 of 30 in use"
    assert (made.ahead, made.last) == ((), date(2025, 6, 1))
    assert made.alt.endswith("3 months of history are too few for a forecast; it takes 6.")


def test_what_is_not_known_is_a_gap_and_never_zero() -> None:
    made = chart("Miro", seen(bought=[*[None] * 19, None]))
    assert made.bought_line == () and made.bought_now is None
    assert "Bought: no limit, or not known." in made.alt
    assert made.title == "Miro: 37 expected"
    gap = chart("Miro", seen(bought=[None] * 10 + [40] * 10))
    assert gap.bought_line[0] == (date(2026, 2, 1), 40)


def test_nobody_holds_a_seat() -> None:
    empty = Outlook(date(2026, 11, 23), (), (Bought(date(2026, 11, 1), 12),), forecast((), 12), None)
    made = chart("Figma", empty)
    assert (made.title, made.peak) == ("Figma: nobody has a seat", None)
    assert draw.png(made).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("value", "top"), [(1, 2), (3, 4), (9.5, 10), (10.2, 20), (48, 60), (101, 200), (999, 1000), (10_400, 20_000)]
)
def test_the_axis_ends_on_a_round_even_number_above_everything(value: float, top: int) -> None:
    assert round_up(value) == top and top % 2 == 0


def test_nothing_lies_above_the_axis() -> None:
    for seats in (SEATS, [0] * 12, [1, 400, 2, 3, 4, 5, 6], [5] * 30):
        made = chart("Copilot", seen(seats, [10] * len(seats)))
        assert made.highest >= max([*seats, 10, *(one.high for one in made.ahead)])


@pytest.mark.parametrize(
    ("places", "room", "expected"),
    [
        ([40, 34, 37], 6, [46, 34, 40]),
        ([10, 50], 6, [10, 50]),
        ([0, 0, 0], 6, [3, 9, 15]),
        ([60, 60], 6, [54, 60]),
        ([], 6, []),
    ],
)
def test_labels_at_the_ends_never_cover_one_another(places: list[float], room: float, expected: list[float]) -> None:
    assert draw.apart(places, room, 60) == expected


@pytest.fixture(scope="module")
def made() -> SeatsChart:
    return chart(NAME, seen())


def test_the_png_is_1600_by_900_and_the_same_each_time(made: SeatsChart) -> None:
    picture = draw.png(made)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1600, 900)
    assert draw.png(made) == picture
    assert len(picture) < 200_000


def test_the_svg_can_stand_in_a_page_that_allows_no_styles(made: SeatsChart) -> None:
    text = draw.svg(made)
    root = ElementTree.fromstring(text)  # noqa: S314  our own
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert [child.text for child in root[:2]] == [made.title, made.alt]
    assert "style" not in text and "<metadata" not in text and "<script" not in text
    assert {one.get("font-family") for one in root.iter(f"{space}text")} == {"system-ui, sans-serif"}
    sizes = {float(str(one.get("font-size")).removesuffix("px")) for one in root.iter(f"{space}text")}
    assert min(sizes) >= draw.TEXT * 72 / draw.DOTS
    used = set(re.findall(r'"(#[0-9a-f]{6})"', text))
    assert not used, "every colour is a variable with the light one as its default"
    assert {"var(--chart-in-use, #0b4fa3)", "var(--chart-bought, #1b1f24)"} <= set(re.findall(r"var\([^)]*\)", text))


def test_every_line_is_named_in_the_svg(made: SeatsChart) -> None:
    space = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(draw.svg(made))  # noqa: S314  our own
    texts = {one.text for one in root.iter(f"{space}text")}
    assert texts >= {
        "bought 40",
        "in use 37",
        "forecast 37",
        "peak 39",
        "today",
        "Apr 2025",
        "Mar 2028",
        "0",
        "30",
        "60",
    }


def test_a_name_the_font_cannot_write_is_not_drawn_as_boxes() -> None:
    text = draw.svg(chart("日本語", seen()))
    assert ">This product: 37 expected, 40 bought</text>" in text
    assert "<title>日本語: 37 expected, 40 bought</title>" in text


def test_a_name_with_markup_stays_text() -> None:
    text = draw.svg(chart("<b>&", seen()))
    assert "<title>&lt;b&gt;&amp;: 37 expected" in text
    ElementTree.fromstring(text)  # noqa: S314  our own
