"""When an unasked message may reach a person (rules §10): working hours, three a day, one list for many decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from licensing.business_time import WorkCalendar
from workflows.cards import CardKind
from workflows.policy import Messages
from workflows.quiet import UNASKED, At, IntoDigest, IntoList, Now, Reader, when

PARIS = WorkCalendar(ZoneInfo("Europe/Paris"))
HONOLULU = WorkCalendar(ZoneInfo("Pacific/Honolulu"))
RULES = Messages()
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


def _reader(sent: int = 0, waiting: int = 1, calendar: WorkCalendar = PARIS) -> Reader:
    return Reader(calendar, sent, waiting)


def test_in_working_hours_it_goes_out() -> None:
    assert when(CardKind.APPROVAL, _reader(), RULES, MONDAY_NOON) == Now()


def test_outside_working_hours_it_waits_for_the_readers_morning() -> None:
    friday_evening = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    assert when(CardKind.TASK, _reader(), RULES, friday_evening) == At(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    assert when(CardKind.TASK, _reader(calendar=HONOLULU), RULES, MONDAY_NOON) == At(
        datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    )


def test_the_fourth_of_a_day_waits_for_nine_the_next_working_day() -> None:
    assert when(CardKind.NOTE, _reader(sent=2), RULES, MONDAY_NOON) == Now()
    assert when(CardKind.NOTE, _reader(sent=3), RULES, MONDAY_NOON) == IntoDigest(
        datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    )
    friday_noon = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
    assert when(CardKind.NOTE, _reader(sent=3), RULES, friday_noon) == IntoDigest(
        datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    )


@pytest.mark.parametrize(("waiting", "verdict"), [(4, Now()), (5, IntoList()), (60, IntoList())])
def test_more_than_four_open_decisions_are_one_list(waiting: int, verdict: object) -> None:
    assert when(CardKind.APPROVAL, _reader(waiting=waiting), RULES, MONDAY_NOON) == verdict


def test_the_list_itself_keeps_to_the_same_hours() -> None:
    night = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert isinstance(when(CardKind.DECISIONS, _reader(waiting=9), RULES, night), At)


def test_more_than_three_that_came_in_the_night_are_one_digest_that_morning() -> None:
    early = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    nine = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert when(CardKind.NOTE, replace(_reader(), waiting=2), RULES, early) == At(nine)
    assert when(CardKind.NOTE, replace(_reader(), waiting=3), RULES, early) == IntoDigest(nine)


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), Now()),
        (datetime(2026, 11, 23, 15, 59, tzinfo=UTC), Now()),
        (datetime(2026, 11, 23, 16, 0, tzinfo=UTC), At(datetime(2026, 11, 24, 8, 1, tzinfo=UTC))),
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), At(datetime(2026, 11, 23, 8, 1, tzinfo=UTC))),
        (datetime(2026, 11, 28, 11, 0, tzinfo=UTC), At(datetime(2026, 11, 30, 8, 1, tzinfo=UTC))),
    ],
)
def test_a_digest_that_comes_late_wakes_nobody(at: datetime, verdict: object) -> None:
    assert when(CardKind.DIGEST, _reader(), RULES, at) == verdict


@pytest.mark.parametrize("kind", sorted(set(CardKind) - {CardKind.DIGEST}))
def test_what_answers_the_reader_is_never_held_back(kind: CardKind) -> None:
    night = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    assert when(kind, _reader(sent=9), RULES, night, own=True) == Now()
    if kind not in UNASKED and kind is not CardKind.DIGEST:
        assert when(kind, _reader(sent=9), RULES, night) == Now()


def test_software_found_is_one_message_a_day_whatever_else_came() -> None:
    """One that cannot be rewritten any more, because it went by mail, leaves the next to the next working day."""
    assert when(CardKind.FOUND, _reader(), RULES, MONDAY_NOON) == Now()
    tuesday = At(datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    assert when(CardKind.FOUND, replace(_reader(), software_today=True), RULES, MONDAY_NOON) == tuesday
    assert when(CardKind.FOUND, _reader(sent=3), RULES, MONDAY_NOON) == tuesday
    assert when(CardKind.NOTE, replace(_reader(), software_today=True), RULES, MONDAY_NOON) == Now()


@pytest.mark.parametrize("kind", [CardKind.STILL_NEEDED, CardKind.KEEP_WORD, CardKind.RECLAIM_LIST, CardKind.HANDOVER])
def test_what_the_digest_has_no_row_for_waits_for_a_day_with_room(kind: CardKind) -> None:
    """Held for the digest, such a message counted as said and was never seen."""
    assert when(kind, _reader(sent=2), RULES, MONDAY_NOON) == Now()
    tuesday = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert when(kind, _reader(sent=3), RULES, MONDAY_NOON) == At(tuesday)
    early = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    assert when(kind, replace(_reader(), waiting=3), RULES, early) == At(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
