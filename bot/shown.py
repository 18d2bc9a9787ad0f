"""Draws stored cards for those who show them elsewhere than in Slack: the mail and the pages behind signed links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.cards import CardRow, Setting, card_row, draw
from bot.views.text import Message
from bot.views.thread_replies import alone
from workflows.cards import CardKind
from workflows.links import CardDrawer, ShownCard
from workflows.reads.requests import requests
from workflows.replies import Said
from workflows.rules import Rules


def drawer(rules: Callable[[], Rules]) -> CardDrawer:
    """Draws a card as its newest copy would look: an old mail still shows the question, not a pointer to Slack."""

    def drawn(connection: Connection, card_id: int, now: datetime) -> ShownCard | None:
        card = card_row(connection, card_id)
        if card is None:
            return None
        found = draw(connection, replace(card, live=True), Setting(rules().policy, now))
        if found is None:
            return None
        message = _alone(connection, card, found.message)
        return ShownCard(
            card.id,
            card.kind,
            card.subject_id,
            card.person_id,
            message.text,
            message.blocks,
            found.wanted or found.answers_wanted,
        )

    return drawn


def _alone(connection: Connection, card: CardRow, line: Message) -> Message:
    """A line of a thread says what it is about; every other message does so by itself."""
    if card.kind is not CardKind.REPLY or card.request_id is None:
        return line
    request = requests(connection, [card.request_id]).get(card.request_id)
    return line if request is None else alone(line, Said.read(card.facts), request)
