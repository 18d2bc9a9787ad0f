"""A small company in a database, the Slack stand-in, and a worker that delivers between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from bot.deliver import Deliver
from bot.shown import drawer
from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Unclear
from integrations.slack import SlackClient
from jobs.limits import Limit
from jobs.outbox import NewJob
from jobs.outbox import enqueue as enqueue_jobs
from jobs.retry import Failure, FailureKind
from jobs.tables import Job
from jobs.worker import Worker
from model.contracts import Entitlement
from model.licences import Granting, Product, Publisher, Sku
from model.people import Person
from model.requests import (
    ApprovalStep,
    Card,
    LicenceRequest,
    LineState,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from model.session import Database, UnitOfWork, make_engine
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.slack import SlackStandIn, create_slack
from sandbox.store import Store
from sandbox.traffic import Traffic
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, enqueue
from workflows.perform_digest import DigestWork
from workflows.perform_sync import Sync
from workflows.policy import Policy
from workflows.policy_channels import Channels
from workflows.rules import Rules

MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TOKEN = "xoxb-example-token"


@dataclass
class Office:
    """Everything a delivery test touches. `now` is moved by hand."""

    database: Database
    standin: SlackStandIn
    faults: Faults
    worker: Worker
    now: datetime = MONDAY
    policy: Policy = field(default_factory=lambda: Policy(channels=Channels(it_alerts="it-alerts")))

    # doing

    def enqueue(self, *effects: Effect) -> None:
        with self.database.unit_of_work() as work:
            enqueue(work, effects, self.now)
            work.commit()

    def job(self, kind: str, **payload: Any) -> None:
        with self.database.unit_of_work() as work:
            enqueue_jobs(work.connection, [NewJob(kind, "slack", payload)], self.now)
            work.commit()

    def card(self, kind: CardKind, subject: int, audience: str, **more: Any) -> list[Effect]:
        with self.database.unit_of_work() as work:
            effects = cards.new_card(work, kind, subject, audience, self.now, **more)
            enqueue(work, effects, self.now)
            work.commit()
        return list(effects)

    def deliver(self) -> int:
        return self.worker.drain()

    def later(self, by: timedelta) -> None:
        self.now += by

    def change(self, model: type, key: int, **values: Any) -> None:
        with self.database.unit_of_work() as work:
            row = work.session.get(model, key)
            assert row is not None
            for name, value in values.items():
                setattr(row, name, value)
            work.commit()

    def fault(self, kind: str, path: str, times: int | None = 1, **parameters: Any) -> None:
        self.faults.add(Fault(kind, ".*", path, times, parameters=parameters))

    # looking

    def messages(self, user: str | None = None) -> list[dict[str, Any]]:
        """What can be read, oldest first; of one person's direct messages when named."""
        channel = self.standin.world.direct(user)["id"] if user else None
        found = [
            one
            for one in self.standin.world.store.all("slack.message")
            if not one.get("deleted") and channel in (None, one["channel"])
        ]
        return sorted(found, key=lambda one: one["ts"])

    def cards(self) -> list[Card]:
        with self.database.unit_of_work() as work:
            return list(work.session.execute(select(Card).order_by(Card.id)).scalars())

    def jobs(self, kind: str) -> list[Job]:
        with self.database.unit_of_work() as work:
            return list(work.session.execute(select(Job).where(Job.kind == kind).order_by(Job.id)).scalars())


