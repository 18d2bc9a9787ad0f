"""Money is written as people read it, counted by days, and never mixed across currencies."""

from datetime import date
from decimal import Decimal

import pytest

from licensing.money import (
    CurrenciesDiffer,
    Money,
    Rate,
    Sums,
    convert,
    cost_to_end,
    share,
    with_period,
    words,
    yearly,
)


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("336", "EUR", "€336.00"),
        ("240", "USD", "US$240.00"),
        ("1200", "CHF", "CHF 1,200.00"),
        ("13400.5", "CAD", "CA$13,400.50"),
        ("7", "AUD", "A$7.00"),
        ("0.005", "EUR", "€0.01"),
        ("-5", "EUR", "−€5.00"),
        ("-0.001", "EUR", "€0.00"),
        ("1000000", "SEK", "SEK 1,000,000.00"),
    ],
)
def test_a_sum_is_written_with_symbol_or_code_and_two_decimals(amount: str, currency: str, written: str) -> None:
    assert str(money(amount, currency)) == written


def test_nothing_to_pay_is_said_in_words() -> None:
    assert words(money("0")) == "nothing extra to pay"
    assert words(money("0.004")) == "nothing extra to pay"
    assert words(money("0.01")) == "€0.01"


@pytest.mark.parametrize("amount", [1.5, 3, Decimal("NaN"), Decimal("Infinity"), "3"])
def test_only_an_exact_amount_is_money(amount: object) -> None:
    with pytest.raises(ValueError, match="finite Decimal"):
        Money(amount, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "€", "E1R"])
def test_a_currency_is_a_code(currency: str) -> None:
    with pytest.raises(ValueError, match="three capital letters"):
        money("1", currency)


def test_currencies_are_never_added_or_compared() -> None:
    for act in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a >= b):
        with pytest.raises(CurrenciesDiffer):
            act(money("1", "EUR"), money("1", "USD"))


@pytest.mark.parametrize(
    ("cycle", "price", "first", "last", "seats", "cost", "basis"),
    [
        ("year", "336", date(2026, 11, 23), date(2027, 3, 31), 1, "€118.75", "129 of 365 days"),
        ("year", "336", date(2026, 11, 23), date(2027, 3, 31), 3, "€356.25", "129 of 365 days"),
        ("year", "336", date(2027, 1, 1), date(2027, 12, 31), 1, "€336.00", "1 year"),
        ("year", "336", date(2027, 1, 1), date(2027, 1, 1), 1, "€0.92", "1 of 365 days"),
        ("year", "366", date(2027, 3, 1), date(2027, 3, 1), 1, "€1.00", "1 of 366 days"),  # its year holds 29 Feb 2028
        ("year", "365", date(2026, 1, 1), date(2027, 1, 10), 1, "€375.00", "1 year and 10 of 365 days"),
        ("year", "300", date(2028, 2, 29), date(2029, 2, 27), 1, "€300.00", "1 year"),
        ("month", "28", date(2026, 11, 1), date(2026, 11, 30), 1, "€28.00", "1 month"),
        ("month", "30", date(2026, 11, 1), date(2026, 12, 1), 2, "€61.94", "1 month and 1 of 31 days"),
        ("month", "31", date(2027, 1, 31), date(2027, 2, 27), 1, "€31.00", "1 month"),
        ("once", "99.99", date(2026, 11, 23), date(2030, 1, 1), 2, "€199.98", "paid once"),
        ("year", "336", date(2026, 11, 23), None, 1, "€336.00", "1 year"),
        ("month", "28", date(2026, 11, 23), None, 1, "€336.00", "12 months"),
    ],
)
def test_cost_to_the_end_counts_days(cycle, price, first, last, seats, cost, basis) -> None:  # type: ignore[no-untyped-def]
    assert str(cost_to_end(money(price), cycle, first, last, seats)) == cost
    assert str(share(cycle, first, last)) == basis


def test_rounding_happens_once_and_not_per_seat() -> None:
    """Three seats at a third of a cent more than a half would gain a cent each if rounded one by one."""
    one = cost_to_end(money("1.825"), "year", date(2027, 1, 1), date(2027, 1, 1), 1)
    many = cost_to_end(money("1.825"), "year", date(2027, 1, 1), date(2027, 1, 1), 3)
    assert (str(one), str(many)) == ("€0.01", "€0.02")


def test_a_term_that_ended_costs_no_guess() -> None:
    with pytest.raises(ValueError, match="ends on 22 Nov 2026"):
        cost_to_end(money("336"), "year", date(2026, 11, 23), date(2026, 11, 22))


def test_yearly_figures_and_periods() -> None:
    assert yearly(money("28"), "month") == money("336")
    assert yearly(money("336"), "year") == money("336")
    assert yearly(money("99"), "once") is None
    assert with_period(money("336"), "year") == "€336.00 a seat a year"
    assert with_period(money("1200", "CHF"), "month", seat=False) == "CHF 1,200.00 a month"
    assert with_period(money("99"), "once") == "€99.00 a seat, paid once"


def test_sums_stand_side_by_side_and_say_what_they_lack() -> None:
    sums = Sums.of([money("12000"), money("3100", "USD"), money("400")])
    assert str(sums) == "€12,400.00 and US$3,100.00"
    assert sums.rounded() == {"EUR": "12400.00", "USD": "3100.00"}
    assert str(sums.plus(None)) == "€12,400.00 and US$3,100.00, and 1 price not known"
    assert str(Sums.of([None, None])) == "2 prices not known"
    assert str(Sums()) == "nothing extra to pay"
    assert bool(Sums.of([None]))
    assert not Sums.of([money("0")])
    assert sums.plus(Sums.of([money("1"), None])) == Sums({"EUR": Decimal(12401), "USD": Decimal(3100)}, 1)


def test_conversion_needs_a_stated_rate_of_that_day_or_before() -> None:
    old = Rate("USD", "EUR", Decimal("0.90"), date(2026, 10, 1), "Treasury")
    new = Rate("USD", "EUR", Decimal("0.935"), date(2026, 11, 20), "Treasury")
    later = Rate("USD", "EUR", Decimal("0.5"), date(2026, 12, 1), "Treasury")
    on = date(2026, 11, 23)
    converted = convert(money("3100", "USD"), "EUR", [later, old, new], on)
    assert converted is not None
    assert str(converted) == "€2,898.50 (US$3,100.00 at 1 USD = 0.935 EUR, 20 Nov 2026, Treasury)"
    assert convert(money("3100", "USD"), "EUR", [later], on) is None
    assert convert(money("3100"), "USD", [old, new], on) is None, "a rate is not turned round"
