"""The digest: a row and a button each, at most twenty, oldest first, and every rule of a message whatever the names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.views.digest_card import digest_card
from sandbox.blocks_text import elements
from tests.unit.message_checks import check, labels, shown
from tests.unit.test_modal_wording import task
from tests.unit.view_facts import NOW, ORDINARY, VOICES, Voice, approval, request, who
from workflows.reads.digest import DigestFacts, NoteFacts, RenewalNote
from workflows.reads.facts import ApprovalFacts, DecisionsFacts
from workflows.reads.seat_facts import EndingFacts, ReturnedFacts
from workflows.replies import About, Said


def ending(voice: Voice, number: int = 7) -> EndingFacts:
    return EndingFacts(
        number, voice.product, who(1, voice.ana), date(2026, 12, number), voice.words, voice.ben, None, None, "", False
    )


def returned(voice: Voice, **changes: Any) -> ReturnedFacts:
    one = ReturnedFacts(
        3, voice.product, who(1, voice.ana), "idle", who(2, voice.ben), NOW, "removed", voice.words, NOW,
        NOW + timedelta(days=20), None, False, voice.words, None,
    )  # fmt: skip
    return replace(one, **changes)


def asked(voice: Voice, number: int) -> ApprovalFacts:
    one = replace(request(voice), id=number, reference=f"REQ-{1000 + number}")
    return approval(voice, request=one)


def digest(voice: Voice, approvals: int = 1) -> DigestFacts:
    waits = [asked(voice, number) for number in range(1, approvals + 1)]
    said = Said(About.URGENT, by=2, words=voice.words)
    return DigestFacts(
        (*waits, task(voice), ending(voice), DecisionsFacts(who(2, voice.ben), (approval(voice),))),
        (returned(voice), NoteFacts(said, who(2, voice.ben), request(voice), None)),
        date(2026, 11, 20),
        tuple((voice.product, f"{voice.ana} {number}") for number in range(9)),
    )


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("approvals", [0, 1, 40])
def test_every_rule_is_kept_with_any_name(voice: str, approvals: int) -> None:
    message = digest_card(digest(VOICES[voice], approvals), NOW)
    check(message, most_blocks=40, most_characters=9000, own_words=voice == "ordinary")


def test_rows_stand_in_order_with_a_button_each() -> None:
    message = digest_card(digest(ORDINARY, 2), NOW)
    assert labels(message) == [
        "Decide", "Decide", "Done", "Keep or give back", "Show all", "I need it back", "Open Home"
    ]  # fmt: skip
    assert shown(message).startswith("5 things wait for you")
    assert "Since Fri 20 Nov 2026: Microsoft Copilot for Microsoft 365 given to" in shown(message)
    assert "and 4 more" in shown(message)


def test_twenty_rows_and_how_many_more() -> None:
    message = digest_card(digest(ORDINARY, 22), NOW)
    assert "25 things wait for you" in shown(message)
    assert "and 7 more, all of them on the Home tab" in shown(message)
    rows = [block for block in message.blocks if block["type"] == "section"]
    assert len(rows) == 20


def test_nothing_left_has_no_buttons() -> None:
    message = digest_card(DigestFacts((), (), date(2026, 11, 20), ()), NOW)
    assert list(elements(message.blocks)) == []
    check(message)


def test_news_alone_is_called_news() -> None:
    message = digest_card(DigestFacts((), (returned(ORDINARY, undo_until=NOW),), date(2026, 11, 20), ()), NOW)
    assert shown(message).startswith("News for you")
    assert labels(message) == ["Open Home"]


def test_a_brief_that_was_held_back_is_a_row_with_one_button() -> None:
    day = date(2027, 1, 29)
    rows = (
        RenewalNote(12, 3, "Copilot", day, red=False, asks_to_agree=False),
        RenewalNote(13, 2, "Miro", day, red=False, asks_to_agree=True),
        RenewalNote(14, 5, "Zoom", day, red=True, asks_to_agree=False),
    )
    message = digest_card(DigestFacts(rows, (), NOW.date(), ()), NOW)
    check(message)
    seen = shown(message)
    assert "Copilot: renew, reduce or cancel by 29 Jan 2027" in seen
    assert "Miro: agree or not by 29 Jan 2027" in seen and "Zoom: decided, no proof yet" in seen
    assert labels(message)[:3] == ["Open", "Open", "Open"]


def test_a_move_to_a_smaller_licence_names_it() -> None:
    facts = replace(digest(ORDINARY), news=(returned(ORDINARY, ground="too_big", instead="Office 365 E1"),))
    assert "licence was taken back* <!date" in shown(digest_card(facts, NOW))
    assert "you have Office 365 E1 instead" in shown(digest_card(facts, NOW))
