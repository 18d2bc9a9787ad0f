"""What people's presses look like to an app, and what the client makes of the app's answers, right and wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, request
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from websockets.sync.client import connect
from werkzeug.serving import make_server

from sandbox.clock import SandboxClock
from sandbox.slack import SlackStandIn, create_slack
from sandbox.slack_actions import TROUBLE
from sandbox.slack_person import NotThere, Person
from sandbox.store import Store
from sandbox.traffic import Traffic

BOT, SECRET = "xoxb-example-bot", "example-signing-secret"
Json = dict[str, Any]


@dataclass
class Probe:
    """An app that keeps what it gets and answers as told (200 and an empty body unless told)."""

    slack: SlackStandIn
    client: WebClient
    got: list[Json] = field(default_factory=list)
    signed: list[bool] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def person(self, user_id: str = "U1") -> Person:
        return Person(self.slack.url, user_id)

    def open(self, *blocks: Json, **more: Any) -> None:
        view = {"type": "modal", "title": plain("Form"), "submit": plain("Send"), "blocks": list(blocks)} | more
        self.client.views_open(trigger_id=self.slack.world.new_trigger("U1"), view=view)


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


def field_(name: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": name, "label": plain(name), "element": {"action_id": name} | element} | more


def actions(*elements: Json) -> Json:
    return {"type": "actions", "block_id": "a", "elements": list(elements)}


def button(label: str, **more: Any) -> Json:
    return {"type": "button", "action_id": label.lower(), "text": plain(label)} | more


@pytest.fixture
def probe() -> Iterator[Probe]:
    slack = create_slack(
        Store(),
        SandboxClock(),
        Traffic(),
        signing_secret=SECRET,
        bot_token=BOT,
        app_token="xapp-example-app",
        ack_timeout=2.0,
        event_retries=(0.0, 0.0),
        commands=["/licence"],
        shortcuts=["ask"],
    ).start()
    slack.add_user("U1", "ana", "Ana Lindqvist", "ana@example.test")
    slack.add_user("U2", "ben", "Ben Okafor", "ben@example.test")
    slack.add_channel("C1", "licences", ["U1"])
    slack.add_channel("C2", "elsewhere", ["U2"])
    probe = Probe(slack, WebClient(BOT, base_url=slack.api_url, timeout=5, retry_handlers=[]))
    flask, verifier = Flask("probe"), SignatureVerifier(SECRET)

    @flask.post("/slack/events")
    def events() -> Any:
        probe.signed.append(verifier.is_valid_request(request.get_data(), dict(request.headers)))
        body = (
            json.loads(request.form["payload"])
            if "payload" in request.form
            else dict(request.form) or request.get_json()
        )
        probe.got.append(body | {"_headers": dict(request.headers)})
        answer = probe.answers.pop(0) if probe.answers else ""
        return answer() if callable(answer) else answer

    server = make_server("127.0.0.1", 0, flask, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    slack.request_url = f"http://127.0.0.1:{server.server_port}/slack/events"
    yield probe
    server.shutdown()
    thread.join()
    server.server_close()
    slack.stop()


def test_everything_is_signed_with_the_wall_clock(probe: Probe) -> None:
    ana = probe.person()
    ana.command("/licence payload tool & more")
    ana.shortcut("ask")
    ana.open_home()
    assert probe.signed == [True, True, True]
    assert probe.got[0]["text"] == "payload tool & more"
    assert {"response_url", "trigger_id", "team_id", "channel_id", "user_id", "api_app_id"} <= set(probe.got[0])
    assert "response_url" not in probe.got[1] and probe.got[1]["callback_id"] == "ask"
    assert abs(int(probe.got[2]["_headers"]["X-Slack-Request-Timestamp"]) - time.time()) < 5


def test_what_a_client_does_not_offer(probe: Probe) -> None:
    ana = probe.person()
    for refused in (
        lambda: ana.command("/other"),
        lambda: ana.shortcut("other"),
        lambda: ana.command("/licence", channel="C2"),
        lambda: Person(probe.slack.url, "U9").open_home(),
        lambda: ana.press("x", in_home=True),
        lambda: ana.submit(),
        lambda: ana._post("/close", view_id="V9"),
    ):
        with pytest.raises(NotThere):
            refused()
    assert probe.got == []


def test_menus_report_whole_options_and_keep_state(probe: Probe) -> None:
    ana = probe.person()
    blocks = [
        {
            "type": "section",
            "block_id": "s",
            "text": plain("x"),
            "accessory": {"type": "overflow", "action_id": "more", "options": [option("one"), option("two")]},
        },
        actions(
            {"type": "checkboxes", "action_id": "ticks", "options": [option("a"), option("b")]},
            {"type": "static_select", "action_id": "one", "options": [option("a")]},
            button("Go", url="https://x.test"),
        ),
    ]
    probe.client.chat_postMessage(channel="C1", text="menus", blocks=blocks)
    message = ana.message("menus")
    ana.choose("more", "Two", in_message=message)
    assert probe.got[-1]["actions"][0]["selected_option"] == option("two")
    ana.choose("ticks", ["A", "b"], in_message=message)
    assert [one["value"] for one in probe.got[-1]["actions"][0]["selected_options"]] == ["a", "b"]
    with pytest.raises(NotThere, match="not among"):
        ana.choose("one", "z", in_message=message)
    assert ana.press("Go", in_message=message)["url"] == "https://x.test"
    state = probe.got[-1]["state"]["values"]["a"]
    assert [one["value"] for one in state["ticks"]["selected_options"]] == ["a", "b"]
    assert state["one"] == {"type": "static_select", "selected_option": None}


def test_an_ephemeral_message_is_not_copied_to_the_app(probe: Probe) -> None:
    probe.client.chat_postEphemeral(channel="C1", user="U1", text="psst", blocks=[actions(button("Go"))])
    ana = probe.person()
    ana.press("Go", in_message="psst")
    assert probe.got[-1]["container"]["is_ephemeral"] and "message" not in probe.got[-1]
    assert probe.got[-1]["response_url"]


def test_typed_values_go_with_a_press_and_pickers_are_checked(probe: Probe) -> None:
    ana = probe.person()
    probe.open(
        field_("who", {"type": "multi_users_select", "initial_users": ["U1"], "max_selected_items": 2}),
        field_("until", {"type": "datepicker"}, optional=True),
        field_("count", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "50"}),
        field_("tier", {"type": "static_select", "options": [option("p1")]}, dispatch_action=True),
        actions(button("Go")),
    )
    ana.fill(who=["U1", "U2"], until="2027-01-31").press("Go")
    values = probe.got[-1]["view"]["state"]["values"]
    assert values["who"]["who"] == {"type": "multi_users_select", "selected_users": ["U1", "U2"]}
    assert values["until"]["until"]["selected_date"] == "2027-01-31"
    assert ana.choose("until", "2027-02-01")["delivered"] is False
    assert ana.choose("tier", "P1")["delivered"] is True
    assert probe.got[-1]["actions"][0]["selected_option"]["value"] == "p1"
    for wrong in ({"who": ["U9"]}, {"until": "soon"}, {"nothing": "x"}):
        with pytest.raises(NotThere):
            ana.fill_in(wrong).submit()
    assert ana.fill(count="51").submit()["errors"] == {"count": "Please enter a number of at most 50."}
    assert ana.fill(count="12").submit()["closed"]
    submitted = probe.got[-1]
    assert (
        submitted["type"] == "view_submission"
        and submitted["view"]["state"]["values"]["count"]["count"]["value"] == "12"
    )
    assert not [name for name in submitted["view"] if name.startswith("_")]


def test_answers_to_a_submission(probe: Probe) -> None:
    ana = probe.person()
    why = field_("why", {"type": "plain_text_input"}, optional=True)
    done = {"type": "modal", "title": plain("Done"), "blocks": [{"type": "section", "text": plain("Sent")}]}
    probe.open(why)
    first = ana.modal()["id"]
    wrong: list[Any] = [
        {"response_action": "errors", "errors": {"other": "x"}},
        {"response_action": "errors"},
        {"response_action": "update", "view": done | {"title": plain("x" * 25)}},
        {"response_action": "jump"},
        "ok",
        lambda: Response(status=500),
        lambda: Response(status=302, headers={"Location": "/"}),
    ]
    for answer in wrong:
        probe.answers = [answer]
        assert ana.submit()["error"] == TROUBLE
        assert ana.modal()["id"] == first
    assert "25 characters" in str(ana.screen()["toasts"])
    probe.answers = [{"response_action": "push", "view": done | {"submit": plain("More")}}]
    assert ana.submit()["ok"]
    assert [one["title"]["text"] for one in ana.screen()["modals"]] == ["Form", "Done"]
    probe.answers = [{"response_action": "update", "view": done}]
    assert ana.submit()["ok"]
    with pytest.raises(NotThere, match="no button to send"):
        ana.submit()
    ana.close()
    assert ana.modal()["id"] == first
    probe.answers = [{"response_action": "clear"}]
    ana.submit()
    assert ana.screen()["modals"] == []


def test_lists_ask_from_their_minimum_and_take_a_hundred(probe: Probe) -> None:
    ana = probe.person()
    probe.open(field_("product", {"type": "external_select"}))
    assert ana.options("product", "ab") == [] and probe.got == []
    probe.answers = [{"option_groups": [{"label": plain("All"), "options": [option("abc")]}]}]
    assert ana.options("product", "abc") == [option("abc")]
    assert probe.got[-1]["type"] == "block_suggestion" and probe.got[-1]["value"] == "abc"
    probe.answers = [{"options": [option(str(n)) for n in range(101)]}]
    with pytest.raises(NotThere, match="no more than 100"):
        ana.options("product", "all")


def test_only_events_are_repeated_and_the_app_may_say_no(probe: Probe) -> None:
    ana = probe.person()
    probe.answers = [lambda: Response(status=503)] * 2
    assert ana.open_home()["ok"]
    assert [one["_headers"].get("X-Slack-Retry-Num") for one in probe.got] == [None, "1", "2"]
    probe.got.clear()
    probe.answers = [lambda: Response(status=503, headers={"X-Slack-No-Retry": "1"})]
    assert not ana.open_home()["ok"]
    assert len(probe.got) == 1
    probe.answers = [lambda: Response(status=503)]
    assert ana.command("/licence")["code"] == "dispatch_failed"
    assert len(probe.got) == 2
    probe.slack.request_url = "http://127.0.0.1:9/nobody"
    assert ana.open_home()["reason"] == "connection_failed"
    witness = probe.slack.traffic.since(0, "slack")
    assert "connection_failed" in witness[-1]["sentence"] and witness[-1]["sender"] == "Slack"


def test_presses_at_once_do_not_wait_for_one_another(probe: Probe) -> None:
    """A delivery holds no lock: all of them are inside the app together."""
    together = threading.Barrier(4, timeout=5)

    def meet() -> str:
        together.wait()
        return ""

    probe.answers = [meet] * 4
    threads = [threading.Thread(target=probe.person().command, args=("/licence",)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(probe.got) == 4 and probe.person().toasts() == []


def test_sockets_share_the_payloads_and_tickets_serve_once(probe: Probe) -> None:
    hub = probe.slack.deliveries.hub
    probe.slack.world.settings.socket_mode = True
    assert probe.person().command("/licence")["code"] == "dispatch_failed"
    counts = [0, 0]

    def serve(number: int, ready: threading.Event) -> None:
        with connect(hub.new_url()) as socket:
            assert json.loads(socket.recv())["type"] == "hello"
            ready.set()
            for frame in socket:
                envelope = json.loads(frame)
                if envelope["type"] == "disconnect":
                    return
                counts[number] += 1
                socket.send(json.dumps({"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}}))

    threads = []
    for number in range(2):
        ready = threading.Event()
        threads.append(threading.Thread(target=serve, args=(number, ready)))
        threads[-1].start()
        assert ready.wait(5)
    ana = probe.person()
    ana.wait_for(lambda _: hub.connections == 2)
    for _ in range(20):
        assert ana.command("/licence")["ok"]
    assert sum(counts) == 20 and min(counts) > 0
    assert ana.message("hi")["ephemeral"]
    url = hub.new_url()
    with connect(url) as first:
        first.recv(timeout=5)
    with connect(url) as second, pytest.raises(Exception, match="1008|policy"):
        second.recv(timeout=5)
    hub.disconnect("link_disabled")
    for thread in threads:
        thread.join(timeout=5)
