"""Windows on windows: Slack stacks three, and what is slow there costs nobody an acknowledgement or the truth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model.requests import LicenceRequest, Status
from sandbox.blocks_text import render_text
from sandbox.slack_person import Person
from tests.http.bot_desk import Desk, Fault, bot_desk

WAITS = "Waiting for you"


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        yield found


def fails(desk: Desk, method: str, kind: str = "unavailable", **more: float) -> None:
    desk.faults.add(Fault(kind, ".*", f".*/{method}", parameters=more))


def calls(desk: Desk, since: int) -> list[str]:
    """The window calls since then, by their last word."""
    paths = [str(one["path"]) for one in desk.slack.traffic.since(since, "slack")]
    return [path.rpartition(".")[2] for path in paths if "/views." in path and not path.endswith("publish")]


def count(desk: Desk) -> int:
    return max((int(one["number"]) for one in desk.slack.traffic.since(0, "slack")), default=0)


def card_window(desk: Desk) -> Person:
    """Ben with the card of Ana's request as a window."""
    desk.ask()
    ben = desk.person("ben")
    ben.command("/licence approvals")
    ben.press("Decide", in_message="decision")
    return ben


def test_a_fourth_window_takes_the_place_of_the_one_that_was_pressed(desk: Desk) -> None:
    """Slack refuses the fourth: every button of a third window failed, each time."""
    ben = card_window(desk)
    world = desk.slack.world
    shown = ben.modal()
    spec = {key: shown[key] for key in ("type", "title", "blocks", "close", "callback_id", "private_metadata")}
    for _ in range(2):
        assert desk.deps.slack.push_view(world.new_trigger(ben.id), spec)
    third = ben.modal()["id"]
    ben.press("Deny")
    assert ben.modal()["id"] == third and len(ben.screen()["modals"]) == 3
    assert ben.modal()["title"]["text"] == "Deny this request"
    ben.fill(reason="Other", words="The team plan covers it")
    assert ben.submit()["ok"]
    assert desk.row(LicenceRequest).status == Status.DENIED


def test_a_decision_that_is_stored_is_never_told_as_a_refusal(desk: Desk) -> None:
    """Drawing the window anew took too long, twice, and the second try said that nothing was changed."""
    ben = card_window(desk)
    fails(desk, "views.update", "slow", seconds=2.5)
    assert ben.press("Approve")["ok"]
    assert desk.row(LicenceRequest).status == Status.APPROVED
    assert [fault["hits"] for fault in desk.faults.listed()] == [1]
    assert "Nothing" not in render_text(ben.modal()["blocks"]) + ben.modal()["title"]["text"]


def test_a_withdrawal_in_a_window_is_not_refused_either(desk: Desk) -> None:
    desk.ask()
    ana = desk.person("ana")
    ana.open_home()
    desk.work()
    ana.press("Open", in_home=True)
    fails(desk, "views.update")
    before = count(desk)
    assert ana.press("Withdraw")["ok"]
    assert desk.row(LicenceRequest).status == Status.WITHDRAWN
    assert calls(desk, before) == ["update"]


def test_after_a_window_that_could_not_be_opened_no_second_call_is_made(desk: Desk) -> None:
    ben = card_window(desk)
    for method in ("views.push", "views.open", "views.update"):
        fails(desk, method)
    before = count(desk)
    assert ben.press("Deny")["ok"]
    assert calls(desk, before) == ["push"]
    before = count(desk)
    assert ben.press("Deny", in_message=WAITS)["ok"]
    assert calls(desk, before) == ["open"]
    desk.work()
    assert "Slack did not show the answer in time. Press again" in ben.messages()[-1]["text"]
    ben.open_home()
    desk.work()
    before = count(desk)
    assert ben.press("Decide", in_home=True)["ok"]
    assert calls(desk, before) == ["open"]
    before = count(desk)
    assert ben.shortcut("request_licence")["ok"]
    assert calls(desk, before) == ["open"]
