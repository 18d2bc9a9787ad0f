"""Why a press changes nothing: the slow path of a decision, which finds the sentence for the person who pressed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, exists, or_, select

from model.people import Person
from model.requests import ApprovalStep, ApproverState, LicenceRequest, RequestLine, Status, StepApprover
from model.session import UnitOfWork
from workflows import refusals
from workflows.request import FINAL

#: Who pressed: a Slack user id, or a person's row id (a signed link).
Presser = str | int


def why_not(work: UnitOfWork, approver_id: int, who: Presser) -> refusals.Refusal:
    """The reason why a press on this card changes nothing, for the person who pressed."""
    by = Person.slack_id == who if isinstance(who, str) else Person.id == who
    presser = work.connection.execute(select(Person.id, Person.active).where(by)).one_or_none()
    if presser is None or not presser.active:
        return refusals.UnknownPerson(link_code(who) if isinstance(who, str) else "")
    row = work.connection.execute(
        select(
            StepApprover.person_id,
            StepApprover.state,
            ApprovalStep.id.label("step_id"),
            ApprovalStep.kind,
            LicenceRequest.id.label("request_id"),
            LicenceRequest.status,
            LicenceRequest.requester_id,
            LicenceRequest.closed_at,
            LicenceRequest.decided_at,
        )
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .join(LicenceRequest, LicenceRequest.id == ApprovalStep.request_id)
        .where(StepApprover.id == approver_id)
    ).one_or_none()
    if row is None:
        return refusals.NotYourStep(())
    settled = _settled(work, row)
    if settled is not None:
        return settled
    if presser.id == row.requester_id:
        return refusals.OwnRequest(asked_names(work, approver_id, but=presser.id))
    benefits = work.connection.execute(
        select(exists().where(RequestLine.request_id == row.request_id, RequestLine.person_id == presser.id))
    ).scalar()
    if benefits:
        return refusals.WouldBenefit()
    names = asked_names(work, approver_id, but=presser.id)
    own = work.connection.execute(
        select(StepApprover.state).where(StepApprover.step_id == row.step_id, StepApprover.person_id == presser.id)
    ).scalar()
    if own == ApproverState.PASSED:
        return refusals.RightGone(names[0] if names else "", "this request")
    return refusals.NotYourStep(names)


def _settled(work: UnitOfWork, row: Row[Any]) -> refusals.Refusal | None:
    """The request, or this step of it, is no longer open: by whom and when."""
    status = Status(row.status)
    if status in (Status.WITHDRAWN, Status.EXPIRED):
        how = "withdrawn" if status in FINAL else "closed without an answer"
        return refusals.AlreadyClosed(how, row.closed_at)
    decider = work.connection.execute(
        select(Person.id, Person.name, StepApprover.state, StepApprover.decided_at)
        .join(Person, Person.id == StepApprover.person_id)
        .where(
            StepApprover.step_id == row.step_id,
            or_(
                StepApprover.state == ApproverState.AGREED,
                and_(StepApprover.state == ApproverState.DENIED),
            ),
        )
        .order_by(StepApprover.decided_at.desc())
        .limit(1)
    ).one_or_none()
    open_still = status == Status.AWAITING_APPROVAL and row.state == ApproverState.ASKED
    if decider is None or open_still:
        return None
    verb = "approved" if decider.state == ApproverState.AGREED else "did not approve"
    return refusals.AlreadyDecided(decider.name, verb, decider.decided_at, decider.id)


def asked_names(work: UnitOfWork, approver_id: int, *, but: int) -> tuple[str, ...]:
    """Who can still answer in the step of this row, `but` one person."""
    step = select(StepApprover.step_id).where(StepApprover.id == approver_id).scalar_subquery()
    rows = work.connection.execute(
        select(Person.name)
        .join(StepApprover, StepApprover.person_id == Person.id)
        .where(StepApprover.step_id == step, StepApprover.state == ApproverState.ASKED, Person.id != but)
        .order_by(StepApprover.id)
    )
    return tuple(rows.scalars())


def link_code(slack_id: str) -> str:
    """A short code a person reads to IT, who find the Slack account by it; not a secret."""
    return f"U-LINK-{slack_id[-4:].upper()}"
