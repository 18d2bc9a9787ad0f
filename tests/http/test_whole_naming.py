""" "2 more, holder named later": seats without a holder get one, by their product's way, counted once all the while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from model.licences import Seat
from model.people import Person as Employee
from model.positions import SeatFigures, seat_figures
from model.requests import LineState, Status
from model.tickets import Ticket
from sandbox.blocks_text import render_text
from tests.http.whole_acts import (
    all_said,
    ask,
    card,
    change,
    holds,
    open_office,
    policy_with,
    press,
    returns,
    rows,
    seats_of,
    send,
    tags,
    tasks,
)
from tests.whole import COPILOT, Whole
from workflows import naming, refusals

RULES = policy_with(
    "conflicts: [{rule: 11, products: [miro, planner], because: one board is enough}]\n"
    "not_allowed: [{rule: 4, name: Dropbox, because: customer data}]\n"
)


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url, policy=RULES) as made:
        yield made


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url, policy=RULES) as made:
        yield made


def figures(office: Whole, product: str) -> SeatFigures:
    with office.database.reading() as connection:
        return seat_figures(connection, [office.skus[product]], office.now().date())[office.skus[product]]


def in_use(office: Whole, product: str) -> int:
    """Units in use or kept for somebody: what nobody else can have."""
    found = figures(office, product)
    return found.consumed + found.reserved


def team(office: Whole, product: str, named: list[str], count: int, **more: Any) -> int:
    """Ana asks for a team, Ben approves, Chitra does what is done by hand."""
    request_id = ask(office, "ana", product, people=named, count=str(count), **more)
    press(office, "ben", "Approve", f"Ana Lindqvist asks for {count} seats of {product}")
    office.forward(minutes=1)
    for task in tasks(office):
        if task.request_id == request_id and task.state == "open":
            press(office, "chitra", "Done, seat given", "eat in")
    office.forward(minutes=1)
    assert office.request(request_id).status == Status.FULFILLED
    return request_id


def name(office: Whole, who: str, containing: str, *people: str) -> dict[str, Any]:
    return send(office, who, "Name a holder", containing, person=list(people))


def words(answer: dict[str, Any]) -> str:
    """What the form says at its field."""
    (said,) = answer["errors"].values()
    return str(said)


def window(office: Whole, who: str) -> str:
    said = render_text(office.person(who).modal()["blocks"])
    office.person(who).close()
    return said


def at_home(office: Whole, key: str) -> str:
    person = office.person(key)
    person.open_home()
    office.settle()
    if "See what I have" in str(person.home()):
        person.press("See what I have", in_home=True)
        office.settle()
    return str(person.home())


def test_the_system_gives_the_seat_to_whoever_is_named(either: Whole) -> None:
    until = (either.now() + timedelta(days=30)).date()
    request_id = team(either, "Copilot", ["U0ANA"], 2, until=until.isoformat())
    assert "2 of 2 seats given · 1 seat without a holder: name one" in card(either, "ana", request_id)
    assert in_use(either, "copilot") == 2 and len(seats_of(either, "kai")) == 0
    assert "Name a holder" in at_home(either, "ana")

    assert name(either, "ana", "Ready", "U0KAI")["ok"]
    assert "Kai Moreno gets a seat of Copilot" in window(either, "ana")
    either.forward(minutes=1)
    assert holds(either, "kai", COPILOT)
    (seat,) = seats_of(either, "kai")
    line = either.lines(request_id)[1]
    assert (seat.until_on, seat.line_id, seat.authorised_by, seat.path) == (until, line.id, "request", "direct")
    assert (line.person_id, line.state) == (either.staff["kai"], LineState.GRANTED)
    assert either.request(request_id).status == Status.FULFILLED
    assert in_use(either, "copilot") == 2
    assert "request:holder:named" in tags(either, request_id)
    assert "Name a holder" not in card(either, "ana", request_id)
    assert "Name a holder" not in at_home(either, "ana")
    assert "Copilot" in all_said(either, "kai"), "the new holder hears of it"
    assert "*Copilot* · €336.00 a year" in at_home(either, "kai")


def test_a_named_seat_ends_on_the_day_that_was_agreed(office: Whole) -> None:
    until = (office.now() + timedelta(days=3)).date()
    team(office, "Copilot", ["U0ANA"], 2, until=until.isoformat())
    name(office, "ana", "Ready", "U0KAI")
    office.forward(minutes=1)
    assert holds(office, "kai", COPILOT)
    office.forward(days=5)
    assert not holds(office, "kai", COPILOT) and not seats_of(office, "kai")
    assert office.staff["kai"] in {one.person_id for one in returns(office)}


def test_the_requester_names_and_the_owner_puts_the_name_in(office: Whole) -> None:
    request_id = team(office, "Miro", ["U0ANA"], 2)
    assert in_use(office, "miro") == 2
    assert name(office, "ana", "Ready", "U0KAI")["ok"]
    assert "Whoever looks after Miro puts in Kai Moreno" in window(office, "ana")
    assert office.request(request_id).status == Status.FULFILLING and in_use(office, "miro") == 2
    assert not seats_of(office, "kai"), "not before the owner said so"
    press(office, "chitra", "Done, seat given", "Give Kai Moreno a seat in Miro")
    (seat,) = seats_of(office, "kai")
    assert (seat.path, seat.authorised_by) == ("task", "request")
    assert office.request(request_id).status == Status.FULFILLED and in_use(office, "miro") == 2


def test_the_owner_names_somebody_and_the_seat_is_theirs(office: Whole) -> None:
    request_id = team(office, "Miro", ["U0ANA"], 2)
    given_at = office.lines(request_id)[1].granted_at
    office.forward(days=20)
    assert "Name a holder" in at_home(office, "ana"), "longer than a settled request stays there"
    assert name(office, "chitra", "somebody to be named", "U0KAI")["ok"]
    assert "Kai Moreno has a seat of Miro and hears of it now." in window(office, "chitra")
    (seat,) = seats_of(office, "kai")
    assert (seat.began_at, seat.authorised_by) == (given_at, "request"), "in use since it was given, counted once"
    assert in_use(office, "miro") == 2 and office.request(request_id).status == Status.FULFILLED
    assert "Kai Moreno" in all_said(office, "chitra")
    assert "Name a holder" not in card(office, "ana", request_id)
    office.settle()
    line = "Chitra Rao named Kai Moreno as the holder of a seat of Miro."
    assert [one["text"] for one in office.person("ana").messages()].count(line) == 1


def test_a_name_while_the_owner_has_not_begun_stands_on_the_task(office: Whole) -> None:
    request_id = ask(office, "ana", "Miro", people=["U0ANA"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Miro")
    assert name(office, "ana", "seat on its way", "U0KAI")["ok"]
    window(office, "ana")
    assert len(tasks(office)) == 2, "one task a seat, before and after"
    press(office, "chitra", "Done, seat given", "Give Kai Moreno a seat in Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat in Miro")
    assert len(seats_of(office, "kai")) == 1 and office.request(request_id).status == Status.FULFILLED


def test_a_name_takes_what_a_system_gives_off_the_owners_hands(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot", people=["U0ANA"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Copilot")
    office.forward(minutes=1)
    (task,) = tasks(office)
    assert task.state == "open"
    assert name(office, "ana", "seat on its way", "U0KAI")["ok"]
    window(office, "ana")
    office.forward(minutes=1)
    assert tasks(office)[0].state == "closed" and holds(office, "kai", COPILOT)
    assert office.request(request_id).status == Status.FULFILLED


def test_who_may_not_have_it_is_said_at_the_field_and_nothing_changes(office: Whole) -> None:
    request_id = team(office, "Miro", ["U0ANA"], 2)
    with office.work() as work:
        for key, product in (("li", "miro"), ("tom", "planner")):
            work.session.add(
                Seat(
                    product_id=office.products[product],
                    sku_id=office.skus[product],
                    person_id=office.staff[key],
                    began_at=office.now(),
                    recorded_at=office.now(),
                )
            )
    events = tags(office, request_id)
    ana = office.person("ana")
    ana.press("Name a holder", in_message="Ready")
    for slack_id, sentence in (
        ("U0LI", "Li Wei already has this, until the contract ends. Remove the name."),
        (
            "U0TOM",
            "Tom Becker has Planner, and nobody may hold both (policy 11: one board is enough). Remove the name.",
        ),
        ("U0BEN", "Ben Okafor approved these seats, so they go to others. Remove the name."),
    ):
        assert words(ana.fill(person=[slack_id]).submit()) == sentence
    ana.close()
    change(office, Employee, office.staff["goran"], active=False)
    assert "Goran Petrović is not in the staff directory." in words(name(office, "ana", "Ready", "U0GORAN"))
    office.person("ana").close()
    own = words(name(office, "chitra", "somebody to be named", "U0CHITRA"))
    assert own == "You would get this seat, so Ana Lindqvist says who has it. Remove your name."
    office.person("chitra").close()
    assert [line.person_id for line in office.lines(request_id)] == [office.staff["ana"], None]
    assert tags(office, request_id) == events


def test_nobody_else_names_and_no_more_than_there_are(office: Whole) -> None:
    request_id = team(office, "Miro", ["U0ANA"], 2)
    rules, now = office.service.rules(), office.now()
    staff = office.staff

    def named(by: str, *people: str) -> naming.Named:
        with office.database.unit_of_work() as work:
            made = naming.name_holders(work, rules, request_id, staff[by], [staff[one] for one in people], now)
            work.commit()
            return made

    with pytest.raises(naming.NotYoursToName, match="Ana Lindqvist or Chitra Rao says who has this seat"):
        named("kai", "kai")
    with pytest.raises(refusals.FieldRefusals, match="1 seat has no holder yet: choose 1 person at most."):
        named("ana", "kai", "li")
    with pytest.raises(refusals.FieldRefusals, match="Choose who has it."):
        named("ana")
    assert named("ana", "ana").follows is naming.Follows.KNOWN
    assert named("chitra", "kai").follows is naming.Follows.NOTHING
    assert named("chitra", "kai").follows is naming.Follows.KNOWN, "pressed twice it is done once"
    with pytest.raises(naming.NotYoursToName):
        named("kai", "kai")
    with pytest.raises(naming.NothingToName):
        named("ana", "li")
    assert len(rows(office, Seat)) == 2


def test_an_agreed_end_that_is_over_is_not_passed_on(office: Whole) -> None:
    until = (office.now() + timedelta(days=3)).date()
    team(office, "Miro", ["U0ANA"], 2, until=until.isoformat())
    office.forward(days=5)
    said = words(name(office, "ana", "Ready", "U0KAI"))
    assert said.startswith("These seats were agreed until ") and said.endswith("Ask for new ones.")
    assert not seats_of(office, "kai")


def test_a_seat_of_servicenow_is_ordered_for_whoever_is_named(office: Whole) -> None:
    request_id = ask(office, "ana", "Acrobat", people=["U0ANA"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Acrobat")
    assert name(office, "ana", "seat on its way", "U0KAI")["ok"]
    lines = {line.id for line in office.lines(request_id)}
    assert {one.line_id for one in rows(office, Ticket, Ticket.purpose == "grant")} == lines
    assert [one.state for one in tasks(office)] == ["closed"]
