"""Asking for a licence in Slack, over HTTP and over a socket: from the command to the approver's card."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.blocks_text import buttons, render_text
from sandbox.slack_person import Person, message_text
from tests.http.bot_desk import Desk, LicenceRequest, Status, bot_desk


@pytest.fixture(params=["http", "socket"])
def desk(request: pytest.FixtureRequest, database_url: str) -> Iterator[Desk]:
    with bot_desk(database_url, request.param) as found:
        yield found


def test_ask_and_approve(desk: Desk) -> None:
    ana, ben = desk.person("ana"), desk.person("ben")
    assert ana.command("/licence request planner")["ok"]
    form = render_text(ana.modal()["blocks"])
    assert "Planner and Project Plan 3* · 12 of 12 free" in form
    assert "€312.00 a seat a year until 31 Mar 2027" in form
    assert "Ben Okafor decides, usually within 4 working hours" in form
    ana.fill(why="Plan of the Lyon office move")
    assert ana.submit()["ok"]
    assert "*Sent.* Ben Okafor has been asked" in render_text(ana.modal()["blocks"])
    desk.work()
    request = desk.row(LicenceRequest)
    assert (request.status, request.product_id) == (Status.AWAITING_APPROVAL, 1)
    assert "Waiting for Ben Okafor" in render_text(ana.message("REQ-1001")["blocks"])
    assert ben.press("Approve", in_message="Waiting for you")["ok"]
    assert desk.row(LicenceRequest).status == Status.APPROVED
    desk.work()
    assert "Approved by Ben Okafor" in render_text(ben.message("Planner")["blocks"])
    assert not ana.toasts() and not ben.toasts()


@pytest.fixture
def over_http(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        yield found


def seen(person: Person) -> str:
    """The window on top, as text."""
    return render_text(person.modal()["blocks"])


def test_search_and_choose(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.shortcut("request_licence")
    assert ana.options("product", "p")[0]["text"]["text"] == "Planner and Project Plan 3", "often asked for in Design"
    found = ana.options("product", "visoi")
    assert [one["text"]["text"] for one in found] == ["Visio Plan 2", "Something else"]
    assert found[0]["description"]["text"] == "17 free"
    [vault, _] = ana.options("product", "vault")
    assert vault["description"]["text"] == "not allowed: choose it to see why"
    assert ana.fill(why="Floor plans of the Lyon office").choose("product", vault["value"])["ok"]
    assert "Contract Vault is not open to your team (policy 5: contracts only)." in seen(ana)
    ana.options("product", "visio")
    ana.choose("product", "3")
    assert "Plan 1" in seen(ana) and "US$60.00 a year" in str(ana.modal()["blocks"])
    assert "You already have *Visio in Microsoft 365*, part of your Microsoft 365 E3. It draws." in seen(ana)
    values = ana.modal()["state"]["values"]
    assert values["why"]["why"]["value"] == "Floor plans of the Lyon office", "what was typed is kept"
    assert ana.submit()["ok"]
    request = over_http.row(LicenceRequest)
    assert (request.product_id, request.sku_id, request.alternative_offered) == (3, 10, "Visio in Microsoft 365")


def test_a_banned_name_can_be_found_and_says_why(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.shortcut("request_licence")
    [ban, _] = ana.options("product", "dropb")
    ana.choose("product", ban["value"])
    sentence = "Dropbox may not be used here (policy 4: customer data). OneDrive does the same and is yours already."
    assert sentence in seen(ana)
    answer = ana.fill(why="Sending drawings to Lyon").submit()
    assert list(answer["errors"].values()) == [sentence]


def test_the_alternative_is_taken_or_not(over_http: Desk) -> None:
    """Taken: no request exists. Refused: the approver sees that it was offered."""
    ana, ben = over_http.person("ana"), over_http.person("ben")
    ana.command("/licence request visio")
    ana.fill(why="Floor plans of the Lyon office")
    ana.press(next(label for label in labels(ana) if label.startswith("Use ")))
    assert ana.modal()["title"]["text"] == "Nothing to ask for"
    assert "is ready for you: <https://example.test/visio" in str(ana.modal()["blocks"])
    assert over_http.count(LicenceRequest) == 0
    ana.press("Ask anyway")
    assert "was offered; you asked anyway. Ben sees this." in seen(ana)
    assert ana.modal()["state"]["values"]["why"]["why"]["value"] == "Floor plans of the Lyon office"
    assert ana.submit()["ok"]
    over_http.work()
    assert "was offered Visio in Microsoft 365" in render_text(ben.message("Visio Plan 2")["blocks"])


def labels(person: Person) -> list[str]:
    return [text for _, text, _ in buttons(person.modal()["blocks"])]


def test_each_field_says_what_to_correct_and_keeps_what_was_typed(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.command("/licence request planner")
    ana.fill(why="short", people=["U0ANA", "U0KIM"], until="2026-11-01", count="1")
    errors = ana.submit()["errors"]
    assert errors == {
        "people": "The 2nd person you named is not in the staff directory. Remove the name, or ask IT to add it."
    }
    ana.fill(people=["U0ANA", "U0BEN"])
    errors = ana.submit()["errors"]
    assert "Choose a day from 24 Nov 2026" in errors["until"]
    assert errors["count"] == "You named 2 people: ask for 2 seats or more."
    assert errors["why"].startswith("Write at least 10 characters")
    values = ana.modal()["state"]["values"]
    assert values["why"]["why"]["value"] == "short"
    assert values["people"]["people"]["selected_users"] == ["U0ANA", "U0BEN"]
    ana.fill(why="Plan of the Lyon office move", until="2027-01-31", count="2")
    assert ana.submit()["ok"]
    ana.close()
    ana.command("/licence request planner")
    ana.fill(why="Plan of the Lyon office move")
    [(block, said)] = ana.submit()["errors"].items()
    assert block == "product:1" and said.startswith("You asked for this on 23 Nov 2026")
    ana.close()
    ana.command("/licence request miro")
    ana.fill(why="Boards for the Lyon office move")
    [(block, said)] = ana.submit()["errors"].items()
    assert block == "product:2" and said.startswith("You already have this, until 31 Jan 2027.")


def test_the_number_of_seats_follows_the_names(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.command("/licence request planner")
    ana.choose("people", ["U0ANA", "U0BEN", "U0MIA"])
    ana.fill(why="Plan of the Lyon office move")
    assert ana.submit()["ok"]
    assert over_http.row(LicenceRequest).seats == 3


def test_a_closed_form_is_kept_and_opened_again(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.command("/licence request")
    ana.close()
    ana.command("/licence request planner")
    ana.close()
    assert over_http.count(LicenceRequest) == 0, "nothing was typed: a product filled in beforehand is no answer"
    ana.command("/licence request planner")
    ana.fill(why="Plan of the Lyon office move", until="2027-01-31")
    ana.choose("people", ["U0ANA", "U0BEN"])
    ana.close()
    over_http.work()
    assert over_http.row(LicenceRequest).status == Status.DRAFT
    assert "Planner" in message_text(ana.message("The form closed before it was sent."))
    ana.press("Open it again", in_message="The form closed before it was sent.")
    values = ana.modal()["state"]["values"]
    assert values["why"]["why"]["value"] == "Plan of the Lyon office move"
    assert values["until"]["until"]["selected_date"] == "2027-01-31"
    assert values["people"]["people"]["selected_users"] == ["U0ANA", "U0BEN"]
    assert ana.submit()["ok"]
    assert over_http.row(LicenceRequest).status == Status.AWAITING_APPROVAL


def test_something_else(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.command("/licence request miroo pro boards")
    ana.press("Something else", in_message="Nothing called “miroo pro boards”.")
    assert ana.modal()["title"]["text"] == "Not owned yet"
    assert "Close to what you typed and owned: *Miro*" in seen(ana)
    ana.fill(name="Whimsical", why="Flow charts with the Lyon team", holds="Data about people or customers")
    assert ana.submit()["ok"]
    assert "Dara Novak looks first, then security (customer data), then procurement." in seen(ana)
    assert over_http.row(LicenceRequest).details["name"] == "Whimsical"
    ana.close()
    ana.shortcut("request_licence")
    ana.options("product", "x")
    ana.choose("product", "else")
    ana.fill(name="Dropbox", why="Sending drawings to Lyon")
    assert "may not be used here" in ana.submit()["errors"]["name"]


def test_an_unknown_product_names_what_is_close(over_http: Desk) -> None:
    ana = over_http.person("ana")
    ana.command("/licence request vissso")
    message = ana.message("Nothing called")
    assert "Nothing called “vissso”. Close: *Visio Plan 2*." in render_text(message["blocks"])
    ana.press("Ask for Visio Plan 2", in_message=message)
    assert "*Visio Plan 2*" in seen(ana)
    ana.close()
    ana.command("/licence request <!channel> *_~ zzz")
    said = ana.messages()[-1]
    assert "<!channel>" not in said["text"] + said["blocks"][0]["text"]["text"]
