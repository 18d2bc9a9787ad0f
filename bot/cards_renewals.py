"""Draws the brief of a renewal for whoever reads it, and the list of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.views.renewal_card import renewal_card
from bot.views.renewal_open import Reader, too_late
from bot.views.renewal_rows import renewals_list
from bot.views.text import Message
from model.renewals import RenewalState
from workflows.reads.renewal_brief import brief
from workflows.reads.renewals import renewals
from workflows.renewals.renewal import UNDECIDED
from workflows.renewals.telling import RENEWALS

if TYPE_CHECKING:
    from bot.cards import CardRow, Setting

#: States in which a brief that was never posted is still worth posting.
WANTED = (RenewalState.OPEN, RenewalState.BRIEFED, RenewalState.DEFERRED, RenewalState.DECIDED,
          RenewalState.PROOF_AWAITED, RenewalState.MISSED)  # fmt: skip


def renewal(connection: Connection, card: CardRow, setting: Setting) -> tuple[Message, bool] | None:
    facts = brief(connection, setting.policy, card.subject_id, setting.now)
    if facts is None:
        return None
    today = setting.now.date()
    reader = Reader(today, card.person_id, setting.dashboard_url)
    over = facts.undecided and too_late(facts, today)
    return renewal_card(facts, reader), facts.state in WANTED and not over


def many(connection: Connection, card: CardRow, setting: Setting) -> tuple[Message, bool] | None:
    """The list of those a channel was told of at once, as they stand now."""
    ids = {int(one) for one in card.facts.get(RENEWALS, ())}
    rows = [one for one in renewals(connection, setting.policy, setting.now) if one.id in ids]
    if not rows:
        return None
    return renewals_list(rows, len(ids) - len(rows)), any(one.state in UNDECIDED for one in rows)
