"""Accounts that may or may not be one person, put to IT in Slack: the question, the answer, once.

Settling itself, from here and from the command line, is `matching.settle`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time

from sqlalchemy import Connection, select, update

from model.people import Person, Role
from model.requests import Card
from model.session import UnitOfWork
from model.sync import MatchDoubt
from workflows import cards, matching
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.permissions import Page, require
from workflows.refusals import Refusal

WHAT = "Telling people's accounts apart"
#: Questions one message takes; with more, the list on the command line is the place for them.
MOST_IN_CARD = 50


class MatchGone(Refusal):
    """No such question, or somebody answered it."""

    def __init__(self, name: str = "") -> None:
        who = f"{name} answered this already" if name else "This question is not open any more"
        super().__init__(f"{who}; your press changed nothing.")


def decide(work: UnitOfWork, doubt_id: int, *, same: bool, by: int, roles: Collection[Role], now: datetime) -> str:
    """Carry out what somebody says; returns what came of it, in a sentence. Raises NotForYou or MatchGone."""
    require(work.connection, Page.PEOPLE, roles, WHAT)
    try:
        words = matching.settle(work, doubt_id, same=same, by=f"person:{by}", now=now)
    except matching.NoSuchDoubt:
        raise MatchGone(_answered_by(work, doubt_id)) from None
    enqueue(work, [ShowCard(card_id) for card_id in _cards_with(work.connection, doubt_id)], now)
    return words


def _answered_by(work: UnitOfWork, doubt_id: int) -> str:
    said = work.connection.execute(select(MatchDoubt.settled_by).where(MatchDoubt.id == doubt_id)).scalar() or ""
    kind, _, key = said.partition(":")
    if kind != "person" or not key.isdecimal():
        return said
    return work.connection.execute(select(Person.name).where(Person.id == int(key))).scalar() or ""


def show_matches(work: UnitOfWork, now: datetime) -> list[Effect]:
    """One message a day to IT with the questions that nobody was shown yet."""
    midnight = datetime.combine(now.date(), time(0), now.tzinfo)
    live = work.connection.execute(
        select(Card.id, Card.facts, Card.created_at)
        .where(Card.kind == CardKind.MATCH, Card.live)
        .order_by(Card.id.desc())
    ).all()
    shown = {int(one) for row in live for one in row.facts.get("doubts", ())}
    waiting = select(MatchDoubt.id).where(MatchDoubt.settled_at.is_(None)).order_by(MatchDoubt.id)
    due = work.connection.execute(waiting.limit(10 * MOST_IN_CARD)).scalars()
    new = [one for one in due if one not in shown]
    if not new:
        return []
    today = next((row for row in live if row.created_at >= midnight), None)
    if today is None:
        facts = {"doubts": new[:MOST_IN_CARD]}
        return list(cards.new_card(work, CardKind.MATCH, new[0], cards.channel("it_alerts"), now, facts=facts))
    room = MOST_IN_CARD - len(today.facts["doubts"])
    if room <= 0:
        return []
    facts = {**today.facts, "doubts": [*today.facts["doubts"], *new[:room]]}
    work.connection.execute(update(Card).where(Card.id == today.id).values(facts=facts))
    return [ShowCard(today.id)]


def _cards_with(connection: Connection, doubt_id: int) -> list[int]:
    rows = connection.execute(select(Card.id, Card.facts).where(Card.kind == CardKind.MATCH, Card.live))
    return [row.id for row in rows if doubt_id in row.facts.get("doubts", ())]
