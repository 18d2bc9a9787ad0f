"""The whole product around a small office: three stand-ins on loopback, a real database, the assembled service.

Time is the stand-ins' movable clock, started on Monday 23 Nov 2026 at 09:14 in Lyon. Nothing runs by itself: `settle()`
does the work that is due in the test's own thread, so a test decides what happens when; `run()` starts the real thing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

import bot.clock
from bot.bootstrap import Service, assemble
from bot.serve import Running
from bot.settings import Settings, load
from model.contracts import Contract, Entitlement
from model.licences import Granting, Product, Publisher, Sku
from model.people import Person, Role, RoleGrant
from model.requests import LicenceRequest, RequestLine, Status
from model.session import Database, UnitOfWork
from sandbox.certificates import make_ca
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph import GraphStandIn, create_graph
from sandbox.servicenow import ServiceNow, add_catalog_item, add_user, create_servicenow
from sandbox.slack import SlackStandIn, create_slack
from sandbox.slack_person import Person as SlackPerson
from sandbox.store import Store
from sandbox.traffic import Traffic

MORNING = datetime(2026, 11, 23, 8, 14, tzinfo=UTC)
TENANT = "11111111-0000-4000-8000-000000000001"
COPILOT = "639dec6b-bb19-468b-871c-c5c441c4b0cb"
PLANNER = "53818b1b-4a27-454b-8896-0dba576410e6"
PLANNER_GROUP = "22222222-0000-4000-8000-000000000002"
STAFF = {  # key: (name, manager, roles)
    "mia": ("Mia Chen", None, ()),
    "ben": ("Ben Okafor", "mia", ()),
    "ana": ("Ana Lindqvist", "ben", ()),
    "chitra": ("Chitra Rao", "mia", ()),
    "dara": ("Dara Novak", "mia", (Role.LICENCE_MANAGER,)),
    "eli": ("Eli Marsh", "mia", (Role.IT, Role.ADMIN)),
    "fatima": ("Fatima Haddad", "mia", (Role.FINANCE,)),
    "goran": ("Goran Petrović", "mia", (Role.PROCUREMENT,)),
    "kai": ("Kai Moreno", "ben", ()),
    "li": ("Li Wei", "ben", ()),
    "tom": ("Tom Becker", "ben", ()),
}
POLICY = """
version: 1
approval: {fallback: {roles: [licence_manager]}}
finance: {above: {EUR: 5000.00}, counts: purchases}
channels: {licences: licences, it_alerts: it-alerts}
licensing_groups:
  planner: {id: 22222222-0000-4000-8000-000000000002, does_nothing_but_license: true}
products:
  planner: {group: planner}
"""

# a moved clock is seen at the next look, not after a wait, which changes no answer
vars(bot.clock)["LOOK_EVERY_SECONDS"] = 0.0

#: So long an answer to a press is waited for: Slack's three seconds are the bench's matter, a busy machine is no fault.
PATIENT_SECONDS = 15.0
#: What reading use takes besides.
READS_USE = ("AuditLog.Read.All", "Reports.Read.All", "ReportSettings.Read.All")
#: Of agents that report devices.
AGENTS_TOKEN = "example-token-of-the-agents"


def email(key: str) -> str:
    return f"{key}@lumenfjord.example"


@dataclass
class Whole:
    """Everything, with short ways to act and to look."""

    folder: Path
    clock: SandboxClock
    traffic: Traffic
    slack: SlackStandIn
    graph: GraphStandIn
    servicenow: ServiceNow
    service: Service
    environment: dict[str, str]
    staff: dict[str, int] = field(default_factory=dict)  # key -> person row
    products: dict[str, int] = field(default_factory=dict)
    skus: dict[str, int] = field(default_factory=dict)
    running: Running | None = None

    @property
    def database(self) -> Database:
        return self.service.database

    def now(self) -> datetime:
        return self.clock.now()

    def person(self, key: str) -> SlackPerson:
        """Act in Slack as somebody."""
        return SlackPerson(self.slack.url, slack_id(key))

    def settle(self, rounds: int = 50) -> None:
        """Do all work that is due at the clock's present time, also what it leads to a few seconds later."""
        for _ in range(rounds):
            if self.service.worker.drain() == 0 and not self._soon():
                return

    def _soon(self) -> bool:
        """Looks that were put off by seconds (a read that lags its write) are waited for on the movable clock."""
        from jobs.tables import Job, JobState

        with self.database.reading() as connection:
            at = connection.execute(
                select(Job.run_at).where(Job.state == JobState.READY).order_by(Job.run_at).limit(1)
            ).scalar()
        if at is None or at - self.now() > timedelta(seconds=30):
            return False
        self.clock.forward(max(at - self.now(), timedelta(0)) + timedelta(seconds=1))
        self.caught_up()
        return True

    def forward(self, **by: float) -> None:
        """Move the clock, let due schedules fire, do the work."""
        self.clock.forward(timedelta(**by))
        self.caught_up()
        self.service.clock.tick(self.service.now())
        self.settle()

    def caught_up(self) -> None:
        """The service looks at the moved clock a few times a second; wait until it has."""
        while self.service.now() < self.now() - timedelta(seconds=1):
            time.sleep(0.01)

    @contextmanager
    def work(self) -> Iterator[UnitOfWork]:
        with self.database.unit_of_work() as work:
            yield work
            work.commit()

    def request(self, request_id: int) -> LicenceRequest:
        with self.database.unit_of_work() as work:
            return work.session.get_one(LicenceRequest, request_id)

    def newest(self) -> LicenceRequest:
        with self.database.unit_of_work() as work:
            return (
                work.session.execute(
                    select(LicenceRequest)
                    .where(LicenceRequest.status != Status.DRAFT)
                    .order_by(LicenceRequest.id.desc())
                    .limit(1)
                )
                .scalars()
                .one()
            )

    def lines(self, request_id: int) -> list[RequestLine]:
        with self.database.unit_of_work() as work:
            return list(
                work.session.execute(
                    select(RequestLine).where(RequestLine.request_id == request_id).order_by(RequestLine.id)
                ).scalars()
            )

    def fault(self, system: str, kind: str, **more: Any) -> int:
        stand: Any = {"slack": self.slack, "graph": self.graph, "servicenow": self.servicenow}[system]
        faults: Faults = stand.faults
        return faults.add(Fault(kind, **more))

    def run(self, **parts: bool) -> Running:
        """Start the real service; deliveries go to it from now on."""
        self.running = Running(self.service, **parts).start()
        self.slack.request_url = f"http://127.0.0.1:{self.running.port}/slack/events"
        return self.running

    def close(self) -> None:
        if self.running is not None:
            self.running.stop()
        else:
            self.service.close()
        for stand in (self.slack, self.graph, self.servicenow):
            stand.stop()


