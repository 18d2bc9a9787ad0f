"""Registry, vendor, invoice and assigned against each other: a table worked by hand (rules §9).

A seat at €336.00 a year is €0.920548 a day of 2026. Asked on 23 Nov 2026, what is not billed counts up to 9 Oct 2026,
45 days before: 282 days of the year, or 101 from 1 July.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from licensing.money import Money
from licensing.reconciliation.compare import compare
from licensing.reconciliation.facts import BilledLine, Difference, Kind, Order, Sides
from licensing.reconciliation.lines import duplicates, unplaced

ASKED = date(2026, 11, 23)
JAN, JUN, JUL, DEC = date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31)
EUR = Money(Decimal(336), "EUR")
BOUGHT = Order(1, 40, JAN, DEC, EUR)
BILLED = BilledLine(1, "Northwind", "INV-1", 1, date(2026, 1, 5), 1, JAN, DEC, 40, Decimal(13440), "EUR")
SIDES = Sides(
    "product:1", "Copilot", 1, (BOUGHT,), (BILLED,), None, "Microsoft 365", 37, None, billing_since=date(2020, 1, 1)
)
FOREVER = Order(1, 10, JAN, None, Money(Decimal(500), "EUR"), "once")
ONCE = replace(BILLED, quantity=10, amount=Decimal(5000), period_from=None, period_to=None)


def order(**changes: Any) -> Order:
    return replace(BOUGHT, **changes)


def line(units: int | None, amount: str | None, id: int = 1, **changes: Any) -> BilledLine:
    number = f"INV-{id}"
    money = Decimal(amount) if amount is not None else None
    return replace(BILLED, **{"id": id, "number": number, "quantity": units, "amount": money, **changes})


def said(found: tuple[Difference, ...]) -> list[str]:
    """Kind, money and days of each difference, as the table writes them."""
    return [
        " ".join(
            part
            for part in (
                one.kind.value,
                str(one.money) if one.money is not None else "?",
                f"{one.first:%d%b}-{one.last:%d%b}" if one.first and one.last and one.kind in DATED else "",
            )
            if part
        )
        for one in found
    ]


DATED = (Kind.BILLED_NOT_BOUGHT, Kind.BOUGHT_NOT_BILLED)
WHOLE = "13440"
TABLE: dict[str, tuple[dict[str, Any], list[str]]] = {
    # billed against bought
    "all agree": ({}, []),
    "five more billed": ({"lines": (line(45, "15120"),)}, ["billed_not_bought €1,680.00 01Jan-31Dec"]),
    "five fewer billed": ({"lines": (line(35, "11760"),)}, ["bought_not_billed €1,297.97 01Jan-09Oct"]),
    "no invoice, its vendor sends some": ({"lines": ()}, ["bought_not_billed €10,383.78 01Jan-09Oct"]),
    "no invoice of its vendor at all": ({"lines": (), "billing_since": None}, []),
    "no invoice, its vendor's are known since July": (
        {"lines": (), "billing_since": JUL}, ["bought_not_billed €3,719.01 01Jul-09Oct"]),
    "no invoice, its vendor's are known since lately": ({"lines": (), "billing_since": date(2026, 11, 1)}, []),
    "paid once, before the first invoice of its vendor": (
        {"orders": (FOREVER,), "lines": (), "billing_since": JUL}, []),
    "free of charge, so nobody bills it": (
        {"lines": (), "orders": (order(unit_price=Money(Decimal(0), "EUR")),)}, []),
    "bought too lately to be billed": ({"lines": (), "orders": (order(starts_on=date(2026, 11, 1)),)}, []),
    "bought later, billed already": (
        {"orders": (order(starts_on=date(2027, 1, 1), ends_on=date(2027, 12, 31)),), "lines": (
            line(40, WHOLE, period_from=date(2027, 1, 1), period_to=date(2027, 12, 31)),)}, []),
    "a credit note takes back": ({"lines": (line(45, "15120"), line(-5, "-1680", 2))}, []),
    "a credit note with its number written without a sign": ({"lines": (line(45, "15120"), line(5, "-1680", 2))}, []),
    "a credit note too large": (
        {"lines": (line(45, "15120"), line(-10, "-3360", 2))}, ["bought_not_billed €1,297.97 01Jan-09Oct"]),
    "a credit note without a number of units": (
        {"lines": (line(45, "15120"), line(None, "-1680", 2))},
        ["billed_not_bought €1,680.00 01Jan-31Dec", "unclear −€1,680.00"]),
    "a credit note for half a year": (
        {"lines": (line(40, WHOLE), line(-10, "-1693.81", 2, period_from=JUL))},
        ["bought_not_billed €929.75 01Jul-09Oct"]),
    "an addition in mid-term, billed": (
        {"orders": (BOUGHT, order(id=2, quantity=10, starts_on=JUL)),
         "lines": (BILLED, line(10, "1693.81", 2, period_from=JUL))}, []),
    "an addition in mid-term, not billed": (
        {"orders": (BOUGHT, order(id=2, quantity=10, starts_on=JUL))}, ["bought_not_billed €929.75 01Jul-09Oct"]),
    "an addition in mid-term, not bought": (
        {"lines": (BILLED, line(10, "1693.81", 2, period_from=JUL))}, ["billed_not_bought €1,693.81 01Jul-31Dec"]),
    "two half years": (
        {"lines": (line(40, "6664.77", period_to=JUN), line(40, "6775.23", 2, period_from=JUL))}, []),
    "the second half year is missing": (
        {"lines": (line(40, "6664.77", period_to=JUN),)}, ["bought_not_billed €3,719.01 01Jul-09Oct"]),
    "the same half year twice": (
        {"orders": (order(ends_on=JUN),), "lines": (line(40, "6664.77", period_to=JUN),
                                                    line(40, "6664.77", 2, period_to=JUN))},
        ["billed_not_bought €6,664.77 01Jan-30Jun"]),
    "billed past its end": ({"orders": (order(ends_on=JUN),)}, ["billed_not_bought €6,775.23 01Jul-31Dec"]),
    "billed before its beginning": (
        {"orders": (order(starts_on=date(2026, 2, 1)),)}, ["billed_not_bought €1,141.48 01Jan-31Jan"]),
    "never bought": ({"orders": ()}, ["billed_not_bought €13,440.00 01Jan-31Dec"]),
    "a purchase without a number": ({"orders": (order(quantity=None),)}, []),
    "unlimited": ({"orders": (order(quantity=None, unlimited=True),), "lines": (line(90, "30240"),)}, []),
    "no price anywhere, five more": (
        {"orders": (order(unit_price=None),), "lines": (line(45, "15120"),)},
        ["billed_not_bought €1,680.00 01Jan-31Dec"]),
    "no price anywhere, five fewer": (
        {"orders": (order(unit_price=None),), "lines": (line(35, "11760"),)}, ["bought_not_billed ? 01Jan-09Oct"]),
    "nothing billed, and said so": ({"lines": (line(0, "0"),)}, ["bought_not_billed €10,383.78 01Jan-09Oct"]),
    # prices
    "five per cent dearer": ({"lines": (line(40, "14112"),)}, ["price €672.00"]),
    "cheaper": ({"lines": (line(40, "13000"),)}, ["price −€440.00"]),
    "rounded by a cent a seat": ({"lines": (line(40, "13440.40"),)}, []),
    "off by more than a cent a seat": ({"lines": (line(40, "13440.41"),)}, ["price €0.41"]),
    "by the month": (
        {"orders": (order(starts_on=date(2026, 11, 1), unit_price=Money(Decimal(28), "EUR"), cycle="month"),),
         "lines": (line(40, "1120", period_from=date(2026, 11, 1), period_to=date(2026, 11, 30)),)}, []),
    "by the month, dearer": (
        {"orders": (order(starts_on=date(2026, 11, 1), unit_price=Money(Decimal(28), "EUR"), cycle="month"),),
         "lines": (line(40, "1160", period_from=date(2026, 11, 1), period_to=date(2026, 11, 30)),)},
        ["price €40.00"]),
    "another currency": ({"lines": (line(40, WHOLE, currency="USD"),)}, ["price ?"]),
    "between two prices": (
        {"orders": (order(quantity=20), order(id=2, quantity=20, unit_price=Money(Decimal(300), "EUR"))),
         "lines": (line(40, "12720"),)}, []),
    "above both prices": (
        {"orders": (order(quantity=20), order(id=2, quantity=20, unit_price=Money(Decimal(300), "EUR"))),
         "lines": (line(40, "13500"),)}, ["price €60.00"]),
    # what cannot be compared
    "an invoice without a sum": ({"lines": (line(40, None),)}, ["unclear ?"]),
    "an invoice without a currency": ({"lines": (line(40, WHOLE, currency=None),)}, ["unclear ?"]),
    "an invoice without a number of units": ({"lines": (line(None, WHOLE),)}, ["unclear €13,440.00"]),
    "an invoice without its days": ({"lines": (line(40, WHOLE, period_to=None),)}, ["unclear €13,440.00"]),
    "an invoice whose days run backwards": (
        {"lines": (line(40, WHOLE, period_from=DEC, period_to=JAN),)}, ["unclear €13,440.00"]),
    "a negative number with a positive sum": ({"lines": (line(-40, WHOLE),)}, ["unclear €13,440.00"]),
    "one clear line and one without a number, of the same days": (
        {"lines": (line(35, "11760"), line(None, "1680", 2))}, ["unclear €1,680.00"]),
    # paid once
    "paid once": ({"orders": (FOREVER,), "lines": (ONCE,)}, []),
    "paid once, two more": (
        {"orders": (FOREVER,), "lines": (replace(ONCE, quantity=12, amount=Decimal(6000)),)},
        ["billed_not_bought €1,000.00"]),
    "paid once, two fewer": (
        {"orders": (FOREVER,), "lines": (replace(ONCE, quantity=8, amount=Decimal(4000)),)},
        ["bought_not_billed €1,000.00 01Jan-23Nov"]),
    "paid once, no invoice": ({"orders": (FOREVER,), "lines": ()}, ["bought_not_billed €5,000.00 01Jan-23Nov"]),
    "paid once, no invoice of its vendor": ({"orders": (FOREVER,), "lines": (), "billing_since": None}, []),
    # the vendor's figures
    "enabled as bought": ({"vendor": 40}, []),
    "five enabled ahead of order": ({"vendor": 45}, ["enabled_early €1,680.00"]),
    "two not enabled": ({"vendor": 38}, ["not_enabled €672.00"]),
    "enabled, and nothing bought": ({"vendor": 5, "orders": (), "lines": ()}, ["enabled_early ?"]),
    "enabled, of an unlimited right": ({"vendor": 900, "orders": (order(quantity=None, unlimited=True),)}, []),
    "two seats nobody here knows": ({"assigned_there": 39}, ["seat_unknown ?"]),
    "seats there, seats here not known": ({"assigned_there": 3, "assigned": None}, ["seat_unknown ?"]),
    "a seat of ours that is not there yet": ({"assigned_there": 36}, []),
    "dearer, more billed, enabled and in use": (
        {"lines": (line(45, "16000"),), "vendor": 45, "assigned_there": 45},
        ["billed_not_bought €1,777.78 01Jan-31Dec", "price €880.00", "enabled_early €1,680.00", "seat_unknown ?"]),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    changes, expected = TABLE[case]
    assert said(compare(replace(SIDES, **changes), ASKED).differences) == expected


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 40


def test_a_leap_year_has_its_day() -> None:
    first, last = date(2028, 1, 1), date(2028, 12, 31)
    sides = replace(
        SIDES,
        orders=(order(starts_on=first, ends_on=last),),
        lines=(line(35, "11760", period_from=first, period_to=last),),
    )
    (one,) = compare(sides, date(2028, 11, 23)).differences
    assert (str(one.money), one.last) == ("€1,299.02", date(2028, 10, 9))


def test_a_smaller_renewal_that_is_billed_as_before() -> None:
    second = order(id=2, quantity=30, starts_on=date(2027, 1, 1), ends_on=date(2027, 12, 31))
    billed = line(40, WHOLE, 2, period_from=second.starts_on, period_to=second.ends_on)
    (one,) = compare(replace(SIDES, orders=(BOUGHT, second), lines=(BILLED, billed)), date(2027, 2, 1)).differences
    assert (one.kind, str(one.money), one.cause) == (
        Kind.BILLED_NOT_BOUGHT,
        "€3,360.00",
        "product:1:billed:2027-01-01",
    )


def test_the_four_sides_stand_on_the_line() -> None:
    found = compare(replace(SIDES, vendor=41, assigned_there=37), ASKED)
    assert (found.registered, found.sides.vendor, found.invoiced, found.sides.assigned) == (40, 41, 40, 37)
    nothing = compare(Sides("product:2", "Miro"), ASKED)
    assert (nothing.registered, nothing.invoiced, nothing.differences) == (None, None, ())


def test_the_same_difference_has_the_same_cause_at_every_look() -> None:
    sides = replace(SIDES, lines=(line(35, "11760"),), vendor=45, assigned_there=39)
    first, later = (compare(sides, on).differences for on in (ASKED, date(2026, 12, 23)))
    assert [(one.cause, one.mark) for one in first] == [(one.cause, one.mark) for one in later]
    assert first[-1].money != later[-1].money  # what is not billed grows with the days


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "more billed": (
        {"lines": (line(45, "15120"),)},
        "Copilot: 45 units billed for 1 Jan 2026 to 31 Dec 2026, 40 were bought. Billed by INV-1 of Northwind.",
    ),
    "fewer billed": (
        {"lines": (line(35, "11760"),)},
        "Copilot: 40 units bought for 1 Jan 2026 to 9 Oct 2026, 35 were billed.",
    ),
    "not billed": (
        {"lines": ()},
        "Copilot: 40 units bought for 1 Jan 2026 to 9 Oct 2026, no invoice is registered.",
    ),
    "price": (
        {"lines": (line(40, "14112"),)},
        "Copilot: invoice INV-1 of Northwind bills €14,112.00 for 40 units, 1 Jan 2026 to 31 Dec 2026; at €336.00 a "
        "seat a year it is €13,440.00: €672.00 more.",
    ),
    "currency": (
        {"lines": (line(40, "13440", currency="USD"),)},
        "Copilot: invoice INV-1 of Northwind is in USD, bought in EUR. The prices are not compared.",
    ),
    "enabled": ({"vendor": 45}, "Copilot: Microsoft 365 enables 45, 40 are bought."),
    "seats": (
        {"assigned_there": 39},
        "Copilot: Microsoft 365 counts 39 seats as given, 37 of them are known here.",
    ),
    "no sum": ({"lines": (line(40, None),)}, "Invoice INV-1 of Northwind names no sum."),
    "no days": (
        {"lines": (line(40, "13440", period_to=None),)},
        "Invoice INV-1 of Northwind does not say which days it is for.",
    ),
    "credit": (
        {"lines": (line(40, "13440"), line(None, "-10", 2, line=3))},
        "Credit note INV-2, line 3, of Northwind names no number of units: its sum lowers no count.",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_words(case: str) -> None:
    changes, expected = WORDS[case]
    (one,) = compare(replace(SIDES, **changes), ASKED).differences
    assert one.words == expected


REPEATS: dict[str, tuple[BilledLine, int, str]] = {
    "the same, written otherwise": (
        replace(BILLED, id=2, vendor="NORTHWIND", number="inv 1"),
        1,
        "Invoice inv 1 of NORTHWIND has the number of INV-1 of Northwind, 5 Jan 2026, and the same sum. It is counted "
        "once.",
    ),
    "another sum": (
        replace(BILLED, id=2, vendor="NORTHWIND", number="inv-1", amount=Decimal(5)),
        2,
        "Invoice inv-1 of NORTHWIND has the number of INV-1 of Northwind and another sum. Both are counted.",
    ),
    "another day": (
        replace(BILLED, id=2, line=2, issued_on=date(2026, 3, 1)),
        2,
        "Invoice INV-1, line 2, of Northwind carries several days: 5 Jan 2026 and 1 Mar 2026.",
    ),
    "another line of it": (replace(BILLED, id=2, line=2), 2, ""),
    "another vendor": (replace(BILLED, id=2, vendor="Contoso"), 2, ""),
}


@pytest.mark.parametrize("case", REPEATS)
def test_a_number_that_comes_again(case: str) -> None:
    second, counted, words = REPEATS[case]
    kept, odd = duplicates([BILLED, second])
    assert len(kept) == counted
    assert [one.words for one in odd] == ([words] if words else [])


def test_what_nobody_registered_is_named_with_its_sum() -> None:
    other = replace(BILLED, product_id=None, words="Visual whiteboard")
    bill, credit, gap = unplaced(
        [other, replace(other, id=2, amount=Decimal(-5), quantity=None), replace(other, id=3, amount=None)]
    )
    assert (bill.kind, str(bill.money), bill.words) == (
        Kind.BILLED_NOT_BOUGHT,
        "€13,440.00",
        "Invoice INV-1 of Northwind bills “Visual whiteboard”, which the register does not know.",
    )
    assert (credit.kind, credit.words) == (
        Kind.UNCLEAR,
        "Credit note INV-1 of Northwind is for “Visual whiteboard”, which the register does not know.",
    )
    assert (gap.money, gap.words[-13:]) == (None, "names no sum.")
