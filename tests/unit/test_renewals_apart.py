"""Contracts are handled apart: one whose rows make no sense stops nobody else's night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import insert, update
from structlog.testing import capture_logs

from bot.views.renewal_card import renewal_card
from bot.views.renewal_open import Reader
from bot.views.renewal_rows import renewals_message
from model.contracts import Contract
from model.renewals import Renewal, RenewalDecision, RenewalState
from tests.unit.message_checks import check, labels, shown
from tests.unit.renewal_desk import CONTRACTS, ENTITLEMENTS, Office, office
from workflows.reads.renewal_brief import brief
from workflows.reads.renewals import renewals
from workflows.refusals import Refusal
from workflows.renewals import decide as decisions
from workflows.renewals import night, rollover
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.subjects import Subject

MONTHLY = CONTRACTS + "    M-1,Southwind,2026-11-01,2026-11-30,,yes,,chitra@example.test,CC-1\n"
SEATS = ENTITLEMENTS + "    PO-9,Miro,named_user,12,10.00,EUR,2026-11-01,2026-11-30,M-1\n"
REVIEW = 2


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    """K-1 and a contract from month to month without a notice period."""
    with office(sqlite_url, MONTHLY, SEATS) as made:
        made.night("2026-11-24")
        yield made


def test_of_terms_of_a_month_nothing_is_decided_and_the_brief_says_what_to_do(company: Office) -> None:
    """It was listed with [Open], then [Report], and "the true-up or statement of this period is due"."""
    assert company.renewals("id", "occasion")[1] == (REVIEW, "review")
    with company.database.reading() as connection:
        facts = brief(connection, company.policy, REVIEW, company.now, forecast="never")
    assert facts is not None
    message = renewal_card(facts, Reader(company.now.date(), company.person("chitra"), "https://seats.example"))
    check(message)
    assert message.blocks[0]["text"]["text"] == "To look at this quarter: Miro, 12 seats"
    assert (
        "Its terms last a month or less, and each goes on until it is cancelled. Change or cancel it with Southwind, "
        "then correct the register."
    ) in shown(message)
    assert "true-up" not in shown(message) and labels(message) == []
    with company.database.reading() as connection:
        rows = renewals(connection, company.policy, company.now)
    assert "Miro, 12 (Southwind, M-1)* · to look at this quarter" in shown(renewals_message(rows, company.now.date()))
    chitra, renew, until = company.person("chitra"), Asked(Verdict.RENEW), date(2026, 12, 1)
    with company.database.unit_of_work() as work, pytest.raises(Refusal, match="cancel it with the vendor"):
        decisions.decide(work, company.rules, REVIEW, None, chitra, renew, company.now)
    with company.database.unit_of_work() as work, pytest.raises(Refusal, match="cancel it with the vendor"):
        decisions.defer(work, company.rules, REVIEW, None, chitra, until, "later", company.now)


def test_a_review_that_was_decided_stays_red_and_stops_nobody(company: Office) -> None:
    """Decided by an earlier version: from the next quarter on every night failed, and nobody was told anything."""
    with company.work() as work:
        work.connection.execute(
            insert(RenewalDecision).values(
                renewal_id=REVIEW, verdict="renew", by_id=company.person("chitra"), at=company.now, needs=[]
            )
        )
        decided = update(Renewal).where(Renewal.id == REVIEW)
        work.connection.execute(decided.values(state=RenewalState.PROOF_AWAITED))
    company.night("2027-01-01")
    woken = company.night("2027-01-15")
    assert woken.failed == [] and ("before-14", "2027-01-15") in company.told()
    assert company.states()[1] == "proof_awaited"
    assert night.begin_terms(company.database, company.rules, company.now) == 0


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw about one contract, after something of it was written already."""
    real = rollover.catch_up

    def fails(work: object, subject: Subject, now: object) -> bool:
        done = real(work, subject, now)  # type: ignore[arg-type]  # as it is called
        if subject.contract_id == 1:
            raise ZeroDivisionError
        return done

    monkeypatch.setattr(rollover, "catch_up", fails)


def test_a_contract_that_cannot_be_looked_at_is_logged_and_leaves_nothing_half_done(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = CONTRACTS + "    K-2,Westwind,2026-04-01,2027-03-31,2 months,yes,,chitra@example.test,CC-1\n"
    with office(sqlite_url, two) as company, monkeypatch.context() as patched:
        broken(patched)  # the one fault that no row can be made to bring about
        with capture_logs() as logs:
            woken = company.night("2027-01-15")
        assert (woken.failed, woken.opened, woken.told) == (["contract 1"], 1, 1)
        assert company.renewals("contract_id") == [(2,)]
        assert ["Westwind, K-2 (REN-1)" in text for _, text in company.notes()] == [True]
        (line,) = [one for one in logs if one["event"] == "contract not looked at"]
        assert (line["subject"], line["error"]) == ("contract 1", "ZeroDivisionError")
        company.night("2027-04-08")
        assert company.rows(Contract, "number", "ends_on") == [
            ("K-1", date(2027, 3, 31)), ("K-2", date(2028, 3, 31)),
        ]  # fmt: skip
