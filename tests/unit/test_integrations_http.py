"""Each status and each broken connection becomes one of five errors; nothing secret is logged; nothing is repeated."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
from structlog.testing import capture_logs
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)

from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Transient, Unclear
from integrations.http import HttpClient, PinnedSession, Timeouts, retry_after

BASE = "https://system.example.test/v1"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOST = HTTPConnection("system.example.test")
POOL = HTTPConnectionPool("system.example.test")
OK = {"json": {"value": 1}, "status": 200}


class Token:
    """Credentials that count how often they are renewed."""

    def __init__(self, renewable: bool = True) -> None:
        self.renewed, self._renewable = 0, renewable

    def authorization(self) -> str:
        return f"Bearer example-token-{self.renewed}"

    def renew(self) -> bool:
        self.renewed += 1
        return self._renewable


def client(**more: Any) -> HttpClient:
    return HttpClient(system="example", base_url=BASE, now=lambda: NOW, **more)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


def test_there_are_five_errors_under_one_base() -> None:
    assert set(IntegrationError.__subclasses__()) == {Transient, RateLimited, NotFound, Refused, Unclear}
    for kind in IntegrationError.__subclasses__():
        assert kind.__doc__


def test_an_error_reads_as_a_sentence_with_its_reference() -> None:
    error = Refused("graph", "assign licence", "no", "req-1", code="x")
    assert str(error) == "graph: assign licence: no (request req-1)"
    assert (error.system, error.operation, error.detail, error.request_id) == ("graph", "assign licence", "no", "req-1")


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (301, Refused, Refused),
        (400, Refused, Refused),
        (401, Refused, Refused),
        (403, Refused, Refused),
        (404, NotFound, NotFound),
        (405, Refused, Refused),
        (408, Transient, Unclear),
        (409, Transient, Transient),
        (410, NotFound, NotFound),
        (415, Refused, Refused),
        (423, Transient, Transient),
        (429, RateLimited, RateLimited),
        (500, Transient, Unclear),
        (501, Refused, Refused),
        (502, Transient, Unclear),
        (503, Transient, Unclear),
        (504, Transient, Unclear),
    ],
)
def test_statuses(wire: responses.RequestsMock, status: int, read: type[Exception], write: type[Exception]) -> None:
    for method, expected in (("GET", read), ("POST", write), ("PATCH", write), ("DELETE", write)):
        wire.add(method, f"{BASE}/thing", json={"error": "x"}, status=status)
        with pytest.raises(expected) as caught:
            client().send(method, "/thing", operation="try")
        assert type(caught.value) is expected
        if status == 401:
            assert isinstance(caught.value, Refused)
            assert caught.value.fatal


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (requests.ConnectTimeout(), Transient, Transient),
        (requests.ReadTimeout(), Transient, Unclear),
        (requests.exceptions.ProxyError(), Transient, Transient),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), Transient, Unclear),
        (requests.ConnectionError(MaxRetryError(POOL, "/", NewConnectionError(HOST, "refused"))), Transient, Transient),
        (requests.ConnectionError(MaxRetryError(POOL, "/", ConnectTimeoutError())), Transient, Transient),
        (
            requests.ConnectionError(MaxRetryError(POOL, "/", NameResolutionError("h", HOST, socket.gaierror("x")))),
            Transient,
            Transient,
        ),
        (requests.exceptions.ChunkedEncodingError(), Transient, Unclear),
        (requests.exceptions.ContentDecodingError(), Transient, Unclear),
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED]"), Refused, Refused),
        (requests.exceptions.SSLError("EOF occurred"), Transient, Unclear),
        (requests.exceptions.InvalidURL(), Refused, Refused),
    ],
)
def test_broken_connections(
    wire: responses.RequestsMock, error: Exception, read: type[Exception], write: type[Exception]
) -> None:
    """Before anything was sent a write is safe to repeat; after that nobody knows."""
    for method, expected in (("GET", read), ("POST", write)):
        wire.add(method, f"{BASE}/thing", body=error)
        with pytest.raises(expected) as caught:
            client().send(method, "/thing", operation="try", params={"q": "ana@example.test"})
        assert type(caught.value) is expected
        assert "ana@" not in str(caught.value)
        assert caught.value.__cause__ is None, "the original's text holds the address"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>hibernating</html>", "text/html"),
        ('{"value": [1, 2', "application/json"),
        ("{}", "text/plain"),
        ("", "application/json"),
    ],
)
def test_a_good_status_without_whole_json_is_no_success(
    wire: responses.RequestsMock, body: str, content_type: str
) -> None:
    for method, expected in (("GET", Transient), ("POST", Unclear)):
        wire.add(method, f"{BASE}/thing", body=body, status=200, content_type=content_type)
        with pytest.raises(expected):
            client().send(method, "/thing", operation="try")


def test_json_of_a_more_specific_kind_and_no_content(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/thing", body='{"a": 1}', content_type="application/problem+json; charset=utf-8")
    assert client().send("GET", "/thing", operation="try").body == {"a": 1}
    wire.delete(f"{BASE}/thing", status=204)
    assert client().send("DELETE", "/thing", operation="try").body is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"retry-after": "0.5"}, 0.5),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30),
        ({"Retry-After": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 60)}, 60),
        ({"Retry-After": "9", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 60)}, 9),
        ({"X-RateLimit-Reset": "tomorrow"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(wire: responses.RequestsMock, headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds
    wire.get(f"{BASE}/thing", status=429, json={}, headers=headers)
    with pytest.raises(RateLimited) as caught:
        client().send("GET", "/thing", operation="try")
    assert caught.value.retry_after == seconds
    wire.get(f"{BASE}/other", status=503, json={}, headers=headers)
    with pytest.raises(Transient) as unavailable:
        client().send("GET", "/other", operation="try")
    assert unavailable.value.retry_after == seconds


def test_a_401_signs_in_anew_and_tries_once(wire: responses.RequestsMock) -> None:
    token = Token()
    wire.post(f"{BASE}/thing", status=401, json={})
    wire.post(f"{BASE}/thing", **OK)
    assert client(credentials=token).send("POST", "/thing", operation="try").status == 200
    assert [call.request.headers["Authorization"] for call in wire.calls] == [
        "Bearer example-token-0",
        "Bearer example-token-1",
    ]
    wire.post(f"{BASE}/never", status=401, json={})
    with pytest.raises(Refused):
        client(credentials=Token()).send("POST", "/never", operation="try")
    with pytest.raises(Refused):
        client(credentials=Token(renewable=False)).send("POST", "/never", operation="try")
    assert len(wire.calls) == 5


def test_statuses_that_are_answers_are_returned(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/thing", status=404, json={"error": {"code": "x"}})
    answer = client().send("GET", "/thing", operation="try", answers=(404,))
    assert (answer.status, answer.body) == (404, {"error": {"code": "x"}})
    wire.get(f"{BASE}/page", status=404, body="<html>", content_type="text/html")
    with pytest.raises(NotFound):
        client().send("GET", "/page", operation="try", answers=(404,))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.test/v1/users?$skiptoken=x",
        "http://system.example.test/v1/users",
        "https://system.example.test:8443/v1/users",
        "https://system.example.test@evil.example.test/v1/users",
    ],
)
def test_a_link_to_another_host_never_gets_our_token(wire: responses.RequestsMock, link: str) -> None:
    with pytest.raises(Refused) as caught:
        client(credentials=Token()).send("GET", link, operation="next page")
    assert caught.value.code == "foreign_link"
    assert len(wire.calls) == 0


def test_each_call_has_a_reference_and_nothing_secret_is_logged(
    wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    wire.post(f"{BASE}/users/1", status=500, json={"secret": "body-secret"}, headers={"request-id": "theirs"})
    wire.get(f"{BASE}/users", body=requests.ConnectionError("https://system.example.test/v1/users?q=ana@example.test"))
    wire.get(f"{BASE}/fine", **OK)
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logged:
        with pytest.raises(Unclear) as caught:
            client(credentials=Token()).send("POST", "/users/1", operation="change", json={"mail": "ana@example.test"})
        assert caught.value.request_id == "theirs"
        with pytest.raises(Transient) as lost:
            client(credentials=Token()).send("GET", "/users", operation="list", params={"q": "ana@example.test"})
        client(credentials=Token()).send("GET", "/fine", operation="read", params={"q": "ana@example.test"})
    assert wire.calls[0].request.headers["client-request-id"]
    assert lost.value.request_id == wire.calls[1].request.headers["client-request-id"]
    text = json.dumps(logged) + caplog.text
    assert logged
    for secret in ("ana@", "example-token", "body-secret", "q="):
        assert secret not in text


def test_timeouts_are_always_sent_and_redirects_never_followed(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/thing", status=302, headers={"Location": "https://evil.example.test/"})
    session = PinnedSession(Timeouts(connect=1.5, read=2.5))
    seen: dict[str, Any] = {}
    send = session.send

    def watched(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.update(options)
        return send(request, **options)

    session.send = watched  # type: ignore[method-assign]  # to see what reaches the adapter
    assert session.request("GET", f"{BASE}/thing").status_code == 302
    assert seen["timeout"] == (1.5, 2.5)
    assert len(wire.calls) == 1


def test_the_bundle_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/somewhere/else.pem")
    ours = PinnedSession(Timeouts(), ca_bundle="/ours.pem").merge_environment_settings(BASE, {}, False, None, None)
    assert ours["verify"] == "/ours.pem"
    default = PinnedSession(Timeouts()).merge_environment_settings(BASE, {}, False, None, None)
    assert default["verify"] == "/somewhere/else.pem"


def test_a_netrc_password_is_not_sent_by_accident(
    wire: responses.RequestsMock, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine system.example.test login someone password example-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    wire.get(f"{BASE}/thing", **OK)
    client().send("GET", "/thing", operation="try")
    assert "Authorization" not in wire.calls[0].request.headers


def test_a_guard_speaks_before_anything_is_sent(wire: responses.RequestsMock) -> None:
    seen: list[tuple[str, str, Any]] = []

    def guard(method: str, path: str, body: Any) -> None:
        seen.append((method, path, body))
        raise Refused("example", "guard", "never", code="guarded")

    with pytest.raises(Refused):
        client(guard=guard).send("DELETE", f"{BASE}/thing/1?x=/$ref", operation="try")
    assert seen == [("DELETE", "/thing/1", None)]
    assert len(wire.calls) == 0
