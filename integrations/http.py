"""One HTTP client for every system that speaks JSON: it never sleeps, never repeats a write, never logs a secret.

The failure it prevents is the double write: whatever happened after the first byte of a write left us is `Unclear`,
whatever happened before is `Transient`. Waiting is the job table's business, so a 429 is an exception with seconds.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import structlog
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Transient, Unclear

log = structlog.get_logger(__name__)

Json = dict[str, Any]
Explain = Callable[[int, Any], tuple[str, str]]
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def utc_now() -> datetime:
    """The default clock of the clients; tests give their own."""
    return datetime.now(UTC)


class Credentials(Protocol):
    """Where the Authorization header comes from; shared by threads."""

    def authorization(self) -> str:
        """The header's value, fetched or refreshed when needed; raises one of the five errors."""

    def renew(self) -> bool:
        """Forget what was refused with 401; True when another try with a fresh value makes sense."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds to connect and seconds of silence while reading; none of our calls goes without."""

    connect: float = 5.0
    read: float = 20.0

    def pair(self) -> tuple[float, float]:
        return (self.connect, self.read)


@dataclass(frozen=True)
class Answer:
    """A usable answer: `body` is the parsed JSON, None when the system sent none (204)."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


class _CredentialsAuth(AuthBase):
    """Signs each request; also keeps requests from taking a password out of somebody's .netrc."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._credentials is not None:
            request.headers["Authorization"] = self._credentials.authorization()
        return request


class PinnedSession(requests.Session):
    """A session whose CA bundle wins over REQUESTS_CA_BUNDLE, that always has timeouts and follows no redirect.

    requests lets the environment override `session.verify`; a bundle given in our settings must mean what it says.
    """

    def __init__(
        self, timeouts: Timeouts, *, ca_bundle: str | None = None, credentials: Credentials | None = None
    ) -> None:
        super().__init__()
        self.timeouts = timeouts
        self.ca_bundle = ca_bundle
        self.auth = _CredentialsAuth(credentials)
        self.last: requests.Response | None = None

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = self.timeouts.pair()
        options["allow_redirects"] = False
        self.last = None
        self.last = super().request(method, url, *args, **options)
        return self.last

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        if self.ca_bundle:
            settings["verify"] = self.ca_bundle
        return settings


class Sessions:
    """One session per thread: requests does not promise that one session may serve several."""

    def __init__(self, make: Callable[[], PinnedSession]) -> None:
        self._make = make
        self._local = threading.local()
        self._all: weakref.WeakSet[PinnedSession] = weakref.WeakSet()
        self._lock = threading.Lock()

    def get(self) -> PinnedSession:
        session: PinnedSession | None = getattr(self._local, "session", None)
        if session is None:
            session = self._make()
            self._local.session = session
            with self._lock:
                self._all.add(session)
        return session

    def close(self) -> None:
        """Close the connections of all threads; the next call opens new ones."""
        with self._lock:
            for session in list(self._all):
                session.close()


class HttpClient:
    """JSON over HTTP to one system.

    `explain(status, body)` turns the system's error body into (code, sentence). `guard(method, path, json)` may raise
    before anything is sent. A 401 signs in anew and is tried once more, because a 401 did nothing.
    """

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        credentials: Credentials | None = None,
        timeouts: Timeouts | None = None,
        ca_bundle: str | None = None,
        correlation_header: str = "client-request-id",
        request_id_header: str = "request-id",
        explain: Explain | None = None,
        guard: Callable[[str, str, Any], None] | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        quiet_libraries()
        self.system = system
        self.base_url = base_url.rstrip("/")
        self.credentials = credentials
        self._correlation_header = correlation_header
        self._request_id_header = request_id_header
        self._explain = explain or plain_explanation
        self._guard = guard
        self._now = now
        self.timeouts = timeouts or Timeouts()
        self.ca_bundle = ca_bundle
        self.sessions = Sessions(lambda: PinnedSession(self.timeouts, ca_bundle=ca_bundle, credentials=credentials))

    def send(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        answers: Collection[int] = (),
        reading: bool | None = None,
    ) -> Answer:
        """Send once and return a 2xx answer, or one of the statuses in `answers`; anything else raises.

        `path` is relative to the base URL, or a whole URL on the same host (a next-page link). `reading` says whether
        repeating is harmless; by default GET is and the rest is not.
        """
        url = self.url(path, operation)
        if self._guard is not None:
            self._guard(method, urlsplit(url).path[len(urlsplit(self.base_url).path) :], json)
        safe = method in READING if reading is None else reading
        correlation = str(uuid.uuid4())
        sent = {"Accept": "application/json", self._correlation_header: correlation, **(headers or {})}
        options = {"params": params, "json": json, "data": data, "headers": sent}
        response = self._once(method, url, operation, safe, correlation, options)
        if response.status_code == 401 and self.credentials is not None and self.credentials.renew():
            response = self._once(method, url, operation, safe, correlation, options)
        request_id = response.headers.get(self._request_id_header) or correlation
        return examine(
            response,
            system=self.system,
            operation=operation,
            reading=safe,
            answers=answers,
            explain=self._explain,
            request_id=request_id,
            now=self._now(),
        )

    def url(self, path: str, operation: str) -> str:
        """The address to call; a whole URL must be on the configured host, for it will carry our token."""
        if "://" not in path:
            return self.base_url + path
        asked, ours = urlsplit(path), urlsplit(self.base_url)
        if (asked.scheme, asked.netloc.lower()) != (ours.scheme, ours.netloc.lower()):
            raise Refused(
                self.system,
                operation,
                f"the answer points to another host ({asked.hostname}); following it would hand over our token",
                code="foreign_link",
            )
        return path

    def close(self) -> None:
        self.sessions.close()

    def _once(
        self, method: str, url: str, operation: str, safe: bool, correlation: str, options: Mapping[str, Any]
    ) -> requests.Response:
        began = time.perf_counter()
        try:
            response = self.sessions.get().request(method, url, **options)
        except requests.RequestException as error:
            trouble = transport_trouble(error, self.system, operation, reading=safe, request_id=correlation)
            log.warning(
                "outside call failed",
                system=self.system,
                operation=operation,
                kind=type(trouble).__name__,
                cause=type(error).__name__,
                request_id=correlation,
            )
            raise trouble from None  # the original's text holds the URL with its query
        log.debug(
            "outside call",
            system=self.system,
            operation=operation,
            method=method,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - began) * 1000),
            request_id=response.headers.get(self._request_id_header) or correlation,
        )
        return response


