"""A small company in a real database: people, two products, and requests as the bot would have taken them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import select

from model.contracts import Contract, Entitlement
from model.licences import Granting, Product, Publisher, Sku
from model.people import Person, Role, RoleGrant
from model.requests import Card, StepApprover
from model.session import Database, make_engine
from workflows import policies
from workflows.advance import advance
from workflows.cards import CardKind
from workflows.forms import RequestForm
from workflows.rules import Rules
from workflows.submit import submit

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
POLICY = """\
version: 1
finance: {above: {EUR: 1000.00}}
pre_approved:
  - {rule: 4, below: {EUR: 50.00}}
servicenow: {request_item: false}
"""


@dataclass
class Company:
    """The database and the ids of what is in it. Ben manages Ana; Mia manages Ben; Dara and Pia run licences."""

    database: Database
    ana: int
    ben: int
    mia: int
    dara: int
    pia: int
    copilot: int
    miro: int

    @property
    def rules(self) -> Rules:
        return policies.ActiveRules(self.database, mail=True, instance="test")()

    def ask(self, product_id: int, by: int | None = None, *, key: str, now: datetime = NOW, why: str = "") -> int:
        """A request, sent and moved on to its first step; returns its id."""
        asker = by or self.ana
        with self.database.unit_of_work() as work:
            form = RequestForm(
                key, product_id, (asker,), 1, why or "Minutes and drafts for the Lyon office move.", "weekly"
            )
            receipt = submit(work, self.rules, form, asker, now)
            work.commit()
        with self.database.unit_of_work() as work:
            advance(work, self.rules, receipt.request_id, now)
            work.commit()
        return receipt.request_id

    def approval_card(self, person_id: int) -> int:
        """The id of the newest approval card of a person."""
        with self.database.reading() as connection:
            return connection.execute(
                select(Card.id)
                .join(StepApprover, StepApprover.id == Card.subject_id)
                .where(Card.kind == CardKind.APPROVAL, StepApprover.person_id == person_id)
                .order_by(Card.id.desc())
                .limit(1)
            ).scalar_one()


def found(url: str, *, policy: str = POLICY) -> Company:
    """The company, in a migrated database."""
    database = Database(make_engine(url))
    with database.unit_of_work() as work:
        policies.ensure_first(work, policy, NOW)
        people: dict[str, int] = {}
        for name, slack in (("Mia Chen", "U0MIA"), ("Ben Okafor", None), ("Ana Lindqvist", "U0ANA"),
                            ("Dara Novak", "U0DARA"), ("Pia Sand", None)):  # fmt: skip
            first = name.split()[0].lower()
            person = Person(
                email=f"{first}@acme.example",
                name=name,
                slack_id=slack,
                department="Design",
                cost_centre="CC-1",
                manager_id={"ben": people.get("mia"), "ana": people.get("ben")}.get(first),
            )
            work.session.add(person)
            work.session.flush()
            people[first] = person.id
        for first, role in (("dara", Role.LICENCE_MANAGER), ("pia", Role.ADMIN)):
            work.session.add(RoleGrant(person_id=people[first], role=role, began_at=datetime(2026, 1, 1, tzinfo=UTC)))
        publisher = Publisher(name="Microsoft")
        contract = Contract(
            vendor="Reseller", number="C-1", starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31), cost_centre="CC-1"
        )
        work.session.add_all([publisher, contract])
        work.session.flush()
        products = {}
        for name, key, price in (("Microsoft Copilot", "copilot", "336.00"), ("Miro", "miro", "96.00")):
            product = Product(
                publisher_id=publisher.id,
                name=name,
                key=key,
                owner_id=people["dara"],
                granting=Granting.OWNER_TASK,
                admin_url=f"https://admin.example/{key}",
            )
            work.session.add(product)
            work.session.flush()
            sku = Sku(product_id=product.id, part_number=key.upper())
            work.session.add(sku)
            work.session.flush()
            work.session.add(
                Entitlement(
                    product_id=product.id,
                    sku_id=sku.id,
                    contract_id=contract.id,
                    quantity=40,
                    unit_price=Decimal(price),
                    currency="EUR",
                    billing_cycle="year",
                    starts_on=date(2026, 4, 1),
                    ends_on=date(2027, 3, 31),
                    recorded_at=NOW,
                )
            )
            products[key] = product.id
        work.commit()
    return Company(database, *(people[one] for one in ("ana", "ben", "mia", "dara", "pia")), **products)
