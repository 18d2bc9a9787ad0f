"""Every request we send to Graph, and every answer of the stand-in, held against Microsoft's own description of it.

The description is the subset in `docs/reference`, whose README says where it is from. openapi-core is used because it
is maintained, reads parameters in Graph's styles (`$select=a,b`) and checks bodies with the validator that the schemas
are checked with elsewhere. What the subset does not describe is listed here by name, so that nothing slips past unseen.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from integrations.errors import NotFound, RateLimited
from integrations.graph_listing import MANAGERS_ONLY
from tests.http.sandbox_graph_tenant import E5, VISIO
from tests.http.sync_desk import Desk, desk

DESCRIPTION = Path(__file__).parents[2] / "docs" / "reference" / "graph-openapi-subset.yaml"
#: Calls of ours that the subset leaves out, and why they are still right: Microsoft's reference pages, cited beside.
NOT_DESCRIBED = (
    r"GET /groups/[^/]+",  # group-get
    r"POST /groups/[^/]+/members/\$ref",  # group-post-members
    r"DELETE /groups/[^/]+/members/[^/]+/\$ref",  # group-delete-members
    r"GET /servicePrincipals.*",  # serviceprincipal-list, -list-approleassignments
    r"GET /reports/getMicrosoft365CopilotUsageUserDetail\(period='D\d+'\)",  # its permission is listed, its path is not
)
WRITER_AND_READER = "writer-and-reader"
ROLES = [
    "LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All", "User.Read.All", "LicenseAssignment.Read.All",
    "GroupMember.Read.All",
]  # fmt: skip
Exchange = tuple[requests.PreparedRequest, requests.Response]


@functools.cache
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(DESCRIPTION.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def judge(base: str) -> OpenAPI:
    """The description with the stand-in's address; signing in is not its business."""
    spec = dict(description()) | {"servers": [{"url": base}]}
    spec.pop("security", None)
    return OpenAPI.from_dict(spec)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Whatever goes out over requests while a test runs."""
    exchanges: list[Exchange] = []
    send = requests.Session.send

    def recording(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = send(self, request, **options)
        exchanges.append((request, answer))
        return answer

    monkeypatch.setattr(requests.Session, "send", recording)
    return exchanges


@pytest.fixture
def made(tmp_path: Path, sqlite_url: str) -> Iterator[Desk]:
    more = {WRITER_AND_READER: {"secret": "example-secret", "roles": ROLES}}
    with desk(tmp_path, sqlite_url, people=3, more=more, group_delay=timedelta(0)) as ready:
        yield ready


def named(request: requests.PreparedRequest) -> str:
    path = unquote(urlsplit(str(request.url)).path)
    return f"{request.method} {path.removeprefix('/v1.0')}"


#: Options that links carry, which Graph makes itself; we write `$deltatoken=latest` only, as its reference does.
OF_LINKS = {"$skiptoken", "$deltatoken"}


class OptionNotDescribed(AssertionError):
    """A query option that the description does not know for this path."""


def check_options(request: requests.PreparedRequest) -> None:
    """Raise for a query option the path does not have; openapi-core lets unknown ones pass."""
    parts = urlsplit(str(request.url))
    path = unquote(parts.path).removeprefix("/v1.0")
    methods = next(item for template, item in description()["paths"].items() if _fits(template, path))
    operation = methods[str(request.method).lower()]
    every = [*methods.get("parameters", []), *operation.get("parameters", [])]
    shared = description()["components"]["parameters"]
    known = {(shared[one["$ref"].rsplit("/", 1)[-1]] if "$ref" in one else one)["name"] for one in every}
    if unknown := {name for name, _ in parse_qsl(parts.query)} - known - OF_LINKS:
        raise OptionNotDescribed(f"{named(request)}: {sorted(unknown)}")


def _fits(template: str, path: str) -> bool:
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", template)
    )
    return re.fullmatch(pattern, path) is not None


def described(made: Desk, heard: list[Exchange]) -> list[str]:
    """Check all that was heard of Graph; returns what was checked. Raises what the description does not allow."""
    base = made.tenant.graph.graph_url
    book = judge(base)
    checked = []
    for request, answer in heard:
        if not str(request.url).startswith(base):
            continue
        name = named(request)
        if any(re.fullmatch(pattern, name) for pattern in NOT_DESCRIBED):
            continue
        asked = RequestsOpenAPIRequest(requests.Request(
            request.method, request.url, headers=dict(request.headers), data=request.body))  # fmt: skip
        book.validate_request(asked)
        check_options(request)
        if answer.status_code == 302:  # described with a body that real answers leave out
            assert answer.headers["Location"] and not answer.content
        else:
            book.validate_response(asked, RequestsOpenAPIResponse(answer))
        checked.append(f"{name} {answer.status_code}")
    return checked


def test_a_whole_sync_is_as_described(made: Desk, heard: list[Exchange]) -> None:
    directory = made.tenant.directory
    directory.add_group("Licensed", licences=[E5], members=["p1@contoso.example"])
    directory.set_manager("p0@contoso.example", "p1@contoso.example")
    assert made.sync() == "done"
    directory.change_user("p0@contoso.example", displayName="Person Zero")
    assert made.sync("sync.m365_changes") == "done"
    checked = described(made, heard)
    for wanted in ("GET /subscribedSkus 200", "GET /users 200", "GET /users/delta 200", "POST /$batch 200",
                   "GET /admin/reportSettings 200", "GET /directory/subscriptions 200",
                   "GET /reports/getMailboxUsageDetail(period='D180') 302"):  # fmt: skip
        assert wanted in checked, checked


def test_plainer_forms_managers_apart_and_refusals_are_as_described(made: Desk, heard: list[Exchange]) -> None:
    listing = made.graph.listing
    key = made.tenant.directory.user_key("p0@contoso.example") or ""
    listing.page(MANAGERS_ONLY)
    listing.managers([key])
    assert [one.id for one in listing.people([key])] == [key]
    with pytest.raises(NotFound):
        made.graph.licence_states("aaaaaaaa-0000-4000-8000-000000000001")
    made.graph.manager(key)
    made.graph.user(key)
    made.tenant.fault("non_premium")
    made.order()
    made.worker().drain()
    made.tenant.fault("throttled", times=1, retry_after=5, path="subscribedSkus")
    with pytest.raises(RateLimited):
        made.graph.subscribed_skus()
    checked = described(made, heard)
    for wanted in (f"GET /users/{key}/manager 404", f"GET /users/{key} 200", "GET /users 403",
                   "GET /subscribedSkus 429", "POST /$batch 200"):  # fmt: skip
        assert wanted in checked, checked


def test_seats_given_and_taken_are_as_described(made: Desk, heard: list[Exchange]) -> None:
    directory = made.tenant.directory
    directory.add_sku(VISIO, 1)
    writer = Desk(made.tenant, str(made.database.engine.url), WRITER_AND_READER)
    try:
        first, second = (directory.user_key(f"p{n}@contoso.example") or "" for n in (0, 1))
        writer.graph.assign(first, VISIO)
        writer.graph.assign(second, VISIO)  # none left
        writer.graph.remove(first, VISIO)
        writer.graph.remove(second, VISIO)  # nothing to take
        group = directory.add_group("Licensed", licences=[VISIO])
        writer.graph.add_to_group(group, first, VISIO)
        writer.graph.remove_from_group(group, first, VISIO)
    finally:
        writer.close()
    checked = described(made, heard)
    assert f"POST /users/{first}/assignLicense 200" in checked
    assert f"POST /users/{second}/assignLicense 400" in checked


def test_the_check_tells_right_from_wrong(made: Desk, heard: list[Exchange]) -> None:
    """Both collections must be there; Microsoft's own description says so, and so does the check."""
    key = made.tenant.directory.user_key("p0@contoso.example")
    made.tenant.post(f"/users/{key}/assignLicense", {"addLicenses": []})
    with pytest.raises(OpenAPIError):
        described(made, heard)
    heard.clear()
    made.tenant.get("/users/delta?$top=5")
    with pytest.raises(OptionNotDescribed):
        described(made, heard)
