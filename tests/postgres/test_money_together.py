"""Several processes at the same look, on real PostgreSQL: one run, one line, one message; of two answers one stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from model.people import Role
from model.renewals import ProcurementNotice, ReconciliationLine, ReconciliationRun
from model.requests import Card
from tests.postgres.test_decide_together import at_once
from tests.unit.renewal_desk import Office, office
from workflows.procurement import watch
from workflows.reconciling import answer, run
from workflows.reconciling.lines import IllegalMove, Verb
from workflows.refusals import OldCard

INVOICES = """
    vendor,number,product,issued_on,period_from,period_to,quantity,amount,currency
    Northwind,INV-1,Copilot,2026-04-05,2026-04-01,2027-03-31,45,15120.00,EUR
"""


@pytest.fixture
def company(postgres_url: str) -> Iterator[Office]:
    with office(postgres_url) as made:
        made.take("invoices", INVOICES)
        yield made


def kinds(company: Office) -> list[str]:
    return [row[0] for row in company.rows(Card, "kind")]


def test_a_month_has_one_look_however_many_wake(company: Office) -> None:
    found = at_once([partial(run.run, company.database, company.rules, company.at("2026-11-02"))] * 3)
    assert sorted(one.looks for one in found if isinstance(one, run.Run)) == [0, 0, 1]
    assert len(company.rows(ReconciliationRun, "id")) == len(company.rows(ReconciliationLine, "id")) == 1
    assert kinds(company) == ["reconciliation"]


def test_of_two_answers_at_once_one_stands(company: Office) -> None:
    run.run(company.database, company.rules, company.at("2026-11-02"))

    def say(who: str, role: Role, verb: Verb) -> Callable[[], str]:
        person = company.person(who)

        def act() -> str:
            with company.database.unit_of_work() as work:
                said = answer.answer(work, 1, 1, verb, person, [role], f"says {who}", "", company.at("2026-11-03"))
                work.commit()
            return said

        return act

    found = at_once([say("fatima", Role.FINANCE, Verb.ACCEPT), say("dara", Role.LICENCE_MANAGER, Verb.DISPUTE)])
    refused = [one for one in found if isinstance(one, Exception)]
    assert len(refused) == 1 and isinstance(refused[0], (IllegalMove, OldCard))


def test_a_notice_is_told_once(company: Office) -> None:
    head = "reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract\n"
    company.take("entitlements", head + "PO-2,Copilot,named_user,40,400.00,EUR,2026-11-01,2027-03-31,K-1")
    now = company.at("2026-11-23", 9)
    found = at_once([partial(watch.look, company.database, company.rules, now)] * 3)
    assert all(isinstance(one, watch.Watched) for one in found), found
    assert company.rows(ProcurementNotice, "kind", "cleared_at") == [("price_rise", None)]
    assert kinds(company) == ["notices"]
