"""Cells of spreadsheets, case by case: what each says, and what is refused because it could say two things."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from licensing import cells
from licensing.cells import Ambiguous, Broken, Cell, Format, Formula, Unreadable

POINT, COMMA = Format(decimals="."), Format(decimals=",")
DMY, MDY = Format(order="dmy"), Format(order="mdy")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", "12"), ("-3", "-3"), ("−3", "-3"), ("(5)", "-5"), ("+7", "7"),
        ("1,200.00", "1200.00"), ("1.200,00", "1200.00"), ("1 200,00", "1200.00"), ("1\u00a0200,5", "1200.5"),
        ("1'200.50", "1200.50"), ("1.200.000", "1200000"), ("1,200,000", "1200000"), ("1,234,567.8", "1234567.8"),
        ("12.5", "12.5"), ("12,5", "12.5"), ("0.125", "0.125"), ("0,125", "0.125"), (".5", "0.5"),
        ("1 200", "1200"), ("1\u202f234\u202f567,5", "1234567.5"), ("1\u2009200", "1200"), ("1\u2007200", "1200"),
        ("1'234.50", "1234.50"), ("1’234’567", "1234567"), ("- 5", "-5"), ("( 1 200 )", "-1200"), ("12 345", "12345"),
        ("1234.567", "1234.567"), ("12.", "12"), (3, "3"), (3.5, "3.5"), (0.1 + 0.2, "0.3"),
    ],
)  # fmt: skip
def test_a_number_is_read(cell: Cell, value: str) -> None:
    assert cells.number(cell) == Decimal(value)


@pytest.mark.parametrize(("cell", "point", "comma"), [("1.200", "1.200", "1200"), ("1,200", "1200", "1.200")])
def test_a_number_that_could_be_two_needs_the_mark(cell: str, point: str, comma: str) -> None:
    with pytest.raises(Ambiguous):
        cells.number(cell)
    assert cells.number(cell, POINT) == Decimal(point)
    assert cells.number(cell, COMMA) == Decimal(comma)


def test_the_sentence_names_both_readings_and_what_settles_it() -> None:
    with pytest.raises(Ambiguous) as wrong:
        cells.number("1.200")
    assert str(wrong.value) == "“1.200” could be 1,200 or 1.20"
    assert wrong.value.choices == "--decimal . or --decimal ,"


@pytest.mark.parametrize(
    "cell",
    ["twelve", "1.2.3", "1,20,000", "12.34,56.7", "1.200,00,0", "-", "", "1e5", "0x10", "١٢", True, date(2026, 1, 1),
     Formula("=A1*2"), Broken("#REF!")],
)  # fmt: skip
def test_what_is_no_number_is_refused(cell: Cell) -> None:
    with pytest.raises(Unreadable):
        cells.number(cell)


@pytest.mark.parametrize(
    "cell",
    ["10 20", "1 5", "2026 12", "2026 120", "1 2345", "0 200", "1 200 30", "1 200'300", "10'20", "1, 200.50", "1 .5",
     "1.200 300,00", "0.125 000", "12  345", "1\u00a020", "1 200 .00", "3 -4"],
)  # fmt: skip
def test_two_numbers_in_a_cell_are_not_one(cell: str) -> None:
    """A quantity “10 20” was imported as 1,020 units: a space separates thousands only before three digits."""
    with pytest.raises(Unreadable):
        cells.number(cell)
    with pytest.raises(Unreadable):
        cells.count(cell)
    with pytest.raises(Unreadable):
        cells.money(f"{cell} EUR")


def test_a_mark_against_what_was_said_is_refused() -> None:
    with pytest.raises(Unreadable, match="decimal mark"):
        cells.number("1.200,00", POINT)
    with pytest.raises(Unreadable, match="decimal mark"):
        cells.number("12.5", COMMA)


@pytest.mark.parametrize("cell", ["-1", "2.5", 2.5, "99999999999"])
def test_a_count_is_whole_and_not_below_zero(cell: Cell) -> None:
    with pytest.raises(Unreadable):
        cells.count(cell)


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("€336.00", "336.00", "EUR"), ("336,00 €", "336.00", "EUR"), ("336.00 EUR", "336.00", "EUR"),
        ("EUR 1.200,00", "1200.00", "EUR"), ("US$90.00", "90.00", "USD"), ("$12.58", "12.58", None),
        ("CHF 1'200.00", "1200.00", "CHF"), ("12.58", "12.58", None), (12.58, "12.58", None),
        ("-€5.00", "-5.00", "EUR"),
        ("eur 5", "5", "EUR"), ("£3.10", "3.10", "GBP"),
    ],
)  # fmt: skip
def test_money_is_read_with_its_currency(cell: Cell, amount: str, currency: str | None) -> None:
    assert cells.money(cell) == (Decimal(amount), currency)


@pytest.mark.parametrize("cell", ["free", "€", "12 euros", "€5 USD", "1.00001", "5 %", "1e3"])
def test_what_is_no_sum_is_refused(cell: str) -> None:
    with pytest.raises(Unreadable):
        cells.money(cell)


@pytest.mark.parametrize(
    "cell",
    ["2026-12-31", "2026/12/31", "20261231", "31/12/2026", "12/31/2026", "31.12.2026", "31-12-2026", "31 Dec 2026",
     "Dec 31, 2026", "31 December 2026", "2026-12-31T00:00:00", "2026-12-31 00:00:00", "46387", 46387, 46387.0,
     date(2026, 12, 31), datetime(2026, 12, 31, 8)],  # noqa: DTZ001  spreadsheets have no zone
)  # fmt: skip
def test_a_day_is_read(cell: Cell) -> None:
    assert cells.day(cell) == date(2026, 12, 31)


def test_a_day_that_could_be_two_needs_the_order() -> None:
    with pytest.raises(Ambiguous, match=r"could be 3 Apr or 4 Mar 2026"):
        cells.day("03/04/2026")
    assert cells.day("03/04/2026", DMY) == date(2026, 4, 3)
    assert cells.day("03/04/2026", MDY) == date(2026, 3, 4)
    assert cells.day("05/05/2026") == date(2026, 5, 5)
    with pytest.raises(Unreadable, match="day, month, year"):
        cells.day("12/31/2026", DMY)


@pytest.mark.parametrize(
    "cell",
    ["31/12/26", "2026-02-30", "32.01.2026", "tomorrow", "0206-01-01", 12, True, Formula("=TODAY()"), "2026-13-01"],
)
def test_what_is_no_day_is_refused(cell: Cell) -> None:
    with pytest.raises(Unreadable):
        cells.day(cell)


@pytest.mark.parametrize(
    ("cell", "when"),
    [
        ("2026-05-01 09:30", datetime(2026, 5, 1, 9, 30, tzinfo=UTC)),
        ("2026-05-01T09:30:15Z", datetime(2026, 5, 1, 9, 30, 15, tzinfo=UTC)),
        ("2026-05-01T09:30:00+02:00", datetime(2026, 5, 1, 7, 30, tzinfo=UTC)),
        ("01.05.2026 21:05", datetime(2026, 5, 1, 21, 5, tzinfo=UTC)),
        ("2026-05-01 12:00 AM", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        (46143.5, datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (datetime(2026, 5, 1, 9, 30), datetime(2026, 5, 1, 9, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_an_instant_is_read_in_utc(cell: Cell, when: datetime) -> None:
    assert cells.instant(cell) == when


@pytest.mark.parametrize("cell", ["2026-05-01 25:00", "09:30", "2026-05-01 9.30", "soon 10:00"])
def test_what_is_no_instant_is_refused(cell: str) -> None:
    with pytest.raises(Unreadable):
        cells.instant(cell)


@pytest.mark.parametrize(
    ("column", "form"),
    [
        (["1.200", "12,50"], Format(decimals=",")),
        (["1.200", "12.50"], Format(decimals=".")),
        (["€1.200", "€1.200,00"], Format(decimals=",")),
        (["1.200", "1.300"], Format()),
        (["1.5", "1,5"], Format()),
        (["03/04/2026", "31/12/2026"], Format(order="dmy")),
        (["03/04/2026", "12/31/2026"], Format(order="mdy")),
        (["03/04/2026", "31/12/2026", "12/31/2026"], Format()),
    ],
)
def test_a_column_settles_its_format_only_when_all_agree(column: list[Cell], form: Format) -> None:
    found = cells.settled(column)
    assert (found.decimals, found.order) == (form.decimals, form.order)


def test_what_was_said_settles_more_than_the_column() -> None:
    assert cells.settled(["12.50"], Format(decimals=",")).decimals == ","


@pytest.mark.parametrize(("cell", "text"), [(16.0, "16"), (1.5, "1.5"), (" a ", "a"), (None, ""), (True, "yes")])
def test_a_text_is_what_people_see(cell: Cell, text: str) -> None:
    assert cells.text_of(cell) == text


def test_yes_and_no_and_nothing_between() -> None:
    assert cells.yes_no("Yes") and cells.yes_no(True) and not cells.yes_no("no") and not cells.yes_no(0)
    with pytest.raises(Unreadable):
        cells.yes_no("perhaps")
