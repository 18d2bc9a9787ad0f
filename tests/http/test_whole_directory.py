"""The directory changes under a request: joiners, leavers, managers, accounts; a half-read directory stops and asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.people import Person
from model.requests import Status
from model.sync import MatchDoubt
from sandbox.slack_person import message_text
from tests.http.whole_acts import all_said, ask, at_work, directory_id, email, open_office, parked, press, rows
from tests.whole import Whole

ASKED = "Whose account is it?"


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def tonight(office: Whole) -> None:
    for _ in range(2):
        office.forward(hours=12)


def person(office: Whole, address: str) -> Person:
    found: list[Person] = rows(office, Person, Person.email == address)
    return found[0]


def test_a_joiner_is_linked_and_may_ask(office: Whole) -> None:
    office.graph.directory.add_user(
        email("zoe"), "Zoe Laurent", id="33333333-0000-4000-8000-000000000001", mail=email("zoe"), usageLocation="FR",
        accountEnabled=True, userType="Member",
    )  # fmt: skip
    office.graph.directory.set_manager("33333333-0000-4000-8000-000000000001", directory_id("ben"))
    office.slack.add_user("U0ZOE", "zoe", "Zoe Laurent", email("zoe"), "Europe/Paris", "Colleague")
    tonight(office)
    joined = person(office, email("zoe"))
    assert (joined.active, joined.slack_id, joined.manager_id) == (True, "U0ZOE", office.staff["ben"])
    request_id = ask(office, "zoe", "Copilot")
    press(office, "ben", "Approve", "Zoe Laurent asks")
    assert office.request(request_id).status == Status.FULFILLED


def test_a_second_account_with_somebodys_address_is_put_to_it_and_answered_once(office: Whole) -> None:
    office.slack.add_user("U0ANA2", "ana.two", "Ana Lindqvist", email("ana"), "Europe/Paris", "Colleague")
    tonight(office)
    before = person(office, email("ana")).slack_id
    eli = office.person("eli")
    assert "A second Slack account has this person's address" in message_text(eli.message(ASKED, "it-alerts"))
    press(office, "fatima", "Same person", ASKED)
    assert person(office, email("ana")).slack_id == before, "finance does not say whose account it is"
    press(office, "eli", "Not the same", ASKED)
    assert "Not the same, says Eli Marsh" in message_text(eli.message("Not the same", "it-alerts")).replace("*", "")
    tonight(office)
    assert person(office, email("ana")).slack_id == before
    assert len(rows(office, MatchDoubt)) == 1, "it is not asked again"


def test_an_approver_who_left_is_replaced(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    office.graph.directory.change_user(directory_id("ben"), accountEnabled=False)
    tonight(office)
    assert not person(office, email("ben")).active
    at_work(office, "mia", "Ana Lindqvist asks")
    press(office, "mia", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED


def test_a_new_account_for_the_same_address_is_a_new_person_without_old_rights(office: Whole) -> None:
    """An address that passed on does not carry roles and seats with it."""
    office.graph.directory.delete_user(directory_id("tom"))
    office.graph.directory.add_user(
        email("tom"), "Tom Becker", id="33333333-0000-4000-8000-000000000002", mail=email("tom"), usageLocation="FR",
        accountEnabled=True, userType="Member",
    )  # fmt: skip
    tonight(office)
    again = person(office, email("tom"))
    assert again.id != office.staff["tom"] and again.active
    assert again.directory_id == "33333333-0000-4000-8000-000000000002"
    assert not rows(office, Person, Person.id == office.staff["tom"])[0].active


@pytest.mark.parametrize("how", ["gone", "disabled"])
def test_too_many_leavers_in_one_night_stop_the_run_and_ask(office: Whole, how: str) -> None:
    for key in ("ana", "kai", "li", "tom"):
        if how == "gone":
            office.graph.directory.delete_user(directory_id(key))
        else:
            office.graph.directory.change_user(directory_id(key), accountEnabled=False)
    tonight(office)
    assert all(person(office, email(key)).active for key in ("ana", "kai", "li", "tom"))
    assert [job.kind for job in parked(office)] == ["sync.m365"]
    assert "No person and no seat was changed" in all_said(office, "eli")


def test_a_person_whose_slack_account_is_deactivated_does_not_hold_up_the_rest(office: Whole) -> None:
    office.slack.add_user("U0BEN", "ben", "Ben Okafor", email("ben"), "Europe/Paris", "Colleague", deleted=True)
    tonight(office)
    office.forward(hours=1)
    request_id = ask(office, "ana", "Copilot")
    at_work(office, "mia", "Ana Lindqvist asks")
    press(office, "mia", "Approve", "Ana Lindqvist asks")
    assert office.request(request_id).status == Status.FULFILLED
