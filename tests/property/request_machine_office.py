"""The office of the request machine: real rows and workflows on SQLite, an outside world of a few dictionaries.

The handlers of outside jobs only note what is wanted; the machine decides later, and in any order, what the outside
answers, and reports it through the same functions as the real performers do. The world outside is honest: it never
gives a seat it has not got, and knows every removal that was asked of it.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from integrations.graph_types import SubscribedSku
from jobs.worker import JobRun, Worker
from migrations import upgrade
from model.contracts import Contract, Entitlement
from model.licences import Granting, Product, Publisher, Seat, SeatReturn, Sku
from model.people import Person, Role, RoleGrant
from model.requests import RequestLine
from model.session import Database, UnitOfWork, make_engine
from workflows import directory, granting, policies, seat_returns, seats_back
from workflows.effects import MERGED
from workflows.perform_local import LocalWork
from workflows.perform_trouble import classify, on_parked
from workflows.policies import ActiveRules
from workflows.reclaim import taking
from workflows.reclaim.recheck import recheck

START = datetime(2026, 11, 23, 8, 14, tzinfo=UTC)
STAFF: dict[str, tuple[str | None, tuple[Role, ...]]] = {
    "mia": (None, ()),
    "ben": ("mia", ()),
    "ana": ("ben", ()),
    "kai": ("ben", ()),
    "chitra": ("mia", ()),
    "dara": ("mia", (Role.LICENCE_MANAGER,)),
    "eli": ("mia", (Role.IT, Role.ADMIN)),
    "fatima": ("mia", (Role.FINANCE,)),
    "gil": ("ben", (Role.FINANCE, Role.PROCUREMENT)),
    "goran": ("mia", (Role.PROCUREMENT,)),
}
PRODUCTS = {  # key: (way, seats, steps in words of the policy)
    "copilot": (Granting.GRAPH_DIRECT, 1),
    "planner": (Granting.GRAPH_GROUP, 1),
    "miro": (Granting.OWNER_TASK, 2),
    "acrobat": (Granting.SERVICENOW_ITEM, 2),
    "figma": (Granting.OWNER_TASK, 1),
}
POLICY = """
version: 1
approval:
  fallback: {roles: [licence_manager]}
  product_owner: {roles: [licence_manager]}
finance: {above: {EUR: 300.00}, counts: requests}
channels: {licences: licences, it_alerts: it-alerts}
licensing_groups:
  planner: {id: 22222222-0000-4000-8000-000000000002, does_nothing_but_license: true}
products:
  planner: {group: planner, steps: [line_manager, product_owner]}
  acrobat: {steps: [line_manager, licence_manager]}
pre_approved:
  - {rule: 4, products: [figma], below: {EUR: 5000.00}, max_seats: 2}
