"""A small tenant on the Graph stand-in, a plain HTTP caller, and Microsoft's schemas to hold answers against."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msal
import requests
import yaml
from openapi_schema_validator import OAS30Validator

from sandbox.certificates import Authority, make_ca
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph import GraphStandIn, create_graph
from sandbox.store import Store
from sandbox.traffic import Traffic

TENANT = "48a80680-7326-48cd-9935-b556b81d3a4e"
READER, WRITER, ADMIN = "reader-app", "writer-app", "admin-app"
SCOPE = ["https://graph.microsoft.com/.default"]
E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
VISIO = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
CLIENTS: dict[str, dict[str, Any]] = {
    READER: {
        "secret": "example-secret",
        "roles": [
            "LicenseAssignment.Read.All",
            "User.Read.All",
            "AuditLog.Read.All",
            "DeviceManagementManagedDevices.Read.All",
            "Reports.Read.All",
            "ReportSettings.Read.All",
            "Organization.Read.All",
            "GroupMember.Read.All",
            "Application.Read.All",
        ],
    },
    WRITER: {"secret": "example-secret", "roles": ["LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All"]},
    ADMIN: {
        "secret": "example-secret",
        "roles": ["Directory.ReadWrite.All", "User.ReadWrite.All", "AuditLog.Read.All"],
    },
    "basic-app": {"secret": "example-secret", "roles": ["User.ReadBasic.All"]},
    "plain-app": {"secret": "example-secret", "roles": ["User.Read.All"]},
    "bare-app": {"secret": "example-secret", "roles": []},
}


class Tenant:
    """The stand-in and a caller without any cleverness: no retries, no proxies, no environment."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.ca: Authority = make_ca(folder / "certificates")
        self.clock, self.traffic, self.faults = SandboxClock(), Traffic(), Faults()
        self.store = Store(folder / "graph.journal")
        self.graph: GraphStandIn = create_graph(
            self.store,
            self.clock,
            self.traffic,
            self.faults,
            tenant_id=TENANT,
            clients=CLIENTS | options.pop("clients", {}),
            certificate=self.ca.pair,
            **options,
        )
        self.directory = self.graph.directory
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(self.ca.ca)
        self.tokens: dict[str, str] = {}
        self.graph.start()

    def stop(self) -> None:
        self.session.close()
        self.graph.stop()
        self.store.close()

    def token(self, client: str) -> str:
        if client not in self.tokens:
            self.tokens[client] = self.sign_in(client)["access_token"]
        return self.tokens[client]

    def sign_in(self, client: str, credential: Any = "example-secret", tenant: str = TENANT) -> dict[str, Any]:
        app = msal.ConfidentialClientApplication(
            client,
            authority=f"{self.graph.url}/{tenant}",
            client_credential=credential,
            http_client=self.session,
            instance_discovery=False,
        )
        answer: dict[str, Any] = app.acquire_token_for_client(SCOPE)
        return answer

    def call(self, method: str, path: str, *, by: str = READER, **more: Any) -> requests.Response:
        url = path if path.startswith("https:") else self.graph.graph_url + path
        headers = {"Authorization": f"Bearer {self.token(by)}"} | more.pop("headers", {})
        return self.session.request(method, url, headers=headers, timeout=20, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.call("POST", path, **({"by": WRITER} | more), json=body)

    def delete(self, path: str, **more: Any) -> requests.Response:
        return self.call("DELETE", path, **({"by": WRITER} | more))

    def assign(self, user: str, add: Any = (), remove: Any = (), **more: Any) -> requests.Response:
        added = [one if isinstance(one, dict) else {"skuId": one, "disabledPlans": []} for one in add]
        return self.post(f"/users/{user}/assignLicense", {"addLicenses": added, "removeLicenses": list(remove)}, **more)

    def add_to_group(self, group: str, member: str, **more: Any) -> requests.Response:
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"}
        return self.post(f"/groups/{group}/members/$ref", reference, **more)

    def states(self, user: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/users/{user}?$select=licenseAssignmentStates").json()[
            "licenseAssignmentStates"
        ]
        return found

    def consumed(self, sku: str) -> int:
        rows = self.get("/subscribedSkus").json()["value"]
        return int(next(row["consumedUnits"] for row in rows if row["skuId"] == sku))

    def fault(self, kind: str, **facts: Any) -> None:
        known = {name: facts.pop(name) for name in ("method", "path", "times") if name in facts}
        self.faults.add(Fault(kind, parameters=facts, **known))

    def forward(self, **by: float) -> None:
        self.clock.forward(timedelta(**by))


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Tenant]:
    tenant = Tenant(folder, **options)
    try:
        yield tenant
    finally:
        tenant.stop()


@functools.cache
def _components() -> dict[str, Any]:
    path = Path(__file__).parents[2] / "docs" / "reference" / "graph-openapi-subset.yaml"
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["components"]
    return loaded


def check(schema: str, body: Any) -> None:
    """Hold a body against a schema of Microsoft's description."""
    OAS30Validator({"$ref": f"#/components/schemas/{schema}", "components": _components()}).validate(body)


def refused(answer: requests.Response, status: int, code: str, message: str | None = None) -> dict[str, Any]:
    """The answer is this error, in the exact shape; returns the error."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    check("microsoft.graph.ODataErrors.ODataError", body)
    error: dict[str, Any] = body["error"]
    assert error["code"] == code
    if message is not None:
        assert error["message"] == message
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert "Z" not in error["innerError"]["date"]
    return error
