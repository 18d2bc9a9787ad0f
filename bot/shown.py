"""Draws stored cards for those who show them elsewhere than in Slack: the mail and the pages behind signed links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.cards import Setting, card_row, draw
from workflows.links import CardDrawer, ShownCard
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
        return ShownCard(
            card.id,
            card.kind,
            card.subject_id,
            card.person_id,
            found.message.text,
            found.message.blocks,
            found.wanted or found.answers_wanted,
        )

    return drawn
