"""Signing in to the Graph stand-in, what each permission opens, and the pages that show and steer it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.certificates import make_ca, make_client_certificate
from tests.http.sandbox_graph_tenant import E5, READER, TENANT, VISIO, WRITER, Tenant, refused, running


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path) as made:
        made.directory.add_sku(E5, 25)
        yield made


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
