"""The bot as people meet it: Slack's stand-in delivers, over HTTP or a socket, to the whole incoming side.

A small company in a real database: Ana asks, Ben manages her, Mia manages Ben, Chitra looks after products, Dara runs
licences. `desk.work()` does what is due, so that a test decides when the outside hears of something.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from slack_sdk import WebClient
from sqlalchemy import func, select
from werkzeug.serving import make_server

from bot.app import build_app
from bot.deliver import Deliver
from bot.deliver_home import home_publisher
from bot.deliver_screen import SlackScreen
from bot.deps import BotDeps
from bot.settings import Settings
from bot.socket import SocketRunner
from integrations.slack import SlackClient
from jobs.limits import Limit
from jobs.worker import Worker
from model.contracts import Contract, Entitlement
from model.licences import Alternative, Granting, Product, Publisher, Seat, Sku
from model.people import Person as Employee
from model.people import Role, RoleGrant
from model.requests import Card, LicenceRequest, OwnerTask, Status, StepApprover
from model.session import Database, make_engine
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.slack import SlackStandIn, create_slack
from sandbox.slack_person import Person
from sandbox.store import Store
from sandbox.traffic import Traffic
from web.slack import mount
from workflows import policies
from workflows.perform_local import LocalWork
from workflows.perform_trouble import classify
from workflows.policy import Policy
from workflows.policy_file import load
from workflows.rules import Rules

NOW = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)
BOT, APP, SECRET = "xoxb-example-bot", "xapp-example-app", "example-signing-secret"
IDS = {"ana": "U0ANA", "ben": "U0BEN", "mia": "U0MIA", "chitra": "U0CHITRA", "dara": "U0DARA", "kim": "U0KIM"}
POLICY = """\
version: 1
approval: {time_limit_hours: 4}
often_asked_for: {Design: [planner]}
products:
  secret: {may_ask: {rule: 5, only: {departments: [Legal]}, reason: contracts only}}
not_allowed:
  - {rule: 4, name: Dropbox, because: customer data, alternative: OneDrive does the same and is yours already.}
servicenow: {request_item: false}
"""


@dataclass
class Desk:
    """The running bot, the workspace around it and the database under it."""

    database: Database
    slack: SlackStandIn
    faults: Faults
    worker: Worker
    deps: BotDeps
    url: str
    now: datetime = NOW
    policy: Policy = field(default_factory=lambda: load(POLICY))

    def person(self, name: str) -> Person:
        return Person(self.slack.url, IDS[name])

    def work(self) -> int:
        """Do everything that is due; returns how many jobs ran."""
        return self.worker.drain()

    def later(self, by: timedelta) -> None:
        self.now += by

    def rows(self, model: Any, **where: Any) -> list[Any]:
        with self.database.unit_of_work() as work:
            return list(work.session.execute(select(model).filter_by(**where).order_by(model.id)).scalars())

    def row(self, model: Any, **where: Any) -> Any:
        [found] = self.rows(model, **where)
        return found

    def count(self, model: Any) -> int:
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(model)).scalar_one())

    def change(self, model: Any, key: int, **values: Any) -> None:
        with self.database.unit_of_work() as work:
            row = work.session.get_one(model, key)
            for name, value in values.items():
                setattr(row, name, value)
            work.commit()

    def add(self, *rows: Any) -> None:
        with self.database.unit_of_work() as work:
            for row in rows:
                work.session.add(row)
                work.session.flush()
            work.commit()

    def ask(self, product: str = "Planner", why: str = "Plan of the Lyon office move", by: str = "ana") -> Any:
        """Ask for a product through the form; returns the request's row. The approver's card is posted."""
        person = self.person(by)
        person.command(f"/licence request {product}")
        person.fill(why=why)
        answer = person.submit()
        assert answer["ok"], answer
        self.work()
        return self.rows(LicenceRequest)[-1]


@contextmanager
def bot_desk(url: str, mode: str = "http") -> Iterator[Desk]:
    database = Database(make_engine(url))
    store, faults = Store(), Faults()
    slack = create_slack(
        store,
        SandboxClock(),
        Traffic(),
        faults,
        signing_secret=SECRET,
        bot_token=BOT,
        app_token=APP,
        socket_mode=mode == "socket",
        ack_timeout=15.0,  # a busy machine is no fault
        event_retries=(0.0,),
        commands=("/licence", "/license"),
        shortcuts=("request_licence",),
    )
    people = [("Ana Lindqvist", "ana"), ("Ben Okafor", "ben"), ("Mia Chen", "mia"), ("Chitra Rao", "chitra")]
    for name, short in [*people, ("Dara Novak", "dara"), ("Kim Stranger", "kim")]:
        slack.add_user(IDS[short], short, name, f"{short}@example.test")
    slack.add_channel("C0LICENCES", "licences", list(IDS.values()))
    slack.start()
    desk = Desk(database, slack, faults, worker=None, deps=None, url="")  # type: ignore[arg-type]

    def rules() -> Rules:
        return Rules(policy=desk.policy, version_id=1, mail=True)

    client = SlackClient(BOT, slack.api_url, timeout=2)
    settings = replace(
        Settings(secret_key="example-secret-key-of-at-least-32-characters"),
        slack_bot_token=BOT,
        slack_signing_secret="" if mode == "socket" else SECRET,
        slack_app_token=APP if mode == "socket" else "",
        slack_api_url=slack.api_url,
    )
    desk.deps = BotDeps(database, lambda: desk.now, rules, SlackScreen(client), settings, wake=lambda: None)
    deliver = Deliver(database, client, rules)
    desk.worker = Worker(
        database,
        {
            **deliver.handlers(),
            **LocalWork(rules).handlers(),
            "home.publish": home_publisher(database, rules, client, lambda: desk.now),
        },
        now=lambda: desk.now,
        classify=classify,
        limits={"slack": Limit(10_000, 1), "local": Limit(10_000, 1)},
        owner="test:1:one",
        jitter=lambda: 0.5,
    )
    app = build_app(desk.deps)
    try:
        _company(desk)
        if mode == "socket":
            runner = SocketRunner(app, APP, WebClient(BOT, base_url=slack.api_url, timeout=5, retry_handlers=[]))
            runner.start()
            assert runner.connected
            _until_greeted(slack)
            try:
                yield desk
            finally:
                runner.stop()
                assert not runner.connected
        else:
            flask = Flask("bot-desk")
            mount(flask, app)
            server = make_server("127.0.0.1", 0, flask, threaded=True)
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            desk.url = f"http://127.0.0.1:{server.server_port}/slack/events"
            slack.request_url = desk.url
            try:
                yield desk
            finally:
                server.shutdown()
                thread.join(timeout=5)
                server.server_close()
    finally:
        slack.stop()
        store.close()
        database.dispose()


def _until_greeted(slack: SlackStandIn) -> None:
    """Our side of a socket is open a moment before Slack's knows it."""
    deadline = time.monotonic() + 15
    while not slack.deliveries.hub.connections:
        assert time.monotonic() < deadline, "the socket was never greeted"
        time.sleep(0.01)


