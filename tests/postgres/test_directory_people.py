"""A reading of the directory: addresses that change hands, accounts that share one, too many gone at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from integrations.graph_types import DirectoryUser, LicenceState, UserLicences
from model.events import Event
from model.licences import Product, Publisher, Seat, Sku
from model.people import Person, Role, RoleGrant
from model.session import Database, make_engine
from workflows import directory, directory_merge, directory_stage
from workflows.directory import RunStopped

NOW = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
GUID = "639dec6b-bb19-468b-871c-c5c441c4b0cb"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(make_engine(database_url))
    yield made
    made.dispose()


def user(key: str, email: str, *, enabled: bool = True, states: tuple[LicenceState, ...] = ()) -> DirectoryUser:
    nothing: dict[str, Any] = dict.fromkeys(
        ("user_type", "department", "job_title", "company", "country", "usage_location", "employee_type", "hired_at",
         "created_at", "manager_id")
    )  # fmt: skip
    licences = UserLicences(key, None, states, frozenset(one.sku_id for one in states))
    return DirectoryUser(
        id=key, user_principal_name=email, mail=email, display_name=key.title(), enabled=enabled, synced=False,
        licences=licences, **nothing,
    )  # fmt: skip


def read(database: Database, *users: DirectoryUser, accept: bool = False) -> dict[str, tuple[str, bool]]:
    """Read it; e-mail and whether active, by directory id."""
    with database.unit_of_work() as work:
        directory.store_people(work, users, NOW, accept_closing=accept)
        work.commit()
    with database.reading() as connection:
        rows = connection.execute(select(Person.directory_id, Person.email, Person.active))
        return {str(row[0]): (row[1], row[2]) for row in rows}


def test_an_address_that_passed_on_brings_nobody_the_roles_of_who_had_it(database: Database) -> None:
    """Anna Smith left; months later another Anna Smith gets her address, and must not become an administrator."""
    read(database, user("anna", "anna@acme.example"), user("ben", "ben@acme.example"))
    with database.unit_of_work() as work:
        anna = work.session.execute(select(Person).where(Person.directory_id == "anna")).scalar_one()
        work.session.add(RoleGrant(person_id=anna.id, role=Role.ADMIN, began_at=NOW))
        work.commit()
    found = read(database, user("new-anna", "anna@acme.example"), user("ben", "ben@acme.example"))
    assert found["new-anna"] == ("anna@acme.example", True)
    assert found["anna"][1] is False and found["anna"][0].endswith("@address.invalid")
    with database.reading() as connection:
        holders = connection.execute(select(Person.directory_id).join(RoleGrant, RoleGrant.person_id == Person.id))
        assert list(holders.scalars()) == ["anna"]


def test_two_people_swap_their_addresses(database: Database) -> None:
    read(database, user("ana", "a@acme.example"), user("ben", "b@acme.example"))
    found = read(database, user("ana", "b@acme.example"), user("ben", "a@acme.example"))
    assert found == {"ana": ("b@acme.example", True), "ben": ("a@acme.example", True)}


def test_an_account_that_a_first_reading_shows_twice_is_as_it_was_shown_last(database: Database) -> None:
    """It was disabled while pages were read, and came again on a later one with another address."""
    shown = (
        user("ana", "a@acme.example"),
        user("ben", "b@acme.example"),
        user("ana", "a.new@acme.example", enabled=False),
    )
    with database.unit_of_work() as work:
        for seen, one in enumerate(shown):
            directory_stage.lay(work.connection, [one], seen, "", merged=True)
            directory.welcome(work.connection, seen, seen + 1, NOW)
        directory_merge.merge_people(work.connection, ~directory_stage.PEOPLE.c.merged)
        found = work.connection.execute(select(Person.directory_id, Person.email, Person.active)).all()
    assert {row[0]: (row[1], row[2]) for row in found} == {
        "ana": ("a.new@acme.example", False), "ben": ("b@acme.example", True),
    }  # fmt: skip


def test_a_seat_that_ended_while_the_directory_was_read_is_not_opened_again(database: Database) -> None:
    """Its page shows what was true before: somebody gave the seat back since."""
    states = (LicenceState(GUID, None, "Active", None, ()),)
    holder = user("ana", "ana@acme.example", states=states)
    read(database, holder)
    copilot(database)
    for at, ended in ((NOW, NOW + timedelta(minutes=5)), (NOW + timedelta(hours=1), None)):
        with database.unit_of_work() as work:
            if ended is not None:
                directory.store_seats(work, [holder], NOW - timedelta(days=1))
                work.connection.execute(
                    update(Seat).values(ended_at=ended).execution_options(synchronize_session=False)
                )
            directory.store_seats(work, [holder], at)
            open_now = work.connection.execute(select(Seat.id).where(Seat.ended_at.is_(None))).all()
            work.commit()
        assert len(open_now) == (ended is None)


def test_of_two_accounts_with_one_address_the_enabled_is_the_person(database: Database) -> None:
    box, ana = user("box", "ana@acme.example", enabled=False), user("ana", "ana@acme.example")
    assert read(database, box, ana) == {"ana": ("ana@acme.example", True)}
    assert read(database, ana, box) == {"ana": ("ana@acme.example", True)}


def test_somebody_entered_by_hand_is_matched_by_address_once(database: Database) -> None:
    with database.unit_of_work() as work:
        work.session.add(Person(email="ana@acme.example", name="Ana", slack_id="U0ANA"))
        work.commit()
    assert read(database, user("ana", "Ana@acme.example")) == {"ana": ("ana@acme.example", True)}


@pytest.mark.parametrize("how", ["missing", "disabled"])
def test_too_many_gone_at_once_stops_the_run_and_changes_nothing(database: Database, how: str) -> None:
    staff = [user(f"p{n}", f"p{n}@acme.example") for n in range(20)]
    before = read(database, *staff)
    half = staff[:10] + [user(one.id, str(one.mail), enabled=False) for one in staff[10:] if how == "disabled"]
    with pytest.raises(RunStopped, match="10 of 20 people"):
        read(database, *half)
    assert read(database, *staff) == before
    after = read(database, *half, accept=True)
    assert sum(active for _, active in after.values()) == 10


def copilot(database: Database) -> None:
    with database.unit_of_work() as work:
        publisher = Publisher(name="Example Publisher")
        work.session.add(publisher)
        work.session.flush()
        product = Product(publisher_id=publisher.id, name="Copilot", key="copilot", granting="graph_direct")
        work.session.add(product)
        work.session.flush()
        work.session.add(Sku(product_id=product.id, sku_id=GUID, part_number="COPILOT"))
        work.commit()


def test_a_seat_first_seen_was_held_since_microsoft_last_changed_it(database: Database) -> None:
    """Else a company that begins today judges nobody idle before it watched every seat for its idle days."""
    copilot(database)
    read(database, user("ana", "ana@acme.example"))
    for at, updated, held in (
        (NOW, "2026-02-03T09:00:00Z", True),
        (NOW + timedelta(days=1), "", False),  # taken there by somebody
        (NOW + timedelta(days=2), "2026-02-03T09:00:00Z", True),  # an older answer: not before the first one ended
        (NOW + timedelta(days=3), "", False),
        (NOW + timedelta(days=4), "0001-01-01T00:00:00Z", True),  # never is not two thousand years
        (NOW + timedelta(days=5), "", False),
        (NOW + timedelta(days=6), "2031-01-01T00:00:00Z", True),  # nor is it held from a day to come
    ):
        states = (LicenceState(GUID, None, "Active", None, (), updated),) if held else ()
        with database.unit_of_work() as work:
            directory.store_seats(work, [user("ana", "ana@acme.example", states=states)], at)
            work.commit()
    with database.reading() as connection:
        rows = connection.execute(select(Seat.began_at, Seat.recorded_at).order_by(Seat.id)).all()
    assert [row.began_at for row in rows] == [
        datetime(2026, 2, 3, 9, tzinfo=UTC), NOW + timedelta(days=1), NOW + timedelta(days=4), NOW + timedelta(days=6),
    ]  # fmt: skip
    assert [row.recorded_at for row in rows] == [NOW + timedelta(days=days) for days in (0, 2, 4, 6)]


def test_seats_found_or_missed_in_a_reading_are_one_event(database: Database) -> None:
    held = (LicenceState(GUID, None, "Active", None, ()),)
    read(database, user("ana", "ana@acme.example"))
    copilot(database)
    for at, states in ((NOW, held), (NOW, held), (NOW + timedelta(hours=2), ())):
        with database.unit_of_work() as work:
            directory.store_seats(work, [user("ana", "ana@acme.example", states=states)], at)
            work.commit()
    with database.reading() as connection:
        facts = connection.execute(select(Event.facts).where(Event.subject == "sync:seats").order_by(Event.id))
        counts = [(json.loads(one)["opened"], json.loads(one)["closed"]) for one in facts.scalars()]
        assert counts == [(1, 0), (0, 1)]
        assert connection.execute(select(Seat.ended_at)).scalar_one() is not None
