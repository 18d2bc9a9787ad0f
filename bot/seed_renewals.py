"""What the demo's company plans: whom it will hire, and a renewal of which fewer units were decided already.

The decision is made by the operations everybody uses, so that its events, its others' word and its record are real. All
other renewals are opened by the service's own night, which moving the clock plays.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from model.contracts import Contract
from model.people import Person
from model.renewals import HiringPlan, Renewal, RenewalState
from model.session import Database
from sandbox import inventory
from sandbox.company import Company
from workflows.renewals import night
from workflows.renewals.agreeing import agree, pending
from workflows.renewals.decide import Asked, Verdict, decide
from workflows.renewals.rollover import standing
from workflows.rules import Rules


def store(database: Database, company: Company, rules: Rules, now: datetime) -> None:
    """Store both; called once, right after the company itself."""
    machines = inventory.load(company)
    with database.unit_of_work() as work:
        work.session.add_all(
            HiringPlan(
                reference=one.reference,
                department=one.department,
                starts_on=one.starts_on,
                heads=one.heads,
                cost_centre=one.department,
                words=one.words,
                recorded_at=now,
            )
            for one in machines.hiring
        )
        work.commit()
    _reduced(database, company, machines.reduced, rules, now)


def _reduced(database: Database, company: Company, one: inventory.Reduced, rules: Rules, now: datetime) -> None:
    with database.reading() as connection:
        contract_id = connection.execute(select(Contract.id).where(Contract.number == one.contract)).scalar_one()
        email = company.people[one.by].email
        by = connection.execute(select(Person.id).where(Person.email == email)).scalar_one()
    night.run(database, rules, now, [contract_id])
    with database.unit_of_work() as work:
        renewal = work.session.execute(select(Renewal).where(Renewal.contract_id == contract_id)).scalar_one()
        asked = Asked(Verdict.REDUCE, one.to, words=one.words)
        decision = decide(work, rules, renewal.id, None, by, asked, now)
        while renewal.state == RenewalState.DECIDED and (waits := pending(work, decision)):
            agree(work, rules, renewal.id, renewal.version, waits[0]["asked"][0], now)
            decision = standing(work, renewal.id) or decision
        work.commit()
