"""A company with many requests that wait for their managers, written through the model in bulk.

Every row is what the workflows would have left behind: the request sent and priced, one seat wanted for its requester,
the line manager's step open and watched, both cards made, and the events of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select

from model.contracts import Contract, Entitlement
from model.events import Happened, Tag
from model.licences import Granting, Product, Publisher, Sku
from model.people import Person, Role, RoleGrant
from model.requests import (
    ApprovalStep,
    ApproverState,
    Card,
    LicenceRequest,
    LineState,
    RequestKind,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from model.session import Database, UnitOfWork
from workflows.cards import CardKind, person
from workflows.effects import WatchStep, enqueue

#: The line manager alone decides; no stand-in for ServiceNow is measured, so nothing is recorded there.
POLICY = """\
version: 1
approval: {fallback: {roles: [licence_manager]}}
finance: {above: {EUR: 1000000.00}, counts: purchases}
servicenow: {request_item: false}
"""
#: Requests that wait for one manager: fewer than become a list, no more than the messages a person gets a day.
PER_MANAGER = 3
PRODUCTS = ("Miro", "Figma", "Notion", "Lucid", "Tableau", "Camtasia", "Snagit", "Mural")
_SLICE = 500


@dataclass(frozen=True)
class Open:
    """A request that waits, and the button that decides it."""

    request_id: int
    version: int
    approver_id: int
    card_id: int
    manager_slack: str
    requester_slack: str


def fill(database: Database, requests: int, now: datetime) -> list[Open]:
    """Write the company and its open requests; the database must be migrated and empty of people."""
    managers = -(-requests // PER_MANAGER)
    with database.unit_of_work() as work:
        _people(work, requests, managers, now)
        _products(work, requests, now)
        made: list[Open] = []
        for first in range(0, requests, _SLICE):
            made += _requests(work, range(first, min(first + _SLICE, requests)), managers, now)
        work.commit()
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")  # as the server does by itself within a minute
    return made


def _people(work: UnitOfWork, employees: int, managers: int, now: datetime) -> None:
    """Row 1 heads the company, then the managers, then everybody who asks."""
    rows = [
        {
            "id": number,
            "directory_id": f"00000000-0000-4000-8000-{number:012d}",
            "email": f"person{number}@example.test",
            "name": f"Person {number}",
            "slack_id": f"U{number:08d}",
            "manager_id": None if number == 1 else 1 if number <= managers + 1 else 2 + number % managers,
            "department": f"Department {number % 20}",
            "cost_centre": f"CC{number % 20}",
            "country": "FR",
            "usage_location": "FR",
        }
        for number in range(1, 2 + managers + employees)
    ]
    work.session.execute(insert(Person), rows)
    _go_on_from(work, Person)
    work.session.add(RoleGrant(person_id=1, role=Role.LICENCE_MANAGER, began_at=now - timedelta(days=100)))


def _products(work: UnitOfWork, requests: int, now: datetime) -> None:
    today = now.date()
    contract = Contract(
        vendor="Example Vendor", number="C-1", starts_on=date(today.year, 1, 1), ends_on=date(today.year + 1, 12, 31)
    )
    publisher = Publisher(name="Example Publisher")
    work.session.add_all([contract, publisher])
    work.session.flush()  # their ids are named next
    for number, name in enumerate(PRODUCTS, start=1):
        key = name.lower()
        work.session.add(
            Product(id=number, publisher_id=publisher.id, name=name, key=key, owner_id=1, granting=Granting.OWNER_TASK)
        )
        work.session.flush()
        work.session.add(Sku(id=number, product_id=number, part_number=key.upper()))
        work.session.flush()
        work.session.add(
            Entitlement(
                product_id=number,
                sku_id=number,
                contract_id=contract.id,
                quantity=requests,
                unit_price=Decimal(120),
                currency="EUR",
                starts_on=contract.starts_on,
                ends_on=contract.ends_on,
                recorded_at=now,
            )
        )
    _go_on_from(work, Product)
    _go_on_from(work, Sku)


def _requests(work: UnitOfWork, numbers: Sequence[int], managers: int, now: datetime) -> list[Open]:
    asked_at, due_at = now - timedelta(hours=1), now + timedelta(hours=30)
    employees = [managers + 2 + number for number in numbers]
    manager_of = {one: 2 + one % managers for one in employees}
    product_of = {one: 1 + one % len(PRODUCTS) for one in employees}

    def add(model: type[Any], rows: list[dict[str, Any]]) -> list[int]:
        adding = insert(model).returning(model.id, sort_by_parameter_order=True)
        return [int(key) for key in work.session.execute(adding, rows).scalars()]

    requests = add(
        LicenceRequest,
        [
            {
                "submission_key": f"V{one:08d}",
                "kind": RequestKind.SEAT,
                "requester_id": one,
                "product_id": product_of[one],
                "sku_id": product_of[one],
                "reason": "Minutes and drafts for the move of the Lyon office, which begins next week.",
                "frequency": "weekly",
                "status": Status.AWAITING_APPROVAL,
                "cost": Decimal(120),
                "currency": "EUR",
                "cost_centre": f"CC{one % 20}",
                "policy_version_id": 1,
                "created_at": asked_at,
                "submitted_at": asked_at,
            }
            for one in employees
        ],
    )
    both = list(zip(employees, requests, strict=True))
    work.session.execute(
        insert(RequestLine), [{"request_id": r, "person_id": one, "state": LineState.WANTED} for one, r in both]
    )
    steps = add(
        ApprovalStep,
        [
            {
                "request_id": request,
                "position": 1,
                "kind": StepKind.LINE_MANAGER,
                "because": "the requester's manager",
                "state": StepState.OPEN,
                "opened_at": asked_at,
                "due_at": due_at,
            }
            for request in requests
        ],
    )
    approvers = add(
        StepApprover,
        [
            {
                "step_id": step,
                "person_id": manager_of[one],
                "because": "the requester's manager",
                "state": ApproverState.ASKED,
                "asked_at": asked_at,
            }
            for one, step in zip(employees, steps, strict=True)
        ],
    )
    cards = add(
        Card,
        [
            {
                "kind": CardKind.APPROVAL.value,
                "subject_id": approver,
                "audience": person(manager_of[one]),
                "request_id": request,
                "created_at": asked_at,
            }
            for (one, request), approver in zip(both, approvers, strict=True)
        ],
    )
    work.session.execute(
        insert(Card),
        [
            {
                "kind": CardKind.PROGRESS.value,
                "subject_id": request,
                "audience": person(one),
                "request_id": request,
                "created_at": asked_at,
            }
            for one, request in both
        ],
    )
    events = [
        Happened(
            Tag.REQUEST_SUBMITTED,
            f"person:{one}",
            f"request:{request}",
            {"kind": "seat", "product": product_of[one], "sku": product_of[one], "seats": 1, "policy": 1},
            {"why": "Minutes and drafts for the move of the Lyon office, which begins next week."},
        )
        for one, request in both
    ]
    events += [
        Happened(
            Tag.REQUEST_STEP_OPENED,
            "rule:routing",
            f"request:{request}",
            {"step": step, "kind": "line_manager", "asked": [f"person:{manager_of[one]}"]},
        )
        for (one, request), step in zip(both, steps, strict=True)
    ]
    work.record(events, asked_at)
    enqueue(work, [WatchStep(step, now + timedelta(hours=6)) for step in steps], asked_at)
    return [
        Open(request, 1, approver, card, f"U{manager_of[one]:08d}", f"U{one:08d}")
        for (one, request), approver, card in zip(both, approvers, cards, strict=True)
    ]


def _go_on_from(work: UnitOfWork, model: type[Any]) -> None:
    """PostgreSQL counts its keys apart from the rows: let it go on behind the ones given here."""
    if work.connection.dialect.name == "postgresql":
        table = model.__tablename__
        highest = select(func.max(model.id)).scalar_subquery()
        work.session.execute(select(func.setval(func.pg_get_serial_sequence(table, "id"), highest)))


@dataclass(frozen=True)
class Outcome:
    """What the presses left behind, counted in the database."""

    decided: int
    events: int
    jobs: int


def outcome(database: Database, requests: Sequence[int]) -> Outcome:
    """How many of these requests are decided, by how many events, with how many jobs to follow."""
    from jobs.tables import Job
    from model.events import Event

    with database.reading() as connection:
        decided = connection.execute(
            select(func.count())
            .select_from(LicenceRequest)
            .where(LicenceRequest.id.in_(requests), LicenceRequest.decided_at.is_not(None))
        ).scalar_one()
        events = connection.execute(
            select(func.count()).select_from(Event).where(Event.tag == Tag.REQUEST_APPROVED.value)
        ).scalar_one()
        jobs = connection.execute(
            select(func.count()).select_from(Job).where(Job.kind.in_(["request.advance", "request.show"]))
        ).scalar_one()
    return Outcome(decided, events, jobs)
