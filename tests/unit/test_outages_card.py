"""The note to IT about a system that does not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.views.outage_card import outage_card
from tests.unit.message_checks import check, shown
from tests.unit.view_facts import NOW
from workflows.outages import SYSTEMS, OutageFacts


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("requests", [0, 1, 4, 12_000])
@pytest.mark.parametrize("over", [False, True])
def test_it_keeps_every_rule(system: str, requests: int, over: bool) -> None:
    facts = OutageFacts(system, NOW, NOW + timedelta(hours=5) if over else None, requests)
    check(outage_card(facts))


def test_it_says_what_waits_and_that_it_goes_on() -> None:
    four = OutageFacts("graph", NOW, None, 4)
    assert "4 requests wait; they go on by themselves." in shown(outage_card(four))
    assert shown(outage_card(four)).startswith("*Microsoft 365 has not answered since*")
    assert "1 request waits; it goes on by itself." in shown(outage_card(replace(four, requests=1)))
    assert "No request waits for it yet." in shown(outage_card(replace(four, requests=0)))
    assert shown(outage_card(replace(four, system="mail"))).startswith("*The mail server has not answered since*")
    over = outage_card(replace(four, over_at=NOW))
    assert shown(over).startswith("*Microsoft 365 answers again*") and shown(over).endswith(", nothing waits.")
