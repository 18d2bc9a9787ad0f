"""What another policy would have made of past requests, and nothing else: differences come from the policy alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from model.requests import LicenceRequest
from tests.http.web_company import NOW, POLICY, Company, found
from workflows import policy_file, simulate
from workflows.simulate import Difference, Simulation


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    made = found(sqlite_url)
    yield made
    made.database.dispose()


def differences(company: Company, text: str, since: date | None = None) -> tuple[list[Difference], Simulation]:
    with company.database.reading() as connection:
        simulation = Simulation(connection, policy_file.load(text), NOW, since)
        return list(simulation), simulation


def test_the_same_policy_differs_in_nothing(company: Company) -> None:
    company.ask(company.copilot, key="v1")
    company.ask(company.miro, key="v2")
    found, simulation = differences(company, POLICY)
    assert found == [] and (simulation.looked_at, simulation.different, simulation.refused) == (2, 0, 0)


def test_a_lower_limit_asks_a_person_where_a_rule_decided(company: Company) -> None:
    copilot, miro = company.ask(company.copilot, key="v1"), company.ask(company.miro, key="v2")
    assert copilot < miro
    (one,), _ = differences(company, POLICY.replace("50.00", "10.00"))
    assert (one.product, one.asked_on) == ("Miro", NOW.date())
    assert str(one.then) == "approved by rule 4: a seat is free and it costs under €50.00"
    assert str(one.now) == "line manager: Ben Okafor"


def test_who_is_asked_counts_and_so_does_a_ban(company: Company) -> None:
    company.ask(company.copilot, key="v1")
    (one,), _ = differences(company, POLICY + "approval: {steps: [line_manager, product_owner]}\n")
    assert str(one.then) == "line manager: Ben Okafor"
    assert str(one.now) == "line manager: Ben Okafor; product owner: Dara Novak"
    (one,), simulation = differences(
        company, POLICY + "not_allowed:\n  - {rule: 9, name: Microsoft Copilot, because: on trial}\n"
    )
    assert str(one.now) == "not taken: Microsoft Copilot may not be used here (policy 9: on trial)."
    assert simulation.refused == 1


def test_what_was_lowered_since_is_replayed_as_it_was_asked(company: Company) -> None:
    request = company.ask(company.miro, key="v1")
    with company.database.unit_of_work() as work:
        work.connection.execute(
            update(LicenceRequest).where(LicenceRequest.id == request).values(until_on=date(2026, 11, 30))
        )
        work.commit()
    found, _ = differences(company, POLICY.replace("rule: 4,", "rule: 4, max_days: 60,"))
    assert [str(one.now) for one in found] == ["line manager: Ben Okafor"], "it was asked for without an end"


def test_other_requests_count_as_on_that_day(company: Company) -> None:
    """Splitting a request must change nothing, so the sum of the days before is part of the replay."""
    limits = POLICY.replace("EUR: 1000.00", "EUR: 200.00")
    company.ask(company.copilot, key="v1")
    company.ask(company.copilot, key="v2", by=company.ben, now=NOW + timedelta(days=1))
    found, _ = differences(company, limits)
    assert [(one.reference, len(one.now.steps)) for one in found] == [("REQ-1002", 2)]


def test_pages_are_small_and_the_first_day_counts(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "CHUNK", 2)
    for day in range(5):
        company.ask(company.miro, key=f"v{day}", now=NOW + timedelta(days=day))
        with company.database.unit_of_work() as work:
            work.connection.execute(update(LicenceRequest).values(status="denied"))
            work.commit()
    lower = POLICY.replace("50.00", "10.00")
    assert len(differences(company, lower)[0]) == 5
    assert len(differences(company, lower, since=(NOW + timedelta(days=3)).date())[0]) == 2
    assert json.dumps(str(differences(company, lower)[0][0].then))
