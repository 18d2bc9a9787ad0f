"""The ServiceNow stand-in's Table API answers as the documented one does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from sandbox.servicenow import add_choice, set_property
from tests.http.servicenow_standin import Snow, running

STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
CLOSE = {"state": "6", "close_code": "Solution provided", "close_notes": "done"}


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as snow:
        yield snow


def test_create_answers_201_with_location_and_text_only(snow: Snow) -> None:
    answer = snow.call("POST", "incident", json={"short_description": "Too many seats", "urgency": 1, "impact": 2})
    row = answer.json()["result"]
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{snow.url}/api/now/table/incident/{row['sys_id']}"
    assert all(isinstance(value, str | dict) for value in row.values())
    assert row["number"].startswith("INC")
    assert (row["urgency"], row["active"], row["state"], row["incident_state"]) == ("1", "true", "1", "1")
    assert STAMP.fullmatch(row["sys_created_on"])
    assert (row["sys_mod_count"], row["sys_updated_by"]) == ("0", "seatkeeper")


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [(1, 1, 1), (1, 2, 2), (2, 1, 2), (1, 3, 3), (2, 2, 3), (3, 1, 3), (2, 3, 4), (3, 2, 4), (3, 3, 5)],
)
def test_priority_is_looked_up_and_not_taken(snow: Snow, impact: int, urgency: int, priority: int) -> None:
    row = snow.create(impact=impact, urgency=urgency, priority="1")
    assert row["priority"] == str(priority)


def test_reference_shapes_in_every_mode(snow: Snow) -> None:
    row = snow.create(short_description="x", caller_id=snow.ana)
    link = f"{snow.url}/api/now/table/sys_user/{snow.ana}"

    def shape(**parameters: str) -> object:
        return snow.read("incident", row["sys_id"], sysparm_fields="caller_id", **parameters)["caller_id"]

    name = "Ana Lindqvist"
    assert shape() == {"link": link, "value": snow.ana}
    assert shape(sysparm_exclude_reference_link="True") == snow.ana
    assert shape(sysparm_display_value="true") == {"display_value": name, "link": link}
    assert shape(sysparm_display_value="true", sysparm_exclude_reference_link="true") == name
    assert shape(sysparm_display_value="all") == {"display_value": name, "value": snow.ana, "link": link}
    assert row["assignment_group"] == ""


def test_display_values_are_labels_and_local_time(snow: Snow) -> None:
    snow.standin.instance.update("sys_user", _account(snow), {"time_zone": "Asia/Tokyo"}, snow.standin.control.agent())
    row = snow.create(short_description="x")
    shown = snow.read("incident", row["sys_id"], sysparm_display_value="all", sysparm_fields="state,opened_at")
    assert shown["state"] == {"display_value": "New", "value": "1"}
    assert shown["opened_at"]["value"] == row["opened_at"]
    assert shown["opened_at"]["display_value"] != row["opened_at"]


def _account(snow: Snow) -> str:
    return str(snow.standin.instance.find("sys_user", user_name="seatkeeper")[0]["sys_id"])


def test_capitalised_booleans_empty_parameters_and_unknown_fields_are_accepted(snow: Snow) -> None:
    row = snow.create(short_description="x", no_such_field="y")
    answer = snow.call(
        "GET", "incident",
        params={"sysparm_query": "", "sysparm_view": "", "sysparm_display_value": "False", "sysparm_limit": "10000",
                "sysparm_exclude_reference_link": "False", "sysparm_fields": "sys_id,no_such_field"},
    )  # fmt: skip
    assert answer.json()["result"] == [{"sys_id": row["sys_id"]}]
    assert "no_such_field" not in row


def test_paging_headers_and_limits(snow: Snow) -> None:
    for number in range(5):
        snow.create(short_description=f"n{number}")
    parameters = {"sysparm_query": "ORDERBYnumber", "sysparm_limit": "2", "sysparm_offset": "2"}
    answer = snow.call("GET", "incident", params=parameters)
    assert answer.headers["X-Total-Count"] == "5"
    assert set(answer.links) == {"first", "prev", "next", "last"}
    last = requests.get(answer.links["last"]["url"], auth=("seatkeeper", "example-password"), timeout=10)
    assert [row["short_description"] for row in last.json()["result"]] == ["n4"]
    assert "next" not in last.links
    quiet = snow.call(
        "GET", "incident", params={"sysparm_no_count": "true", "sysparm_suppress_pagination_header": "True"}
    )
    assert "X-Total-Count" not in quiet.headers
    assert "Link" not in quiet.headers
    assert snow.call("GET", "incident", params={"sysparm_offset": "-1"}).status_code == 400


def test_the_limit_comes_before_the_access_rules(snow: Snow) -> None:
    rows = [snow.create(short_description=f"n{number}") for number in range(4)]
    snow.fault("acl_hidden", None, numbers=[rows[0]["number"], rows[1]["number"]])
    page = snow.call("GET", "incident", params={"sysparm_query": "ORDERBYnumber", "sysparm_limit": "2"})
    assert page.json()["result"] == []
    assert page.headers["X-Total-Count"] == "4"
    assert "next" in page.links
    hidden = snow.call("GET", f"incident/{rows[0]['sys_id']}")
    absent = snow.call("GET", "incident/" + "0" * 32)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json() == absent.json()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("short_description=alpha", "a"), ("short_description!=alpha", "bcd"), ("short_descriptionLIKEet", "b"),
        ("short_descriptionSTARTSWITHga", "c"), ("short_descriptionENDSWITHta", "bd"), ("impactIN1,2", "ab"),
        ("impactNOT IN1,2", "cd"), ("correlation_idISEMPTY", "cd"), ("correlation_idISNOTEMPTY", "ab"),
        ("impact>1^impact<=2", "b"), ("impact>=3", "cd"), ("impact<2", "a"), ("impactBETWEEN1@2", "ab"),
        ("impact=1^ORimpact=2^correlation_id=k2", "b"), ("impact=1^NQshort_description=delta", "ad"),
        ("caller_id.email=ana.lindqvist@example.com", "a"), ("caller_id.name=Nobody", ""),
        ("no_such_field=1^impact=1", "a"), ("no_such_field=1", "abcd"), ("correlation=k1", "abcd"),
        ("caller_id.no_such=1^impact=2", "b"), ("sys_created_on>=2020-01-01 00:00:00", "abcd"),
        ("sys_created_on>javascript:gs.daysAgoStart(1)", "abcd"), ("sys_updated_on<2020-01-01 00:00:00", ""),
    ],
)  # fmt: skip
def test_encoded_queries(snow: Snow, query: str, found: str) -> None:
    """Among them: a part with an unknown field is ignored and the rest is run."""
    names = {"a": "alpha", "b": "beta", "c": "gamma", "d": "delta"}
    snow.create(short_description="alpha", impact=1, correlation_id="k1", caller_id=snow.ana)
    snow.create(short_description="beta", impact=2, correlation_id="k2")
    snow.create(short_description="gamma")
    snow.create(short_description="delta")
    rows = snow.search("incident", f"{query}^ORDERBYnumber", "short_description")
    assert [row["short_description"] for row in rows] == [names[letter] for letter in found]


def test_an_unknown_field_finds_nothing_once_the_property_says_so(snow: Snow) -> None:
    row = snow.create(short_description="x")
    set_property(snow.standin.instance, "glide.invalid_query.returns_no_rows", "true")
    assert snow.search("incident", "no_such_field=1") == []
    assert snow.search("incident", f"number={row['number']}") != []


def test_order_and_plain_filters(snow: Snow) -> None:
    for text in ("b", "c", "a"):
        snow.create(short_description=text, correlation_display="Seatkeeper")
    rows = snow.search("incident", "correlation_display=Seatkeeper^ORDERBYDESCshort_description", "short_description")
    assert [row["short_description"] for row in rows] == ["c", "b", "a"]
    plain = snow.call("GET", "incident", params={"short_description": "b", "sysparm_query": "short_description=c"})
    assert [row["short_description"] for row in plain.json()["result"]] == ["b"]


def test_the_old_version_answers_404_for_nothing_and_the_default_an_empty_list(snow: Snow) -> None:
    query = {"sysparm_query": "number=INC9999999"}
    assert snow.call("GET", "/api/now/v1/table/incident", params=query).status_code == 404
    for path in ("/api/now/table/incident", "/api/now/v2/table/incident"):
        answer = snow.call("GET", path, params=query)
        assert (answer.status_code, answer.json()) == (200, {"result": []})


def test_journal_fields_append_and_read_as_nothing(snow: Snow) -> None:
    row = snow.create(short_description="x", work_notes="first")
    changed = snow.patch("incident", row["sys_id"], work_notes="second", comments="for the caller").json()["result"]
    snow.patch("incident", row["sys_id"], work_notes="second")
    assert changed["work_notes"] == changed["comments"] == ""
    query = f"element_id={row['sys_id']}^element=work_notes"
    entries = snow.search("sys_journal_field", query, "value,name")
    assert [entry["value"] for entry in entries] == ["first", "second", "second"]
    shown = snow.read("incident", row["sys_id"], sysparm_display_value="true", sysparm_fields="work_notes")
    assert shown["work_notes"].count("(Work notes)") == 3


def test_updates_change_only_what_is_sent_and_count(snow: Snow) -> None:
    row = snow.create(short_description="x", description="long", correlation_id="k")
    snow.clock.forward(timedelta(seconds=5))
    put = snow.call("PUT", f"incident/{row['sys_id']}", json={"description": "", "number": "INC1", "opened_at": "x"})
    changed = put.json()["result"]
    assert (changed["description"], changed["short_description"], changed["number"]) == ("", "x", row["number"])
    assert changed["sys_mod_count"] == "1"
    assert changed["sys_updated_on"] > row["sys_updated_on"]
    same = snow.patch("incident", row["sys_id"], short_description="x").json()["result"]
    assert same["sys_mod_count"] == "1"


def test_long_text_is_cut_and_only_the_first_of_several_records_is_taken(snow: Snow) -> None:
    answer = snow.call("POST", "incident", json=[{"short_description": "x" * 200}, {"short_description": "second"}])
    assert len(answer.json()["result"]["short_description"]) == 160
    assert len(snow.search("incident", "")) == 1


def test_closing_needs_code_and_notes_and_names_labels(snow: Snow) -> None:
    row = snow.create(short_description="x")
    answer = snow.patch("incident", row["sys_id"], state="6")
    assert answer.status_code == 403
    assert answer.json() == {
        "error": {
            "message": "Operation Failed",
            "detail": "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes",
        },
        "status": "failure",
    }
    wrong = snow.patch("incident", row["sys_id"], **CLOSE | {"close_code": "Solved (Permanently)"})
    assert wrong.json()["error"]["detail"].endswith("mandatory: Resolution code")
    add_choice(snow.standin.instance, "incident", "close_code", "Solved (Permanently)")
    done = snow.patch("incident", row["sys_id"], **CLOSE | {"close_code": "Solved (Permanently)"}).json()["result"]
    assert (done["state"], done["incident_state"]) == ("6", "6")
    assert done["resolved_by"]["value"] == _account(snow)


def test_unknown_choices_are_dropped_without_a_word(snow: Snow) -> None:
    row = snow.create(short_description="x", category="nonsense", state="99")
    assert (row["category"], row["state"]) == ("inquiry", "1")
    assert snow.patch("incident", row["sys_id"], category="").json()["result"]["category"] == "inquiry"


def test_on_hold_needs_a_reason_and_the_caller_takes_it_off(snow: Snow) -> None:
    row = snow.create(short_description="x", caller_id=_account(snow))
    assert "On hold reason" in snow.patch("incident", row["sys_id"], state="3").json()["error"]["detail"]
    waits = snow.patch("incident", row["sys_id"], state="3", hold_reason="1")
    assert "Additional comments" in waits.json()["error"]["detail"]
    held = snow.patch("incident", row["sys_id"], state="3", hold_reason="4")
    assert held.status_code == 200
    assert snow.patch("incident", row["sys_id"], comments="here").json()["result"]["state"] == "2"


def test_an_integration_resolves_and_time_closes(snow: Snow) -> None:
    row = snow.create(short_description="x")
    assert snow.patch("incident", row["sys_id"], **CLOSE | {"state": "7"}).status_code == 403
    snow.patch("incident", row["sys_id"], **CLOSE)
    snow.clock.forward(timedelta(days=6))
    assert snow.read("incident", row["sys_id"])["state"] == "6"
    snow.clock.forward(timedelta(days=2))
    closed = snow.read("incident", row["sys_id"])
    assert (closed["state"], closed["active"], closed["sys_updated_by"]) == ("7", "false", "system")
    assert snow.patch("incident", row["sys_id"], work_notes="late").status_code == 403


def test_resolved_may_be_reopened(snow: Snow) -> None:
    row = snow.create(short_description="x")
    snow.patch("incident", row["sys_id"], **CLOSE)
    again = snow.patch("incident", row["sys_id"], state="2").json()["result"]
    assert (again["reopen_count"], again["resolved_at"], again["close_code"]) == ("1", "", "")


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "message"),
    [
        ("GET", "no_such_table", {}, 400, "Invalid table no_such_table"),
        ("GET", "/api/now/nothing", {}, 400, "Requested URI does not represent any resource"),
        ("GET", "incident/" + "0" * 32, {}, 404, "No Record found"),
        ("GET", "incident", {"headers": {"Accept": None}}, 400, "Exception while reading request"),
        ("GET", "incident", {"headers": {"Accept": "text/html"}}, 406, "Not acceptable"),
        ("POST", "incident", {"data": "x"}, 400, "Exception while reading request"),
        ("POST", "incident", {"data": {"a": "b"}}, 415, "Unsupported media type"),
        ("POST", "incident", {"data": "{", "headers": {"Content-Type": "application/json"}}, 400,
         "Exception while reading request"),
        ("GET", "incident", {"user": ""}, 401, "User Not Authenticated"),
        ("GET", "incident", {"auth": ("seatkeeper", "wrong")}, 401, "User Not Authenticated"),
        ("GET", "incident", {"user": "powerless"}, 403, "Insufficient rights to query records"),
        ("POST", "incident", {"user": "powerless", "json": {}}, 403, "Operation Failed"),
        ("PATCH", "/api/now/table/incident", {"json": {}}, 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_error_bodies(snow: Snow, method: str, path: str, more: dict[str, Any], status: int, message: str) -> None:
    answer = snow.call(method, path, **more)
    body = answer.json()
    assert (answer.status_code, body["error"]["message"], body["status"]) == (status, message, "failure")
    assert set(body["error"]) == {"message", "detail"}
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_delete_needs_admin_and_answers_204(snow: Snow) -> None:
    row = snow.create(short_description="x")
    headers = {"Content-Type": "application/json"}
    assert snow.call("DELETE", f"incident/{row['sys_id']}", headers=headers).status_code == 403
    answer = snow.call("DELETE", f"incident/{row['sys_id']}", headers=headers, user="root")
    assert (answer.status_code, answer.content) == (204, b"")
    assert snow.call("GET", f"incident/{row['sys_id']}").status_code == 404


def test_nothing_makes_a_correlation_id_unique(snow: Snow) -> None:
    first = snow.create(short_description="x", correlation_id="seat:1:2")
    snow.create(short_description="x", correlation_id="seat:1:2")
    rows = snow.search("incident", "correlation_id=seat:1:2^ORDERBYnumber")
    assert len(rows) == 2
    assert rows[0]["number"] == first["number"]


def test_the_customers_own_table_and_the_choice_list(snow: Snow) -> None:
    row = snow.create("u_licence_case", u_sku="E5", short_description="x")
    assert snow.read("u_licence_case", row["sys_id"])["u_sku"] == "E5"
    codes = snow.search("sys_choice", "name=incident^element=close_code^inactive=false", "value,label")
    assert {"value": "Solution provided", "label": "Solution provided"} in codes
    people = snow.search("sys_user", "email=ana.lindqvist@example.com^active=true", "sys_id", sysparm_limit="2")
    assert people == [{"sys_id": snow.ana}]


def test_what_people_see_may_be_written_when_asked(snow: Snow) -> None:
    values = {"assignment_group": "Licence Desk", "state": "In Progress", "due_date": "2026-01-02 03:04:05"}
    shown = snow.call("POST", "incident", json=values, params={"sysparm_input_display_value": "True"}).json()["result"]
    assert (shown["assignment_group"]["value"], shown["state"]) == (snow.group, "2")
    raw = snow.create(**values | {"due_date": "next week"})
    assert (raw["assignment_group"]["value"], raw["state"], raw["due_date"]) == ("Licence Desk", "1", "")


def test_all_kinds_of_task_are_found_under_task(snow: Snow) -> None:
    row = snow.create(short_description="x")
    snow.ordered(snow.cheap)
    classes = {found["sys_class_name"] for found in snow.search("task", "", "sys_class_name")}
    assert classes == {"incident", "sc_request", "sc_req_item", "sc_task"}
    assert snow.patch("task", row["sys_id"], state="2").json()["result"]["state"] == "2"
    assert snow.call("POST", "task", json={}).status_code == 403


@pytest.mark.parametrize(
    "parameters",
    [
        {"sysparm_limit": "abc", "sysparm_offset": ""},
        {"sysparm_query": "^OR^^NQ^ORDERBY^nonsense^javascript:gs.nothing(^sys_created_onBETWEEN1"},
        {"sysparm_fields": "caller_id.manager.name,variables.x,a.b.c,number", "sysparm_display_value": "all"},
    ],
)
def test_odd_parameters_are_survived(snow: Snow, parameters: dict[str, str]) -> None:
    snow.create(short_description="x")
    assert snow.call("GET", "incident", params=parameters).status_code == 200


def test_attachments_are_never_merged(snow: Snow) -> None:
    row = snow.create(short_description="x")
    parameters = {"table_name": "incident", "table_sys_id": row["sys_id"], "file_name": "devices.csv"}
    headers = {"Content-Type": "text/csv"}
    path = "/api/now/attachment"
    first = snow.call("POST", f"{path}/file", params=parameters, data=b"a,b", headers=headers)
    snow.call("POST", f"{path}/file", params=parameters, data=b"a,b", headers=headers)
    fields = {"table_name": "incident", "table_sys_id": row["sys_id"]}
    form = snow.call("POST", f"{path}/upload", data=fields, files={"uploadFile": ("devices.csv", b"a", "text/csv")})
    assert (first.status_code, form.status_code) == (201, 201)
    assert first.json()["result"]["size_bytes"] == "3"
    query = {"sysparm_query": f"table_sys_id={row['sys_id']}^file_name=devices.csv"}
    listed = snow.call("GET", path, params=query).json()["result"]
    assert len(listed) == 3
    one = listed[0]["sys_id"]
    assert snow.call("GET", f"{path}/{one}/file").content == b"a,b"
    assert snow.call("DELETE", f"{path}/{one}").status_code == 204
    assert snow.call("GET", f"{path}/{one}").status_code == 404
    missing = snow.call("POST", f"{path}/file", params={"table_name": "incident"}, data=b"", headers=headers)
    assert missing.status_code == 400
    nowhere = snow.call("POST", f"{path}/file", params=parameters | {"table_sys_id": "0"}, data=b"", headers=headers)
    assert nowhere.status_code == 404
