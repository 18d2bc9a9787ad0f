"""Whose press stands behind a seat's last day: without one nothing is taken (rules §7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from model.people import Person
from model.requests import ApprovalStep, ApproverState, LicenceRequest, RequestLine, StepApprover


@dataclass(frozen=True)
class EndAgreed:
    """The approver who pressed on a card that said "ends on D, then taken back", and in which step."""

    step_id: int
    person_id: int
    name: str


def end_agreed(connection: Connection, seat_id: int, line_id: int | None, until_on: date) -> EndAgreed | None:
    """The press behind this last day, of the first request or of the newest extension to it; None for a rule's."""
    first = select(RequestLine.request_id).where(RequestLine.id == line_id).scalar_subquery()
    newest = (
        select(LicenceRequest.id)
        .where(
            (LicenceRequest.id == first) | (LicenceRequest.extends_seat_id == seat_id),
            LicenceRequest.until_on == until_on,
        )
        .order_by(LicenceRequest.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    row = connection.execute(
        select(ApprovalStep.id, StepApprover.person_id, Person.name)
        .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
        .join(Person, Person.id == StepApprover.person_id)
        .where(ApprovalStep.request_id == newest, StepApprover.state == ApproverState.AGREED)
        .order_by(StepApprover.decided_at.desc())
        .limit(1)
    ).one_or_none()
    return EndAgreed(*row) if row is not None else None
