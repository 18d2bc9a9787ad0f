"""A signed delivery is answered once: its copies are refused, what Slack itself repeats is not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import structlog

from model.events import Event, Tag
from model.requests import LicenceRequest, Status, StepApprover
from sandbox.slack_delivery import sign
from tests.http.bot_desk import SECRET, Desk, bot_desk

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
COMMAND = {
    "command": "/licence", "text": "mine secret-words", "user_id": "U0ANA", "user_name": "ana", "team_id": "T1",
    "channel_id": "C1", "trigger_id": "1.2", "response_url": "https://hooks.example.test/1",
}  # fmt: skip
EVENT = {
    "type": "event_callback", "team_id": "T1", "event_id": "Ev1",
    "event": {"type": "app_home_opened", "user": "U0ANA", "tab": "home"},
}  # fmt: skip


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        yield found


class Copier:
    """Holds one signed delivery and sends it as often as it likes, headers of its own added."""

    def __init__(self, desk: Desk, body: str, content_type: str = FORM, stamp: int | None = None) -> None:
        self.url, self.body = desk.url, body
        at = str(int(time.time()) if stamp is None else stamp)
        self.headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": sign(SECRET, at, body),
        }

    def send(self, **more: str) -> requests.Response:
        headers = self.headers | {name.replace("_", "-"): value for name, value in more.items()}
        with requests.Session() as session:
            session.trust_env = False
            return session.post(self.url, data=self.body.encode(), headers=headers, timeout=10)

    def at_once(self, copies: int) -> list[int]:
        statuses: list[int] = []
        gate = threading.Barrier(copies)

        def go() -> None:
            gate.wait(timeout=10)
            statuses.append(self.send().status_code)

        threads = [threading.Thread(target=go) for _ in range(copies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)


def approve_of_ben(desk: Desk) -> str:
    """The body of Ben's press on the card of a request that waits for him, not sent yet."""
    asked = desk.ask()
    step = desk.row(StepApprover)
    button = {"action_id": "approve", "value": f"{step.id}.{asked.version}", "type": "button", "block_id": "b"}
    sent = {
        "type": "block_actions", "user": {"id": "U0BEN"}, "team": {"id": "T1"}, "trigger_id": "1.2",
        "actions": [button],
    }  # fmt: skip
    return urlencode({"payload": json.dumps(sent)})


def test_a_copy_is_refused_with_a_sentence_one_line_and_nothing_stored(desk: Desk) -> None:
    copied = Copier(desk, urlencode(COMMAND))
    assert copied.send().status_code == 200
    events, requests_made = desk.count(Event), desk.count(LicenceRequest)
    with structlog.testing.capture_logs() as lines:
        again = copied.send()
    assert again.status_code == 409
    assert again.json() == {"error": "This delivery was answered already, so its copy changed nothing."}
    assert len(lines) == 1 and lines[0]["event"] == "delivery refused" and lines[0]["status"] == 409
    assert "secret-words" not in str(lines)
    assert (desk.count(Event), desk.count(LicenceRequest), desk.work()) == (events, requests_made, 0)
    assert copied.send(X_Slack_Retry_Num="1").status_code == 409, "Slack repeats events and nothing else"


def test_of_copies_at_once_one_decides(desk: Desk) -> None:
    assert Copier(desk, approve_of_ben(desk)).at_once(8) == [200] + [409] * 7
    assert desk.row(LicenceRequest).status == Status.APPROVED
    decided = [one for one in desk.rows(Event) if one.tag == Tag.REQUEST_APPROVED]
    assert len(decided) == 1


def test_of_the_same_event_at_once_one_is_taken(desk: Desk) -> None:
    assert Copier(desk, json.dumps(EVENT), JSON).at_once(8) == [200] + [409] * 7


@pytest.mark.parametrize("later", [0, 4])
def test_what_slack_repeats_gets_its_200(desk: Desk, later: int) -> None:
    """Our answer was lost on the way: the same body, a number in a header, and the same second or a later one."""
    now = int(time.time())
    assert Copier(desk, json.dumps(EVENT), JSON, now).send().status_code == 200
    repeated = Copier(desk, json.dumps(EVENT), JSON, now + later)
    numbers = [{"X_Slack_Retry_Num": str(number), "X_Slack_Retry_Reason": "http_timeout"} for number in (1, 2, 3)]
    assert [repeated.send(**one).status_code for one in numbers] == [200, 200, 200]
    assert [repeated.send(**one).status_code for one in numbers] == [409, 409, 409], "a copy of a retry is a copy"
    for strange in ("4", "0", "-1", "x", "1, 2"):
        status = repeated.send(X_Slack_Retry_Num=strange).status_code
        assert status == 409 or later, "a number that Slack never sends is none"


def test_the_sandbox_repeats_a_lost_event_and_it_is_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one patch: an answer that breaks cannot be provoked from outside."""
    failed: list[str] = []
    whole = desk.slack.deliveries.send

    def watched(*given: Any) -> Any:
        outcome = whole(*given)
        failed.append(outcome.reason)
        monkeypatch.undo()
        return outcome

    monkeypatch.setattr(desk.slack.deliveries, "send", watched)
    monkeypatch.setattr("bot.app.refuse_signature", lambda *_: 1 / 0)
    monkeypatch.setattr("bot.trouble.Trouble.answer", lambda *_: 1 / 0)
    desk.person("ana").open_home()
    assert failed == ["http_error"]
    assert desk.work() > 0, "the retry was taken"


def test_a_delivery_that_was_not_answered_well_may_come_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same patch: what broke is tried again by whoever sent it, byte for byte."""
    copied = Copier(desk, approve_of_ben(desk))
    with monkeypatch.context() as broken:
        broken.setattr("bot.app.refuse_signature", lambda *_: 1 / 0)
        broken.setattr("bot.trouble.Trouble.answer", lambda *_: 1 / 0)
        assert copied.send().status_code == 500
    assert desk.row(LicenceRequest).status == Status.AWAITING_APPROVAL
    assert [copied.send().status_code for _ in range(2)] == [200, 409]
    assert desk.row(LicenceRequest).status == Status.APPROVED
    unknown = Copier(desk, urlencode({"payload": '{"type":"something_new"}'}))
    assert [unknown.send().status_code for _ in range(2)] == [404, 404]


def test_what_is_not_signed_does_not_stand_in_the_way_of_what_is(desk: Desk) -> None:
    copied = Copier(desk, urlencode(COMMAND))
    right = copied.headers["X-Slack-Signature"]
    other = Copier(desk, urlencode(COMMAND | {"text": "other"}))
    other.headers |= copied.headers
    assert [other.send().status_code for _ in range(2)] == [401, 401]
    copied.headers["X-Slack-Signature"] = "v0=0000"
    assert [copied.send().status_code for _ in range(2)] == [401, 401]
    copied.headers["X-Slack-Signature"] = right
    assert copied.send().status_code == 200
    unsigned = Copier(desk, "ssl_check=1&token=x")
    unsigned.headers.pop("X-Slack-Signature")
    assert [unsigned.send().status_code for _ in range(2)] == [200, 200], "Slack looks at the certificate"
