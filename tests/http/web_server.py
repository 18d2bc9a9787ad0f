"""The web side as a real server on a free port, over a small company, with messages drawn by the bot's own code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from bot.shown import drawer
from tests.http.web_company import NOW, Company
from web.app import create_app
from web.deps import WebDeps
from workflows import policies

KEY = b"k" * 32
TOKEN = "example-token-of-the-api"


@dataclass
class Web:
    """A running service. `time` can be set; `woken` counts how often workers were told."""

    url: str
    company: Company
    time: list[datetime]
    woken: list[int] = field(default_factory=list)

    def get(self, path: str, *, token: str = TOKEN, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(self.url + path, headers=headers | more.pop("headers", {}), timeout=10, **more)

    def post(self, path: str, *, token: str = TOKEN, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.post(self.url + path, headers=headers | more.pop("headers", {}), timeout=10, **more)


@contextmanager
def serving(company: Company, **changes: Any) -> Iterator[Web]:
    """Start the service and stop it at the end."""
    time: list[datetime] = [NOW]
    woken: list[int] = []
    rules = policies.ActiveRules(company.database, mail=True, instance="test")
    now: Callable[[], datetime] = lambda: time[0]  # noqa: E731
    given: dict[str, Any] = {
        "database": company.database,
        "now": now,
        "rules": rules,
        "wake": lambda: woken.append(1),
        "base_url": "http://127.0.0.1:8080",
        "link_key": KEY,
        "api_token": TOKEN,
        "draw": drawer(rules),
    }
    server = make_server(
        "127.0.0.1", 0, create_app(WebDeps(**(given | changes))), threaded=True, request_handler=_Quiet
    )
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), name="web", daemon=True)
    thread.start()
    try:
        yield Web(f"http://127.0.0.1:{server.server_port}", company, time, woken)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """The service writes its own log."""
