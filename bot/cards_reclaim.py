"""Draws the messages about taking seats back: the holder's question, the list to confirm, its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.views.reclaim_forms import handover_card
from bot.views.reclaim_list import list_card
from bot.views.reclaim_result import result_card
from bot.views.rule_pause import rule_pause_card
from bot.views.still_needed import keep_word_card, still_needed_card
from bot.views.text import Message
from bot.views.week_card import week_card
from model.reclaim import CampaignState, CandidateState
from workflows.reads.reclaim import campaigns, handover
from workflows.reads.still_needed import still_needed
from workflows.reads.week import from_stored
from workflows.reclaim.listing import list_of
from workflows.reclaim.rule_scores import pause

if TYPE_CHECKING:
    from bot.cards import CardRow, Setting

Shown = tuple[Message, bool]  # the message, and whether it is worth posting if it never was


def question(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = still_needed(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None or card.person_id is None:
        return None
    asked = facts.state in (CandidateState.ASKED, CandidateState.UNANSWERED)
    return still_needed_card(facts, card.person_id), asked


def keep_word(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = still_needed(connection, [card.subject_id], setting.now).get(card.subject_id)
    return None if facts is None else (keep_word_card(facts), facts.state is CandidateState.KEEP_ASKED)


def to_confirm(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    """The list while it waits; confirmed, the same message becomes its result."""
    facts = campaigns(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None:
        return None
    if facts.confirmed and facts.state is not CampaignState.CONFIRMING:
        return result_card(facts, setting.now), False
    listed = list_of(connection, setting.policy, card.subject_id, setting.now)
    if listed is None:
        return None
    return list_card(facts, listed), facts.state is CampaignState.CONFIRMING and bool(listed.rows)


def rule_pause(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = pause(connection, card.subject_id)
    return None if facts is None else (rule_pause_card(facts), facts.lifted_at is None)


def weekly(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    """As it was that morning: nothing of it is rewritten."""
    return week_card(from_stored(card.facts), setting.dashboard_url), True


def handing_over(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = handover(connection, card.subject_id)
    return None if facts is None else (handover_card(facts, card.subject_id), bool(facts.products))
