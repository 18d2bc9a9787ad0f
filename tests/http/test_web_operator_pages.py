"""Health, readiness, metrics, API and the status page, over real HTTP: what they say, to whom, and in which shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import requests
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, text, update

from jobs.outbox import NewJob, enqueue
from jobs.tables import Job, JobState
from model import seal
from model.events import Event, Tag
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import TOKEN, Web, serving
from web.openapi import document


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    made = found(sqlite_url)
    yield made
    made.database.dispose()


@pytest.fixture
def web(company: Company) -> Iterator[Web]:
    with serving(company, off=("Mail is off: set SMTP_URL.",)) as running:
        yield running


def park(company: Company) -> int:
    with company.database.unit_of_work() as work:
        enqueue(work.connection, [NewJob("card.mail", "mail", {"card": 7})], NOW)
        job = work.connection.execute(select(Job.id).where(Job.kind == "card.mail")).scalar_one()
        parked = {"state": JobState.PARKED, "cause": "mail: send mail: off", "error": "mail is off", "finished_at": NOW}
        work.connection.execute(update(Job).where(Job.id == job).values(**parked))
        work.commit()
    return job


# -- health


def test_the_process_lives_and_is_ready(web: Web) -> None:
    assert web.get("/healthz", token="").json() == {"status": "alive"}
    ready = web.get("/readyz", token="")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "not_ready": []})


def test_what_is_not_ready_is_said_in_words(company: Company) -> None:
    def breaks() -> str:
        raise RuntimeError("ana@acme.example")

    checks = (lambda: "The database is at revision 1, this version needs 2.", breaks, lambda: "")
    with company.database.unit_of_work() as work:
        work.connection.execute(text("UPDATE policy_version SET state = 'retired'"))
        work.commit()
    with serving(company, readiness=checks) as running:
        answer = running.get("/readyz", token="")
    assert answer.status_code == 503
    assert answer.json()["not_ready"] == [
        "The database is at revision 1, this version needs 2.",
        "A check could not be made.",
        "No policy is in force yet.",
    ]


# -- headers, limits, shape


def test_every_answer_carries_the_same_headers(web: Web) -> None:
    for path in ("/healthz", "/api/v1/chain", "/nothing", "/static/seatkeeper.css", "/d/x"):
        headers = web.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert headers["Referrer-Policy"] == "same-origin"
        assert len(headers["X-Request-Id"]) == 16
        assert "Strict-Transport-Security" not in headers
    assert web.get("/healthz").headers["Cache-Control"] == "no-store"


def test_one_error_shape_for_programs_and_a_page_for_people(web: Web) -> None:
    wrong = web.get("/api/v1/nothing")
    assert wrong.status_code == 404
    assert wrong.json()["error"]["message"] == "There is nothing at this address."
    assert wrong.json()["error"]["request_id"] == wrong.headers["X-Request-Id"]
    page = web.get("/nothing", token="")
    assert page.status_code == 404 and "<h1>There is nothing at this address.</h1>" in page.text
    method = web.post("/healthz", json={})
    assert method.status_code == 405 and "GET" in method.headers["Allow"]
    large = web.post("/api/v1/parked/run", data=b"x" * 1_100_000, headers={"Content-Type": "application/json"})
    assert large.status_code in (400, 413) and "error" in large.json()


def test_what_nobody_foresaw_is_a_reference_and_no_more(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("secret of ana@acme.example")

    monkeypatch.setattr("web.api.operations.positions", breaks)
    with serving(company) as running:
        answer = running.get("/api/v1/positions")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"]["reference"] in answer.json()["error"]["message"]


# -- who may


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/openapi.json", "/api/v1/events", "/api/v1/parked"])
def test_a_token_is_needed_and_without_one_set_it_is_off(web: Web, company: Company, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}, {"Authorization": "Digest x"}):
        answer = requests.get(web.url + path, headers=headers, timeout=10)
        assert answer.status_code == 401, headers
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert web.get(path).status_code == 200
    with serving(company, api_token="") as off:
        assert off.get(path).status_code == 404


def test_the_same_work_at_the_same_time_is_one_line(web: Web, company: Company) -> None:
    """Four lines read "bring a message in line", word for word and minute for minute."""
    later = NOW + timedelta(hours=3)
    with company.database.unit_of_work() as work:
        for card in range(900, 904):
            enqueue(work.connection, [NewJob("card.show", "slack", {"card": card}, run_at=later)], NOW)
        work.commit()
    page = web.get("/", token="").text
    assert page.count("bring a message in line") == 1 and "bring a message in line (4 times)" in page


def test_the_status_page_is_for_this_machine_or_the_token(web: Web, company: Company) -> None:
    company.ask(company.copilot, key="v1")
    park(company)
    page = web.get("/", token="")
    assert page.status_code == 200
    for words in (
        "Seatkeeper is ready", "Mail is off: set SMTP_URL.", "1 piece of work since", "mail is off", "Waiting for",
        "REQ-1001: remind whoever decides",
    ):  # fmt: skip
        assert words in page.text, words
    for headers in ({"X-Forwarded-For": "203.0.113.7"}, {"Host": "seatkeeper.example.com"}):
        assert web.get("/", token="", headers=headers).status_code == 401, headers
    with serving(company, base_url="https://seatkeeper.example.com") as published:
        refused = published.get("/", token="")
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Basic")
        assert refused.headers["Strict-Transport-Security"]
        assert requests.get(published.url + "/", auth=("operator", TOKEN), timeout=10).status_code == 200
    with serving(company, base_url="https://seatkeeper.example.com", api_token="") as published:
        assert published.get("/", token="").status_code == 404


# -- metrics


def test_metrics_tell_work_requests_and_the_unsealed_tail(web: Web, company: Company) -> None:
    company.ask(company.copilot, key="v1")
    park(company)
    web.time[0] = NOW + timedelta(minutes=1)
    web.get("/nothing/at/all")
    answer = web.get("/metrics")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["seatkeeper_jobs", ("queue", "mail"), ("state", "parked")] == 1
    assert samples["seatkeeper_oldest_due_job_seconds", ("queue", "slack")] == 60
    assert samples["seatkeeper_requests", ("status", "awaiting_approval")] == 1
    assert samples["seatkeeper_unsealed_events",] >= 4
    assert not any(key[0] == "seatkeeper_figures_age_seconds" for key in samples), "never read is no age"
    seen = ("seatkeeper_http_requests_total", ("method", "GET"), ("route", "unknown"), ("status", "404"))
    assert samples[seen] == 1, "an address that does not exist is no label of its own"


# -- the API


def test_the_description_is_valid_and_names_every_address(web: Web) -> None:
    described = web.get("/api/v1/openapi.json").json()
    validate(described)
    for path, methods in described["paths"].items():
        for method in methods:
            answer = requests.request(method, web.url + path, timeout=10)
            assert answer.status_code == 401, path


def matches(answer: requests.Response, name: str) -> dict[str, Any]:
    described = document("http://example")
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    body: dict[str, Any] = answer.json()
    jsonschema.Draft202012Validator(schema).validate(body)
    return body


def test_events_come_in_chain_order_with_names(web: Web, company: Company) -> None:
    company.ask(company.copilot, key="v1")
    before = matches(web.get("/api/v1/events"), "Events")
    assert before["events"] == [] and before["unsealed_count"] == len(before["unsealed"]) > 0
    seal.seal(company.database, NOW)
    first = matches(web.get("/api/v1/events?limit=2"), "Events")
    assert [one["seq"] for one in first["events"]] == [1, 2] and first["more"] and first["next_after"] == 2
    rest = matches(web.get("/api/v1/events?after=2&limit=500"), "Events")
    assert rest["unsealed"] == [] and not rest["more"]
    sent = next(one for one in rest["events"] if one["tag"] == Tag.REQUEST_SUBMITTED)
    assert (sent["actor"], sent["subject"]) == ("Ana Lindqvist", "REQ-1001")
    assert sent["facts"]["seats"] == 1 and len(sent["hash"]) == 64
    assert "Lyon office" not in json.dumps(rest), "typed words are not in it"
    assert matches(web.get(f"/api/v1/events?after={rest['next_after']}"), "Events")["events"] == []


def test_the_chain_is_checked_and_a_break_is_named(web: Web, company: Company) -> None:
    company.ask(company.copilot, key="v1")
    seal.seal(company.database, NOW)
    whole = matches(web.get("/api/v1/chain"), "Chain")
    assert whole["ok"] and whole["unsealed"] == 0
    with company.database.unit_of_work() as work:
        for trigger in work.connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).scalars().all():  # fmt: skip
            work.connection.execute(text(f"DROP TRIGGER {trigger}"))
        work.connection.execute(update(Event).where(Event.id == 3).values(actor="person:2"))
        work.commit()
    broken = matches(web.get("/api/v1/chain"), "Chain")
    assert not broken["ok"] and broken["first_bad"] == 3


def test_what_happens_next_is_said_in_words(web: Web, company: Company) -> None:
    company.ask(company.copilot, key="v1")
    due = matches(web.get("/api/v1/due?limit=50"), "Due")
    watch = next(one for one in due["due"] if one["kind"] == "step.watch")
    assert watch["words"] == "REQ-1001: remind whoever decides, or ask the next in line"
    assert watch["at"] > due["now"] and not watch["repeats"]
    assert due["next_work_at"] == due["now"], "cards are due at once"


def test_what_is_being_done_counts_as_now(web: Web, company: Company) -> None:
    """Work that had been taken up was on no list, so the demo's clock leapt over it and a reminder never came."""
    with company.database.unit_of_work() as work:
        enqueue(work.connection, [NewJob("card.show", "slack", {"card": 7})], NOW)
        work.connection.execute(update(Job).where(Job.kind == "card.show").values(state=JobState.RUNNING))
        work.commit()
    due = matches(web.get("/api/v1/due?limit=50"), "Due")
    assert [(one["at"], one["repeats"]) for one in due["due"] if one["kind"] == "card.show"] == [(due["now"], False)]
    assert due["next_work_at"] == due["now"]


