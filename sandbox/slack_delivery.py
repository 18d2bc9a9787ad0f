"""From Slack to the app: signed HTTP or Socket Mode, three seconds to acknowledge, retries for events only.

A delivery runs in the caller's thread and holds no lock, since the app calls the Web API while it answers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from sandbox.slack_socket import SocketHub
from sandbox.slack_values import Json
from sandbox.slack_world import World
from sandbox.traffic import Traffic

EVENT_RETRIES = (0.0, 60.0, 300.0)


@dataclass(frozen=True)
class Outcome:
    """How the app took a delivery. `reason` is empty when acknowledged, else one of Slack's retry reasons."""

    reason: str
    body: Any = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.reason


class Deliveries:
    """Sends to the app whichever way it is configured, logs what was sent, and repeats lost events."""

    def __init__(
        self,
        world: World,
        traffic: Traffic,
        hub: SocketHub,
        *,
        ack_timeout: float,
        event_retries: Sequence[float],
    ) -> None:
        self.world = world
        self.traffic = traffic
        self.hub = hub
        self.ack_timeout = ack_timeout
        self._retries = tuple(event_retries)
        self._local = threading.local()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._repeat, name="sandbox-slack-retries", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    # -- one delivery ----------------------------------------------------------------------------------------------

    def send(self, kind: str, payload: Json, sentence: str, retry: tuple[int, str] | None = None) -> Outcome:
        """`kind` is slash_commands, interactive or events_api."""
        began = time.perf_counter()
        settings = self.world.settings
        if settings.socket_mode:
            first = (0, "") if kind == "events_api" else None
            reason, body = self.hub.send(kind, payload, self.ack_timeout, retry or first)
            outcome, path = Outcome(reason, body, 0 if reason else 200), "socket"
        elif settings.request_url is None:
            outcome, path = Outcome("connection_failed"), "(no request URL)"
        else:
            outcome, path = (
                self._over_http(settings.request_url, kind, payload, retry),
                urlsplit(settings.request_url).path,
            )
        said = outcome.body if isinstance(outcome.body, str) else json.dumps(outcome.body, ensure_ascii=False)
        self.traffic.add(
            at=self.world.now(),
            system="slack",
            sender="Slack",
            receiver="Seatkeeper",
            method="POST",
            path=path,
            status=outcome.status,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
            sentence=sentence
            + (f" (retry {retry[0]}, {retry[1]})" if retry else "")
            + (f": {outcome.reason}" if outcome.reason else ""),
            request_body=json.dumps(payload, ensure_ascii=False),
            response_body=said or "",
        )
        return outcome

    def _over_http(self, url: str, kind: str, payload: Json, retry: tuple[int, str] | None) -> Outcome:
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content_type = urlencode(fields), "application/x-www-form-urlencoded"
        stamp = str(int(time.time()))  # the receiver checks it against its own wall clock, not the movable one
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": sign(self.world.app.signing_secret, stamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        try:
            answer = self._session().post(
                url, data=body.encode(), headers=headers, timeout=self.ack_timeout, allow_redirects=False
            )
        except requests.Timeout:
            return Outcome("http_timeout")
        except requests.exceptions.SSLError:
            return Outcome("ssl_error")
        except requests.RequestException:
            return Outcome("connection_failed")
        reason = "" if answer.status_code == 200 else "http_error"
        if answer.is_redirect:
            reason = "too_many_redirects"
        said: Any = answer.text
        if answer.headers.get("Content-Type", "").startswith("application/json") and answer.text:
            try:
                said = answer.json()
            except ValueError:
                reason = "http_error"
        return Outcome(reason, said, answer.status_code, {k.lower(): v for k, v in answer.headers.items()})

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers["Connection"] = "close"  # a stopped and restarted app must not meet a stale connection
            self._local.session = session
        return session

    # -- events ----------------------------------------------------------------------------------------------------

    def event(self, event: Json, sentence: str) -> Outcome:
        """Deliver an Events API event; a lost one comes again at once, after a minute and after five."""
        app = self.world.app
        payload: Json = {
            "token": app.verification_token,
            "team_id": app.team_id,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": self.world.new_id("Ev"),
            "event_time": int(self.world.now().timestamp()),
            "is_ext_shared_channel": False,
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": app.team_id,
                    "user_id": app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
        }
        return self._attempt(payload, sentence, 0, "")

    def _attempt(self, payload: Json, sentence: str, number: int, reason: str) -> Outcome:
        outcome = self.send("events_api", payload, sentence, (number, reason) if number else None)
        if outcome.ok or number >= len(self._retries) or outcome.headers.get("x-slack-no-retry") == "1":
            return outcome
        delay = self._retries[number]
        if delay <= 0:
            return self._attempt(payload, sentence, number + 1, outcome.reason)
        self.world.store.put(
            "slack.retry",
            payload["event_id"],
            {
                "payload": payload,
                "sentence": sentence,
                "number": number + 1,
                "reason": outcome.reason,
                "due": (self.world.now() + timedelta(seconds=delay)).isoformat(),
            },
        )
        return outcome

    def _repeat(self) -> None:
        while not self._stopping.wait(0.1):
            for waiting in self.world.store.all("slack.retry"):
                if datetime.fromisoformat(waiting["due"]) <= self.world.now():
                    self.world.store.drop("slack.retry", waiting["payload"]["event_id"])
                    self._attempt(waiting["payload"], waiting["sentence"], waiting["number"], waiting["reason"])


def sign(secret: str, stamp: str, body: str) -> str:
    """Slack's v0 signature of a raw body."""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"
