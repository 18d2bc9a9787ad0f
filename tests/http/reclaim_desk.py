"""A town of ours beside the Graph stand-in over TLS: confirmed seats are taken and put back by the real client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from jobs.tables import Job, JobState
from jobs.worker import JobRun, Worker
from model.licences import Granting, Product, Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import Card
from model.usage import HeldMailboxList, LastUse
from sandbox.certificates import Authority
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph import GraphStandIn, create_graph
from sandbox.graph_directory import USER, stable_id
from sandbox.store import Store
from sandbox.traffic import Traffic
from tests.property.request_machine_office import _template
from tests.reclaim_town import E3_SKU, LONG_AGO, POLICY, START, Town
from workflows import seat_returns, seats
from workflows.effects import MERGED
from workflows.perform_graph import GraphEffects
from workflows.perform_local import LocalWork
from workflows.perform_restoring import RestoringEffects
from workflows.perform_taking import TakingEffects
from workflows.perform_trouble import classify, on_parked
from workflows.reclaim import candidate, undo
from workflows.reclaim.recheck import recheck

TENANT = "0f0f0f0f-0000-4000-8000-00000000aaaa"
APP = "0f0f0f0f-0000-4000-8000-00000000bbbb"
READS = ["User.Read.All", "AuditLog.Read.All", "GroupMember.Read.All", "Organization.Read.All"]
WRITES = ["LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All"]
E1_SKU = "18181a46-0d4e-45cd-891e-60aabd171b4e"
E1_PLAN = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"  # EXCHANGE_S_STANDARD
E3_PLAN = "efb87545-963c-4e0d-99df-69c6916d9eb0"  # EXCHANGE_S_ENTERPRISE
VISIO = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
SILENT = (
    "card.show",
    "reply.show",
    "card.mail",
    "request.show",
    "home.publish",
    "answer.say",
    "m365.figures",
    "digest.send",
)


@dataclass
class Desk:
    """One holder, Kai, with an E3 seat; everything else is made to go wrong by the test."""

    town: Town
    graph: GraphStandIn
    clock: SandboxClock
    faults: Faults
    worker: Worker
    user: str
    seat_id: int

    def now(self) -> datetime:
        return self.clock.now()

    def fault(self, kind: str, *, method: str = "POST", times: int | None = 1, **more: Any) -> None:
        path = ".*/assignLicense" if method == "POST" else ".*"
        self.faults.add(Fault(kind, method, path, times, parameters=more))

    def settle(self, minutes: int = 4) -> None:
        """Work goes on while time passes, a quarter of a minute at a time."""
        for _ in range(minutes * 4):
            self.worker.drain()
            self.clock.forward(timedelta(seconds=15))
            self.town.now = self.clock.now()
        self.worker.drain()

    def confirmed(self, ground: str, *, swap: bool = False) -> int:
        """The stored confirmation of a list, as a person with the right gave it."""
        town, now = self.town, self.now()
        with town.database.unit_of_work() as work:
            seat = work.session.get_one(Seat, self.seat_id)
            campaign = ReclaimCampaign(
                kind=CampaignKind(ground), product_id=seat.product_id, state=CampaignState.TAKING,
                planned_by="person:1", planned_at=now,
            )  # fmt: skip
            work.session.add(campaign)
            work.session.flush()
            one = ReclaimCandidate(
                campaign_id=campaign.id, seat_id=seat.id, person_id=seat.person_id, product_id=seat.product_id,
                state=CandidateState.UNANSWERED, ground=ground, verdict="unknown", sentence="in use", rule="rule 40",
                checked_at=now,
            )  # fmt: skip
            work.session.add(one)
            work.session.flush()
            by = town.staff["dara"]
            to = town.skus["e1"] if swap else None
            row = seat_returns.confirm(work, town.rules, seat, ground, by, now, swap_to_sku_id=to)
            one.confirmed_by_id, one.confirmed_at, one.seat_return_id = by, now, row.id
            candidate.move(work, one, candidate.Verb.CONFIRM, f"person:{by}", now)
            work.commit()
            return row.id

    def given_back(self) -> int:
        """The holder gives it back."""
        with self.town.database.unit_of_work() as work:
            row = seats.give_back(work, self.town.rules, self.seat_id, self.town.staff["kai"], "", self.now())
            work.commit()
            return row.id

    def taken(self, ground: str = "review", *, swap: bool = False) -> int:
        """A seat that was taken back without trouble."""
        made = self.confirmed(ground, swap=swap)
        self.settle()
        assert self.row(made).state == "removed", self.row(made).note
        return made

    def put_back(self, return_id: int) -> None:
        with self.town.database.unit_of_work() as work:
            undo.put_back(work, self.town.rules, [return_id], self.town.staff["dara"], self.now())
            work.commit()

    def need_back(self, return_id: int) -> None:
        with self.town.database.unit_of_work() as work:
            seats.need_back(work, self.town.rules, return_id, self.town.staff["kai"], self.now())
            work.commit()

    # -- looking -------------------------------------------------------------------------------------------------------

    def row(self, return_id: int) -> SeatReturn:
        with self.town.database.unit_of_work() as work:
            found = work.session.get_one(SeatReturn, return_id)
            work.session.expunge(found)
            return found

    def candidate(self, return_id: int) -> tuple[str, str]:
        """State and words of the list's row."""
        with self.town.database.reading() as connection:
            row = connection.execute(
                select(ReclaimCandidate.state, ReclaimCandidate.words).where(
                    ReclaimCandidate.seat_return_id == return_id
                )
            ).one()
        return str(row.state), row.words

    def document(self) -> dict[str, Any]:
        found = self.graph.directory.store.get(USER, self.user)
        assert found is not None
        return found

    def held(self) -> dict[str, list[str]]:
        """Direct seats by SKU, with what is switched off in them."""
        return {
            one["skuId"].lower(): sorted(one["disabledPlans"])
            for one in self.document()["licences"]
            if one["assignedByGroup"] is None
        }

    def notes(self, key: str) -> list[str]:
        """Plain sentences sent to a person."""
        with self.town.database.reading() as connection:
            rows = connection.execute(
                select(Card.facts).where(Card.kind == "note", Card.audience == f"person:{self.town.staff[key]}")
            ).scalars()
            return [str(facts.get("text", "")) for facts in rows]

    def parked(self) -> list[str]:
        with self.town.database.reading() as connection:
            return list(connection.execute(select(Job.error).where(Job.state == JobState.PARKED)).scalars())

    def change(self, **values: Any) -> None:
        self.graph.directory.change_user(self.user, **values)


