"""The person API and the controls under /_sandbox: everything the demo page and the tests do, as JSON."""

from __future__ import annotations

import base64
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from sandbox.faults import Fault, Faults
from sandbox.slack_actions import Actions
from sandbox.slack_files import attach
from sandbox.slack_messages import shown
from sandbox.slack_screen import mark_read, screen
from sandbox.slack_values import Json
from sandbox.slack_world import PersonError, World
from sandbox.traffic import Traffic

LONGEST_WAIT = 25.0
_SETTINGS: dict[str, tuple[type, ...]] = {
    "request_url": (str, type(None)),
    "socket_mode": (bool,),
    "messages_tab_enabled": (bool,),
    "enforce_channel_rate": (bool,),
    "channel_burst": (int,),
    "refuse_deactivated": (bool,),
}


def control(world: World, actions: Actions, faults: Faults, traffic: Traffic) -> Blueprint:
    """The blueprint. Answers are JSON with `ok`; 409 with a sentence for what a client does not offer."""
    pages = Blueprint("slack_control", __name__, url_prefix="/_sandbox")

    @pages.errorhandler(PersonError)
    def refused(error: PersonError) -> tuple[Response, int]:
        return jsonify(ok=False, error=str(error)), 409

    @pages.errorhandler(KeyError)
    def missing(error: KeyError) -> tuple[Response, int]:
        return jsonify(ok=False, error=f"The field {error} is missing."), 400

    def body() -> Json:
        given = request.get_json()
        if not isinstance(given, dict):
            raise BadRequest("a JSON object is expected")
        return given

    def where(given: Json) -> Json:
        found: Json = given.get("where") or {"view_id": given.get("view_id")}
        return found

    @pages.post("/command")
    def command() -> Response:
        given = body()
        return jsonify(actions.command(given["user"], given["command"], given.get("text", ""), given.get("channel")))

    @pages.post("/shortcut")
    def shortcut() -> Response:
        given = body()
        return jsonify(actions.shortcut(given["user"], given["callback_id"]))

    @pages.post("/home")
    def home() -> Response:
        given = body()
        return jsonify(actions.home(given["user"], given.get("tab", "home")))

    @pages.post("/press")
    def press() -> Response:
        given = body()
        return jsonify(
            actions.press(
                given["user"], where(given), given.get("block_id"), given["action_id"], given, given.get("state") or {}
            )
        )

    @pages.post("/options")
    def options() -> Response:
        given = body()
        return jsonify(
            actions.options(
                given["user"], where(given), given.get("block_id"), given["action_id"], given.get("query", "")
            )
        )

    @pages.post("/submit")
    def submit() -> Response:
        given = body()
        return jsonify(actions.submit(given["user"], given["view_id"], given.get("values") or {}))

    @pages.post("/attach")
    def attached() -> Response:
        """Pick a file for a field; what it is goes into the field's value."""
        given = body()
        content = base64.b64decode(str(given["content"]), validate=True)
        return jsonify(ok=True, file=attach(world, given["user"], str(given["name"]), content))

    @pages.post("/close")
    def close() -> Response:
        given = body()
        return jsonify(actions.close(given["user"], given["view_id"]))

    @pages.post("/read")
    def read() -> Response:
        given = body()
        mark_read(world, given["user"], given["channel"])
        return jsonify(ok=True)

    @pages.post("/event")
    def event() -> Response:
        """Any other event of the Events API, such as app_uninstalled or tokens_revoked."""
        given = body()
        outcome = actions.deliveries.event(given["event"], f"Slack reports {given['event'].get('type')}")
        return jsonify(ok=outcome.ok, reason=outcome.reason)

    @pages.get("/screen")
    def see() -> Response:
        return jsonify(screen(world, request.args["user"]))

    @pages.get("/changes")
    def changes() -> Response:
        wait = min(request.args.get("wait", 0.0, float), LONGEST_WAIT)
        return jsonify(change=world.changes.wait(request.args.get("since", 0, int), wait))

    @pages.get("/messages")
    def messages() -> Response:
        every = [
            shown(one) | {name: one.get(name) for name in ("channel", "history", "ephemeral_for", "deleted")}
            for one in world.store.all("slack.message")
        ]
        return jsonify(messages=every)

    @pages.route("/settings", methods=["GET", "POST"])
    def settings() -> Response:
        if request.method == "POST":
            for name, value in body().items():
                if name not in _SETTINGS or not isinstance(value, _SETTINGS[name]):
                    raise PersonError(f"There is no setting {name} that takes {value!r}.")
                setattr(world.settings, name, value)
        return jsonify({name: getattr(world.settings, name) for name in _SETTINGS})

    @pages.post("/disconnect")
    def disconnect() -> Response:
        return jsonify(ok=True, told=actions.deliveries.hub.disconnect(body().get("reason", "refresh_requested")))

    @pages.route("/faults", methods=["GET", "POST", "DELETE"])
    def fault_rules() -> Response:
        if request.method == "POST":
            return jsonify(ok=True, id=faults.add(_fault(body())))
        if request.method == "DELETE":
            if "id" in request.args:
                faults.remove(request.args.get("id", 0, int))
            else:
                faults.clear()
        return jsonify(ok=True, faults=faults.listed())

    @pages.get("/traffic")
    def exchanges() -> Response:
        return jsonify(traffic=traffic.since(request.args.get("since", 0, int), request.args.get("system")))

    return pages


def _fault(given: Json) -> Fault:
    known: dict[str, Any] = {
        name: given[name] for name in ("kind", "method", "path", "times", "probability", "parameters") if name in given
    }
    return Fault(**({"kind": given["kind"]} | known))
