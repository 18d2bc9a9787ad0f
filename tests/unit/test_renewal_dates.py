"""Decide-by against the table worked out by hand (rules §9), and what stands beside the dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from licensing.business_time import WorkCalendar
from licensing.renewal.dates import Occasion, due
from licensing.renewal.terms import Agreement, Length, Missing, Notice, Programme, Term, Unit, missing, terms
from licensing.renewal.windows import WINDOWS, Decision
from tests.unit.renewal_dates import TABLE

UTC = ZoneInfo("UTC")
_UNITS = {
    "day": Unit.DAYS,
    "week": Unit.WEEKS,
    "month": Unit.MONTHS,
    "working day": Unit.WORKING_DAYS,
}


def lines() -> Iterator[tuple[str, ...]]:
    for line in TABLE.strip().splitlines():
        if not line.startswith("#"):
            yield tuple(cell.strip() for cell in line.split("|"))


def agreement(first: str, last: str, says: str) -> Agreement:
    """A contract from the words of the table."""
    notice = re.search(r"(\d+) (working day|day|week|month)s?", says)
    post = re.search(r"post (\d+)", says)
    period = re.search(r"true-up (\S+)", says)
    kinds = {"EA": Programme.ENTERPRISE_AGREEMENT, "NC": Programme.NEW_COMMERCE}
    return Agreement(
        date.fromisoformat(first),
        date.fromisoformat(last),
        Notice(int(notice[1]), _UNITS[notice[2]]) if notice else None,
        auto_renew="auto" in says,
        receipt_counts=post is not None,
        delivery_days=int(post[1]) if post else 0,
        programme=kinds.get(says.split()[0], Programme.OTHER),
        true_up="true-up" in says,
        true_up_from=date.fromisoformat(period[1]) if period else None,
    )


def calendar(country: str, says: str = "") -> WorkCalendar:
    days = frozenset({6, 0, 1, 2, 3}) if "sun-thu" in says else frozenset(range(5))
    return WorkCalendar(UTC, country=country, weekdays=days)


@pytest.mark.parametrize("line", list(lines()), ids=lambda line: f"{line[0]} {line[4]}")
def test_the_hand_worked_table(line: tuple[str, ...]) -> None:
    _, country, span, says, asked, not_before, not_after, by = line
    decision, _, ends = asked.partition(" ")
    weekday, _, on = by.partition(" ")
    first, _, last = span.partition(" ")
    wanted = date.fromisoformat(ends)
    found = [
        one
        for occasion in due(agreement(first, last, says), calendar(country, says), wanted, wanted)
        for one in occasion.dates
        if one.decision == decision
    ]
    shown = [(str(one.not_before or ""), str(one.not_after), f"{one.on:%a} {one.on}") for one in found]
    assert (not_before, not_after, f"{weekday} {on}") in shown
    assert len(shown) == (2 if "NC" in says else 1)


def test_the_table_is_as_long_and_as_wide_as_it_claims() -> None:
    rows = list(lines())
    assert len(rows) >= 90
    assert {row[1] for row in rows} >= {"", "FR", "DE", "US", "GB", "JP", "SE", "CH", "NL", "PL", "CA", "IL"}


def test_why_a_date_moved_is_said() -> None:
    def why(says: str, country: str = "", last: str = "2027-03-31") -> list[str]:
        made = agreement("2024-04-01", last, says)
        return [one.why for occasion in due(made, calendar(country), made.ends_on or date.max, date.max)
                for one in occasion.dates if one.decision is Decision.CANCEL]  # fmt: skip

    assert why("2 months") == ["31 Jan 2027 is a Sunday"]
    assert why("2 months post 3") == ["31 Jan 2027 is a Sunday; 3 working days under way"]
    assert why("1 month post 1", last="2027-04-15") == ["1 working day under way"]
    assert why("0 days", "FR", "2027-07-14") == ["14 Jul 2027 is a public holiday"]
    assert why("30 days") == [""]


def test_the_one_unconfirmed_window_is_marked_and_stands_once() -> None:
    unsure = [one for one in WINDOWS if not one.confirmed]
    assert [(one.programme, one.decision, one.last) for one in unsure] == [(Programme.NEW_COMMERCE, Decision.REDUCE, 6)]
    assert all(one.source and one.what for one in WINDOWS)


def test_what_counts_for_people_is_the_first_last_chance() -> None:
    """Of new commerce's two windows the later is the last chance; of two decisions the one that ends first."""
    seats = agreement("2025-12-15", "2026-12-14", "NC auto")
    (one,) = due(seats, calendar(""), date(2026, 12, 14), date(2026, 12, 14))
    assert one.decide_by == date(2026, 12, 14)
    both = agreement("2026-04-01", "2027-03-31", "2 months true-up")
    end, true_up = due(both, calendar(""), date(2027, 3, 31), date(2027, 3, 31))
    assert (end.decide_by, end.over) == (date(2027, 1, 29), date(2027, 1, 29))
    assert (true_up.occasion, true_up.decide_by) == (Occasion.TRUE_UP, date(2027, 3, 31))
    enrolment = agreement("2025-04-01", "2028-03-31", "EA 60 days")
    (last,) = due(enrolment, calendar(""), date(2028, 3, 31), date(2028, 3, 31))
    assert (last.decide_by, last.over) == (date(2028, 1, 31), date(2028, 3, 31))


