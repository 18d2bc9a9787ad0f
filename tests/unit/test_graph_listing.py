"""Everybody in the fewest requests: forms that get plainer, links that expire, batches, all forms of "never"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from integrations.errors import RateLimited, Refused
from integrations.graph_listing import (
    BEST,
    MANAGERS_ONLY,
    WITHOUT_SIGN_IN,
    Change,
    Expired,
    Form,
    GraphListing,
    plainer,
)
from integrations.graph_transport import graph_transport

BASE = "https://graph.example.test/v1.0"
ANA, BEN = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def listing() -> GraphListing:
    return GraphListing(graph_transport(BASE, None))


def error(code: str, message: str = "no") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("form", "words", "wanted"),
    [
        (BEST, "Cannot query data for more than 120 users at a time.", Form(top=120)),
        (Form(top=120), "Invalid page size specified: '120'.", Form(top=None)),
        (BEST, "Expand is not supported with signInActivity", Form(managers=False)),
        (Form(managers=False), "no", Form(managers=False, top=120)),
        (Form(managers=False, top=None), "no", WITHOUT_SIGN_IN),
        (Form(sign_in=False, managers=False, top=None), "no", None),
        (MANAGERS_ONLY, "no", Form(sign_in=False, top=120, only="managers")),
        (Form(sign_in=False, top=None, only="managers"), "no", None),
    ],
)  # fmt: skip
def test_a_refused_form_gets_plainer(form: Form, words: str, wanted: Form | None) -> None:
    assert plainer(form, words) == wanted


def test_every_form_ends_in_the_plainest() -> None:
    for words in ("no", "page size"):
        form: Form | None = BEST
        seen = []
        while form is not None:
            assert form not in seen
            seen.append(form)
            form = plainer(form, words)
        assert not seen[-1].sign_in and seen[-1].top is None


def test_one_request_brings_licences_sign_ins_and_the_manager(wire: responses.RequestsMock) -> None:
    wire.get(
        f"{BASE}/users",
        json={
            "@odata.count": 7,
            "@odata.nextLink": f"{BASE}/users?$skiptoken=x",
            "value": [
                {
                    "id": ANA.upper(),
                    "manager": {"id": BEN.upper()},
                    "signInActivity": {
                        "lastSignInDateTime": "2026-10-01T08:00:00Z",
                        "lastNonInteractiveSignInDateTime": "0001-01-01T00:00:00Z",
                        "lastSuccessfulSignInDateTime": "",
                    },
                },
                {"id": BEN, "signInActivity": None},
            ],
        },
    )
    page = listing().page(BEST)
    [ana, ben] = page.users
    assert (page.total, page.next_link, ana.id, ana.manager_id) == (7, f"{BASE}/users?$skiptoken=x", ANA, BEN)
    assert ana.sign_in and ana.sign_in.interactive and ana.sign_in.interactive.day == 1
    assert (ana.sign_in.non_interactive, ana.sign_in.success) == (None, None)
    assert ben.sign_in and not (ben.sign_in.success or ben.sign_in.interactive or ben.sign_in.non_interactive)
    asked = parse_qs(urlsplit(str(wire.calls[0].request.url)).query)
    assert asked["$top"] == ["500"] and "signInActivity" in asked["$select"][0]
    assert wire.calls[0].request.headers["x-ms-throttle-priority"] == "Low"


def test_without_sign_ins_nothing_is_said_about_them(wire: responses.RequestsMock) -> None:
    wire.get(f"{BASE}/users", json={"value": [{"id": ANA}]})
    assert listing().page(WITHOUT_SIGN_IN).users[0].sign_in is None


@pytest.mark.parametrize(
    ("status", "code"), [(410, "resyncRequired"), (400, "Directory_ExpiredPageToken"), (404, "syncStateNotFound")]
)
def test_a_link_that_is_too_old_is_told_from_trouble(wire: responses.RequestsMock, status: int, code: str) -> None:
    wire.get(f"{BASE}/users", status=status, json=error(code))
    wire.get(f"{BASE}/users/delta", status=status, json=error(code))
    with pytest.raises(Expired):
        listing().page(BEST, f"{BASE}/users?$skiptoken=old")
    with pytest.raises(Expired):
        listing().changes(f"{BASE}/users/delta?$deltatoken=old")


def test_a_next_link_to_another_host_is_refused(wire: responses.RequestsMock) -> None:
    for call in (listing().changes, lambda link: listing().page(BEST, link)):
        with pytest.raises(Refused) as caught:
            call("https://evil.example.test/v1.0/users?$skiptoken=x")
        assert caught.value.code == "foreign_link"
    assert not wire.calls


def test_changes_are_ids_and_removals(wire: responses.RequestsMock) -> None:
    rows = [{"id": ANA.upper(), "displayName": "Ana"}, {"id": BEN, "@removed": {"reason": "changed"}}]
    wire.get(f"{BASE}/users/delta", json={"value": rows, "@odata.deltaLink": f"{BASE}/users/delta?$deltatoken=2"})
    page = listing().changes(f"{BASE}/users/delta?$deltatoken=1")
    assert page.changes == (Change(ANA, False), Change(BEN, True))
    assert page.delta_link == f"{BASE}/users/delta?$deltatoken=2"
    assert listing().latest() == page.delta_link


def test_people_and_groups_come_by_twenty_and_who_is_gone_is_left_out(wire: responses.RequestsMock) -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        parts = json.loads(request.body)["requests"]
        said = [{"id": one["id"], "status": 200, "body": {"id": one["url"].split("/")[2][:36]}} for one in parts[1:]]
        said.append({"id": "0", "status": 404, "body": {}})
        return 200, {}, json.dumps({"responses": said})

    wire.add_callback("POST", f"{BASE}/$batch", answer, content_type="application/json")
    ids = [f"aaaaaaaa-0000-4000-8000-{n:012d}" for n in range(45)]
    assert [one.id for one in listing().people(ids)] == [one for n, one in enumerate(ids) if n % 20]
    assert len(wire.calls) == 3
    assert set(listing().groups(ids[:2])) == {ids[1]}


def test_a_batch_that_is_asked_to_wait_says_how_long(wire: responses.RequestsMock) -> None:
    part = {"id": "0", "status": 429, "headers": {"Retry-After": "12"}, "body": {}}
    wire.post(f"{BASE}/$batch", json={"responses": [part]})
    with pytest.raises(RateLimited) as caught:
        listing().managers([ANA])
    assert caught.value.retry_after == 12
