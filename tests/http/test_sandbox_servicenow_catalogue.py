"""The life of a catalogue order in the ServiceNow stand-in, decided there by people or from here by the integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.servicenow_standin import Snow, running


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as snow:
        yield snow


def item_of(snow: Snow, sys_id: str) -> dict[str, Any]:
    return snow.read("sc_req_item", sys_id, sysparm_exclude_reference_link="true")


def test_an_order_makes_request_item_and_task(snow: Snow) -> None:
    answer = snow.order(snow.cheap).json()["result"]
    assert answer["table"] == "sc_request"
    assert answer["number"] == answer["request_number"]
    [row] = snow.search(
        "sc_req_item", f"request={answer['request_id']}", "number,state,stage,approval,variables.reference,"
        "correlation_id,requested_for.email,request.number",
    )  # fmt: skip
    assert row.pop("number").startswith("RITM")
    assert row == {
        "state": "1", "stage": "fulfillment", "approval": "approved", "variables.reference": "seat:1",
        "correlation_id": "seat:1", "requested_for.email": "ana.lindqvist@example.com",
        "request.number": answer["number"],
    }  # fmt: skip
    assert len(snow.search("sc_task", f"request={answer['request_id']}^active=true")) == 1
    sentences = [entry["sentence"] for entry in snow.traffic.since()]
    assert sentences[0].startswith("opened RITM00")
    assert sentences[0].endswith("for Ana Lindqvist · ServiceNow answered 200")


def test_the_item_says_what_it_wants(snow: Snow) -> None:
    item = snow.call("GET", f"/api/sn_sc/servicecatalog/items/{snow.dear}").json()["result"]
    assert (item["name"], item["price"]) == ("Design suite seat", "$600.00")
    assert [(v["name"], v["mandatory"]) for v in item["variables"]] == [("reference", True), ("plan", False)]
    assert snow.call("GET", "/api/sn_sc/servicecatalog/items/unknown").status_code == 404


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"sysparm_requested_for": "0" * 32}, "Invalid value for sysparm_requested_for"),
        ({"sysparm_requested_for": ""}, "Invalid value for sysparm_requested_for"),
        ({"variables": {"plan": "E5"}}, "Mandatory Variables are required"),
        ({"variables": "E5"}, "Invalid variables"),
        ({"sysparm_quantity": "0"}, "Invalid quantity"),
        ({"sysparm_quantity": "many"}, "Invalid quantity"),
    ],
)
def test_a_wrong_order_is_refused_and_leaves_nothing(snow: Snow, more: dict[str, Any], message: str) -> None:
    answer = snow.order(snow.cheap, **more)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)
    assert snow.search("sc_request", "") == []


@pytest.mark.parametrize(
    ("outcome", "state", "stage", "order_state"),
    [
        ("complete", "3", "complete", "closed_complete"),
        ("incomplete", "4", "closed_incomplete", "closed_incomplete"),
        ("skipped", "7", "complete", "closed_complete"),
        ("cancelled", "4", "Request Cancelled", "closed_cancelled"),
    ],
)
def test_a_person_over_there_ends_it(snow: Snow, outcome: str, state: str, stage: str, order_state: str) -> None:
    row = snow.ordered(snow.cheap)
    snow.control("POST", "resolve", number=row["number"], outcome=outcome, note="because")
    ended = item_of(snow, row["sys_id"])
    assert (ended["state"], ended["stage"], ended["active"]) == (state, stage, "false")
    assert ended["sys_updated_by"] == "admin"
    assert snow.read("sc_request", row["request"])["request_state"] == order_state
    assert snow.search("sc_task", "active=true") == []
    [entry] = snow.search("sys_journal_field", f"element_id={row['sys_id']}", "value,sys_created_by")
    assert entry == {"value": "because", "sys_created_by": "admin"}
    assert snow.control("POST", "resolve", number=row["number"], outcome=outcome).status_code == 409


def test_the_integration_closes_the_requested_item(snow: Snow) -> None:
    row = snow.ordered(snow.cheap)
    done = snow.patch("sc_req_item", row["sys_id"], state="3", work_notes="seat given").json()["result"]
    assert (done["state"], done["stage"], done["active"]) == ("3", "complete", "false")
    assert snow.read("sc_request", row["request"])["request_state"] == "closed_complete"
    assert [task["state"] for task in snow.search("sc_task", "", "state")] == ["7"]


def test_the_last_task_ends_the_item(snow: Snow) -> None:
    row = snow.ordered(snow.cheap)
    [task] = snow.search("sc_task", f"request_item={row['sys_id']}")
    snow.patch("sc_task", task["sys_id"], state="2")
    assert item_of(snow, row["sys_id"])["state"] == "2"
    snow.patch("sc_task", task["sys_id"], state="3")
    assert item_of(snow, row["sys_id"])["state"] == "3"


def test_above_a_thousand_dollars_an_approval_there_comes_first(snow: Snow) -> None:
    assert snow.ordered(snow.dear, 1)["stage"] == "fulfillment"
    row = snow.ordered(snow.dear, 2)
    assert (row["approval"], row["stage"], row["state"]) == ("requested", "waiting_for_approval", "1")
    query = f"sysapproval={row['request']}^state=requested"
    [ask] = snow.search("sysapproval_approver", query, "approver,document_id", sysparm_display_value="true")
    assert ask["approver"]["display_value"] == "System Administrator"
    assert snow.search("sc_task", f"request_item={row['sys_id']}") == []
    early = snow.control("POST", "resolve", number=row["number"], outcome="complete")
    assert (early.status_code, early.json()["error"]["message"]) == (409, "Waits for approval first")
    snow.control("POST", "resolve", number=row["number"], outcome="approve")
    approved = item_of(snow, row["sys_id"])
    assert (approved["approval"], approved["stage"]) == ("approved", "fulfillment")
    assert len(snow.search("sc_task", f"request_item={row['sys_id']}")) == 1
    assert snow.control("POST", "resolve", number=row["number"], outcome="approve").status_code == 409


def test_an_approver_may_answer_through_the_api(snow: Snow) -> None:
    row = snow.ordered(snow.dear, 2)
    [ask] = snow.search("sysapproval_approver", f"sysapproval={row['request']}")
    assert snow.patch("sysapproval_approver", ask["sys_id"], state="approved").status_code == 403
    snow.call("PATCH", f"sysapproval_approver/{ask['sys_id']}", json={"state": "approved"}, user="root")
    assert item_of(snow, row["sys_id"])["approval"] == "approved"


def test_closing_the_item_withdraws_an_open_approval(snow: Snow) -> None:
    row = snow.ordered(snow.dear, 2)
    snow.patch("sc_req_item", row["sys_id"], state="4", work_notes="withdrawn in chat")
    [ask] = snow.search("sysapproval_approver", f"sysapproval={row['request']}", "state")
    assert ask["state"] == "cancelled"


def test_a_rejected_approval_is_its_own_outcome(snow: Snow) -> None:
    row = snow.ordered(snow.dear, 2)
    snow.control("POST", "resolve", number=row["number"], outcome="reject_approval", note="too dear")
    rejected = item_of(snow, row["sys_id"])
    assert (rejected["approval"], rejected["state"], rejected["active"]) == ("rejected", "4", "false")
    order = snow.read("sc_request", row["request"])
    assert (order["request_state"], order["approval"]) == ("closed_rejected", "rejected")


def test_reopened_and_deleted_over_there(snow: Snow) -> None:
    row = snow.ordered(snow.cheap)
    snow.control("POST", "resolve", number=row["number"], outcome="complete")
    again = snow.control("POST", "reopen", number=row["number"]).json()["record"]
    assert (again["state_word"], again["stage_word"], again["active"]) == ("Work in Progress", "Fulfillment", True)
    assert len(snow.search("sc_task", "active=true")) == 1
    assert snow.read("sc_request", row["request"])["request_state"] == "in_process"
    assert snow.control("POST", "delete", sys_id=row["sys_id"]).json() == {"deleted": row["number"]}
    assert snow.call("GET", f"sc_req_item/{row['sys_id']}").status_code == 404


def test_incidents_are_ended_and_edited_by_people_too(snow: Snow) -> None:
    rows = [snow.create(short_description=outcome) for outcome in ("complete", "incomplete", "cancelled")]
    snow.control(
        "POST", "edit", number=rows[0]["number"], by="ana.lindqvist", values={"work_notes": "mine", "state": "2"}
    )
    assert snow.read("incident", rows[0]["sys_id"])["sys_updated_by"] == "ana.lindqvist"
    for row in rows:
        snow.control("POST", "resolve", number=row["number"], outcome=row["short_description"], note="n")
    assert [snow.read("incident", row["sys_id"])["state"] for row in rows] == ["6", "6", "8"]
    assert snow.read("incident", rows[1]["sys_id"])["close_code"] == "No resolution provided"
    assert snow.control("POST", "reopen", number=rows[0]["number"]).json()["record"]["state_word"] == "In Progress"
    assert snow.control("POST", "edit", number=rows[0]["number"], values=[1]).status_code == 400
    assert snow.control("POST", "resolve", number="INC404", outcome="complete").status_code == 404
    assert snow.control("POST", "resolve", number=rows[0]["number"], outcome="perhaps").status_code == 400


def test_the_state_is_told_in_words(snow: Snow) -> None:
    row = snow.ordered(snow.dear, 2)
    snow.patch("sc_req_item", row["sys_id"], work_notes="approved by two people in chat")
    records = snow.control("GET", "state").json()["records"]
    shown = next(record for record in records if record["number"] == row["number"])
    assert (shown["state_word"], shown["stage_word"]) == ("Open", "Waiting for Approval")
    assert (shown["person"], shown["assignment_group"]) == ("Ana Lindqvist", "Licence Desk")
    assert shown["approvals"] == [{"approver": "System Administrator", "state": "requested"}]
    assert shown["journal"][-1]["text"] == "approved by two people in chat"
    assert shown["variables"] == {"reference": "seat:1"}


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "servicenow.jsonl"
    with running(journal) as snow:
        first = snow.ordered(snow.cheap)
    with running(journal) as snow:
        assert item_of(snow, first["sys_id"])["number"] == first["number"]
        second = snow.ordered(snow.cheap)
        assert second["number"] > first["number"]
        assert len(snow.search("sys_user", "user_name=ana.lindqvist")) == 1


def test_control_calls_are_not_traffic(snow: Snow) -> None:
    snow.control("GET", "state")
    assert snow.control("GET", "traffic").json() == {"traffic": []}
