"""The Bolt app: one workspace, no call at start, every listener in the server's thread, one place for trouble.

`process_before_response=True`: parse, commit, answer, in that order and in one thread. So an exception can never throw
an acknowledgement away, no pool can run dry, and what was acknowledged is in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.deps import BotDeps
from bot.listeners import (
    actions,
    alerts,
    commands,
    decisions,
    differences,
    digest,
    events,
    home,
    names,
    options,
    positions,
    questions,
    reclaim,
    renewals,
    shortcuts,
    still_needed,
    stuck,
    views,
)
from bot.trouble import Trouble

log = structlog.get_logger(__name__)

#: Bolt reads these by itself and would switch to its OAuth store, which drops our token.
OAUTH_VARIABLES = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
#: Slack's replay window.
REPLAY_SECONDS = 300


def build_app(deps: BotDeps) -> App:
    """The app with all listeners. Raises ValueError when deliveries could be neither checked nor trusted."""
    settings = deps.settings
    if not settings.slack_bot_token:
        raise ValueError("SLACK_BOT_TOKEN is missing: copy it from OAuth & Permissions of the Slack app.")
    if not settings.slack_signing_secret and not settings.socket_mode:
        raise ValueError("SLACK_SIGNING_SECRET is missing: without it anybody could press buttons.")
    quiet = logging.getLogger("slack_bolt.seatkeeper")
    quiet.setLevel(logging.CRITICAL)  # its lines hold bodies; ours say what happened without them
    client = WebClient(
        token=settings.slack_bot_token, base_url=_slash(settings.slack_api_url), timeout=2, retry_handlers=[]
    )
    found = AuthorizeResult(enterprise_id=None, team_id=None, bot_token=settings.slack_bot_token)
    with _without(OAUTH_VARIABLES):
        app = App(
            logger=quiet,
            name="seatkeeper",
            client=client,
            signing_secret=settings.slack_signing_secret,
            authorize=lambda **_: found,
            process_before_response=True,
            request_verification_enabled=False,  # ours says less in the log: see `signed`
            before_authorize=signed(settings.slack_signing_secret),
            ignoring_self_events_enabled=False,
            attaching_function_token_enabled=False,
        )
    trouble = Trouble(deps)

    @app.error
    def told(error: Exception, body: Mapping[str, Any]) -> BoltResponse:
        return trouble.answer(error, body)

    for module in (
        decisions, commands, shortcuts, names, alerts, questions, differences, reclaim, renewals, still_needed,
        options, stuck, positions, digest, views, home, actions, events,
    ):  # fmt: skip
        module.register(app, deps)
    return app


def signed(secret: str) -> Callable[..., BoltResponse | None]:
    """Middleware that lets through what Slack signed within five minutes, and what came over our own socket.

    The socket carries no signatures: Slack alone can write to it, and an envelope comes again only if it was not
    acknowledged.
    """

    def check(req: BoltRequest, next: Callable[[], Any]) -> BoltResponse | None:
        if req.mode == "socket_mode":
            next()
            return None
        stamp = req.headers.get("x-slack-request-timestamp", [""])[0]
        given = req.headers.get("x-slack-signature", [""])[0]
        reason = refuse_signature(secret, stamp, given, req.raw_body)
        if reason:
            log.warning("delivery refused", reason=reason)
            return BoltResponse(status=401, body={"error": reason})
        req.context["signed"] = True  # for whoever handed it in
        next()
        return None

    return check


def refuse_signature(secret: str, stamp: str, given: str, body: str, *, clock: Callable[[], float] = time.time) -> str:
    """Why a delivery is not Slack's; "" when it is. The wall clock counts here, whatever the service's clock says."""
    if not secret:
        return "no signing secret is set"
    if not (stamp.isascii() and stamp.isdigit()):
        return "the timestamp is no number"
    if abs(clock() - int(stamp)) > REPLAY_SECONDS:
        return "the timestamp is more than five minutes off"
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={digest}".encode(), given.encode("utf-8", "replace")):
        return "the signature does not match"
    return ""


class _without:  # noqa: N801  (reads as a word where it is used)
    """Hide environment variables for a moment."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._kept: dict[str, str] = {}

    def __enter__(self) -> None:
        self._kept = {name: os.environ.pop(name) for name in self._names if name in os.environ}

    def __exit__(self, *_: object) -> None:
        os.environ.update(self._kept)


def _slash(url: str) -> str:
    return url.rstrip("/") + "/"
