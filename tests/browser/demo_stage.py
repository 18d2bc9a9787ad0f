"""The demo's world with a small Bolt app in Seatkeeper's place: asks, approves, and shows every kind of block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.page import create_page
from sandbox.server import StandIn
from sandbox.traffic import Traffic
from sandbox.world import World

Json = dict[str, Any]
NASTY = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
CARD = "Minutes and drafts for the Lyon office move."


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def option(text: str, value: str, description: str = "") -> Json:
    made: Json = {"text": plain(text), "value": value}
    return made | ({"description": plain(description)} if description else {})


def button(label: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(label), "value": "1.1"} | more


def field_of(block_id: str, label: str, element: Json, **more: Any) -> Json:
    made = {"type": "input", "block_id": block_id, "label": plain(label), "element": {"action_id": block_id} | element}
    return made | more


def request_form(user: str, chosen: str = "") -> Json:
    blocks = [
        field_of("product", "Which product?", {
            "type": "external_select", "min_query_length": 1, "placeholder": plain("Type a name, for example Planner"),
            **({"initial_option": option(chosen, "p1")} if chosen else {}),
        }, dispatch_action=True),
        section("*Copilot* · 3 of 40 free · €336.00 a seat a year until 31 Mar 2027 · Ben Okafor decides"),
        field_of("tier", "Which tier?", {"type": "static_select", "initial_option": option("Plan 3", "3", "€312.00"),
                 "options": [option("Plan 1", "1", "€120.00"), option("Plan 3", "3", "€312.00")]}),
        field_of("people", "Who is it for?", {"type": "multi_users_select", "initial_users": [user]}),
        field_of("count", "How many seats?", {
            "type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "50",
            "initial_value": "1",
        }),
        field_of("until", "Until when?", {"type": "datepicker"}, optional=True,
                 hint=plain("Leave empty to keep it until the contract ends on 31 Mar 2027.")),
        field_of("why", "What will you use it for?", {
            "type": "plain_text_input", "multiline": True, "placeholder": plain("For example: plan of the office move")
        }),
        field_of("often", "How often?", {"type": "radio_buttons", "options": [
            option("Every day", "d"), option("A few times a week", "w"), option("Once", "o")]}),
    ]  # fmt: skip
    return {"type": "modal", "callback_id": "request", "title": plain("Ask for a licence"), "blocks": blocks,
            "submit": plain("Send request"), "close": plain("Cancel"), "notify_on_close": True}  # fmt: skip


def approval_card(name: str) -> list[Json]:
    due = "<!date^1795514400^{date_short_pretty}, {time}|24 Nov 2026, 13:00 UTC>"
    return [
        {"type": "header", "text": plain(f"{name} asks for Copilot")},
        section("*Waiting for you.* In short: a paid seat is free, nothing extra to pay."),
        {"type": "section", "fields": [{"type": "mrkdwn", "text": one} for one in (
            f"*For*\n{name}, Design", "*Until*\n31 Mar 2027 (end of contract)", "*Free seats*\n3 of 40",
            "*Extra cost*\nnothing: the seat is paid", "*After approval*\n38 of 40 in use, 2 free",
            "*Could be reused*\n4 look idle, 2 not known")]},
        {"type": "section", "text": plain(f"“{CARD}”")},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Has 6 licences · was offered Planner"}]},
        {"type": "actions", "block_id": "decide", "elements": [
            button("Approve", "approve", style="primary", accessibility_label=f"Approve Copilot for {name}"),
            button("Approve and buy", "buy", confirm={
                "title": plain("Approve and buy 1 seat?"), "text": plain("This buys 1 Copilot seat: €118.75."),
                "confirm": plain("Approve and buy"), "deny": plain("Go back")}),
            button("Deny", "deny"),
            button("Wait", "wait"),
            {"type": "overflow", "action_id": "more", "options": [option("Hand on", "hand"), option("Why me?", "why")]},
        ]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"REQ-1042 · decide by {due}"}]},
    ]  # fmt: skip


def gallery() -> list[Json]:
    """Every kind of block and element a message may hold, with text that tries to be more than text."""
    return [
        {"type": "header", "text": plain(f"Gallery {NASTY}")},
        section("*bold* _italic_ ~struck~ `code` <https://example.com/a?b=1&amp;c=2|a link> &lt;b&gt;not bold&lt;/b&gt;"
                "\n<javascript:alert(1)|press me> snake_case_name 2*3*4 :warning:\n&gt; quoted\n"
                "```\nfenced *not bold*\n```"),
        {"type": "section", "text": plain(NASTY)},
        section("With a picture", accessory={
            "type": "image", "alt_text": "A chart", "image_url": "http://127.0.0.1:9/none.png"}),
        section("With a menu", accessory={
            "type": "static_select", "action_id": "menu", "placeholder": plain("Choose one"),
            "options": [option("First", "1"), option(NASTY[:70], "2")]}),
        {"type": "divider"},
        {"type": "image", "alt_text": "Seats by month", "title": plain("Seats"),
         "image_url": "http://127.0.0.1:9/none.png"},
        {"type": "actions", "block_id": "acts", "elements": [
            button("Danger", "danger", style="danger"), {"type": "users_select", "action_id": "who"},
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-12-01"},
            {"type": "checkboxes", "action_id": "ticks", "options": [option("One", "1"), option("Two", "2", "more")]},
            {"type": "radio_buttons", "action_id": "radio", "options": [option("Left", "l"), option("Right", "r")]},
            button("Guide", "guide", url="https://example.com/guide")]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Small *print*"}, plain("x")]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "Rich", "style": {"bold": True}}]}]},
    ]  # fmt: skip


@dataclass
class Stage:
    """What a test sees: the world, the page's address, and what the small app was told."""

    world: World
    page: str
    seen: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    stop_service: Callable[[], None] = lambda: None

    def user(self, key: str) -> str:
        return str(self.world.company.people[key].slack_id)

    def record(self, tag: str, who: str) -> None:
        number = len(self.events) + 1
        at = self.world.clock.now().isoformat()
        event = {"id": number, "seq": number, "tag": tag, "at": at, "actor": who, "subject": "request:1042"}
        self.events.append(event | {"facts": {}, "hash": f"{number:064x}"})


