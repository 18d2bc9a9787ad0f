"""A request that waits for a person leads somewhere: tried again, decided by somebody named, closed with words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from model.events import Event, EventPersonal, Tag
from model.people import Person
from model.requests import LineState, Status, StepApprover
from sandbox.slack_person import message_text
from tests.http.test_whole_path import ask
from tests.whole import COPILOT, Whole, directory_id, whole


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with whole(tmp_path, database_url) as made:
        made.run(work=False)
        yield made


def away(office: Whole, *keys: str) -> None:
    with office.work() as work:
        for key in keys:
            person = work.session.get_one(Person, office.staff[key])
            person.absent_from, person.absent_until = date(2026, 11, 20), date(2026, 12, 20)


def nobody_decides(office: Whole) -> int:
    """Mia leads the company; whoever could decide for her is away."""
    away(office, "chitra", "dara")
    return ask(office, "mia", "Copilot")


def not_given(office: Whole) -> int:
    """Microsoft 365 has no usage location for Ana."""
    office.graph.directory.change_user(directory_id("ana"), usageLocation=None)
    request_id = ask(office, "ana", "Copilot")
    office.person("ben").press("Approve", in_message="Ana Lindqvist asks for Copilot")
    office.settle()
    assert office.request(request_id).status == Status.FAILED
    return request_id


def own(office: Whole, key: str) -> str:
    """The card of this person's own request."""
    return message_text(office.person(key).message("for you"))


def told(office: Whole, key: str) -> str:
    """All that this person can read, with the answers only they see."""
    return "\n".join(str(one["text"]) for one in office.person(key).messages())


def events(office: Whole, request_id: int, tag: Tag) -> list[tuple[str, str]]:
    with office.database.reading() as connection:
        rows = connection.execute(
            select(Event.actor, Event.facts).where(Event.subject == f"request:{request_id}", Event.tag == tag)
        )
        return [(row.actor, row.facts) for row in rows]


def test_a_seat_that_could_not_be_given_is_tried_again(office: Whole) -> None:
    request_id = not_given(office)
    note = office.person("eli").message("its seat could not be given")
    assert note is not None
    assert "usage location for the person" in message_text(note)
    assert "Ana" not in message_text(note)
    mine = own(office, "ana")
    assert "IT was told" in mine and "usage location" in mine

    office.person("tom").press("Try again", in_message=note)
    office.settle()
    assert "This waits for IT, a licence manager or whoever looks after the product." in told(office, "tom")
    office.person("eli").press("Who is it?", in_message=note)
    office.settle()
    assert "Ana Lindqvist, Design asked." in told(office, "eli")

    office.graph.directory.change_user(directory_id("ana"), usageLocation="FR")
    office.person("eli").press("Try again", in_message=note)
    office.person("chitra").press("Try again", in_message=note)  # the owner may too, a moment later
    office.settle()
    assert "does not wait for a person any more" in told(office, "chitra")
    assert office.request(request_id).status == Status.FULFILLED
    assert office.graph.directory.holds(directory_id("ana"), COPILOT)
    assert "Settled" in message_text(office.person("eli").message("REQ-1001"))
    assert [actor for actor, _ in events(office, request_id, Tag.REQUEST_GRANT_RETRIED)] == [
        f"person:{office.staff['eli']}"
    ]


def test_nobody_left_to_decide_somebody_is_named_and_decides(office: Whole) -> None:
    request_id = nobody_decides(office)
    note = office.person("eli").message("nobody can decide it")
    assert note is not None
    assert "Mia" not in message_text(note)
    mine = own(office, "mia")
    assert "Waiting for somebody to be named" in mine and "the licence managers were told" in mine

    office.person("ben").press("Name who decides", in_message=note)
    office.settle()
    assert "This waits for a licence manager." in told(office, "ben")
    eli = office.person("eli")
    eli.press("Name who decides", in_message=note)
    assert "Mia Chen made this request" in str(eli.fill(person="U0MIA").submit()["errors"])
    assert "is away" in str(eli.fill(person="U0CHITRA").submit()["errors"])
    answer = eli.fill(person="U0FATIMA").submit()
    assert answer["ok"], answer
    office.settle()
    assert "Waiting for Fatima Haddad" in own(office, "mia")
    office.person("fatima").press("Approve", in_message="Mia Chen asks for Copilot")
    office.settle()
    assert office.request(request_id).status == Status.FULFILLED
    [(actor, facts)] = events(office, request_id, Tag.REQUEST_DECIDER_NAMED)
    assert actor == f"person:{office.staff['eli']}"
    assert json.loads(facts)["to"] == f"person:{office.staff['fatima']}"


