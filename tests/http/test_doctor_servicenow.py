"""The doctor before instances that are wrong in one way each: one sentence, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.doctor_checks import Line
from bot.doctor_servicenow import servicenow
from integrations.errors import Refused
from integrations.http import Timeouts
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_auth import BasicCredentials
from integrations.servicenow_tables import Tables
from sandbox.servicenow import add_choice, add_group, add_user, set_property
from sandbox.servicenow_records import SYSTEM, TableRules
from sandbox.servicenow_schema import PROPERTY_NO_ROWS, Table
from tests.http.servicenow_standin import Snow, running
from workflows.policy import Policy


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as started:
        set_property(started.standin.instance, PROPERTY_NO_ROWS, "true")
        yield started


def lines(snow: Snow, user: str = "seatkeeper", **ours: Any) -> list[Line]:
    tables = Tables(snow.url, BasicCredentials(user, "example-password"), timeouts=Timeouts(connect=2, read=5))
    policy = Policy.model_validate({"servicenow": {"assignment_group": "Licence Desk", "category": "software"} | ours})
    return list(servicenow(ServiceNowClient(tables), policy, []))


def wrong(snow: Snow, level: str = "fail", **how: Any) -> list[str]:
    return [line.words for line in lines(snow, **how) if line.level == level]


def test_an_instance_in_order_is_said_to_be_so(snow: Snow) -> None:
    assert [(line.level, line.words) for line in lines(snow)] == [("ok", "Signed in.")]


def test_a_wrong_close_code_is_named_with_those_there_are(snow: Snow) -> None:
    codes = {"resolved": {"state": "6", "close_code": "Solved (Permanently)"}}
    (failed,) = wrong(snow, close_codes=codes)
    assert failed.startswith(
        "ServiceNow refuses the close code “Solved (Permanently)” in incident; it knows Solution p"
    )
    assert failed.endswith("Choose one of them in policy.yaml, servicenow.close_codes.resolved.close_code.")
    add_choice(snow.standin.instance, "incident", "close_code", "Solution provided", inactive=True)
    assert "“Solution provided”" in wrong(snow)[0]


def test_a_wrong_state_and_category_are_named(snow: Snow) -> None:
    failed = wrong(snow, category="licences", close_codes={"denied": {"state": "40"}})
    assert any("refuses the state “40” in sc_req_item; it knows" in words for words in failed)
    assert any("refuses the category “licences” in incident; it knows inquiry (Inquiry / Help)" in w for w in failed)
    assert len(failed) == 2


def test_a_group_that_is_missing_or_there_twice_is_named(snow: Snow) -> None:
    (missing,) = wrong(snow, assignment_group="Nobody")
    assert missing.startswith("The assignment group “Nobody” is not in ServiceNow, or not active: no record can be")
    add_group(snow.standin.instance, "licence desk")
    (twice,) = wrong(snow)
    assert twice.startswith("ServiceNow has more than one active group “Licence Desk”")


def test_each_right_that_is_missing_is_named_with_what_it_is_for(snow: Snow) -> None:
    failed = wrong(snow, user="powerless")
    named = [words.partition("read ")[2].partition(",")[0] for words in failed]
    assert named == ["sc_req_item", "incident", "sys_journal_field", "sysapproval_approver"]
    assert all("Insufficient rights" in words and "Give the integration user a role" in words for words in failed)


def test_choices_that_cannot_be_read_are_left_to_a_person(snow: Snow) -> None:
    object.__setattr__(snow.standin.instance.tables["sys_choice"], "reads", frozenset({"admin"}))
    assert any("sys_choice, which is needed for checking close codes" in words for words in wrong(snow))
    warned = wrong(snow, "warn")
    assert "The choices of incident.category cannot be read: check servicenow.category yourself." in warned


def test_another_time_zone_and_a_lenient_search_are_warned_of(snow: Snow) -> None:
    (row,) = snow.standin.instance.find("sys_user", user_name="seatkeeper")
    snow.standin.instance.update("sys_user", row["sys_id"], {"time_zone": "Europe/Paris"}, SYSTEM)
    set_property(snow.standin.instance, PROPERTY_NO_ROWS, "false")
    zone, lenient = wrong(snow, "warn")
    assert zone.startswith("The time zone of the integration user seatkeeper is Europe/Paris: set it to GMT")
    assert "set the property glide.invalid_query.returns_no_rows to true" in lenient
    assert wrong(snow) == []


def test_a_mandatory_field_we_do_not_fill_is_named_where_the_dictionary_is_open(snow: Snow) -> None:
    instance = snow.standin.instance
    names = frozenset({"sys_id", "name", "element", "mandatory", "active"})
    instance.tables["sys_dictionary"] = Table("sys_dictionary", names, reads=frozenset(), writes=frozenset())
    instance.rules["sys_dictionary"] = TableRules()
    rows = {
        "short_description": ("task", "true"),
        "business_service": ("incident", "true"),
        "cmdb_ci": ("task", "false"),
    }
    for element, (name, mandatory) in rows.items():
        values = {"name": name, "element": element, "mandatory": mandatory, "active": "true"}
        instance.insert("sys_dictionary", values, SYSTEM)
    (warned,) = wrong(snow, "warn")
    assert warned.startswith("ServiceNow wants business_service in every incident, which we do not know")


def test_a_dead_sign_in_ends_the_part(snow: Snow) -> None:
    add_user(snow.standin.instance, "stranger", name="Some Stranger")
    with pytest.raises(Refused) as caught:
        lines(snow, user="stranger")
    assert caught.value.fatal
