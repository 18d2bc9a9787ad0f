"""Usage reports as they come: redirected, with a byte-order mark, short or long, hidden, empty, broken."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date

import pytest
import responses

from integrations.errors import RateLimited, Transient
from integrations.graph_reports import KINDS, GraphReports, Unusable, Usage
from integrations.graph_transport import graph_transport

BASE = "https://graph.example.test/v1.0"
ELSEWHERE = "https://download.example.test/secret-address"
MAILBOX = (
    "Report Refresh Date,User Principal Name,Last Activity Date,Storage Used (Byte),Has Archive,Recipient Type,New Col"
)


class Key:
    """Credentials whose token must never leave for another host."""

    def authorization(self) -> str:
        return "Bearer example-token"

    def renew(self) -> bool:
        return False


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def reports() -> GraphReports:
    return GraphReports(graph_transport(BASE, Key()))


def served(wire: responses.RequestsMock, source: str, body: bytes) -> None:
    wire.get(f"{BASE}/reports/{KINDS[source].call}(period='D180')", status=302, headers={"Location": ELSEWHERE})
    wire.get(ELSEWHERE, body=body, content_type="application/octet-stream")


def rows(source: str) -> list[Usage]:
    return list(reports().read(source).rows)


def test_a_report_is_fetched_without_our_token_and_read_by_name(
    wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f"\ufeff{MAILBOX}\n2026-11-20,Ana@Example.Test,2026-11-02,1024,True,Shared,x\n".encode()
    served(wire, "mailbox", body)
    report = reports().read("mailbox")
    assert report.as_of == date(2026, 11, 20)
    facts = {"bytes": 1024, "archive": True, "recipient_type": "Shared"}
    assert list(report.rows) == [Usage("ana@example.test", date(2026, 11, 2), facts)]
    assert "Authorization" in wire.calls[0].request.headers
    assert "Authorization" not in wire.calls[1].request.headers
    assert "secret-address" not in caplog.text


def test_short_columns_say_nothing_rather_than_no(wire: responses.RequestsMock) -> None:
    head = "Report Refresh Date,User Principal Name,Last Activity Date,Storage Used (Byte)"
    served(wire, "mailbox", f"{head}\n2026-11-20,ana@example.test,,\n".encode())
    [ana] = rows("mailbox")
    assert (ana.used_on, ana.facts) == (None, {"bytes": None, "archive": None, "recipient_type": None})


def test_the_newest_workload_counts_and_year_one_is_never(wire: responses.RequestsMock) -> None:
    head = "Report Refresh Date,User Principal Name,Is Deleted,Exchange Last Activity Date,Teams Last Activity Date"
    lines = (
        "2026-11-20,ana@example.test,False,2026-10-01,2026-11-01\n2026-11-20,ben@example.test,False,0001-01-01,\n"
        "2026-11-20,left@example.test,True,2026-11-01,\n"
    )
    served(wire, "m365_active", f"{head}\n{lines}".encode())
    [ana, ben] = rows("m365_active")
    assert (ana.used_on, ana.facts) == (
        date(2026, 11, 1), {"workloads": {"Exchange": "2026-10-01", "Teams": "2026-11-01"}}
    )  # fmt: skip
    assert ben.used_on is None


def test_activated_desktop_apps_and_copilot_by_app(wire: responses.RequestsMock) -> None:
    head = "Report Refresh Date,User Principal Name,Last Activity Date,Windows,Mac,Outlook,Word"
    served(wire, "m365_apps", f"{head}\n2026-11-20,ana@example.test,2026-11-01,Yes,No,True,False\n".encode())
    assert rows("m365_apps")[0].facts == {"desktop": True, "apps": ["Outlook"]}
    head = (
        "Report Refresh Date,User Principal Name,Last Activity Date,"
        "Microsoft Teams Copilot Last Activity Date,Word Copilot Last Activity Date"
    )
    served(wire, "copilot", f"{head}\n2026-11-20,ana@example.test,2026-11-01,2026-11-01,\n".encode())
    assert rows("copilot")[0].facts == {"apps": {"Teams": "2026-11-01"}}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (f"{MAILBOX}\n".encode(), "unreadable"),
        (b"", "unreadable"),
        (b"Something,Else\n1,2\n", "unreadable"),
        (f"{MAILBOX}\n".encode() + b"\xff\xfe\x00", "unreadable"),
        (f"{MAILBOX}\n,ana@example.test,2026-11-02,1,True,User,x\n".encode(), "unreadable"),
        (f"{MAILBOX}\n2026-11-20,9F86D081884C7D659A2FEAA0C55AD015,,1,True,User,x\n".encode(), "concealed"),
        (b"<html><body>Sign in</body></html>", "unreadable"),
    ],
)
def test_what_cannot_be_relied_on_is_said_and_no_row_counts(
    wire: responses.RequestsMock, body: bytes, state: str
) -> None:
    served(wire, "mailbox", body)
    with pytest.raises(Unusable) as caught:
        rows("mailbox")
    assert caught.value.state == state and caught.value.words.endswith(".")


@pytest.mark.parametrize("location", ["", "http://download.example.test/x", "/relative"])
def test_an_address_that_is_none_is_not_followed(wire: responses.RequestsMock, location: str) -> None:
    call = f"{BASE}/reports/{KINDS['teams'].call}(period='D180')"
    wire.get(call, status=302, headers={"Location": location} if location else {})
    with pytest.raises(Unusable):
        reports().read("teams")
    assert len(wire.calls) == 1


def test_a_missing_permission_is_named(wire: responses.RequestsMock) -> None:
    wire.get(
        f"{BASE}/reports/{KINDS['teams'].call}(period='D180')",
        status=403,
        json={"error": {"code": "Authorization_RequestDenied", "message": "x"}},
    )
    with pytest.raises(Unusable) as caught:
        reports().read("teams")
    assert caught.value.state == "no_permission" and "Reports.Read.All" in caught.value.words


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (403, Transient), (503, Transient)])
def test_a_download_that_fails_is_tried_again_later(
    wire: responses.RequestsMock, status: int, kind: type[Exception]
) -> None:
    wire.get(f"{BASE}/reports/{KINDS['teams'].call}(period='D180')", status=302, headers={"Location": ELSEWHERE})
    wire.get(ELSEWHERE, status=status, headers={"Retry-After": "9"})
    with pytest.raises(kind):
        reports().read("teams")


def test_the_setting_that_hides_names_is_read_or_unknown(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/admin/reportSettings", json={"displayConcealedNames": True})
    assert reports().concealed() is True
    wire.replace("GET", f"{BASE}/admin/reportSettings", status=403, json={"error": {"code": "x", "message": "x"}})
    assert reports().concealed() is None
