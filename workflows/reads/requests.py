"""Requests with their lines, steps and the people asked: four queries for any number of requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import aliased

from model.licences import Product, Seat, Sku
from model.people import Person
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestKind,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from workflows.reads.facts import AskedFacts, LineFacts, RequestFacts, StepFacts, Who
from workflows.reads.people import people
from workflows.request import reference


def requests(connection: Connection, ids: Collection[int]) -> dict[int, RequestFacts]:
    """By id, for those that exist."""
    if not ids:
        return {}
    several = aliased(Sku)
    rows = connection.execute(
        select(
            *LicenceRequest.__table__.c,
            Product.name.label("product_name"),
            Sku.tier,
            select(func.count(several.id)).where(several.product_id == Product.id).scalar_subquery().label("tiers"),
            Seat.until_on.label("extends_until"),
        )
        .outerjoin(Product, Product.id == LicenceRequest.product_id)
        .outerjoin(Sku, Sku.id == LicenceRequest.sku_id)
        .outerjoin(Seat, Seat.id == LicenceRequest.extends_seat_id)
        .where(LicenceRequest.id.in_(ids))
    ).all()
    lines = connection.execute(
        select(*RequestLine.__table__.c).where(RequestLine.request_id.in_(ids)).order_by(RequestLine.id)
    ).all()
    steps = connection.execute(
        select(*ApprovalStep.__table__.c).where(ApprovalStep.request_id.in_(ids)).order_by(ApprovalStep.position)
    ).all()
    asked = connection.execute(
        select(*StepApprover.__table__.c)
        .where(StepApprover.step_id.in_([step.id for step in steps]))
        .order_by(StepApprover.id)
    ).all()
    known = people(
        connection,
        [
            *(row.requester_id for row in rows),
            *(row.question_by_id for row in rows),
            *(_closed_by(row) for row in rows),
            *(line.person_id for line in lines),
            *(one.person_id for one in asked),
            *(one.stands_in_for_id for one in asked),
        ],
    )
    away = _away_until(connection, {one.stands_in_for_id for one in asked} - {None})
    tiers = _tier_names(connection, asked)
    lines_of: dict[int, list[LineFacts]] = defaultdict(list)
    for line in lines:
        lines_of[line.request_id].append(
            LineFacts(line.id, known.get(line.person_id), LineState(line.state), line.words, line.granted_at)
        )
    asked_of: dict[int, list[AskedFacts]] = defaultdict(list)
    for one in asked:
        asked_of[one.step_id].append(_asked(one, known, away, tiers))
    steps_of: dict[int, list[StepFacts]] = defaultdict(list)
    for step in steps:
        steps_of[step.request_id].append(_step(step, asked_of[step.id]))
    return {row.id: _request(row, known, lines_of[row.id], steps_of[row.id]) for row in rows}


def _request(row: Row[Any], known: dict[int, Who], lines: list[LineFacts], steps: list[StepFacts]) -> RequestFacts:
    # of answers and notes the latest: it is what the approver has not read yet
    latest = {
        key: value[-1] if isinstance(value, list) else value for key, value in (row.details or {}).items() if value
    }
    details = {key: str(value) for key, value in latest.items() if value not in (None, "")}
    return RequestFacts(
        id=row.id,
        reference=reference(row.id),
        version=row.version,
        kind=RequestKind(row.kind),
        status=Status(row.status),
        requester=known[row.requester_id],
        product_id=row.product_id,
        product=row.product_name or details.get("name") or "something new",
        sku_id=row.sku_id,
        tier=(row.tier or "") if (row.tiers or 0) > 1 else "",
        seats=row.seats,
        until_on=row.until_on,
        reason=row.reason,
        frequency=row.frequency,
        alternative_offered=row.alternative_offered,
        cost_centre=row.cost_centre,
        purchase=row.purchase,
        pre_approved_rule=row.pre_approved_rule,
        question=row.question,
        question_by=known.get(row.question_by_id),
        question_at=row.question_at,
        urgent_reason=row.urgent_reason,
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        queued_at=row.queued_at,
        closed_at=row.closed_at,
        nudged_at=row.nudged_at,
        closing_words=row.closing_words,
        extends_until=row.extends_until,
        details=details,
        lines=tuple(lines),
        steps=tuple(steps),
        closed_by=known.get(_closed_by(row) or 0),
    )


def _closed_by(row: Row[Any]) -> int | None:
    """Who gave the request up, when it was not whoever asked."""
    found: int | None = (row.details or {}).get("closed_by")
    return found


def _step(row: Row[Any], asked: list[AskedFacts]) -> StepFacts:
    return StepFacts(
        id=row.id,
        position=row.position,
        kind=StepKind(row.kind),
        because=row.because,
        quorum=row.quorum,
        state=StepState(row.state),
        opened_at=row.opened_at,
        due_at=row.due_at,
        escalations=row.escalations,
        decided_at=row.decided_at,
        asked=tuple(asked),
    )


def _asked(row: Row[Any], known: dict[int, Who], away: dict[int, date], tiers: dict[int, str]) -> AskedFacts:
    lowered = row.changed or {}
    until = lowered.get("until_on")
    return AskedFacts(
        id=row.id,
        who=known[row.person_id],
        because=row.because,
        stands_in_for=known.get(row.stands_in_for_id),
        stands_in_until=away.get(row.stands_in_for_id),
        state=ApproverState(row.state),
        asked_at=row.asked_at,
        reminders=row.reminders,
        decided_at=row.decided_at,
        words=row.words,
        lowered_until=date.fromisoformat(until) if until else None,
        lowered_seats=int(lowered["seats"]) if lowered.get("seats") else None,
        lowered_tier=tiers.get(int(lowered["sku_id"]), "") if lowered.get("sku_id") else "",
        handed_on=row.handed_on,
    )


def _away_until(connection: Connection, ids: Iterable[int]) -> dict[int, date]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = connection.execute(select(Person.id, Person.absent_until).where(Person.id.in_(wanted)))
    return {row.id: row.absent_until for row in rows if row.absent_until}


def _tier_names(connection: Connection, asked: Iterable[Row[Any]]) -> dict[int, str]:
    wanted = {int(one.changed["sku_id"]) for one in asked if one.changed and one.changed.get("sku_id")}
    if not wanted:
        return {}
    return {row.id: row.tier for row in connection.execute(select(Sku.id, Sku.tier).where(Sku.id.in_(wanted)))}