def test_whoever_asked_names_nobody_for_themselves(office: Whole) -> None:
    away(office, "mia", "chitra")
    request_id = ask(office, "dara", "Copilot")
    note = office.person("dara").message("nobody can decide it")
    dara = office.person("dara")
    dara.press("Name who decides", in_message=note)
    dara.fill(person="U0BEN").submit()
    office.settle()
    with office.database.reading() as connection:
        named = connection.execute(
            select(StepApprover.person_id).where(StepApprover.person_id == office.staff["ben"])
        ).all()
    assert named == []
    assert office.request(request_id).status == Status.AWAITING_APPROVAL


def test_nobody_who_answers_is_stuck_too_and_a_late_press_still_counts(office: Whole) -> None:
    """Asked, silent, and nobody is next: the note stands, and naming somebody gives them their own time."""
    away(office, "chitra", "dara")
    request_id = ask(office, "kai", "Copilot")
    for _ in range(4):  # Ben, then Mia, each in their time
        office.forward(days=1)
    note = office.person("eli").message("nobody has answered")
    eli = office.person("eli")
    eli.press("Name who decides", in_message=note)
    assert eli.fill(person="U0FATIMA").submit()["ok"]
    office.settle()
    assert "Settled" in message_text(office.person("eli").message("REQ-1001"))
    office.person("fatima").press("Approve", in_message="Kai Moreno asks for Copilot")
    office.settle()
    assert office.request(request_id).status == Status.FULFILLED


@pytest.mark.parametrize("make", [nobody_decides, not_given])
def test_it_is_closed_with_words_to_whoever_asked(office: Whole, make: object) -> None:
    request_id = make(office)  # type: ignore[operator]
    asked = "mia" if make is nobody_decides else "ana"
    eli = office.person("eli")
    eli.press("Close it", in_message="waits for a person")
    assert eli.fill(words="Use the team plan <!channel> until spring.").submit()["ok"]
    office.settle()
    assert office.request(request_id).status == Status.WITHDRAWN
    assert {line.state for line in office.lines(request_id)} == {LineState.DROPPED}
    said = "\n".join(message_text(one) for one in office.person(asked).messages())
    assert "Eli Marsh closed this request. You can ask again at any time." in said
    assert "“Use the team plan" in said
    assert "*Closed*" in own(office, asked)
    assert "It is closed." in message_text(office.person("eli").message("Settled"))
    if make is not_given:
        decided = message_text(office.person("ben").message("Approved by Ben Okafor"))
        assert "Closed by Eli Marsh" in decided and "Withdrawn" not in decided
    with office.database.reading() as connection:
        kept = connection.execute(
            select(EventPersonal.facts)
            .join(Event, Event.id == EventPersonal.event_id)
            .where(Event.tag == Tag.REQUEST_CLOSED)
        ).scalar_one()
    assert "team plan" in kept


def test_home_lists_what_waits_with_its_way_on(office: Whole) -> None:
    not_given(office)
    for key in ("dara", "eli"):
        person = office.person(key)
        person.open_home()
        office.settle()
        person.open_home()
        office.settle()
        blocks = str(person.home())
        if "See requests that need a person" not in blocks:
            person.press("See what I have", in_home=True)
            office.settle()
        person.press("See requests that need a person", in_home=True)
        assert "Try again" in str(person.modal())
        person.close()
