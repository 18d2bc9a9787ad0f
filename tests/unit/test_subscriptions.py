"""A SKU's standing: free is never clamped, grace is told apart, and a date is what Microsoft means by it."""

from __future__ import annotations

from datetime import date

import pytest

from licensing.sku_names import sku_name
from licensing.subscriptions import Purchase, Units, standing

END = date(2027, 3, 31)


@pytest.mark.parametrize(
    ("units", "reserved", "free", "over", "words"),
    [
        (Units(25, 14), 0, 11, 0, ()),
        (Units(25, 14), 3, 8, 0, ()),
        (Units(25, 25), 2, -2, 0, ()),
        (
            Units(25, 30), 0, -5, 5,
            ("5 seats more in use than is bought: Microsoft gives no more until some are freed or bought",),
        ),
        (Units(25, 30, warning=5), 0, -5, 5, ("5 seats covered only by units in their grace period",)),
        (
            Units(25, 33, warning=5), 0, -8, 8,
            (
                "3 seats more in use than is bought: Microsoft gives no more until some are freed or bought",
                "5 seats covered only by units in their grace period",
            ),
        ),
        (Units(25, 20, warning=5), 0, 5, 0, ("5 units past their term, in Microsoft's grace period",)),
        (
            Units(0, 4, suspended=10, status="Suspended"), 0, -4, 4,
            (
                "Microsoft calls this SKU suspended",
                "4 seats more in use than is bought: Microsoft gives no more until some are freed or bought",
                "10 units suspended: they cannot be given",
            ),
        ),
        (Units(0, 0, locked_out=1), 0, 0, 0, ("1 unit cancelled by the company",)),
        (
            Units(9, 3, gone=True), 0, 6, 0,
            ("Microsoft no longer lists this SKU; the figures are the last it gave",),
        ),
    ],
)  # fmt: skip
def test_units(units: Units, reserved: int, free: int, over: int, words: tuple[str, ...]) -> None:
    found = standing(units, reserved=reserved)
    assert (found.free, found.over, found.words, found.compliant) == (free, over, words, over == 0)


@pytest.mark.parametrize(
    ("purchases", "words"),
    [
        ([Purchase(25, "Enabled", END)], ("the term of 25 units ends on 31 Mar 2027 unless renewed",)),
        ([Purchase(25, "Enabled", None)], ("Microsoft states no end of the term",)),
        (
            [Purchase(20, "Enabled", END), Purchase(5, "Enabled", date(2026, 12, 31), trial=True)],
            ("the term of 5 units ends on 31 Dec 2026 unless renewed", "5 units on trial"),
        ),
        (
            [Purchase(25, "Enabled", END), Purchase(5, "Warning", date(2026, 12, 31)), Purchase(2, "Suspended", None)],
            (
                "the term of 25 units ends on 31 Mar 2027 unless renewed",
                "a subscription of 5 units is past its term; its state changes next on 31 Dec 2026",
                "a subscription of 2 units is suspended",
            ),
        ),
        (
            [Purchase(30, "Enabled", END)],
            (
                "subscriptions add up to 30 units, the SKU counts 25: ask Microsoft or the reseller which is right",
                "the term of 30 units ends on 31 Mar 2027 unless renewed",
            ),
        ),
        ([Purchase(7, "Deleted", None), Purchase(25, "Enabled", END)],
         ("the term of 25 units ends on 31 Mar 2027 unless renewed",)),
    ],
)  # fmt: skip
def test_subscriptions(purchases: list[Purchase], words: tuple[str, ...]) -> None:
    assert standing(Units(25, 10), purchases).words == words


@pytest.mark.parametrize(
    ("guid", "part", "name"),
    [
        ("06EBC4EE-1BB5-47DD-8120-11324BC54E06", "SPE_E5", "Microsoft 365 E5"),
        ("ffffffff-0000-4000-8000-000000000001", " NEW_THING ", "NEW_THING"),
        ("ffffffff-0000-4000-8000-000000000001", "", "ffffffff-0000-4000-8000-000000000001"),
    ],
)
def test_names_are_microsofts_by_guid_and_else_the_part_number(guid: str, part: str, name: str) -> None:
    assert sku_name(guid, part) == name
