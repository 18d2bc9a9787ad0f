"""The week in figures: what the message says of them, and that it comes once (wording guide §2.13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bot.views.weekly_card import duration, weekly_card
from model.requests import Card
from tests.unit.message_checks import check, labels, shown
from tests.unit.renewal_desk import Office, office
from workflows import weekly

FIGURES: dict[str, Any] = {
    "week": 47, "short_seats": 7, "short_products": 2, "idle": 31, "idle_before": 34,
    "idle_a_year": {"EUR": "8940.00", "USD": "1120.00"}, "to_decide": 2, "until": "2026-12-23", "red": 0,
    "asked": 14, "half_minutes": 130, "taken": 11, "put_back": 1, "saved": {"EUR": "6480.00"},
}  # fmt: skip


def test_the_week_as_the_guide_shows_it() -> None:
    message = weekly_card(FIGURES, "https://seats.example")
    check(message)
    seen = shown(message).replace("*", "")
    assert message.blocks[0]["text"]["text"] == "Licences, week 47"
    assert (
        "Short: 7 seats in 2 products. Idle: 31 seats, €8,940.00 and US$1,120.00 a year. "
        "To decide by 23 Dec: 2 contracts."
    ) in seen
    assert "14 requests, half decided within 2 h 10 min. Taken back 11, put back 1. Saved this year: €6,480.00." in seen
    assert "Idle −3 since last week." in seen
    assert labels(message) == ["See renewals", "Open in dashboard"]
    assert "To decide by 23 Dec: 2 contracts" in message.text


def test_a_week_in_which_nothing_was_says_so_and_what_is_not_known_is_no_zero() -> None:
    nothing = FIGURES | {
        "short_seats": None, "idle": 0, "idle_before": 0, "idle_a_year": {}, "to_decide": 0, "red": 1, "asked": 0,
        "half_minutes": None, "taken": 0, "put_back": 0, "saved": {},
    }  # fmt: skip
    message = weekly_card(nothing, "")
    check(message)
    seen = shown(message).replace("*", "")
    assert "Short: not counted today. Idle: no seat looks idle. To decide by 23 Dec: nothing." in seen
    assert "Without proof: 1 decision." in seen
    assert "No requests. Nothing taken back. Nothing saved yet this year." in seen
    assert labels(message) == ["See renewals"]


@pytest.mark.parametrize(
    ("minutes", "words"), [(8, "8 min"), (60, "1 h"), (130, "2 h 10 min"), (0, "0 min"), (4320, "3 days")]
)
def test_how_long_half_of_them_took(minutes: int, words: str) -> None:
    assert duration(minutes) == words


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        yield made


def test_contracts_to_decide_are_counted_and_the_message_comes_once_a_week(company: Office) -> None:
    company.night("2027-01-11")
    with company.database.reading() as connection:
        found = weekly.figures(connection, company.now)
    assert (found["to_decide"], found["until"], found["idle"]) == (1, "2027-02-10", 0)
    for _ in range(2):
        with company.work() as work:
            weekly.weekly(work, found, company.now)
    with company.database.reading() as connection:
        rows = connection.execute(select(Card.audience, Card.facts).where(Card.kind == "weekly")).all()
    assert [(row.audience, row.facts["to_decide"]) for row in rows] == [("channel:licences", 1)]
