"""The stand-in for Slack: Web API, deliveries in both modes, and a person API, around one workspace with real state.

    slack = create_slack(store, clock, traffic, faults, signing_secret=..., bot_token=..., app_token=...).start()
    slack.add_user("U1", "ana", "Ana Lindqvist", "ana@example.test")
    slack.request_url = "http://127.0.0.1:8000/slack/events"

The app's WebClient takes `base_url=slack.api_url`. People act through `sandbox.slack_person.Person` or /_sandbox.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from urllib.parse import urlsplit

from flask import Flask, Request, Response, jsonify, request

from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.server import StandIn
from sandbox.slack_actions import Actions
from sandbox.slack_api import WebApi
from sandbox.slack_control import control
from sandbox.slack_delivery import EVENT_RETRIES, Deliveries
from sandbox.slack_directory import receive_file
from sandbox.slack_directory import register as register_directory
from sandbox.slack_files import download
from sandbox.slack_messages import register as register_messages
from sandbox.slack_messages import through_response_url
from sandbox.slack_socket import SocketHub
from sandbox.slack_values import Json
from sandbox.slack_views import register as register_views
from sandbox.slack_world import App, Settings, SlackError, World
from sandbox.store import Store
from sandbox.traffic import Traffic

SCOPES = ("commands", "chat:write", "users:read", "users:read.email", "files:write", "files:read")

_SENTENCES = {
    "auth.test": "asked who it is",
    "chat.postMessage": "posted a message",
    "chat.update": "rewrote a message",
    "chat.delete": "deleted a message",
    "chat.postEphemeral": "answered one person",
    "views.open": "opened a modal",
    "views.push": "opened a modal on top",
    "views.update": "rewrote a modal",
    "views.publish": "published a Home",
    "users.info": "looked up a person",
    "users.list": "listed people",
    "users.lookupByEmail": "found a person by mail",
    "apps.connections.open": "asked for a socket",
    "files.getUploadURLExternal": "announced a file",
    "files.completeUploadExternal": "shared a file",
    "files.info": "looked up a file",
}


class SlackStandIn:
    """One workspace with one app on one port (and a second one for Socket Mode)."""

    def __init__(self, world: World, faults: Faults, traffic: Traffic, deliveries: Deliveries, port: int) -> None:
        self.world = world
        self.faults = faults
        self.traffic = traffic
        self.deliveries = deliveries
        self.actions = Actions(world, deliveries, lambda: self.url)
        self._stand_in = StandIn(
            "slack", self._flask(), clock=world.clock, traffic=traffic, faults=faults, port=port, sentence=_sentence
        )

    def start(self) -> SlackStandIn:
        self.deliveries.hub.start()
        self.deliveries.start()
        self._stand_in.start()
        return self

    def stop(self) -> None:
        self.deliveries.stop()
        self.deliveries.hub.stop()
        self._stand_in.stop()

    @property
    def url(self) -> str:
        return self._stand_in.url

    @property
    def api_url(self) -> str:
        """What the app's WebClient takes as base_url."""
        return f"{self.url}/api/"

    @property
    def port(self) -> int:
        return self._stand_in.port

    @property
    def request_url(self) -> str | None:
        return self.world.settings.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.world.settings.request_url = url

    def add_user(
        self,
        id: str,
        name: str,
        real_name: str,
        email: str,
        tz: str = "Europe/Berlin",
        title: str = "",
        deleted: bool = False,
    ) -> Json:
        return self.world.add_user(id, name, real_name, email, tz, title, deleted)

    def add_channel(
        self,
        id: str,
        name: str,
        members: Iterable[str],
        private: bool = False,
        *,
        bot: bool = True,
        archived: bool = False,
    ) -> Json:
        return self.world.add_channel(id, name, members, private, bot=bot, archived=archived)

    # -- the HTTP side ---------------------------------------------------------------------------------------------

    def _flask(self) -> Flask:
        app = Flask("sandbox-slack")
        api = WebApi(self.world, self.faults)
        register_messages(api)
        register_views(api)
        register_directory(api, lambda: self.url, self.deliveries.hub.new_url)
        app.register_blueprint(api.blueprint())
        app.register_blueprint(control(self.world, self.actions, self.faults, self.traffic))
        app.add_url_rule("/actions/<team>/<key>", view_func=self._response_url, methods=["POST"])
        app.add_url_rule("/upload/v1/<file_id>", view_func=self._upload, methods=["POST"])
        app.add_url_rule("/files-pri/<named>/download/<name>", view_func=self._download, methods=["GET"])
        app.before_request(_own_pages_only)
        return app

    def _response_url(self, team: str, key: str) -> Response | tuple[Response, int]:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return jsonify(ok=False, error="invalid_payload"), 400
        try:
            through_response_url(self.world, key, body)
        except SlackError as refused:
            if refused.status == 400:  # a faulty message: the code alone, with no pointers, as the live service has it
                return Response(refused.code, 400, mimetype="text/plain")
            return jsonify({"ok": False, "error": refused.code} | refused.more), refused.status
        return Response("ok", mimetype="text/plain")

    def _download(self, named: str, name: str) -> Response:
        return download(self.world, named, request.headers.get("Authorization", ""))

    def _upload(self, file_id: str) -> tuple[str, int]:
        status = receive_file(self.world, file_id, request.get_data())
        return ("OK" if status == 200 else "refused"), status


def _own_pages_only() -> tuple[Response, int] | None:
    """A page of another site in the same browser must not act for people: the stand-in listens without a login."""
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).hostname not in ("127.0.0.1", "localhost"):
        return jsonify(ok=False, error="only pages of this computer may act here"), 403
    return None


def _sentence(call: Request, status: int) -> str:
    name = call.path.rpartition("/")[2] if call.path.startswith("/api/") else ""
    if call.path.startswith("/actions/"):
        return "Seatkeeper answered through a response URL"
    return f"Seatkeeper {_SENTENCES.get(name, f'called {name or call.path}')}"


def create_slack(
    store: Store,
    clock: SandboxClock,
    traffic: Traffic,
    faults: Faults | None = None,
    port: int = 0,
    *,
    signing_secret: str,
    bot_token: str,
    app_token: str,
    request_url: str | None = None,
    socket_mode: bool = False,
    socket_port: int = 0,
    ack_timeout: float = 3.0,
    event_retries: Sequence[float] = EVENT_RETRIES,
    scopes: Collection[str] = SCOPES,
    commands: Collection[str] | None = None,
    shortcuts: Collection[str] | None = None,
    app_name: str = "Seatkeeper",
) -> SlackStandIn:
    """A stand-in, not yet started. `commands` and `shortcuts` None accept any; retries are seconds after each loss."""
    app = App(
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=signing_secret,
        scopes=frozenset(scopes),
        name=app_name,
        commands=frozenset(commands) if commands is not None else None,
        shortcuts=frozenset(shortcuts) if shortcuts is not None else None,
    )
    world = World(store, clock, app, Settings(request_url=request_url, socket_mode=socket_mode))
    hub = SocketHub(app.app_id, socket_port)
    deliveries = Deliveries(world, traffic, hub, ack_timeout=ack_timeout, event_retries=event_retries)
    return SlackStandIn(world, faults or Faults(), traffic, deliveries, port)
