"""Two processes at one renewal, on real PostgreSQL: one night tells, one decision stands, one proof closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from model.renewals import RenewalDecision
from tests.postgres.test_decide_together import at_once
from tests.unit.renewal_desk import Office, office
from workflows.refusals import AlreadyDecided
from workflows.renewals import decide as decisions
from workflows.renewals import night
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.turn import Night


@pytest.fixture
def company(postgres_url: str) -> Iterator[Office]:
    with office(postgres_url) as made:
        yield made


def test_two_nights_at_once_open_and_tell_once(company: Office) -> None:
    for day in ("2026-09-01", "2026-11-10", "2027-01-28", "2027-02-05", "2027-04-02"):
        now = company.at(day)
        round_of_the_day = partial(night.run, company.database, company.rules, now)
        found = at_once([round_of_the_day] * 3)
        assert all(isinstance(one, Night) for one in found), found
    assert company.told() == [
        ("before-90", "2026-11-10"), ("before-3", "2027-01-28"), ("missed", "2027-02-05"),
    ]  # fmt: skip
    assert len(company.notes()) == 3
    assert company.states() == ["rolled_over", "open"]


def test_of_two_decisions_at_once_one_stands(company: Office) -> None:
    company.night("2026-12-01")

    def press(who: str, verdict: Verdict) -> Callable[[], None]:
        person = company.person(who)

        def act() -> None:
            with company.database.unit_of_work() as work:
                decisions.decide(work, company.rules, 1, None, person, Asked(verdict), company.at("2026-12-02"))
                work.commit()

        return act

    answers = at_once([press("chitra", Verdict.RENEW), press("dara", Verdict.CANCEL)])
    assert [type(one) for one in answers if isinstance(one, Exception)] == [AlreadyDecided]
    assert company.rows(RenewalDecision, "replaced_at") == [(None,)]
