"""Three messages a day and one digest, through every part: a manager's Monday, and Tuesday at nine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from model.requests import Status
from sandbox.slack_person import message_text
from tests.http.test_whole_path import ask
from tests.whole import COPILOT, Whole, directory_id, whole


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with whole(tmp_path, database_url, copilot_seats=9) as made:
        made.run(work=False)
        yield made


def direct(office: Whole, key: str) -> list[dict[str, Any]]:
    """Somebody's own messages: what stands in channels is not theirs alone."""
    person = office.person(key)
    channels = {str(one["ts"]) for name in ("licences", "it-alerts") for one in person.messages(name)}
    return [one for one in person.messages() if str(one["ts"]) not in channels]


def digests(office: Whole, key: str) -> list[dict[str, Any]]:
    return [one for one in direct(office, key) if "open_home" in str(one["blocks"])]


def test_the_fourth_of_a_day_is_decided_from_the_digest(office: Whole) -> None:
    for key in ("ana", "kai", "li"):
        ask(office, key, "Copilot")
    last = ask(office, "tom", "Copilot")
    assert len(direct(office, "ben")) == 3
    office.forward(hours=23, minutes=50)  # Tuesday 9:04 in Lyon
    [digest] = digests(office, "ben")
    said = message_text(digest)
    assert "1 thing waits for you" in said and "Tom Becker: Copilot" in said
    ben = office.person("ben")
    ben.press("Open Home", in_message=digest)
    assert "Waiting for your decision (4)" in str(ben.modal())
    ben.close()

    ben.press("Decide", in_message=digest)
    ben.press("Approve")
    office.settle()
    assert office.request(last).status == Status.FULFILLED
    assert office.graph.directory.holds(directory_id("tom"), COPILOT)
    assert "Ready" in message_text(office.person("tom").message("for you")), "answers to one's own request come at once"
    assert digests(office, "ben") == [], "the row is settled and the digest says so"
    assert any("Nothing waits for you." in message_text(one) for one in direct(office, "ben"))
    assert not any("Tom Becker asks for Copilot" in message_text(one) for one in direct(office, "ben"))


def test_a_reader_with_few_messages_gets_no_digest(office: Whole) -> None:
    ask(office, "ana", "Copilot")
    for _ in range(3):
        office.forward(days=1)
    assert digests(office, "ben") == []
    assert digests(office, "ana") == []


def test_a_stop_over_nine_still_makes_one(office: Whole) -> None:
    for key in ("ana", "kai", "li", "tom"):
        ask(office, key, "Copilot")
    office.clock.forward(timedelta(hours=26))  # nothing worked from Monday to Tuesday 11:14
    office.caught_up()
    office.settle()
    office.forward(minutes=10)
    assert len(digests(office, "ben")) == 1


def test_the_answer_to_a_question_comes_at_once_on_the_busiest_day(office: Whole) -> None:
    """Three messages came already; whoever asked something does not wait for tomorrow's digest to decide."""
    first = ask(office, "ana", "Copilot")
    for key in ("kai", "li"):
        ask(office, key, "Copilot")
    ben, ana = office.person("ben"), office.person("ana")
    ben.press("Ask a question", in_message="Ana Lindqvist asks for Copilot")
    ben.fill(words="Which meetings is it for?").submit()
    office.settle()
    ana.press("Answer", in_message="REQ-")
    ana.fill(words="The weekly ones of the move.").submit()
    office.settle()
    newest = direct(office, "ben")[-1]
    assert "Answered: The weekly ones of the move." in message_text(newest)
    assert "Asked again below" in message_text(direct(office, "ben")[0])
    ben.press("Approve", in_message=newest)
    office.settle()
    assert office.request(first).status == Status.FULFILLED
