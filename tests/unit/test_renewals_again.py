"""A renewal that was dropped by mistake comes back when its occasion is wanted again, and its people hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import insert, update

from model.contracts import Contract, Entitlement
from model.events import Event
from model.renewals import RenewalDecision
from model.usage import VendorSubscription
from tests.unit.renewal_desk import CONTRACTS, Office, office
from workflows.policy import Policy
from workflows.renewals import decide as decisions
from workflows.renewals import night
from workflows.renewals.decide import Asked, Verdict

WRONG = CONTRACTS.replace("2027-03-31", "2028-03-31")
LATER = CONTRACTS.replace("2027-03-31", "2027-06-30")
RENEW, CANCEL = Asked(Verdict.RENEW), Asked(Verdict.CANCEL)


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.night("2026-12-01")
        yield made


def mistaken(company: Office, wrong: str = WRONG, until: str = "2026-12-04") -> None:
    """Another end is imported, a night passes, and the import is corrected before the night of `until`."""
    company.take("contracts", wrong)
    assert company.night("2026-12-02").dropped == 1
    company.now = company.at(until, 0)
    company.take("contracts", CONTRACTS)


def test_a_corrected_end_brings_the_renewal_back_and_it_is_told_again(company: Office) -> None:
    """Two nights later nobody was told any more: the row that had been dropped stood in the way of a new one."""
    mistaken(company)
    back = company.night("2026-12-04")
    assert (back.opened, back.told) == (1, 1)
    assert company.renewals("id", "ends_on", "state", "words", "closed_at")[0] == (
        1, date(2027, 3, 31), "briefed", "", None,
    )  # fmt: skip
    assert company.told() == [("before-90", "2026-12-04")]
    assert [text[:22] for _, text in company.notes()] == ["Decide by 29 Jan 2027:"] * 2
    assert "renewal:occasion:reopened" in [tag for tag, subject in company.rows(Event, "tag", "subject")]
    again = company.night("2026-12-05")
    assert (again.opened, again.told) == (0, 0)


def test_its_next_term_is_written_and_no_seat_lapses(company: Office) -> None:
    mistaken(company)
    company.night("2026-12-04")
    assert night.begin_terms(company.database, company.rules, company.at("2027-04-01", 1)) == 1
    assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]
    assert company.rows(Entitlement, "quantity", "ends_on") == [(40, date(2028, 3, 31))]
    assert company.renewals("ends_on", "state")[:2] == [
        (date(2027, 3, 31), "rolled_over"), (date(2028, 3, 31), "open"),
    ]  # fmt: skip


@pytest.mark.parametrize("by_the_round", [True, False])
def test_also_when_the_correction_comes_after_the_last_night(company: Office, by_the_round: bool) -> None:
    """What was dropped is not what was cancelled: the contract goes on by itself."""
    mistaken(company, until="2027-04-01")
    if by_the_round:
        assert company.night("2027-04-01").rolled == 1
    else:
        assert night.begin_terms(company.database, company.rules, company.at("2027-04-01", 1)) == 1
    assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]
    assert company.rows(Entitlement, "quantity", "ends_on") == [(40, date(2028, 3, 31))]


def test_a_decision_of_before_stands_no_more(company: Office) -> None:
    """It waited for Fatima when the renewal was dropped; what comes back is decided anew."""
    company.policy = Policy.model_validate(
        {"approval": {"steps": []}, "finance": {"above": {"EUR": "10000.00"}, "rule": 2}}
    )
    chitra = company.person("chitra")
    with company.work() as work:
        decisions.decide(work, company.rules, 1, None, chitra, RENEW, company.at("2026-12-01"))
    mistaken(company, LATER)
    company.night("2026-12-04")
    assert company.states()[0] == "briefed"
    with company.work() as work:
        decisions.decide(work, company.rules, 1, None, chitra, CANCEL, company.at("2026-12-05"))
    assert [(verdict, at is None) for verdict, at in company.rows(RenewalDecision, "verdict", "replaced_at")] == [
        ("renew", False), ("cancel", True),
    ]  # fmt: skip


def test_a_decision_that_others_missed_stands_no_more_when_the_date_moves_ahead(company: Office) -> None:
    company.policy = Policy.model_validate(
        {"approval": {"steps": []}, "finance": {"above": {"EUR": "10000.00"}, "rule": 2}}
    )
    chitra = company.person("chitra")
    with company.work() as work:
        decisions.decide(work, company.rules, 1, None, chitra, RENEW, company.at("2026-12-01"))
    company.night("2027-02-01")
    assert company.states() == ["missed"]
    company.take("contracts", CONTRACTS.replace("2 months", "1 month"))
    company.night("2027-02-02")
    with company.work() as work:
        decisions.decide(work, company.rules, 1, None, chitra, CANCEL, company.at("2027-02-03"))
    assert company.states() == ["proof_awaited"]


def test_a_subscription_that_was_suspended_and_returns_is_told_again(company: Office) -> None:
    with company.work() as work:
        work.connection.execute(
            insert(VendorSubscription).values(
                subscription_id="sub-1", sku_guid="g", part_number="SPE_E3", status="Enabled", units=40, trial=False,
                next_change_on=date(2027, 1, 15), created_on=date(2024, 1, 15), read_at=company.at("2026-12-01"),
            )
        )  # fmt: skip
    company.night("2026-12-01")
    for day, status, state in (("2026-12-03", "Suspended", "dropped"), ("2026-12-05", "Enabled", "briefed")):
        with company.work() as work:
            work.connection.execute(update(VendorSubscription).values(status=status, read_at=company.at(day, 3)))
        company.night(day)
        assert company.states()[1] == state
    assert len([text for _, text in company.notes() if "SPE_E3" in text]) == 2
