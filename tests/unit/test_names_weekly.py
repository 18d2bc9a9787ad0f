"""The week's card of names to settle: when one came, and again after a month, but never the same list each Monday."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model.inventory import Title
from model.requests import Card
from tests.unit.renewal_desk import Office, office
from workflows.alerts.observed import weekly_names
from workflows.effects import enqueue


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url, entitlements="") as made:
        yield made


def came(company: Office, name: str, day: str, kind: str = "unrecognised") -> None:
    with company.work() as work:
        work.session.add(
            Title(raw_title=name, raw_publisher="", sample_version="", release="", kind=kind, confidence=0, rule="",
                  first_seen_at=company.at(day), recorded_at=company.at(day))
        )  # fmt: skip


def monday(company: Office, day: str, hour: int = 8) -> int:
    """The week's turn; how many cards there are by then."""
    with company.work() as work:
        enqueue(work, weekly_names(work, company.at(day, hour)), company.at(day, hour))
    return sum(kind == "names" for (kind,) in company.rows(Card, "kind"))


def test_a_list_is_told_once_until_a_name_comes(company: Office) -> None:
    assert monday(company, "2026-11-23") == 0
    came(company, "Foo 64-bit", "2026-11-24")
    assert monday(company, "2026-11-30") == 1
    assert monday(company, "2026-11-30", 12) == 1
    assert monday(company, "2026-12-07") == 1
    came(company, "Notepad++", "2026-12-08", kind="product")
    assert monday(company, "2026-12-14") == 1
    came(company, "Bar", "2026-12-15", kind="ask")
    assert monday(company, "2026-12-21") == 2


def test_what_nobody_settles_is_told_again_after_four_weeks(company: Office) -> None:
    came(company, "Foo 64-bit", "2026-11-24")
    assert monday(company, "2026-11-30") == 1
    assert monday(company, "2026-12-21") == 1
    assert monday(company, "2026-12-28") == 2
