"""Questions that only a person can answer, gathered for IT in one message a day of each kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time

from sqlalchemy import Connection, select, update

from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard

#: Questions one message takes; with more, the list on the command line is the place for them.
MOST_IN_CARD = 50
#: Open questions that are looked through for new ones.
MOST_LOOKED_AT = 10 * MOST_IN_CARD


def show(work: UnitOfWork, kind: CardKind, waiting: Iterable[int], now: datetime) -> list[Effect]:
    """Put open questions that nobody was shown yet into today's message, or into a new one where there is none."""
    midnight = datetime.combine(now.date(), time(0), now.tzinfo)
    live = work.connection.execute(
        select(Card.id, Card.facts, Card.created_at).where(Card.kind == kind, Card.live).order_by(Card.id.desc())
    ).all()
    shown = {int(one) for row in live for one in row.facts.get("doubts", ())}
    new = [one for one in waiting if one not in shown]
    if not new:
        return []
    today = next((row for row in live if row.created_at >= midnight), None)
    if today is None:
        facts = {"doubts": new[:MOST_IN_CARD]}
        return list(cards.new_card(work, kind, new[0], cards.channel("it_alerts"), now, facts=facts))
    room = MOST_IN_CARD - len(today.facts["doubts"])
    if room <= 0:
        return []
    facts = {**today.facts, "doubts": [*today.facts["doubts"], *new[:room]]}
    work.connection.execute(update(Card).where(Card.id == today.id).values(facts=facts))
    return [ShowCard(today.id)]


def shown_again(connection: Connection, kind: CardKind, doubt_id: int) -> list[Effect]:
    """The messages that hold a question, to be drawn anew."""
    rows = connection.execute(select(Card.id, Card.facts).where(Card.kind == kind, Card.live))
    return [ShowCard(row.id) for row in rows if doubt_id in row.facts.get("doubts", ())]
