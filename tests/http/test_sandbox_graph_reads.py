"""The Graph stand-in answers reads the way Microsoft does: people, paging, SKUs, delta."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.sandbox_graph_tenant import E5, READER, TENANT, VISIO, WRITER, Tenant, check, refused, running

NEVER: list[dict[str, Any] | None] = [
    None,
    {"lastSignInDateTime": None, "lastNonInteractiveSignInDateTime": None, "lastSuccessfulSignInDateTime": None},
    {"lastSignInDateTime": "", "lastSignInRequestId": ""},
    {"lastSignInDateTime": "0001-01-01T00:00:00Z", "lastNonInteractiveSignInDateTime": "0001-01-01T00:00:00Z"},
]


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path) as made:
        made.directory.add_sku(E5, 25)
        yield made


def people(tenant: Tenant, count: int) -> list[str]:
    return [tenant.directory.add_user(f"p{n:03}@contoso.example", f"Person {n:03}") for n in range(count)]


def pages(tenant: Tenant, path: str, **more: Any) -> list[list[dict[str, Any]]]:
    found = []
    link: str | None = path
    while link:
        body = tenant.get(link, **more).json()
        check("microsoft.graph.userCollectionResponse", body)
        found.append(body["value"])
        link = body.get("@odata.nextLink")
    return found


# -- SKUs --------------------------------------------------------------------------------------------------------------


def test_skus_of_every_kind_are_listed_as_microsoft_does(tenant: Tenant) -> None:
    tenant.directory.add_sku(VISIO, 10, consumed_elsewhere=12)
    tenant.directory.add_sku("POWER_BI_PRO", 0, status="Suspended", suspended=30)
    tenant.directory.add_sku("PROJECTPROFESSIONAL", 5, status="Warning", warning=5)
    tenant.directory.add_sku("AAD_PREMIUM", 5, applies_to="Company")
    body = tenant.get("/subscribedSkus").json()
    check("microsoft.graph.subscribedSkuCollectionResponse", body)
    by_part = {row["skuPartNumber"]: row for row in body["value"]}
    assert by_part["VISIOCLIENT"]["consumedUnits"] > by_part["VISIOCLIENT"]["prepaidUnits"]["enabled"]
    assert by_part["POWER_BI_PRO"]["capabilityStatus"] == "Suspended"
    assert by_part["PROJECTPROFESSIONAL"]["prepaidUnits"]["warning"] == 5
    assert by_part["AAD_PREMIUM"]["appliesTo"] == "Company"
    assert by_part["SPE_E5"]["id"] == f"{TENANT}_{E5}"
    assert by_part["SPE_E5"]["servicePlans"]
    refused(tenant.get("/subscribedSkus?$filter=skuId eq 'x'"), 400, "BadRequest")
    only = tenant.get("/subscribedSkus?$select=skuId,consumedUnits", by=WRITER).json()["value"][0]
    assert set(only) == {"id", "skuId", "consumedUnits"}


def test_one_sku_may_have_two_subscriptions_and_no_date(tenant: Tenant) -> None:
    end = "2027-03-31T00:00:00Z"
    dates: list[dict[str, Any]] = [
        {"totalLicenses": 6, "nextLifecycleDateTime": end},
        {"totalLicenses": 4, "nextLifecycleDateTime": None},
    ]
    tenant.directory.add_sku(VISIO, 10, subscriptions=dates)
    body = tenant.get("/directory/subscriptions").json()
    check("microsoft.graph.companySubscriptionCollectionResponse", body)
    rows = [row for row in body["value"] if row["skuId"] == VISIO]
    assert [(row["totalLicenses"], row["nextLifecycleDateTime"]) for row in rows] == [(6, end), (4, None)]


# -- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in", NEVER)
def test_every_form_of_never_comes_out_as_it_is(tenant: Tenant, sign_in: dict[str, Any] | None) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist", sign_in=sign_in)
    row = tenant.get("/users?$select=id,signInActivity&$top=500").json()["value"][0]
    assert row.get("signInActivity", "absent") == (sign_in if sign_in is not None else "absent")
    assert tenant.get(f"/users/{user}?$select=signInActivity").status_code == 200


def test_a_person_shows_defaults_and_whatever_is_selected(tenant: Tenant) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist", department="Design", mail=None)
    plain = tenant.get(f"/users/{user}").json()
    check("microsoft.graph.user", plain)
    assert plain["mail"] is None
    assert "department" not in plain
    full = tenant.get(f"/users/{user}?$select=id,department,accountEnabled,assignedLicenses,licenseAssignmentStates")
    assert full.json()["department"] == "Design"
    assert full.json()["assignedLicenses"] == []
    refused(tenant.get("/users?$select=shoeSize"), 400, "BadRequest")
    refused(tenant.get("/users?$select=id,hireDate"), 501, "NotImplemented")
    assert tenant.get(f"/users/{user}?$select=hireDate").status_code == 200
    refused(tenant.get("/users?$skip=5"), 400, "BadRequest")


def test_ids_differ_in_letter_case_and_still_match(tenant: Tenant) -> None:
    tenant.directory.add_user("bo@contoso.example", "Bo Ek", id="1AECAF40-dc3a-461f-88A8-d06994e12898")
    tenant.directory.grant("bo@contoso.example", E5, sku_id_as=E5.upper())
    row = tenant.get("/users/1aecaf40-DC3A-461f-88a8-D06994e12898?$select=id,licenseAssignmentStates").json()
    assert row["id"] == "1AECAF40-dc3a-461f-88A8-d06994e12898"
    assert row["licenseAssignmentStates"][0]["skuId"] == E5.upper()
    assert tenant.consumed(E5) == 1
    found = tenant.get("/users?$filter=id eq '1aecaf40-dc3a-461f-88a8-d06994e12898'").json()["value"]
    assert len(found) == 1


def test_sign_in_activity_is_not_readable_by_user_principal_name(tenant: Tenant) -> None:
    tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    answer = tenant.get("/users/ana@contoso.example?$select=signInActivity")
    refused(answer, 400, "BadRequest", "Get By Key only supports UserId and the key has to be a valid Guid")


def test_sign_in_activity_needs_a_premium_tenant_and_a_permission(tenant: Tenant) -> None:
    tenant.fault("non_premium", times=1)
    answer = tenant.get("/users?$select=id,signInActivity")
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    refused(answer, 403, code, "Neither tenant is B2C or tenant doesn't have premium license")
    assert tenant.get("/users?$select=id,signInActivity").status_code == 200
    refused(tenant.get("/users?$select=signInActivity", by="plain-app"), 403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userPrincipalName eq 'P001@contoso.example'", ["p001"]),
        ("mail eq 'p002@contoso.example'", ["p002"]),
        ("accountEnabled eq false", ["p003"]),
        ("accountEnabled eq true and userType eq 'Guest'", ["p004"]),
        ("mail in ('p001@contoso.example', 'p002@contoso.example')", ["p001", "p002"]),
        ("mail eq 'p001@contoso.example' or mail eq 'p003@contoso.example'", ["p001", "p003"]),
        ("signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z", ["p002"]),
    ],
)
def test_simple_filters_find_people(tenant: Tenant, text: str, expected: list[str]) -> None:
    people(tenant, 5)
    tenant.directory.change_user("p002@contoso.example", sign_in={"lastSignInDateTime": "2025-06-17T16:41:33Z"})
    tenant.directory.change_user("p003@contoso.example", accountEnabled=False)
    tenant.directory.change_user("p004@contoso.example", userType="Guest")
    rows = tenant.get("/users", params={"$filter": text}).json()["value"]
    assert [row["userPrincipalName"].split("@")[0] for row in rows] == expected


@pytest.mark.parametrize(
    "text",
    [
        "signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z and accountEnabled eq true",
        "endsWith(mail,'contoso.example')",
        "displayName eq 'Ana'",
        "assignedLicenses/$count ne 0",
    ],
)
def test_filters_graph_refuses_are_400(tenant: Tenant, text: str) -> None:
    assert tenant.get("/users", params={"$filter": text}).status_code == 400


def test_people_with_licences_are_counted_in_an_advanced_query(tenant: Tenant) -> None:
    tenant.directory.grant(people(tenant, 3)[1], E5)
    options = {"$filter": "assignedLicenses/$count ne 0", "$count": "true"}
    body = tenant.get("/users", params=options, headers={"ConsistencyLevel": "eventual"}).json()
    assert (body["@odata.count"], len(body["value"])) == (1, 1)


def test_manager_or_the_404_that_is_normal_data(tenant: Tenant) -> None:
    boss = tenant.directory.add_user("boss@contoso.example", "Sara Davis")
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    tenant.directory.set_manager(user, boss)
    body = tenant.get(f"/users/{user}/manager").json()
    check("microsoft.graph.directoryObject", body)
    assert (body["@odata.type"], body["id"]) == ("#microsoft.graph.user", boss)
    refused(
        tenant.get(f"/users/{boss}/manager"),
        404,
        "Request_ResourceNotFound",
        "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
    )
    assert "'gone'" in refused(tenant.get("/users/gone/manager"), 404, "Request_ResourceNotFound")["message"]


def test_managers_come_with_the_list_when_asked_in_the_documented_form(tenant: Tenant) -> None:
    boss, user = people(tenant, 2)
    tenant.directory.set_manager(user, boss)
    path = "/users?$select=id&$expand=manager($levels=1;$select=id,displayName)&$count=true"
    refused(tenant.get(path), 400, "Request_UnsupportedQuery")
    body = tenant.get(path, headers={"ConsistencyLevel": "eventual"}).json()
    assert body["@odata.count"] == 2
    assert "manager" not in body["value"][0]
    assert body["value"][1]["manager"]["id"] == boss
    assert body["value"][1]["manager"]["displayName"] == "Person 000"


def test_licence_details_show_plans_and_which_are_off(tenant: Tenant) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    plan = tenant.get("/subscribedSkus").json()["value"][0]["servicePlans"][0]["servicePlanId"]
    tenant.directory.grant(user, E5, disabled_plans=[plan])
    body = tenant.get(f"/users/{user}/licenseDetails").json()
    check("microsoft.graph.licenseDetailsCollectionResponse", body)
    states = {one["servicePlanId"]: one["provisioningStatus"] for one in body["value"][0]["servicePlans"]}
    assert states.pop(plan) == "Disabled"
    assert set(states.values()) == {"Success"}


def test_an_assigned_sku_may_lack_its_state(tenant: Tenant) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    tenant.directory.grant(user, E5, unlisted=True)
    row = tenant.get(f"/users/{user}?$select=assignedLicenses,licenseAssignmentStates").json()
    assert (len(row["assignedLicenses"]), row["licenseAssignmentStates"]) == (1, [])


# -- paging ------------------------------------------------------------------------------------------------------------


def test_pages_hold_a_hundred_unless_told_and_never_more_than_allowed(tmp_path: Path) -> None:
    with running(tmp_path) as tenant:
        people(tenant, 620)
        assert [len(page) for page in pages(tenant, "/users?$select=id")] == [100] * 6 + [20]
        assert [len(page) for page in pages(tenant, "/users?$select=id&$top=999")] == [620]
        slow = pages(tenant, "/users?$select=id,signInActivity&$top=999")
        assert [len(page) for page in slow] == [500, 120]
        assert len({row["id"] for page in slow for row in page}) == 620
        for top in ("0", "1000", "many"):
            refused(tenant.get(f"/users?$top={top}"), 400, "Request_UnsupportedQuery")


def test_an_empty_page_may_still_lead_on(tenant: Tenant) -> None:
    people(tenant, 5)
    tenant.fault("empty_page", times=1, path="/v1.0/users$")
    assert [len(page) for page in pages(tenant, "/users?$top=3")] == [0, 3, 2]


def test_the_next_link_is_opaque_and_keeps_the_question(tenant: Tenant) -> None:
    people(tenant, 5)
    link = tenant.get("/users?$select=id,department&$top=2").json()["@odata.nextLink"]
    assert link.startswith(f"{tenant.graph.graph_url}/users?")
    assert "$select=id,department" in link
    assert "department" in tenant.get(link).json()["value"][0]
    refused(tenant.get("/users?$skiptoken=broken"), 400, "Directory_ExpiredPageToken")


def test_somebody_leaving_between_pages_hides_nobody(tenant: Tenant) -> None:
    keys = people(tenant, 6)
    first = tenant.get("/users?$select=id&$top=3").json()
    tenant.directory.delete_user(keys[0])
    rest = tenant.get(first["@odata.nextLink"]).json()["value"]
    assert [row["id"] for row in rest] == keys[3:]


def test_the_count_is_on_the_first_page_only(tenant: Tenant) -> None:
    people(tenant, 3)
    first = tenant.get("/users?$top=2&$count=true", headers={"ConsistencyLevel": "eventual"}).json()
    second = tenant.get(first["@odata.nextLink"], headers={"ConsistencyLevel": "eventual"}).json()
    assert (first["@odata.count"], "@odata.count" in second) == (3, False)


def test_a_seeded_person_may_bring_seats(tenant: Tenant) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist", seats=["SPE_E5"])
    assert [(state["skuId"], state["assignedByGroup"]) for state in tenant.states(user)] == [(E5, None)]
    assert tenant.consumed(E5) == 1


# -- delta -------------------------------------------------------------------------------------------------------------


def test_delta_tells_joiners_leavers_and_changes(tmp_path: Path) -> None:
    with running(tmp_path, page_size=2) as tenant:
        tenant.directory.add_sku(E5, 5)
        keys = people(tenant, 3)
        first = tenant.get("/users/delta?$select=id,department,assignedLicenses").json()
        check("microsoft.graph.userDeltaResponse", first)
        second = tenant.get(first["@odata.nextLink"]).json()
        assert [row["id"] for row in first["value"] + second["value"]] == keys
        quiet = tenant.get(second["@odata.deltaLink"]).json()
        assert quiet["value"] == []
        tenant.directory.change_user(keys[0], department="Sales")
        tenant.directory.delete_user(keys[1])
        tenant.assign(keys[2], [E5])
        changed = tenant.get(quiet["@odata.deltaLink"]).json()
        rows = changed["value"] + tenant.get(changed["@odata.nextLink"]).json()["value"]
        assert rows[0] == {"id": keys[0], "department": "Sales", "assignedLicenses": []}
        assert rows[1] == {"id": keys[1], "@removed": {"reason": "changed"}}
        assert rows[2]["assignedLicenses"][0]["skuId"] == E5


def test_delta_refuses_what_it_cannot_track_and_forgets_after_a_week(tenant: Tenant) -> None:
    people(tenant, 1)
    error = refused(tenant.get("/users/delta?$select=id,signInActivity"), 400, "BadRequest")
    assert "not supported for the following properties: signInActivity" in error["message"]
    refused(tenant.get("/users/delta?$top=5"), 400, "BadRequest")
    latest = tenant.get("/users/delta?$deltatoken=latest").json()
    assert latest["value"] == []
    tenant.fault("delta_reset", times=1)
    reset = tenant.get(latest["@odata.deltaLink"])
    refused(reset, 410, "resyncRequired")
    assert len(tenant.get(reset.headers["Location"]).json()["value"]) == 1
    tenant.forward(days=7, minutes=1)
    late = tenant.get(latest["@odata.deltaLink"])
    refused(late, 410, "syncStateNotFound")
    assert late.headers["Location"].endswith("$deltaToken=")


def test_delta_links_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        keys = people(before, 2)
        link = before.get("/users/delta?$deltatoken=latest").json()["@odata.deltaLink"]
        before.directory.delete_user(keys[1])
        kept = before.token(READER)
    with running(tmp_path) as after:
        after.tokens[READER] = kept
        after.directory.change_user(keys[0], department="Sales")
        rows = after.get(after.graph.graph_url + link.partition("/v1.0")[2]).json()["value"]
        assert [(row["id"], "@removed" in row) for row in rows] == [(keys[1], True), (keys[0], False)]
