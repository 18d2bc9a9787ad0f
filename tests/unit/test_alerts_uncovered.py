"""Shortfalls that no baseline and no limitless right may hide, with real positions (rules §3, §8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from model.alerts import AlertPlace, SourceState
from tests.unit.alert_desk import AlertDesk, alert_desk

LAST_DAY = date(2026, 11, 30)
DECEMBER = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
def office(sqlite_url: str) -> Iterator[AlertDesk]:
    with alert_desk(sqlite_url) as made:
        yield made


def named(start: int, count: int) -> list[str]:
    return [f"LYO-{number:03d}" for number in range(start, start + count)]


def test_the_end_of_a_purchase_that_covered_adopted_devices_is_told(office: AlertDesk) -> None:
    """30 devices were adopted and 30 bought: when that ends, the near-limit alert is not the last word."""
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("AutoCAD LT")
    office.buy(product_id, 30, LAST_DAY)
    office.place(title_id, *named(0, 30))
    office.accept()
    office.look(2)
    assert office.live() == [f"near_limit:{product_id}:0:device"]
    office.now = DECEMBER
    office.look(2)
    assert office.live() == [f"expired_right:{product_id}"]
    alert = office.alerts()[-1]
    assert (alert.figures["devices"], alert.figures["people"], alert.figures["ended_on"]) == (30, 0, "2026-11-30")
    assert len([row for row in office.desk.rows(AlertPlace, "alert_id") if row == (alert.id,)]) == 30


def test_the_end_of_a_purchase_that_was_short_at_the_baseline_speaks_of_new_devices_only(office: AlertDesk) -> None:
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("AutoCAD LT")
    office.buy(product_id, 30, date(2026, 10, 31))
    office.place(title_id, *named(0, 3))
    office.accept()
    office.look(2)
    assert office.live() == []
    [added] = office.place(title_id, "LYO-900")
    office.look()
    assert office.live() == [f"expired_right:{product_id}"]
    assert office.desk.rows(AlertPlace, "device_id") == [(added,)]


def test_the_end_of_a_seats_purchase_is_told_without_any_device(office: AlertDesk) -> None:
    office.source()
    product_id, _ = office.product("Figma")
    office.buy(product_id, 1, LAST_DAY, metric="named_user")
    office.seat(product_id, "ana@acme.example")
    office.look(2)
    assert office.live() == []
    office.now = DECEMBER
    office.look()
    assert office.live() == [f"expired_right:{product_id}"]
    [alert] = office.alerts()
    assert (alert.figures["devices"], alert.figures["people"]) == (0, 1)
    office.look()
    assert office.live() == [f"expired_right:{product_id}"]


def test_devices_at_other_sites_than_those_bought_for_are_told(office: AlertDesk) -> None:
    """A right for a site has no limit there; elsewhere it covers nothing."""
    office.source()
    product_id, title_id = office.product("MATLAB")
    office.buy(product_id, None, metric="site", sites=["Oslo"])
    office.place(title_id, *named(0, 3))  # in Lyon
    office.look(2)
    assert office.live() == [f"shortfall:{product_id}:0:site"]
    assert office.alerts()[0].figures["short"] == "3"
