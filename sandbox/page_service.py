"""Seatkeeper as the page sees it: whether it runs, what it has on record, and what falls due next.

The service may be stopped, starting, or older than a question: none of this is an error here, it is what is shown.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox.page_world import DemoWorld

Json = dict[str, Any]
TIMEOUT_SECONDS = 4.0
PROBE_SECONDS = 1.0
CHAIN_SECONDS = 3.0  # the whole chain is read for each check, so the tour does not ask at every change
EVENTS_AT_ONCE = 500


class Service:
    """Asks the service; answers None when it cannot say."""

    def __init__(self, world: DemoWorld) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._probed_at = float("-inf")
        self._running = False
        self._chain: Json | None = None
        self._chain_at = float("-inf")

    def running(self) -> bool:
        """Whether something listens there; asked at most once a second."""
        with self._lock:
            if time.monotonic() - self._probed_at > PROBE_SECONDS:
                self._running = _listens(self._world.service_url)
                self._probed_at = time.monotonic()
            return self._running

    def events(self, after: int) -> Json | None:
        return self._ask("/api/v1/events", after=after, limit=EVENTS_AT_ONCE)

    def chain(self) -> Json | None:
        """Check the chain now."""
        found = self._ask("/api/v1/chain")
        with self._lock:
            self._chain, self._chain_at = found, time.monotonic()
        return found

    def chain_lately(self) -> Json | None:
        """The last check when it is young enough, else a new one."""
        with self._lock:
            if time.monotonic() - self._chain_at < CHAIN_SECONDS:
                return self._chain
        return self.chain()

    def due(self, limit: int = 20) -> Json | None:
        return self._ask("/api/v1/due", limit=limit)

    def _ask(self, path: str, **parameters: Any) -> Json | None:
        if not self.running():
            return None
        session = requests.Session()
        session.trust_env = False
        try:
            answer = session.get(
                self._world.service_url.rstrip("/") + path,
                params=parameters,
                headers={"Authorization": f"Bearer {self._world.api_token}"},
                timeout=TIMEOUT_SECONDS,
            )
            found = answer.json() if answer.status_code == 200 else None
        except (requests.RequestException, ValueError):
            return None
        finally:
            session.close()
        return found if isinstance(found, dict) else {"items": found} if isinstance(found, list) else None


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), 0.5).close()
    except OSError:
        return False
    return True
