"""Seats that end on an agreed day, are kept longer, given back and needed back; never taken without a confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from model.licences import Seat
from model.reclaim import Saving
from model.requests import Status
from sandbox.slack_person import message_text
from tests.http.test_whole_queue import get, give_back, wait
from tests.http.whole_acts import (
    all_said,
    ask,
    card,
    directory_id,
    holds,
    open_office,
    policy_with,
    press,
    returns,
    rows,
    seats_of,
    send,
    tasks,
)
from tests.whole import COPILOT, Whole
from workflows import seats

UNTIL = "2026-12-14"


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url) as made:
        yield made


def until_the(office: Whole, day: int, hour: int = 10, month: int = 12, days: int = 5) -> None:
    """Go on to this day of December (or another month), from one morning at ten to another, `days` at a time.

    The last three days pass one by one, and the evening before the day itself is lived through as well.
    """
    then = date(2026 if month > 10 else 2027, month, day)
    while (left := (then - (now := office.now()).date()).days) > 0:
        if left == 1 and now.hour < 12:
            office.forward(hours=12)
        else:
            office.forward(hours=24 * max(1, min(days, left - 3)) - now.hour + 10)
    if office.now().hour < hour:
        office.forward(hours=hour - office.now().hour)


def ended(office: Whole, key: str = "ana", name: str = "Ana Lindqvist") -> int:
    request_id = ask(office, key, "Copilot", until=UNTIL)
    assert "14 Dec 2026, then taken back" in message_text(office.person("ben").message(f"{name} asks"))
    press(office, "ben", "Approve", f"{name} asks for Copilot")
    return request_id


def test_it_is_announced_twice_and_taken_back_on_the_approvers_word(tmp_path: Path, database_url: str) -> None:
    days = 1 if database_url.startswith("sqlite") else 5
    with open_office(tmp_path, database_url) as office:
        ended(office)
        until_the(office, 1, days=days)
        first = [one for one in office.person("ana").messages() if "ends on 14 Dec 2026" in message_text(one)]
        assert len(first) == 1
        assert "as Ben Okafor agreed" in message_text(first[0])
        until_the(office, 12, days=days)
        assert len([1 for one in office.person("ana").messages() if "14 Dec 2026" in message_text(one)]) >= 2
        until_the(office, 14, hour=18)
        assert holds(office, "ana", COPILOT) and not returns(office)
        until_the(office, 15)
        assert not holds(office, "ana", COPILOT)
        (back,) = returns(office)
        assert (back.ground, back.state, back.confirmed_by_id) == ("agreed_end", "removed", office.staff["ben"])
        assert back.step_id is not None and back.prior_state
        assert "taken back" in all_said(office, "ana")
        assert not seats_of(office, "ana")


def test_asking_to_keep_it_holds_the_seat_and_an_approval_moves_the_day(office: Whole) -> None:
    ended(office)
    until_the(office, 11)
    assert send(
        office,
        "ana",
        "Keep it longer",
        "ends on 14 Dec 2026",
        until="2027-01-31",
        why="The pilot goes on.",
    )["ok"]
    extension = office.newest().id
    until_the(office, 15)
    assert holds(office, "ana", COPILOT) and not returns(office)
    assert office.request(extension).status == Status.AWAITING_APPROVAL
    press(office, "mia", "Approve", "keep Copilot longer")  # Ben let his time pass
    assert office.request(extension).status == Status.FULFILLED
    (seat,) = seats_of(office, "ana")
    assert seat.until_on == date(2027, 1, 31)
    assert "You keep Copilot until 31 Jan 2027" in card(office, "ana", extension)
    until_the(office, 16)
    assert holds(office, "ana", COPILOT)
    office.forward(days=33)
    assert office.person("ana").message("ends on 31 Jan 2027"), "the new end is announced like the first"


def test_a_seat_put_back_after_its_agreed_day_stays(office: Whole) -> None:
    ended(office)
    until_the(office, 15)
    assert not holds(office, "ana", COPILOT)
    press(office, "ana", "I need it back", "taken back")
    assert holds(office, "ana", COPILOT)
    office.forward(hours=30)
    assert holds(office, "ana", COPILOT), "the day that was over takes nothing again"
    (seat,) = seats_of(office, "ana")
    assert seat.until_on is not None and seat.until_on > office.now().date()


def test_an_extension_denied_lets_the_agreed_day_come(office: Whole) -> None:
    ended(office)
    until_the(office, 11)
    send(office, "ana", "Keep it longer", "ends on 14 Dec 2026", until="2027-01-31", why="The pilot goes on for long.")
    send(office, "ben", "Deny", "keep Copilot longer", reason="Not now")
    told = office.person("ana").message("Your Copilot licence ends on 14 Dec 2026")
    assert "Your request to keep it longer was not approved." in message_text(told)
    assert "Keep it longer" in str(told["blocks"])
    until_the(office, 14, hour=12)
    assert holds(office, "ana", COPILOT)
    until_the(office, 15)
    assert not holds(office, "ana", COPILOT)
    assert "Your Copilot licence ended on 14 Dec 2026" in message_text(office.person("ana").message("licence ended"))
    (back,) = returns(office)
    assert (back.ground, back.confirmed_by_id) == ("agreed_end", office.staff["ben"])


def test_whoever_was_denied_is_told_again_before_the_day(office: Whole) -> None:
    ended(office)
    until_the(office, 2)
    send(office, "ana", "Keep it longer", "ends on 14 Dec 2026", until="2027-01-31", why="The pilot goes on for long.")
    send(office, "ben", "Deny", "keep Copilot longer", reason="Not now")
    before = office.now()
    until_the(office, 12, days=1)
    again = office.person("ana").message("Your Copilot licence ends on 14 Dec 2026")
    assert datetime.fromisoformat(again["at"]) > before, "the notice of three days before is a message of its own"
    assert "was not approved" in message_text(again) and "Let it end" in str(again["blocks"])


def test_a_seat_whose_end_nobody_agreed_to_is_never_taken(tmp_path: Path, sqlite_url: str) -> None:
    rule = "pre_approved:\n  - {rule: 4, below: {EUR: 500.00}}\n"
    with open_office(tmp_path, sqlite_url, policy=policy_with(rule)) as office:
        request_id = ask(office, "ana", "Copilot", until=UNTIL)
        assert office.request(request_id).status == Status.FULFILLED
        assert "rule 4" in all_said(office, "ana")
        until_the(office, 1)
        asked = office.person("ana").message("was given until 14 Dec 2026")
        assert "Do you still need it?" in message_text(asked) and "taken back on" not in message_text(asked)
        assert "Keep it longer" in str(asked["blocks"]) and "Let it end" not in str(asked["blocks"])
        until_the(office, 17)
        assert holds(office, "ana", COPILOT) and not returns(office)
        told = [message_text(one) for one in office.person("chitra").messages()]
        assert sum("has not said whether it is still needed" in one for one in told) == 1
        send(office, "ana", "Give it back", "was given until 14 Dec 2026")
        assert not holds(office, "ana", COPILOT)
        (back,) = returns(office)
        assert (back.ground, back.confirmed_by_id) == ("given_back", office.staff["ana"])


def test_let_it_end_takes_nothing_before_the_day(office: Whole) -> None:
    ended(office)
    until_the(office, 11)
    press(office, "ana", "Let it end", "ends on 14 Dec 2026")
    assert holds(office, "ana", COPILOT)
    until_the(office, 15)
    assert not holds(office, "ana", COPILOT)


def test_needed_back_it_comes_exactly_as_it_was(office: Whole) -> None:
    get(office, "ana", "Ana Lindqvist")
    plan = switch_off_one(office, "ana")
    give_back(office, "ana", "Copilot")
    assert not holds(office, "ana", COPILOT)
    assert plan in returns(office)[0].prior_state
    press(office, "ana", "I need it back", "Given back")
    assert holds(office, "ana", COPILOT)
    after = office.graph.directory.store.get("graph.user", directory_id("ana"))
    assert after is not None and after["licences"][0]["disabledPlans"] == [plan]
    assert returns(office)[0].state == "restored"
    assert "Back again" in all_said(office, "ana")
    assert len(seats_of(office, "ana")) == 1


def test_after_its_time_it_is_asked_for_like_anything_else(office: Whole) -> None:
    get(office, "ana", "Ana Lindqvist")
    give_back(office, "ana", "Copilot")
    message = office.person("ana").message("Given back")
    office.clock.forward(timedelta(days=31))
    office.caught_up()
    office.person("ana").press("I need it back", in_message=message)
    office.settle()
    assert not holds(office, "ana", COPILOT)
    assert "You can ask for it again at any time" in all_said(office, "ana")
    assert returns(office)[0].state == "removed"


def test_needed_back_with_no_seat_left_is_first_in_the_queue(tmp_path: Path, sqlite_url: str) -> None:
    with open_office(tmp_path, sqlite_url, copilot_seats=1) as office:
        get(office, "ana", "Ana Lindqvist")
        first = wait(office, "kai", "Kai Moreno")
        second = wait(office, "li", "Li Wei")
        give_back(office, "ana", "Copilot")
        assert office.request(first).status == Status.FULFILLED
        press(office, "ana", "I need it back", "Given back")
        assert not holds(office, "ana", COPILOT) and holds(office, "kai", COPILOT)
        assert "No seat is free" in all_said(office, "ana")
        again = office.newest()
        assert again.status == Status.WAITING_FOR_SEAT and again.requester_id == office.staff["ana"]
        assert "In the queue: 1st of 2" in card(office, "ana", again.id)
        assert "In the queue: 2nd of 2" in card(office, "li", second)
        give_back(office, "kai", "Copilot")
        assert holds(office, "ana", COPILOT)
        assert office.request(again.id).status == Status.FULFILLED


def test_who_leaves_the_queue_after_needing_it_back_can_need_it_again(tmp_path: Path, database_url: str) -> None:
    """The return stayed "waiting" for ever: its card promised a seat, and its button was gone."""
    with open_office(tmp_path, database_url, copilot_seats=1) as office:
        get(office, "ana", "Ana Lindqvist")
        plan = switch_off_one(office, "ana")
        kept = wait(office, "kai", "Kai Moreno")
        give_back(office, "ana", "Copilot")
        assert holds(office, "kai", COPILOT)
        assert saved(office) == [(kept, True)]
        press(office, "ana", "I need it back", "Given back")
        assert returns(office)[0].state == "waiting" and saved(office) == [(kept, False)]
        press(office, "ana", "Leave the queue", "In the queue")
        (row,) = returns(office)
        assert (row.state, row.restored_by_id) == ("removed", None)
        assert saved(office) == [(kept, True)]
        assert "you wait for Copilot before everybody else" not in all_said(office, "ana")
        press(office, "ana", "I need it back", "Given back")
        assert returns(office)[0].state == "waiting" and saved(office) == [(kept, False)]
        assert "In the queue: 1st of 1" in card(office, "ana", office.newest().id)
        give_back(office, "kai", "Copilot")
        assert returns(office)[0].state == "restored" and holds(office, "ana", COPILOT)
        document = office.graph.directory.store.get("graph.user", directory_id("ana"))
        assert document is not None and document["licences"][0]["disabledPlans"] == [plan]


def saved(office: Whole) -> list[tuple[int | None, bool]]:
    """Requests that a seat taken back served, each with whether that counts now."""
    return [(one.request_id, one.taken_back_at is None) for one in rows(office, Saving)]


def switch_off_one(office: Whole, key: str) -> str:
    """One service of this person's Copilot is switched off, as the vendor's page does it."""
    plan = str(office.graph.directory.store.get("graph.sku", COPILOT)["servicePlans"][0]["servicePlanId"])  # type: ignore[index]
    document = office.graph.directory.store.get("graph.user", directory_id(key))
    assert document is not None
    document["licences"][0]["disabledPlans"] = [plan]
    office.graph.directory.write("graph.user", document)
    return plan


def test_what_its_owner_cannot_give_back_and_it_closes_can_be_needed_again(office: Whole) -> None:
    ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    give_back(office, "ana", "Miro")
    press(office, "chitra", "Done, seat taken back", "Take back")
    press(office, "ana", "I need it back", "Given back")
    office.forward(hours=24)
    send(office, "chitra", "I could not do it", "Give Ana Lindqvist a seat", reason="No right to do it")
    assert send(office, "eli", "Close it", "waits for a person", words="Nobody there can give it.")["ok"]
    assert returns(office)[0].state == "removed"
    press(office, "ana", "I need it back", "Given back")
    office.forward(hours=24)
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    assert returns(office)[0].state == "restored" and len(seats_of(office, "ana")) == 1


def test_a_seat_given_by_hand_is_taken_and_put_back_by_its_owner(office: Whole) -> None:
    ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    give_back(office, "ana", "Miro")
    assert [task.kind for task in tasks(office)] == ["give", "take"]
    assert len(seats_of(office, "ana")) == 1  # until the owner has taken it
    press(office, "chitra", "Done, seat taken back", "Take back")
    assert not seats_of(office, "ana")
    press(office, "ana", "I need it back", "Given back")
    assert office.newest().status == Status.FULFILLING
    office.forward(hours=24)
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    assert len(seats_of(office, "ana")) == 1


def test_calling_a_return_off_closes_the_owners_task(office: Whole) -> None:
    ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    give_back(office, "ana", "Miro")
    back = returns(office)[0]
    with office.work() as work:
        seats.need_back(work, office.service.rules(), back.id, office.staff["ana"], office.now())
    office.settle()
    assert returns(office)[0].state == "kept"
    assert [task.state for task in tasks(office)] == ["done", "closed"]
    assert "Nothing to do any more" in all_said(office, "chitra")
    assert len(seats_of(office, "ana")) == 1


def test_no_removal_without_a_stored_return(office: Whole) -> None:
    """Whatever ended here has its confirmation, by a person, with a ground."""
    ended(office)
    get(office, "kai", "Kai Moreno")
    give_back(office, "kai", "Copilot")
    until_the(office, 15)
    gone = rows(office, Seat, Seat.ended_at.is_not(None))
    assert len(gone) == 2
    confirmed = {back.seat_id: (back.ground, back.confirmed_by_id) for back in returns(office)}
    assert {confirmed[seat.id] for seat in gone} == {
        ("agreed_end", office.staff["ben"]),
        ("given_back", office.staff["kai"]),
    }
