"""POST /webhooks/servicenow: a hint makes the next reading come sooner, and nothing it says is used or kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select
from structlog.testing import capture_logs

from jobs.tables import Job
from model.tickets import TicketPoll
from tests.http.servicenow_standin import running
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import Web, serving
from workflows.ticket_budget import ALL

SECRET = "example-hint-secret"
HINT = {"table": "incident", "sys_id": "0" * 32, "state": "6"}


@pytest.fixture
def web(sqlite_url: str) -> Iterator[Web]:
    company = found(sqlite_url)
    with serving(company, hint_secret=SECRET) as opened:
        yield opened
    company.database.dispose()


def post(web: Web, secret: str | None = SECRET, **more: Any) -> requests.Response:
    headers = {"X-Webhook-Secret": secret} if secret is not None else {}
    if not more:
        more["json"] = HINT
    headers |= more.pop("headers", {})
    return requests.post(f"{web.url}/webhooks/servicenow", headers=headers, timeout=10, **more)


def polls(company: Company) -> list[Any]:
    with company.database.reading() as connection:
        return [*connection.execute(select(Job.payload, Job.run_at, Job.queue).where(Job.kind == "tickets.poll"))]


def hinted(company: Company) -> Any:
    with company.database.reading() as connection:
        return connection.execute(select(TicketPoll.hinted_at).where(TicketPoll.table_name == ALL)).scalar()


def test_hints_of_the_same_seconds_make_one_reading_after_the_last(web: Web) -> None:
    for _ in range(5):  # replayed, or five changes: the same
        answer = post(web)
        assert (answer.status_code, answer.json()) == (202, {"accepted": True})
    (job,) = polls(web.company)
    assert job.queue == "servicenow" and job.payload == {}, "nothing that was said is kept"
    assert NOW < job.run_at <= NOW + timedelta(seconds=5)
    assert hinted(web.company) == NOW
    web.time[0] = job.run_at
    assert post(web).status_code == 202
    assert len(polls(web.company)) == 2, "one that comes while the reading runs is followed by another"


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (401, {"secret": None}),
        (401, {"secret": "wrong"}),
        (401, {"secret": ""}),
        (401, {"secret": SECRET + "x"}),
        (401, {"secret": "", "headers": {"Authorization": f"Bearer {SECRET}"}, "json": HINT}),
        (413, {"json": {"text": "x" * 20_000}}),
        (415, {"data": "state=6"}),
        (415, {"data": b"{}", "headers": {"Content-Type": "text/plain"}}),
        (400, {"data": b"{", "headers": {"Content-Type": "application/json"}}),
        (400, {"data": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}),
        (400, {"data": b"[" * 10_000, "headers": {"Content-Type": "application/json"}}),
        (400, {"json": [HINT]}),
        (411, {"data": iter([b"{}"]), "headers": {"Content-Type": "application/json"}}),
    ],
)
def test_anything_wrong_is_refused_with_one_line_and_nothing_stored(
    web: Web, status: int, asked: dict[str, Any]
) -> None:
    with capture_logs() as logged:
        answer = post(web, **asked)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert SECRET not in answer.text
    assert len([line for line in logged if line["event"] == "hint refused"]) == 1
    assert SECRET not in str(logged)
    assert polls(web.company) == [] and hinted(web.company) is None


def test_other_ways_in_are_closed(web: Web) -> None:
    assert web.get("/webhooks/servicenow", token="").status_code == 405
    with serving(web.company) as without:
        answer = post(without)
        assert answer.status_code == 404
        assert "SERVICENOW_WEBHOOK_SECRET" in answer.json()["error"]["message"]
        assert post(without, secret="").status_code == 404
    assert polls(web.company) == []


def test_a_business_rule_that_posts_twice_and_out_of_order_leads_to_one_reading(web: Web) -> None:
    with running() as snow:
        hook = {"url": f"{web.url}/webhooks/servicenow", "secret": SECRET, "duplicate": True, "shuffle": True}
        snow.control("POST", "settings", webhook=hook)
        made = snow.create(short_description="A seat")
        snow.patch("incident", made["sys_id"], short_description="Another")
        ends = time.monotonic() + 10
        while _told(snow) < 4 and time.monotonic() < ends:
            time.sleep(0.02)
        assert _told(snow) == 4
    with web.company.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Job).where(Job.kind == "tickets.poll")).scalar() == 1


def _told(snow: Any) -> int:
    return len([one for one in snow.traffic.since() if one["sender"] == "ServiceNow" and one["status"] == 202])
