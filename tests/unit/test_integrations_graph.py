"""Graph's answers as result types, the forms of "none" and "never", and the guard in front of every write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from integrations import graph_types as g
from integrations.errors import NotFound, RateLimited, Refused, Transient
from integrations.graph import GraphClient
from integrations.graph_transport import explain, graph_transport, guard, member_ref

BASE = "https://graph.example.test/v1.0"
ANA = "0f0f0f0f-0000-4000-8000-000000000001"
BEN = "0f0f0f0f-0000-4000-8000-000000000002"
GROUP = "0f0f0f0f-0000-4000-8000-0000000000ff"
SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
PLAN = "11b0131d-43c8-4bbb-b2c8-e80f9a50834a"
OTHER = "21b0131d-43c8-4bbb-b2c8-e80f9a50834b"
USER = f"{BASE}/users/{ANA}"
ASSIGN = f"{USER}/assignLicense"


def client() -> GraphClient:
    return GraphClient(graph_transport(BASE, None))


def path(**more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "skuId": SKU,
        "disabledPlans": [],
        "assignedByGroup": None,
        "state": "Active",
        "error": None,
    }
    return facts | more


def person(*states: dict[str, Any], location: str | None = "DE", assigned: bool | None = None) -> dict[str, Any]:
    held = bool(states) if assigned is None else assigned
    return {
        "id": ANA,
        "usageLocation": location,
        "licenseAssignmentStates": list(states),
        "assignedLicenses": [{"skuId": SKU.upper(), "disabledPlans": []}] if held else [],
    }


def error(code: str, message: str, *details: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": [{"code": one} for one in details]}}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


# -- giving


@pytest.mark.parametrize(
    ("code", "message", "details", "expected"),
    [
        (
            "Request_BadRequest",
            f"Subscription with SKU {SKU} does not have any available licenses.",
            (),
            g.NoSeatsLeft(),
        ),
        ("Request_BadRequest", "Other words", ("CountViolation",), g.NoSeatsLeft()),
        (
            "Request_BadRequest",
            "License assignment cannot be done for user with invalid usage location.",
            (),
            g.NoUsageLocation(),
        ),
        ("Request_BadRequest", "x", ("ProhibitedInUsageLocationViolation",), g.NoUsageLocation(prohibited=True)),
        (
            "Request_BadRequest",
            f"License assignment failed because service plan {PLAN} depends on the service plan(s) {OTHER}",
            (),
            g.DependencyMissing((OTHER,)),
        ),
        (
            "Request_BadRequest",
            f"License assignment failed because service plans {PLAN}, {OTHER} are mutually exclusive.",
            (),
            g.ConflictingPlans((PLAN, OTHER)),
        ),
        (
            "Request_BadRequest",
            "x conflicts with service plan y",
            ("MutuallyExclusiveViolation",),
            g.ConflictingPlans(()),
        ),
        ("Request_BadRequest", f"License {SKU} cannot be assigned to a user", (), g.NotAssignable()),
    ],
)
def test_each_known_no_is_a_result(
    wire: responses.RequestsMock, code: str, message: str, details: tuple[str, ...], expected: Any
) -> None:
    wire.get(USER, json=person())
    wire.get(f"{BASE}/subscribedSkus", json={"value": [{"skuId": SKU, "appliesTo": "Company"}]})
    wire.post(ASSIGN, status=400, json=error(code, message, *details))
    assert client().assign(ANA, SKU) == expected


def test_words_nobody_saw_before_are_decided_by_the_facts(wire: responses.RequestsMock) -> None:
    wire.get(USER, json=person())
    wire.post(ASSIGN, status=400, json=error("Request_BadRequest", "Something new"))
    facts = {"skuId": SKU.upper(), "appliesTo": "User", "consumedUnits": 5, "prepaidUnits": {"enabled": 5}}
    wire.get(f"{BASE}/subscribedSkus", json={"value": [facts]})
    assert client().assign(ANA, SKU) == g.NoSeatsLeft()
    wire.replace("GET", f"{BASE}/subscribedSkus", json={"value": [facts | {"consumedUnits": 4}]})
    with pytest.raises(Refused) as caught:
        client().assign(ANA, SKU)
    assert caught.value.detail == "Something new"
    wire.replace("GET", f"{BASE}/subscribedSkus", json={"value": []})
    with pytest.raises(Refused) as unknown:
        client().assign(ANA, SKU)
    assert unknown.value.code == "unknown_sku"


@pytest.mark.parametrize(
    ("states", "assigned", "expected"),
    [
        ([path()], True, g.AlreadyHeld(True, ())),
        ([path(state="ActiveWithError", error="Other")], True, g.AlreadyHeld(True, ())),
        ([path(assignedByGroup=GROUP.upper())], True, g.AlreadyHeld(False, (GROUP,))),
        ([path(), path(assignedByGroup=GROUP)], True, g.AlreadyHeld(True, (GROUP,))),
        ([], True, g.AlreadyHeld(False, ())),
    ],
)
def test_what_is_held_is_not_written_again(
    wire: responses.RequestsMock, states: list[dict[str, Any]], assigned: bool, expected: g.AlreadyHeld
) -> None:
    wire.get(USER, json=person(*states, assigned=assigned))
    assert client().assign(ANA, SKU) == expected


def test_a_path_in_error_gives_no_seat(wire: responses.RequestsMock) -> None:
    wire.get(USER, json=person(path(assignedByGroup=GROUP, state="Error", error="CountViolation"), assigned=False))
    states = client().licence_states(ANA)
    assert states.failing(SKU) == "CountViolation"
    assert not states.holds(SKU)
    wire.post(ASSIGN, json={"id": ANA})
    assert client().assign(ANA, SKU.upper(), [PLAN]) == g.Assigned(SKU)
    sent = json.loads(wire.calls[-1].request.body or "")
    assert sent == {"addLicenses": [{"skuId": SKU, "disabledPlans": [PLAN]}], "removeLicenses": []}


def test_no_location_is_known_before_writing(wire: responses.RequestsMock) -> None:
    wire.get(USER, json=person(location=None))
    assert client().assign(ANA, SKU) == g.NoUsageLocation()


# -- taking back


@pytest.mark.parametrize("none", [None, "None", ""])
def test_the_prior_state_is_kept_for_undo(wire: responses.RequestsMock, none: str | None) -> None:
    wire.get(USER, json=person(path(disabledPlans=[PLAN.upper()], error=none), path(assignedByGroup=GROUP)))
    wire.post(ASSIGN, json={"id": ANA})
    assert client().licence_states(ANA).states[0].error is None
    assert client().remove(ANA, SKU) == g.SeatRemoved(SKU, (PLAN,), frees_unit=False)
    assert json.loads(wire.calls[-1].request.body or "") == {"addLicenses": [], "removeLicenses": [SKU]}


def test_a_direct_path_in_error_can_be_taken_away_and_frees_nothing(wire: responses.RequestsMock) -> None:
    wire.get(USER, json=person(path(state="Error", error="CountViolation", disabledPlans=[PLAN]), assigned=False))
    wire.post(ASSIGN, json={"id": ANA})
    assert client().remove(ANA, SKU) == g.SeatRemoved(SKU, (PLAN,), frees_unit=False)


def test_what_a_group_gives_or_nobody_has_is_left_alone(wire: responses.RequestsMock) -> None:
    wire.get(USER, json=person(path(assignedByGroup=GROUP)))
    assert client().remove(ANA, SKU) == g.InheritedFromGroup((GROUP,))
    wire.replace("GET", USER, json=person())
    assert client().remove(ANA, SKU) == g.NotAssigned()
    wire.replace("GET", USER, json=person(assigned=True))
    with pytest.raises(Refused) as caught:
        client().remove(ANA, SKU)
    assert caught.value.code == "no_assignment_path"


def test_a_removal_that_lost_the_race_is_read_again(wire: responses.RequestsMock) -> None:
    wire.get(USER, json=person(path()))
    wire.post(ASSIGN, status=400, json=error("Request_BadRequest", "User does not have a corresponding license."))
    assert client().remove(ANA, SKU) == g.NotAssigned()
    wire.replace("POST", ASSIGN, status=400, json=error("Request_BadRequest", "Other words"))
    with pytest.raises(Refused):
        client().remove(ANA, SKU)


# -- people


def test_a_missing_manager_and_a_missing_person_differ(wire: responses.RequestsMock) -> None:
    text = "Resource '{}' does not exist or one of its queried reference-property objects are not present."
    wire.get(f"{USER}/manager", status=404, json=error("Request_ResourceNotFound", text.format("manager")))
    assert client().manager(ANA) is None
    wire.replace("GET", f"{USER}/manager", status=404, json=error("Request_ResourceNotFound", text.format(ANA)))
    with pytest.raises(NotFound):
        client().manager(ANA)


def test_pages_may_be_empty_and_never_lead_to_another_host(wire: responses.RequestsMock) -> None:
    link = f"{BASE}/users?$expand=manager($levels=1;$select=id)&$skiptoken=abc"
    wire.get(f"{BASE}/users", json={"value": [], "@odata.nextLink": link})
    pages = client().user_pages()
    assert next(pages).next_link == link
    wire.replace(
        "GET",
        f"{BASE}/users",
        json={
            "value": [{"id": ANA.upper(), "manager": {"id": BEN.upper()}, "employeeHireDate": "0001-01-01T00:00:00Z"}],
            "@odata.nextLink": "https://evil.example.test/v1.0/users?$skiptoken=abc",
        },
    )
    [ana] = next(pages).users
    assert (ana.id, ana.manager_id, ana.hired_at, ana.mail) == (ANA, BEN, None, None)
    assert wire.calls[-1].request.headers["ConsistencyLevel"] == "eventual"
    assert parse_qs(urlsplit(str(wire.calls[-1].request.url)).query)["$skiptoken"] == ["abc"]
    with pytest.raises(Refused) as caught:
        next(pages)
    assert caught.value.code == "foreign_link"


def test_a_refused_expansion_or_page_size_is_asked_more_plainly(wire: responses.RequestsMock) -> None:
    seen: list[dict[str, list[str]]] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        query = parse_qs(urlsplit(request.url).query)
        seen.append(query)
        if "$top" in query or "$expand" in query:
            return 400, {}, json.dumps(error("Request_UnsupportedQuery", "no"))
        return 200, {}, json.dumps({"value": [{"id": ANA}, {"id": BEN}]})

    wire.add_callback("GET", f"{BASE}/users", answer, content_type="application/json")
    parts = [
        {"id": "1", "status": 404, "body": {}},
        {"id": "0", "status": 200, "body": {"id": BEN.upper()}},
    ]
    wire.post(f"{BASE}/$batch", json={"responses": parts})
    assert {user.id: user.manager_id for user in client().users()} == {ANA: BEN, BEN: None}
    assert len(seen) == 4
    throttled = {"id": "0", "status": 429, "headers": {"Retry-After": "12"}, "body": {}}
    wire.replace("POST", f"{BASE}/$batch", json={"responses": [throttled, parts[0]]})
    with pytest.raises(RateLimited) as caught:
        list(client().users())
    assert caught.value.retry_after == 12
    wire.replace("POST", f"{BASE}/$batch", json={"responses": [parts[0]]})
    with pytest.raises(Transient):
        list(client().users())


def test_a_missing_right_is_not_asked_four_times(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/users", status=403, json=error("Authorization_RequestDenied", "Insufficient privileges"))
    with pytest.raises(Refused) as caught:
        list(client().users())
    assert "doctor" in caught.value.detail
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-06-17T16:41:33Z", datetime(2021, 6, 17, 16, 41, 33, tzinfo=UTC)),
        ("2021-06-17T16:41:33.1234567Z", datetime(2021, 6, 17, 16, 41, 33, tzinfo=UTC)),
        ("2025-02-13T10:17:06", datetime(2025, 2, 13, 10, 17, 6, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_never_has_many_forms(text: str | None, expected: datetime | None) -> None:
    assert g.moment(text) == expected


def test_an_over_allocated_sku_has_negative_seats() -> None:
    sku = g.sku({"skuId": SKU.upper(), "consumedUnits": 7, "prepaidUnits": {"enabled": 5, "warning": 3}})
    assert (sku.sku_id, sku.free, sku.warning) == (SKU, -2, 3)


# -- the guard


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("DELETE", f"/groups/{GROUP}/members/{ANA}", None),
        ("DELETE", f"/groups/{GROUP}/members/{ANA}/", None),
        ("DELETE", f"/groups/{GROUP}/members/$ref", None),
        ("DELETE", f"/groups/{GROUP}/members/{ANA}/$ref/x", None),
        ("DELETE", f"/groups/{GROUP}/owners/{ANA}/$ref", None),
        ("DELETE", f"/users/{ANA}", None),
        ("DELETE", f"/groups/{GROUP}", None),
        ("delete", f"/directoryObjects/{ANA}", None),
        ("PATCH", f"/users/{ANA}", {}),
        ("PUT", f"/users/{ANA}", {}),
        ("POST", f"/groups/{GROUP}/assignLicense", {}),
        ("POST", "/users", {}),
        ("POST", "/$batch", {"requests": [{"method": "GET"}, {"method": "DELETE", "url": f"/users/{ANA}"}]}),
        ("POST", "/$batch", {"requests": []}),
        ("POST", "/$batch", None),
    ],
)
def test_the_guard_refuses_everything_else(wire: responses.RequestsMock, method: str, address: str, body: Any) -> None:
    with pytest.raises(Refused):
        guard(method, address, body)
    with pytest.raises(Refused):
        graph_transport(BASE, None).send(method, address, operation="try", json=body)
    assert len(wire.calls) == 0


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("GET", "/users", None),
        ("DELETE", f"/groups/{GROUP}/members/{ANA}/$ref", None),
        ("POST", f"/groups/{GROUP}/members/$ref", {}),
        ("POST", f"/users/{ANA}/assignLicense", {}),
        ("POST", "/$batch", {"requests": [{"method": "GET"}]}),
    ],
)
def test_the_guard_lets_pass_what_we_do(method: str, address: str, body: Any) -> None:
    guard(method, address, body)


@pytest.mark.parametrize("wrong", ["", "..", "ana@example.test", f"{ANA}/../x", f"{ANA}?x", ANA[:-1], f"{ANA}\n"])
def test_only_object_ids_get_into_an_address(wire: responses.RequestsMock, wrong: str) -> None:
    with pytest.raises(Refused):
        member_ref(GROUP, wrong, "try")
    ours = client()
    for call in (ours.licence_states, ours.manager, ours.user, ours.group):
        with pytest.raises(Refused):
            call(wrong)
    for write in (ours.assign, ours.remove):
        with pytest.raises(Refused):
            write(wrong, wrong)
    for member in (ours.add_to_group, ours.remove_from_group):
        with pytest.raises(Refused):
            member(wrong, wrong, wrong)
    assert len(wire.calls) == 0


def test_membership_addresses() -> None:
    assert member_ref(GROUP, None, "try") == f"/groups/{GROUP}/members/$ref"
    assert member_ref(GROUP, ANA, "try") == f"/groups/{GROUP}/members/{ANA}/$ref"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "", "message": "x"}}, "400"),
        ({"error": {"code": "A", "details": [{"code": "B"}]}}, "B"),
        ({"error": "text"}, "400"),
        ([], "400"),
        (None, "400"),
    ],
)
def test_error_bodies_of_all_kinds(body: Any, code: str) -> None:
    assert explain(400, body)[0] == code
