"""What a press turns into, and what each refused press says to the presser only (wording guide §2.3, §2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from model.contracts import Contract
from model.people import Person as Employee
from model.requests import LicenceRequest, Status, StepApprover
from sandbox.blocks_text import render_text
from sandbox.slack_person import Person
from tests.http.bot_desk import IDS, NOW, Desk, bot_desk
from workflows.decide import Lowered, NotLess, Verdict, decide
from workflows.effects import ShowRequest, enqueue

WAITS = "Waiting for you"


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        yield found


def said_to(person: Person) -> str:
    """The newest message's text."""
    return str(person.messages()[-1]["text"])


def card(desk: Desk, name: str = "ben") -> dict[str, Any]:
    return desk.person(name).message(WAITS)


def forward(desk: Desk, to: str) -> dict[str, Any]:
    """Ben's card as somebody else sees it: the same buttons in a channel all are in."""
    shown = card(desk)
    ts = desk.slack.world.post("C0LICENCES", shown["text"], shown["blocks"])["ts"]
    found: dict[str, Any] = next(one for one in desk.person(to).messages("C0LICENCES") if one["ts"] == ts)
    return found


def test_own_request(desk: Desk) -> None:
    desk.ask()
    ana = desk.person("ana")
    ana.press("Approve", in_message=forward(desk, "ana"))
    desk.work()
    assert "This is your own request, so someone else decides: Ben Okafor was asked." in said_to(ana)
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL


def test_not_yours(desk: Desk) -> None:
    desk.ask()
    mia = desk.person("mia")
    mia.press("Approve", in_message=forward(desk, "mia"))
    desk.work()
    assert "This waits for Ben Okafor. You can look, not decide." in said_to(mia)
    for other in ("ana", "ben"):
        assert not any("You can look" in one["text"] for one in desk.person(other).messages("C0LICENCES"))


@pytest.mark.parametrize("label", ["Approve", "Deny", "Ask a question", "Change and approve"])
def test_unknown_and_deactivated(desk: Desk, label: str) -> None:
    desk.ask()
    kim, ben = desk.person("kim"), desk.person("ben")
    kim.press(label, in_message=forward(desk, "kim"))
    message = card(desk)
    desk.change(Employee, 2, active=False)
    ben.press(label, in_message=message)
    desk.work()
    for person in (kim, ben):
        words = said_to(person)
        assert "Your Slack account belongs to nobody in the staff directory, so nothing changed." in words
        assert f"IT can link it: say *U-LINK-{person.id[-4:]}*." in words
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL


def test_decided_by_somebody_else(desk: Desk) -> None:
    """A name that could be a mention or a link is shown as it is written."""
    request = desk.ask()
    desk.change(Employee, 3, name="Mia <!channel> *Chen*")
    step = desk.rows(StepApprover)[0].step_id
    desk.add(StepApprover(step_id=step, person_id=3, asked_at=NOW))
    message = card(desk)
    desk.person("mia").press("Approve", in_message=forward(desk, "mia"))
    assert desk.row(LicenceRequest).status == Status.APPROVED
    ben = desk.person("ben")
    ben.press("Approve", in_message=message)
    desk.work()
    said = next(one["text"] for one in ben.messages() if "your press changed nothing" in one["text"])
    assert said.startswith("Mia &lt;!channel&gt; *Chen* approved this <!date^")
    assert request.id == 1 and "Approve" not in str(ben.message("Approved by")["blocks"][-1].get("elements", ""))


def test_withdrawn(desk: Desk) -> None:
    desk.ask()
    message = card(desk)
    ana, ben = desk.person("ana"), desk.person("ben")
    ana.press("Withdraw", in_message="Waiting for Ben Okafor")
    assert desk.row(LicenceRequest).status == Status.WITHDRAWN
    ben.press("Approve", in_message=message)
    desk.work()
    assert any("This was withdrawn" in one["text"] for one in ben.messages())
    assert "Withdrawn by Ana Lindqvist" in render_text(ben.message("Nothing to decide")["blocks"])


def test_old_card(desk: Desk) -> None:
    request = desk.ask()
    message = card(desk)
    desk.change(LicenceRequest, request.id, version=request.version + 1)
    ben = desk.person("ben")
    ben.press("Approve", in_message=message)
    desk.work()
    assert any("The card shows the new figures now: press again." in one["text"] for one in ben.messages())
    ben.press("Approve", in_message=WAITS)
    assert desk.row(LicenceRequest).status == Status.APPROVED


def test_deny_with_words(desk: Desk) -> None:
    desk.ask()
    ben = desk.person("ben")
    ben.press("Deny", in_message=WAITS)
    ben.fill(reason="Other")
    assert "words" in ben.submit()["errors"]
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL
    ben.fill(words="The team plan covers it", suggest="Microsoft Planner")
    assert ben.submit()["closed"]
    desk.work()
    request = desk.row(LicenceRequest)
    assert request.status == Status.DENIED
    assert request.closing_words == "The team plan covers it\nMicrosoft Planner"
    assert "Not approved by Ben Okafor" in render_text(ben.message("Not approved")["blocks"])


def test_change_and_approve(desk: Desk) -> None:
    desk.ask()
    ben = desk.person("ben")
    ben.press("Change and approve", in_message=WAITS)
    assert ben.modal()["title"]["text"] == "Change and approve"
    ben.fill(until="2026-11-01", note="Pilot first")
    assert "Choose a day" in str(ben.submit()["errors"])
    ben.fill(until="2027-01-31")
    assert ben.submit()["ok"]
    request = desk.row(LicenceRequest)
    assert (request.status, str(request.until_on)) == (Status.APPROVED, "2027-01-31")


