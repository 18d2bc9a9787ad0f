"""The outside of the taking machine: the stand-in's own licensing rules in this process, with bad days, and a witness.

The real client speaks to it through its real error handling; only the socket is missing. `Witness` looks at every
write that takes something away, at the moment it is committed, and asks the database who confirmed it.
"""

from __future__ import annotations

import copy
import json as text
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from integrations.errors import Unclear
from integrations.graph import GraphClient
from integrations.graph_transport import SYSTEM, explain, guard
from integrations.http import HttpClient
from sandbox.graph_directory import SKU, USER, Directory, assigned_licences
from sandbox.graph_errors import GraphError, gone
from sandbox.graph_licensing import assign
from sandbox.store import Store

_USER = re.compile(r"/v1\.0/users/(?P<id>[^/]+)(?P<rest>/assignLicense)?")


class Clock:
    """Moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


@dataclass(frozen=True)
class Taken:
    """A SKU that a committed call of ours took from somebody, with the entry as it was."""

    user: str
    sku: str
    entry: dict[str, Any]
    usage_location: str | None
    given: tuple[str, ...]


@dataclass
class World:
    """The tenant and what goes wrong next. `lag`: how old reads are; `faults`: one for each coming write."""

    clock: Clock
    lag: timedelta = timedelta(0)
    faults: list[str] = field(default_factory=list)
    denied: bool = False  # the tenant keeps sign-ins from us
    foreign: dict[tuple[str, str], datetime] = field(default_factory=dict)  # what people changed by hand
    writes: int = 0

    def __post_init__(self) -> None:
        self.directory = Directory(Store(), self.clock)  # type: ignore[arg-type]  # only `now` is asked of a clock
        self.past: dict[str, list[tuple[datetime, dict[str, Any] | None]]] = {}
        self.witness: Callable[[Taken], None] = lambda taken: None

    def client(self) -> GraphClient:
        return GraphClient(_Wire(self))

    # -- by hand, in the portal ----------------------------------------------------------------------------------------

    def by_hand(self, user: str, add: list[str] = [], remove: list[str] = []) -> None:  # noqa: B006  only read
        """An administrator's own change; refused quietly when the rules refuse it."""
        body = {"addLicenses": [{"skuId": sku, "disabledPlans": []} for sku in add], "removeLicenses": remove}
        self._keep(user)
        try:
            assign(self.directory, user, body)
        except GraphError:
            return
        for sku in [*add, *remove]:
            self.foreign[user, sku] = self.clock.now()

    def change(self, user: str, **properties: Any) -> None:
        self._keep(user)
        sign_in = properties.pop("sign_in", None)
        self.directory.change_user(user, sign_in=sign_in, **properties)

    # -- looking -------------------------------------------------------------------------------------------------------

    def entry(self, user: str, sku: str) -> dict[str, Any] | None:
        """The working direct assignment as it is now."""
        document = self.directory.store.get(USER, user)
        for one in (document or {"licences": []})["licences"]:
            if one["skuId"].lower() == sku and one["assignedByGroup"] is None and one["state"] == "Active":
                return dict(one)
        return None

    def usage_location(self, user: str) -> str | None:
        document = self.directory.store.get(USER, user)
        return None if document is None else document["properties"].get("usageLocation")

    def _keep(self, user: str) -> None:
        document = self.directory.store.get(USER, user)
        kept = self.past.setdefault(user, [])
        kept.append((self.clock.now(), copy.deepcopy(document)))
        del kept[:-16]

    def _seen(self, user: str) -> dict[str, Any] | None:
        """The document, or what it was `lag` ago."""
        at = self.clock.now() - self.lag
        for changed_at, before in self.past.get(user, ()):
            if changed_at > at:
                return before
        return self.directory.store.get(USER, user)

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, json: Any, wants: str) -> tuple[int, dict[str, str], Any]:
        try:
            return 200, {}, self._answer(method, path, json, wants)
        except GraphError as error:
            return error.status, error.headers, error.body("2026-11-23T09:00:00", "r", "c")

    def _answer(self, method: str, path: str, json: Any, wants: str) -> Any:
        if path == "/v1.0/subscribedSkus":
            return {"value": [self._sku(one) for one in self.directory.store.all(SKU)]}
        found = _USER.fullmatch(path)
        assert found is not None, path
        user = found["id"].lower()
        if found["rest"]:
            return self._write(user, json)
        if self.denied and "signInActivity" in wants:
            raise GraphError(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "no premium licence")
        document = self._seen(user)
        if document is None:
            raise gone(user)
        return {
            "id": document["id"],
            "usageLocation": document["properties"].get("usageLocation"),
            "assignedLicenses": assigned_licences(document),
            "licenseAssignmentStates": copy.deepcopy(document["licences"]),
            "signInActivity": document["signInActivity"],
        }

    def _sku(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "skuId": document["id"],
            "skuPartNumber": document["skuPartNumber"],
            "consumedUnits": self.directory.consumed(str(document["id"]).lower()),
            "prepaidUnits": document["prepaid"],
            "servicePlans": document["servicePlans"],
            "appliesTo": document["appliesTo"],
            "capabilityStatus": document["capabilityStatus"],
        }

    def _write(self, user: str, body: Any) -> Any:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "throttled":
            raise GraphError(429, "TooManyRequests", "wait", headers={"Retry-After": "7"})
        if fault == "conflict":
            raise GraphError(409, "Directory_ConcurrencyViolation", "concurrency")
        if fault == "hang_up":
            raise _Lost
        before = {sku: self.entry(user, sku) for sku in map(str.lower, body["removeLicenses"])}
        location = self.usage_location(user)
        self._keep(user)
        document = assign(self.directory, user, body)
        self.writes += 1
        given = tuple(str(one["skuId"]).lower() for one in body["addLicenses"])
        for sku, entry in before.items():
            assert entry is not None  # the rules refuse to remove what is not there
            self.witness(Taken(user, sku, entry, location, given))
        if fault == "lost_answer":
            raise _Lost
        return {"id": document["id"]}


class _Lost(Exception):
    """No answer came back."""


class _Wire(HttpClient):
    """The real client without a socket."""

    def __init__(self, world: World) -> None:
        super().__init__(
            system=SYSTEM, base_url="https://graph.example.test/v1.0", explain=explain, guard=guard,
            now=world.clock.now,
        )  # fmt: skip
        self.world = world

    def _once(
        self, method: str, url: str, operation: str, safe: bool, correlation: str, options: Mapping[str, Any]
    ) -> requests.Response:
        path = "/v1.0" + url.removeprefix(self.base_url)
        wants = str((options.get("params") or {}).get("$select", ""))
        try:
            status, headers, body = self.world.answer(method, path, options.get("json"), wants)
        except _Lost:
            raise Unclear(SYSTEM, operation, "the connection was lost after the request was sent") from None
        response = requests.Response()
        response.status_code = status
        response.headers.update({"Content-Type": "application/json", **headers})
        response._content = text.dumps(body).encode()
        return response
