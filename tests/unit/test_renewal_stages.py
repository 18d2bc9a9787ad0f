"""When people are told, and what the next term needs (rules §9)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from licensing.business_time import WorkCalendar
from licensing.money import Money
from licensing.renewal import offer, stages
from licensing.renewal.dates import Due, due
from licensing.renewal.terms import Agreement, Notice, Programme, Unit
from licensing.renewal.windows import Decision

CALENDAR = WorkCalendar(ZoneInfo("UTC"), country="FR")
YEAR = Agreement(date(2026, 4, 1), date(2027, 3, 31), Notice(2, Unit.MONTHS), auto_renew=True)


def one(agreement: Agreement, ends: date) -> Due:
    return next(due(agreement, CALENDAR, ends, ends))


@pytest.fixture
def year() -> Due:
    return one(YEAR, date(2027, 3, 31))


def test_stages_lie_before_the_date_on_working_days(year: Due) -> None:
    planned = stages.stages(year, CALENDAR, date(2026, 1, 1))
    assert [(stage.name, stage.on) for stage in planned] == [
        ("before-90", date(2026, 10, 30)),  # 31 Oct is a Saturday
        ("before-30", date(2026, 12, 30)),
        ("before-14", date(2027, 1, 15)),
        ("before-3", date(2027, 1, 26)),
        ("missed", date(2027, 1, 30)),
    ]


def test_a_contract_learned_of_late_is_told_at_once_and_once(year: Due) -> None:
    planned = stages.stages(year, CALENDAR, date(2027, 1, 20))
    assert [(stage.name, stage.on) for stage in planned] == [
        ("before-14", date(2027, 1, 20)),
        ("before-3", date(2027, 1, 26)),
        ("missed", date(2027, 1, 30)),
    ]


def test_a_date_that_had_passed_when_we_learned_of_it_is_told_by_nobody(year: Due) -> None:
    assert stages.stages(year, CALENDAR, date(2027, 2, 1)) == ()


def test_days_of_the_contract_win(year: Due) -> None:
    planned = stages.stages(year, CALENDAR, date(2026, 1, 1), (120,))
    assert [stage.name for stage in planned] == ["before-120", "missed"]


def test_nothing_is_told_before_the_term_begins() -> None:
    """A quarter's decision is not announced in the quarter before it, when the last one is still open."""
    quarter = Agreement(date(2026, 10, 1), date(2026, 12, 31), Notice(14, Unit.DAYS), auto_renew=True)
    planned = stages.stages(one(quarter, date(2027, 3, 31)), CALENDAR, date(2026, 1, 1))
    assert planned[0] == stages.Stage("before-90", date(2027, 1, 1))
    assert all(stage.on >= date(2027, 1, 1) for stage in planned)


def test_a_window_that_opens_late_is_told_when_it_does() -> None:
    enrolment = Agreement(date(2025, 4, 1), date(2028, 3, 31), programme=Programme.ENTERPRISE_AGREEMENT)
    planned = stages.stages(one(enrolment, date(2027, 3, 31)), CALENDAR, date(2025, 4, 1))
    assert stages.Stage("opens", date(2027, 1, 31)) in planned
    assert [stage.on for stage in planned] == sorted(stage.on for stage in planned)


def test_nothing_is_told_where_nothing_can_be_decided() -> None:
    silent = Agreement(date(2026, 1, 1), date(2026, 12, 31))
    assert stages.stages(one(silent, date(2026, 12, 31)), CALENDAR, date(2026, 1, 1)) == ()


def test_after_an_outage_one_stage_speaks_for_those_slept_through(year: Due) -> None:
    planned = stages.stages(year, CALENDAR, date(2026, 1, 1))
    told, instead = stages.to_tell(planned, {"before-90"}, date(2027, 1, 17))
    assert told is not None and told.name == "before-14"
    assert [stage.name for stage in instead] == ["before-30"]
    assert stages.to_tell(planned, {"before-90", "before-30", "before-14"}, date(2027, 1, 17)) == (None, ())


def test_after_the_date_only_the_miss_is_told(year: Due) -> None:
    planned = stages.stages(year, CALENDAR, date(2026, 1, 1))
    told, instead = stages.to_tell(planned, (), date(2027, 3, 1))
    assert told is not None and told.name == stages.MISSED and len(instead) == 4


def test_asking_holders_begins_early_enough(year: Due) -> None:
    assert stages.reclaim_from(year, 45, date(2026, 11, 1)) == date(2027, 1, 29) - timedelta(days=45)
    assert stages.reclaim_from(year, 45, date(2027, 1, 20)) == date(2027, 1, 20)
    assert stages.reclaim_from(Due(year.occasion, year.starts_on, year.ends_on, ()), 45, date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("day", "first", "last", "review"),
    [
        ("2026-11-23", "2026-10-01", "2026-12-31", "2026-10-01"),
        ("2027-01-01", "2027-01-01", "2027-03-31", "2027-01-04"),  # New Year's Day, then a weekend
        ("2028-03-31", "2028-01-01", "2028-03-31", "2028-01-03"),
        ("2027-08-15", "2027-07-01", "2027-09-30", "2027-07-01"),
    ],
)
def test_quarters_and_their_review(day: str, first: str, last: str, review: str) -> None:
    asked = date.fromisoformat(day)
    assert stages.quarter(asked) == (date.fromisoformat(first), date.fromisoformat(last))
    assert stages.review_on(asked, CALENDAR) == date.fromisoformat(review)


def test_one_review_a_quarter() -> None:
    found = list(stages.reviews(CALENDAR, date(2026, 11, 23), date(2027, 7, 1)))
    assert [one.ends_on for one in found] == [
        date(2026, 12, 31), date(2027, 3, 31), date(2027, 6, 30), date(2027, 9, 30),
    ]  # fmt: skip
    assert all(stages.stages(one, CALENDAR, date(2026, 1, 1)) == () for one in found)


