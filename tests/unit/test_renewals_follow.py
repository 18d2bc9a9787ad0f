"""What follows from a renewal's decision: one record each, messages to those asked, and no campaign twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, select

from jobs.tables import Job
from model.renewals import Renewal, RenewalState
from model.requests import Card
from model.tickets import Ticket
from tests.unit.renewal_desk import Office, office
from workflows.policy import Policy
from workflows.renewals import follow
from workflows.renewals.agreeing import agree
from workflows.renewals.decide import Asked, Verdict, change, decide
from workflows.renewals.proof import Proof, prove
from workflows.rules import Rules

TODAY = "2026-11-24"


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.night(TODAY)
        yield made


def rules(company: Office) -> Rules:
    return replace(company.rules, servicenow=True, instance="test")


def followed(company: Office, times: int = 1) -> None:
    for _ in range(times):
        with company.database.reading() as connection:
            known = follow.seen(connection, company.policy, 1, company.now)
        with company.work() as work:
            follow.follow(work, rules(company), 1, known, company.now)


def act(company: Office, operation: Any, *args: Any) -> None:
    with company.work() as work:
        operation(work, rules(company), 1, *args, company.now)


def tickets(company: Office) -> list[tuple[str, str]]:
    return [tuple(row) for row in company.rows(Ticket, "wanted", "purpose")]


def shown_to(company: Office) -> set[str]:
    with company.database.reading() as connection:
        return set(connection.execute(select(Card.audience).where(Card.kind == "renewal")).scalars())


def test_a_decision_opens_one_record_however_often_it_is_followed(company: Office) -> None:
    followed(company, 2)
    assert tickets(company) == []
    act(company, decide, None, company.person("chitra"), Asked(Verdict.CANCEL))
    followed(company, 3)
    assert tickets(company) == [("open", "renewal")]
    with company.database.reading() as connection:
        words = connection.execute(select(Ticket.opening_words)).scalar_one()
    assert words.startswith("REN-1: Notice of cancellation: contract K-1\nSend it by 29 Jan 2027.")
    assert "We cancel contract K-1 (Copilot)." in words


def test_another_decision_cancels_the_record_of_the_first_and_opens_its_own(company: Office) -> None:
    act(company, decide, None, company.person("chitra"), Asked(Verdict.CANCEL))
    followed(company)
    act(company, change, None, company.person("chitra"))
    followed(company)
    assert tickets(company) == [("cancelled", "renewal")]
    act(company, decide, None, company.person("chitra"), Asked(Verdict.RENEGOTIATE, words="No rise."))
    followed(company, 2)
    assert tickets(company) == [("cancelled", "renewal"), ("open", "renewal")]


def test_the_proof_completes_the_record(company: Office) -> None:
    act(company, decide, None, company.person("chitra"), Asked(Verdict.CANCEL))
    followed(company)
    shown = Proof(company.person("goran"), date(2026, 11, 23), "e-mail", "https://files.example/k-1")
    act(company, prove, None, company.person("chitra"), shown)
    followed(company, 2)
    assert tickets(company) == [("complete", "renewal")]


def test_whoever_has_to_agree_hears_once_and_nothing_is_ordered_before(company: Office) -> None:
    strict = Policy.model_validate({"approval": {"steps": ["line_manager"]}})
    company.policy = strict  # the manager of whoever decides
    act(company, decide, None, company.person("chitra"), Asked(Verdict.REDUCE, 34))
    followed(company, 2)
    fay = company.person("fay")
    assert f"person:{fay}" in shown_to(company) and tickets(company) == []
    with company.database.reading() as connection:
        asked = connection.execute(select(Card.id).where(Card.audience == f"person:{fay}")).all()
    assert len(asked) == 1
    act(company, agree, None, fay)
    followed(company)
    assert company.states() == [RenewalState.PROOF_AWAITED] and tickets(company) == [("open", "renewal")]


def test_when_one_of_two_agreed_every_copy_is_shown_anew(company: Office) -> None:
    """Who had agreed read that their word was still waited for, beside the button to give it."""
    finance = {"above": {"EUR": "1000.00"}, "rule": 2}
    company.policy = Policy.model_validate({"approval": {"steps": ["line_manager"]}, "finance": finance})
    act(company, decide, None, company.person("chitra"), Asked(Verdict.REDUCE, 34))
    followed(company)
    with company.work() as work:
        work.connection.execute(delete(Job))
    act(company, agree, None, company.person("fay"))
    assert company.states() == [RenewalState.DECIDED]
    with company.database.reading() as connection:
        waiting = connection.execute(select(Job.payload).where(Job.kind == "renewal.follow")).scalars().all()
    assert [one["renewal"] for one in waiting] == [1]


def test_every_move_asks_for_what_follows(company: Office) -> None:
    with company.database.reading() as connection:
        before = connection.execute(select(Job.id).where(Job.kind == "renewal.follow")).all()
    act(company, decide, None, company.person("chitra"), Asked(Verdict.CANCEL))
    with company.database.reading() as connection:
        after = connection.execute(select(Job.payload).where(Job.kind == "renewal.follow")).scalars().all()
        version = connection.execute(select(Renewal.version)).scalar_one()
    assert len(after) >= len(before) and {one["renewal"] for one in after} == {1} and version > 1


def test_a_renewal_that_is_gone_is_followed_by_nothing(company: Office) -> None:
    with company.database.reading() as connection:
        known = follow.seen(connection, company.policy, 99, company.now)
    assert known.facts is None
    with company.work() as work:
        follow.follow(work, rules(company), 99, known, company.now)
    assert tickets(company) == []