def slack_id(key: str) -> str:
    return f"U0{key.upper()}"


def directory_id(key: str) -> str:
    return f"00000000-0000-4000-8000-{list(STAFF).index(key):012d}"


@contextmanager
def whole(
    folder: Path,
    database_url: str,
    *,
    copilot_seats: int = 3,
    policy: str = POLICY,
    socket_mode: bool = False,
    reads_use: bool = False,
) -> Iterator[Whole]:
    """Start the stand-ins, fill them and the database, assemble the service."""
    more: dict[str, Any] = {"socket_mode": socket_mode, "reads_use": reads_use}
    made = build(folder, database_url, copilot_seats=copilot_seats, policy=policy, **more)
    try:
        yield made
    finally:
        made.close()


def build(
    folder: Path,
    database_url: str,
    *,
    copilot_seats: int = 3,
    policy: str = POLICY,
    socket_mode: bool = False,
    reads_use: bool = False,
) -> Whole:
    """`reads_use`: the application may read sign-ins and reports of use too."""
    ahead = (MORNING - datetime.now(UTC)).total_seconds()
    (folder / "clock").write_text(f"{ahead:.0f}", encoding="ascii")  # below zero once that morning is past
    clock = SandboxClock(folder / "clock")
    traffic = Traffic()
    slack = create_slack(
        Store(), clock, traffic, Faults(), signing_secret="example-signing-secret", bot_token="xoxb-example",
        app_token="xapp-example", socket_mode=socket_mode, ack_timeout=PATIENT_SECONDS,
    )  # fmt: skip
    authority = make_ca(folder / "ca")
    clients: dict[str, Any] = {
        "seatkeeper": {
            "secret": "example-secret",
            "roles": [
                "User.Read.All", "LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All",
                "Organization.Read.All", "Application.Read.All", *(READS_USE if reads_use else ()),
            ],
        }
    }  # fmt: skip
    graph = create_graph(
        Store(), clock, traffic, Faults(), tenant_id=TENANT, clients=clients, certificate=authority.pair
    )
    servicenow = create_servicenow(
        Store(), clock, traffic, Faults(),
        users={"seatkeeper": {"password": "example-password", "roles": ["itil"]}},
        oauth={"example-client": {"secret": "example-secret", "user": "seatkeeper"}},
    )  # fmt: skip
    for stand in (slack, graph, servicenow):
        stand.start()
    items = _fill_outside(slack, graph, servicenow, copilot_seats)
    policy_file = folder / "policy.yaml"
    policy_file.write_text(policy, encoding="utf-8")
    environment = {
        "DATABASE_URL": database_url,
        "PORT": "1",
        "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
        "SLACK_BOT_TOKEN": "xoxb-example",
        "SLACK_SIGNING_SECRET": "example-signing-secret",
        "SLACK_API_URL": slack.api_url,
        "M365_TENANT_ID": TENANT,
        "M365_CLIENT_ID": "seatkeeper",
        "M365_CLIENT_SECRET": "example-secret",
        "M365_AUTHORITY": graph.url,
        "GRAPH_URL": graph.graph_url,
        "M365_CA_BUNDLE": str(authority.ca),
        "SERVICENOW_URL": servicenow.url,
        "SERVICENOW_CLIENT_ID": "example-client",
        "SERVICENOW_CLIENT_SECRET": "example-secret",
        "API_TOKEN": "example-api-token",
        "INVENTORY_TOKEN": AGENTS_TOKEN,
        "POLICY_FILE": str(policy_file),
        "CLOCK_OFFSET_FILE": str(folder / "clock"),
    }
    if socket_mode:
        environment |= {"SLACK_APP_TOKEN": "xapp-example", "SLACK_SIGNING_SECRET": ""}
    settings = _any_port(load(environment, dotenv=None))
    service = assemble(settings)
    made = Whole(folder, clock, traffic, slack, graph, servicenow, service, environment)
    _fill_database(made, items, copilot_seats)
    service.clock.ensure(service.now())
    made.settle()
    return made


