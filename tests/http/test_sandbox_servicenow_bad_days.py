"""The ServiceNow stand-in on bad days: limits, cut answers, writes that happen without an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from tests.http.servicenow_standin import Snow, running


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as snow:
        yield snow


def test_an_hourly_rule_says_when_to_come_back(snow: Snow) -> None:
    snow.fault("rate_limited", limit=100, retry_after=1800)
    answer = snow.call("GET", "incident")
    assert answer.status_code == 429
    assert answer.json()["error"] == {
        "message": "Rate limit exceeded", "detail": "Rate limit of 100 requests per hour for Table API exceeded",
    }  # fmt: skip
    assert answer.headers["Retry-After"] == "1800"
    assert answer.headers["X-RateLimit-Limit"] == "100"
    assert int(answer.headers["X-RateLimit-Reset"]) - snow.clock.now().timestamp() <= 1800
    assert len(answer.headers["X-RateLimit-Rule"]) == 32
    assert snow.call("GET", "incident").status_code == 200


def test_a_budget_is_counted_per_user(snow: Snow) -> None:
    snow.standin.auth.change(rate_limit_per_hour=2)
    answers = [snow.call("GET", "incident") for _ in range(3)]
    assert [answer.status_code for answer in answers] in ([200, 200, 429], [200, 200, 200])  # the hour may turn
    assert answers[0].headers["X-RateLimit-Limit"] == "2"
    assert "Retry-After" not in answers[0].headers
    assert snow.call("GET", "incident", user="root").status_code == 200


def test_a_full_queue_says_nothing(snow: Snow) -> None:
    snow.fault("queue_full")
    answer = snow.call("GET", "incident")
    assert answer.status_code == 429
    assert not {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Reset", "X-RateLimit-Rule"} & set(answer.headers)


def test_status_200_does_not_mean_complete(snow: Snow) -> None:
    for number in range(4):
        snow.create(short_description=f"n{number}")
    snow.fault("quota_truncated")
    cut = snow.call("GET", "incident")
    assert cut.status_code == 200
    assert cut.text.startswith('{"result":[{')
    assert cut.text.endswith('"status": "failure"}')
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.text)
    snow.fault("result_and_error")
    part = snow.call("GET", "incident")
    assert part.status_code == 200
    assert len(part.json()["result"]) == 2
    assert part.json()["error"]["message"].startswith("Transaction cancelled")


def test_a_sleeping_instance_answers_200_with_a_page(snow: Snow) -> None:
    snow.fault("asleep")
    answer = snow.call("POST", "incident", json={"short_description": "x"})
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert snow.search("incident", "") == []


def test_a_hang_up_after_the_commit_leaves_the_record(snow: Snow) -> None:
    snow.fault("commit_then_hang_up", method="POST")
    with pytest.raises(requests.ConnectionError):
        snow.create(short_description="x", correlation_id="seat:1")
    assert len(snow.search("incident", "correlation_id=seat:1")) == 1
    entry = snow.traffic.since()[0]
    assert (entry["fault"], entry["status"]) == ("commit_then_hang_up", 0)
    assert entry["sentence"].endswith("ServiceNow hung up")


def test_an_error_or_a_timeout_after_the_commit_leaves_the_record(snow: Snow) -> None:
    snow.fault("commit_then_error", method="POST")
    assert snow.call("POST", "incident", json={"correlation_id": "seat:1"}).status_code == 500
    snow.fault("commit_then_slow", method="POST", seconds=2)
    with pytest.raises(requests.ReadTimeout):
        snow.call("POST", "incident", json={"correlation_id": "seat:2"}, timeout=1)
    assert len(snow.search("incident", "correlation_idSTARTSWITHseat")) == 2


def test_an_order_that_hung_up_can_be_found_by_its_key(snow: Snow) -> None:
    snow.fault("commit_then_hang_up", method="POST")
    with pytest.raises(requests.ConnectionError):
        snow.order(snow.cheap)
    assert len(snow.search("sc_req_item", "correlation_id=seat:1")) == 1


def test_an_update_that_changes_nothing_answers_200(snow: Snow) -> None:
    row = snow.create(short_description="x")
    snow.fault("read_only_field", fields=["state"])
    answer = snow.patch("incident", row["sys_id"], state="2", description="y")
    assert answer.status_code == 200
    assert (answer.json()["result"]["state"], answer.json()["result"]["description"]) == ("1", "y")
    assert snow.traffic.since()[-1]["fault"] == "read_only_field"


def test_rules_of_the_customer_stop_a_write(snow: Snow) -> None:
    row = snow.create(short_description="x")
    snow.fault("wrong_close_code")
    close = {"state": "6", "close_code": "Solution provided", "close_notes": "n"}
    assert "Resolution code" in snow.patch("incident", row["sys_id"], **close).json()["error"]["detail"]
    snow.fault("business_rule_abort", name="Freeze")
    stopped = snow.patch("incident", row["sys_id"], **close)
    assert stopped.status_code == 403
    assert "was aborted by Business Rule 'Freeze^" in stopped.json()["error"]["detail"]
    snow.fault("signed_out")
    assert snow.patch("incident", row["sys_id"], **close).status_code == 401
    assert snow.patch("incident", row["sys_id"], **close).status_code == 200


def test_a_two_step_checkout_orders_nothing(snow: Snow) -> None:
    snow.fault("two_step_checkout")
    assert set(snow.order(snow.cheap).json()["result"]) == {"cart_id"}
    assert snow.search("sc_request", "") == []


def test_faults_can_be_set_and_cleared_over_http(snow: Snow) -> None:
    added = snow.control("POST", "faults", kind="queue_full", path="/table/incident", times=5).json()["id"]
    listed = snow.control("GET", "faults").json()
    assert [fault["id"] for fault in listed["faults"]] == [added]
    assert "acl_hidden" in listed["kinds"]
    assert snow.call("GET", "incident").status_code == 429
    assert snow.call("GET", "sc_task").status_code == 200
    assert snow.control("DELETE", "faults").json()["faults"] == []
    assert snow.call("GET", "incident").status_code == 200
    for wrong in ({"kind": "earthquake"}, {"kind": "asleep", "path": "("}, {"kind": "asleep", "times": "some"}):
        assert snow.control("POST", "faults", **wrong).status_code == 400
    assert snow.control("GET", "faults").json()["faults"] == []
