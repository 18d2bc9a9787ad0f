"""Messages people see, as rows: which exist, for whom, and that there is one live card per person and matter."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from model.requests import Card
from model.session import UnitOfWork
from workflows.effects import ShowCard

#: Marks in a card's facts: it waits for the digest; it is a row of this digest.
HELD, DIGEST = "held", "digest"
#: It answers what its reader asked, so it is not held back.
ANSWERS = "answers"


class CardKind(enum.StrEnum):
    """What a message is about; `subject_id` is the row named behind it."""

    APPROVAL = "approval"  # step_approver: the card that already holds the answer
    DECISIONS = "decisions"  # person: many open decisions as one list
    DIGEST = "digest"  # person: what was held back, as rows of one message at nine
    PROGRESS = "progress"  # licence_request: the requester's own card, rewritten
    REPLY = "reply"  # event: one line in the thread of the progress card
    RECEIVED = "received"  # request_line: tells a person that a seat was given to them
    DRAFT = "draft"  # licence_request: "The form closed before it was sent."
    TASK = "task"  # owner_task
    ENDING = "ending"  # seat: 14 and 3 days before its agreed end
    RETURNED = "returned"  # seat_return: to the former holder, with "I need it back"
    NOTE = "note"  # event: a plain sentence to one person (deputy set, handed on)
    PARKED = "parked"  # job: one note per cause to IT's channel
    OUTAGE = "outage"  # job, the first that failed: a system that has not answered for hours; to IT's channel
    ALERT = "alert"  # red_alert: to the channel that policy names
    ALERTS = "alerts"  # red_alert, the first of many that came at once; all of them in the facts
    FOUND = "found"  # alert_place, the first of those one person is asked about that day; all of them in the facts
    OBSERVE = "observe"  # inventory_source: what it would have sent
    DOUBT = "doubt"  # device_doubt, the first of those of a day: one machine or two; all of them in the facts
    MATCH = "match"  # match_doubt, the first of those of a day: whose account it is; all of them in the facts
    NAMES = "names"  # year and week: software names nobody has decided on
    STILL_NEEDED = "still_needed"  # reclaim_candidate: "Do you still need it?" to its holder, or who is asked instead
    KEEP_WORD = "keep_word"  # reclaim_candidate: the manager's word on a keep
    RECLAIM_LIST = "reclaim_list"  # reclaim_campaign: the list to confirm, to each person with that right
    RULE_PAUSE = "rule_pause"  # rule_pause: a rule that stopped itself, with the way to switch it on again
    WEEK = "week"  # year and week: the summary in the channel, its figures in the facts
    HANDOVER = "handover"  # person who left: to whoever says who gets mailbox, files, groups and flows
    RENEWAL = "renewal"  # renewal: its brief, to whoever answers for it, to its channel, to those who have to agree
    RENEWALS = "renewals"  # renewal, the first of many that a channel is told of at once; all of them in the facts
    RECONCILIATION = "reconciliation"  # reconciliation_run: what differs, to finance's channel
    NOTICES = "notices"  # procurement_notice, the first of those told together; all of them in the facts
    STUCK = "stuck"  # licence_request: nobody can decide; to the licence managers' channel


def person(person_id: int) -> str:
    """Audience of a direct message."""
    return f"person:{person_id}"


def channel(purpose: str) -> str:
    """Audience of a channel named by purpose in policy (`licences`, `it_alerts`)."""
    return f"channel:{purpose}"


def new_card(
    work: UnitOfWork,
    kind: CardKind,
    subject_id: int,
    audience: str,
    now: datetime,
    *,
    request_id: int | None = None,
    thread_of_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> list[ShowCard]:
    """Make the card, or the next generation of it when one is there already; the old one then points on.

    Returns the effects that show the change.
    """
    earlier = work.connection.execute(
        select(func.max(Card.generation)).where(
            Card.kind == kind, Card.subject_id == subject_id, Card.audience == audience
        )
    ).scalar()
    effects: list[ShowCard] = []
    if earlier and _held(work, kind, subject_id, audience):
        return []  # nobody saw the first one yet: it comes with the digest, and a reminder of it says nothing more
    if earlier:
        retired = work.connection.execute(
            update(Card)
            .where(Card.kind == kind, Card.subject_id == subject_id, Card.audience == audience, Card.live)
            .values(live=False)
            .returning(Card.id)
        )
        effects = [ShowCard(card_id) for card_id in retired.scalars()]
    card = Card(
        kind=kind.value,
        subject_id=subject_id,
        audience=audience,
        generation=(earlier or 0) + 1,
        request_id=request_id,
        thread_of_id=thread_of_id,
        facts=dict(facts or {}),
        created_at=now,
    )
    work.session.add(card)
    work.session.flush()  # its id goes into the job
    return [*effects, ShowCard(card.id)]


def first_cards(work: UnitOfWork, kind: CardKind, of: Sequence[tuple[int, str]], now: datetime) -> list[ShowCard]:
    """Cards about rows that were made just now, each with its audience: nobody can have an earlier one."""
    made = [
        Card(kind=kind.value, subject_id=subject_id, audience=audience, generation=1, facts={}, created_at=now)
        for subject_id, audience in of
    ]
    work.session.add_all(made)
    work.session.flush()  # their ids go into the jobs
    return [ShowCard(card.id) for card in made]


def _held(work: UnitOfWork, kind: CardKind, subject_id: int, audience: str) -> bool:
    facts = work.connection.execute(
        select(Card.facts)
        .where(Card.kind == kind, Card.subject_id == subject_id, Card.audience == audience, Card.live)
        .order_by(Card.generation.desc())
        .limit(1)
    ).scalar()
    return HELD in (facts or {})


def earlier_copies(work: UnitOfWork, card_id: int) -> list[ShowCard]:
    """The older copies of a card that came just now: they point on from here."""
    own = select(Card.kind, Card.subject_id, Card.audience, Card.generation).where(Card.id == card_id).subquery()
    rows = work.connection.execute(
        select(Card.id)
        .join(own, (Card.kind == own.c.kind) & (Card.subject_id == own.c.subject_id))
        .where(Card.audience == own.c.audience, Card.generation < own.c.generation, Card.ts.is_not(None))
        .order_by(Card.id)
    )
    return [ShowCard(card_id) for card_id in rows.scalars()]


def cards_of_request(work: UnitOfWork, request_id: int) -> list[int]:
    """Every card that must change after a decision."""
    rows = work.connection.execute(
        select(Card.id).where(Card.request_id == request_id, Card.kind != CardKind.REPLY).order_by(Card.id)
    )
    return list(rows.scalars())
