"""What reaches the bot and what does not: signatures, sizes, odd bodies, replays, and Bolt's own traps."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import structlog

from bot.app import build_app, refuse_signature
from bot.ids import Action
from model.requests import LicenceRequest, Status, StepApprover
from sandbox.blocks_text import render_text
from sandbox.slack_delivery import sign
from tests.http.bot_desk import IDS, SECRET, Desk, Fault, bot_desk
from web.slack import LARGEST_BODY

FORM = "application/x-www-form-urlencoded"
COMMAND = {
    "command": "/licence", "text": "mine", "user_id": "U0ANA", "user_name": "ana", "team_id": "T1", "channel_id": "C1",
    "trigger_id": "1.2", "response_url": "https://hooks.example.test/1",
}  # fmt: skip
#: Seconds to add; Slack's window is 300 wide.
MOMENTS = itertools.cycle(range(1, 200))


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        yield found


def post(
    desk: Desk, body: str | bytes, content_type: str = FORM, *, stamp: str | None = None, signature: str | None = None
) -> requests.Response:
    # a moment of its own, ahead of every delivery so far: as in life, no two are copies of each other
    at = stamp if stamp is not None else str(int(time.time()) + next(MOMENTS))
    text = body if isinstance(body, str) else body.decode("latin-1")
    headers = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature if signature is not None else sign(SECRET, at, text),
    }
    data = body.encode() if isinstance(body, str) else body
    with requests.Session() as session:
        session.trust_env = False
        return session.post(desk.url, data=data, headers=headers, timeout=10)


def delivered(desk: Desk, holding: str) -> str:
    """The last body that Slack sent with this in it."""
    bodies = [str(one["request_body"]) for one in desk.slack.traffic.since(0, "slack")]
    return next(body for body in reversed(bodies) if holding in body)


def press_body(action: str, value: str = "", user: str = "U0ANA", **more: Any) -> str:
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "trigger_id": "1.2",
        "team": {"id": "T1"},
        "actions": [{"action_id": action, "value": value, "type": "button", "block_id": "b"}],
        **more,
    }
    return urlencode({"payload": json.dumps(payload)})


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"signature": "v0=0000"}, 401),
        ({"signature": ""}, 401),
        ({"stamp": str(int(time.time()) - 3600)}, 401),
        ({"stamp": str(int(time.time()) + 3600)}, 401),
        ({"stamp": "yesterday"}, 401),
        ({"stamp": ""}, 401),
        ({"stamp": "²³"}, 401),
        ({"stamp": "9" * 40}, 401),
    ],
)
def test_what_slack_did_not_sign_is_refused(desk: Desk, how: dict[str, str], status: int) -> None:
    if how.get("stamp") == "²³":
        how = {"stamp": "%C2%B2", "signature": "v0=1"}
    with structlog.testing.capture_logs() as lines:
        answer = post(desk, urlencode(COMMAND | {"text": "request secret-words"}), **how)
    assert answer.status_code == status
    assert len(lines) == 1 and "secret-words" not in str(lines)
    assert desk.count(LicenceRequest) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ("[1]", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("payload=%7Bnot", FORM, 400),
        ("payload=7", FORM, 400),
        ("just words", FORM, 400),
        (b"text=\xff\xfe", FORM, 400),
        ("text=%FF%FE", FORM, 400),
        ("<xml/>", "text/xml", 400),
        ("&".join(f"a{n}=1" for n in range(200)), FORM, 400),
        ("text=" + "x" * LARGEST_BODY, FORM, 413),
        (urlencode({"payload": '{"type":"block_actions","user":{"id":"U0ANA"}}'}), FORM, None),
        (urlencode({"payload": '{"type":"view_submission","user":{"id":"U0ANA"}}'}), FORM, None),
        (urlencode({"payload": '{"type":"block_actions","actions":[],"user":7}'}), FORM, None),
        (urlencode({"payload": '{"type":"something_new"}'}), FORM, None),
        (
            urlencode({"payload": '{"type":"view_submission","user":{"id":"U0ANA"},"view":{"callback_id":"x"}}'}),
            FORM,
            400,
        ),
        (urlencode({"payload": '{"type":"view_submission","user":{"id":"U0ANA"},"view":7}'}), FORM, 400),
        ('{"type":"event_callback","event":7}', "application/json", 400),
    ],
)
def test_odd_bodies_are_a_4xx_and_one_line(desk: Desk, body: str | bytes, kind: str, status: int | None) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = post(desk, body, kind)
    assert 400 <= answer.status_code < 500
    assert status in (None, answer.status_code)
    assert len(lines) <= 1 and (len(body) < 20 or not any(str(body)[10:40] in str(line) for line in lines))
    assert desk.count(LicenceRequest) == 0


def test_no_length_is_refused(desk: Desk) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(desk.url, data=iter([b"text=1"]), headers={"Content-Type": FORM}, timeout=10)
    assert answer.status_code in (400, 401, 411)


@pytest.mark.parametrize("text", ["payload tool", "request payload", "mine payload=1"])
def test_words_that_hold_payload_are_a_command_like_any_other(desk: Desk, text: str) -> None:
    """Bolt's own reader takes such a body for an interaction and answers 404."""
    answer = post(desk, urlencode(COMMAND | {"text": text, "user_name": "payload"}))
    assert answer.status_code == 200
    assert answer.json()["text"]


