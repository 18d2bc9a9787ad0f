"""Each trap of pysnow, reproduced on the wire, and what our gate makes of it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pysnow
import pytest
import requests
import responses
from structlog.testing import capture_logs

from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_auth import BasicCredentials, TokenCredentials
from integrations.servicenow_tables import Tables, explain
from integrations.servicenow_types import Mark, Record, moment, value_of

BASE = "https://example.service-now.test"
INCIDENT = f"{BASE}/api/now/table/incident"
SYS_ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROW = {"sys_id": SYS_ID, "number": "INC0010001", "correlation_id": "seat:1", "correlation_display": "Seatkeeper"}


def tables() -> Tables:
    return Tables(BASE, BasicCredentials("seatkeeper", "example-password"), now=lambda: NOW)


def client() -> ServiceNowClient:
    return ServiceNowClient(tables())


def query_of(call: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(call.request.url).query)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


# -- the traps, by their numbers in the reference


@pytest.mark.parametrize(("status", "expected"), [(403, Refused), (429, RateLimited), (500, Unclear)])
def test_1_a_failed_write_raises_at_once(wire: responses.RequestsMock, status: int, expected: type[Exception]) -> None:
    """pysnow's create() alone loses the ticket silently."""
    error = {"error": {"message": "Operation Failed", "detail": "ACL Exception"}, "status": "failure"}
    wire.post(INCIDENT, status=status, json=error)
    pysnow.Client(host="example.service-now.test", user="a", password="b").resource(api_path="/table/incident").create(
        {}
    )
    with pytest.raises(expected):
        tables().create("incident", {"short_description": "x"}, "create")


