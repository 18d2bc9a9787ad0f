"""Questions that only a person can answer: put to IT in one message a day of each kind, and answered once.

Of each kind there is one `Matter`, beside what its answers do; how it is asked stands in `bot.questions`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select, select, update

from model.people import Role
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.permissions import Page, require
from workflows.refusals import Refusal

#: Questions one message takes; with more, the list on the command line is the place for them.
MOST_IN_CARD = 50
#: Open questions that are looked through for new ones.
MOST_LOOKED_AT = 10 * MOST_IN_CARD

Said = TypeVar("Said", bound=enum.StrEnum)


class Answered(Refusal):
    """No such question, or somebody answered it."""

    def __init__(self, name: str = "") -> None:
        who = f"{name} answered this already" if name else "This question is not open any more"
        super().__init__(f"{who}; your press changed nothing.")


@dataclass(frozen=True)
class Matter(Generic[Said]):
    """One kind of question: who may answer it, which wait, and what an answer does."""

    card: CardKind
    page: Page  # whoever may act there may answer
    what: str  # names it in a refusal
    waiting: Select[tuple[int]]  # ids of open questions, the oldest first
    settle: Callable[[UnitOfWork, int, Said, int, datetime], str]  # once, as a person; what came of it, in a sentence


def require_may_answer(connection: Connection, matter: Matter[Said], roles: Collection[Role]) -> None:
    """Raises NotForYou."""
    require(connection, matter.page, roles, matter.what)


def answer(
    work: UnitOfWork,
    matter: Matter[Said],
    question_id: int,
    said: Said,
    by: int,
    roles: Collection[Role],
    now: datetime,
) -> str:
    """Carry out what somebody says; returns what came of it, in a sentence. Raises NotForYou or Answered."""
    require_may_answer(work.connection, matter, roles)
    words = matter.settle(work, question_id, said, by, now)
    redraw(work, matter, question_id, now)
    return words


def redraw(work: UnitOfWork, matter: Matter[Said], question_id: int, now: datetime) -> None:
    """After an answer: every message that holds the question says so."""
    rows = work.connection.execute(select(Card.id, Card.facts).where(Card.kind == matter.card, Card.live))
    enqueue(work, [ShowCard(row.id) for row in rows if question_id in held(row.facts)], now)


def held(facts: Mapping[str, Any] | None) -> list[int]:
    """The questions a message holds."""
    return [int(one) for one in (facts or {}).get("doubts", ())]


def show(work: UnitOfWork, matter: Matter[Said], now: datetime) -> list[Effect]:
    """Put open questions that nobody was shown yet into today's message, or into a new one where there is none."""
    midnight = datetime.combine(now.date(), time(0), now.tzinfo)
    live = work.connection.execute(
        select(Card.id, Card.facts, Card.created_at).where(Card.kind == matter.card, Card.live).order_by(Card.id.desc())
    ).all()
    shown = {one for row in live for one in held(row.facts)}
    waiting = work.connection.execute(matter.waiting.limit(MOST_LOOKED_AT)).scalars()
    new = [one for one in waiting if one not in shown]
    if not new:
        return []
    today = next((row for row in live if row.created_at >= midnight), None)
    if today is None:
        facts = {"doubts": new[:MOST_IN_CARD]}
        return list(cards.new_card(work, matter.card, new[0], cards.channel("it_alerts"), now, facts=facts))
    room = MOST_IN_CARD - len(held(today.facts))
    if room <= 0:
        return []
    facts = {**today.facts, "doubts": [*held(today.facts), *new[:room]]}
    work.connection.execute(update(Card).where(Card.id == today.id).values(facts=facts))
    return [ShowCard(today.id)]