@contextmanager
def office(url: str) -> Iterator[Office]:
    """Ana asks for Copilot, Ben decides, Cem has no Slack account, Mia is Ben's manager."""
    engine = make_engine(url)
    database = Database(engine)
    store, faults = Store(), Faults()
    standin = create_slack(
        store,
        SandboxClock(),
        Traffic(),
        faults,
        signing_secret="example-signing-secret",
        bot_token=TOKEN,
        app_token="xapp-example-token",
    )
    standin.add_user("U0ANA", "ana", "Ana Lindqvist", "ana@example.test")
    standin.add_user("U0BEN", "ben", "Ben Okafor", "ben@example.test")
    standin.add_user("U0MIA", "mia", "Mia Chen", "mia@example.test")
    standin.add_channel("C0ALERTS", "it-alerts", ["U0BEN"])
    standin.start()
    slack = SlackClient(TOKEN, standin.api_url, timeout=2)
    place = Office(database, standin, faults, worker=None)  # type: ignore[arg-type]

    def rules() -> Rules:
        return Rules(policy=place.policy, version_id=1, mail=True)

    deliver = Deliver(database, slack, rules)
    digests = DigestWork(rules, drawer(rules))
    place.worker = Worker(
        database,
        {
            **deliver.handlers(),
            **digests.handlers(),
            "home.publish": lambda payload, run: None,
            "sync.slack": Sync(None, slack).accounts,
        },
        now=lambda: place.now,
        classify=classify,
        limits={"slack": Limit(1000, 1), "local": Limit(1000, 1)},
        owner="test:1:one",
        jitter=lambda: 0.5,
    )
    try:
        with database.unit_of_work() as work:
            _people(work)
            work.commit()
        yield place
    finally:
        standin.stop()
        store.close()
        database.dispose()


def classify(error: Exception) -> Failure:
    """As the program does: the kind of trouble decides what follows."""
    if not isinstance(error, IntegrationError):
        return Failure("bug", type(error).__name__, type(error).__name__)
    kinds: list[tuple[type[IntegrationError], FailureKind]] = [
        (RateLimited, "rate_limited"),
        (Unclear, "unclear"),
        (NotFound, "not_found"),
        (Refused, "refused"),
    ]
    kind: FailureKind = next((name for type_, name in kinds if isinstance(error, type_)), "transient")
    return Failure(kind, error.detail, error.detail, error.retry_after)


def _people(work: UnitOfWork) -> None:
    add = work.session.add
    add(Person(id=4, email="mia@example.test", name="Mia Chen", slack_id="U0MIA", department="Design"))
    work.session.flush()
    add(Person(id=2, email="ben@example.test", name="Ben Okafor", slack_id="U0BEN", department="Design", manager_id=4))
    work.session.flush()
    add(
        Person(
            id=1, email="ana@example.test", name="Ana Lindqvist", slack_id="U0ANA", department="Design", manager_id=2
        )
    )
    add(Person(id=3, email="cem@example.test", name="Cem Aydin", department="Sales", manager_id=2))
    add(Publisher(id=1, name="Microsoft"))
    work.session.flush()
    add(Product(id=1, publisher_id=1, name="Microsoft Copilot", key="copilot", granting=Granting.GRAPH_DIRECT))
    work.session.flush()
    add(
        Sku(
            id=1, product_id=1, part_number="COPILOT", enabled=40, consumed=37, figures_at=MONDAY - timedelta(minutes=4)
        )
    )
    work.session.flush()
    add(
        Entitlement(
            product_id=1,
            sku_id=1,
            quantity=40,
            unit_price=Decimal(336),
            currency="EUR",
            starts_on=date(2026, 4, 1),
            ends_on=date(2027, 3, 31),
            recorded_at=MONDAY,
        )
    )
    work.session.flush()


def ask(place: Office, number: int = 1, approver: int = 2, requester: int = 1) -> int:
    """A request that waits for `approver`; request, step and approver row share their number."""
    with place.database.unit_of_work() as work:
        add = work.session.add
        add(
            LicenceRequest(
                id=number,
                submission_key=f"V{number}",
                requester_id=requester,
                product_id=1,
                sku_id=1,
                seats=1,
                reason="Minutes for the office move",
                frequency="weekly",
                status=Status.AWAITING_APPROVAL,
                cost_centre="Design",
                created_at=place.now,
                submitted_at=place.now,
            )
        )
        work.session.flush()
        add(RequestLine(id=number, request_id=number, person_id=requester, state=LineState.WANTED))
        add(
            ApprovalStep(
                id=number,
                request_id=number,
                position=1,
                kind=StepKind.LINE_MANAGER,
                state=StepState.OPEN,
                opened_at=place.now,
                due_at=place.now + timedelta(hours=28),
            )
        )
        work.session.flush()
        add(StepApprover(id=number, step_id=number, person_id=approver, asked_at=place.now))
        work.commit()
    return number