def test_occasions_come_in_order_and_end_with_a_contract_that_does_not_go_on() -> None:
    made = agreement("2025-04-01", "2028-03-31", "EA 60 days")
    found = [(one.occasion, one.ends_on.year) for one in due(made, calendar(""), date(2025, 1, 1), date(2035, 1, 1))]
    assert found == [(Occasion.ANNIVERSARY, 2026), (Occasion.ANNIVERSARY, 2027), (Occasion.TERM, 2028)]


def test_terms_that_follow_keep_the_day_of_the_first() -> None:
    made = agreement("2024-01-31", "2024-02-28", "auto")  # a month from the 31st
    found = [term for term, _ in zip(terms(made), range(4), strict=False)]
    assert found == [
        Term(date(2024, 1, 31), date(2024, 2, 28)),
        Term(date(2024, 2, 29), date(2024, 3, 30)),
        Term(date(2024, 3, 31), date(2024, 4, 29)),
        Term(date(2024, 4, 30), date(2024, 5, 30)),
    ]


def test_an_agreed_end_wins_over_the_arithmetic() -> None:
    """The last day was moved by an amendment: the next terms follow it."""
    made = Agreement(date(2024, 1, 1), date(2026, 3, 15), auto_renew=True, length=Length(months=12))
    found = [term for term, _ in zip(terms(made), range(2), strict=False)]
    assert found == [Term(date(2025, 3, 16), date(2026, 3, 15)), Term(date(2026, 3, 16), date(2027, 3, 15))]


@pytest.mark.parametrize(
    ("first", "last", "length", "short"),
    [
        ("2026-11-01", "2026-11-30", "1 month", True),
        ("2026-01-31", "2026-02-27", "1 month", True),
        ("2026-11-01", "2026-11-14", "14 days", True),
        ("2026-11-01", "2026-12-01", "31 days", True),
        ("2026-11-01", "2026-12-02", "32 days", False),
        ("2026-11-01", "2027-01-31", "3 months", False),
        ("2024-02-29", "2025-02-27", "12 months", False),
    ],
)
def test_how_long_a_term_is(first: str, last: str, length: str, short: bool) -> None:
    found = Length.between(date.fromisoformat(first), date.fromisoformat(last))
    assert (str(found), found.short) == (length, short)


def test_a_term_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="on or after"):
        Length.between(date(2026, 1, 2), date(2026, 1, 1))
    with pytest.raises(ValueError, match="not negative"):
        Notice(-1, Unit.DAYS)


def test_what_is_missing_is_listed_and_new_commerce_needs_no_notice() -> None:
    bare = Agreement(date(2026, 1, 1), None)
    assert missing(bare, priced=False, owned=False) == tuple(Missing)
    whole = agreement("2026-01-01", "2026-12-31", "30 days")
    assert missing(whole, priced=True, owned=True) == ()
    assert missing(agreement("2026-01-01", "2026-12-31", "NC"), priced=True, owned=True) == ()
    assert missing(agreement("2026-01-01", "2026-12-31", "auto"), priced=True, owned=True) == (Missing.NOTICE,)
    assert list(due(bare, calendar(""), date(2026, 1, 1), date(2036, 1, 1))) == []
