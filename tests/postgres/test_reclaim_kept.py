"""Kept verdicts: what positions, Home and cards count as idle, on both databases; old ones say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

from model.licences import Seat
from model.session import Database, make_engine
from model.usage import SeatUse, SourceHealth
from tests.use_office import DESIGN, NOW, POLICY, TODAY, Office
from workflows.policy_file import load
from workflows.positions.compute import positions
from workflows.positions.times import Times
from workflows.positions.use_sql import KEPT_DAYS
from workflows.reads.home import team
from workflows.reads.positions import product_detail, use_seen
from workflows.reclaim import kept, simulated


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    engine = make_engine(database_url)
    yield Office(Database(engine))
    engine.dispose()


def seen(office: Office, key: str, days_on: int = 0) -> tuple[int | None, int]:
    """How many look idle and of how many that is not known, as a position of that day counts it."""
    times = Times.today(NOW + timedelta(days=days_on))
    with office.database.reading() as connection:
        (one,) = positions(connection, times, [office.products[key]])
        return use_seen(one.facts, one.position)


def test_positions_count_by_kept_verdicts_while_they_are_new(office: Office) -> None:
    """Two idle, one in use, one not known; a person whose second path is in use is in use."""
    people = [office.person(f"p{number}") for number in range(5)]
    days = (date(2026, 9, 1), date(2026, 9, 2), date(2026, 11, 20), None, date(2026, 9, 1))
    for one, day in zip(people, days, strict=True):
        office.seat(one, "copilot")
        office.used(one, "copilot", day)
    twice = office.seat(people[4], "copilot", f"group:{DESIGN}")
    assert seen(office, "copilot") == (None, 5)
    assert kept.judge_all(office.database, POLICY, TODAY) == 6
    assert seen(office, "copilot") == (3, 1)
    with office.database.unit_of_work() as work:
        work.connection.execute(update(SeatUse).where(SeatUse.seat_id == twice).values(verdict="active"))
        work.commit()
    assert seen(office, "copilot") == (2, 1)
    assert seen(office, "copilot", KEPT_DAYS) == (None, 5), "nobody judged them since"
    with office.database.reading() as connection:
        (counted,) = positions(connection, Times.today(NOW), [office.products["copilot"]])
        (detail,) = product_detail(connection, office.products["copilot"], NOW)
    assert counted.facts.idle_after_days == 60, "sentences name the days of the rule that judged"
    assert (detail.idle, detail.use_unknown) == (2, 1)


def test_a_seat_given_since_is_not_known_and_one_that_ended_is_gone(office: Office) -> None:
    ana, ben = office.person("ana"), office.person("ben")
    first = office.seat(ana, "copilot")
    office.used(ana, "copilot", date(2026, 9, 1))
    kept.judge_all(office.database, POLICY, TODAY)
    office.seat(ben, "copilot", began_at=NOW - timedelta(hours=2))
    assert seen(office, "copilot") == (1, 1)
    with office.database.unit_of_work() as work:
        work.connection.execute(update(Seat).where(Seat.id == first).values(ended_at=NOW - timedelta(days=1)))
        work.commit()
    assert seen(office, "copilot") == (None, 1)
    kept.judge_all(office.database, POLICY, TODAY)
    with office.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(SeatUse)).scalar() == 1


def test_a_manager_sees_numbers_and_yes_or_no(office: Office) -> None:
    boss = office.person("boss")
    ana, ben = office.person("ana", manager_id=boss), office.person("ben", manager_id=boss)
    for one in (ana, ben):
        office.seat(one, "copilot")
        office.seat(one, "visio")
    office.used(ana, "copilot", date(2026, 9, 1))

    def line() -> list[tuple[int | None, int]]:
        with office.database.reading() as connection:
            return [(row.idle, row.use_unknown) for row in team(connection, boss, NOW)]

    assert line() == [(None, 0), (None, 0)]
    kept.judge_all(office.database, POLICY, TODAY)
    assert line() == [(1, 1), (None, 2)]


def test_why_nobody_can_say_is_told_in_words(office: Office) -> None:
    ids = office.products

    def words() -> dict[str, str]:
        with office.database.reading() as connection:
            found = kept.why_not_known(connection, list(ids.values()))
        return {key: found[ids[key]] for key in ids}

    assert words() == {
        "copilot": "its seats are too new, or their holders are in no report",
        "e3": "its seats are too new, or their holders are in no report",
        "visio": "Microsoft does not report use of Visio",
        "draw": "no source reports use of Draw Pro",
    }
    with office.database.unit_of_work() as work:
        work.connection.execute(update(SourceHealth).where(SourceHealth.source == "copilot").values(state="concealed"))
        work.connection.execute(update(SourceHealth).where(SourceHealth.source == "m365_active").values(state="stale"))
        work.commit()
    assert words()["copilot"] == "Microsoft hides the names in its reports"
    assert words()["e3"] == "the Microsoft 365 report is not up to date"


def test_seats_nobody_judged_yet_are_not_called_too_new(office: Office) -> None:
    """The first day read "its seats are too new, or their holders are in no report" of seats held for years."""
    ids = office.products
    office.seat(office.person("ana"), "e3")

    def words() -> str:
        with office.database.reading() as connection:
            return kept.why_not_known(connection, list(ids.values()))[ids["e3"]]

    assert words() == "its seats are looked at in the coming night for the first time"
    kept.judge_all(office.database, POLICY, TODAY)
    assert words() == "its seats are too new, or their holders are in no report"


def test_a_new_policy_is_simulated_on_the_seats(office: Office) -> None:
    for number, day in enumerate((date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 20))):
        person_id = office.person(f"p{number}")
        office.seat(person_id, "copilot")
        office.used(person_id, "copilot", day)

    def said(text: str) -> str:
        with office.database.reading() as connection:
            return simulated.in_words(simulated.differences(connection, load(text), TODAY))

    assert said("") == "", "the one in force says the same"
    assert said("reclaim: {idle_days: 50}\n") == (
        "Seats that look idle: 0 → 2 in 1 product (Microsoft Copilot for Microsoft 365 0 → 2)."
    )
    assert said("reclaim: {idle_days: 120}\n") == "", "another rule that lists the same seats"
    assert said("reclaim: {never: {departments: [Legal]}}\n") == ""