def test_2_errors_carry_the_reason_and_never_the_address(
    wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.get(f"{BASE}/api/now/table/sys_user", status=403, json={"error": {"message": "Insufficient rights"}})
    with capture_logs() as logged, pytest.raises(Refused) as caught:
        client().find_person("ana@example.test")
    assert "Insufficient rights" in caught.value.detail
    wire.get(f"{BASE}/api/now/table/sc_task", body=requests.ConnectionError("https://x?q=ana@example.test"))
    with capture_logs() as more, pytest.raises(Transient) as lost:
        tables().page("sc_task", "email=ana@example.test", "try")
    for text in (str(caught.value), str(lost.value), json.dumps(logged + more), caplog.text):
        assert "ana@" not in text
        assert "sysparm_query" not in text


def test_3_limits_are_told_and_pages_followed_by_the_total(wire: responses.RequestsMock) -> None:
    reset = {"X-RateLimit-Reset": str(int(NOW.timestamp()) + 1200), "X-RateLimit-Limit": "100"}
    wire.get(INCIDENT, status=429, json={"error": {"message": "Rate limit exceeded"}}, headers=reset)
    with pytest.raises(RateLimited) as caught:
        client().find_by_correlation("incident", "seat:1")
    assert caught.value.retry_after == 1200
    changed = ROW | {"sys_updated_on": "2026-11-23 11:59:00", "sys_mod_count": "3"}
    wire.replace("GET", INCIDENT, json={"result": [changed]}, headers={"X-Total-Count": "5"})
    page = client().changes.page("incident", "seat:", Mark(NOW.replace(hour=11), 2))
    assert page.following == Mark(datetime(2026, 11, 23, 11, 59, tzinfo=UTC), 2)
    same = client().changes.page("incident", "seat:", page.following)
    assert same.following == Mark(datetime(2026, 11, 23, 11, 59, tzinfo=UTC), 4), "a fuller page of the same second"
    last = client().changes.page("incident", "seat:", Mark(NOW, 5))
    assert last.following is None
    wire.replace("GET", INCIDENT, json={"result": []}, headers={"X-Total-Count": "5"})
    hidden = client().changes.page("incident", "seat:", Mark(NOW, 2))
    assert hidden.following == Mark(NOW, 4), "rights may empty a page; more can follow"


def test_4_no_parameter_of_one_call_reaches_the_next(wire: responses.RequestsMock) -> None:
    wire.get(INCIDENT, json={"result": []})
    wire.post(INCIDENT, status=201, json={"result": ROW})
    ours = tables()
    ours.page("incident", "correlation_id=seat:1", "find", fields=["sys_id"], limit=1)
    ours.create("incident", {"short_description": "x"}, "create")
    sent = query_of(wire.calls[1])
    assert "sysparm_query" not in sent
    assert "sysparm_fields" not in sent


def test_5_records_are_changed_by_sys_id_and_patch(wire: responses.RequestsMock) -> None:
    wire.patch(f"{INCIDENT}/{SYS_ID}", json={"result": ROW | {"urgency": "2", "state": "1"}})
    done = client().patch("incident", SYS_ID, {"urgency": "2", "state": "6", "comments": "hello"})
    assert done.ignored == ("state",)
    assert [call.request.method for call in wire.calls] == ["PATCH"]


@pytest.mark.parametrize(
    "body",
    [
        {"result": [ROW], "error": {"message": "Transaction cancelled"}},
        {"error": {"message": "x"}},
        {"status": "success"},
        [1, 2],
    ],
)
def test_6_partial_or_foreign_bodies_are_no_answer(wire: responses.RequestsMock, body: Any) -> None:
    wire.get(INCIDENT, json=body)
    wire.patch(f"{INCIDENT}/{SYS_ID}", json=body)
    with pytest.raises(Transient):
        tables().page("incident", "active=true", "find")
    with pytest.raises(Unclear):
        tables().patch("incident", SYS_ID, {"urgency": "2"}, "change")


@pytest.mark.parametrize("result", [[], [ROW, ROW], "text", None])
def test_6b_one_record_is_due_and_something_else_comes(wire: responses.RequestsMock, result: Any) -> None:
    wire.post(INCIDENT, status=201, json={"result": result})
    with pytest.raises(Unclear):
        tables().create("incident", {"short_description": "x"}, "create")


@pytest.mark.parametrize("value", ["a^b", "a\nb", "a\rb", "javascript:gs.log()", "  JAVASCRIPT:x", ""])
def test_7_values_are_checked_before_they_stand_in_a_query(wire: responses.RequestsMock, value: str) -> None:
    ours = client()
    for call in (
        lambda: ours.find_by_correlation("incident", value),
        lambda: ours.create("incident", {}, value, "Seatkeeper"),
        lambda: ours.add_note("incident", SYS_ID, "text", value),
        lambda: ours.changes.page("incident", value, Mark(NOW)),
        lambda: ours.attach("incident", SYS_ID, value, b"", "text/plain"),
        lambda: ours.order_item(SYS_ID, SYS_ID, {}, value),
    ):
        with pytest.raises(Refused):
            call()
    assert ours.find_person(value) is None
    assert len(wire.calls) == 0


@pytest.mark.parametrize("name", ["incident/../x", "Incident", "inc ident", "", "incident?x=1"])
def test_7b_names_and_ids_cannot_change_the_address(wire: responses.RequestsMock, name: str) -> None:
    with pytest.raises(Refused):
        tables().page(name, "active=true", "find")
    with pytest.raises(Refused):
        tables().read("incident", name, "read")
    assert len(wire.calls) == 0


def test_8_tokens_come_by_client_credentials_and_end_when_the_answer_says(wire: responses.RequestsMock) -> None:
    now = [0.0]
    wire.post(f"{BASE}/oauth_token.do", json={"access_token": "t1", "expires_in": 1799})
    wire.get(INCIDENT, json={"result": []})
    ours = TokenCredentials(BASE, "example-client", "example-secret", clock=lambda: now[0])
    gate = Tables(BASE, ours)
    gate.page("incident", "active=true", "find")
    assert wire.calls[1].request.headers["Authorization"] == "Bearer t1"
    form = parse_qs(str(wire.calls[0].request.body))
    assert form["grant_type"] == ["client_credentials"]
    assert wire.calls[0].request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    wire.replace("POST", f"{BASE}/oauth_token.do", json={"access_token": "t1", "expires_in": "12"})
    now[0] = 1770
    assert ours.authorization() == "Bearer t1"
    tokens = sum("oauth" in str(call.request.url) for call in wire.calls)
    now[0] += 5
    ours.authorization()
    assert sum("oauth" in str(call.request.url) for call in wire.calls) == tokens, "twelve seconds are not over"
    now[0] += 2
    ours.authorization()
    assert sum("oauth" in str(call.request.url) for call in wire.calls) == tokens + 1


def test_9_the_session_is_ours_also_after_pysnow_took_it(wire: responses.RequestsMock) -> None:
    wire.get(INCIDENT, json={"result": []})
    tables().page("incident", "active=true", "find")
    headers = wire.calls[0].request.headers
    assert headers["Authorization"].startswith("Basic ")
    assert headers["Accept"] == "application/json"


def test_10_a_file_keeps_its_content_type(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/api/now/attachment", json={"result": []})
    wire.post(f"{BASE}/api/now/attachment/file", status=201, json={"result": {"sys_id": SYS_ID}})
    client().attach("incident", SYS_ID, "devices.csv", b"\x00\xffraw", "text/csv")
    request = wire.calls[1].request
    assert request.headers["Content-Type"] == "text/csv"
    assert request.body == b"\x00\xffraw"
    assert query_of(wire.calls[1])["file_name"] == ["devices.csv"]


def test_one_session_and_client_per_thread(wire: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    start = pysnow.Client.__init__

    def counted(self: Any, **options: Any) -> None:
        made.append(threading.get_ident())
        start(self, **options)

    monkeypatch.setattr(pysnow.Client, "__init__", counted)  # to see which thread makes one
    wire.get(INCIDENT, json={"result": []})
    ours = tables()
    ready = threading.Barrier(3)

    def work() -> None:
        ready.wait(timeout=10)
        for _ in range(3):
            ours.page("incident", "active=true", "find")
        ready.wait(timeout=10)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(made) == len(set(made)) == 3


# -- looking before making


def test_rows_that_were_not_asked_for_stop_the_creation(wire: responses.RequestsMock) -> None:
    wire.get(INCIDENT, json={"result": [ROW | {"correlation_id": "something else"}]})
    with pytest.raises(Refused) as caught:
        client().create("incident", {}, "seat:1", "Seatkeeper")
    assert caught.value.code == "query_ignored"
    assert "glide.invalid_query" in caught.value.detail


def test_a_key_that_differs_in_case_only_is_not_ours(wire: responses.RequestsMock) -> None:
    wire.get(INCIDENT, json={"result": [ROW | {"correlation_id": "SEAT:1"}]})
    assert client().find_by_correlation("incident", "seat:1") == []


def test_an_instance_that_drops_the_key_is_refused(wire: responses.RequestsMock) -> None:
    wire.get(INCIDENT, json={"result": []})
    wire.post(INCIDENT, status=201, json={"result": ROW | {"correlation_id": ""}})
    with pytest.raises(Refused) as caught:
        client().create("incident", {}, "seat:1", "Seatkeeper")
    assert "INC0010001" in caught.value.detail
    with pytest.raises(Refused) as long:
        client().create("incident", {}, "x" * 101, "Seatkeeper")
    assert long.value.code == "long_key"


def test_absent_and_hidden_look_the_same(wire: responses.RequestsMock) -> None:
    error = {"error": {"message": "No Record found", "detail": "Record doesn't exist or ACL restricts the record"}}
    wire.get(f"{INCIDENT}/{SYS_ID}", status=404, json=error)
    with pytest.raises(NotFound):
        client().read("incident", SYS_ID)


# -- values


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("abc", "abc"),
        ("", ""),
        (None, ""),
        (True, "true"),
        ({"link": f"{BASE}/api/now/table/sys_user/{SYS_ID}", "value": SYS_ID}, SYS_ID),
        ({"display_value": "Ana", "value": SYS_ID, "link": "x"}, SYS_ID),
        ({"display_value": "Ana", "link": f"{BASE}/api/now/table/sys_user/{SYS_ID}"}, SYS_ID),
        ({"display_value": "Ana"}, "Ana"),
    ],
)
def test_references_come_in_all_shapes(raw: Any, value: str) -> None:
    assert value_of(raw) == value
    assert Record.of("incident", {"sys_id": SYS_ID, "caller_id": raw}).get("caller_id") == value


def test_times_are_utc_and_may_be_missing() -> None:
    assert moment("2026-11-23 12:00:00") == NOW
    assert moment("") is None
    assert moment("23/11/2026") is None
    assert Record.of("incident", {"sys_mod_count": "x"}).changes == 0


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (401, {"error": {"message": "User Not Authenticated", "detail": None}}, "unauthenticated", "sign-in"),
        (403, {"error": {"message": "Access to unscoped api is not allowed"}}, "scope", "useraccount"),
        (
            403,
            {"error": {"message": "Data Policy Exception", "detail": "mandatory: Resolution code"}},
            "data_policy",
            "more",
        ),
        (403, {"error": {"message": "Operation against file 'incident' was aborted"}}, "forbidden", "aborted"),
        (400, {"error": {"message": "Invalid table x", "detail": None}}, "400", "Invalid table"),
        (400, "text", "400", "400"),
    ],
)
def test_error_bodies_become_sentences(status: int, body: Any, code: str, words: str) -> None:
    got, sentence = explain(status, body)
    assert got == code
    assert words in sentence


@pytest.mark.parametrize("url", ["example.service-now.test", "ftp://example.test", ""])
def test_an_address_without_a_scheme_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="SERVICENOW_URL"):
        Tables(url, BasicCredentials("a", "b"))
