"""One line in the requester's thread for each event that concerns them, read off the audit trail.

What was said is a card named after the event, so an event is told once however often this runs.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, select

from model.events import Event, EventPersonal, Tag, person_of
from model.requests import Card, LicenceRequest, LineState, RequestKind, RequestLine, Status
from model.session import UnitOfWork
from workflows import cards
from workflows.effects import Effect, ShowReply
from workflows.replies import About, Said

_TOLD = (
    Tag.REQUEST_QUESTION_ASKED,
    Tag.REQUEST_STEP_AGREED,
    Tag.REQUEST_APPROVED,
    Tag.REQUEST_PRE_APPROVED,
    Tag.REQUEST_DENIED,
    Tag.REQUEST_EXPIRED,
    Tag.REQUEST_CLOSED,
    Tag.REQUEST_QUEUED,
    Tag.REQUEST_PURCHASE_ORDERED,
    Tag.REQUEST_GRANT_DELAYED,
    Tag.REQUEST_GRANT_FAILED,
    Tag.REQUEST_FULFILLED,
    Tag.REQUEST_HOLDER_NAMED,
)


#: What is in the way is told in the words of whoever clears it, and it is not the reader.
_CLEARED = "A person was told to clear what is in the way"


def announce(work: UnitOfWork, request: LicenceRequest, now: datetime) -> list[Effect]:
    """Make the replies for events nobody was told of yet."""
    root = work.connection.execute(
        select(Card.id).where(
            Card.kind == cards.CardKind.PROGRESS, Card.subject_id == request.id, Card.live, Card.thread_of_id.is_(None)
        )
    ).scalar()
    if root is None:
        return []
    told = select(Card.subject_id).where(Card.kind == cards.CardKind.REPLY, Card.request_id == request.id)
    fresh = work.connection.execute(
        select(Event.id, Event.tag, Event.actor, Event.facts, EventPersonal.facts.label("personal"))
        .outerjoin(EventPersonal, EventPersonal.event_id == Event.id)
        .where(Event.subject == f"request:{request.id}", Event.tag.in_(_TOLD), Event.id.not_in(told))
        .order_by(Event.id)
    ).all()
    effects: list[Effect] = []
    for event in fresh:
        said = _said(work, request, event)
        if said is None:
            continue
        made = cards.new_card(
            work,
            cards.CardKind.REPLY,
            event.id,
            cards.person(request.requester_id),
            now,
            request_id=request.id,
            thread_of_id=root,
            facts=said.facts(),
        )
        effects += [ShowReply(one.card_id, root) for one in made]
    return effects


def _said(work: UnitOfWork, request: LicenceRequest, event: Row[Any]) -> Said | None:
    facts: dict[str, Any] = json.loads(event.facts)
    personal: dict[str, Any] = json.loads(event.personal) if event.personal else {}
    by = person_of(event.actor)
    words = str(personal.get("words", ""))
    match event.tag:
        case Tag.REQUEST_QUESTION_ASKED:
            return Said(About.QUESTION, by=by, words=words)
        case Tag.REQUEST_STEP_AGREED:
            return Said(About.STEP_PASSED, by=by, words=words)
        case Tag.REQUEST_APPROVED:
            return _approved(facts, by, words)
        case Tag.REQUEST_PRE_APPROVED:
            return Said(About.BY_RULE, rule=str(facts.get("rule", "")))
        case Tag.REQUEST_DENIED:
            return Said(About.NOT_APPROVED, by=by, words=words, suggestion=str(personal.get("suggestion", "")))
        case Tag.REQUEST_EXPIRED:
            return Said(About.EXPIRED)
        case Tag.REQUEST_CLOSED:
            return Said(About.CLOSED, by=by, words=words)
        case Tag.REQUEST_QUEUED:
            return _queued(work, request)
        case Tag.REQUEST_PURCHASE_ORDERED:
            return Said(About.ORDERED)
        case Tag.REQUEST_GRANT_DELAYED:
            if facts.get("because"):
                return Said(About.NEEDS_PERSON, text=f"{facts['because']} You need not do anything.")
            return Said(About.TROUBLE, system=str(facts.get("system", "")))
        case Tag.REQUEST_GRANT_FAILED:
            because = str(personal.get("because") or facts.get("because", ""))
            if because and request.kind != RequestKind.EXTENSION:  # that one ended: what it says is for the reader
                because = f"{_CLEARED}: {because} You need not do anything."
            return Said(About.NEEDS_PERSON, text=because)
        case Tag.REQUEST_FULFILLED:
            return Said(About.READY)
        case Tag.REQUEST_HOLDER_NAMED if by != request.requester_id:  # whoever named somebody knows
            return Said(About.NAMED, by=by, holder=facts.get("person"))
    return None


def _approved(facts: dict[str, Any], by: int | None, words: str) -> Said | None:
    if by is None:
        return None  # a step fell away; the person's own approval was told
    lowered = facts.get("lowered") or {}
    if not lowered:
        return Said(About.APPROVED, by=by, words=words)
    until = lowered.get("until_on")
    before = facts.get("asked_until")  # None: to the end of the contract
    return Said(
        About.CHANGED,
        by=by,
        words=words,
        until=date.fromisoformat(until) if until else None,
        instead_of=date.fromisoformat(before) if before else None,
        seats=int(lowered["seats"]) if lowered.get("seats") else None,
    )


def _queued(work: UnitOfWork, request: LicenceRequest) -> Said | None:
    """The place at the time of telling; the card itself always shows the present one."""
    if request.queued_at is None or Status(request.status) != Status.WAITING_FOR_SEAT:
        return None
    waiting = (
        select(LicenceRequest.id, LicenceRequest.queued_at)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(LicenceRequest.sku_id == request.sku_id, RequestLine.state == LineState.QUEUED)
        .distinct()
        .subquery()
    )
    place, of = work.connection.execute(
        select(
            func.count().filter(
                (waiting.c.queued_at < request.queued_at)
                | ((waiting.c.queued_at == request.queued_at) & (waiting.c.id <= request.id))
            ),
            func.count(),
        )
    ).one()
    return Said(About.QUEUED, place=place, of=of)
