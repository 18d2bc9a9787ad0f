"""Figures that decisions and proofs rest on: the vendor's own, what is used, and what a budget still holds (§9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import update

from bot.views.renewal_card import renewal_card
from bot.views.renewal_open import Reader
from licensing.money import Money, Sums
from licensing.renewal.terms import Agreement
from model.contracts import Entitlement
from model.licences import Budget, Sku
from model.renewals import RenewalDecision
from tests.unit.message_checks import check, labels
from tests.unit.renewal_desk import CONTRACTS, ENTITLEMENTS, Office, office
from workflows.policy import Policy
from workflows.positions import nightly
from workflows.reads.facts import Price
from workflows.reads.prices import budget_left, budgets
from workflows.reads.renewal_brief import brief
from workflows.reads.renewal_facts import BriefFacts, MoneyFacts
from workflows.reads.true_ups import period_first
from workflows.renewals import decide as decisions
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.notices import draft
from workflows.renewals.subjects import Subject, calendar_for

REDUCE = Asked(Verdict.REDUCE, 34)


def decide(company: Office, asked: Asked, day: str = "2026-12-02", renewal: int = 1) -> None:
    with company.work() as work:
        decisions.decide(work, company.rules, renewal, None, company.person("dara"), asked, company.at(day))


def enabled(company: Office, units: int | None, day: str) -> str:
    """What Microsoft shows at a sync, and how the renewal stands after the night."""
    with company.work() as work:
        work.connection.execute(update(Entitlement).values(sku_id=1))
        work.connection.execute(update(Sku).values(enabled=units, figures_at=company.at(day, 3)))
    company.night(day)
    return company.states()[0]


# -- the vendor's figure as proof --------------------------------------------------------------------------------------


def test_a_figure_that_was_lower_all_along_proves_no_reduction(sqlite_url: str) -> None:
    """Registered 40, enabled 30 already: "reduce to 34" was done at the next sync, and nobody had sent anything."""
    with office(sqlite_url) as company:
        company.take("products", "name,publisher,enabled,figures_at\nCopilot,Microsoft,30,2026-12-01 01:00")
        assert enabled(company, 30, "2026-12-01") == "briefed"
        decide(company, REDUCE)
        assert company.rows(RenewalDecision, "vendor_units") == [(30,)]
        assert enabled(company, 30, "2026-12-03") == "proof_awaited"
        assert enabled(company, 32, "2026-12-04") == "proof_awaited"
        assert enabled(company, 28, "2026-12-05") == "done"


def test_a_figure_nobody_knew_before_shows_no_change(sqlite_url: str) -> None:
    with office(sqlite_url) as company:
        company.take("products", "name,publisher,enabled,figures_at\nCopilot,Microsoft,,")
        assert enabled(company, None, "2026-12-01") == "briefed"
        decide(company, REDUCE)
        assert enabled(company, 34, "2026-12-03") == "proof_awaited"
        assert enabled(company, 33, "2026-12-04") == "proof_awaited"


# -- what a budget still holds -----------------------------------------------------------------------------------------

TWO_CONTRACTS = CONTRACTS + "    K-2,Southwind,2026-04-01,2027-03-31,2 months,yes,,chitra@example.test,CC-1\n"
TWO_PURCHASES = ENTITLEMENTS + "    PO-2,Miro,named_user,100,100.00,EUR,2026-04-01,2027-03-31,K-2\n"


def brief_of(company: Office, renewal: int, day: str = "2026-12-03") -> BriefFacts:
    with company.database.reading() as connection:
        made = brief(connection, company.policy, renewal, company.at(day), forecast="never")
    assert made is not None
    return made


def left(company: Office, year: int) -> dict[tuple[str, str], Money]:
    with company.database.reading() as connection:
        return budgets(connection, ["CC-1"], year)


@pytest.fixture
def spending(sqlite_url: str) -> Iterator[Office]:
    """Two contracts of one cost centre, €13,440.00 and €10,000.00, and €14,000.00 for both."""
    with office(sqlite_url, contracts=TWO_CONTRACTS, entitlements=TWO_PURCHASES) as company:
        company.night("2026-12-01")
        with company.work() as work:
            work.session.add(Budget(cost_centre="CC-1", year=2027, amount=Decimal(14000), currency="EUR"))
        yield company


def test_what_was_decided_is_gone_from_the_budget(spending: Office) -> None:
    """Both were within the budget, and the second's brief promised all of it once more."""
    renew = Asked(Verdict.RENEW)
    decide(spending, renew)
    assert str(brief_of(spending, 2).money.budget) == "€560.00"
    decide(spending, renew, renewal=2)
    assert spending.rows(RenewalDecision, "total", "over_budget") == [
        (Decimal("13440.00"), False),
        (Decimal("10000.00"), True),
    ]
    assert spending.states() == ["done", "decided"]
    ((needs,), *_) = spending.rows(RenewalDecision, "needs")[1:]
    assert [one["step"] for one in needs] == ["finance"]


