"""Loads what `eligibility.check` must know about a form and raises the corrections it asks for."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from model.licences import Product, Seat, Sku
from model.people import Person, Role
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestLine,
    Status,
    StepApprover,
    StepState,
)
from model.session import UnitOfWork
from workflows import refusals
from workflows.eligibility import FormFacts, Held, OpenRequest, check, check_named
from workflows.facts import PersonFacts
from workflows.forms import RequestForm
from workflows.people import directory_for
from workflows.reads.prices import prices
from workflows.rules import Rules

_OPEN = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.WAITING_FOR_SEAT, Status.FULFILLING, Status.FAILED)


def check_form(
    work: UnitOfWork,
    rules: Rules,
    form: RequestForm,
    requester: Person,
    product: Product,
    sku: Sku,
    now: datetime,
    extends_until: date | None = None,
) -> None:
    """Raises FieldRefusals when something in the form needs a correction."""
    facts, today = _facts(work, rules, form, requester, product, sku, now, extends_until)
    wrong = check(facts, rules.policy, today)
    if wrong:
        raise refusals.FieldRefusals(wrong)


def named_wrongly(
    work: UnitOfWork,
    rules: Rules,
    request: LicenceRequest,
    by: Person,
    people: tuple[int, ...],
    product: Product,
    sku: Sku,
    now: datetime,
) -> tuple[str, ...]:
    """What stands between these people and seats of a request that has none of their names; `by` reads it."""
    form = RequestForm(
        request.submission_key,
        product.id,
        people,
        len(people),
        request.reason,
        "",
        sku_id=sku.id,
        until=request.until_on,
    )
    facts, _ = _facts(work, rules, form, by, product, sku, now)
    return check_named(facts, rules.policy)


def _facts(
    work: UnitOfWork,
    rules: Rules,
    form: RequestForm,
    requester: Person,
    product: Product,
    sku: Sku,
    now: datetime,
    extends_until: date | None = None,
) -> tuple[FormFacts, date]:
    """What the rules must know, and the reader's day."""
    directory = directory_for(work.connection, [requester.id, *form.people], rules.policy, now, mail=rules.mail)
    missing = [person_id for person_id in form.people if person_id not in directory]
    gone = [directory[i] for i in form.people if i in directory and not directory[i].active]
    tiers = work.connection.execute(select(Sku.tier, Sku.rank).where(Sku.product_id == product.id)).all()
    facts = FormFacts(
        requester=directory[requester.id],
        product_key=product.key,
        product_name=product.name,
        people=tuple(directory[i] for i in form.people if i in directory and directory[i].active),
        seats=form.seats,
        why=form.why,
        unknown_people=(*(f"person {i}" for i in missing), *(person.name for person in gone)),
        tier=sku.tier,
        tiers=dict(row._tuple() for row in tiers) if len(tiers) > 1 else {},
        until=form.until,
        term_ends=prices(work.connection, [sku.id], now.date())[sku.id].ends_on,
        held=held_by(work, form.people),
        open_requests=() if extends_until else _open_requests(work, product.id, form.people),
        approver=_approver(directory, requester),
        helper=_helper(directory, rules),
        extends_until=extends_until,
    )
    return facts, directory[requester.id].today(now)


def held_by(work: UnitOfWork, people: tuple[int, ...]) -> tuple[Held, ...]:
    """All open seats of these people."""
    rows = work.connection.execute(
        select(Seat.person_id, Product.key, Product.name, Seat.until_on)
        .join(Product, Product.id == Seat.product_id)
        .where(Seat.person_id.in_(people), Seat.ended_at.is_(None))
    )
    return tuple(Held(*row) for row in rows)


def _open_requests(work: UnitOfWork, product_id: int, people: tuple[int, ...]) -> tuple[OpenRequest, ...]:
    waits_for = (
        select(Person.name)
        .join(StepApprover, StepApprover.person_id == Person.id)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(
            ApprovalStep.request_id == LicenceRequest.id,
            ApprovalStep.state == StepState.OPEN,
            StepApprover.state == ApproverState.ASKED,
        )
        .order_by(StepApprover.id)
        .limit(1)
        .correlate(LicenceRequest)
        .scalar_subquery()
    )
    rows = work.connection.execute(
        select(RequestLine.person_id, LicenceRequest.submitted_at, waits_for)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(
            LicenceRequest.product_id == product_id,
            RequestLine.person_id.in_(people),
            RequestLine.state.not_in([LineState.DROPPED, LineState.GRANTED]),
            LicenceRequest.status.in_(_OPEN),
        )
    )
    return tuple(OpenRequest(person, at.date(), name or "") for person, at, name in rows)


def _approver(directory: dict[int, PersonFacts], requester: Person) -> str:
    manager = directory.get(requester.manager_id) if requester.manager_id is not None else None
    return manager.name if manager is not None else ""


def _helper(directory: dict[int, PersonFacts], rules: Rules) -> str:
    named = (rules.policy.limits.ask_for_more or "").lower()
    for person in directory.values():
        if named and person.email.lower() == named:
            return person.name
    return next((one.name for one in directory.values() if Role.LICENCE_MANAGER in one.roles and one.active), "")
