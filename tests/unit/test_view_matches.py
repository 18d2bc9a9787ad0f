"""Whose account is it: asked with what tells people apart, each answer said, within Slack's limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.views.match_card import match_card, match_window
from sandbox.blocks import validate_view
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import ORDINARY, VOICES, Voice, who
from workflows.reads.matches import MatchFacts


def match(voice: Voice = ORDINARY, **changed: Any) -> MatchFacts:
    words = "A second Slack account has this person's address. Which one is theirs?"
    facts = MatchFacts(3, "slack", f"{voice.words} {words}", who(4, voice.ana), "U0TWO", who(5, "Kai Moreno"), "", "")
    return replace(facts, **changed)


@pytest.mark.parametrize("voice", VOICES)
def test_one_question_names_the_person_the_account_and_who_has_it(voice: str) -> None:
    message = match_card([match(VOICES[voice])])
    check(message, own_words=voice == "ordinary")
    assert labels(message) == ["Same person", "Not the same"]
    assert "U0TWO" in message.text and "Kai Moreno" in message.text
    assert "Kai Moreno has it no more." in element(message, "Same person")["confirm"]["text"]["text"]
    assert validate_view(match_window(match(VOICES[voice]))) == []
    free = match_card([match(VOICES[voice], holder=None)])
    assert "nobody here" in shown(free)
    assert "no more" not in element(free, "Same person")["confirm"]["text"]["text"]


@pytest.mark.parametrize("voice", VOICES)
def test_many_questions_are_one_message_with_a_button_each(voice: str) -> None:
    many = [match(VOICES[voice], id=number) for number in range(1, 15)]
    message = match_card([*many, match(id=20, outcome="same")])
    check(message, most_blocks=40, most_characters=9000, own_words=voice == "ordinary")
    assert labels(message) == ["Answer"] * 10 and "14 questions about accounts" in shown(message)
    assert "and 4 more: seatkeeper matches list shows them" in shown(message)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"outcome": "same", "settled_by": "Eli Marsh"},
            "Same person, says Eli Marsh: Ana has the Slack account U0TWO.",
        ),
        (
            {"outcome": "different", "settled_by": "eli@acme.example"},
            "Not the same, says eli@acme.example: the Slack account U0TWO is not that of Ana.",
        ),
        ({"outcome": "same", "kind": "directory"}, "Same person: Ana has the directory account U0TWO."),
    ],
)
def test_an_answered_question_says_what_was_answered(changed: dict[str, Any], said: str) -> None:
    given = {"person": who(4, "Ana")} | changed
    message = match_card([match(**given)])
    assert message.text == said and labels(message) == []
    assert match_card([match(**given)] * 2).text == "All answered: 2 questions about accounts."
    assert "Same person" in shown(message) or "Not the same" in shown(message)
    assert not [one for one in match_window(match(**given))["blocks"] if one["type"] == "actions"]
