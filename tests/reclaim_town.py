"""A small company whose idle seats are looked at: rows as a sync writes them, on SQLite or any database given.

`Town.report` is the vendor's report of use; without a fresh one every verdict is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from model.contracts import Contract, Entitlement
from model.licences import Granting, Product, Publisher, Seat, SeatReturn, Sku
from model.people import Person, Role, RoleGrant
from model.reclaim import CampaignKind, ReclaimCampaign, ReclaimCandidate
from model.requests import Card
from model.session import Database, make_engine
from model.usage import LastUse, SourceHealth
from workflows import policies
from workflows.policies import ActiveRules
from workflows.reclaim import asking, plan
from workflows.rules import Rules

START = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)  # a Monday
LONG_AGO = datetime(2025, 1, 7, tzinfo=UTC)
COPILOT_SKU = "639dec6b-bb19-468b-871c-c5c441c4b0cb"
E3_SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
STAFF: dict[str, tuple[str | None, tuple[Role, ...]]] = {
    "mia": (None, ()),
    "ben": ("mia", ()),
    "ana": ("ben", ()),
    "kai": ("ben", ()),
    "tom": ("ben", ()),
    "lea": ("ben", ()),
    "chitra": ("mia", ()),
    "dara": ("mia", (Role.LICENCE_MANAGER,)),
    "gil": ("mia", (Role.LICENCE_MANAGER,)),
    "eli": ("mia", (Role.IT,)),
}
HOLDERS = ("ana", "kai", "tom", "lea", "dara")
POLICY = """
version: 1
approval: {fallback: {roles: [licence_manager]}}
channels: {licences: licences, it_alerts: it-alerts}
reclaim: {idle_days: 60, limits: {a_day: 20, per_cent_of_product: 100}}
"""


class Town:
    """People, products, seats, reports. `now` is moved by hand."""

    def __init__(self, url: str, policy: str = POLICY, *, graph: bool = True) -> None:
        self.database = Database(make_engine(url))
        self.now = START
        self.staff: dict[str, int] = {}
        self.products: dict[str, int] = {}
        self.skus: dict[str, int] = {}
        self.seats: dict[str, int] = {}  # of Copilot, by holder
        with self.database.unit_of_work() as work:
            policies.ensure_first(work, policy, self.now, "policy.yaml")
            self._fill(work.session)
            work.commit()
        self.rules_source = ActiveRules(self.database, graph=graph, instance="town")
        self.report({})

    @property
    def rules(self) -> Rules:
        return self.rules_source()

    def close(self) -> None:
        self.database.dispose()

    def _fill(self, session: Any) -> None:
        people = {
            key: Person(
                directory_id=f"d-{key}", email=f"{key}@example.test", name=key.title(), slack_id=f"U0{key.upper()}",
                department="Design", country="FR", time_zone="Europe/Paris", starts_on=date(2020, 1, 1),
                account_since=date(2020, 1, 1),
            )
            for key in STAFF
        }  # fmt: skip
        session.add_all(people.values())
        session.flush()
        for key, (manager, roles) in STAFF.items():
            people[key].manager_id = people[manager].id if manager else None
            for role in roles:
                session.add(RoleGrant(person_id=people[key].id, role=role, began_at=LONG_AGO))
        self.staff = {key: person.id for key, person in people.items()}
        publisher = Publisher(name="Microsoft")
        contract = Contract(vendor="Reseller", number="C-1", starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31))
        session.add_all([publisher, contract])
        session.flush()
        for key, name, guid, part in (
            ("copilot", "Copilot", COPILOT_SKU, "Microsoft_365_Copilot"),
            ("e3", "Microsoft 365 E3", E3_SKU, "SPE_E3"),
        ):
            product = Product(
                publisher_id=publisher.id, name=name, key=key, owner_id=self.staff["chitra"],
                granting=Granting.GRAPH_DIRECT, lost_on_return=f"{name} stops.",
            )  # fmt: skip
            session.add(product)
            session.flush()
            sku = Sku(product_id=product.id, sku_id=guid, part_number=part, enabled=8, consumed=5, figures_at=self.now)
            session.add(sku)
            session.flush()
            session.add(
                Entitlement(
                    product_id=product.id, sku_id=sku.id, contract_id=contract.id, quantity=8,
                    unit_price=Decimal("336.00"), currency="EUR", starts_on=date(2026, 4, 1),
                    ends_on=date(2027, 3, 31), recorded_at=self.now,
                )
            )  # fmt: skip
            self.products[key], self.skus[key] = product.id, sku.id
        for holder in HOLDERS:
            seat = Seat(
                product_id=self.products["copilot"], sku_id=self.skus["copilot"], person_id=self.staff[holder],
                path="direct", began_at=LONG_AGO, recorded_at=LONG_AGO,
            )  # fmt: skip
            session.add(seat)
            session.flush()
            self.seats[holder] = seat.id

    # -- what the vendor says ------------------------------------------------------------------------------------------

    def report(self, used: dict[str, date | None], *, state: str = "fine") -> None:
        """A report of two days ago: everybody is listed, and who used Copilot on which day; never named: long ago."""
        as_of = self.now.date() - timedelta(days=2)
        with self.database.unit_of_work() as work:
            known = work.session.get(SourceHealth, "copilot")
            if known is None:
                known = SourceHealth(source="copilot", read_at=self.now)
                work.session.add(known)
            known.state, known.as_of, known.read_at = state, as_of, self.now
            for holder in HOLDERS:
                person_id = self.staff[holder]
                row = work.session.execute(
                    select(LastUse).where(LastUse.person_id == person_id, LastUse.source == "copilot")
                ).scalar_one_or_none()
                if row is None:
                    row = LastUse(
                        person_id=person_id, source="copilot", product_id=self.products["copilot"],
                        used_on=date(2026, 3, 2), facts={},
                    )  # fmt: skip
                    work.session.add(row)
                row.as_of, row.read_at = as_of, self.now
                if holder in used:
                    row.used_on = used[holder]
            work.commit()

    # -- acts ----------------------------------------------------------------------------------------------------------

    def do(self, act: Any, *args: Any, **more: Any) -> Any:
        """One operation `act(work, rules, *args, now, **more)` in a transaction of its own."""
        with self.database.unit_of_work() as work:
            result = act(work, self.rules, *args, self.now, **more)
            work.commit()
            return result

    def planned(
        self, by: str = "eli", kind: CampaignKind = CampaignKind.IDLE, product: str = "copilot", **more: Any
    ) -> int:
        row = self.do(plan.plan, self.products[product], kind, f"person:{self.staff[by]}", **more)
        return int(row.id)

    def asked(self, by: str = "eli", **more: Any) -> int:
        """A campaign that asks its holders."""
        campaign_id = self.planned(by, **more)
        self.do(asking.begin, campaign_id, self.staff[by])
        return campaign_id

    def later(self, **more: float) -> None:
        self.now += timedelta(**more)

    def seat(self, holder: str, product: str) -> int:
        """One more open seat, held for long."""
        row = Seat(
            product_id=self.products[product], sku_id=self.skus[product], person_id=self.staff[holder], path="direct",
            began_at=LONG_AGO, recorded_at=LONG_AGO,
        )  # fmt: skip
        self.add(row)
        return row.id

    def add(self, row: Any) -> None:
        with self.database.unit_of_work() as work:
            work.session.add(row)
            work.session.flush()
            work.session.expunge(row)
            work.commit()

    def person(self, key: str, **values: Any) -> None:
        with self.database.unit_of_work() as work:
            work.connection.execute(update(Person).where(Person.id == self.staff[key]).values(**values))
            work.commit()

    # -- looking -------------------------------------------------------------------------------------------------------

    def campaign(self, campaign_id: int) -> ReclaimCampaign:
        with self.database.unit_of_work() as work:
            row = work.session.get_one(ReclaimCampaign, campaign_id)
            work.session.expunge(row)
            return row

    def of(self, campaign_id: int) -> dict[str, ReclaimCandidate]:
        """Candidates by their holder."""
        names = {person_id: key for key, person_id in self.staff.items()}
        with self.database.unit_of_work() as work:
            rows = work.session.execute(
                select(ReclaimCandidate).where(ReclaimCandidate.campaign_id == campaign_id)
            ).scalars()
            found = {names[row.person_id]: row for row in rows}
            work.session.expunge_all()
            return found

    def returns(self) -> list[SeatReturn]:
        with self.database.unit_of_work() as work:
            rows = list(work.session.execute(select(SeatReturn).order_by(SeatReturn.id)).scalars())
            work.session.expunge_all()
            return rows

    def cards(self, kind: str, audience: str | None = None) -> list[Card]:
        with self.database.unit_of_work() as work:
            query = select(Card).where(Card.kind == kind).order_by(Card.id)
            if audience is not None:
                query = query.where(Card.audience == audience)
            rows = list(work.session.execute(query).scalars())
            work.session.expunge_all()
            return rows

    def ids(self, campaign_id: int, keys: Iterable[str]) -> set[int]:
        found = self.of(campaign_id)
        return {found[key].id for key in keys}
