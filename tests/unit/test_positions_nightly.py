"""The night's full count: kept as it was, held against each product's own, and a difference waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from model.events import Event, Tag
from model.inventory import PositionRow, PositionRun
from tests.unit.import_desk import PEOPLE, Desk, desk
from workflows.perform_trouble import classify
from workflows.positions import nightly
from workflows.positions.compute import Computed, positions


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        made.take("people", PEOPLE)
        made.take(
            "entitlements",
            """
            reference,product,metric,kind,quantity,unit_price,currency,starts_on
            PO-1,Miro,named_user,subscription,3,28.00,EUR,2026-01-01
            PO-2,Figma,named_user,subscription,1,180.00,USD,2026-01-01
            """,
        )
        made.take("seats", "product,person,began_on\nMiro,ana@example.test,2026-02-01")
        made.now += timedelta(hours=1)
        yield made


def tags(register: Desk) -> list[str]:
    return [row[0] for row in register.rows(Event, "tag")]


def test_all_positions_of_the_night_are_kept(register: Desk) -> None:
    night = nightly.count(register.database, register.now)
    assert (night.rows, night.differ) == (2, ())
    assert register.rows(PositionRun, "kind", "rows", "words") == [("nightly", 2, "")]
    kept = {figures["product"]: figures for (figures,) in register.rows(PositionRow, "figures")}
    assert (kept["Miro"]["consumed"], kept["Miro"]["wasted"]) == (1, {"EUR": "56.00"})
    assert tags(register)[-1] == Tag.POSITIONS_COUNTED
    with register.database.reading() as connection:
        found = nightly.latest(connection, register.now.date())
        assert {figures["product"] for figures in found.values()} == {"Miro", "Figma"}
        assert nightly.latest(connection, register.now.date() + timedelta(days=1)) == {}


def test_the_same_facts_give_the_same_digest(register: Desk) -> None:
    for _ in range(2):
        nightly.count(register.database, register.now)
        register.now += timedelta(minutes=5)
    first, second = (row[0] for row in register.rows(PositionRun, "digest"))
    assert first == second


def test_a_difference_is_an_event_and_waits_for_a_person(register: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two counts share their rules, so only a fault in reading could part them: here one is put in by hand."""
    whole = positions

    def one_off(connection: Any, times: Any, ids: Any = None) -> Iterator[Computed]:
        for one in whole(connection, times, ids):
            wrong = ids is not None and one.subject.name == "Miro"
            yield replace(one, position=replace(one.position, consumed=Decimal(7))) if wrong else one

    monkeypatch.setattr(nightly, "positions", one_off)
    night = nightly.count(register.database, register.now)
    assert night.differ == ("Miro",)
    assert tags(register)[-1] == Tag.POSITIONS_DIFFER
    assert register.rows(PositionRun, "words") == [("Counted anew by itself, Miro came out otherwise.",)]
    words = nightly.differ_in_words(night)
    assert words.startswith("1 position came out otherwise when counted alone: Miro.")
    failure = classify(nightly.PositionsDiffer(words))
    assert (failure.kind, failure.words, failure.cause) == ("refused", words, "positions: two counts differ")
