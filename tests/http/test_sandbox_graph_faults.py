"""Bad days of the Graph stand-in: throttling, lost answers, replicas that lag, batches out of order, hidden reports."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.certificates import make_ca
from tests.http.sandbox_graph_tenant import E5, READER, VISIO, WRITER, Tenant, check, refused, running


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path) as made:
        made.directory.add_sku(VISIO, 2)
        made.token(READER), made.token(WRITER)
        yield made


@pytest.fixture
def ana(tenant: Tenant) -> str:
    return tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist", usage={"Teams": "2026-01-15"})


# -- throttling and trouble --------------------------------------------------------------------------------------------


def test_throttled_with_and_without_a_waiting_time(tenant: Tenant) -> None:
    tenant.fault("throttled", times=1, retry_after=7)
    answer = tenant.get("/users")
    check("microsoft.graph.ODataErrors.ODataError", answer.json())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["error"]["code"] == "TooManyRequests"
    tenant.fault("throttled_bare", times=1)
    bare = tenant.get("/users")
    assert bare.status_code == 429
    assert "Retry-After" not in bare.headers
    assert tenant.get("/users").status_code == 200


def test_unavailable_and_failing(tenant: Tenant) -> None:
    tenant.fault("unavailable", times=1)
    tenant.fault("server_error", times=1)
    assert [tenant.get("/users").status_code for _ in range(3)] == [503, 500, 200]


def test_a_concurrent_write_is_409_and_changes_nothing(tenant: Tenant, ana: str) -> None:
    tenant.fault("concurrency_409", times=1, retry_after=3)
    answer = tenant.assign(ana, [VISIO])
    refused(answer, 409, "Directory_ConcurrencyViolation")
    assert answer.headers["Retry-After"] == "3"
    assert tenant.states(ana) == []
    assert tenant.assign(ana, [VISIO]).status_code == 200


def test_an_answer_lost_after_the_seat_was_given(tenant: Tenant, ana: str) -> None:
    tenant.fault("commit_then_hang_up", times=1, path="assignLicense")
    with pytest.raises(requests.ConnectionError):
        tenant.assign(ana, [VISIO])
    assert tenant.consumed(VISIO) == 1
    assert tenant.traffic.since()[-2]["sentence"].endswith("no answer came back")


def test_an_error_after_the_seat_was_taken_makes_a_blind_repeat_fail(tenant: Tenant, ana: str) -> None:
    tenant.assign(ana, [VISIO])
    tenant.fault("commit_then_error", times=1, path="assignLicense")
    answer = tenant.assign(ana, [], [VISIO])
    assert answer.status_code == 500
    check("microsoft.graph.ODataErrors.ODataError", answer.json())
    message = "User does not have a corresponding license."
    refused(tenant.assign(ana, [], [VISIO]), 400, "Request_BadRequest", message)


def test_a_connection_closed_before_anything_was_done(tenant: Tenant, ana: str) -> None:
    tenant.fault("hang_up", times=1, path="assignLicense")
    with pytest.raises(requests.ConnectionError):
        tenant.assign(ana, [VISIO])
    assert tenant.consumed(VISIO) == 0


def test_a_silent_caller_holds_up_nobody(tenant: Tenant) -> None:
    with socket.create_connection(("127.0.0.1", tenant.graph.port)):
        assert tenant.get("/users").status_code == 200


def test_a_caller_who_trusts_another_authority_is_turned_away(tenant: Tenant, tmp_path: Path) -> None:
    with requests.Session() as stranger:
        stranger.trust_env, stranger.verify = False, str(make_ca(tmp_path / "other").ca)
        with pytest.raises(requests.exceptions.SSLError):
            stranger.get(tenant.graph.url, timeout=20)
    assert tenant.get("/users").status_code == 200


# -- lagging reads -----------------------------------------------------------------------------------------------------


def test_reads_lag_behind_writes_and_catch_up(tenant: Tenant, ana: str) -> None:
    tenant.assign(ana, [VISIO])
    tenant.fault("lagging_reads", seconds=30)
    assert tenant.states(ana) == []
    assert tenant.consumed(VISIO) == 0
    assert tenant.get("/users?$select=id,assignedLicenses").json()["value"][0]["assignedLicenses"] == []
    tenant.forward(seconds=31)
    assert [state["state"] for state in tenant.states(ana)] == ["Active"]
    assert tenant.consumed(VISIO) == 1
    tenant.assign(ana, [], [VISIO])
    assert (len(tenant.states(ana)), tenant.consumed(VISIO)) == (1, 1)


def test_a_repeat_meets_the_truth_even_while_reads_lag(tenant: Tenant, ana: str) -> None:
    """Writes go to the primary: whoever believes the stale read and gives again uses no second unit."""
    tenant.assign(ana, [VISIO])
    tenant.fault("lagging_reads", seconds=30)
    assert tenant.assign(ana, [VISIO]).status_code == 200
    tenant.faults.clear()
    assert (len(tenant.states(ana)), tenant.consumed(VISIO)) == (1, 1)


def test_members_and_deleted_people_lag_too(tenant: Tenant, ana: str) -> None:
    group = tenant.directory.add_group("Visio users", members=[ana])
    tenant.delete(f"/groups/{group}/members/{ana}/$ref")
    tenant.fault("lagging_reads", seconds=30)
    assert len(tenant.get(f"/groups/{group}/members").json()["value"]) == 1
    tenant.forward(seconds=31)
    assert tenant.get(f"/groups/{group}/members").json()["value"] == []


# -- batches -----------------------------------------------------------------------------------------------------------


def batch(tenant: Tenant, calls: list[dict[str, Any]], **more: Any) -> requests.Response:
    return tenant.post("/$batch", {"requests": calls}, **more)


def test_a_batch_answers_in_another_order_with_each_status_its_own(tenant: Tenant, ana: str) -> None:
    tenant.fault("batch_throttled", times=1, path="/users/.*/manager", retry_after=4)
    body = batch(
        tenant,
        [
            {"id": "1", "method": "GET", "url": f"/users/{ana}?$select=id"},
            {"id": "2", "method": "GET", "url": f"/users/{ana}/manager"},
            {"id": "3", "method": "GET", "url": f"/users/{ana}/manager"},
            {"id": "4", "method": "GET", "url": "/subscribedSkus"},
        ],
        by=READER,
    ).json()
    check("batchResponse", body)
    assert [one["id"] for one in body["responses"]] != ["1", "2", "3", "4"]
    by_id = {one["id"]: one for one in body["responses"]}
    assert {key: one["status"] for key, one in by_id.items()} == {"1": 200, "2": 429, "3": 404, "4": 200}
    assert by_id["2"]["headers"]["Retry-After"] == "4"
    assert by_id["1"]["body"]["id"] == ana
    check("microsoft.graph.ODataErrors.ODataError", by_id["3"]["body"])


def test_writes_in_a_batch_obey_dependencies(tenant: Tenant, ana: str) -> None:
    change = {"addLicenses": [{"skuId": VISIO, "disabledPlans": []}], "removeLicenses": []}
    undo: dict[str, Any] = {"addLicenses": [], "removeLicenses": [VISIO]}
    kind = {"Content-Type": "application/json"}
    url = f"/users/{ana}/assignLicense"
    body = batch(
        tenant,
        [
            {"id": "a", "method": "POST", "url": url, "headers": kind, "body": change},
            {"id": "b", "method": "POST", "url": url, "headers": kind, "body": undo, "dependsOn": ["a"]},
            {"id": "c", "method": "POST", "url": url, "headers": kind, "body": undo, "dependsOn": ["b"]},
            {"id": "d", "method": "POST", "url": url, "headers": kind, "body": change, "dependsOn": ["c"]},
        ],
    ).json()
    assert {one["id"]: one["status"] for one in body["responses"]} == {"a": 200, "b": 200, "c": 400, "d": 424}
    assert tenant.consumed(VISIO) == 0


def test_membership_can_be_changed_in_a_batch(tenant: Tenant, ana: str) -> None:
    group = tenant.directory.add_group("Visio users", members=[ana])
    calls = [{"id": "1", "method": "DELETE", "url": f"/groups/{group}/members/{ana}/$ref"}]
    assert batch(tenant, calls).json()["responses"][0]["status"] == 204
    assert tenant.get(f"/users/{ana}").status_code == 200


@pytest.mark.parametrize(
    "calls",
    [
        [],
        [{"id": str(n), "method": "GET", "url": "/users"} for n in range(21)],
        [{"id": "1", "method": "GET", "url": "/users"}, {"id": "1", "method": "GET", "url": "/users"}],
        [{"id": "1", "method": "POST", "url": "/users/x/assignLicense", "body": {}}],
        [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["9"]}],
        [{"id": "1", "method": "SHOUT", "url": "/users"}],
    ],
)
def test_a_wrong_batch_is_refused_whole(tenant: Tenant, calls: list[dict[str, Any]]) -> None:
    assert batch(tenant, calls, by=READER).status_code == 400


# -- usage reports -----------------------------------------------------------------------------------------------------


def report(tenant: Tenant, name: str, period: str = "period='D30'") -> list[dict[str, str]]:
    answer = tenant.get(f"/reports/{name}({period})", allow_redirects=False)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (302, "text/plain")
    content = tenant.session.get(answer.headers["Location"], timeout=20)
    assert content.headers["Content-Type"] == "application/octet-stream"
    assert content.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.content.decode("utf-8-sig"))))


def test_a_report_is_fetched_from_a_second_address_without_the_token(tenant: Tenant, ana: str) -> None:
    tenant.directory.grant(ana, VISIO)
    row = report(tenant, "getOffice365ActiveUserDetail")[0]
    assert (row["User Principal Name"], row["Teams Last Activity Date"]) == ("ana@contoso.example", "2026-01-15")
    assert row["Assigned Products"].isupper()
    refreshed = date.fromisoformat(row["Report Refresh Date"])
    assert tenant.clock.now().date() - refreshed == timedelta(days=2)
    leaked = tenant.get("/reports/getOffice365ActiveUserDetail(period='D30')")  # follows, with the token
    assert leaked.status_code == 400


def test_the_download_address_expires(tenant: Tenant, ana: str) -> None:
    location = tenant.get("/reports/getM365AppUserDetail(period='D7')", allow_redirects=False).headers["Location"]
    tenant.forward(minutes=6)
    assert tenant.session.get(location, timeout=20).status_code == 403


def test_concealed_names_join_to_nothing_and_the_setting_says_so(tenant: Tenant, ana: str) -> None:
    tenant.directory.grant(ana, VISIO)
    assert tenant.get("/admin/reportSettings").json()["displayConcealedNames"] is False
    tenant.fault("concealed")
    body = tenant.get("/admin/reportSettings").json()
    check("microsoft.graph.adminReportSettings", body)
    assert body["displayConcealedNames"] is True
    row = report(tenant, "getTeamsUserActivityUserDetail")[0]
    assert len(row["User Principal Name"]) == 32
    assert "@" not in row["User Principal Name"]


def test_stale_reports_and_short_column_sets(tenant: Tenant, ana: str) -> None:
    tenant.directory.grant(ana, VISIO)
    long = report(tenant, "getMailboxUsageDetail")[0]
    tenant.fault("stale_reports", days=12)
    tenant.fault("short_columns")
    short = report(tenant, "getMailboxUsageDetail")[0]
    assert set(long) - set(short) == {"Deleted Item Quota (Byte)", "Has Archive", "Recipient Type"}
    assert date.fromisoformat(short["Report Refresh Date"]) == tenant.clock.now().date() - timedelta(days=12)


@pytest.mark.parametrize(
    "call", ["getNothing(period='D7')", "getMailboxUsageDetail(date=2026-01-01)", "getM365AppUserDetail(period='D8')"]
)
def test_reports_that_do_not_exist(tenant: Tenant, call: str) -> None:
    assert tenant.get(f"/reports/{call}").status_code == 400


def test_the_busy_tenant_never_gives_a_seat_twice(tenant: Tenant) -> None:
    """Thirty people ask at the same moment for two seats."""
    from concurrent.futures import ThreadPoolExecutor

    keys = [tenant.directory.add_user(f"p{n}@contoso.example", f"Person {n}") for n in range(30)]
    tenant.directory.add_sku(E5, 30)

    def ask(key: str) -> int:
        body = {"addLicenses": [{"skuId": VISIO, "disabledPlans": []}], "removeLicenses": []}
        headers = {"Authorization": f"Bearer {tenant.token(WRITER)}"}
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(tenant.ca.ca)
            url = f"{tenant.graph.graph_url}/users/{key}/assignLicense"
            return session.post(url, json=body, headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, keys))
    assert (answers.count(200), answers.count(400)) == (2, 28)
    assert tenant.consumed(VISIO) == 2
