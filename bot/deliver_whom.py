"""Whom a change concerns: the messages about a request, and the people who stand in for a channel nobody named."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.cards import CardRow
from model.people import Person, Role, RoleGrant
from model.requests import ApprovalStep, Card, LicenceRequest, RequestLine, StepApprover
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, PublishHome, ShowCard


def in_person(work: UnitOfWork, card: CardRow, role: Role, now: datetime) -> list[Effect]:
    """A copy for everybody with the role, or the copies there are, to be renewed."""
    there = list(
        work.connection.execute(
            select(Card.id).where(
                Card.kind == card.kind, Card.subject_id == card.subject_id, Card.audience.like("person:%"), Card.live
            )
        ).scalars()
    )
    if there:
        return [ShowCard(one) for one in there]
    holders = work.connection.execute(
        select(RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(RoleGrant.role == role, RoleGrant.began_at <= now, RoleGrant.ended_at.is_(None), Person.active)
        .distinct()
    ).scalars()
    effects: list[Effect] = []
    for person_id in sorted(holders):
        effects += cards.new_card(
            work,
            card.kind,
            card.subject_id,
            cards.person(person_id),
            now,
            request_id=card.request_id,
            facts=card.facts,
        )
    return effects


def concerned(work: UnitOfWork, request_id: int) -> list[Effect]:
    """Cards, lists and Home tabs that a change of this request touches."""
    effects: list[Effect] = [ShowCard(one) for one in cards.cards_of_request(work, request_id)]
    asked = set(
        work.connection.execute(
            select(StepApprover.person_id)
            .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
            .where(ApprovalStep.request_id == request_id)
        ).scalars()
    )
    lists = work.connection.execute(
        select(Card.id).where(Card.kind == CardKind.DECISIONS, Card.subject_id.in_(asked), Card.live)
    ).scalars()
    effects += [ShowCard(one) for one in lists]
    people = asked | set(
        work.connection.execute(
            select(RequestLine.person_id).where(
                RequestLine.request_id == request_id, RequestLine.person_id.is_not(None)
            )
        ).scalars()
    )
    people |= set(
        work.connection.execute(select(LicenceRequest.requester_id).where(LicenceRequest.id == request_id)).scalars()
    )
    opened = work.connection.execute(
        select(Person.id).where(Person.id.in_(people), Person.home_seen_at.is_not(None)).order_by(Person.id)
    ).scalars()
    return effects + [PublishHome(person_id) for person_id in opened]
