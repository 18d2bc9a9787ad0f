"""A running ServiceNow stand-in with two accounts, a person and two catalogue items, and short ways to call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.servicenow import ServiceNow, add_catalog_item, add_group, add_user, create_servicenow
from sandbox.servicenow_schema import extra_table
from sandbox.store import Store
from sandbox.traffic import Traffic

USERS = {
    "seatkeeper": {"password": "example-password", "roles": ["itil"]},
    "powerless": {"password": "example-password", "roles": []},
    "root": {"password": "example-password", "roles": ["admin"]},
}
OAUTH = {
    "example-client": {"secret": "example-secret", "user": "seatkeeper"},
    "userless-client": {"secret": "example-secret"},
    "scoped-client": {"secret": "example-secret", "user": "seatkeeper", "scope": "cmdb_read"},
}


@dataclass
class Snow:
    """The stand-in and what tests need of it."""

    standin: ServiceNow
    clock: SandboxClock
    traffic: Traffic
    faults: Faults
    ana: str
    cheap: str
    dear: str
    group: str

    @property
    def url(self) -> str:
        return self.standin.url

    def call(self, method: str, path: str, *, user: str = "seatkeeper", **more: Any) -> requests.Response:
        """One call with basic credentials; a path without a leading slash is a table's."""
        full = path if path.startswith("/") else f"/api/now/table/{path}"
        if user:
            more.setdefault("auth", (user, "example-password"))
        return requests.request(method, self.url + full, timeout=more.pop("timeout", 10), **more)

    def create(self, table: str = "incident", **values: Any) -> dict[str, Any]:
        answer = self.call("POST", table, json=values)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["result"])

    def patch(self, table: str, sys_id: str, **values: Any) -> requests.Response:
        return self.call("PATCH", f"{table}/{sys_id}", json=values)

    def read(self, table: str, sys_id: str, **parameters: Any) -> dict[str, Any]:
        answer = self.call("GET", f"{table}/{sys_id}", params=parameters)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    def search(self, table: str, query: str, fields: str = "sys_id,number", **more: Any) -> list[dict[str, Any]]:
        parameters = {"sysparm_query": query, "sysparm_fields": fields, **more}
        answer = self.call("GET", table, params=parameters)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["result"])

    def order(self, item: str, quantity: int = 1, **more: Any) -> requests.Response:
        body: dict[str, Any] = {"sysparm_quantity": str(quantity), "sysparm_requested_for": self.ana}
        body["variables"] = {"reference": "seat:1"}
        return self.call("POST", f"/api/sn_sc/servicecatalog/items/{item}/order_now", json=body | more)

    def ordered(self, item: str, quantity: int = 1) -> dict[str, Any]:
        """Place an order and return its requested item."""
        request_id = self.order(item, quantity).json()["result"]["request_id"]
        [row] = self.search("sc_req_item", f"request={request_id}", "", sysparm_exclude_reference_link="true")
        return row

    def control(self, method: str, path: str, /, **body: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/_sandbox/{path}", json=body or None, timeout=10)

    def fault(self, kind: str, times: int | None = 1, *, method: str = ".*", **parameters: Any) -> None:
        self.faults.add(Fault(kind, method, times=times, parameters=parameters))


@contextmanager
def running(journal: Path | None = None) -> Iterator[Snow]:
    """Start the stand-in on a free port and stop it afterwards; with a journal its state survives."""
    store, clock, traffic, faults = Store(journal), SandboxClock(), Traffic(), Faults()
    own = (extra_table("u_licence_case", ("u_sku",)),)
    standin = create_servicenow(store, clock, traffic, faults, users=USERS, oauth=OAUTH, extra_tables=own)
    group = add_group(standin.instance, "Licence Desk")
    ana = add_user(standin.instance, "ana.lindqvist", name="Ana Lindqvist", email="ana.lindqvist@example.com")
    variables = [("reference", "Reference", True), ("plan", "Plan", False)]
    cheap = add_catalog_item(
        standin.instance, "Diagram tool seat", price="15", variables=variables, group=group,
        copies={"reference": "correlation_id"},
    )  # fmt: skip
    dear = add_catalog_item(standin.instance, "Design suite seat", price="600", variables=variables, group=group)
    standin.start()
    try:
        yield Snow(standin, clock, traffic, faults, ana, cheap, dear, group)
    finally:
        standin.stop()
        store.close()
