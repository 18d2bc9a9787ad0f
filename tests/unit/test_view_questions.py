"""What only a person at IT can say is asked with what tells it, each answer said, within Slack's limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.questions import KINDS, accounts, devices
from bot.questions.accounts import ACCOUNTS
from bot.questions.devices import DEVICES
from bot.questions.kind import Asked, Kind
from bot.views.question_card import question_card, question_window
from sandbox.blocks import validate_view
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import ORDINARY, VOICES, Voice, who
from workflows.reads.doubts import DeviceFacts, DoubtFacts
from workflows.reads.matches import MatchFacts

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def match(voice: Voice = ORDINARY, **changed: Any) -> Asked:
    words = "A second Slack account has this person's address. Which one is theirs?"
    facts = MatchFacts(3, "slack", f"{voice.words} {words}", who(4, voice.ana), "U0TWO", who(5, "Kai Moreno"), "", "")
    return accounts.asked(replace(facts, **changed))


def machine(number: int, name: str) -> DeviceFacts:
    return DeviceFacts(number, name, f"S-{number}", "Microsoft Windows 11 Pro", "FusionInventory-Agent_v2.6", NOW)


def doubt(voice: Voice = ORDINARY, **changed: Any) -> Asked:
    words = "PC-9 has the hardware identity of PC-7 and an agent of its own: two machines, or one renamed?"
    nine, seven = machine(9, voice.product), machine(7, voice.ana)
    facts = DoubtFacts(3, f"{voice.words} {words}", nine, seven, NOW, "", None)
    return devices.asked(replace(facts, **changed))


#: Of each kind: one that is open, one that was answered.
Ask = Callable[..., Asked]
SAMPLES: list[tuple[Kind[Any], Ask, dict[str, Any]]] = [
    (DEVICES, doubt, {"decision": "two"}),
    (ACCOUNTS, match, {"outcome": "same"}),
]


def test_every_kind_of_question_is_tried_here() -> None:
    assert [kind for kind, *_ in SAMPLES] == list(KINDS)
    assert len({kind.matter.card for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(("kind", "ask", "answered"), SAMPLES)
def test_one_question_is_asked_whole(kind: Kind[Any], ask: Ask, answered: dict[str, Any], voice: str) -> None:
    one = ask(VOICES[voice])
    message = question_card(kind, [one])
    check(message, own_words=voice == "ordinary")
    assert labels(message) == [choice.label for choice in kind.choices]
    assert kind.header in shown(message) and message.text.endswith(kind.meanwhile)
    for choice in kind.choices:
        assert element(message, choice.label)["accessibility_label"].startswith(f"{choice.label}: ")
    assert validate_view(question_window(kind, one)) == []


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(("kind", "ask", "answered"), SAMPLES)
def test_many_questions_are_one_message_with_a_button_each(
    kind: Kind[Any], ask: Ask, answered: dict[str, Any], voice: str
) -> None:
    many = [ask(VOICES[voice], id=number) for number in range(1, 15)]
    message = question_card(kind, [*many, ask(id=20, **answered)])
    check(message, most_blocks=40, most_characters=9000, own_words=voice == "ordinary")
    assert labels(message) == ["Answer"] * 10 and f"14 questions about {kind.about}" in shown(message)
    assert f"and 4 more: {kind.listed_by}" in shown(message)


@pytest.mark.parametrize(("kind", "ask", "answered"), SAMPLES)
def test_an_answered_question_has_no_buttons(kind: Kind[Any], ask: Ask, answered: dict[str, Any]) -> None:
    one = ask(**answered)
    message = question_card(kind, [one])
    assert message.text == one.outcome.replace("*", "") and labels(message) == []
    assert question_card(kind, [one] * 2).text == f"All answered: 2 questions about {kind.about}."
    assert not [block for block in question_window(kind, one)["blocks"] if block["type"] == "actions"]


@pytest.mark.parametrize("voice", VOICES)
def test_whose_account_it_is_names_the_person_the_account_and_who_has_it(voice: str) -> None:
    message = question_card(ACCOUNTS, [match(VOICES[voice])])
    assert "U0TWO" in message.text and "Kai Moreno" in message.text
    assert "Kai Moreno has it no more." in element(message, "Same person")["confirm"]["text"]["text"]
    free = question_card(ACCOUNTS, [match(VOICES[voice], holder=None)])
    assert "nobody here" in shown(free)
    assert "no more" not in element(free, "Same person")["confirm"]["text"]["text"]
    assert "confirm" not in element(free, "Not the same")


@pytest.mark.parametrize("voice", VOICES)
def test_one_machine_or_two_is_asked_with_what_tells_them_apart(voice: str) -> None:
    for other in (machine(7, VOICES[voice].ana), None):
        message = question_card(DEVICES, [doubt(VOICES[voice], other=other)])
        check(message, own_words=voice == "ordinary")
        assert "serial" in shown(message)
        assert ("confirm" in element(message, "Same device")) is (other is not None)
        assert "confirm" not in element(message, "Two devices")


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
def test_whose_account_it_was_is_said(changed: dict[str, Any], said: str) -> None:
    assert question_card(ACCOUNTS, [match(person=who(4, "Ana"), **changed)]).text == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"decision": "one"}, "One device, says Eli Marsh: PC-9 counts as PC-7."),
        ({"decision": "two"}, "Two devices, says Eli Marsh: PC-9 and PC-7."),
        ({"decision": "one", "other": None}, "One device, says Eli Marsh: PC-9."),
        ({"decision": "two", "other": None}, "Two devices, says Eli Marsh: PC-9."),
        ({"decision": "moot", "decided_by": None}, "Settled: PC-9, with another answer about it."),
    ],
)
def test_what_was_said_of_devices_is_said(changed: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {
        "device": machine(9, "PC-9"),
        "other": machine(7, "PC-7"),
        "decided_by": who(9, "Eli Marsh"),
    } | changed
    assert question_card(DEVICES, [doubt(**given)]).text == said