def test_requests_and_positions(web: Web, company: Company) -> None:
    company.ask(company.miro, key="v1")
    company.ask(company.copilot, key="v2")
    page = matches(web.get("/api/v1/requests?limit=1"), "Requests")
    assert (page["more"], page["requests"][0]["product"]) == (True, "Miro")
    (copilot,) = matches(web.get(f"/api/v1/requests?after={page['next_after']}"), "Requests")["requests"]
    assert copilot["waits_for"] == ["Ben Okafor"] and copilot["words"] == "waiting for a decision"
    (one,) = matches(web.get("/api/v1/requests?status=awaiting_approval"), "Requests")["requests"]
    assert one == copilot
    positions = matches(web.get("/api/v1/positions"), "Positions")["positions"]
    assert [(row["product"], row["bought"], row["source"]) for row in positions] == [
        ("Microsoft Copilot", 40, "the licence register"),
        ("Miro", 40, "the licence register"),
    ]


def test_parked_work_is_run_again_by_number_or_cause(web: Web, company: Company) -> None:
    job = park(company)
    (cause,) = matches(web.get("/api/v1/parked"), "Parked")["parked"]
    assert (cause["words"], cause["jobs"], cause["count"]) == ("mail is off", [job], 1)
    assert matches(web.post("/api/v1/parked/run", json={"cause": "something else"}), "Ran") == {"run": 0}
    assert matches(web.post("/api/v1/parked/run", json={"cause": cause["cause"]}), "Ran") == {"run": 1}
    assert web.woken
    assert matches(web.post("/api/v1/parked/run", json={"jobs": [job]}), "Ran") == {"run": 0}, "it is not parked now"
    with company.database.reading() as connection:
        again = connection.execute(select(Event.actor).where(Event.tag == Tag.JOB_RUN_AGAIN)).scalars().all()
    assert again == ["operator:api"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("/events?page=2", "There is no parameter 'page' here. Known are: after, limit."),
        ("/events?limit=0", "The parameter 'limit' must be 1 to 500; it says 0."),
        ("/events?limit=501", "The parameter 'limit' must be 1 to 500; it says 501."),
        ("/events?after=-1", "The parameter 'after' must be a whole number; it says '-1'."),
        ("/events?after=٣", "The parameter 'after' must be a whole number; it says '٣'."),
        ("/events?after=1&after=2", "The parameter 'after' is given more than once."),
        ("/chain?x=1", "There is no parameter 'x' here."),
        ("/requests?status=lost", "There is no status 'lost'. Known are: awaiting_approval"),
    ],
)
def test_a_wrong_parameter_gets_a_sentence(web: Web, query: str, sentence: str) -> None:
    answer = web.get(f"/api/v1{query}")
    assert answer.status_code == 400
    assert matches(answer, "Error")["error"]["message"].startswith(sentence)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"jobs": "1"}, {"jobs": [True]}, {"jobs": [0]}, {"jobs": [1], "cause": "x"}, {"cause": 1},
             {"jobs": list(range(1, 1002))}, {"jobs": [2**70]}]
)  # fmt: skip
def test_a_wrong_body_gets_a_sentence(web: Web, body: Any) -> None:
    answer = web.post("/api/v1/parked/run", json=body)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "body"
