"""The only way from us to Microsoft Graph, and the guard on it.

`DELETE /groups/{id}/members/{id}/$ref` takes a person out of a group; the same without `/$ref` deletes the person from
the directory. So one function builds that address, and every other DELETE is refused before it leaves the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrations.errors import Refused
from integrations.http import Credentials, HttpClient, Timeouts, utc_now

SYSTEM = "graph"

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_MEMBER_REF = re.compile(rf"/groups/{_GUID}/members/{_GUID}/\$ref")
_ALLOWED_WRITES = (
    re.compile(rf"/users/{_GUID}/assignLicense"),
    re.compile(rf"/groups/{_GUID}/members/\$ref"),
)


def guid(value: str, operation: str) -> str:
    """The id, if it is one; anything else could change the address it is put into."""
    if re.fullmatch(_GUID, value) is None:
        raise Refused(SYSTEM, operation, "the id is not a directory object id", code="invalid_id")
    return value


def member_ref(group_id: str, user_id: str | None, operation: str) -> str:
    """The address of a membership (with a person: to remove it; without: to add one). Nothing else may build it."""
    path = f"/groups/{guid(group_id, operation)}/members"
    return f"{path}/$ref" if user_id is None else f"{path}/{guid(user_id, operation)}/$ref"


def guard(method: str, path: str, json: Any) -> None:
    """Refuse every request that could do more than read, assign a licence or change one membership."""
    verb = method.upper()
    if verb == "GET":
        return
    if verb == "DELETE" and _MEMBER_REF.fullmatch(path):
        return
    if verb == "POST" and any(pattern.fullmatch(path) for pattern in _ALLOWED_WRITES):
        return
    if verb == "POST" and path == "/$batch":
        requests = json.get("requests", []) if isinstance(json, dict) else []
        if requests and all(part.get("method") == "GET" for part in requests):
            return
    raise Refused(SYSTEM, "guard", f"{verb} to this address is never sent by Seatkeeper", code="guarded")


def explain(status: int, body: Any) -> tuple[str, str]:
    """Code and sentence of a Graph error body; `code` may be empty there, and `details` may say more."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return str(status), f"answered {status}"
    code = str(error.get("code") or status)
    if status == 401:
        return code, "the access token is not accepted"
    if status == 403:
        return code, "the application lacks a permission for this: see `seatkeeper doctor`"
    for detail in error.get("details") or []:
        if isinstance(detail, dict) and detail.get("code"):
            code = str(detail["code"])
            break
    # The message can name ids, never secrets; it is shown because it is all that Graph tells.
    return code, str(error.get("message") or f"answered {status}")[:300]


def graph_transport(
    base_url: str,
    credentials: Credentials | None,
    *,
    ca_bundle: str | None = None,
    timeouts: Timeouts | None = None,
    now: Callable[[], datetime] = utc_now,
) -> HttpClient:
    """An HTTP client for Graph that cannot be used around the guard."""
    return HttpClient(
        system=SYSTEM,
        base_url=base_url,
        credentials=credentials,
        ca_bundle=ca_bundle,
        timeouts=timeouts,
        explain=explain,
        guard=guard,
        now=now,
    )
