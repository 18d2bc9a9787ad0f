"""Each exchange with Microsoft as one plain sentence, for people who watch the Traffic panel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from flask import Request

from sandbox.graph_directory import DELETED, GROUP, SKU, USER, Directory

_USER_PATH = re.compile(r"/v1\.0/users/(?P<user>[^/]+)(?P<rest>/.*)?")
_MEMBER_PATH = re.compile(r"/v1\.0/groups/(?P<group>[^/]+)/members(?:/(?P<member>[^/$]+))?(?P<ref>/\$ref)?")
_TRIED = {"gave": "give", "took": "take", "added": "add", "DELETED": "DELETE"}
_DONE = re.compile("^(" + "|".join(_TRIED) + r")\b")
_FIXED = {
    "/v1.0/subscribedSkus": "asked how many Microsoft seats are free",
    "/v1.0/directory/subscriptions": "asked when Microsoft subscriptions end",
    "/v1.0/users": "read a page of people",
    "/v1.0/users/delta": "asked which people changed",
    "/v1.0/users/delta()": "asked which people changed",
    "/v1.0/admin/reportSettings": "asked whether usage reports hide names",
    "/v1.0/$batch": "sent several calls in one",
}


def sentence_for(directory: Directory) -> Callable[[Request, int], str]:
    """A function that words a request and its answer, naming people, products and groups."""

    def sentence(request: Request, status: int) -> str:
        told = _told(directory, request)
        if status >= 400 and request.method != "GET":
            told = _DONE.sub(lambda verb: f"tried to {_TRIED[verb[0]]}", told, count=1)
        outcome = "no answer came back" if status == 0 else f"Microsoft answered {status}"
        return f"{told} · {outcome}"

    return sentence


def _told(directory: Directory, request: Request) -> str:
    path = request.path
    if path in _FIXED:
        return _FIXED[path]
    if path.endswith("/oauth2/v2.0/token"):
        return "asked Microsoft for an access token"
    if path.endswith("/openid-configuration"):
        return "asked Microsoft where to sign in"
    if path.startswith("/v1.0/reports/"):
        return f"asked for the usage report {path.rsplit('/', 1)[-1].partition('(')[0].removeprefix('get')}"
    if path.startswith("/reports-download/"):
        return "downloaded a usage report"
    if path.startswith("/v1.0/servicePrincipals"):
        return "asked which permissions the app holds"
    if found := _MEMBER_PATH.fullmatch(path):
        return _about_members(directory, request, found)
    if path.startswith("/v1.0/groups/"):
        return f"looked up the group {_group(directory, path.split('/')[3])}"
    if found := _USER_PATH.fullmatch(path):
        return _about_person(directory, request, _person(directory, found["user"]), found["rest"] or "")
    return f"called {request.method} {path}"


def _about_person(directory: Directory, request: Request, person: str, rest: str) -> str:
    if rest == "/assignLicense":
        return _about_seats(directory, _body(request), person)
    if rest == "/manager":
        return f"asked who manages {person}"
    if rest == "/licenseDetails":
        return f"looked up the seats of {person}"
    if rest == "/reprocessLicenseAssignment":
        return f"asked for the group seats of {person} to be worked out again"
    if request.method == "DELETE":
        return f"DELETED {person} from the directory"
    return f"looked up {person}"


def _about_seats(directory: Directory, body: Any, person: str) -> str:
    body = body if isinstance(body, dict) else {}
    added = [_sku(directory, one.get("skuId")) for one in body.get("addLicenses") or [] if isinstance(one, dict)]
    removed = [_sku(directory, one) for one in body.get("removeLicenses") or []]
    if added and removed:
        return f"gave {person} a {' and '.join(added)} seat in exchange for {' and '.join(removed)}"
    if added:
        return f"gave {person} a {' and '.join(added)} seat"
    if removed:
        return f"took the {' and '.join(removed)} seat from {person}"
    return f"sent an empty change of seats for {person}"


def _about_members(directory: Directory, request: Request, found: re.Match[str]) -> str:
    group = _group(directory, found["group"])
    if request.method == "GET":
        return f"listed the members of {group}"
    if request.method == "POST":
        body = _body(request)
        reference = str(body.get("@odata.id", "")) if isinstance(body, dict) else ""
        return f"added {_person(directory, reference.rsplit('/', 1)[-1])} to {group}"
    person = _person(directory, found["member"] or "")
    if found["ref"]:
        return f"took {person} out of {group}"
    return f"DELETED {person} from the directory through {group}"


def _body(request: Request) -> Any:
    try:
        return json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}


def _person(directory: Directory, name: str) -> str:
    key = directory.user_key(name)
    document = directory.store.get(USER, key) if key else None
    if document is not None:
        return str(document["properties"]["displayName"])
    left = directory.store.get(DELETED, name.lower())
    return str(left["displayName"]) if left else "somebody unknown"


def _group(directory: Directory, group: str) -> str:
    document = directory.store.get(GROUP, group.lower())
    return str(document["displayName"]) if document else "an unknown group"


def _sku(directory: Directory, sku: Any) -> str:
    document = directory.store.get(SKU, str(sku).lower())
    return str(document["name"]) if document else "(unknown product)"
