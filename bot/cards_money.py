"""Draws the messages about money: what differs, what procurement should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.views.difference_card import digest_of_differences
from bot.views.notices_card import notices_card
from bot.views.text import Message
from workflows.reads.procurement import notices
from workflows.reads.reconciliation import digest

if TYPE_CHECKING:
    from bot.cards import CardRow, Setting

Shown = tuple[Message, bool]  # the message, and whether it is worth posting if it never was


def differing(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    """The look's list while any of it waits."""
    products = card.facts.get("products")
    facts = digest(connection, card.subject_id, [int(one) for one in products] if products is not None else None)
    return None if facts is None else (digest_of_differences(facts, setting.dashboard_url), bool(facts.rows))


def noticed(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    """What procurement was told of in one round, as it stands now."""
    found = notices(connection, [int(one) for one in card.facts.get("notices", ())])
    if not found:
        return None
    return notices_card(found, setting.policy.procurement.rule), any(one.cleared_at is None for one in found)
