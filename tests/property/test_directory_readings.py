"""Readings of a directory in any order: people stay who they are, and no seat closes that the reading still shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, true
from sqlalchemy.orm import aliased

from integrations.graph_types import DirectoryUser, LicenceState, UserLicences
from model.base import Base
from model.licences import Product, Publisher, Seat, Sku
from model.people import Person
from model.session import Database, UnitOfWork, make_engine
from workflows import directory, directory_merge, directory_seats, directory_stage

#: A company that fails is small enough to read; shrinking it takes minutes of database work.
FOUND = (Phase.explicit, Phase.reuse, Phase.generate)
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
IDS = [f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abcdef"]
SKUS = ["11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"]
HOLDING = {"Active", "ActiveWithError"}


@dataclass(frozen=True)
class Shown:
    """One account as a reading shows it."""

    email: str
    enabled: bool
    manager: str | None
    states: frozenset[tuple[str, str | None, str]]
    unexplained: frozenset[str]

    def user(self, key: str) -> DirectoryUser:
        states = tuple(LicenceState(sku, group, state, None, ()) for sku, group, state in sorted(self.states, key=str))
        held = {sku for sku, _, state in self.states if state in HOLDING} | self.unexplained
        return DirectoryUser(
            id=key, user_principal_name=self.email, mail=self.email, display_name=key[:1], enabled=self.enabled,
            user_type=None, department=None, job_title=None, company=None, country=None, usage_location=None,
            employee_type=None, hired_at=None, created_at=None, synced=False, manager_id=self.manager,
            licences=UserLicences(key, None, states, frozenset(held)),
        )  # fmt: skip


accounts = st.builds(
    Shown,
    email=st.sampled_from([f"{name}@acme.example" for name in ("one", "two", "three", "four")]),
    enabled=st.booleans(),
    manager=st.none() | st.sampled_from(IDS),
    states=st.frozensets(
        st.tuples(
            st.sampled_from(SKUS),
            st.sampled_from([None, "g1"]),
            st.sampled_from(["Active", "ActiveWithError", "Error"]),
        ),
        max_size=3,
    ),
    unexplained=st.frozensets(st.sampled_from(SKUS), max_size=1),
)
readings = st.lists(st.dictionaries(st.sampled_from(IDS), accounts, min_size=1), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    made = Database(make_engine("sqlite://", pool_size=1))
    Base.metadata.create_all(made.engine)
    with made.unit_of_work() as work:
        publisher = Publisher(name="Example Publisher")
        work.session.add(publisher)
        work.session.flush()
        for number, guid in enumerate(SKUS):
            product = Product(publisher_id=publisher.id, name=guid, key=guid, granting="graph_direct")
            work.session.add(product)
            work.session.flush()
            work.session.add(Sku(product_id=product.id, sku_id=guid, part_number=f"SKU{number}"))
        work.commit()
    yield made
    made.dispose()


def winners(reading: dict[str, Shown]) -> dict[str, Shown]:
    """Of accounts with one address the enabled, else the first."""
    best: dict[str, str] = {}
    for key, one in reading.items():
        there = best.get(one.email)
        if there is None or (one.enabled and not reading[there].enabled):
            best[one.email] = key
    return {key: reading[key] for key in best.values()}


def held(database: Database) -> dict[str, set[tuple[str, str]]]:
    with database.reading() as connection:
        rows = connection.execute(
            select(Person.directory_id, Sku.sku_id, Seat.path)
            .join(Seat, Seat.person_id == Person.id)
            .join(Sku, Sku.id == Seat.sku_id)
            .where(Seat.ended_at.is_(None))
        ).all()
    found: dict[str, set[tuple[str, str]]] = {}
    for key, sku, path in rows:
        found.setdefault(str(key), set()).add((str(sku), path))
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=FOUND)
@given(readings)
def test_readings_keep_people_and_the_seats_they_show(database: Database, given: list[dict[str, Shown]]) -> None:
    with database.unit_of_work() as work:
        for table in (Seat, Person):
            work.connection.execute(delete(table))
        work.commit()
    rows: dict[str, int] = {}
    for turn, reading in enumerate(given):
        before, at = held(database), NOW + timedelta(hours=2 * turn)
        users = [one.user(key) for key, one in reading.items()]
        with database.unit_of_work() as work:
            directory.store_people(work, users, at, accept_closing=True)
            directory.store_seats(work, users, at)
            work.commit()
        with database.reading() as connection:
            people = {row.directory_id: row for row in connection.execute(select(Person.__table__))}
        assert {key: people[key].id for key in rows} == rows, "nobody becomes somebody else"
        rows = {str(key): row.id for key, row in people.items()}
        shown, now = winners(reading), held(database)
        by_id = {row.id: key for key, row in people.items()}
        for key, one in shown.items():
            assert (people[key].email, people[key].active) == (one.email, one.enabled)
            assert by_id.get(people[key].manager_id) == (one.manager if one.manager in people else None)
            paths = {
                (sku, f"group:{group}" if group else "direct") for sku, group, state in one.states if state in HOLDING
            }
            explained = {sku for sku, _, _ in one.states}
            kept = {seat for seat in before.get(key, set()) if seat[0] in one.unexplained - explained}
            assert now.get(key, set()) == paths | kept
        for key in people.keys() - shown.keys():
            assert not people[key].active and not now.get(str(key))


def known(database: Database) -> dict[str, tuple[str | None, bool, str | None]]:
    """Who is who: by e-mail the account, whether it is enabled, and whom they report to."""
    boss = aliased(Person)
    with database.reading() as connection:
        rows = connection.execute(
            select(Person.email, Person.directory_id, Person.active, boss.email).outerjoin(
                boss, boss.id == Person.manager_id
            )
        )
        return {email: (account, active, led_by) for email, account, active, led_by in rows}


def forget_everybody(work: UnitOfWork, by_hand: frozenset[str]) -> None:
    for table in (Seat, Person):
        work.connection.execute(delete(table))
    for email in sorted(by_hand):
        work.session.add(Person(email=email, name=email))
    work.session.flush()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=FOUND)
@given(
    st.dictionaries(st.sampled_from(IDS), accounts, min_size=1),
    st.frozensets(st.sampled_from([f"{name}@acme.example" for name in ("one", "three")])),
    st.integers(1, 4),
)
def test_a_first_reading_that_welcomes_page_by_page_ends_as_one_that_waits(
    database: Database, reading: dict[str, Shown], by_hand: frozenset[str], size: int
) -> None:
    users = [one.user(key) for key, one in reading.items()]
    with database.unit_of_work() as work:
        forget_everybody(work, by_hand)
        directory.store_people(work, users, NOW)
        directory.store_seats(work, users, NOW)
        work.commit()
    waited = known(database), held(database)
    with database.unit_of_work() as work:
        forget_everybody(work, by_hand)
        seen = 0
        for start in range(0, len(users), size):
            page = users[start : start + size]
            directory_stage.lay(work.connection, page, seen, "", merged=True)
            directory.welcome(work.connection, seen, seen + len(page), NOW)
            seen += len(page)
        directory.prepare(work.connection, NOW)
        directory_merge.free_addresses(work.connection)
        rest = ~directory_stage.PEOPLE.c.merged
        directory_merge.merge_people(work.connection, rest)
        directory_seats.merge_seats(work.connection, rest, NOW)
        directory_merge.merge_managers(work.connection, true())
        directory_stage.clear(work.connection)
        work.commit()
    assert (known(database), held(database)) == waited