def _company(desk: Desk) -> None:
    with desk.database.unit_of_work() as work:
        assert policies.ensure_first(work, POLICY, NOW) == 1
        work.commit()

    def person(key: int, short: str, name: str, **more: Any) -> Employee:
        mail = f"{short}@example.test"
        return Employee(id=key, email=mail, name=name, slack_id=IDS[short], cost_centre="CC-1", **more)

    desk.add(
        person(3, "mia", "Mia Chen", department="Design"),
        person(2, "ben", "Ben Okafor", department="Design", manager_id=3),
        person(1, "ana", "Ana Lindqvist", department="Design", manager_id=2),
        person(4, "chitra", "Chitra Rao", department="IT", manager_id=3),
        person(5, "dara", "Dara Novak", department="IT", manager_id=3),
        RoleGrant(person_id=5, role=Role.LICENCE_MANAGER, began_at=NOW - timedelta(days=30)),
        Publisher(id=1, name="Microsoft"),
        Contract(id=1, vendor="Reseller", number="C-1", starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31)),
    )
    names = [
        (1, "Planner and Project Plan 3", "planner", Granting.GRAPH_DIRECT),
        (2, "Miro", "miro", Granting.OWNER_TASK),
        (3, "Visio Plan 2", "visio", Granting.GRAPH_DIRECT),
        (4, "Microsoft 365 E3", "m365-e3", Granting.GRAPH_DIRECT),
        (5, "Contract Vault", "secret", Granting.OWNER_TASK),
    ]
    for key, name, short, granting in names:
        desk.add(
            Product(id=key, publisher_id=1, name=name, key=short, granting=granting, owner_id=4),
            Sku(id=key, product_id=key, sku_id=f"sku-{key}", part_number=short.upper(), tier=name.split()[-1]),
            Entitlement(
                product_id=key,
                sku_id=key,
                contract_id=1,
                quantity=12,
                unit_price=Decimal(312),
                currency="EUR",
                starts_on=date(2026, 4, 1),
                recorded_at=NOW,
            ),
        )
    desk.add(
        Sku(id=10, product_id=3, sku_id="sku-10", part_number="VISIO1", tier="Plan 1", rank=1),
        Entitlement(
            product_id=3,
            sku_id=10,
            contract_id=1,
            quantity=5,
            unit_price=Decimal(60),
            currency="USD",
            starts_on=date(2026, 4, 1),
            recorded_at=NOW,
        ),
        Alternative(
            asked_product_id=3, held_product_id=4, offered_name="Visio in Microsoft 365", sentence="It draws.",
            link="https://example.test/visio",
        ),
        Seat(id=1, product_id=4, sku_id=4, person_id=1, began_at=NOW - timedelta(days=400), recorded_at=NOW),
        Seat(
            id=2, product_id=2, sku_id=2, person_id=1, began_at=NOW - timedelta(days=40), recorded_at=NOW,
            until_on=date(2027, 1, 31),
        ),
    )  # fmt: skip
    desk.change(Sku, 3, tier="Plan 2", rank=2)


__all__ = [
    "IDS", "NOW", "SECRET", "Card", "Desk", "Fault", "LicenceRequest", "OwnerTask", "Seat", "Status", "StepApprover",
    "bot_desk",
]  # fmt: skip
