"""The turn of a term: what goes on, what an order registered early replaces, and what simply ends (rules §1, §9)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from model.contracts import Contract, Entitlement
from model.licences import Sku
from tests.unit.renewal_desk import CONTRACTS, ENTITLEMENTS, Office, office
from workflows.positions.compute import positions
from workflows.positions.times import Times
from workflows.renewals import decide as decisions
from workflows.renewals import proof
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.proof import Proof

ORDERED = ENTITLEMENTS + "    PO-2,Copilot,named_user,35,336.00,EUR,2027-04-01,2028-03-31,K-1\n"
BY_HAND = CONTRACTS.replace(",yes,", ",no,")


def decided_and_proved(company: Office, asked: Asked) -> None:
    with company.work() as work:
        decisions.decide(work, company.rules, 1, None, company.person("chitra"), asked, company.at("2026-12-02"))
    with company.work() as work:
        sent = Proof(company.person("goran"), date(2026, 12, 9), "by e-mail", "answer.eml")
        proof.prove(work, company.rules, 1, None, company.person("goran"), sent, company.at("2026-12-10"))


def entitled(company: Office, day: str) -> int:
    with company.database.reading() as connection:
        (computed,) = positions(connection, Times.today(company.at(day)), [1])
    assert computed.position.entitled is not None
    return int(computed.position.entitled)


def terms_of(company: Office) -> list[tuple[object, ...]]:
    return company.rows(Entitlement, "reference", "quantity", "starts_on", "ends_on")


# -- an order registered early -----------------------------------------------------------------------------------------


def test_an_order_registered_before_its_term_is_counted_once(sqlite_url: str) -> None:
    """Forty were prolonged beside the thirty-five that had been ordered in their place: 75 hid a shortfall."""
    with office(sqlite_url, entitlements=ORDERED) as company:
        company.night("2026-12-01")
        company.night("2027-04-01")
        assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]
        assert terms_of(company) == [
            ("PO-1", 40, date(2026, 4, 1), date(2027, 3, 31)),
            ("PO-2", 35, date(2027, 4, 1), date(2028, 3, 31)),
        ]
        assert entitled(company, "2027-04-02") == 35


def test_a_purchase_without_days_of_its_own_ends_where_the_next_order_begins(sqlite_url: str) -> None:
    """It ran as long as its contract, so the contract's new last day would have prolonged it."""
    open_ended = ORDERED.replace(",contract", ",contract,kind").replace("K-1\n", "K-1,subscription\n")
    open_ended = open_ended.replace("2026-04-01,2027-03-31", "2026-04-01,")
    with office(sqlite_url, entitlements=open_ended) as company:
        company.night("2026-12-01")
        company.night("2027-04-01")
        assert terms_of(company)[0] == ("PO-1", 40, date(2026, 4, 1), date(2027, 3, 31))
        assert entitled(company, "2027-04-02") == 35


def test_an_order_of_something_else_ends_nothing(sqlite_url: str) -> None:
    other = ORDERED.replace("PO-2,Copilot", "PO-2,Visio")
    with office(sqlite_url, entitlements=other) as company:
        company.night("2026-12-01")
        company.night("2027-04-01")
        assert terms_of(company)[0] == ("PO-1", 40, date(2026, 4, 1), date(2028, 3, 31))


def test_an_order_within_the_next_term_adds_to_what_goes_on(sqlite_url: str) -> None:
    """Ten more from September on: until then the forty are needed, and after it both are."""
    more = ORDERED.replace("35,336.00,EUR,2027-04-01", "10,336.00,EUR,2027-09-01")
    with office(sqlite_url, entitlements=more) as company:
        company.night("2026-12-01")
        company.night("2027-04-01")
        assert terms_of(company)[0] == ("PO-1", 40, date(2026, 4, 1), date(2028, 3, 31))
        assert (entitled(company, "2027-04-02"), entitled(company, "2027-09-02")) == (40, 50)


def test_a_reduction_that_was_also_ordered_adds_no_purchase_of_its_own(sqlite_url: str) -> None:
    with office(sqlite_url, entitlements=ORDERED) as company:
        company.night("2026-12-01")
        decided_and_proved(company, Asked(Verdict.REDUCE, 34))
        company.night("2027-04-01")
        assert [row[:2] for row in terms_of(company)] == [("PO-1", 40), ("PO-2", 35)]
        assert entitled(company, "2027-04-02") == 35


def test_an_early_order_goes_on_when_its_own_term_was_slept_through(sqlite_url: str) -> None:
    with office(sqlite_url, entitlements=ORDERED) as company:
        company.night("2028-06-01")
        assert company.rows(Contract, "ends_on") == [(date(2029, 3, 31),)]
        assert terms_of(company) == [
            ("PO-1", 40, date(2026, 4, 1), date(2027, 3, 31)),
            ("PO-2", 35, date(2027, 4, 1), date(2029, 3, 31)),
        ]


def test_the_next_term_of_a_purchase_without_a_reference_is_named_after_its_contract(sqlite_url: str) -> None:
    """ "36 bought, 4 from 2027-04-09" in every answer."""
    with office(sqlite_url, entitlements=ENTITLEMENTS.replace("PO-1,", ",")) as company:
        company.night("2026-12-01")
        decided_and_proved(company, Asked(Verdict.REDUCE, 34))
        company.night("2027-04-01")
        assert [row[0] for row in terms_of(company)] == [None, "K-1/1 from 2027-04-01"]


