"""A request that waits for a person: its note names nobody, leads somewhere, and the requester reads who was told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.views.answers import parked_rows
from bot.views.notes import stuck_card
from bot.views.progress_card import progress_card
from bot.views.stuck_forms import close_form, name_form, who_words
from model.requests import LineState, Status
from sandbox.blocks import validate_view
from tests.unit.message_checks import check, labels, shown
from tests.unit.view_facts import NOW, ORDINARY, VOICES, Voice, progress, request, step, who
from workflows.reads.facts import Told
from workflows.reads.seat_facts import StuckFacts
from workflows.reads.stuck import Behind


def stuck(voice: Voice = ORDINARY, status: Status = Status.FAILED, **changes: object) -> StuckFacts:
    one = StuckFacts(42, "REQ-1042", voice.product, status, voice.words[:500], NOW, False, version=3)
    return replace(one, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("settled", [False, True])
def test_the_note_keeps_every_rule(voice: str, status: Status, settled: bool) -> None:
    facts = stuck(VOICES[voice], status, settled=settled, silent=status == Status.AWAITING_APPROVAL)
    check(stuck_card(facts, "https://desk.example.test/42"), own_words=voice == "ordinary")


def test_each_cause_has_its_way_on() -> None:
    assert labels(stuck_card(stuck())) == ["Try again", "Close it", "Who is it?"]
    waits = stuck(status=Status.AWAITING_APPROVAL)
    assert labels(stuck_card(waits)) == ["Name who decides", "Close it", "Who is it?"]
    assert labels(stuck_card(stuck(can_retry=False))) == ["Close it", "Who is it?"]
    assert labels(stuck_card(stuck(settled=True))) == []
    assert "nobody has answered" in shown(stuck_card(replace(waits, silent=True)))
    assert "2 people are missing" in shown(stuck_card(replace(waits, missing=2)))


@pytest.mark.parametrize("voice", VOICES)
def test_the_windows_keep_slacks_limits(voice: str) -> None:
    spoken = VOICES[voice]
    facts = stuck(spoken, Status.AWAITING_APPROVAL, missing=2)
    many = tuple(replace(facts, request_id=number, reference=f"REQ-{number}") for number in range(60))
    for view in (name_form(facts), close_form(facts), parked_rows((), many)):
        assert validate_view(view) == []
    behind = Behind(who(1, spoken.ana), tuple(who(number, spoken.mia) for number in range(2, 30)), (spoken.words,))
    assert 0 < len(who_words(behind)) <= 3000


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("told", [None, Told("IT", NOW), Told("the licence managers", NOW)])
def test_the_requester_reads_who_was_told_and_what_happens(voice: str, told: Told | None) -> None:
    spoken = VOICES[voice]
    failed = request(spoken, status=Status.FAILED)
    line = replace(failed.lines[0], state=LineState.FAILED, words=spoken.words[:500])
    message = progress_card(progress(spoken, request=replace(failed, lines=(line,)), told=told), NOW)
    check(message, own_words=voice == "ordinary")
    nobody = step(spoken, quorum=2)
    waits = progress_card(progress(spoken, request=request(spoken, nobody), told=told), NOW)
    check(waits, own_words=voice == "ordinary")
    assert "Waiting for somebody to be named" in shown(waits)
    if told is not None:
        assert f"{told.whom} w" in shown(message) and " told <!date" in shown(message)


@pytest.mark.parametrize("voice", VOICES)
def test_a_closed_request_says_why(voice: str) -> None:
    spoken = VOICES[voice]
    closed = request(spoken, status=Status.WITHDRAWN, closing_words=spoken.words, details={"closed_by": 5})
    message = progress_card(progress(spoken, request=closed), NOW)
    check(message, own_words=voice == "ordinary")
    assert shown(message).startswith("*Closed*")
    withdrawn = progress_card(progress(spoken, request=replace(closed, details={})), NOW)
    assert shown(withdrawn).startswith("*Withdrawn*")
