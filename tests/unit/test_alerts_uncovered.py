"""Shortfalls that no baseline and no limitless right may hide, with real positions (rules §3, §8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from model.alerts import AlertPlace, InstalledKey, InventorySource, SourceState
from model.events import Event
from model.licences import Product
from tests.unit.alert_desk import AlertDesk, alert_desk
from workflows.alerts import looks
from workflows.alerts.causes import picture

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


def test_a_shortfall_that_was_worked_off_is_not_tolerated_a_second_time(office: AlertDesk) -> None:
    """Short 30 at the baseline, then 30 bought; what comes later is news, and the list to work off stays as it was."""
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("AutoCAD LT")
    office.buy(product_id, 10)
    office.place(title_id, *named(0, 40))
    office.accept()
    office.look(2)
    assert office.live() == []
    office.now += timedelta(days=1)
    office.buy(product_id, 30)
    office.look()
    office.now += timedelta(days=1)
    office.place(title_id, *named(100, 25))
    office.look(2)
    assert office.live() == [f"shortfall:{product_id}:0:device"]
    assert office.alerts()[-1].figures["short"] == "25"
    [(counts,)] = office.desk.rows(InventorySource, "accepted_counts")
    assert list(counts["short"].values()) == ["30"] and list(counts["left"].values()) == ["0"]


def test_the_money_at_risk_is_that_of_the_devices_an_alert_speaks_of(office: AlertDesk) -> None:
    """One new device beside three of the baseline, and the alert told of the price of four."""
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("AutoCAD LT")
    with office.desk.database.unit_of_work() as work:
        priced = {"list_price": Decimal("550.00"), "list_currency": "EUR", "list_cycle": "year"}
        work.connection.execute(update(Product).where(Product.id == product_id).values(**priced))
        work.commit()
    office.place(title_id, *named(0, 3))
    office.accept()
    office.look(2)
    assert office.live() == []
    office.place(title_id, "LYO-900")
    office.look(2)
    [alert] = office.alerts()
    assert (alert.figures["devices"], alert.figures["at_risk"]) == (1, {"EUR": "550.00"})


def test_of_a_shortfall_half_worked_off_the_rest_stays_adopted(office: AlertDesk) -> None:
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("AutoCAD LT")
    office.buy(product_id, 10)
    office.place(title_id, *named(0, 40))
    office.accept()
    office.buy(product_id, 20)
    office.look(2)
    office.place(title_id, *named(100, 5))
    office.look(2)
    assert office.live() == [f"shortfall:{product_id}:0:device"]
    assert office.alerts()[-1].figures["short"] == "5"


def test_a_baseline_accepted_during_a_look_is_not_lowered_by_it(office: AlertDesk) -> None:
    """The look began before the devices came that the acceptance adopted."""
    office.source()
    product_id, title_id = office.product("AutoCAD LT")
    office.buy(product_id, 1)
    with office.desk.database.reading() as connection:
        before = picture(connection, office.rules().policy, None, office.now)
    office.place(title_id, *named(0, 4), source="ocs")
    office.source("ocs", SourceState.OBSERVE)
    office.now += timedelta(minutes=1)
    office.accept("ocs")
    with office.desk.database.unit_of_work() as work:
        looks.apply(work, office.rules(), before, office.now)
        work.commit()
    office.look(2)
    assert office.live() == []


def keyed(office: AlertDesk, product_id: int, *device_ids: int, fingerprint: str = "f") -> None:
    """One key on these devices."""
    with office.desk.database.unit_of_work() as work:
        for device_id in device_ids:
            work.session.add(
                InstalledKey(
                    device_id=device_id, product_id=product_id, fingerprint=fingerprint, last_five="Q7XYZ",
                    first_seen_at=office.now, last_seen_at=office.now,
                )
            )  # fmt: skip
        work.commit()


def test_a_key_that_was_on_two_devices_at_the_baseline_alerts_when_it_comes_to_a_third(office: AlertDesk) -> None:
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("Office 2021")
    office.buy(product_id, 20)
    keyed(office, product_id, *office.place(title_id, *named(0, 2)))
    office.accept()
    office.look(2)
    assert office.live() == []
    assert "keys" not in str(office.desk.rows(Event, "facts"))
    keyed(office, product_id, *office.place(title_id, "LYO-900"))
    office.look()
    assert office.live() == ["key:f"]
    assert office.alerts()[-1].figures["devices"] == 3


def test_a_key_that_doubles_after_the_baseline_alerts(office: AlertDesk) -> None:
    office.source(state=SourceState.OBSERVE)
    product_id, title_id = office.product("Office 2021")
    office.buy(product_id, 20)
    first, second = office.place(title_id, *named(0, 2))
    keyed(office, product_id, first)
    office.accept()
    keyed(office, product_id, second)
    office.look()
    assert office.live() == ["key:f"]
