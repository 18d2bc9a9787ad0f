"""Signing in to ServiceNow: basic, or OAuth by client credentials or password; one token shared by all threads.

pysnow's OAuth client knows only the password grant and demands a refresh token, so tokens are fetched here. ServiceNow
answers a repeated request with the current token and its remaining life: `expires_in` of each answer is what counts.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

import requests

from integrations.errors import RateLimited, Refused, Transient
from integrations.http import PinnedSession, Timeouts, retry_after, transport_trouble, utc_now

SYSTEM = "servicenow"
OPERATION = "sign in"
MARGIN = 30.0  # seconds before the end at which a token counts as ended, never more than half its life


class BasicCredentials:
    """User name and password with each call; newer instances forbid it by default."""

    def __init__(self, user: str, password: str) -> None:
        self._header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    def authorization(self) -> str:
        return self._header

    def renew(self) -> bool:
        return False


class TokenCredentials:
    """OAuth: with `user` and `password` the password grant, without them client credentials."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        user: str | None = None,
        password: str | None = None,
        ca_bundle: str | None = None,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = base_url.rstrip("/") + "/oauth_token.do"
        self._form = {"client_id": client_id, "client_secret": client_secret}
        if user is not None:
            self._form |= {"grant_type": "password", "username": user, "password": password or ""}
        else:
            self._form |= {"grant_type": "client_credentials"}
        self._session = PinnedSession(timeouts or Timeouts(), ca_bundle=ca_bundle)
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends = 0.0

    def authorization(self) -> str:
        """The bearer header; fetches a token when there is none or it is about to end."""
        with self._lock:
            if self._token is None or self._clock() >= self._ends:
                self._fetch()
            return f"Bearer {self._token}"

    def renew(self) -> bool:
        with self._lock:
            self._token = None
        return True

    def close(self) -> None:
        self._session.close()

    def _fetch(self) -> None:
        asked = self._clock()
        try:
            response = self._session.request("POST", self._url, data=self._form)
        except requests.RequestException as error:
            raise transport_trouble(error, SYSTEM, OPERATION, reading=True) from None
        body = _body(response)
        if response.status_code == 429:
            wait = retry_after(response.headers, utc_now())
            raise RateLimited(SYSTEM, OPERATION, "the token endpoint asks us to wait", retry_after=wait)
        if response.status_code >= 500 or (response.status_code == 200 and "access_token" not in body):
            raise Transient(SYSTEM, OPERATION, f"the token endpoint gave no token ({response.status_code})")
        if response.status_code != 200:
            raise self._refusal(response.status_code, body)
        self._token = str(body["access_token"])
        life = _seconds(body.get("expires_in"))
        self._ends = asked + life - min(MARGIN, life / 2)

    def _refusal(self, status: int, body: dict[str, Any]) -> Refused:
        code = str(body.get("error") or status)
        if code == "invalid_client":
            sentence = "the client id or secret is wrong: check SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET"
        elif self._form["grant_type"] == "password":
            sentence = "the user is refused: check SERVICENOW_USER and SERVICENOW_PASSWORD, and that it is not locked"
        else:
            sentence = (
                "client credentials are refused: the OAuth registry entry needs an OAuth Application User, and the "
                "instance must allow the grant"
            )
        return Refused(SYSTEM, OPERATION, sentence, code=code, fatal=True)


def _body(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(value: object) -> float:
    """`expires_in` comes as number or text; unreadable means: ask again soon."""
    try:
        return max(1.0, float(str(value)))
    except ValueError:
        return 60.0
