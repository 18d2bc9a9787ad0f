"""One digest a day, at nine the reader's time, of what was held back; whatever was down meanwhile (rules §10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from model.people import Person
from model.requests import ApproverState, LicenceRequest, StepApprover
from sandbox.slack_person import message_text
from tests.http.delivery import Office, ask, office
from workflows.cards import CardKind, person
from workflows.effects import ShowRequest
from workflows.replies import About, Said

NINE = {"hours": 23, "minutes": 31}  # from Monday 9:30 to Tuesday 9:01


@pytest.fixture
def place(database_url: str) -> Iterator[Office]:
    with office(database_url) as made:
        yield made


def note(place: Office, *numbers: int) -> None:
    for number in numbers:
        said = Said(About.TEXT, text=f"Note {number} for the record.")
        place.card(CardKind.NOTE, number, person(2), facts=said.facts())
    place.deliver()


def full(place: Office) -> None:
    """Ben had his three messages of the day (Monday, 9:30 UTC, his zone is UTC)."""
    note(place, 1, 2, 3)
    assert len(place.messages("U0BEN")) == 3


def waits(place: Office, *numbers: int) -> None:
    for number in numbers:
        ask(place, number)
        place.card(CardKind.APPROVAL, number, person(2), request_id=number)
    place.deliver()


def digests(place: Office) -> list[dict[str, Any]]:
    return [one for one in place.messages("U0BEN") if "open_home" in str(one["blocks"])]


def at(place: Office, **by: float) -> None:
    place.later(timedelta(**by))
    place.deliver()


def test_the_rest_comes_as_one_message_at_nine(place: Office) -> None:
    full(place)
    waits(place, 4, 5)
    note(place, 6)
    at(place, hours=23, minutes=29)
    assert len(place.messages("U0BEN")) == 3
    at(place, minutes=2)
    [one] = digests(place)
    assert len(place.messages("U0BEN")) == 4
    said = message_text(one)
    assert "2 things wait for you" in said
    assert said.index("Ana Lindqvist: Microsoft Copilot") < said.rindex("Note 6 for the record.")
    assert str(one["blocks"]).count("'Decide'") == 2
    note(place, 11, 12, 13)  # the digest is none of the next day's three
    assert len(place.messages("U0BEN")) == 7


@pytest.mark.parametrize(("more", "rows", "said"), [((), 2, "2 things wait"), ((6,), 0, "3 decisions wait for you")])
def test_a_decision_is_one_row_with_its_own_card_and_the_list_held_back(
    place: Office, more: tuple[int, ...], rows: int, said: str
) -> None:
    full(place)
    waits(place, 4, 5)
    for number in more:  # asked, and on the list only
        ask(place, number)
    place.card(CardKind.DECISIONS, 2, person(2))
    place.deliver()
    at(place, **NINE)
    [one] = digests(place)
    assert said in message_text(one) and str(one["blocks"]).count("'Decide'") == rows
    assert ("decisions wait for you" in message_text(one)) is (not rows)


def test_what_changes_shows_in_its_row_and_nowhere_else(place: Office) -> None:
    full(place)
    waits(place, 4, 5)
    at(place, **NINE)
    place.change(StepApprover, 4, state=ApproverState.AGREED)
    place.enqueue(ShowRequest(4))
    place.change(LicenceRequest, 5, reason="Another reason", version=2)
    place.enqueue(ShowRequest(5))
    place.deliver()
    [one] = digests(place)
    assert "1 thing waits for you" in message_text(one)
    assert len(place.messages("U0BEN")) == 4
    place.change(StepApprover, 5, state=ApproverState.AGREED)
    place.enqueue(ShowRequest(5))
    place.deliver()
    assert "Nothing waits for you." in message_text(place.messages("U0BEN")[-1])
    assert len(place.messages("U0BEN")) == 4


def test_nothing_comes_when_nothing_waits_any_more(place: Office) -> None:
    full(place)
    waits(place, 4)
    place.change(StepApprover, 4, state=ApproverState.AGREED)
    at(place, **NINE)
    assert len(place.messages("U0BEN")) == 3
    assert not [one for one in place.cards() if one.kind == CardKind.DIGEST]


def test_a_reminder_of_what_nobody_saw_yet_is_no_second_message(place: Office) -> None:
    full(place)
    waits(place, 4)
    place.card(CardKind.APPROVAL, 4, person(2), request_id=4)
    at(place, **NINE)
    assert len(digests(place)) == 1
    assert len(place.messages("U0BEN")) == 4
    place.card(CardKind.APPROVAL, 4, person(2), request_id=4)  # one of what stood in the digest is
    place.deliver()
    assert len(place.messages("U0BEN")) == 5


@pytest.mark.parametrize(("stopped", "same_day"), [({"hours": 26}, True), ({"hours": 37}, False)])
def test_a_stop_over_nine_makes_one_digest_in_working_hours(
    place: Office, stopped: dict[str, float], same_day: bool
) -> None:
    full(place)
    waits(place, 4)
    at(place, **stopped)  # Tuesday 11:30, or 22:30
    assert len(digests(place)) == int(same_day)
    at(place, hours=11)
    assert len(digests(place)) == 1
    at(place, hours=24)
    assert len(digests(place)) == 1


def test_slack_away_at_nine_makes_one_digest(place: Office) -> None:
    full(place)
    waits(place, 4)
    place.later(timedelta(**NINE))
    place.fault("unavailable", "chat.postMessage", times=None)
    place.deliver()
    place.faults.clear()
    assert digests(place) == []
    at(place, hours=10)  # Tuesday 19:01: Slack is back, and nobody is woken
    assert digests(place) == []
    at(place, hours=14)
    [one] = digests(place)
    assert "1 thing waits for you" in message_text(one)


def test_a_digest_not_posted_yet_takes_the_next_days_rows_up(place: Office) -> None:
    full(place)
    waits(place, 4)
    place.later(timedelta(**NINE))
    place.fault("unavailable", "chat.postMessage", times=None)
    place.deliver()
    place.faults.clear()
    at(place, hours=10)
    note(place, 11, 12, 13, 14)  # in the evening: three wait for the morning, the fourth for the digest
    at(place, hours=14)
    [one] = digests(place)
    assert "1 thing waits for you" in message_text(one)
    assert "Note 14" in message_text(one)


def test_one_a_day_and_the_next_day_the_next(place: Office) -> None:
    full(place)
    waits(place, 4)
    at(place, **NINE)
    note(place, 11, 12, 13, 14)
    at(place, hours=3)
    assert len(digests(place)) == 1
    at(place, hours=21)
    assert len(digests(place)) == 2
    first, second = digests(place)
    assert "Note 14" in message_text(second)
    assert "1 thing waits for you" in message_text(first), "the older one stays and keeps its rows"


def test_nine_is_the_readers_own_nine(place: Office) -> None:
    place.change(Person, 2, time_zone="America/New_York")  # nine there is 14:00 UTC
    place.later(timedelta(hours=6))
    full(place)
    waits(place, 4)
    at(place, hours=22)  # Tuesday 13:30 UTC
    assert digests(place) == []
    at(place, minutes=31)
    assert len(digests(place)) == 1
