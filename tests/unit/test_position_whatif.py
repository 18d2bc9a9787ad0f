"""What a position would be after an approval: the same arithmetic, on facts with more seats and purchases."""

from __future__ import annotations

from decimal import Decimal

import pytest

from licensing.position.facts import Facts, Users, Vendor
from licensing.position.whatif import after
from tests.unit.position_facts import CONCURRENT, DEVICE, KNOWN_AT, TODAY, USER, bought, has

D = Decimal


def facts(*purchases: object, users: tuple[Users, ...] = (), vendor: Vendor | None = None) -> Facts:
    return Facts("Miro", TODAY, KNOWN_AT, purchases=purchases, users=users, vendor=vendor)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "buys", "in_use", "of", "free", "short"),
    [(0, 0, 9, 10, 1, 0), (1, 0, 10, 10, 0, 0), (3, 0, 12, 10, 0, 2), (3, 2, 12, 12, 0, 0), (-1, 0, 9, 10, 1, 0)],
)
def test_seats_given_and_bought(more: int, buys: int, in_use: int, of: int, free: int, short: int) -> None:
    then = after(facts(bought(10), users=(Users(9, seat=True),)), more, buys)
    assert then is not None
    assert (then.consumed, then.entitled, then.surplus, then.shortfall) == (D(in_use), D(of), D(free), D(short))


def test_seats_in_use_above_what_was_bought_stay_short() -> None:
    then = after(facts(bought(10), users=(Users(8, seat=True), Users(4, person=False, devices=(has(),)))), 1)
    assert then is not None and (then.consumed, then.shortfall) == (D(13), D(3))


def test_counted_by_device_each_person_has_one_more() -> None:
    then = after(facts(bought(5, metric=DEVICE), users=(Users(3, person=False, devices=(has(),)),)), 2)
    assert then is not None and (then.metric, then.consumed, then.surplus) == (DEVICE, D(5), D(0))


def test_a_seat_changes_nothing_that_is_counted_otherwise() -> None:
    assert after(facts(bought(5, metric=CONCURRENT)), 2) is None
    assert after(facts(), 1) is None, "nothing bought, nothing used: no position is kept"


def test_what_only_the_vendor_says_grows_as_the_vendor_would_say_it() -> None:
    known = facts(vendor=Vendor(40, "Microsoft 365", KNOWN_AT, consumed=39))
    for more, buys, ends in ((1, 0, (40, 40, 0)), (2, 0, (41, 40, 1)), (2, 1, (41, 41, 0))):
        then = after(known, more, buys)
        assert then is not None and (then.consumed, then.entitled, then.shortfall) == tuple(map(D, ends))
    by_name = after(facts(users=(Users(3, seat=True),), vendor=Vendor(4, "Microsoft 365", KNOWN_AT, consumed=3)), 1)
    assert by_name is not None and (by_name.metric, by_name.consumed) == (USER, D(4))
