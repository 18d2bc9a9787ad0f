"""A renewal under other assumptions beside as is (rules §9), by hand: 40 seats at €336.00, 37 in use, 30 agreed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from licensing.money import Money
from licensing.renewal.offer import Needed
from licensing.renewal.whatif import AsIs, Outcome, Part, WhatIf, outcomes


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


AS_IS = AsIs("Copilot", 40, euro("336.00"), "year", Needed(37, 1, 0, 30), date(2027, 4, 1), date(2028, 3, 31))
MONTHLY = Part("Power BI Pro", 12, euro("10.00"), "month")


def one(what: WhatIf, as_is: AsIs = AS_IS) -> Outcome:
    return outcomes(as_is, [what])[1]


def test_as_is_comes_first_and_differs_from_nothing() -> None:
    first, *others = outcomes(AS_IS, [])
    assert (first.name, first.units, first.term, first.needs, first.difference) == (
        "as is", 40, euro("13440.00"), 38, None,
    )  # fmt: skip
    assert not others


@pytest.mark.parametrize(
    ("what", "units", "term", "differs", "words"),
    [
        (WhatIf("38", units=38), 38, "12768.00", "-672.00", ()),
        (WhatIf("34", units=34), 34, "11424.00", "-2016.00", ("4 units fewer",)),
        (WhatIf("25", units=25), 25, "8400.00", "-5040.00", ("no fewer than 30", "13 units fewer")),
        (WhatIf("+5%", rise=Decimal(5)), 40, "14112.00", "672.00", ()),
        (WhatIf("-5%", rise=Decimal(-5)), 40, "12768.00", "-672.00", ()),
        (WhatIf("300", unit_price=euro("300.00")), 40, "12000.00", "-1440.00", ()),
        (WhatIf("monthly", unit_price=euro("25.00"), cycle="month"), 40, "12000.00", "-1440.00", ()),
        (
            WhatIf("-10% people", people=Decimal(-10)),
            35,
            "11760.00",
            "-1680.00",
            (),
        ),  # 33.3 people are 34, and 1 reserved
        (WhatIf("+10% people", people=Decimal(10)), 42, "14112.00", "672.00", ()),
        (WhatIf("none", people=Decimal(-100)), 30, "10080.00", "-3360.00", ()),  # the floor stays
        (WhatIf("bundle", unit_price=euro("400.00"), instead_of=(MONTHLY,)), 40, "16000.00", "1120.00", ()),
    ],
    ids=lambda value: value.name if isinstance(value, WhatIf) else "",
)
def test_each_assumption_by_hand(what: WhatIf, units: int, term: str, differs: str, words: tuple[str, ...]) -> None:
    found = one(what)
    assert (found.units, found.term) == (units, euro(term))
    assert found.difference is not None and found.difference.each() == [euro(differs)]
    assert len(found.words) == len(words)
    assert all(part in said for part, said in zip(words, found.words, strict=True))


def test_currencies_stand_side_by_side() -> None:
    found = one(WhatIf("in dollars", unit_price=Money(Decimal("300.00"), "USD")))
    assert found.difference is not None
    assert found.difference.rounded() == {"EUR": "-13440.00", "USD": "12000.00"}


def test_what_is_not_known_is_said_and_is_never_zero() -> None:
    unpriced = AsIs("Copilot", 40, None, "year", Needed(None, 0, 0, None), date(2027, 4, 1), date(2028, 3, 31))
    first, other = outcomes(unpriced, [WhatIf("30", units=30)])
    assert (first.term, first.a_year, first.needs) == (None, None, None)
    assert other.difference is None and other.words == ("how many are in use is not known",)
    bundle = one(WhatIf("bundle", unit_price=euro("400.00"), instead_of=(Part("Visio", 3, None),)))
    assert bundle.difference is None and bundle.words == ("what Visio costs is not recorded",)


def test_what_was_paid_once_costs_nothing_again() -> None:
    once = AsIs("Acrobat", 10, euro("500.00"), "once", Needed(9), date(2027, 4, 1), date(2028, 3, 31))
    assert outcomes(once, [])[0].term == euro("0")
