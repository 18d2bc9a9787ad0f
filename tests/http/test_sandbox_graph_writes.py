"""Seats given and taken on the Graph stand-in: every refusal of assignLicense, groups, and the DELETE that destroys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import graph_skus
from sandbox.graph_directory import stable_id
from tests.http.sandbox_graph_tenant import ADMIN, E5, VISIO, WRITER, Tenant, check, refused, running

EXCHANGE = "efb87545-963c-4e0d-99df-69c6916d9eb0"  # EXCHANGE_S_ENTERPRISE, inside E5
NOWHERE = "00000000-1111-4222-8333-444444444444"


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path) as made:
        made.directory.add_sku(E5, 3)
        made.directory.add_sku(VISIO, 1)
        yield made


@pytest.fixture
def ana(tenant: Tenant) -> str:
    return tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")


@pytest.fixture
def bo(tenant: Tenant) -> str:
    return tenant.directory.add_user("bo@contoso.example", "Bo Ek")


# -- assignLicense -----------------------------------------------------------------------------------------------------


def test_a_seat_given_is_seen_everywhere_and_the_answer_shows_only_defaults(tenant: Tenant, ana: str) -> None:
    answer = tenant.assign(ana, [VISIO])
    assert answer.status_code == 200
    check("microsoft.graph.user", answer.json())
    assert "assignedLicenses" not in answer.json()
    assert tenant.consumed(VISIO) == 1
    row = tenant.get(f"/users/{ana}?$select=assignedLicenses,licenseAssignmentStates").json()
    check("microsoft.graph.user", row)
    assert row["assignedLicenses"] == [{"skuId": VISIO, "disabledPlans": []}]
    state = row["licenseAssignmentStates"][0]
    assert (state["state"], state["error"], state["assignedByGroup"]) == ("Active", "None", None)
    assert tenant.assign(ana, [], [VISIO]).status_code == 200
    assert tenant.consumed(VISIO) == 0


def test_skus_are_matched_in_any_letter_case(tenant: Tenant, ana: str) -> None:
    assert tenant.assign(ana.upper(), [VISIO.upper()]).status_code == 200
    assert tenant.assign(ana, [], [VISIO.upper()]).status_code == 200


@pytest.mark.parametrize(
    "body", [{"addLicenses": []}, {"removeLicenses": []}, {"addLicenses": [], "removeLicenses": None}]
)
def test_both_collections_are_required(tenant: Tenant, ana: str, body: dict[str, Any]) -> None:
    refused(tenant.post(f"/users/{ana}/assignLicense", body), 400, "Request_BadRequest")


def test_malformed_bodies_change_nothing(tenant: Tenant, ana: str) -> None:
    refused(tenant.assign(ana, ["not-a-guid"]), 400, "BadRequest")
    refused(tenant.assign(ana, [], [7]), 400, "BadRequest")
    refused(tenant.post(f"/users/{ana}/assignLicense", ["x"]), 400, "BadRequest")
    answer = tenant.call("POST", f"/users/{ana}/assignLicense", by=WRITER, data="{broken")
    refused(answer, 400, "BadRequest")
    assert tenant.states(ana) == []


def test_removing_what_is_not_there(tenant: Tenant, ana: str) -> None:
    message = "User does not have a corresponding license."
    refused(tenant.assign(ana, [], [VISIO]), 400, "Request_BadRequest", message)


def test_removing_an_inherited_seat(tenant: Tenant, ana: str) -> None:
    tenant.directory.add_group("Visio users", licences=[VISIO], members=[ana])
    message = "User license is inherited from a group membership and it cannot be removed directly from the user."
    refused(tenant.assign(ana, [], [VISIO]), 400, "Request_BadRequest", message)
    assert tenant.consumed(VISIO) == 1


@pytest.mark.parametrize("location", [None, ""])
def test_no_usage_location(tenant: Tenant, ana: str, location: str | None) -> None:
    tenant.directory.change_user(ana, usageLocation=location)
    message = "License assignment cannot be done for user with invalid usage location."
    refused(tenant.assign(ana, [VISIO]), 400, "Request_BadRequest", message)


def test_no_seats_left(tenant: Tenant, ana: str, bo: str) -> None:
    assert tenant.assign(ana, [VISIO]).status_code == 200
    message = f"Subscription with SKU {VISIO} does not have any available licenses."
    refused(tenant.assign(bo, [VISIO]), 400, "Request_BadRequest", message)
    assert tenant.consumed(VISIO) == 1


def test_a_suspended_sku_has_no_seats_and_a_company_sku_is_for_nobody(tenant: Tenant, ana: str) -> None:
    suspended = tenant.directory.add_sku("POWER_BI_PRO", 9, status="Suspended")
    company = tenant.directory.add_sku("AAD_PREMIUM", 9, applies_to="Company")
    message = f"Subscription with SKU {suspended} does not have any available licenses."
    refused(tenant.assign(ana, [suspended]), 400, "Request_BadRequest", message)
    message = f"License {company} cannot be assigned to a user"
    refused(tenant.assign(ana, [company]), 400, "Request_BadRequest", message)
    message = f"License {NOWHERE} does not correspond to a valid company License."
    refused(tenant.assign(ana, [NOWHERE]), 400, "Request_BadRequest", message)


def test_a_sku_in_its_grace_period_can_still_be_given(tenant: Tenant, ana: str) -> None:
    warned = tenant.directory.add_sku("POWER_BI_PRO", 2, status="Warning", warning=2)
    assert tenant.assign(ana, [warned]).status_code == 200


def test_a_disabled_plan_must_belong_to_the_sku(tenant: Tenant, ana: str) -> None:
    answer = tenant.assign(ana, [{"skuId": VISIO, "disabledPlans": [EXCHANGE]}])
    assert "does not belong to subscription" in refused(answer, 400, "Request_BadRequest")["message"]


def test_plans_that_depend_on_others(tenant: Tenant, ana: str) -> None:
    visio_plan = graph_skus.load()[VISIO].plans[0].id
    tenant.directory.add_sku(VISIO, 5, depends={visio_plan: [EXCHANGE]})
    message = f"License assignment failed because service plan {visio_plan} depends on the service plan(s) {EXCHANGE}"
    refused(tenant.assign(ana, [VISIO]), 400, "Request_BadRequest", message)
    assert tenant.assign(ana, [VISIO, E5]).status_code == 200
    refused(tenant.assign(ana, [], [E5]), 400, "Request_BadRequest", message)
    assert tenant.consumed(E5) == 1


def test_plans_that_exclude_one_another(tenant: Tenant, ana: str) -> None:
    visio_plan = graph_skus.load()[VISIO].plans[0].id
    tenant.directory.add_sku(VISIO, 5, conflicts={visio_plan: [EXCHANGE]})
    error = refused(tenant.assign(ana, [VISIO, E5]), 400, "Request_BadRequest")
    assert error["details"][0]["code"] == "MutuallyExclusiveViolation"
    assert "are mutually exclusive" in error["message"]


def test_a_person_who_is_gone(tenant: Tenant) -> None:
    error = refused(tenant.assign(NOWHERE, [VISIO]), 404, "Request_ResourceNotFound")
    assert error["message"].startswith(f"Resource '{NOWHERE}' does not exist")


def test_disabled_plans_are_replaced_and_no_second_unit_is_used(tenant: Tenant, ana: str) -> None:
    plans = [plan.id for plan in graph_skus.load()[E5].plans[:2]]
    tenant.assign(ana, [{"skuId": E5, "disabledPlans": plans}])
    tenant.assign(ana, [{"skuId": E5, "disabledPlans": plans[:1]}])
    assert [state["disabledPlans"] for state in tenant.states(ana)] == [plans[:1]]
    assert tenant.consumed(E5) == 1


def test_a_swap_is_one_call_and_all_or_nothing(tenant: Tenant, ana: str, bo: str) -> None:
    tenant.assign(ana, [E5])
    tenant.assign(bo, [VISIO])
    refused(tenant.assign(ana, [VISIO], [E5]), 400, "Request_BadRequest")
    assert (tenant.consumed(E5), tenant.consumed(VISIO)) == (1, 1)
    tenant.assign(bo, [], [VISIO])
    assert tenant.assign(ana, [VISIO], [E5]).status_code == 200
    assert (tenant.consumed(E5), tenant.consumed(VISIO)) == (0, 1)


def test_direct_and_inherited_use_one_unit_and_dropping_the_direct_one_frees_none(tenant: Tenant, ana: str) -> None:
    group = tenant.directory.add_group("Visio users", licences=[VISIO], members=[ana])
    assert tenant.assign(ana, [VISIO]).status_code == 200
    assert {state["assignedByGroup"] for state in tenant.states(ana)} == {None, group}
    assert tenant.consumed(VISIO) == 1
    assert tenant.assign(ana, [], [VISIO]).status_code == 200
    assert tenant.consumed(VISIO) == 1


# -- groups ------------------------------------------------------------------------------------------------------------


def test_a_group_grants_a_seat_after_a_while(tenant: Tenant, ana: str) -> None:
    group = tenant.directory.add_group("Visio users", licences=[VISIO])
    answer = tenant.add_to_group(group, ana)
    assert (answer.status_code, answer.content) == (204, b"")
    assert tenant.states(ana) == []
    tenant.forward(seconds=6)
    state = tenant.states(ana)[0]
    assert (state["assignedByGroup"], state["state"], state["error"]) == (group, "Active", None)
    assert tenant.consumed(VISIO) == 1
    assert [row["id"] for row in tenant.get(f"/groups/{group}/members").json()["value"]] == [ana]
    assert tenant.delete(f"/groups/{group}/members/{ana}/$ref").status_code == 204
    assert tenant.consumed(VISIO) == 1
    tenant.forward(seconds=6)
    assert (tenant.consumed(VISIO), tenant.states(ana)) == (0, [])


def test_a_group_without_seats_left_ends_in_count_violation_until_there_are_more(
    tenant: Tenant, ana: str, bo: str
) -> None:
    group = tenant.directory.add_group("Visio users", licences=[VISIO], members=[bo])
    tenant.add_to_group(group, ana)
    tenant.forward(seconds=6)
    state = tenant.states(ana)[0]
    assert (state["state"], state["error"]) == ("Error", "CountViolation")
    assert tenant.get(f"/users/{ana}?$select=assignedLicenses").json()["assignedLicenses"] == []
    assert tenant.consumed(VISIO) == 1
    tenant.post(f"/users/{ana}/reprocessLicenseAssignment", by=ADMIN)
    assert tenant.states(ana)[0]["error"] == "CountViolation"
    url = f"{tenant.graph.url}/_sandbox/sku"
    tenant.session.post(url, json={"skuId": VISIO, "enabled": 2}, timeout=20)
    tenant.forward(seconds=6)
    assert [state["state"] for state in tenant.states(ana)] == ["Active"]


def test_reprocessing_a_person_works_at_once(tenant: Tenant, ana: str, bo: str) -> None:
    group = tenant.directory.add_group("Visio users", licences=[VISIO])
    tenant.assign(bo, [VISIO])
    tenant.add_to_group(group, ana)
    tenant.forward(seconds=6)
    assert tenant.states(ana)[0]["state"] == "Error"
    tenant.assign(bo, [], [VISIO])
    answer = tenant.post(f"/users/{ana}/reprocessLicenseAssignment", by=ADMIN)
    check("microsoft.graph.user", answer.json())
    assert tenant.states(ana)[0]["state"] == "Active"


def test_members_of_a_nested_group_get_no_licence(tenant: Tenant, ana: str) -> None:
    inner = tenant.directory.add_group("Inner", members=[ana])
    outer = tenant.directory.add_group("Outer", licences=[VISIO])
    assert tenant.add_to_group(outer, inner).status_code == 204
    tenant.forward(seconds=6)
    assert tenant.states(ana) == []
    assert tenant.get(f"/groups/{outer}/members").json()["value"][0]["@odata.type"] == "#microsoft.graph.group"


@pytest.mark.parametrize(
    ("flag", "status", "code"),
    [
        ("dynamic", 400, "Request_BadRequest"),
        ("synced", 400, "Request_BadRequest"),
        ("role_assignable", 403, "Authorization_RequestDenied"),
    ],
)
def test_groups_that_refuse_writes(tenant: Tenant, ana: str, bo: str, flag: str, status: int, code: str) -> None:
    group = tenant.directory.add_group("Locked", members=[bo], **{flag: True})  # type: ignore[arg-type]
    refused(tenant.add_to_group(group, ana), status, code)
    refused(tenant.delete(f"/groups/{group}/members/{bo}/$ref"), status, code)
    shown = tenant.get(f"/groups/{group}?$select=groupTypes,onPremisesSyncEnabled,isAssignableToRole").json()
    assert shown["groupTypes"] or shown["onPremisesSyncEnabled"] or shown["isAssignableToRole"]


def test_membership_mistakes_are_told_apart(tenant: Tenant, ana: str, bo: str) -> None:
    group = tenant.directory.add_group("Visio users", licences=[VISIO], members=[ana])
    error = refused(tenant.add_to_group(group, ana), 400, "Request_BadRequest")
    assert "already exist" in error["message"]
    refused(tenant.delete(f"/groups/{group}/members/{bo}/$ref"), 404, "Request_ResourceNotFound")
    refused(tenant.add_to_group(group, NOWHERE), 404, "Request_ResourceNotFound")
    refused(tenant.add_to_group(NOWHERE, ana), 404, "Request_ResourceNotFound")
    refused(tenant.post(f"/groups/{group}/members/$ref", {"id": bo}), 400, "BadRequest")
    refused(tenant.get(f"/groups/{group}?$select=nonsense"), 400, "BadRequest")
    shown = tenant.get(f"/groups/{group}?$select=displayName,assignedLicenses").json()
    assert (shown["displayName"], shown["assignedLicenses"][0]["skuId"]) == ("Visio users", VISIO)


def test_delete_of_a_member_without_ref_destroys_the_person(tenant: Tenant, ana: str) -> None:
    """The reason for the guard in the product: one path segment is the difference between a seat and a person."""
    group = tenant.directory.add_group("Visio users", licences=[VISIO], members=[ana])
    assert tenant.delete(f"/groups/{group}/members/{ana}").status_code == 204
    refused(tenant.get(f"/users/{ana}"), 404, "Request_ResourceNotFound")
    assert tenant.get(f"/groups/{group}/members").json()["value"] == []
    assert tenant.consumed(VISIO) == 0
    told = [row["sentence"] for row in tenant.traffic.since()]
    assert "DELETED Ana Lindqvist from the directory through Visio users · Microsoft answered 204" in told


def test_members_are_paged(tenant: Tenant) -> None:
    keys = [tenant.directory.add_user(f"p{n}@contoso.example", f"Person {n}") for n in range(5)]
    group = tenant.directory.add_group("Everyone", members=keys)
    first = tenant.get(f"/groups/{group}/members?$select=id&$top=3").json()
    second = tenant.get(first["@odata.nextLink"]).json()
    assert [row["id"] for row in first["value"] + second["value"]] == keys
    assert "@odata.nextLink" not in second


def test_a_lost_person_can_be_deleted_by_an_administrator_only(tenant: Tenant, ana: str) -> None:
    refused(tenant.delete(f"/users/{ana}"), 403, "Authorization_RequestDenied")
    assert tenant.delete(f"/users/{ana}", by=ADMIN).status_code == 204
    assert stable_id("ana@contoso.example") == ana


# -- Microsoft's table of names ----------------------------------------------------------------------------------------


def test_the_table_of_names_is_read_without_its_defects() -> None:
    table = graph_skus.load()
    assert len(table) == 619
    assert len({sku.part_number for sku in table.values()}) == 618
    assert len({plan.id for sku in table.values() for plan in sku.plans}) == 791
    keys = [*table, *(plan.id for sku in table.values() for plan in sku.plans)]
    assert all(len(key) == 36 and key == key.lower() for key in keys)
    assert all(len({plan.id for plan in sku.plans}) == len(sku.plans) for sku in table.values())
    assert len([sku for sku in table.values() if sku.former_names]) == 3
    assert {sku.id for sku in graph_skus.by_part_number("MCOPSTN5")} == {
        "d43177b5-475b-4880-92d4-d54c27b5efbd",
        "54a152dc-90de-4996-93d2-bc47e670fc06",
    }
    assert graph_skus.by_part_number("MCOCAP_FACULTY")[0].id == "420c7602-7f70-4895-9394-d3d679ea36fb"
    texts = [text for sku in table.values() for text in (sku.name, sku.part_number, *(plan.name for plan in sku.plans))]
    assert not [text for text in texts if "\u00a0" in text or text != text.strip()]
    assert graph_skus.by_part_number("NO_SUCH_SKU") == []
