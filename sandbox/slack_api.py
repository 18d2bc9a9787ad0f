"""The Web API's front: token, scopes, arguments in both body forms, answers and errors in Slack's shape."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from sandbox.blocks import Problem
from sandbox.faults import Faults
from sandbox.slack_values import Json
from sandbox.slack_world import SlackError, World

Method = Callable[[World, Json], Json]

# Methods that read form or query arguments only (Slack's description lists no JSON for them).
FORM_ONLY = {
    "users.info",
    "users.list",
    "users.lookupByEmail",
    "conversations.list",
    "conversations.info",
    "conversations.members",
    "chat.getPermalink",
    "files.getUploadURLExternal",
}


class WebApi:
    """Registered methods with the scopes each one needs; `blueprint()` serves them under /api."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self._methods: dict[str, tuple[Method, str | None, bool]] = {}

    def add(self, name: str, method: Method, scope: str | None = None, *, app_level: bool = False) -> None:
        self._methods[name] = (method, scope, app_level)

    def blueprint(self) -> Blueprint:
        pages = Blueprint("slack_api", __name__)
        pages.add_url_rule("/api/<name>", view_func=self._serve, methods=["GET", "POST"])
        return pages

    def _serve(self, name: str) -> Response:
        try:
            answer = jsonify(self._call(name, request) | {"ok": True})
        except SlackError as refused:
            body: Json = {"ok": False, "error": refused.code} | refused.more
            answer = jsonify(body)
            answer.status_code = refused.status
            answer.headers.update(refused.headers)
        answer.headers["x-oauth-scopes"] = ",".join(sorted(self.world.app.scopes))
        return answer

    def _call(self, name: str, call: Request) -> Json:
        if name not in self._methods:
            raise SlackError("unknown_method", req_method=name)
        method, scope, app_level = self._methods[name]
        arguments = self._arguments(name, call)
        self._authorize(call, arguments, app_level)
        wanted = self.faults.active("error_answer", call.method, call.path)
        if wanted is not None:
            call.environ["sandbox.fault"] = wanted.kind
            raise SlackError(str(wanted.parameters.get("error", "internal_error")))
        if scope is not None:
            need_scope(self.world, scope)
        return method(self.world, arguments)

    @staticmethod
    def _arguments(name: str, call: Request) -> Json:
        arguments: Json = dict(call.args.items()) | dict(call.form.items())
        if call.mimetype == "application/json" and call.get_data() and name not in FORM_ONLY:
            try:
                body = json.loads(call.get_data())
            except ValueError:
                raise SlackError("invalid_json") from None
            if not isinstance(body, dict):
                raise SlackError("json_not_object")
            arguments |= body
        return arguments

    def _authorize(self, call: Request, arguments: Json, app_level: bool) -> None:
        kind, _, token = call.headers.get("Authorization", "").partition(" ")
        token = token.strip() if kind.lower() == "bearer" else str(arguments.get("token") or "")
        if not token:
            raise SlackError("not_authed")
        right, other = self.world.app.bot_token, self.world.app.app_token
        if app_level:
            right, other = other, right
        if token == other:
            raise SlackError("not_allowed_token_type")
        if token != right:
            raise SlackError("invalid_auth")


def need_scope(world: World, scope: str) -> None:
    """SlackError missing_scope unless the token has it."""
    if scope not in world.app.scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(world.app.scopes)))


def structured(arguments: Json, name: str, wrong: str) -> Any:
    """An argument that is JSON: an object already (JSON body) or a string of it (form body); None when absent."""
    value = arguments.get(name)
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(wrong) from None
    return value


def refuse(problems: list[Problem]) -> None:
    """Answer as Slack does to bad blocks: the first fault's code, all faults with their pointers."""
    if problems:
        said = [str(problem) for problem in problems]
        raise SlackError(
            problems[0].code, errors=said, response_metadata={"messages": [f"[ERROR] {one}" for one in said]}
        )


def flag(arguments: Json, name: str) -> bool:
    """A boolean argument: true, "true", "1" and 1 mean yes."""
    return str(arguments.get(name, "")).lower() in ("true", "1")


def page(items: list[Json], arguments: Json, *, most: int = 1000, usual: int = 100) -> tuple[list[Json], Json]:
    """One page by cursor, and the `response_metadata` of its answer."""
    try:
        limit = int(arguments.get("limit") or usual)
        start = int(str(arguments.get("cursor") or "c0").removeprefix("c").rstrip("="))
    except ValueError:
        raise SlackError("invalid_cursor" if arguments.get("cursor") else "invalid_limit") from None
    if not 1 <= limit <= most:
        raise SlackError("invalid_limit")
    end = start + limit
    return items[start:end], {"next_cursor": f"c{end}=" if end < len(items) else ""}


class ChannelRate:
    """About one post a second per channel with a small burst, counted in real time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, channel: str, burst: int) -> None:
        """SlackError ratelimited (429, Retry-After 1) when the channel's bucket is empty."""
        now = time.monotonic()
        with self._lock:
            tokens, seen = self._buckets.get(channel, (float(burst), now))
            tokens = min(float(burst), tokens + now - seen)
            if tokens < 1:
                self._buckets[channel] = (tokens, now)
                raise SlackError("ratelimited", 429, {"Retry-After": "1"})
            self._buckets[channel] = (tokens - 1, now)