def test_less_than_to_the_end_of_the_contract_is_no_later_day(desk: Desk) -> None:
    """Asked for without an end, which means to 31 March 2027: 2035 was taken, and the rule is less, never more."""
    request = desk.ask()
    assert request.until_on is None
    [asked] = desk.rows(StepApprover)
    more = Verdict(True, lowered=Lowered(until_on=date(2035, 1, 1)))
    with desk.deps.unit_of_work() as work, pytest.raises(NotLess):
        decide(work, desk.deps.rules, asked.id, None, IDS["ben"], more, desk.now)
    ben = desk.person("ben")
    ben.press("Change and approve", in_message=WAITS)
    ben.fill(until="2027-04-01")
    assert "Choose a day after 23 Nov 2026 to 31 Mar 2027." in str(ben.submit()["errors"])
    ben.fill(until="2027-03-31")
    assert ben.submit()["ok"]
    assert desk.row(LicenceRequest).until_on == date(2027, 3, 31)


def test_less_than_without_any_known_end_is_any_day(desk: Desk) -> None:
    desk.ask()
    desk.change(Contract, 1, ends_on=None)
    ben = desk.person("ben")
    ben.press("Change and approve", in_message=WAITS)
    ben.fill(until="2035-01-01")
    assert ben.submit()["ok"]
    assert desk.row(LicenceRequest).until_on == date(2035, 1, 1)


def test_ask_and_answer(desk: Desk) -> None:
    desk.ask()
    ana, ben = desk.person("ana"), desk.person("ben")
    ben.press("Ask a question", in_message=WAITS)
    assert ben.fill(words="For how long?").submit()["ok"]
    desk.work()
    ana.press("Answer", in_message="asks you something")
    assert "For how long?" in render_text(ana.modal()["blocks"])
    assert ana.fill(words="Until spring").submit()["ok"]
    desk.work()
    assert desk.row(LicenceRequest).question == ""
    assert desk.row(LicenceRequest).details["answers"] == ["Until spring"]


def test_hand_on(desk: Desk) -> None:
    desk.ask()
    ben = desk.person("ben")
    ben.choose("approval_more", "Hand on", in_message=WAITS)
    assert "Both names stay in the record." in render_text(ben.modal()["blocks"])
    ben.fill(person=IDS["kim"])
    assert "staff directory" in str(ben.submit()["errors"])
    ben.fill(person=IDS["ana"])
    assert ben.submit()["errors"] == {"person": "Ana Lindqvist made this request, so someone else decides."}
    ben.fill(person=IDS["mia"])
    assert ben.submit()["ok"]
    desk.work()
    assert WAITS in render_text(desk.person("mia").message(WAITS)["blocks"])
    assert "Handed on to Mia Chen" in render_text(ben.message("Handed on")["blocks"])


def test_why_me(desk: Desk) -> None:
    desk.ask()
    ben = desk.person("ben")
    ben.choose("approval_more", "Why me?", in_message=WAITS)
    assert "You manage Ana Lindqvist." in render_text(ben.modal()["blocks"])


def test_decide_from_the_list_in_a_window(desk: Desk) -> None:
    desk.ask()
    ben = desk.person("ben")
    ben.command("/licence approvals")
    ben.press("Decide", in_message="decision")
    assert WAITS in render_text(ben.modal()["blocks"])
    ben.press("Approve")
    assert "Approved by Ben Okafor" in render_text(ben.modal()["blocks"])
    assert desk.row(LicenceRequest).status == Status.APPROVED


def test_a_refused_press_in_a_window_says_so_there(desk: Desk) -> None:
    request = desk.ask()
    ben = desk.person("ben")
    ben.command("/licence approvals")
    ben.press("Decide", in_message="decision")
    desk.change(LicenceRequest, request.id, version=9)
    ben.press("Approve")
    assert "The card shows the new figures now" in render_text(ben.modal()["blocks"])
    assert ben.modal()["title"]["text"] == "Nothing changed"


def test_safe_ones_together(desk: Desk) -> None:
    for name in ("Planner", "Visio"):
        desk.ask(name)
    ben = desk.person("ben")
    ben.command("/licence approvals")
    ben.press("Approve 2 safe ones", in_message="safe")
    assert {one.status for one in desk.rows(LicenceRequest)} == {Status.APPROVED}
    desk.work()
    assert "Approved 2 requests." in ben.messages()[-1]["text"], "the list was an answer: nothing else changes there"


def test_reminding_once_a_day(desk: Desk) -> None:
    desk.ask()
    desk.later(timedelta(hours=3))
    desk.work()
    ana = desk.person("ana")
    with desk.deps.unit_of_work() as work:
        enqueue(work, [ShowRequest(1)], desk.now)
        work.commit()
    desk.work()
    message = ana.message("Waiting for Ben Okafor")
    ana.press("Remind Ben", in_message=message)
    ana.press("Remind Ben", in_message=message)
    desk.work()
    assert any("Ben Okafor" in one["text"] and "remind" in one["text"].lower() for one in ana.messages())


def test_nothing_is_written_by_a_press_that_only_looks(desk: Desk) -> None:
    desk.ask()
    ben = desk.person("ben")
    for label in ("Deny", "Ask a question", "Change and approve"):
        ben.press(label, in_message=WAITS)
        ben.close()
    assert desk.work() == 0
    assert desk.rows(StepApprover)[0].decided_at is None