# -- what does not renew by itself -------------------------------------------------------------------------------------


def test_asking_for_other_terms_renews_nothing_that_does_not_renew_by_itself(sqlite_url: str) -> None:
    """The letter said "we ask for other terms": nothing was bought, and forty seats ran for another year."""
    with office(sqlite_url, contracts=BY_HAND) as company:
        company.night("2026-12-01")
        decided_and_proved(company, Asked(Verdict.RENEGOTIATE, words="No rise."))
        assert company.night("2027-04-01").rolled == 0
        assert company.rows(Contract, "ends_on") == [(date(2027, 3, 31),)]
        assert terms_of(company) == [("PO-1", 40, date(2026, 4, 1), date(2027, 3, 31))]


def test_asking_for_other_terms_is_no_cancellation_of_what_renews_by_itself(sqlite_url: str) -> None:
    with office(sqlite_url) as company:
        company.night("2026-12-01")
        decided_and_proved(company, Asked(Verdict.RENEGOTIATE, words="No rise."))
        assert company.night("2027-04-01").rolled == 1
        assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]


def test_renewing_and_reducing_write_a_term_that_would_not_begin_by_itself(sqlite_url: str) -> None:
    with office(sqlite_url, contracts=BY_HAND) as company:
        company.night("2026-12-01")
        decided_and_proved(company, Asked(Verdict.REDUCE, 34))
        assert company.night("2027-04-01").rolled == 1
        assert terms_of(company)[1] == ("PO-1 from 2027-04-01", 34, date(2027, 4, 1), date(2028, 3, 31))


# -- the night of the turn ---------------------------------------------------------------------------------------------


def test_what_a_missed_date_costs_is_said_also_when_it_is_the_term_s_last_day(sqlite_url: str) -> None:
    """An enterprise agreement is decided to its last day: the round after midnight said "It ends", and renewed it."""
    agreement = (
        CONTRACTS.replace("commit_floor", "programme")
        .replace("2 months,yes,30", ",yes,EA")
        .replace("Northwind", "Microsoft")
    )
    with office(sqlite_url, contracts=agreement) as company:
        company.take("seats", "product,person,began_on\nCopilot,ana@example.test,2026-05-01")
        company.night("2026-12-01")
        company.night("2027-03-31")
        night = company.night("2027-04-01")
        assert (night.missed, night.rolled) == (1, 1)
        assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]
        words = "40 seats until 31 Mar 2028, €12,768.00 more than needed. Next decision by 31 Mar 2028."
        assert company.notes()[-1][1] == f"Too late to change: Microsoft, K-1 (REN-1): Copilot, 40 seats. {words}"


def test_a_figure_of_the_last_day_proves_a_reduction_before_the_term_is_written(sqlite_url: str) -> None:
    """By midnight the purchase was over, so nobody knew whose figure to read, and forty were renewed."""
    with office(sqlite_url) as company:
        company.take("products", "name,publisher,enabled,figures_at\nCopilot,Microsoft,40,2026-12-01 09:00")
        with company.work() as work:
            work.connection.execute(update(Entitlement).values(sku_id=1))
        company.night("2026-12-01")
        with company.work() as work:
            reduce = Asked(Verdict.REDUCE, 34)
            decisions.decide(work, company.rules, 1, None, company.person("chitra"), reduce, company.at("2026-12-02"))
            work.connection.execute(update(Sku).values(enabled=34, figures_at=company.at("2027-04-01", 0)))
        assert company.night("2027-04-01").proved == 1
        assert terms_of(company)[1] == ("PO-1 from 2027-04-01", 34, date(2027, 4, 1), date(2028, 3, 31))


# -- terms that are no whole months ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "ends"),
    [
        ("2026-04-01", "2027-04-01", ["2028-04-01", "2029-04-01", "2030-04-01"]),  # a year, as many write it
        ("2027-04-01", "2028-04-01", ["2029-04-01", "2030-04-01", "2031-04-01"]),  # the same with a leap day in it
        ("2026-04-01", "2027-02-24", ["2028-01-20", "2028-12-15", "2029-11-10"]),  # 330 days
        ("2026-02-28", "2027-02-27", ["2028-02-27", "2029-02-27", "2030-02-27"]),
    ],
)
def test_a_term_is_as_long_at_each_renewal_as_it_was_agreed(
    sqlite_url: str, first: str, last: str, ends: list[str]
) -> None:
    """A year that ended on its anniversary had no length of its own, and doubled at each renewal."""
    days = ("2026-04-01,2027-03-31", f"{first},{last}")
    with office(sqlite_url, CONTRACTS.replace(*days), ENTITLEMENTS.replace(*days)) as company:
        found = []
        for end in [last, *ends[:-1]]:
            company.night((date.fromisoformat(end) + timedelta(days=1)).isoformat())
            found.append(company.rows(Contract, "ends_on")[0][0].isoformat())
        assert found == ends
        assert company.rows(Entitlement, "ends_on") == [(date.fromisoformat(ends[-1]),)]
