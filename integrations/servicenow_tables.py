"""pysnow behind a gate: each answer is read at once and wholly, or the call has not succeeded.

What pysnow leaves to its caller is done here: errors it only finds when a result is read, rows it hands out although
the body also holds an error, parameters that leak from one call to the next (hence a fresh resource per call), updates
by query that can hit the wrong record (hence PATCH by sys_id), sessions shared by threads (hence one per thread).
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog

from integrations.errors import IntegrationError, Refused, Transient, Unclear
from integrations.http import (
    Answer,
    Credentials,
    PinnedSession,
    Sessions,
    Timeouts,
    examine,
    quiet_libraries,
    transport_trouble,
    utc_now,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns when libmagic is absent; we name the content type of a file ourselves
    import pysnow
    from pysnow.exceptions import PysnowException

log = structlog.get_logger(__name__)

SYSTEM = "servicenow"
Row = dict[str, Any]


def table_name(value: str, operation: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9_]{1,79}", value) is None:
        raise Refused(SYSTEM, operation, "that is not the name of a table", code="invalid_table")
    return value


def sys_id(value: str, operation: str) -> str:
    if re.fullmatch(r"[0-9a-f]{32}", value) is None:
        raise Refused(SYSTEM, operation, "that is not a sys_id", code="invalid_id")
    return value


def literal(value: str, operation: str) -> str:
    """A value that may stand in an encoded query: there is no escape for ^, and javascript: would be run there."""
    if any(ch in value for ch in "^\n\r") or value.strip().lower().startswith("javascript:") or not value:
        raise Refused(SYSTEM, operation, "the value cannot be searched for in ServiceNow", code="unsafe_value")
    return value


def explain(status: int, body: Any) -> tuple[str, str]:
    """Code and sentence of a Table API or OAuth error body."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return str(status), f"answered {status}"
    message, detail = str(error.get("message") or ""), str(error.get("detail") or "")
    said = ": ".join(part for part in (message, detail) if part)[:300]
    if status == 401:
        return "unauthenticated", "the sign-in is not accepted: wrong or locked user, or basic sign-in is forbidden"
    if "unscoped api" in said.lower():
        return "scope", "the OAuth client lacks the scope for this API: give it useraccount or the matching scope"
    if status == 403 and "mandatory" in said.lower():
        return "data_policy", f"the instance wants more fields, or does not know a value we sent ({said})"
    if status == 403:
        return "forbidden", f"the integration user may not do this ({said})"
    return str(status), said or f"answered {status}"


class Meter:
    """Counts requests, thread by thread, and keeps the hourly limit the instance named last (None: it names none)."""

    def __init__(self) -> None:
        self._local = threading.local()
        self.limit: int | None = None

    def count(self, headers: Mapping[str, str] | None) -> None:
        """One request went out; `headers` are its answer's, None when there was no answer."""
        self._local.sent = getattr(self._local, "sent", 0) + 1
        named = "" if headers is None else headers.get("X-RateLimit-Limit", "").strip()
        if headers is not None:
            self.limit = int(named) if named.isascii() and named.isdigit() else None

    def taken(self) -> int:
        """How many requests this thread sent since it last asked."""
        sent: int = getattr(self._local, "sent", 0)
        self._local.sent = 0
        return sent


