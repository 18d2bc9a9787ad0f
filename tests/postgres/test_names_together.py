"""Holders named at the same moment: a unit gets one holder, nobody two seats, and the count of seats stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model.contracts import Entitlement
from model.events import Tag
from model.licences import Seat
from model.people import Person
from model.positions import seat_figures
from model.requests import RequestLine, Status
from model.session import UnitOfWork
from tests.http.whole_acts import ask, change, entitlements, open_office, press, rows, seats_of, tags, tasks
from tests.postgres.test_decide_together import at_once
from tests.postgres.test_lines_together import crossing
from tests.whole import Whole
from workflows import naming
from workflows import tasks as by_hand
from workflows.naming import Follows, Named, NothingToName
from workflows.refusals import FieldRefusals


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url, copilot_seats=3) as made:
        yield made


def team(office: Whole, *, by: str = "ana", name: str = "Ana Lindqvist", done: bool = True) -> int:
    """Two seats of Miro, one for whoever asks and one for somebody to be named."""
    request_id = ask(office, by, "Miro", people=[f"U0{by.upper()}"], count="2")
    press(office, "ben", "Approve", f"{name} asks for 2 seats of Miro")
    own = [task for task in tasks(office) if task.request_id == request_id] if done else []
    with office.work() as work:  # not in Slack: a fourth message of the day would wait for tomorrow
        owner = work.session.get_one(Person, office.staff["chitra"])
        for task in own:
            by_hand.done(work, office.service.rules(), task.id, owner, office.now())
    office.settle()
    return request_id


def naming_of(office: Whole, request_id: int, by: str, *people: str) -> Callable[[UnitOfWork], Named]:
    rules, now, staff = office.service.rules(), office.now(), office.staff

    def put(work: UnitOfWork) -> Named:
        return naming.name_holders(work, rules, request_id, staff[by], [staff[one] for one in people], now)

    return put


def alone(office: Whole, act: Callable[[UnitOfWork], Named]) -> Callable[[], Named]:
    def committed() -> Named:
        with office.database.unit_of_work() as work:
            made = act(work)
            work.commit()
        return made

    return committed


def in_use(office: Whole, product: str = "miro") -> int:
    with office.database.reading() as connection:
        found = seat_figures(connection, [office.skus[product]], office.now().date())[office.skus[product]]
    return found.consumed + found.reserved


def test_two_people_name_the_same_unit_and_one_of_them_wins(office: Whole) -> None:
    request_id = team(office)
    one, other = naming_of(office, request_id, "ana", "kai"), naming_of(office, request_id, "chitra", "li")
    assert isinstance(crossing(office, one, other), NothingToName)
    office.settle()
    assert [line.person_id for line in office.lines(request_id)] == [office.staff["ana"], office.staff["kai"]]
    assert not seats_of(office, "li") and in_use(office) == 2
    assert tags(office, request_id).count(Tag.REQUEST_HOLDER_NAMED) == 1


def test_of_four_at_once_one_names_and_the_count_stands_still(office: Whole) -> None:
    request_id = team(office)
    people = ("kai", "li", "tom", "goran")
    found = at_once([alone(office, naming_of(office, request_id, "chitra", one)) for one in people])
    assert sorted(type(one).__name__ for one in found) == ["Named", "NothingToName", "NothingToName", "NothingToName"]
    office.settle()
    held = rows(office, Seat, Seat.ended_at.is_(None))
    assert len(held) == 2 and len({seat.line_id for seat in held}) == 2 and in_use(office) == 2


def test_the_same_name_twice_at_once_is_one_seat(office: Whole) -> None:
    request_id = team(office)
    found = at_once([alone(office, naming_of(office, request_id, by, "kai")) for by in ("chitra", "ana", "chitra")])
    assert [one.follows for one in found].count(Follows.KNOWN) == 2
    office.settle()
    assert len(rows(office, RequestLine, RequestLine.person_id == office.staff["kai"])) == 1
    assert tags(office, request_id).count(Tag.REQUEST_HOLDER_NAMED) == 1 and in_use(office) == 2


def test_one_person_named_in_two_requests_at_once_gets_one_seat(office: Whole) -> None:
    (bought,) = entitlements(office, "miro")
    change(office, Entitlement, bought.id, quantity=4)
    first, second = team(office), team(office, by="tom", name="Tom Becker")
    one, other = naming_of(office, first, "chitra", "kai"), naming_of(office, second, "chitra", "kai")
    refused = crossing(office, one, other)
    assert isinstance(refused, FieldRefusals) and "Kai Moreno already has this" in refused.sentence
    office.settle()
    assert len(seats_of(office, "kai")) == 1


def test_a_name_and_the_owners_done_at_once_end_as_one_seat(office: Whole) -> None:
    """Each takes the task before its request: neither waits for the other for ever."""
    request_id = team(office, done=False)
    task = next(one for one in tasks(office) if one.line_id == office.lines(request_id)[1].id)
    rules, now = office.service.rules(), office.now()

    def done(work: UnitOfWork) -> object:
        owner = work.session.get_one(Person, office.staff["chitra"])
        return by_hand.done(work, rules, task.id, owner, now)

    assert crossing(office, naming_of(office, request_id, "ana", "kai"), done) is not None
    office.settle()
    assert len(seats_of(office, "kai")) == 1 and in_use(office) == 2
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat in Miro")
    assert office.request(request_id).status == Status.FULFILLED


def test_done_first_and_a_name_at_the_same_moment_end_as_one_seat(office: Whole) -> None:
    request_id = team(office, done=False)
    task = next(one for one in tasks(office) if one.line_id == office.lines(request_id)[1].id)
    rules, now = office.service.rules(), office.now()

    def done(work: UnitOfWork) -> object:
        owner = work.session.get_one(Person, office.staff["chitra"])
        return by_hand.done(work, rules, task.id, owner, now)

    named = crossing(office, done, naming_of(office, request_id, "chitra", "kai"))
    assert isinstance(named, Named) and named.follows is Follows.NOTHING
    office.settle()
    assert len(seats_of(office, "kai")) == 1 and in_use(office) == 2