def test_url_verification_and_ssl_check(desk: Desk) -> None:
    assert post(desk, json.dumps({"type": "url_verification", "challenge": "abc"}), "application/json").json() == {
        "challenge": "abc"
    }
    assert post(desk, "ssl_check=1&token=x").status_code == 200


def test_the_start_calls_nobody_and_ignores_oauth_variables(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "example")
    before = len(desk.slack.traffic.since(0, "slack"))
    app = build_app(desk.deps)
    assert app.oauth_flow is None and app.installation_store is None
    assert len(desk.slack.traffic.since(0, "slack")) == before
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "of-the-environment")
    settings = desk.deps.settings
    for wrong in (replace(settings, slack_signing_secret=""), replace(settings, slack_bot_token="")):
        with pytest.raises(ValueError, match="missing"):
            build_app(replace(desk.deps, settings=wrong))


def test_without_a_secret_nothing_is_signed() -> None:
    assert refuse_signature("", "1", sign("", "1", "x"), "x", clock=lambda: 1) == "no signing secret is set"
    assert refuse_signature("a", "1", sign("a", "1", "x"), "x", clock=lambda: 1) == ""
    assert refuse_signature("a", "1", sign("a", "1", "x"), "y", clock=lambda: 1)


@pytest.mark.parametrize("action", [Action.GUIDE, Action.DASHBOARD])
def test_link_buttons_are_answered(desk: Desk, action: Action) -> None:
    answer = post(desk, press_body(action.value))
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("value", ["", "x", "12", "1.2.3", "-1.0", "٣.٤", "9" * 400])
@pytest.mark.parametrize("action", ["approve", "deny", "withdraw", "task_done", "give_back", "button_of_2019"])
def test_any_old_button_says_what_happened(desk: Desk, action: str, value: str) -> None:
    ana = desk.person("ana")
    channel = desk.slack.world.direct("U0ANA")
    url = desk.slack.world.new_response_url(desk.slack.url, "U0ANA", channel["id"], None)
    answer = post(desk, press_body(action, value, response_url=url))
    assert answer.status_code == 200
    desk.work()
    said = [message["text"] for message in ana.messages()]
    assert len(said) == 1 and "nothing changed" in said[0].lower()


