"""The Home tab and the answers to commands: for an employee, a manager, a licence manager, and somebody unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from model.licences import Product, Seat, SeatReturn, Sku
from model.people import Person as Employee
from model.requests import LicenceRequest, RequestKind
from model.usage import LastUse
from sandbox.blocks import validate_view
from sandbox.blocks_text import buttons, render_text
from sandbox.slack_person import Person
from tests.http.bot_desk import NOW, Desk, Fault, bot_desk


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with bot_desk(database_url) as found:
        yield found


def at_home(desk: Desk, name: str) -> str:
    person = desk.person(name)
    person.open_home()
    desk.work()
    assert validate_view({key: person.home()[key] for key in ("type", "blocks")}) == []
    return render_text(person.home()["blocks"])


def window(person: Person) -> str:
    return render_text(person.modal()["blocks"])


def greeted(desk: Desk, *keys: int) -> None:
    for key in keys:
        desk.change(Employee, key, welcomed_at=NOW)


def test_the_greeting_is_there_until_it_is_used(desk: Desk) -> None:
    text = at_home(desk, "ana")
    assert "Licences, without the paperwork" in text
    assert "Ben Okafor decides on your requests." in text
    ana = desk.person("ana")
    ana.press("See what I have", in_home=True)
    assert "Microsoft 365 E3" in window(ana)
    desk.work()
    assert "Your licences and requests" in render_text(ana.home()["blocks"])
    assert "without the paperwork" not in at_home(desk, "ana")
    assert ana.messages() == [], "no direct message"


def test_the_greeting_hides_nothing_that_is_under_way(desk: Desk) -> None:
    """Somebody who asked by command opens Home for the first time and wants to see how it stands."""
    desk.ask()
    text = at_home(desk, "ana")
    assert "without the paperwork" not in text and "Your requests" in text
    assert "without the paperwork" in at_home(desk, "mia")


def test_an_employee_sees_seats_with_prices_and_gives_one_back(desk: Desk) -> None:
    greeted(desk, 1)
    text = at_home(desk, "ana")
    assert "2 licences, together €624.00 a year." in text
    assert "Microsoft 365 E3* · €312.00 a year · since 19 Oct 2025 · until the contract ends" in text
    assert "Miro* · €312.00 a year · since 14 Oct 2026 · until 31 Jan 2027" in text
    ana = desk.person("ana")
    ana.press("Give back Microsoft 365 E3", in_home=True)
    assert ana.modal()["title"]["text"] == "Give back this licence"
    assert "You can ask again at any time." in window(ana)
    assert ana.fill(reason="I changed teams").submit()["ok"]
    back = desk.row(SeatReturn)
    assert (back.seat_id, back.ground, back.confirmed_by_id, back.reason) == (1, "given_back", 1, "I changed teams")
    desk.work()
    assert "is being given back" in render_text(ana.home()["blocks"])


def test_a_seat_that_ends_can_be_kept_longer(desk: Desk) -> None:
    greeted(desk, 1)
    at_home(desk, "ana")
    ana = desk.person("ana")
    ana.press("Keep or give back", in_home=True)
    ana.press("Keep it longer")
    ana.fill(until="2026-12-01", why="The Lyon boards are still in use")
    assert "until" in ana.submit()["errors"]
    ana.fill(until="2027-02-28")
    assert ana.submit()["ok"]
    assert "*Sent.* Ben Okafor has been asked" in window(ana)
    assert desk.row(LicenceRequest).kind == RequestKind.EXTENSION


def test_somebody_elses_seat_is_refused(desk: Desk) -> None:
    greeted(desk, 1, 2)
    at_home(desk, "ana")
    at_home(desk, "ben")
    desk.change(Seat, 1, person_id=2)
    ana = desk.person("ana")
    ana.press("Give back Microsoft 365 E3", in_home=True)
    assert window(ana) == "This licence is not yours any more, so nothing changed."
    assert ana.modal()["title"]["text"] == "Nothing changed"
    desk.work()
    assert "Microsoft 365 E3" not in render_text(ana.home()["blocks"])


def test_a_manager_decides_from_home_and_sees_the_team_in_numbers(desk: Desk) -> None:
    greeted(desk, 1, 2)
    desk.ask()
    text = at_home(desk, "ben")
    assert text.startswith("Waiting for your decision (1)\n*Ana Lindqvist: Planner and Project Plan 3* · nothing extra")
    assert "1 person · 2 licences · €624.00 a year · use not known: no report of use is connected yet" in text
    ben = desk.person("ben")
    ben.press("See the team", in_home=True)
    assert "*Ana Lindqvist* · 2 licences, together €624.00 a year: Microsoft 365 E3 and Miro" in window(ben)
    ben.close()
    ben.press("Decide", in_home=True)
    ben.press("Deny")
    ben.fill(reason="Not now")
    assert ben.submit()["ok"]
    desk.work()
    assert "Waiting for your decision" not in render_text(ben.home()["blocks"])
    assert "not approved" in at_home(desk, "ana")


def test_own_requests_are_opened_from_home(desk: Desk) -> None:
    greeted(desk, 1)
    desk.ask()
    assert "*Planner and Project Plan 3* · waiting for Ben Okafor until" in at_home(desk, "ana")
    ana = desk.person("ana")
    ana.press("Open", in_home=True)
    assert "Waiting for Ben Okafor" in window(ana)
    ana.press("Add a note")
    assert ana.fill(words="It is for the move in May").submit()["ok"]
    ana.press("Open", in_home=True)
    ana.press("Withdraw")
    assert "Withdrawn" in window(ana)


def test_a_licence_manager_sees_what_waits_today(desk: Desk) -> None:
    greeted(desk, 5)
    text = at_home(desk, "dara")
    assert text.startswith("Today\nNothing waits for you. Next: the contract for")
    assert "ends on 31 Mar 2027 (128 days)." in text


def test_somebody_unknown_is_told_how_to_be_linked(desk: Desk) -> None:
    assert "IT can link it: say *U-LINK-0KIM*." in at_home(desk, "kim")
    kim = desk.person("kim")
    kim.command("/licence mine")
    assert "belongs to nobody in the staff directory" in kim.messages()[-1]["text"]


def test_a_long_list_is_cut_and_shown_whole_on_request(desk: Desk) -> None:
    greeted(desk, 1)
    for number in range(100, 134):
        name = f"Tool {number} " + "👩‍👩‍👧‍👦" * 20
        desk.add(
            Product(id=number, publisher_id=1, name=name, key=f"tool-{number}", granting="owner_task"),
            Sku(id=number, product_id=number, part_number=f"T{number}"),
            Seat(id=number, product_id=number, sku_id=number, person_id=1, began_at=NOW, recorded_at=NOW),
        )
    at_home(desk, "ana")
    ana = desk.person("ana")
    assert len(ana.home()["blocks"]) <= 60
    assert "36 licences, together €624.00 a year, 34 prices not known." in render_text(ana.home()["blocks"])
    heard = [element.get("accessibility_label") for _, _, element in buttons(ana.home()["blocks"])]
    heard = [one for one in heard if one]
    assert len(heard) == len(set(heard))
    ana.press("Show all 36", in_home=True)
    assert len(ana.modal()["blocks"]) == 36
    ana.close()
    for words in ("mine", "return", "status", "help"):
        assert ana.command(f"/licence {words}")["ok"]
    assert ana.toasts() == []


def test_a_late_writer_draws_again(desk: Desk) -> None:
    """Somebody else published in between: the stored hash is old, the tab is drawn from current data."""
    greeted(desk, 1)
    at_home(desk, "ana")
    desk.change(Employee, 1, home_hash="1.old")
    assert "Your licences" in at_home(desk, "ana")
    assert desk.row(Employee, id=1).home_hash != "1.old"


def test_a_slow_slack_costs_the_person_nothing(desk: Desk) -> None:
    desk.faults.add(Fault("error_answer", ".*", ".*/views.publish", 1, parameters={"error": "fatal_error"}))
    ana = desk.person("ana")
    assert ana.open_home()["ok"]
    desk.work()
    desk.later(timedelta(minutes=5))
    desk.work()
    assert ana.home()["blocks"]


def test_settings_name_a_deputy(desk: Desk) -> None:
    greeted(desk, 2)
    at_home(desk, "ben")
    ben = desk.person("ben")
    ben.press("Settings", in_home=True)
    ben.fill(person="U0KIM")
    assert "person" in ben.submit()["errors"]
    ben.fill(person="U0MIA")
    assert "from" in ben.submit()["errors"]
    ben.fill(**{"from": "2026-11-24", "until": "2026-11-20"})
    assert "until" in ben.submit()["errors"]
    ben.fill(until="2026-11-30")
    assert ben.submit()["ok"]
    assert "Mia Chen decides for you from 24 Nov 2026 to 30 Nov 2026. You both hear of it." in window(ben)
    row = desk.row(Employee, id=2)
    assert (row.deputy_id, str(row.absent_from), str(row.absent_until)) == (3, "2026-11-24", "2026-11-30")
    desk.work()
    assert any("Mia Chen" in one["text"] for one in ben.messages())


def test_what_is_stored(desk: Desk) -> None:
    greeted(desk, 1)
    at_home(desk, "ana")
    ana = desk.person("ana")
    ana.press("What is stored about me", in_home=True)
    assert "ana@example.test" in window(ana) and "2 licences you have or had" in window(ana)
    assert "When you used which software is not stored." in window(ana) and "absences" not in window(ana)


def test_what_is_stored_of_absences_is_shown_with_its_reason(desk: Desk) -> None:
    greeted(desk, 1)
    at_home(desk, "ana")
    with desk.database.unit_of_work() as work:
        row = work.session.get_one(Employee, 1)
        row.was_absent_from, row.was_absent_until = date(2026, 6, 2), date(2026, 8, 21)
        row.absent_from, row.absent_until = date(2026, 12, 20), date(2027, 1, 3)
        work.commit()
    ana = desk.person("ana")
    ana.press("What is stored about me", in_home=True)
    assert "2 Jun 2026 to 21 Aug 2026" in window(ana) and "20 Dec 2026 to 3 Jan 2027" in window(ana)
    assert "leave does not make a licence look idle" in window(ana)
    ana.close()
    with desk.database.unit_of_work() as work:
        said = {"as_of": date(2026, 11, 21), "read_at": NOW}
        work.session.add(LastUse(person_id=1, source="copilot", used_on=date(2026, 9, 12), **said))
        work.session.add(LastUse(person_id=1, source="teams", used_on=None, **said))
        work.commit()
    ana.press("What is stored about me", in_home=True)
    assert "Copilot report: last use 12 Sep 2026, as of 21 Nov 2026" in window(ana)
    assert "Teams report: no day of use, as of 21 Nov 2026" in window(ana)
    assert "is not stored" not in window(ana)


@pytest.mark.parametrize("command", ["/licence", "/license"])
def test_words_of_the_command(desk: Desk, command: str) -> None:
    ana, ben = desk.person("ana"), desk.person("ben")

    def said(person: Person, words: str) -> dict[str, Any]:
        assert person.command(f"{command} {words}".strip())["ok"]
        return person.messages()[-1]

    assert "2 licences, together €624.00 a year." in said(ana, "")["text"]
    assert "Ask for a licence" in str(said(ana, "MINE")["blocks"])
    assert said(ana, "status")["text"] == "You have no requests. Ask with /licence request."
    assert said(ana, "approvals")["text"] == "Nothing waits for you."
    assert "Which one do you give back?" in said(ana, "return")["text"]
    assert "approvals" not in said(ana, "help")["text"]
    assert "`approvals` what waits for you" in said(ben, "help")["text"]
    unknown = said(ana, "aprovals")["text"]
    assert unknown == "`aprovals` is not known. Did you mean `approvals`? All words: `/licence help`."
    for word in ("positions", "reports", "`<!channel>`"):
        text = said(ana, word)["text"]
        assert "is not known." in text and "<!channel>" not in text
    desk.ask()
    assert "1 request. Planner and Project Plan 3, REQ-1001: waiting for Ben Okafor" in said(ana, "status")["text"]
    assert "Planner" in said(ben, "approvals")["text"]