"""


@cache
def _template() -> Path:
    """A migrated, empty database file of this process; each run of the machine starts from a copy."""
    path = Path(tempfile.mkdtemp(prefix="seatkeeper-machine-")) / "template.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # the last connection folds the write-ahead log into the file
    return path


@dataclass
class Outside:
    """What Microsoft 365 holds: units, who has one of ours, and how many strangers have."""

    enabled: dict[int, int]  # by our SKU row
    holders: dict[int, set[int]] = field(default_factory=dict)
    strangers: dict[int, int] = field(default_factory=dict)

    def consumed(self, sku: int) -> int:
        return len(self.holders.setdefault(sku, set())) + self.strangers.get(sku, 0)

    def free(self, sku: int) -> int:
        return self.enabled[sku] - self.consumed(sku)


class Office:
    """Rows, rules, worker, outside. `now` is moved by hand."""

    def __init__(self, more_policy: str = "") -> None:
        self.policy = POLICY + more_policy
        self.folder = tempfile.TemporaryDirectory(prefix="seatkeeper-machine-")
        path = Path(self.folder.name) / "office.db"
        shutil.copyfile(_template(), path)
        self.database = Database(make_engine(f"sqlite:///{path}"))
        self.now = START
        self.staff: dict[str, int] = {}
        self.products: dict[str, int] = {}
        self.skus: dict[str, int] = {}
        self.granting: list[int] = []  # lines a seat is owed to by Microsoft 365; kept, so that answers can come twice
        self.removals: list[int] = []
        self.restorings: list[int] = []
        self.tickets: list[int] = []
        self._fill()
        self.outside = Outside({self.skus[key]: PRODUCTS[key][1] for key in ("copilot", "planner")})
        self.rules = ActiveRules(self.database, graph=True, servicenow=True, instance="proof")
        self.worker = Worker(
            self.database,
            self._handlers(),
            now=lambda: self.now,
            classify=classify,
            limits={},
            owner="machine:1:1",
            on_parked=on_parked,
            jitter=lambda: 0.5,
            batch=1,
            merged=MERGED,
        )

    def close(self) -> None:
        self.database.dispose()
        self.folder.cleanup()

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        with self.database.unit_of_work() as work:
            policies.ensure_first(work, self.policy, self.now, "policy.yaml")
            people: dict[str, Person] = {}
            for key in STAFF:
                people[key] = Person(
                    directory_id=f"d-{key}", email=f"{key}@example.test", name=key.title(), slack_id=f"U0{key.upper()}",
                    department="Design", cost_centre="Design", country="FR", time_zone="Europe/Paris",
                    usage_location="FR",
                )  # fmt: skip
                work.session.add(people[key])
            work.session.flush()
            for key, (manager, roles) in STAFF.items():
                people[key].manager_id = people[manager].id if manager else None
                for role in roles:
                    began = self.now - timedelta(days=9)
                    work.session.add(RoleGrant(person_id=people[key].id, role=role, began_at=began))
            self.staff = {key: person.id for key, person in people.items()}
            publisher = Publisher(name="Example Publisher")
            contract = Contract(
                vendor="Example Vendor", number="C-1", starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31)
            )
            work.session.add_all([publisher, contract])
            work.session.flush()
            for key, (way, seats) in PRODUCTS.items():
                vendor = key in ("copilot", "planner")
                product = Product(
                    publisher_id=publisher.id, name=key.title(), key=key, owner_id=self.staff["chitra"], granting=way,
                    group_id="22222222-0000-4000-8000-000000000002" if key == "planner" else None,
                    catalog_item_id="item" if key == "acrobat" else None,
                )  # fmt: skip
                work.session.add(product)
                work.session.flush()
                sku = Sku(product_id=product.id, sku_id=f"sku-{key}" if vendor else None, part_number=key.upper())
                if vendor:
                    sku.enabled, sku.consumed, sku.figures_at = seats, 0, self.now
                work.session.add(sku)
                work.session.flush()
                work.session.add(
                    Entitlement(
                        product_id=product.id, sku_id=sku.id, contract_id=contract.id, quantity=seats,
                        unit_price=Decimal("336.00"), currency="EUR", starts_on=date(2026, 4, 1),
                        ends_on=date(2027, 3, 31), recorded_at=self.now,
                    )
                )  # fmt: skip
                self.products[key], self.skus[key] = product.id, sku.id
            work.commit()

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Any]:
        def shown(payload: dict[str, Any], run: JobRun) -> None:
            """Messages and Home tabs are proved elsewhere."""

        def noting(where: list[int], name: str) -> Any:
            def note(payload: dict[str, Any], run: JobRun) -> None:
                if payload[name] not in where:
                    where.append(payload[name])

            return note

        quiet = dict.fromkeys(
            ("card.show", "reply.show", "card.mail", "request.show", "home.publish", "answer.say"), shown
        )
        return {
            **LocalWork(self.rules).handlers(),
            **quiet,
            "line.grant": noting(self.granting, "line"),
            "seat.take_back": noting(self.removals, "return"),
            "seat.restore": noting(self.restorings, "return"),
            "ticket.settle": noting(self.tickets, "ticket"),
            "m365.figures": lambda payload, run: self.read_figures(run),
        }

    def read_figures(self, run: JobRun | None = None) -> None:
        """The vendor's counts as they are now."""
        skus = [
            SubscribedSku(
                sku_id=f"sku-{key}", part_number=key.upper(), enabled=self.outside.enabled[self.skus[key]],
                consumed=self.outside.consumed(self.skus[key]), warning=0, suspended=0, locked_out=0,
                applies_to="User", status="Enabled", plans=(),
            )
            for key in ("copilot", "planner")
        ]  # fmt: skip
        with self.database.unit_of_work() as work:
            directory.store_figures(work, skus, self.now, self.now)
            if run is not None:
                run.finish(work)
            work.commit()

    # -- what the outside answers, as the performers do ---------------------------------------------------------------

    def answer_grant(self, line_id: int, how: str) -> None:
        """Microsoft 365 is asked for this line's seat: read first, then write, then report (perform_graph)."""
        with self.database.unit_of_work() as work:
            line = work.session.get_one(RequestLine, line_id)
            wanted = granting.line_to_give(work, line_id)
            if wanted is None:
                # an answer that comes again, or after the request was taken back: nobody calls, the report is ignored
                granting.given(work, line_id, "direct", "microsoft365", self.now)
                work.commit()
                return
            request = wanted[1]
            sku, person = int(request.sku_id or 0), int(line.person_id or 0)
            holders = self.outside.holders.setdefault(sku, set())
            path = "direct" if sku == self.skus["copilot"] else "group:22222222-0000-4000-8000-000000000002"
            if person in holders:
                granting.given(work, line_id, path, "microsoft365", self.now)
            elif how == "delayed":
                granting.delayed(work, line_id, "Microsoft 365", self.now)
            elif how == "blocked":
                granting.blocked(work, line_id, "Set a usage location, then try again.", "microsoft365", self.now)
            elif self.outside.free(sku) <= 0:
                granting.no_seat_left(work, line_id, "microsoft365", self.now)
            else:
                holders.add(person)
                if how != "lost":  # given, and the report died with the process
                    granting.given(work, line_id, path, "microsoft365", self.now)
            work.commit()

    def answer_removal(self, return_id: int, how: str) -> bool:
        """The removal of one confirmed seat; True when something was taken outside."""
        taken = False
        with self.database.unit_of_work() as work:
            aim = taking.begin(work, self.rules(), recheck, return_id, self.now)
            found = taking.Found('{"disabled_plans": []}')
            if isinstance(aim, taking.Removal) and taking.clear_to_write(
                work, self.rules(), recheck, return_id, found, self.now
            ):
                row = work.session.get_one(SeatReturn, return_id)
                seat = work.session.get_one(Seat, row.seat_id)
                if how == "blocked":
                    seat_returns.not_removed(work, return_id, "It was left alone.", "microsoft365", self.now)
                else:
                    self.outside.holders.setdefault(seat.sku_id, set()).discard(seat.person_id)
                    taken = True
                    if how != "lost":
                        seat_returns.removed(work, return_id, "microsoft365", self.now)
            work.commit()
        return taken

    def answer_restore(self, return_id: int) -> None:
        with self.database.unit_of_work() as work:
            row = work.session.get_one(SeatReturn, return_id)
            if row.state == "restoring":
                seat = work.session.get_one(Seat, row.seat_id)
                holders = self.outside.holders.setdefault(seat.sku_id, set())
                if seat.person_id in holders or self.outside.free(seat.sku_id) > 0:
                    holders.add(seat.person_id)
                    seats_back.restored(work, return_id, "microsoft365", self.now)
                else:
                    seats_back.not_restored(work, return_id, "No seat is free.", "microsoft365", self.now)
            else:
                seats_back.restored(work, return_id, "microsoft365", self.now)  # an answer that comes again
            work.commit()

    # -- looking -------------------------------------------------------------------------------------------------------

    def ids(self, column: Any, *where: Any) -> list[int]:
        with self.database.reading() as connection:
            return list(connection.execute(select(column).where(*where).order_by(column)).scalars())

    def unit(self) -> Any:
        return self.database.unit_of_work()


__all__ = ["POLICY", "PRODUCTS", "STAFF", "START", "Office", "UnitOfWork"]
