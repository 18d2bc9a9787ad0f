"""However a number or a day is written, it is read as what it was, or refused; never as something else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing import cells
from licensing.cells import Ambiguous, Format, Unreadable

AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False)
DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31))


@given(
    AMOUNTS, st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", "."), ("", "."), ("", ",")])
)
def test_a_written_amount_comes_back(amount: Decimal, marks: tuple[str, str]) -> None:
    group, decimal = marks
    written = f"{amount:,.2f}".replace(",", "_").replace(".", decimal).replace("_", group)
    assert cells.number(written) == amount
    assert cells.money(f"{written} EUR") == (amount, "EUR")


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from([",", "."]))
def test_a_grouped_count_is_itself_or_asked_about(number: int, group: str) -> None:
    written = f"{number:,}".replace(",", group)
    other = "." if group == "," else ","
    assert cells.count(written, Format(decimals="." if group == "," else ",")) == number
    try:
        assert cells.count(written) == number
    except Ambiguous:
        assert written.count(group) == 1 and other not in written


@given(
    st.integers(min_value=0, max_value=10**6),
    st.integers(min_value=0, max_value=99),
    st.sampled_from(" '’\u00a0\u202f"),
)
def test_two_numbers_side_by_side_are_never_one(first: int, second: int, between: str) -> None:
    with pytest.raises(Unreadable):
        cells.number(f"{first}{between}{second}")


@given(DAYS)
def test_a_written_day_comes_back(day: date) -> None:
    assert cells.day(day.isoformat()) == day
    assert cells.day(f"{day:%d.%m.%Y}") == day
    assert cells.day(f"{day:%d/%m/%Y}", Format(order="dmy")) == day
    assert cells.day(f"{day:%m/%d/%Y}", Format(order="mdy")) == day
    assert cells.day((day - date(1899, 12, 30)).days) == day
    try:
        assert cells.day(f"{day:%d/%m/%Y}") == day
    except Ambiguous:
        assert day.day <= 12 and day.day != day.month


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for read in (cells.number, cells.day, cells.instant, cells.money, cells.count):
        try:
            found: object = read(text)
        except Unreadable as wrong:
            found = str(wrong)
        assert found not in (None, "")
