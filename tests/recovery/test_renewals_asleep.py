"""The service asleep over a stage's day, or dying in the middle of the round: the note still comes, once, in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.bootstrap import SCHEDULES
from jobs.clock import Clock
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job
from jobs.worker import JobRun, Worker
from model.alerts import RedAlert
from model.contracts import Contract, Entitlement
from model.licences import Product, Seat, Sku
from tests.unit.renewal_desk import Office, office
from workflows.perform_local import LocalWork
from workflows.perform_trouble import classify
from workflows.renewals import rollover, telling

ROUND = next(spec for spec in SCHEDULES if spec.kind == "renewals.look")


class Killed(BaseException):
    """The process dies here: nothing handles it, nothing after it happens."""


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.now = made.at("2026-09-01")
        Clock(made.database, [ROUND], lambda: made.now).ensure(made.now)
        yield made


def awake(company: Office, day: str, hour: int = 10) -> None:
    """The service starts on this day: both clocks tick, what is due is done, and it sleeps again."""
    company.now = company.at(day, hour)
    for _ in range(2):
        Clock(company.database, [ROUND], lambda: company.now).tick(company.now)
    drained(company, "renewals.look")


def drained(company: Office, *kinds: str) -> None:
    """What is due of these kinds is done."""
    local = LocalWork(lambda: company.rules)

    def named(kind: str) -> Callable[[dict[str, Any], JobRun], None]:
        return lambda payload, run: local.handlers()[kind](payload, run)  # looked up late: a test may replace it

    handlers = {kind: named(kind) for kind in kinds}
    Worker(
        company.database, handlers, now=lambda: company.now, classify=classify, limits={}, owner="desk", threads=1
    ).drain()


def test_asleep_over_every_stage_but_the_last_day(company: Office) -> None:
    awake(company, "2026-09-01")
    awake(company, "2027-01-29")  # decide-by itself
    awake(company, "2027-01-29", 12)
    assert company.told() == [("before-3", "2027-01-29")]
    assert len(company.notes()) == 1


def test_killed_between_telling_and_committing_tells_once(company: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage's row, the event and the note are one transaction: half of it is none of it."""
    awake(company, "2026-09-01")
    real = telling.brief_card

    def dies(*args: Any) -> None:
        real(*args)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(telling, "brief_card", dies)  # the one moment that no outside fault can be aimed at
        with pytest.raises(Killed):
            company.night("2026-11-10")
    assert company.notes() == [] and company.told() == []
    awake(company, "2026-11-11")
    awake(company, "2026-11-12")
    assert company.told() == [("before-90", "2026-11-11")]
    assert len(company.notes()) == 1


def test_a_year_of_days_on_which_it_was_up_now_and_then(company: Office) -> None:
    """Up on some days only: each name at most once, warnings before the date, the miss after it."""
    days = ["2026-10-30", "2026-12-30", "2027-01-14", "2027-01-16", "2027-01-30", "2027-02-03", "2027-03-31"]
    for day in days:
        awake(company, day)
    assert company.told() == [
        ("before-90", "2026-10-30"), ("before-30", "2026-12-30"), ("before-14", "2027-01-16"), ("missed", "2027-01-30"),
    ]  # fmt: skip
    last = max(at for name, at in company.told() if name != "missed")
    assert datetime.fromisoformat(last).date().isoformat() <= "2027-01-29"


def test_no_seat_is_short_while_a_term_gives_way_to_the_next(company: Office) -> None:
    """Whichever comes first after midnight, the look for red alerts or the round: the next term is there."""
    awake(company, "2027-02-01")
    with company.work() as work:
        product_id = work.connection.execute(select(Product.id)).scalar_one()
        sku = Sku(product_id=product_id, part_number="COPILOT", enabled=40, consumed=2, figures_at=company.now)
        work.session.add(sku)
        work.session.flush()
        work.connection.execute(update(Entitlement).values(sku_id=sku.id))
        began = company.at("2026-05-01")
        work.session.add_all(
            Seat(product_id=product_id, sku_id=sku.id, person_id=company.person(who), began_at=began, recorded_at=began)
            for who in ("ana", "chitra")
        )
    for hour in (0, 2):
        company.now = company.at("2027-04-01", hour)
        with company.work() as work:
            enqueue(work.connection, [NewJob("alerts.look", "local", {})], company.now)
        drained(company, "alerts.look")
    assert company.rows(RedAlert, "cause", "state") == []
    assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]
    assert company.states()[0] == "rolled_over"


def test_a_contract_that_cannot_be_looked_at_stops_no_red_alert(
    company: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look for red alerts begins with the terms of the day; one contract's trouble was everybody's silence."""

    def fails(*_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(rollover, "catch_up", fails)  # the one fault that no row can be made to bring about
    company.now = company.at("2027-04-01", 1)
    with company.work() as work:
        enqueue(work.connection, [NewJob("alerts.look", "local", {})], company.now)
    drained(company, "alerts.look")
    assert [state for kind, state in company.rows(Job, "kind", "state") if kind == "alerts.look"] == ["done"]