class SmallApp:
    """Just enough of a Slack app: its listeners write to the real stand-ins."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.client = WebClient(token=stage.world.keys.slack_bot_token, base_url=stage.world.slack.api_url, timeout=5)
        self.asked: dict[str, Json] = {}

    def bolt(self) -> App:
        keys = self.stage.world.keys
        result = AuthorizeResult(
            enterprise_id=None, team_id="T0SANDBOX", bot_token=keys.slack_bot_token, bot_id="B0SANDBOX",
            bot_user_id="U0SANDBOX",
        )  # fmt: skip
        app = App(
            client=self.client, signing_secret=keys.slack_signing_secret, authorize=lambda **_: result,
            process_before_response=True,
        )  # fmt: skip
        app.command("/licence")(self.licence)
        app.options("product")(self.products)
        app.action("product")(self.chosen)
        app.view("request")(self.sent)
        app.view_closed("request")(self.remember)
        app.action("approve")(self.approve)
        app.action("deny")(self.deny)
        app.action("wait")(self.late)
        for name in ("buy", "more", "menu", "who", "day", "ticks", "radio", "danger", "guide", "deeper", "ask"):
            app.action(name)(self.remember)
        app.view("deeper")(self.remember)
        app.event("app_home_opened")(self.home)
        return app

    def remember(self, ack: Any, body: Json) -> None:
        self.stage.seen.append(body)
        ack()

    def licence(self, ack: Any, body: Json, client: WebClient) -> Any:
        word, _, rest = body["text"].partition(" ")
        if word == "request":
            client.views_open(
                trigger_id=body["trigger_id"],
                view=request_form(body["user_id"], "Copilot" if rest == "copilot" else ""),
            )
            return ack()
        if word == "position":
            return ack("What are we short of? AutoCAD LT is short: 3 in use, 0 bought.")
        if word == "gallery":
            client.chat_postMessage(channel=body["user_id"], text="Gallery", blocks=gallery())
            return ack()
        if word == "thread":
            top = client.chat_postMessage(channel=body["user_id"], text="The *top*")
            client.chat_postMessage(channel=top["channel"], thread_ts=top["ts"], text="A reply")
            return ack()
        if word == "wrong":
            try:
                client.chat_postMessage(channel=body["user_id"], text="x", blocks=[section("a" * 3012)])
            finally:
                ack()
        ack(f"“{body['text']}” is not known. {NASTY.replace('<', '&lt;').replace('>', '&gt;')}")

    def products(self, ack: Any, payload: Json) -> None:
        known = [option("Microsoft Copilot for Microsoft 365", "p1", "3 free"), option("Miro", "p2", "1 free"),
                 option("Planner", "p3", "none free, 2 waiting")]  # fmt: skip
        found = [one for one in known if payload["value"].lower() in one["text"]["text"].lower()]
        ack(option_groups=[{"label": plain("All products"), "options": found}] if found else [])

    def chosen(self, ack: Any, body: Json, client: WebClient) -> None:
        ack()
        view = request_form(body["user"]["id"])
        view["blocks"][1] = section(f"*{body['actions'][0]['selected_option']['text']['text']}* · chosen")
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)

    def sent(self, ack: Any, body: Json, client: WebClient) -> Any:
        self.stage.seen.append(body)
        values = body["view"]["state"]["values"]
        if len(values["why"]["why"]["value"]) < 10:
            return ack(
                response_action="errors",
                errors={"why": "Write at least 10 characters, so that Ben need not ask.",
                        "until": "Choose a day from 24 Nov 2026 to 31 Mar 2027."},
            )  # fmt: skip
        ana, ben = body["user"]["id"], self.stage.user("ben")
        name = str((self.stage.world.slack.world.user(ana) or {})["real_name"])
        mine = client.chat_postMessage(channel=ana, text="Copilot, REQ-1042: waiting for Ben Okafor", blocks=[
            section("*Waiting for Ben Okafor* · Copilot for you · REQ-1042"),
            section("Done: sent\nNow: Ben Okafor decides\nNext: the seat is given, usually within minutes"),
            {"type": "actions", "elements": [button("Withdraw", "danger"), button("Add a note", "ask")]}])  # fmt: skip
        card = client.chat_postMessage(channel=ben, text=f"{name} asks for Copilot", blocks=approval_card(name))
        self.asked[card["ts"]] = {"channel": mine["channel"], "ts": mine["ts"], "user": ana, "name": name}
        self.stage.record("request:submitted", name)
        done = {"type": "modal", "title": plain("Request sent"), "close": plain("Done"),
                "blocks": [section("*Sent.* Ben Okafor has been asked. Reference REQ-1042.")]}  # fmt: skip
        ack(response_action="update", view=done)

    def approve(self, ack: Any, body: Json, client: WebClient) -> None:
        ack()
        asked = self.asked[body["message"]["ts"]]
        said = f"*Approved by Ben Okafor* · Copilot for {asked['name']}"
        client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text=said, blocks=[section(said)])
        client.chat_update(channel=asked["channel"], ts=asked["ts"], text="Ready", blocks=[
            section("*Ready* · Copilot for you · REQ-1042")])  # fmt: skip
        client.chat_postMessage(channel=asked["channel"], thread_ts=asked["ts"], text="Ben Okafor approved it.")
        world, staff = self.stage.world, self.stage.world.company.people["ana"]
        directory = world.graph.directory
        names = {sku["name"]: sku["id"] for sku in directory.store.all("graph.sku")}
        copilot = next(one for name, one in names.items() if "copilot" in name.lower())
        directory.grant(staff.email, copilot)
        caller = next(iter(world.servicenow.instance.find("sys_user", name=staff.name)))
        row = world.servicenow.instance.insert(
            "incident", {"short_description": "Copilot for Ana Lindqvist", "caller_id": caller["sys_id"]},
            world.servicenow.control.agent(),
        )  # fmt: skip
        world.servicenow.control.resolve(row["number"], "complete", "Seat given by Seatkeeper.")
        self.stage.record("request:approved", "Ben Okafor")
        self.stage.record("seat:given", "rule 4")

    def deny(self, ack: Any, body: Json, client: WebClient) -> None:
        ack()
        view = {"type": "modal", "callback_id": "deeper", "title": plain("Deny this request"),
                "submit": plain("Deny request"), "close": plain("Cancel"),
                "blocks": [field_of("words", "Why?", {"type": "plain_text_input"})]}  # fmt: skip
        client.views_open(trigger_id=body["trigger_id"], view=view)

    def late(self, ack: Any) -> None:
        self.stage.hold.wait(20)
        ack()

    def home(self, event: Json, client: WebClient) -> None:
        self.stage.seen.append({"type": "home", "user": event["user"], "tab": event["tab"]})
        blocks = [
            {"type": "header", "text": plain("Your licences and requests")},
            section("6 licences, together €1,412.00 and US$240.00 a year.",
                    accessory=button("Ask for a licence", "ask", style="primary")),
            {"type": "header", "text": plain("Your licences")},
            section("*Microsoft 365 E3* · €408.00 a year · since 3 Feb 2024",
                    accessory=button("Give back", "danger", accessibility_label="Give back Microsoft 365 E3")),
            section("*Miro* · €96.00 a year · since 1 Sep 2025",
                    accessory=button("Give back", "deeper", accessibility_label="Give back Miro")),
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "Prices are what the company pays."}]},
        ]  # fmt: skip
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})


def _flask(stage: Stage, small: SmallApp) -> Flask:
    app = Flask("small")
    handler = SlackRequestHandler(small.bolt())

    @app.post("/slack/events")
    def events() -> Response:
        answer: Response = handler.handle(request)
        return answer

    @app.before_request
    def signed_in() -> tuple[str, int] | None:
        wanted = f"Bearer {stage.world.api_token}"
        api = request.path.startswith("/api/")
        return ("no", 401) if api and request.headers.get("Authorization") != wanted else None

    @app.get("/api/v1/events")
    def record() -> Response:
        after = request.args.get("after", 0, int)
        found = [one for one in stage.events if one["seq"] > after]
        return jsonify(events=found, next_after=len(stage.events), more=False, unsealed=[], unsealed_count=0)

    @app.get("/api/v1/chain")
    def chain() -> Response:
        return jsonify(ok=True, links=len(stage.events), first_bad=None, words="", head="", unsealed=0)

    @app.get("/api/v1/due")
    def due() -> Response:
        return jsonify(
            due=[{"at": "2030-01-01T08:00:00+00:00", "words": "Weekly summary", "kind": "weekly", "repeats": False}]
        )

    return app


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """World, page and small app on free ports."""
    socket_app = Flask("empty")
    server: BaseWSGIServer = make_server("127.0.0.1", 0, socket_app, threaded=True)
    world = World(folder, service_url=f"http://127.0.0.1:{server.server_port}").start()
    made = Stage(world, "")
    server.app = _flask(made, SmallApp(made))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    page = StandIn("page", create_page(world), clock=world.clock, traffic=Traffic(), control_prefix="/").start()
    made.page = page.url

    def stop_service() -> None:
        made.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(5)

    made.stop_service = stop_service
    try:
        yield made
    finally:
        page.stop()
        if thread.is_alive():
            stop_service()
        world.stop()
