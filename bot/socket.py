"""Socket Mode: the same listeners over a socket that we open, for services without a public address."""

from __future__ import annotations

import logging
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient


class SocketRunner:
    """Connects, stays connected, and lets go. The handler's own `start` would block for ever and ignore signals."""

    def __init__(self, app: App, token: str, web_client: WebClient) -> None:
        self._app, self._token, self._web_client = app, token, web_client
        self._lock = threading.Lock()
        self._handler: SocketModeHandler | None = None

    def start(self) -> None:
        """Open the connection and return. Raises SlackApiError when Slack refuses the token."""
        with self._lock:
            if self._handler is not None:
                return
            quiet = logging.getLogger("slack_sdk.seatkeeper.socket")
            quiet.setLevel(logging.ERROR)  # its debug lines hold what people typed
            handler = SocketModeHandler(self._app, self._token, logger=quiet, web_client=self._web_client)
            try:
                handler.connect()  # type: ignore[no-untyped-call]
            except BaseException:
                handler.close()  # type: ignore[no-untyped-call]
                raise
            self._handler = handler

    def stop(self) -> None:
        """Close the connection; what was being answered is finished first."""
        with self._lock:
            handler, self._handler = self._handler, None
        if handler is not None:
            handler.close()  # type: ignore[no-untyped-call]

    @property
    def connected(self) -> bool:
        """Whether a socket is open now, for /readyz."""
        handler = self._handler
        return handler is not None and bool(handler.client.is_connected())