@contextmanager
def desk(folder: Path, authority: Authority, *, roles: list[str] | None = None, policy: str = POLICY) -> Iterator[Desk]:
    """A fresh town and tenant. `roles`: what our application may do there."""
    path = folder / "town.db"
    shutil.copyfile(_template(), path)
    town = Town(f"sqlite:///{path}", policy)
    clock = SandboxClock()
    clock._offset = (START - datetime.now(START.tzinfo)).total_seconds()
    store, faults = Store(), Faults()
    graph = create_graph(
        store, clock, Traffic(), faults, tenant_id=TENANT,
        clients={APP: {"secret": "example-secret", "roles": READS + (WRITES if roles is None else roles)}},
        certificate=authority.pair, group_delay=timedelta(0),
    )  # fmt: skip
    directory = graph.directory
    directory.add_sku(E3_SKU, 2)
    directory.add_sku(E1_SKU, 1)
    user = directory.add_user("kai@example.test", "Kai Moreno", id=stable_id("kai"), seats=[E3_SKU], usageLocation="FR")
    document = directory.store.get(USER, user)
    assert document is not None
    document["licences"][0]["disabledPlans"] = [E3_PLAN]
    directory.write(USER, document)
    seat_id = _rows(town, user)
    graph.start()
    transport = graph_transport(
        graph.graph_url,
        GraphCredentials(TENANT, APP, secret="example-secret", authority=graph.url, ca_bundle=str(authority.ca)),
        ca_bundle=str(authority.ca),
    )
    client = GraphClient(transport, client_id=APP)

    def quiet(payload: dict[str, Any], run: JobRun) -> None:
        """Messages are read from their rows."""

    worker = Worker(
        town.database,
        {
            **LocalWork(town.rules_source).handlers(),
            **dict.fromkeys(SILENT, quiet),
            "seat.take_back": TakingEffects(town.database, client, town.rules_source, recheck).take_back,
            "seat.restore": RestoringEffects(town.database, client).restore,
            "line.grant": GraphEffects(town.database, client).grant,
        },
        now=clock.now, classify=classify, limits={}, owner="desk:1:1", on_parked=on_parked, jitter=lambda: 0.5,
        merged=MERGED,
    )  # fmt: skip
    try:
        yield Desk(town, graph, clock, faults, worker, user, seat_id)
    finally:
        transport.close()
        graph.stop()
        store.close()
        town.close()


def _rows(town: Town, user: str) -> int:
    with town.database.unit_of_work() as work:
        e3 = work.session.get_one(Product, town.products["e3"])
        e1 = Product(publisher_id=e3.publisher_id, name="Office 365 E1", key="e1", granting=Granting.GRAPH_DIRECT)
        work.session.add(e1)
        work.session.flush()
        sku = Sku(product_id=e1.id, sku_id=E1_SKU, part_number="STANDARDPACK", enabled=1, consumed=0)
        sku.figures_at = town.now
        seat = Seat(
            product_id=e3.id, sku_id=town.skus["e3"], person_id=town.staff["kai"], path="direct", began_at=LONG_AGO,
            recorded_at=LONG_AGO,
        )  # fmt: skip
        held = HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=[])
        as_of = town.now.date()
        box = LastUse(
            person_id=town.staff["kai"], source="mailbox", facts={"bytes": 10**9, "archive": False}, as_of=as_of,
            read_at=town.now,
        )  # fmt: skip
        apps = LastUse(
            person_id=town.staff["kai"], source="m365_apps", facts={"desktop": False}, as_of=as_of, read_at=town.now
        )
        work.session.add_all([sku, seat, held, box, apps])
        values = {"directory_id": user, "name": "Kai Moreno"}
        work.connection.execute(update(Person).where(Person.id == town.staff["kai"]).values(**values))
        work.connection.execute(update(Sku).where(Sku.id == town.skus["e3"]).values(enabled=2, consumed=1))
        work.session.flush()
        town.skus["e1"] = sku.id
        work.commit()
        return seat.id
