"""Accounts that may or may not be one person, put to IT in Slack: the question, the answer, once.

Settling itself, from here and from the command line, is `matching.settle`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from model.people import Person, Role
from model.session import UnitOfWork
from model.sync import MatchDoubt
from workflows import doubt_cards, matching
from workflows.cards import CardKind
from workflows.effects import Effect, enqueue
from workflows.permissions import Page, require
from workflows.refusals import Refusal

WHAT = "Telling people's accounts apart"


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
    enqueue(work, doubt_cards.shown_again(work.connection, CardKind.MATCH, doubt_id), now)
    return words


def _answered_by(work: UnitOfWork, doubt_id: int) -> str:
    said = work.connection.execute(select(MatchDoubt.settled_by).where(MatchDoubt.id == doubt_id)).scalar() or ""
    kind, _, key = said.partition(":")
    if kind != "person" or not key.isdecimal():
        return said
    return work.connection.execute(select(Person.name).where(Person.id == int(key))).scalar() or ""


def show_matches(work: UnitOfWork, now: datetime) -> list[Effect]:
    """One message a day to IT with the questions that nobody was shown yet."""
    waiting = select(MatchDoubt.id).where(MatchDoubt.settled_at.is_(None)).order_by(MatchDoubt.id)
    due = work.connection.execute(waiting.limit(doubt_cards.MOST_LOOKED_AT)).scalars()
    return doubt_cards.show(work, CardKind.MATCH, due, now)
