"""Whom a renewal asks, and when: a new owner of its contract hears of it, and what was put off waits for its day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from model.events import Event
from model.renewals import RenewalStage
from tests.unit.renewal_desk import CONTRACTS, Office, office
from workflows.reads.renewal_brief import brief
from workflows.reads.renewal_page import story
from workflows.renewals import decide as decisions
from workflows.renewals.decide import Asked, Verdict

ANA = CONTRACTS.replace("chitra@", "ana@")


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        yield made


def heard(company: Office, who: str) -> list[str]:
    audience = f"person:{company.person(who)}"
    return [text for one, text in company.notes() if one == audience]


# -- the owner ---------------------------------------------------------------------------------------------------------


def test_a_new_owner_of_the_contract_is_told_and_asked_from_then_on(company: Office) -> None:
    """Chitra handed the contract to Ana, whom nobody told: Chitra was asked until the date had passed."""
    company.night("2026-12-01")
    company.take("contracts", ANA)
    assert company.night("2026-12-02").told == 1
    assert company.renewals("owner_id") == [(company.person("ana"),)]
    assert heard(company, "ana") == [
        "You answer for this now. Decide by 29 Jan 2027: Northwind, K-1 (REN-1): Copilot, 40 seats. The date was "
        "brought forward: 31 Jan 2027 is a Sunday. Without a decision it renews by itself on 1 Apr 2027."
    ]
    assert company.night("2026-12-03").told == 0
    company.night("2026-12-30")
    assert len(heard(company, "ana")) == 2 and len(heard(company, "chitra")) == 1
    named = [(actor, subject) for tag, actor, subject in company.rows(Event, "tag", "actor", "subject")
             if tag == "renewal:owner:named"]  # fmt: skip
    assert named == [("clock", "renewal:1")]


def test_a_new_owner_hears_once_on_a_day_that_is_told_anyway(company: Office) -> None:
    company.night("2026-12-01")
    company.take("contracts", ANA)
    company.night("2026-12-30")
    assert [text[:22] for text in heard(company, "ana")] == ["Decide by 29 Jan 2027:"]


def test_before_anybody_was_told_a_new_owner_is_told_with_the_first_stage(company: Office) -> None:
    company.take("contracts", CONTRACTS.replace("2027-03-31", "2027-06-30"))
    company.night("2026-12-01")
    company.take("contracts", ANA.replace("2027-03-31", "2027-06-30"))
    assert company.night("2026-12-02").told == 0
    company.night("2027-01-30")
    assert len(heard(company, "ana")) == 1 and heard(company, "chitra") == []


def test_a_new_owner_is_told_that_proof_is_missing(company: Office) -> None:
    company.night("2026-12-01")
    with company.work() as work:
        chitra, cancel = company.person("chitra"), Asked(Verdict.CANCEL)
        decisions.decide(work, company.rules, 1, None, chitra, cancel, company.at("2026-12-02"))
    company.take("contracts", ANA)
    company.night("2026-12-03")
    assert heard(company, "ana")[0].startswith("You answer for this now. Proof is missing: Northwind, K-1 (REN-1)")


def test_whom_somebody_named_stays_whatever_the_contract_says(company: Office) -> None:
    company.night("2026-12-01")
    with company.work() as work:
        dara, goran = company.person("dara"), company.person("goran")
        decisions.assign(work, company.rules, 1, dara, goran, company.at("2026-12-02"))
    company.take("contracts", ANA)
    company.night("2026-12-03")
    company.night("2026-12-30")
    assert company.renewals("owner_id") == [(company.person("goran"),)]
    assert heard(company, "ana") == [] and len(heard(company, "goran")) == 1


# -- put off -----------------------------------------------------------------------------------------------------------


def put_off(company: Office, until: str, day: str = "2026-12-02") -> None:
    with company.work() as work:
        chitra, on = company.person("chitra"), date.fromisoformat(until)
        decisions.defer(work, company.rules, 1, None, chitra, on, "waiting for the offer", company.at(day))


def test_what_was_put_off_is_asked_again_on_its_day_and_not_before(company: Office) -> None:
    """Chitra was told "you are asked again then", was asked on 30 December, and heard nothing on 8 January."""
    company.night("2026-12-01")
    put_off(company, "2027-01-08")
    for day in ("2026-12-30", "2027-01-07"):
        assert company.night(day).told == 0
    assert company.night("2027-01-08").told == 1
    assert company.states() == ["briefed"]
    assert heard(company, "chitra")[1].startswith("It was put off to 8 Jan 2027. Decide by 29 Jan 2027: Northwind, K-1")
    assert company.told()[1:] == [("later-2027-01-08", "2027-01-08")]
    assert ("before-30", "later-2027-01-08") in company.rows(RenewalStage, "name", "stood_for_by")
    assert company.night("2027-01-09").told == 0
    company.night("2027-01-15")
    assert company.told()[-1] == ("before-14", "2027-01-15")


def test_put_off_twice_it_is_asked_twice(company: Office) -> None:
    company.night("2026-12-01")
    put_off(company, "2026-12-07")
    company.night("2026-12-07")
    put_off(company, "2026-12-14", "2026-12-08")
    company.night("2026-12-14")
    assert [name for name, _ in company.told()] == ["before-90", "later-2026-12-07", "later-2026-12-14"]


def test_asleep_on_that_day_it_is_asked_on_the_next(company: Office) -> None:
    company.night("2026-12-01")
    put_off(company, "2027-01-08")
    company.night("2027-01-16")
    assert company.told()[1:] == [("later-2027-01-08", "2027-01-16")]
    assert ("before-14", "later-2027-01-08") in company.rows(RenewalStage, "name", "stood_for_by")


def test_a_date_that_moves_before_that_day_is_not_waited_over(company: Office) -> None:
    """The notice became longer meanwhile: to be asked on 8 January would be too late."""
    company.night("2026-12-01")
    put_off(company, "2027-01-08")
    company.take("contracts", CONTRACTS.replace("2 months", "3 months"))
    assert company.night("2026-12-21").told == 1
    assert company.renewals("decide_by", "state") == [(date(2026, 12, 31), "deferred")]
    assert company.night("2026-12-28").told == 1
    assert company.night("2027-01-01").missed == 1


# -- what its page says ------------------------------------------------------------------------------------------------


def test_the_page_tells_of_new_owners_and_of_the_day_it_was_put_off_to(company: Office) -> None:
    company.night("2026-12-01")
    put_off(company, "2026-12-07")
    company.take("contracts", ANA)
    company.night("2026-12-07")
    company.take("contracts", CONTRACTS.replace("2027-03-31", "2028-03-31"))
    company.night("2026-12-08")
    company.now = company.at("2026-12-09", 0)
    company.take("contracts", CONTRACTS)
    company.night("2026-12-09")
    with company.database.reading() as connection:
        facts = brief(connection, company.policy, 1, company.now, forecast="never")
        assert facts is not None
        said = [one.what for one in story(connection, facts)]
    for words in (
        "Ana Lindqvist answers for it now",
        "People were told: the day it was put off to",
        "Closed: nothing is left to decide",
        "Opened anew: it is to be decided after all",
        "Chitra Rao answers for it now",
    ):
        assert words in said, (words, said)