def test_a_view_nobody_knows_is_answered(desk: Desk) -> None:
    view = {"id": "V1", "type": "modal", "callback_id": "form_of_2019", "state": {"values": {}}, "blocks": []}
    sent = {"type": "view_submission", "user": {"id": "U0ANA"}, "view": view, "team": {"id": "T1"}}
    answer = post(desk, urlencode({"payload": json.dumps(sent)}))
    assert answer.json()["response_action"] == "update"
    assert "older message" in render_text(answer.json()["view"]["blocks"])
    closed = sent | {"type": "view_closed"}
    assert post(desk, urlencode({"payload": json.dumps(closed)})).status_code == 200


def test_what_nobody_foresaw_becomes_a_reference_that_is_in_the_log(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.faults.add(Fault("error_answer", ".*", ".*/views.open", 1, parameters={"error": "fatal_error"}))
    with structlog.testing.capture_logs() as lines:
        assert ana.command("/licence request planner")["ok"]
    said = ana.messages()[-1]["text"]
    assert said.startswith("That did not work. Nothing was changed and your answers are kept.")
    reference = next(line["reference"] for line in lines if "reference" in line)
    assert f"tell IT reference *{reference}*" in said
    assert "planner" not in str(lines)


def test_a_form_keeps_what_was_typed_when_something_breaks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one patch here: an error in the middle of an operation cannot be provoked from outside."""
    ana = desk.person("ana")
    ana.command("/licence request planner")
    ana.fill(why="Plan of the Lyon office move")
    with monkeypatch.context() as broken:
        broken.setattr("workflows.submit.check_form", lambda *_: 1 / 0)
        answer = ana.submit()
    assert "tell IT reference E-" in str(answer["errors"])
    assert desk.count(LicenceRequest) == 0
    assert ana.submit()["ok"]
    assert desk.count(LicenceRequest) == 1


def test_the_same_delivery_twice_changes_nothing_twice(desk: Desk) -> None:
    """Slack may send again; a person may press again because the answer was lost."""
    ana = desk.person("ana")
    ana.command("/licence request planner")
    ana.fill(why="Plan of the Lyon office move")
    ana.submit()
    again = post(desk, urlencode({"payload": delivered(desk, "view_submission")}))
    assert again.json()["response_action"] == "update"
    assert desk.count(LicenceRequest) == 1
    desk.work()
    ben = desk.person("ben")
    ben.press("Approve", in_message="Waiting for you")
    assert post(desk, urlencode({"payload": delivered(desk, '"approve"')})).status_code == 200
    assert desk.row(LicenceRequest).status == Status.APPROVED
    desk.work()
    assert not [one for one in ben.messages() if "your press changed nothing" in one["text"]], "silence"


def test_events_are_acknowledged_and_repeats_are_harmless(desk: Desk) -> None:
    event = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {"type": "app_uninstalled"}}
    for kind in ("app_uninstalled", "tokens_revoked", "member_joined_channel"):
        body = json.dumps(event | {"event": {"type": kind, "tokens": {"bot": ["B1"]}}})
        assert [post(desk, body, "application/json").status_code for _ in range(2)] == [200, 200]
    tab = json.dumps(event | {"event": {"type": "app_home_opened", "user": "U0ANA", "tab": "messages"}})
    assert post(desk, tab, "application/json").status_code == 200
    assert desk.work() == 0


def test_many_presses_at_once_are_all_answered_in_time(desk: Desk) -> None:
    """Bolt's own pool has five threads; here a listener runs in the server's thread."""
    statuses: list[tuple[int, float]] = []

    def ask() -> None:
        began = time.monotonic()
        statuses.append((post(desk, urlencode(COMMAND)).status_code, time.monotonic() - began))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in statuses] == [200] * 12
    assert max(seconds for _, seconds in statuses) < 3


def test_a_busy_database_is_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.session.LOCK_WAIT_SECONDS", 0.2)
    desk.ask()
    ben = desk.person("ben")
    with desk.database.unit_of_work():
        assert ben.press("Approve", in_message="Waiting for you")["ok"]
    assert "nothing was changed" in render_text(ben.modal()["blocks"])
    assert desk.rows(StepApprover)[0].decided_at is None
    assert IDS["ben"] == ben.id
