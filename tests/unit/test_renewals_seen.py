"""A word or a proof counts for the decision its giver saw, and for no other that stands by now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from model.renewals import ProofFile, RenewalAgreement
from tests.unit.renewal_desk import Office, office
from workflows.policy import Policy
from workflows.refusals import OldCard
from workflows.renewals import decide as decisions
from workflows.renewals import proof, proof_files
from workflows.renewals.agreeing import agree
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.proof import Proof
from workflows.renewals.proof_files import Attached

REDUCE, CANCEL, RENEW = Asked(Verdict.REDUCE, 34), Asked(Verdict.CANCEL), Asked(Verdict.RENEW)
MEANWHILE = "The renewal changed meanwhile"
LETTER = b"%PDF-1.7 We confirm 34 units."


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.night("2026-12-01")
        made.now = made.at("2026-12-10")
        yield made


@pytest.fixture
def strict(company: Office) -> Office:
    """Finance decides too above €10,000.00."""
    company.policy = Policy.model_validate(
        {"approval": {"steps": []}, "finance": {"above": {"EUR": "10000.00"}, "rule": 2}}
    )
    return company


def shown(company: Office) -> int:
    """The version that cards and forms show now."""
    ((version,),) = company.renewals("version")
    return int(version)


def decided(company: Office, asked: Asked) -> int:
    """Decided by Chitra; the version of the cards that show it."""
    with company.work() as work:
        decisions.decide(work, company.rules, 1, shown(company), company.person("chitra"), asked, company.now)
    return shown(company)


def replaced(company: Office, asked: Asked) -> None:
    """Taken back and decided anew."""
    with company.work() as work:
        decisions.change(work, company.rules, 1, shown(company), company.person("chitra"), company.now)
    decided(company, asked)


def letter(company: Office) -> Proof:
    return Proof(company.person("goran"), date(2026, 12, 9), "by e-mail", "reduce.pdf")


def test_a_file_attached_for_one_decision_proves_no_other(company: Office) -> None:
    """Goran's letter said 34; before it was fetched Chitra cancelled, and it closed the cancellation as done."""
    version = decided(company, REDUCE)
    with company.work() as work:
        file = Attached("F1", "reduce.pdf")
        proof_files.ask(work, company.rules, 1, version, company.person("goran"), letter(company), file, company.now)
    replaced(company, CANCEL)
    with company.work() as work:
        proof_files.keep(work, company.rules, 1, LETTER, company.now)
    assert company.states() == ["proof_awaited"]
    assert company.rows(ProofFile, "state", "content") == [("refused", None)]
    assert company.notes()[-1] == (
        f"person:{company.person('goran')}",
        "The file “reduce.pdf” is no proof yet (REN-1): It was attached for another decision, which stands no more. "
        "Nothing changed; add proof again.",
    )


PICKED = Attached("F1", "reduce.pdf")


@pytest.mark.parametrize(
    ("given", "what"),
    [(proof.prove, ()), (proof_files.ask, (PICKED,)), (proof_files.give, ("reduce.pdf", LETTER))],
)
def test_a_form_opened_on_one_decision_proves_no_other(company: Office, given: Any, what: tuple[Any, ...]) -> None:
    version, by = decided(company, REDUCE), company.person("goran")
    replaced(company, CANCEL)
    with company.database.unit_of_work() as work, pytest.raises(OldCard, match=MEANWHILE):
        given(work, company.rules, 1, version, by, letter(company), *what, company.now)
    assert company.states() == ["proof_awaited"] and company.rows(ProofFile, "id") == []


@pytest.mark.parametrize("agrees", [True, False])
def test_a_word_on_one_decision_is_none_on_another(strict: Office, agrees: bool) -> None:
    """Fatima was shown "reduce to 34"; what her press on that card settled was the renewal at 40."""
    version, fatima = decided(strict, REDUCE), strict.person("fatima")
    replaced(strict, RENEW)
    with strict.database.unit_of_work() as work, pytest.raises(OldCard, match=MEANWHILE):
        agree(work, strict.rules, 1, version, fatima, strict.now, agrees=agrees)
    assert strict.states() == ["decided"] and strict.rows(RenewalAgreement, "id") == []
    with strict.work() as work:
        agree(work, strict.rules, 1, shown(strict), fatima, strict.now)
    assert strict.states() == ["done"]


def test_an_older_card_takes_back_no_decision_it_did_not_show(company: Office) -> None:
    version = decided(company, REDUCE)
    replaced(company, CANCEL)
    with company.database.unit_of_work() as work, pytest.raises(OldCard, match=MEANWHILE):
        decisions.change(work, company.rules, 1, version, company.person("dara"), company.now)
    assert company.states() == ["proof_awaited"]


def test_who_was_told_meanwhile_changes_nothing_about_what_a_card_shows(company: Office) -> None:
    """The night reminded of the missing proof while the form to add it was open."""
    version = decided(company, REDUCE)
    assert company.night("2027-01-15").told == 1
    with company.work() as work:
        proof.prove(work, company.rules, 1, version, company.person("goran"), letter(company), company.now)
    assert company.states() == ["done"]