def test_a_decision_is_held_against_what_the_others_left(spending: Office) -> None:
    """Its own sum is not taken off first, or each decided brief would look over its budget."""
    decide(spending, Asked(Verdict.RENEW))
    assert str(brief_of(spending, 1).money.budget) == "€14,000.00"
    decide(spending, Asked(Verdict.RENEW), renewal=2)
    assert brief_of(spending, 1).money.left == "€4,000.00 left"
    assert brief_of(spending, 2).money.left == "€560.00 left"
    assert str(left(spending, 2027)["CC-1", "EUR"]) == "−€9,440.00"


def test_a_decision_taken_back_gives_its_money_back_and_another_year_has_its_own(spending: Office) -> None:
    with spending.work() as work:
        work.session.add(Budget(cost_centre="CC-1", year=2026, amount=Decimal(100), currency="EUR"))
    decide(spending, Asked(Verdict.RENEW))
    assert str(left(spending, 2026)["CC-1", "EUR"]) == "€100.00"
    assert str(left(spending, 2027)["CC-1", "EUR"]) == "€560.00"
    spending.night("2027-04-01")
    assert str(left(spending, 2027)["CC-1", "EUR"]) == "€560.00"  # also once its term runs
    with spending.work() as work:
        work.connection.execute(update(RenewalDecision).values(replaced_at=spending.now))
    assert str(left(spending, 2027)["CC-1", "EUR"]) == "€14,000.00"


def test_a_budget_that_is_spent_says_by_how_much() -> None:
    spent = MoneyFacts(Sums(), Money(Decimal("-9440"), "EUR"), "", "CC-1")
    assert spent.left == "€9,440.00 overspent"
    assert MoneyFacts(Sums(), None, "none is recorded", "CC-1").left == ""


def test_a_budget_of_which_nothing_is_left_is_on_record() -> None:
    nothing = Money(Decimal(0), "EUR")
    known = budget_left({("CC-1", "EUR"): nothing}, "CC-1", Price(Money(Decimal(336), "EUR"), "year", None))
    assert (known.left, known.unknown) == (nothing, "")


# -- what a true-up reports --------------------------------------------------------------------------------------------

AGREEMENT = """
    number,vendor,starts_on,ends_on,programme,true_up_peak,owner
    EA-1,Microsoft,2026-04-01,2029-03-31,EA,{peak},chitra@example.test
"""
ONE_BOUGHT = ENTITLEMENTS.replace("Copilot,named_user,40", "Copilot,named_user,1").replace(
    "2027-03-31,K-1", "2029-03-31,EA-1"
)
SEATS = """
    product,person,began_on,ended_on
    Copilot,ana@example.test,2026-05-01,
    Copilot,dara@example.test,2026-05-01,
    Copilot,chitra@example.test,2026-05-01,{ended}
"""


