"""Our tickets in a database, their records on a running stand-in, and the two jobs between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select

from integrations.errors import Refused
from integrations.http import Timeouts
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_auth import BasicCredentials
from integrations.servicenow_tables import Tables
from jobs.tables import Job
from jobs.worker import JobRun
from model.events import Event
from model.session import Database, UnitOfWork, make_engine
from model.tickets import Ticket, TicketNote, TicketPoll, TicketPurpose
from sandbox.servicenow_records import Actor, Row
from sandbox.servicenow_schema import stable_id
from tests.http.servicenow_standin import Snow, running
from workflows.perform_servicenow import ServiceNowEffects
from workflows.perform_ticket_sync import TicketSync
from workflows.policy import Policy
from workflows.rules import Rules
from workflows.ticket_outcomes import AlertHooks

PREFIX = "seatkeeper-desk-"


OURS = Actor("seatkeeper", stable_id("sys_user", "seatkeeper"), frozenset({"itil"}))


class Run:
    """A job's holding, as far as these handlers use it."""

    def __init__(self, database: Database, at: datetime) -> None:
        self.database = database
        self.at = at
        self.finished = False
        self.put_back_to: datetime | None = None

    def now(self) -> datetime:
        return self.at

    def finish(self, work: UnitOfWork) -> None:
        self.finished = True

    def later(self, at: datetime, work: UnitOfWork | None = None) -> None:
        self.put_back_to = at


@dataclass
class Desk:
    """Everything, with short ways to act and to look."""

    snow: Snow
    database: Database
    servicenow: dict[str, Any] = field(default_factory=dict)  # that part of the policy
    alerts: list[tuple[str, int]] = field(default_factory=list)  # what alerts heard

    def __post_init__(self) -> None:
        signed = BasicCredentials("seatkeeper", "example-password")
        self.client = ServiceNowClient(Tables(self.snow.url, signed, timeouts=Timeouts(connect=2, read=5)))
        self.restart()

    def restart(self) -> None:
        """As after a new start: nothing is kept in mind."""

        def hook(name: str) -> Any:
            return lambda work, rules, alert_id, now: self.alerts.append((name, alert_id))

        hooks = AlertHooks(hook("resolved"), hook("reopened"), hook("deleted"))
        self.sync = TicketSync(self.database, self.client, self.rules, hooks)
        self.effects = ServiceNowEffects(self.database, self.client, self.rules, hooks)

    def rules(self) -> Rules:
        policy = Policy.model_validate({"servicenow": self.servicenow})
        return Rules(policy, 1, servicenow=True, instance="desk")

    def now(self) -> datetime:
        return self.snow.clock.now()

    def forward(self, **by: float) -> None:
        self.snow.clock.forward(timedelta(**by))

    def next_hour(self, minute: int = 0) -> None:
        """Go to a minute of the next hour: the budget counts by the hour, and the clock began at any time of it."""
        then = (self.now() + timedelta(hours=1)).replace(minute=minute, second=1, microsecond=0)
        self.snow.clock.forward(then - self.now())

    # -- doing -------------------------------------------------------------------------------------------------------

    def record(self, number: int = 1, table: str = "incident", **more: Any) -> tuple[int, str]:
        """A ticket of ours that was opened, with its record; their ids."""
        key = f"{PREFIX}record-{number}"
        words = {"correlation_id": key, "correlation_display": "Seatkeeper", "short_description": "A seat"}
        made = self.snow.standin.instance.insert(table, words, OURS)
        values: dict[str, Any] = {"purpose": TicketPurpose.RECORD, "state": "open", "opened_at": self.now()} | more
        ticket = Ticket(
            correlation_id=key, table_name=table, sys_id=made["sys_id"], number=made["number"],
            created_at=self.now(), **values,
        )  # fmt: skip
        with self.database.unit_of_work() as work:
            work.session.add(ticket)
            work.session.flush()
            ticket_id = ticket.id
            work.commit()
        return ticket_id, str(made["sys_id"])

    def want(self, ticket_id: int, **values: Any) -> None:
        with self.database.unit_of_work() as work:
            ticket = work.session.get_one(Ticket, ticket_id)
            for name, value in values.items():
                setattr(ticket, name, value)
            work.commit()

    def run(self) -> Run:
        return Run(self.database, self.now())

    def poll(self) -> Run:
        run = self.run()
        self.sync.poll({}, cast(JobRun, run))
        return run

    def look(self) -> Run:
        run = self.run()
        self.sync.look({}, cast(JobRun, run))
        return run

    def settle(self, ticket_id: int) -> Run:
        run = self.run()
        self.effects.settle({"ticket": ticket_id}, cast(JobRun, run))
        return run

    def refused(self, ticket_id: int) -> Refused:
        try:
            self.settle(ticket_id)
        except Refused as refused:
            return refused
        raise AssertionError("nothing was refused")

    def person(self, sys_id: str, table: str = "incident", **values: str) -> Row:
        """Somebody over there changes a record."""
        return self.snow.standin.instance.update(table, sys_id, values, self.snow.standin.control.agent())

    def delete(self, sys_id: str, table: str = "incident") -> None:
        self.snow.standin.instance.delete(table, sys_id, self.snow.standin.control.agent())

    # -- looking -----------------------------------------------------------------------------------------------------

    def ticket(self, ticket_id: int) -> Ticket:
        with self.database.unit_of_work() as work:
            return work.session.get_one(Ticket, ticket_id)

    def tags(self) -> list[str]:
        with self.database.reading() as connection:
            return [
                tag.removeprefix("ticket:record:")
                for tag in connection.execute(select(Event.tag).order_by(Event.id)).scalars()
            ]

    def notes(self, ticket_id: int) -> list[str]:
        with self.database.reading() as connection:
            found = select(TicketNote.words).where(TicketNote.ticket_id == ticket_id).order_by(TicketNote.id)
            return list(connection.execute(found).scalars())

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            return list(connection.execute(select(Job.payload).where(Job.kind == kind)).scalars())

    def polled(self, table: str = "incident") -> TicketPoll:
        with self.database.unit_of_work() as work:
            return work.session.get_one(TicketPoll, table)

    def asked(self, since: int = 0) -> list[str]:
        """Requests to the instance, as "GET /path", oldest first, after the first `since`."""
        seen = [one for one in self.snow.traffic.since(0, "servicenow") if one["path"].startswith("/api/")]
        return [f"{one['method']} {one['path'].partition('?')[0]}" for one in seen][since:]


@contextmanager
def desk(url: str, **servicenow: Any) -> Iterator[Desk]:
    database = Database(make_engine(url))
    with running() as snow:
        try:
            yield Desk(snow, database, servicenow)
        finally:
            database.dispose()
