""" "Do you still need it?" on the page behind a signed link: the holder's three answers, the manager's, the hand-over.

Each goes through the same operation as its button in Slack, as the person the link was made for.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection

from licensing.words import day
from web.deps import WebDeps
from web.press import Press
from workflows.cards import CardKind
from workflows.links import ShownCard
from workflows.reads.still_needed import still_needed
from workflows.reclaim import answers, leavers
from workflows.reclaim.answers import Answer
from workflows.refusals import FieldRefusals
from workflows.replies import Said

#: The actions of the Slack buttons.
KEEP, RELEASE, LATER = "keep_seat", "release_seat", "ask_me_later"
AGREE, DISPUTE, HANDED_OVER = "keep_agree", "keep_see_differently", "handed_over"


def days_to_choose(connection: Connection, deps: WebDeps, card: ShownCard, now: datetime) -> tuple[date, date] | None:
    """First and last day of "Ask me later"; None for any other message."""
    if card.kind is not CardKind.STILL_NEEDED:
        return None
    facts = still_needed(connection, [card.subject_id], now).get(card.subject_id)
    return answers.snooze_days(deps.rules(), facts.begun_on, now.date()) if facts is not None else None


def keep(press: Press) -> tuple[str, bool]:
    """It stays, for one of five reasons."""
    try:
        why = Answer(press.text("reason"))
    except ValueError:
        raise FieldRefusals({"reason": "Choose why."}) from None
    said = answers.keep(
        press.work,
        press.deps.rules(),
        press.card.subject_id,
        press.link.person_id,
        why,
        press.text("words"),
        press.now,
    )
    return _text(said), True


def release(press: Press) -> tuple[str, bool]:
    """The holder's own word; from a manager asked in their place only a word for the list."""
    said = answers.give_back(
        press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, press.text("words"), press.now
    )
    return _text(said), True


def later(press: Press) -> tuple[str, bool]:
    """Another mail on a day the holder chose."""
    try:
        until = date.fromisoformat(press.text("until"))
    except ValueError:
        raise FieldRefusals({"until": f"Choose a day, such as {press.now.date():%Y-%m-%d}."}) from None
    answers.ask_later(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, until, press.now)
    return f"Later: a new mail asks you on {day(until)}.", True


def agree(press: Press) -> tuple[str, bool]:
    """The manager's word that it stays."""
    said = answers.manager_agrees(
        press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, press.now
    )
    return _text(said), True


def dispute(press: Press) -> tuple[str, bool]:
    """The manager sees it differently: a person looks at it, and nothing is taken."""
    said = answers.manager_disagrees(
        press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, press.text("words"), press.now
    )
    return _text(said), True


def handed_over(press: Press) -> tuple[str, bool]:
    """Who gets what somebody who left had."""
    words = press.text("words")
    if len(words) < 3:
        raise FieldRefusals({"words": "Say who gets mailbox, files, groups and flows."})
    leavers.handed_over(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, words, press.now)
    return "Noted. A person with the right confirms the list after that.", True


def _text(said: Said) -> str:
    return said.text