def examine(
    response: requests.Response,
    *,
    system: str,
    operation: str,
    reading: bool,
    explain: Explain,
    now: datetime,
    answers: Collection[int] = (),
    request_id: str | None = None,
) -> Answer:
    """A usable answer, or the one of the five errors that this response means."""
    status = response.status_code
    body, readable = _json_body(response)
    if 200 <= status < 300:
        if not readable:
            what = "the answer is not complete JSON" if _says_json(response) else "the answer is not JSON"
            raise (Transient if reading else Unclear)(system, operation, what, request_id)
        return Answer(status, body, response.headers, request_id)
    if status in answers and (readable or 300 <= status < 400):  # what a redirect says beside its address is no news
        return Answer(status, body, response.headers, request_id)
    code, sentence = explain(status, body) if readable else (str(status), f"answered {status} without a reason")
    error = _status_error(system, operation, status, code, sentence, request_id, reading)
    wait = retry_after(response.headers, now)
    if isinstance(error, RateLimited) or (isinstance(error, Transient) and wait is not None):
        error.retry_after = wait
    log.info(
        "outside call refused",
        system=system,
        operation=operation,
        status=status,
        code=code,
        kind=type(error).__name__,
        request_id=request_id,
    )
    raise error


def _status_error(
    system: str, operation: str, status: int, code: str, sentence: str, request_id: str | None, reading: bool
) -> IntegrationError:
    if status == 429:
        return RateLimited(system, operation, "asks us to wait", request_id)
    if status in (404, 410):
        return NotFound(system, operation, sentence, request_id)
    if status in (409, 423):
        return Transient(system, operation, sentence, request_id)
    if status in (408, 425) or (status >= 500 and status != 501):
        kind = Transient if reading else Unclear
        return kind(system, operation, f"answered {status}", request_id)
    if 300 <= status < 400:
        sentence = f"redirects elsewhere ({status}); check the address in the settings"
        return Refused(system, operation, sentence, request_id, code="moved")
    return Refused(system, operation, sentence, request_id, code=code, fatal=status == 401)


def transport_trouble(
    error: requests.RequestException, system: str, operation: str, *, reading: bool, request_id: str | None = None
) -> IntegrationError:
    """What a failed exchange means: before anything was sent it is safe to repeat, after that a write is unclear."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Refused(
            system,
            operation,
            "its certificate is not signed by an authority we know; give the right CA bundle in the settings",
            request_id,
            code="certificate",
        )
    if isinstance(
        error,
        requests.exceptions.InvalidURL
        | requests.exceptions.MissingSchema
        | requests.exceptions.InvalidSchema
        | requests.exceptions.InvalidHeader,
    ):
        return Refused(system, operation, "its address in the settings is not valid", request_id, code="address")
    if _nothing_was_sent(error):
        return Transient(system, operation, "cannot be reached", request_id)
    if reading:
        return Transient(system, operation, "the connection was lost or too slow", request_id)
    return Unclear(system, operation, "the connection was lost after the request was sent", request_id)


def _nothing_was_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return isinstance(cause, NewConnectionError | ConnectTimeoutError)  # name resolution is a NewConnectionError


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait: Retry-After as seconds or date, else X-RateLimit-Reset (Unix time), else None."""
    folded = CaseInsensitiveDict(headers)
    value = (folded.get("Retry-After") or "").strip()
    if value:
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    reset = (folded.get("X-RateLimit-Reset") or "").strip()
    return max(0.0, int(reset) - now.timestamp()) if reset.isdigit() else None


def plain_explanation(status: int, body: Any) -> tuple[str, str]:
    """For systems without a documented error body."""
    return str(status), f"answered {status}"


def _says_json(response: requests.Response) -> bool:
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _json_body(response: requests.Response) -> tuple[Any, bool]:
    """The parsed body and whether it could be read; an empty body is readable only where none is due."""
    if not response.content:
        return None, response.status_code in (202, 204) or response.status_code >= 300
    if not _says_json(response):
        return None, False
    try:
        return response.json(), True
    except ValueError:
        return None, False


def quiet_libraries() -> None:
    """Keep library loggers from writing addresses, queries and bodies, whatever the root logger is set to."""
    for name in ("urllib3", "msal", "pysnow", "slack_sdk", "requests_oauthlib"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
