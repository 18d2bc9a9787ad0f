"""Requests that wait for a person: nobody can decide them, nobody answers, or their seat could not be given."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from model.licences import Product
from model.people import Person
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
    StepState,
)
from workflows.cards import CardKind, channel
from workflows.reads.facts import Told, Who
from workflows.reads.people import people
from workflows.reads.seat_facts import StuckFacts
from workflows.request import reference

#: Stands where our own words or somebody's would name a person in a channel.
NOBODY_NAMED = "the person"


_WHOM = {channel("it_alerts"): "IT", channel("licences"): "the licence managers"}


@dataclass(frozen=True)
class Behind:
    """Who a stuck request is about, for those who may know."""

    requester: Who
    holders: tuple[Who, ...]
    words: tuple[str, ...]  # what is in the way, in full


def stuck(connection: Connection, request_ids: Collection[int], now: datetime) -> dict[int, StuckFacts]:
    """By request id, settled ones too, for those that exist."""
    rows = connection.execute(
        select(
            LicenceRequest.id,
            LicenceRequest.kind,
            LicenceRequest.status,
            LicenceRequest.version,
            LicenceRequest.requester_id,
            LicenceRequest.submitted_at,
            LicenceRequest.created_at,
            LicenceRequest.details,
            LicenceRequest.product_id,
            LicenceRequest.closing_words,
            Product.name,
        )
        .outerjoin(Product, Product.id == LicenceRequest.product_id)
        .where(LicenceRequest.id.in_(request_ids))
    ).all()
    ids = [row.id for row in rows]
    words = _words(connection, rows)
    steps = _open_steps(connection, ids)
    people_told = told(connection, ids)
    facts = {}
    for row in rows:
        step, since = steps.get(row.id), people_told[row.id].at if row.id in people_told else None
        missing = max(0, step.quorum - step.asked - step.agreed) if step is not None else 0
        silent = bool(step is not None and step.asked and since is not None and since > step.last_asked_at)
        awaiting = row.status == Status.AWAITING_APPROVAL and (missing > 0 or silent)
        facts[row.id] = StuckFacts(
            request_id=row.id,
            reference=reference(row.id),
            product=row.name or str((row.details or {}).get("name") or "something new"),
            status=Status(row.status),
            words=words.get(row.id, ""),
            since=since or row.submitted_at or row.created_at,
            settled=row.status != Status.FAILED and not awaiting,
            version=row.version,
            missing=missing,
            silent=silent and not missing,
            product_id=row.product_id,
            can_retry=row.kind == RequestKind.SEAT,
        )
    return facts


def waiting(connection: Connection, now: datetime) -> tuple[int, ...]:
    """Every request that waits for a person now, oldest first."""
    noted = select(Card.subject_id).where(Card.kind == CardKind.STUCK, Card.live)
    unasked = (
        select(ApprovalStep.id)
        .where(ApprovalStep.request_id == LicenceRequest.id, ApprovalStep.state == StepState.OPEN)
        .where(ApprovalStep.due_at.is_(None))  # a step that could ask enough people has its time limit
    )
    ids = connection.execute(
        select(LicenceRequest.id).where(
            or_(
                LicenceRequest.status == Status.FAILED,
                and_(
                    LicenceRequest.status == Status.AWAITING_APPROVAL,
                    or_(LicenceRequest.id.in_(noted), unasked.exists()),
                ),
            )
        )
    ).scalars()
    found = stuck(connection, list(ids), now)
    return tuple(sorted(key for key, one in found.items() if not one.settled))


def told(connection: Connection, request_ids: Collection[int]) -> dict[int, Told]:
    """Who was last told of a request that is stuck, and when."""
    rows = connection.execute(
        select(Card.subject_id, Card.audience, Card.created_at)
        .where(Card.kind == CardKind.STUCK, Card.subject_id.in_(request_ids), Card.audience.like("channel:%"))
        .order_by(Card.created_at, Card.id)
    )
    return {row.subject_id: Told(_WHOM.get(row.audience, "a person"), row.created_at) for row in rows}


def behind(connection: Connection, request_id: int) -> Behind | None:
    """The people and the full words; only for those entitled."""
    row = connection.execute(select(LicenceRequest.requester_id).where(LicenceRequest.id == request_id)).one_or_none()
    if row is None:
        return None
    lines = connection.execute(
        select(RequestLine.person_id, RequestLine.words, RequestLine.state)
        .where(RequestLine.request_id == request_id)
        .order_by(RequestLine.id)
    ).all()
    known = people(connection, [row.requester_id, *(line.person_id for line in lines)])
    return Behind(
        known[row.requester_id],
        tuple(known[line.person_id] for line in lines if line.person_id in known),
        tuple(dict.fromkeys(line.words for line in lines if line.words and line.state == LineState.FAILED)),
    )


def _open_steps(connection: Connection, ids: Collection[int]) -> dict[int, Row[Any]]:
    asked = StepApprover.state == ApproverState.ASKED
    rows = connection.execute(
        select(
            ApprovalStep.request_id,
            ApprovalStep.quorum,
            func.count(StepApprover.id).filter(asked).label("asked"),
            func.count(StepApprover.id).filter(StepApprover.state == ApproverState.AGREED).label("agreed"),
            func.max(StepApprover.asked_at).filter(asked).label("last_asked_at"),
        )
        .outerjoin(StepApprover, StepApprover.step_id == ApprovalStep.id)
        .where(ApprovalStep.request_id.in_(ids), ApprovalStep.state == StepState.OPEN)
        .group_by(ApprovalStep.id, ApprovalStep.request_id, ApprovalStep.quorum)
    )
    return {row.request_id: row for row in rows}


def _words(connection: Connection, rows: Iterable[Row[Any]]) -> dict[int, str]:
    """What is in the way of each request's seats, with no person's name in it."""
    failed = {row.id: row.closing_words for row in rows if row.status == Status.FAILED}
    if not failed:
        return {}
    lines = connection.execute(
        select(RequestLine.request_id, RequestLine.words, RequestLine.person_id, RequestLine.state)
        .where(RequestLine.request_id.in_(failed))
        .order_by(RequestLine.id)
    ).all()
    ids = {line.person_id for line in lines if line.person_id} | {row.requester_id for row in rows}
    names = connection.execute(select(Person.name).where(Person.id.in_(ids))).scalars().all()
    found: dict[int, list[str]] = {key: [] for key in failed}
    for line in lines:
        if line.state == LineState.FAILED and line.words:
            found[line.request_id].append(line.words)
    said = {key: " ".join(dict.fromkeys(words)) or failed[key] for key, words in found.items()}
    for name in sorted((one for one in names if one), key=len, reverse=True):
        said = {key: words.replace(name, NOBODY_NAMED) for key, words in said.items()}
    return said
