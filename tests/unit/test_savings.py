"""Money of seats that came back: three piles, per currency, and what has no price is counted and never zero."""

from __future__ import annotations

from decimal import Decimal

import pytest

from licensing.money import Money
from licensing.savings import Pile, Unit, total


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_piles_stay_apart_and_currencies_too() -> None:
    found = total(
        [
            Unit(Pile.POTENTIAL, euros("408.00"), 2),
            Unit(Pile.AVOIDED, euros("118.75")),
            Unit(Pile.AVOIDED, Money(Decimal("99.00"), "USD")),
            Unit(Pile.REDUCED, euros("336.00")),
            Unit(Pile.TAKEN_BACK, euros("50.00")),
        ]
    )
    assert found.of(Pile.POTENTIAL).rounded() == {"EUR": "408.00"}
    assert found.realised.rounded() == {"EUR": "454.75", "USD": "99.00"}
    assert found.of(Pile.TAKEN_BACK).rounded() == {"EUR": "50.00"}
    assert (found.count(Pile.POTENTIAL), found.count(Pile.AVOIDED)) == (2, 2)


def test_an_unknown_price_is_counted_and_is_not_zero() -> None:
    found = total([Unit(Pile.AVOIDED, None, 3), Unit(Pile.AVOIDED, euros("10.00"))])
    assert str(found.realised) == "€10.00, and 3 prices not known"
    assert found.realised.unknown == 3


def test_nothing_is_nothing() -> None:
    assert not total([]).realised and total([]).count(Pile.REDUCED) == 0


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 units"):
        total([Unit(Pile.AVOIDED, None, -1)])
