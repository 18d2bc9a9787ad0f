"""The sync of Microsoft 365 against the Graph stand-in: a database, a worker, and short ways to ask what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job
from jobs.worker import Worker
from model.licences import Product, Publisher, Seat, Sku
from model.people import Person
from model.session import Database, make_engine
from model.sync import StagedPerson
from model.tickets import SyncRun
from model.usage import LastUse, SourceHealth
from tests.http.sandbox_graph_tenant import CLIENTS, E5, READER, TENANT, Tenant, running
from workflows.perform_m365 import M365Sync
from workflows.perform_trouble import classify

EVERYTHING = [*CLIENTS[READER]["roles"], "Organization.Read.All"]


class Desk:
    """Everything one test needs; `sync` works until the job is done, parked or waits."""

    def __init__(self, tenant: Tenant, url: str, client: str = READER) -> None:
        self.tenant = tenant
        self.database = Database(make_engine(url))
        credentials = GraphCredentials(
            TENANT, client, secret="example-secret", authority=tenant.graph.url, ca_bundle=str(tenant.ca.ca)
        )
        self.http = graph_transport(tenant.graph.graph_url, credentials, ca_bundle=str(tenant.ca.ca))
        self.graph = GraphClient(self.http, client_id=client)
        self._jobs = 0

    def now(self) -> datetime:
        return self.tenant.clock.now()

    def worker(self, owner: str = "desk") -> Worker:
        m365 = M365Sync(self.graph)
        handlers = {"sync.m365": m365.everything, "sync.m365_changes": m365.changes, "sync.people": m365.people}
        return Worker(self.database, handlers, now=self.now, classify=classify, limits={}, owner=owner)

    def before_page(self, number: int, act: Callable[[], None]) -> None:
        """Do something right before that page of people, counted from 1, is asked for; once."""
        page, asked = self.graph.listing.page, count(1)

        def counted(*given: Any) -> Any:
            if next(asked) == number:
                act()
            return page(*given)

        vars(self.graph.listing)["page"] = counted

    def order(self, kind: str = "sync.m365", **payload: Any) -> None:
        self._jobs += 1
        with self.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob(kind, "graph", payload, dedupe_key=f"{kind}:{self._jobs}")], self.now())
            work.commit()

    def sync(self, kind: str = "sync.m365", **payload: Any) -> str:
        """Order it and work; the state of the job."""
        self.order(kind, **payload)
        self.worker().drain()
        return self.job()

    def job(self) -> str:
        return str(self.rows(select(Job.state).order_by(Job.id.desc()).limit(1))[0][0])

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(query).all())

    def register(self, sku: str = E5, key: str = "e5") -> None:
        """A product of our register for a SKU of the tenant."""
        with self.database.unit_of_work() as work:
            publisher = Publisher(name=f"Publisher of {key}")
            work.session.add(publisher)
            work.session.flush()
            product = Product(publisher_id=publisher.id, name=key, key=key, granting="graph_direct")
            work.session.add(product)
            work.session.flush()
            work.session.add(Sku(product_id=product.id, sku_id=sku, part_number=key.upper()))
            work.commit()

    def run(self) -> SyncRun:
        with self.database.unit_of_work() as work:
            return work.session.execute(select(SyncRun).order_by(SyncRun.id.desc()).limit(1)).scalar_one()

    def people(self) -> dict[str, bool]:
        return {row.email: row.active for row in self.rows(select(Person.email, Person.active))}

    def seats(self) -> list[tuple[str, str]]:
        """Open seats: (e-mail, path)."""
        query = select(Person.email, Seat.path).join(Seat, Seat.person_id == Person.id).where(Seat.ended_at.is_(None))
        return sorted((email, path) for email, path in self.rows(query))

    def health(self) -> dict[str, str]:
        return dict(self.rows(select(SourceHealth.source, SourceHealth.state)))

    def words(self, source: str) -> str:
        return str(self.rows(select(SourceHealth.words).where(SourceHealth.source == source))[0][0])

    def use(self, source: str) -> dict[str, tuple[date | None, Any]]:
        query = (
            select(Person.email, LastUse.used_on, LastUse.facts)
            .join(Person, Person.id == LastUse.person_id)
            .where(LastUse.source == source)
        )
        return {email: (used_on, facts) for email, used_on, facts in self.rows(query)}

    def staged(self) -> int:
        return int(self.rows(select(func.count()).select_from(StagedPerson))[0][0])

    def asked(self) -> list[str]:
        """Every request so far: method and path without its query."""
        return [f"{one['method']} {one['path'].partition('?')[0]}" for one in self.tenant.traffic.since()]

    def close(self) -> None:
        self.http.close()
        self.database.dispose()


@contextmanager
def desk(folder: Path, url: str, people: int = 5, client: str = READER, **options: Any) -> Iterator[Desk]:
    """A tenant of some people, each with an E5, and the register that knows it."""
    clients = {READER: {"secret": "example-secret", "roles": EVERYTHING}, **options.pop("more", {})}
    with running(folder, clients=clients, **options) as tenant:
        tenant.directory.add_sku(E5, 50)
        for number in range(people):
            tenant.directory.add_user(
                f"p{number}@contoso.example", f"Person {number}", seats=[E5],
                sign_in={"lastSuccessfulSignInDateTime": "2026-01-10T08:00:00Z"},
                usage={"Exchange": "2026-01-12", "Teams": "2026-01-11", "Outlook": "2026-01-12"},
            )  # fmt: skip
        made = Desk(tenant, url, client)
        made.register()
        try:
            yield made
        finally:
            made.close()
