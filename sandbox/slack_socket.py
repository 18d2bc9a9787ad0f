"""Socket Mode's server: tickets, hello, envelopes, acknowledgements, and refreshes on demand.

An envelope goes to any one of the open connections, as with Slack; what comes back is matched by `envelope_id`.
"""

from __future__ import annotations

import json
import random
import secrets
import threading
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

MOST_CONNECTIONS = 10
Json = dict[str, Any]


class SocketHub:
    """The WebSocket side of one app, on its own port of 127.0.0.1."""

    def __init__(self, app_id: str, port: int = 0, seed: int = 0) -> None:
        self._app_id = app_id
        self._port = port
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._tickets: set[str] = set()
        self._open: list[ServerConnection] = []
        self._waiting: dict[str, tuple[threading.Event, list[Json]]] = {}
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._server = serve(self._serve, "127.0.0.1", self._port, compression=None, close_timeout=0.3)
        self._thread = threading.Thread(target=self._server.serve_forever, name="sandbox-slack-socket", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            gone, self._open = self._open, []
        for connection in gone:
            connection.close()
        if self._server is not None:
            self._server.shutdown()
        if self._thread is not None:
            self._thread.join(timeout=5)

    @property
    def connections(self) -> int:
        with self._lock:
            return len(self._open)

    def new_url(self) -> str:
        """A URL good for one connection."""
        if self._server is None:
            raise RuntimeError("the socket side is not started")
        ticket = secrets.token_urlsafe(18)
        with self._lock:
            self._tickets.add(ticket)
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket={ticket}&app_id={self._app_id}"

    def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        ticket = (parse_qs(urlsplit(path).query).get("ticket") or [""])[0]
        with self._lock:
            known = ticket in self._tickets and len(self._open) < MOST_CONNECTIONS
            self._tickets.discard(ticket)
        if not known:
            connection.close(1008, "invalid ticket or too many connections")
            return
        with self._lock:
            count = len(self._open) + 1
        try:
            connection.send(
                json.dumps(
                    {
                        "type": "hello",
                        "num_connections": count,
                        "connection_info": {"app_id": self._app_id},
                        "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
                    }
                )
            )
            with self._lock:
                self._open.append(connection)
            for frame in connection:
                self._received(frame)
        except ConnectionClosed:
            return
        finally:
            with self._lock:
                if connection in self._open:
                    self._open.remove(connection)

    def _received(self, frame: str | bytes) -> None:
        try:
            answer = json.loads(frame)
        except ValueError:
            return
        with self._lock:
            waiting = self._waiting.get(str(answer.get("envelope_id"))) if isinstance(answer, dict) else None
        if waiting is not None:
            waiting[1].append(answer)
            waiting[0].set()

    def send(self, kind: str, payload: Json, wait: float, retry: tuple[int, str] | None) -> tuple[str, Any]:
        """Send one envelope and wait for its acknowledgement: ("", payload), or a retry reason and None."""
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if retry is not None:
            envelope |= {"retry_attempt": retry[0], "retry_reason": retry[1]}
        waiting: tuple[threading.Event, list[Json]] = (threading.Event(), [])
        with self._lock:
            if not self._open:
                return "connection_failed", None
            connection = self._random.choice(self._open)
            self._waiting[envelope["envelope_id"]] = waiting
        try:
            connection.send(json.dumps(envelope))
            if not waiting[0].wait(wait):
                return "http_timeout", None
            return "", waiting[1][0].get("payload")
        except ConnectionClosed:
            return "connection_failed", None
        finally:
            with self._lock:
                self._waiting.pop(envelope["envelope_id"], None)

    def disconnect(self, reason: str) -> int:
        """Tell every connection to go (`warning`, `refresh_requested`, `link_disabled`); a warning leaves them open."""
        with self._lock:
            told = list(self._open)
        for connection in told:
            try:
                connection.send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}))
                if reason != "warning":
                    connection.close()
            except ConnectionClosed:
                continue  # it left by itself
        return len(told)
