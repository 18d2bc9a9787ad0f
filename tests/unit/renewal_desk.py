"""Contracts on a desk, nights that pass, and what the renewals of it say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import select

from model.people import Person, Role, RoleGrant
from model.renewals import Renewal, RenewalStage
from model.requests import Card
from model.session import UnitOfWork
from tests.unit.import_desk import Desk, desk
from workflows.policy import Policy
from workflows.renewals import night
from workflows.renewals.turn import Night
from workflows.rules import Rules

PEOPLE = """
    email,name,manager,department,country
    dara@example.test,Dara Novak,fay@example.test,IT,FR
    chitra@example.test,Chitra Rao,fay@example.test,Design,FR
    fay@example.test,Fay Ito,,Board,FR
    fatima@example.test,Fatima Haddad,fay@example.test,Finance,FR
    goran@example.test,Goran Petrović,fay@example.test,Purchasing,FR
    ana@example.test,Ana Lindqvist,chitra@example.test,Design,SE
"""
ROLES = {
    "dara@example.test": Role.LICENCE_MANAGER,
    "fatima@example.test": Role.FINANCE,
    "goran@example.test": Role.PROCUREMENT,
}
CONTRACTS = """
    number,vendor,starts_on,ends_on,notice,auto_renew,commit_floor,owner,cost_centre
    K-1,Northwind,2026-04-01,2027-03-31,2 months,yes,30,chitra@example.test,CC-1
"""
ENTITLEMENTS = """
    reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract
    PO-1,Copilot,named_user,40,336.00,EUR,2026-04-01,2027-03-31,K-1
"""


class Office(Desk):
    """A desk whose nights pass on days the test names."""

    policy = Policy.model_validate({"approval": {"steps": []}})

    @property
    def rules(self) -> Rules:
        return Rules(self.policy, 1, mail=True)

    def at(self, day: str, hour: int = 5) -> datetime:
        return datetime.combine(date.fromisoformat(day), time(hour), UTC)

    def night(self, day: str) -> Night:
        """The round of one day."""
        self.now = self.at(day)
        return night.run(self.database, self.rules, self.now)

    @contextmanager
    def work(self) -> Iterator[UnitOfWork]:
        """Something people do, kept."""
        with self.database.unit_of_work() as work:
            yield work
            work.commit()

    def renewals(self, *columns: str) -> list[tuple[Any, ...]]:
        """Columns of renewals, by id; alone a column as it is."""
        return self.rows(Renewal, *columns)

    def states(self) -> list[str]:
        return [row[0] for row in self.rows(Renewal, "state")]

    def told(self) -> list[tuple[str, str]]:
        """Stage and day on which it was told, without those another one stood for."""
        rows = self.rows(RenewalStage, "name", "told_at", "stood_for_by")
        return [(name, str(at.date())) for name, at, stood in rows if not stood]

    def notes(self) -> list[tuple[str, str]]:
        """What people read: audience and text."""
        rows = self.rows(Card, "kind", "audience", "facts")
        told = [(audience, facts) for kind, audience, facts in rows if kind in ("note", "renewal")]
        return [(audience, facts["text"]) for audience, facts in told if "text" in facts]

    def person(self, email: str) -> int:
        with self.database.reading() as connection:
            return int(
                connection.execute(select(Person.id).where(Person.email == f"{email}@example.test")).scalar_one()
            )


@contextmanager
def office(url: str, contracts: str = CONTRACTS, entitlements: str = ENTITLEMENTS) -> Iterator[Office]:
    """The usual company with its people, roles and contracts."""
    with desk(url) as plain:
        made = Office(plain.database)
        made.take("people", PEOPLE)
        with made.work() as work:
            for email, role in ROLES.items():
                person_id = work.connection.execute(select(Person.id).where(Person.email == email)).scalar_one()
                work.session.add(RoleGrant(person_id=person_id, role=role, began_at=made.at("2026-01-01")))
        made.take("contracts", contracts)
        if entitlements:
            made.take("entitlements", entitlements)
        yield made