@contextmanager
def enterprise(url: str, peak: str = "no", ended: str = "", bought: str = ONE_BOUGHT) -> Iterator[Office]:
    """An enterprise agreement in its first year, one seat bought and three people who hold one."""
    with office(url, AGREEMENT.format(peak=peak), bought) as company:
        company.take("seats", SEATS.format(ended=ended))
        yield company


def letter(company: Office, day: str = "2027-02-02") -> str:
    return draft(brief_of(company, 1, day)).text


def reported(company: Office, day: str = "2027-02-02") -> int | None:
    return brief_of(company, 1, day).reports


def test_a_statement_reports_what_is_used(sqlite_url: str) -> None:
    """One bought and three in use: the brief knew two short, and the letter reported one unit."""
    with enterprise(sqlite_url) as company:
        company.night("2027-02-01")
        assert company.renewals("occasion") == [("anniversary",)]
        assert "For the period to 31 Mar 2027 of contract EA-1 we report: Copilot: 3 units." in letter(company)
        message = renewal_card(brief_of(company, 1, "2027-02-02"), Reader(date(2027, 2, 2)))
        check(message)
        assert "Report 3" in labels(message)
        decide(company, Asked(Verdict.RENEW), "2027-02-02")
        assert "we report: Copilot: 3 units." in letter(company)


def test_a_statement_never_reports_less_than_was_bought_nor_what_another_purchase_covers(sqlite_url: str) -> None:
    apart = ONE_BOUGHT + "    PO-2,Copilot,named_user,2,336.00,EUR,2026-04-01,2029-03-31,\n"
    with enterprise(sqlite_url, bought=apart) as company:
        company.night("2027-02-01")
        assert reported(company) == 1


@pytest.mark.parametrize("bought", ["named_user,,", "concurrent,1,"])
def test_a_statement_of_what_nobody_counts_leaves_the_number_open(sqlite_url: str, bought: str) -> None:
    """Bought without a number, or counted by sessions of which none is reported."""
    with enterprise(sqlite_url, bought=ONE_BOUGHT.replace("named_user,1,", bought)) as company:
        company.night("2027-02-01")
        assert "we report: Copilot: [number] units." in letter(company)
        message = renewal_card(brief_of(company, 1, "2027-02-02"), Reader(date(2027, 2, 2)))
        assert "Report" in labels(message)


def test_a_true_up_that_counts_the_peak_reports_the_fullest_night_of_its_period(sqlite_url: str) -> None:
    with enterprise(sqlite_url, peak="yes", ended="2026-12-10") as company:
        company.night("2027-02-01")
        assert reported(company) is None  # no night of the period is on record
        assert "we report: Copilot: [number] units." in letter(company)
        nightly.count(company.database, company.at("2026-12-01"))
        assert reported(company) is None  # nor is its beginning
        nightly.count(company.database, company.at("2026-04-01"))
        assert reported(company) == 3


def test_without_the_peak_a_true_up_reports_its_own_day(sqlite_url: str) -> None:
    with enterprise(sqlite_url, ended="2026-12-10") as company:
        company.night("2027-02-01")
        assert reported(company) == 2


@pytest.mark.parametrize(
    ("starts_on", "true_up_from", "ends_on", "first"),
    [
        (date(2026, 4, 1), None, date(2027, 3, 31), date(2026, 4, 1)),
        (date(2026, 4, 1), None, date(2029, 3, 31), date(2028, 4, 1)),
        (date(2026, 4, 1), date(2026, 7, 1), date(2027, 6, 30), date(2026, 7, 1)),
        (date(2024, 2, 29), None, date(2026, 2, 27), date(2025, 2, 28)),
    ],
)
def test_a_true_up_s_period_is_the_year_that_ends(
    starts_on: date, true_up_from: date | None, ends_on: date, first: date
) -> None:
    agreement = Agreement(starts_on, date(2029, 3, 31), true_up_from=true_up_from)
    subject = Subject(agreement, calendar_for(None, Policy()), "Microsoft, EA-1", ())
    assert period_first(subject, ends_on) == first
