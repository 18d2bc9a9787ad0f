"""A small Bolt app and people, over HTTP and over Socket Mode: what a pass against the stand-in means."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from werkzeug.serving import make_server

from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.slack import SlackStandIn, create_slack
from sandbox.slack_person import NotThere, Person
from sandbox.store import Store
from sandbox.traffic import Traffic

BOT, APP, SECRET = "xoxb-example-bot", "xapp-example-app", "example-signing-secret"
PRODUCTS = ["Planner", "Copilot", "Visio"]


@dataclass
class Desk:
    """The app under the stand-in, what it saw, and the stand-in."""

    slack: SlackStandIn
    clock: SandboxClock
    faults: Faults
    client: WebClient
    seen: list[dict[str, Any]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    event_status: list[int] = field(default_factory=list)
    before_open: Callable[[], Any] | None = None

    def person(self, user_id: str) -> Person:
        return Person(self.slack.url, user_id)


def form(error: str = "") -> dict[str, Any]:
    def plain(text: str) -> dict[str, Any]:
        return {"type": "plain_text", "text": text}

    return {
        "type": "modal",
        "callback_id": "request",
        "title": plain("Ask for a licence"),
        "submit": plain("Send request"),
        "notify_on_close": True,
        "blocks": [
            {
                "type": "input",
                "block_id": "product",
                "label": plain("Which product?"),
                "element": {"type": "external_select", "action_id": "product", "min_query_length": 1},
            },
            {
                "type": "input",
                "block_id": "why",
                "label": plain("Why?"),
                "element": {"type": "plain_text_input", "action_id": "why", "multiline": True},
            },
            {
                "type": "actions",
                "block_id": "more",
                "elements": [{"type": "button", "action_id": "rewrite", "text": plain("Rewrite")}],
            },
        ],
    }


def card(state: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{state}*"}}]
    if state == "Waiting":
        blocks.append(
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "approve",
                        "value": "REQ-1",
                        "style": "primary",
                        "text": {"type": "plain_text", "text": "Approve"},
                        "accessibility_label": "Approve Planner for Ana",
                    }
                ],
            }
        )
    return blocks


def bolt_app(desk: Desk) -> App:
    result = AuthorizeResult(
        enterprise_id=None, team_id="T0SANDBOX", bot_token=BOT, bot_id="B0SANDBOX", bot_user_id="U0SANDBOX"
    )
    app = App(client=desk.client, signing_secret=SECRET, authorize=lambda **_: result, process_before_response=True)

    @app.command("/licence")
    def licence(ack: Any, body: Any, client: Any) -> Any:
        desk.seen.append(body)
        if body["text"] == "wait":
            desk.hold.wait(10)
        if body["text"].startswith("request"):
            if desk.before_open:
                desk.before_open()
            client.views_open(trigger_id=body["trigger_id"], view=form())
            return ack()
        ack(f"You said {body['text']}")

    @app.options("product")
    def products(ack: Any, payload: Any) -> None:
        ack(
            options=[
                {"text": {"type": "plain_text", "text": name}, "value": name.lower()}
                for name in PRODUCTS
                if payload["value"].lower() in name.lower()
            ]
        )

    @app.action("rewrite")
    def rewrite(ack: Any, body: Any, client: Any) -> None:
        desk.seen.append(body)
        ack()
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=form())
        with pytest.raises(SlackApiError, match="hash_conflict"):
            client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=form())

    @app.view("request")
    def sent(ack: Any, body: Any, view: Any, client: Any) -> Any:
        desk.seen.append(body)
        values = view["state"]["values"]
        if len(values["why"]["why"]["value"]) < 10:
            return ack(response_action="errors", errors={"why": "Write at least 10 characters."})
        posted = client.chat_postMessage(channel="U2", text="Waiting: Planner for Ana", blocks=card("Waiting"))
        assert posted["channel"].startswith("D")
        done = form() | {"blocks": card("Sent")}
        ack(response_action="update", view={k: v for k, v in done.items() if k != "submit"})

    @app.view_closed("request")
    def gone(ack: Any, body: Any) -> None:
        desk.seen.append(body)
        ack()

    @app.action("approve")
    def approve(ack: Any, body: Any, client: Any, respond: Any) -> None:
        desk.seen.append(body)
        ack()
        client.chat_update(
            channel=body["channel"]["id"],
            ts=body["message"]["ts"],
            text="Approved by Ben",
            blocks=card("Approved by Ben"),
        )
        respond("Only you see this")

    @app.event("app_home_opened")
    def home(event: Any, client: Any, request: Any) -> None:
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": card("Waiting")})

    @app.shortcut("ask")
    def ask(ack: Any, body: Any, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=form())

    return app


@pytest.fixture(params=["http", "socket"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(mode: str) -> Iterator[Desk]:
    clock, faults, traffic = SandboxClock(), Faults(), Traffic()
    slack = create_slack(
        Store(),
        clock,
        traffic,
        faults,
        signing_secret=SECRET,
        bot_token=BOT,
        app_token=APP,
        ack_timeout=2.0,
        event_retries=(0.0, 60.0),
        socket_mode=mode == "socket",
    ).start()
    slack.add_user("U1", "ana", "Ana Lindqvist", "ana@example.test")
    slack.add_user("U2", "ben", "Ben Okafor", "ben@example.test")
    slack.add_user("U3", "lea", "Lea Gone", "lea@example.test", deleted=True)
    slack.add_channel("C1", "licences", ["U1", "U2"])
    desk = Desk(slack, clock, faults, WebClient(BOT, base_url=slack.api_url, timeout=5, retry_handlers=[]))
    app = bolt_app(desk)
    close = _over_socket(app, slack) if mode == "socket" else _over_http(app, desk)
    yield desk
    desk.hold.set()
    close()
    slack.stop()


def _over_http(app: App, desk: Desk) -> Callable[[], None]:
    flask, handler = Flask("desk"), SlackRequestHandler(app)

    @flask.post("/slack/events")
    def events() -> Response:
        if request.is_json:
            desk.seen.append(
                {
                    "retry": request.headers.get("X-Slack-Retry-Num"),
                    "reason": request.headers.get("X-Slack-Retry-Reason"),
                    "body": request.get_json(),
                }
            )
            if desk.event_status:
                return Response(status=desk.event_status.pop(0))
        answer: Response = handler.handle(request)
        return answer

    server = make_server("127.0.0.1", 0, flask, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    desk.slack.request_url = f"http://127.0.0.1:{server.server_port}/slack/events"

    def close() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return close


def _over_socket(app: App, slack: SlackStandIn) -> Callable[[], None]:
    handler = SocketModeHandler(app, APP)
    handler.client.web_client = WebClient(base_url=slack.api_url)
    handler.connect()
    waiting = threading.Event()
    while slack.deliveries.hub.connections == 0:
        waiting.wait(0.01)

    def close() -> None:
        handler.client.auto_reconnect_enabled = False
        slack.deliveries.hub.stop()  # first, or the client sits in its read until that times out
        while handler.client.is_connected():  # both closing at once trips over the client's own socket
            waiting.wait(0.01)
        handler.close()

    return close


def test_command_form_list_errors_and_receipt(desk: Desk) -> None:
    """The whole path of a request, as a person goes it."""
    ana = desk.person("U1")
    assert ana.command("/licence request planner")["ok"]
    assert desk.seen[0]["text"] == "request planner"
    assert desk.seen[0]["channel_name"] == "directmessage"
    assert ana.options("product", "") == []
    offered = ana.options("product", "plan")
    assert [one["value"] for one in offered] == ["planner"]

    # what the client checks itself never reaches the app
    answer = ana.submit()
    assert answer["delivered"] is False
    assert set(answer["errors"]) == {"product", "why"}
    assert len(desk.seen) == 1

    with pytest.raises(NotThere, match="not among the options"):
        ana.fill(product="never offered").submit()
    ana.fill(product="planner", why="short")
    assert ana.submit()["errors"] == {"why": "Write at least 10 characters."}
    modal = ana.modal()
    assert modal["errors"] == {"why": "Write at least 10 characters."}
    assert modal["state"]["values"]["product"]["product"]["selected_option"]["text"]["text"] == "Planner"

    # typed values survive a rewrite with the same ids; the second writer met the hash (asserted in the app)
    assert ana.fill(why="For the office move").press("Rewrite")["ok"]
    assert ana.modal()["state"]["values"]["why"]["why"]["value"] == "For the office move"
    assert ana.submit() == {"ok": True, "closed": False}
    assert "Sent" in str(ana.modal()["blocks"])
    assert desk.person("U2").message("Waiting: Planner")["channel"].startswith("D")


def test_press_rewrites_the_message_and_answers_one_person(desk: Desk) -> None:
    ben = desk.person("U2")
    desk.client.chat_postMessage(channel="U2", text="Waiting: Planner for Ana", blocks=card("Waiting"))
    message = ben.message("Waiting")
    assert ben.press("Approve Planner for Ana", in_message=message)["ok"]
    body = desk.seen[-1]
    assert body["actions"][0]["value"] == "REQ-1"
    assert body["container"]["message_ts"] == message["ts"]
    assert body["message"]["blocks"] == message["blocks"]
    changed = ben.message("Approved by Ben")
    assert changed["ts"] == message["ts"] and changed["updates"] == 1 and not changed["edited"]
    assert ben.message("Only you see this")["ephemeral"]
    with pytest.raises(NotThere):
        ben.press("Approve", in_message=changed)
    with pytest.raises(NotThere, match="no “approve” here"):
        ben._post("/press", where={"channel": message["channel"], "ts": message["ts"]}, action_id="approve")
    with pytest.raises(NotThere, match="not there for this person"):
        desk.person("U1")._post("/press", where={"channel": message["channel"], "ts": message["ts"]}, action_id="x")


def test_home_is_published_when_opened(desk: Desk) -> None:
    ana = desk.person("U1")
    assert ana.open_home()["ok"]
    assert ana.home()["type"] == "home"
    published = ana.home()
    with pytest.raises(SlackApiError, match="hash_conflict"):
        desk.client.views_publish(user_id="U1", view={"type": "home", "blocks": []}, hash="1.old")
    desk.client.views_publish(user_id="U1", view={"type": "home", "blocks": []}, hash=published["hash"])
    assert ana.home()["blocks"] == []


def test_shortcut_and_close(desk: Desk) -> None:
    ana = desk.person("U1")
    assert ana.shortcut("ask")["ok"]
    assert ana.close()["ok"]
    assert ana.screen()["modals"] == []
    assert desk.seen[-1]["type"] == "view_closed"


def test_no_acknowledgement_in_time_shows_the_person_an_error(desk: Desk) -> None:
    ana = desk.person("U1")
    desk.slack.deliveries.ack_timeout = 0.2
    answer = ana.command("/licence wait")
    desk.hold.set()
    assert answer["code"] == "operation_timeout"
    assert ana.toasts() == ["/licence failed with the error “operation_timeout”"]


def test_command_answer_is_for_one_person(desk: Desk) -> None:
    ana = desk.person("U1")
    ana.command("/licence help @ben", channel="C1")
    assert ana.message("You said help <@U2|ben>", "licences")["ephemeral"]
    with pytest.raises(NotThere):
        desk.person("U2").message("You said", "licences")
    with pytest.raises(NotThere, match="deactivated"):
        desk.person("U3").command("/licence")


def test_trigger_expires_and_serves_once(desk: Desk) -> None:
    ana = desk.person("U1")
    ana.command("/licence help")
    trigger = desk.seen[-1]["trigger_id"]
    desk.client.views_open(trigger_id=trigger, view=form())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        desk.client.views_open(trigger_id=trigger, view=form())
    ana.command("/licence help")
    desk.clock.forward(timedelta(seconds=4))
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        desk.client.views_open(trigger_id=desk.seen[-1]["trigger_id"], view=form())


@pytest.mark.parametrize("mode", ["http"], indirect=True)
def test_lost_events_come_again(desk: Desk) -> None:
    """At once, then after a minute of the workspace's clock, with number and reason; presses do not."""
    ana = desk.person("U1")
    desk.event_status[:] = [500, 500]
    assert not ana.open_home()["ok"]
    assert [one["retry"] for one in desk.seen] == [None, "1"]
    desk.clock.forward(timedelta(seconds=61))
    ana.wait_for(lambda _: len(desk.seen) == 3)
    assert desk.seen[2]["retry"] == "2" and desk.seen[2]["reason"] == "http_error"
    assert len({one["body"]["event_id"] for one in desk.seen}) == 1
    ana.wait_for(lambda who: who.home())


@pytest.mark.parametrize("mode", ["http"], indirect=True)
def test_hang_up_after_commit_leaves_the_message(desk: Desk) -> None:
    desk.faults.add(Fault("commit_then_hang_up", path="chat.postMessage", times=1))
    with pytest.raises(Exception, match="(?i)closed connection|reset"):
        desk.client.chat_postMessage(channel="U2", text="Posted all the same")
    assert desk.person("U2").message("Posted all the same")


@pytest.mark.parametrize("mode", ["http"], indirect=True)
def test_wrong_secret_is_refused_by_the_app(desk: Desk) -> None:
    object.__setattr__(desk.slack.world.app, "signing_secret", "another")
    assert desk.person("U1").command("/licence help")["code"] == "dispatch_failed"
    assert desk.seen == []


@pytest.mark.parametrize("mode", ["socket"], indirect=True)
def test_socket_refresh_brings_a_new_connection(desk: Desk) -> None:
    hub = desk.slack.deliveries.hub
    assert hub.disconnect("refresh_requested") == 1
    ana = desk.person("U1")
    ana.wait_for(lambda _: hub.connections == 1 and ana.command("/licence help")["ok"])
