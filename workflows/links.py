"""Signed single-use links for people without Slack: one link per message, good for 14 days, closed by its answer.

The token is an HMAC over the card and its reader, so a mail that has to be sent again carries the same link; the
database keeps only its digest. Reading a link changes nothing: mail scanners open every link they see.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from model.people import Person
from model.requests import Card, SignedLink
from model.session import UnitOfWork
from workflows.cards import CardKind
from workflows.refusals import Instant, Refusal, plain_instant

VALID = timedelta(days=14)
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class ShownCard:
    """A message as it must look now, whoever shows it: Slack's blocks, and all of it in sentences."""

    id: int
    kind: CardKind
    subject_id: int
    person_id: int | None
    text: str
    blocks: Sequence[Mapping[str, Any]]
    wanted: bool


#: Draws a stored card; None when what it speaks of does not exist.
CardDrawer = Callable[[Connection, int, datetime], ShownCard | None]


@dataclass(frozen=True)
class Link:
    """A link that exists, and whose it is."""

    id: int
    card_id: int
    person_id: int
    name: str
    active: bool
    time_zone: str
    expires_at: datetime
    used_at: datetime | None


class LinkClosed(Refusal):
    """The link was answered, ran out, or belongs to somebody who left."""

    def __init__(self, why: str, at: datetime | None = None) -> None:
        super().__init__(why, at)
        self.why, self.at = why, at

    def say(self, instant: Instant = plain_instant) -> str:
        if self.why == "used":
            when = f" {instant(self.at)}" if self.at else ""
            return f"You answered this{when}. A link works once, so nothing changed."
        if self.why == "expired":
            when = f" {instant(self.at)}" if self.at else ""
            return f"This link was good until{when}. Nothing changed; a newer message may hold a new one."
        return "This link belongs to somebody who has left, so nothing changed."


def token_for(key: bytes, card_id: int, person_id: int) -> str:
    """The token of a card's link; nobody can make one without the key."""
    made = hmac.new(key, f"link:{card_id}:{person_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def digest(token: str) -> str:
    """What the database keeps."""
    return hashlib.sha256(token.encode()).hexdigest()


def make(work: UnitOfWork, key: bytes, card_id: int, person_id: int, now: datetime) -> str:
    """The token of this card's link; the row is written once, however often it is asked for."""
    token = token_for(key, card_id, person_id)
    known = work.connection.execute(select(SignedLink.id).where(SignedLink.token_digest == digest(token))).scalar()
    if known is None:
        work.session.add(
            SignedLink(
                token_digest=digest(token),
                person_id=person_id,
                card_id=card_id,
                created_at=now,
                expires_at=now + VALID,
            )
        )
        work.session.flush()
    return token


def find(connection: Connection, key: bytes, token: str, *, to_answer: bool = False) -> Link | None:
    """The link of a token; None for one that was never given out. `to_answer` locks it until the transaction ends."""
    if not _SHAPE.fullmatch(token):
        return None
    query = (
        select(
            SignedLink.id,
            SignedLink.card_id,
            SignedLink.person_id,
            Person.name,
            Person.active,
            Person.time_zone,
            SignedLink.expires_at,
            SignedLink.used_at,
        )
        .join(Person, Person.id == SignedLink.person_id)
        .where(SignedLink.token_digest == digest(token))
    )
    if to_answer:
        query = query.with_for_update(of=SignedLink)
    row = connection.execute(query).one_or_none()
    # a link of an older key is worth nothing: changing SECRET_KEY is how all links are called in
    if row is None or not hmac.compare_digest(token_for(key, row.card_id, row.person_id), token):
        return None
    return Link(*row)


def check_open(link: Link, now: datetime) -> None:
    """Raises LinkClosed when the link can no longer be answered."""
    if not link.active:
        raise LinkClosed("left")
    if link.used_at is not None:
        raise LinkClosed("used", link.used_at)
    if now >= link.expires_at:
        raise LinkClosed("expired", link.expires_at)


def mark_used(work: UnitOfWork, link: Link, now: datetime) -> None:
    """Close the link in the transaction of its answer. Raises LinkClosed when it was closed meanwhile."""
    closed = work.connection.execute(
        update(SignedLink).where(SignedLink.id == link.id, SignedLink.used_at.is_(None)).values(used_at=now)
    )
    if closed.rowcount != 1:
        raise LinkClosed("used")


def request_of(connection: Connection, card_id: int) -> int:
    """The request that a message belongs to. Raises NoResultFound for one about something else."""
    query = select(Card.request_id).where(Card.id == card_id, Card.request_id.is_not(None))
    return int(connection.execute(query).scalar_one() or 0)


def approval_card_of(connection: Connection, approver_row_id: int, person_id: int) -> int | None:
    """The live approval card of one person asked: the list sent by mail links to each."""
    return connection.execute(
        select(Card.id)
        .where(
            Card.kind == CardKind.APPROVAL,
            Card.subject_id == approver_row_id,
            Card.audience == f"person:{person_id}",
            Card.live,
        )
        .order_by(Card.generation.desc())
        .limit(1)
    ).scalar()