def _any_port(settings: Settings) -> Settings:
    from dataclasses import replace

    return replace(settings, port=0)


def _fill_outside(slack: SlackStandIn, graph: GraphStandIn, servicenow: ServiceNow, seats: int) -> dict[str, str]:
    graph.directory.add_sku(COPILOT, seats)
    graph.directory.add_sku(PLANNER, 2)
    for key, (name, manager, _) in STAFF.items():
        slack.add_user(slack_id(key), key, name, email(key), "Europe/Paris", "Colleague")
        graph.directory.add_user(
            email(key), name, id=directory_id(key), mail=email(key), usageLocation="FR", department="Design",
            accountEnabled=True, userType="Member",
        )  # fmt: skip
        if manager is not None:
            graph.directory.set_manager(directory_id(key), directory_id(manager))
        add_user(servicenow.instance, key, name=name, email=email(key))
    graph.directory.add_group("Licence: Planner", id=PLANNER_GROUP, licences=[PLANNER])
    for number, name in enumerate(("licences", "it-alerts")):
        slack.add_channel(f"C0CHANNEL{number}", name, [slack_id(key) for key in STAFF])
    form = (("seatkeeper_key", "Key", False), ("short_description", "Title", False), ("details", "Details", False),
            ("seatkeeper_ref", "In short", False))  # fmt: skip
    return {
        name: add_catalog_item(servicenow.instance, name, variables=form, price=price)
        for name, price in (("Acrobat", "200"), ("Buy Copilot", "300"))
    }


def _fill_database(made: Whole, items: dict[str, str], copilot_seats: int) -> None:
    today = date(2026, 11, 23)
    with made.work() as work:
        people: dict[str, Person] = {}
        for key, (name, _, _) in STAFF.items():
            people[key] = Person(
                directory_id=directory_id(key), email=email(key), name=name, slack_id=slack_id(key),
                department="Design", cost_centre="Design", country="FR", time_zone="Europe/Paris",
                usage_location="FR",
            )  # fmt: skip
            work.session.add(people[key])
        work.session.flush()
        for key, (_, manager, roles) in STAFF.items():
            people[key].manager_id = people[manager].id if manager else None
            for role in roles:
                work.session.add(RoleGrant(person_id=people[key].id, role=role, began_at=MORNING - timedelta(days=9)))
        made.staff = {key: person.id for key, person in people.items()}
        publisher = Publisher(name="Example Publisher")
        work.session.add(publisher)
        work.session.flush()
        contract = Contract(
            vendor="Example Vendor", number="C-1", starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31)
        )
        work.session.add(contract)
        work.session.flush()
        for key, name, granting, guid, more in (
            ("copilot", "Copilot", Granting.GRAPH_DIRECT, COPILOT, {"purchase_item_id": items["Buy Copilot"]}),
            ("planner", "Planner", Granting.GRAPH_GROUP, PLANNER, {"group_id": PLANNER_GROUP}),
            ("miro", "Miro", Granting.OWNER_TASK, None, {}),
            ("acrobat", "Acrobat", Granting.SERVICENOW_ITEM, None, {"catalog_item_id": items["Acrobat"]}),
        ):
            product = Product(
                publisher_id=publisher.id, name=name, key=key, owner_id=made.staff["chitra"], granting=granting, **more
            )
            work.session.add(product)
            work.session.flush()
            sku = Sku(product_id=product.id, sku_id=guid, part_number=key.upper())
            if guid is not None:
                sku.enabled, sku.consumed, sku.figures_at = copilot_seats if key == "copilot" else 2, 0, made.now()
            work.session.add(sku)
            work.session.flush()
            work.session.add(
                Entitlement(
                    product_id=product.id, sku_id=sku.id, contract_id=contract.id,
                    quantity=copilot_seats if key == "copilot" else 2,
                    unit_price=Decimal("336.00"), currency="EUR", starts_on=today - timedelta(days=200),
                    ends_on=date(2027, 3, 31), recorded_at=MORNING,
                )
            )  # fmt: skip
            made.products[key], made.skus[key] = product.id, sku.id