class Tables:
    """The Table API and its neighbours of one instance, one session and one pysnow client per thread."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        timeouts: Timeouts | None = None,
        ca_bundle: str | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        quiet_libraries()
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise ValueError("SERVICENOW_URL must look like https://example.service-now.com")
        self._host, self._tls = address.netloc, address.scheme == "https"
        self._root = f"{address.scheme}://{address.netloc}"
        self._credentials = credentials
        self._timeouts = timeouts or Timeouts(read=60.0)  # the server's own limit for a table transaction
        self._now = now
        self._sessions = Sessions(lambda: PinnedSession(self._timeouts, ca_bundle=ca_bundle, credentials=credentials))
        self._local = threading.local()
        self.meter = Meter()

    # -- the Table API, through pysnow -----------------------------------------------------------------------------

    def page(
        self,
        table: str,
        query: str,
        operation: str,
        *,
        fields: Sequence[str] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[Row], int | None]:
        """Rows of one page and the total that matched, None when the instance did not say."""
        rows, answer = self._pysnow(
            operation,
            f"/table/{table_name(table, operation)}",
            lambda resource: resource.get(
                query=query, fields=[*fields], limit=limit, offset=offset, exclude_reference_link=True
            ),
            reading=True,
        )
        total = answer.headers.get("X-Total-Count", "")
        return rows, int(total) if total.isdigit() else None

    def read(self, table: str, key: str, operation: str) -> Row:
        """One record; `NotFound` when it is absent or hidden, which look the same."""
        path = f"/table/{table_name(table, operation)}"
        rows, _ = self._pysnow(
            operation,
            path,
            lambda resource: resource.request("GET", path_append="/" + sys_id(key, operation)),
            reading=True,
        )
        return self._one(rows, operation, reading=True)

    def create(self, table: str, values: Mapping[str, str], operation: str) -> Row:
        """One new record. Whether to call it at all is decided by a look-up before."""
        path = f"/table/{table_name(table, operation)}"
        rows, _ = self._pysnow(operation, path, lambda resource: resource.create(dict(values)), reading=False)
        return self._one(rows, operation, reading=False)

    def patch(self, table: str, key: str, values: Mapping[str, str], operation: str) -> Row:
        """Change the named fields of one record, by sys_id and never by query."""
        path = f"/table/{table_name(table, operation)}"
        rows, _ = self._pysnow(
            operation,
            path,
            lambda resource: resource.request(
                "PATCH", path_append="/" + sys_id(key, operation), data=json.dumps(dict(values))
            ),
            reading=False,
        )
        return self._one(rows, operation, reading=False)

    # -- what pysnow does not cover, through the same session ------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        data: bytes | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """`result` of another REST API of the instance (service catalogue, attachments)."""
        reading = method == "GET"
        sent = json.dumps(body).encode() if body is not None else data
        headers = {"Accept": "application/json", "Content-Type": content_type}

        def send(session: PinnedSession) -> None:
            session.request(method, self._root + path, params=params, data=sent, headers=headers)

        answer = self._exchange(operation, send, reading=reading)
        return self._result(answer, operation, reading=reading)

    def close(self) -> None:
        self._sessions.close()

    # -- one exchange ----------------------------------------------------------------------------------------------

    def _pysnow(
        self, operation: str, path: str, call: Callable[[Any], Any], *, reading: bool
    ) -> tuple[list[Row], Answer]:
        seen: dict[str, Any] = {}

        def send(session: PinnedSession) -> None:
            resource = self._client(session).resource(api_path=path, timeout=self._timeouts.pair())
            seen["response"] = call(resource)

        answer = self._exchange(operation, send, reading=reading)
        self._result(answer, operation, reading=reading)
        try:
            rows = list(seen["response"].all())
        except (PysnowException, ValueError, requests.RequestException) as error:
            kind = Transient if reading else Unclear
            detail = f"the answer cannot be used ({type(error).__name__})"
            raise kind(SYSTEM, operation, detail, answer.request_id) from None
        return rows, answer

    def _exchange(self, operation: str, send: Callable[[PinnedSession], None], *, reading: bool) -> Answer:
        """Send, sign in once more after a 401 (which did nothing), and judge the raw answer."""
        response = self._send(operation, send, reading=reading)
        if response.status_code == 401 and self._credentials.renew():
            response = self._send(operation, send, reading=reading)
        return examine(
            response,
            system=SYSTEM,
            operation=operation,
            reading=reading,
            explain=explain,
            request_id=response.headers.get("X-Transaction-ID"),
            now=self._now(),
        )

    def _send(self, operation: str, send: Callable[[PinnedSession], None], *, reading: bool) -> requests.Response:
        session = self._sessions.get()
        try:
            send(session)
        except IntegrationError:
            raise
        except requests.RequestException as error:
            trouble = transport_trouble(error, SYSTEM, operation, reading=reading)
            log.warning(
                "outside call failed",
                system=SYSTEM,
                operation=operation,
                kind=type(trouble).__name__,
                cause=type(error).__name__,
            )
            raise trouble from None  # the original's text holds the URL with its query
        finally:
            self.meter.count(session.last.headers if session.last is not None else None)
        if session.last is None:
            raise Transient(SYSTEM, operation, "no answer was received")
        log.debug("outside call", system=SYSTEM, operation=operation, status=session.last.status_code)
        return session.last

    def _client(self, session: PinnedSession) -> Any:
        client = getattr(self._local, "client", None)
        if client is None:
            client = pysnow.Client(host=self._host, use_ssl=self._tls, session=session)
            self._local.client = client
        return client

    @staticmethod
    def _result(answer: Answer, operation: str, *, reading: bool) -> Any:
        """`result`, unless an `error` stands beside it: a transaction over quota sends both with status 200."""
        body = answer.body
        if answer.status == 204:
            return None
        if not isinstance(body, dict) or "error" in body or "result" not in body:
            kind = Transient if reading else Unclear
            raise kind(SYSTEM, operation, "the answer is incomplete", answer.request_id)
        return body["result"]

    @staticmethod
    def _one(rows: list[Row], operation: str, *, reading: bool) -> Row:
        if len(rows) != 1:
            kind = Transient if reading else Unclear
            raise kind(SYSTEM, operation, f"one record was due, {len(rows)} came")
        return rows[0]