@pytest.mark.parametrize(
    ("needed", "lowest", "words"),
    [
        (offer.Needed(37, 2, 2), 41, "41 = 37 in use + 2 reserved + 2 spare"),
        (offer.Needed(37), 37, "37 in use"),
        (offer.Needed(20, 1, 2, commit_floor=30), 30, "30 committed"),
        (offer.Needed(30, commit_floor=30), 30, "30 in use"),
        (offer.Needed(0, commit_floor=None), 0, "0 in use"),
        (offer.Needed(None, 2, 2, commit_floor=30), None, "not known: nothing says how many are in use"),
    ],
)
def test_the_lowest_offer(needed: offer.Needed, lowest: int | None, words: str) -> None:
    assert (needed.lowest, str(needed)) == (lowest, words)


def test_spare_units_round_up_and_have_a_least_number() -> None:
    assert [offer.buffer_of(37, 5), offer.buffer_of(37, 0, 1), offer.buffer_of(40, 5), offer.buffer_of(None, 5)] == [
        2, 1, 2, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("suggested", "seats", "words"),
    [
        (
            offer.Suggestion(37, 4, 2, Decimal(3)),
            34,
            "34 = 37 in use − 4 idle − 2 leaving + 3 in the hiring plan",
        ),
        (offer.Suggestion(37), 37, "37 = 37 in use"),
        (offer.Suggestion(37, planned=Decimal("1.2")), 39, "39 = 37 in use + 2 in the hiring plan"),
        (offer.Suggestion(37, planned=Decimal("-0.2")), 37, "37 = 37 in use"),
        (offer.Suggestion(37, planned=Decimal("-2.2")), 35, "35 = 37 in use − 2 in the hiring plan"),
        (offer.Suggestion(37, planned=Decimal(-3)), 34, "34 = 37 in use − 3 in the hiring plan"),
        (offer.Suggestion(20, 4, commit_floor=30), 30, "30 = 20 in use − 4 idle, but 30 are committed"),
        (offer.Suggestion(None, 4), None, "not known: nothing says how many are in use"),
        (offer.Suggestion(2, 4), 0, "0 = 2 in use − 4 idle"),
    ],
)
def test_a_suggestion_shows_its_sum(suggested: offer.Suggestion, seats: int | None, words: str) -> None:
    assert (suggested.seats, str(suggested)) == (seats, words)


@pytest.mark.parametrize(
    ("in_use", "peak", "counts_peak", "units"),
    [
        (42, 47, False, 2),
        (42, 47, True, 7),
        (38, 47, True, 7),
        (38, 39, True, 0),
        (42, 30, True, 2),  # a peak that was read too low is no smaller than the use today
        (42, None, True, None),
        (None, 47, True, None),
    ],
)
def test_a_true_up_counts_the_peak_where_the_contract_does(
    in_use: int | None, peak: int | None, counts_peak: bool, units: int | None
) -> None:
    assert offer.true_up_units(40, in_use, peak, counts_peak=counts_peak) == units


EUR_336 = Money(Decimal("336.00"), "EUR")


def test_a_missed_date_says_what_it_costs_until_the_next() -> None:
    found = offer.missed(offer.Line(40, EUR_336), 34, date(2027, 4, 1), date(2028, 3, 31), date(2028, 1, 31))
    assert found.cost == Money(Decimal("2016.00"), "EUR")
    assert str(found) == "40 seats until 31 Mar 2028, €2,016.00 more than needed. Next decision by 31 Jan 2028."


def test_a_missed_date_counts_in_the_unit_of_the_purchase() -> None:
    """Of cores, calls or sites nobody holds seats."""
    term = date(2027, 4, 1), date(2028, 3, 31)
    assert str(offer.missed(offer.Line(240, EUR_336), 240, *term, None, "unit")) == (
        "240 units until 31 Mar 2028, all of them needed."
    )
    assert str(offer.missed(offer.Line(1, EUR_336), 1, *term, None, "unit")).startswith("1 unit until")


def test_what_is_not_known_of_a_missed_date_is_said() -> None:
    ends = date(2028, 3, 31)
    no_price = offer.missed(offer.Line(40, None), 34, date(2027, 4, 1), ends, None)
    assert str(no_price) == "40 seats until 31 Mar 2028, what that costs too much is not known."
    all_needed = offer.missed(offer.Line(40, EUR_336), 44, date(2027, 4, 1), ends, None)
    assert str(all_needed) == "40 seats until 31 Mar 2028, all of them needed."
    once = offer.missed(offer.Line(40, EUR_336, "once"), 34, date(2027, 4, 1), ends, None)
    assert once.cost == Money(Decimal(0), "EUR")
    assert offer.missed(offer.Line(None, EUR_336), 34, date(2027, 4, 1), ends, None).cost is None


def test_a_term_costs_what_its_lines_do_each_currency_apart() -> None:
    lines = [
        offer.Line(40, EUR_336),
        offer.Line(10, Money(Decimal("5.00"), "USD"), "month"),
        offer.Line(3, Money(Decimal("100.00"), "EUR"), "once"),
        offer.Line(3, None),
    ]
    total = offer.term_cost(lines, date(2027, 4, 1), date(2028, 3, 31))
    assert (total.rounded(), total.unknown) == ({"EUR": "13440.00", "USD": "600.00"}, 1)


def test_a_reduction_has_its_own_last_day(year: Due) -> None:
    reduce = year.by(Decision.REDUCE)
    assert reduce is not None and (reduce.on, reduce.not_after) == (date(2027, 1, 29), date(2027, 1, 31))
