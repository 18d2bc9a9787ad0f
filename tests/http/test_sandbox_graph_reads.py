"""The Graph stand-in answers reads the way Microsoft does: sign-in, permissions, paging, people, SKUs, delta."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.certificates import make_ca, make_client_certificate
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


# -- certificates and sign-in ------------------------------------------------------------------------------------------


def test_the_authority_is_reused_after_a_restart(tmp_path: Path) -> None:
    first = make_ca(tmp_path).ca.read_bytes()
    assert make_ca(tmp_path).ca.read_bytes() == first


def test_msal_gets_a_token_with_a_secret_and_with_a_certificate(tmp_path: Path) -> None:
    public, private = make_client_certificate(tmp_path / "app")
    facts = {"certificate": public.read_text(), "roles": ["User.Read.All"]}
    with running(tmp_path, clients={"signed-app": facts}) as tenant:
        assert tenant.sign_in(READER)["token_type"] == "Bearer"
        proof = {"private_key": private.read_text(), "public_certificate": public.read_text()}
        answer = tenant.sign_in("signed-app", proof)
        tenant.tokens["signed-app"] = answer["access_token"]
        assert tenant.get("/users", by="signed-app").status_code == 200
        _, other = make_client_certificate(tmp_path / "other")
        wrong = tenant.sign_in("signed-app", proof | {"private_key": other.read_text()})
        assert (wrong["error"], wrong["error_codes"]) == ("invalid_client", [700027])


@pytest.mark.parametrize(
    ("client", "secret", "error", "number"),
    [(READER, "wrong", "invalid_client", 7000215), ("nobody", "example-secret", "unauthorized_client", 700016)],
)
def test_a_refused_sign_in_is_a_dict_with_an_aadsts_code(
    tenant: Tenant, client: str, secret: str, error: str, number: int
) -> None:
    answer = tenant.sign_in(client, secret)
    assert answer["error"] == error
    assert answer["error_codes"] == [number]
    assert f"AADSTS{number}" in answer["error_description"]
    assert {"timestamp", "trace_id", "correlation_id"} <= answer.keys()


def test_the_token_endpoint_refuses_other_tenants_scopes_and_grants(tenant: Tenant) -> None:
    def ask(where: str = TENANT, **form: str) -> tuple[int, list[int]]:
        facts = {"client_id": READER, "client_secret": "example-secret", "grant_type": "client_credentials"} | form
        answer = tenant.session.post(f"{tenant.graph.url}/{where}/oauth2/v2.0/token", data=facts, timeout=20)
        return answer.status_code, answer.json().get("error_codes")

    assert ask(scope="User.Read") == (400, [1002012])
    assert ask(where="elsewhere", scope="a/.default") == (400, [90002])
    assert ask(scope="a/.default", grant_type="password") == (400, [70003])
    assert ask(scope="a/.default", client_secret="") == (401, [7000218])


def test_a_call_without_a_good_token_is_401(tenant: Tenant) -> None:
    for header in ("", "Bearer nonsense", "Basic abc"):
        answer = tenant.get("/users", headers={"Authorization": header})
        refused(answer, 401, "InvalidAuthenticationToken")
        assert "authorization_uri" in answer.headers["WWW-Authenticate"]
    tenant.fault("expired_token", times=1)
    refused(tenant.get("/users"), 401, "InvalidAuthenticationToken")
    assert tenant.get("/users").status_code == 200


def test_tokens_and_seats_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        before.directory.add_sku(E5, 5)
        user = before.directory.add_user("ana@contoso.example", "Ana Lindqvist")
        assert before.assign(user, [E5]).status_code == 200
        kept = before.token(READER)
    with running(tmp_path) as after:
        after.tokens[READER] = kept
        assert after.consumed(E5) == 1
        assert after.get("/users/ANA@contoso.example").json()["id"] == user


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/subscribedSkus"),
        ("GET", "/users"),
        ("GET", "/users/delta"),
        ("GET", "/users/{user}"),
        ("GET", "/users/{user}/manager"),
        ("GET", "/users/{user}/licenseDetails"),
        ("POST", "/users/{user}/assignLicense"),
        ("POST", "/users/{user}/reprocessLicenseAssignment"),
        ("DELETE", "/users/{user}"),
        ("GET", "/groups/{group}"),
        ("GET", "/groups/{group}/members"),
        ("POST", "/groups/{group}/members/$ref"),
        ("DELETE", "/groups/{group}/members/{user}/$ref"),
        ("DELETE", "/groups/{group}/members/{user}"),
        ("GET", "/directory/subscriptions"),
        ("GET", "/servicePrincipals"),
        ("GET", "/reports/getM365AppUserDetail(period='D30')"),
        ("GET", "/admin/reportSettings"),
    ],
)
def test_without_the_permission_every_call_is_403(tenant: Tenant, method: str, path: str) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    group = tenant.directory.add_group("Visio users", members=[user])
    answer = tenant.call(method, path.format(user=user, group=group), by="bare-app", json={})
    refused(answer, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    assert tenant.get(f"/users/{user}").status_code == 200


def test_basic_permission_sees_names_and_not_licences(tenant: Tenant) -> None:
    assert tenant.get("/users?$select=id,displayName", by="basic-app").status_code == 200
    refused(tenant.get("/users?$select=id,assignedLicenses", by="basic-app"), 403, "Authorization_RequestDenied")


def test_ids_of_a_request_come_back(tenant: Tenant) -> None:
    answer = tenant.get("/users/nobody", headers={"client-request-id": "c0ffee00-0000-4000-8000-000000000001"})
    error = refused(answer, 404, "Request_ResourceNotFound")
    assert error["innerError"]["client-request-id"] == "c0ffee00-0000-4000-8000-000000000001"
    assert answer.headers["client-request-id"] == "c0ffee00-0000-4000-8000-000000000001"


def test_resource_units_follow_the_price_list(tenant: Tenant) -> None:
    def units(path: str) -> str:
        return tenant.get(path).headers["x-ms-resource-unit"]

    assert units("/users") == "2"
    assert units("/users?$select=id") == "1"
    assert units("/subscribedSkus") == "3"
    assert units("/users?$expand=manager") == "3"


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


# -- apps and control --------------------------------------------------------------------------------------------------


def test_an_app_can_see_which_permissions_it_holds(tenant: Tenant) -> None:
    own = tenant.get("/servicePrincipals", params={"$filter": f"appId eq '{WRITER}'"}).json()["value"][0]
    held = tenant.get(f"/servicePrincipals/{own['id']}/appRoleAssignments").json()["value"]
    graph = tenant.get(f"/servicePrincipals/{held[0]['resourceId']}?$select=appRoles").json()
    names = {role["id"]: role["value"] for role in graph["appRoles"]}
    assert {names[row["appRoleId"]] for row in held} == {"LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All"}


def test_the_control_pages_show_the_tenant_and_are_not_traffic(tenant: Tenant) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    group = tenant.directory.add_group("Visio users", licences=[tenant.directory.add_sku(VISIO, 3)], members=[user])
    tenant.directory.grant(user, E5)
    session, url = tenant.session, tenant.graph.url
    before = len(tenant.traffic.since())
    state = session.get(f"{url}/_sandbox/state", timeout=20).json()
    rows = {row["skuId"]: (row["enabled"], row["consumed"], row["free"]) for row in state["skus"]}
    assert rows == {E5: (25, 1, 24), VISIO: (3, 1, 2)}
    paths = {(seat["skuId"], seat["path"], seat["group"]) for seat in state["users"][0]["seats"]}
    assert paths == {(E5, "direct", None), (VISIO, "group", "Visio users")}
    assert state["groups"][0]["id"] == group
    changed = session.post(f"{url}/_sandbox/sku", json={"skuId": E5, "enabled": 30}, timeout=20).json()
    assert changed["free"] == 29
    assert session.post(f"{url}/_sandbox/sku", json={"skuId": "x", "enabled": 1}, timeout=20).status_code == 400
    listed = session.post(f"{url}/_sandbox/faults", json={"kind": "slow", "times": 1}, timeout=20).json()
    assert listed[0]["kind"] == "slow"
    assert session.delete(f"{url}/_sandbox/faults?id={listed[0]['id']}", timeout=20).json() == []
    assert len(tenant.traffic.since()) == before


def test_traffic_is_told_in_sentences_and_hides_secrets(tenant: Tenant) -> None:
    user = tenant.directory.add_user("ana@contoso.example", "Ana Lindqvist")
    tenant.directory.add_sku(VISIO, 1)
    tenant.assign(user, [VISIO])
    tenant.assign(user, [], [VISIO])
    tenant.assign(user, [], [VISIO])
    shown = tenant.session.get(f"{tenant.graph.url}/_sandbox/traffic", timeout=20).json()
    sentences = [row["sentence"] for row in shown]
    assert "gave Ana Lindqvist a Visio Plan 2 seat · Microsoft answered 200" in sentences
    assert "took the Visio Plan 2 seat from Ana Lindqvist · Microsoft answered 200" in sentences
    assert sentences[-1] == "tried to take the Visio Plan 2 seat from Ana Lindqvist · Microsoft answered 400"
    assert all(sentences)
    everything = str(shown)
    assert "example-secret" not in everything
    assert tenant.token(WRITER) not in everything


def test_an_unknown_address_is_an_odata_error(tenant: Tenant) -> None:
    refused(tenant.get("/nonsense"), 400, "BadRequest")
