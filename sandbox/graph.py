"""Microsoft Graph v1.0 and its token endpoint on loopback, over TLS, with a tenant behind it.

Faults of its own besides the common ones: `lagging_reads` (seconds), `concealed` (usage reports hide names),
`stale_reports` (days), `short_columns`, `non_premium`, `concurrency_409` (retry_after), `empty_page`, `expired_token`,
`batch_throttled` (retry_after; matches the inner call), `batch_gone` (the inner call finds nobody), `delta_reset`,
`cut_short` (a page of people that is not the last has no next link), `no_rows`, `odd_columns` (usage reports),
`no_intune`, `empty_devices`.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
from flask import Flask, Response, request

from sandbox import (
    graph_batch,
    graph_delta,
    graph_devices,
    graph_groups,
    graph_http,
    graph_reports,
    graph_tokens,
    graph_users,
)
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph_crowd import Crowd
from sandbox.graph_directory import GROUP, SKU, USER, Directory
from sandbox.graph_errors import GraphError
from sandbox.graph_http import Context
from sandbox.graph_licensing import set_enabled, settle
from sandbox.graph_sentences import sentence_for
from sandbox.graph_tokens import Tokens
from sandbox.server import StandIn
from sandbox.store import Document, Store
from sandbox.traffic import Traffic

_FAULT_FIELDS = ("kind", "method", "path", "times", "probability", "parameters")
_CODES = {429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable"}


class GraphStandIn(StandIn):
    """The running stand-in; seed it through `directory`. `authority` and `graph_url` are what clients are given."""

    directory: Directory
    context: Context

    @property
    def authority(self) -> str:
        return f"{self.url}/{self.context.tenant_id}"

    @property
    def graph_url(self) -> str:
        return f"{self.url}/v1.0"


def create_graph(
    store: Store,
    clock: SandboxClock,
    traffic: Traffic,
    faults: Faults,
    port: int = 0,
    *,
    tenant_id: str,
    clients: dict[str, dict[str, Any]],
    certificate: tuple[Path, Path],
    group_delay: timedelta = timedelta(seconds=5),
    page_size: int = 100,
    crowd: Crowd | None = None,
) -> GraphStandIn:
    """Build it, not yet started. `clients`: client id to `{"secret", "roles", "certificate" (PEM, optional)}`.

    `crowd` adds people who are made when asked for; they only read.
    """
    app = Flask("sandbox.graph")
    directory = Directory(store, clock, group_delay=group_delay)
    context = Context(directory, clock, faults, Tokens(store, tenant_id, clients), tenant_id, page_size, crowd=crowd)
    graph_http.install(app, context)
    for part in (graph_users, graph_delta, graph_groups, graph_reports, graph_devices, graph_batch):
        part.install(app, context)
    graph_tokens.install(app, context.tokens)
    _install_control(app, context, traffic)
    made = GraphStandIn(
        "graph",
        app,
        clock=clock,
        traffic=traffic,
        faults=faults,
        port=port,
        tls=certificate,
        sentence=sentence_for(directory),
        fault_body=_fault_body(clock),
    )
    made.directory, made.context = directory, context
    return made


def _fault_body(clock: SandboxClock) -> Any:
    """An injected failure in Graph's own error shape."""

    def body(fault: Fault, status: int) -> tuple[str, bytes]:
        code = _CODES.get(status, "UnknownError")
        error = GraphError(status, code, str(fault.parameters.get("message", "Please retry after a while.")))
        now = clock.now().strftime("%Y-%m-%dT%H:%M:%S")
        return "application/json", json.dumps(error.body(now, str(uuid.uuid4()), str(uuid.uuid4()))).encode()

    return body


# -- control, for the demo page and the tests --------------------------------------------------------------------------


def _install_control(app: Flask, context: Context, traffic: Traffic) -> None:
    @app.get("/_sandbox/state")
    def state() -> Response:
        return flask.jsonify(describe(context))

    @app.route("/_sandbox/faults", methods=["GET", "POST", "DELETE"])
    def faults() -> Response:
        if request.method == "POST":
            body = request.get_json(force=True)
            context.faults.add(Fault(**{key: body[key] for key in _FAULT_FIELDS if key in body}))
        elif request.method == "DELETE":
            wanted = request.args.get("id")
            if wanted is None:
                context.faults.clear()
            else:
                context.faults.remove(int(wanted))
        return flask.jsonify(context.faults.listed())

    @app.post("/_sandbox/sku")
    def sku() -> tuple[Response, int] | Response:
        body = request.get_json(force=True)
        try:
            changed = set_enabled(context.directory, str(body["skuId"]), int(body["enabled"]))
        except (KeyError, ValueError) as error:
            return flask.jsonify(error=str(error)), 400
        return flask.jsonify(_sku_state(context, changed))

    @app.get("/_sandbox/traffic")
    def shown_traffic() -> Response:
        since = request.args.get("since", "0")
        return flask.jsonify(traffic.since(int(since) if since.isdigit() else 0, "graph"))


def describe(context: Context, people: int = 1000) -> dict[str, Any]:
    """The tenant for a person's eyes: SKUs, the first `people` persons with their seats and paths, groups."""
    directory = context.directory
    with directory.store.lock:
        settle(directory)
        skus = directory.store.all(SKU)
        names = {str(sku["id"]).lower(): sku["name"] for sku in skus}
        groups = {str(group["id"]).lower(): group for group in directory.store.all(GROUP)}
        users = [directory.store.get(USER, key) for key in directory.user_keys()[:people]]
        return {
            "skus": [_sku_state(context, sku) for sku in skus],
            "users": [_user_state(user, names, groups) for user in users if user is not None],
            "groups": [
                {
                    "id": group["id"],
                    "name": group["displayName"],
                    "members": group["members"],
                    "licences": [names.get(one["skuId"].lower(), one["skuId"]) for one in group["licences"]],
                }
                for group in groups.values()
            ],
            "people": len(directory.user_keys()),
        }


def _sku_state(context: Context, sku: Document) -> dict[str, Any]:
    key = str(sku["id"]).lower()
    enabled, consumed = sku["prepaid"]["enabled"], context.directory.consumed(key)
    return {
        "skuId": sku["id"],
        "skuPartNumber": sku["skuPartNumber"],
        "name": sku["name"],
        "status": sku["capabilityStatus"],
        "enabled": enabled,
        "consumed": consumed,
        "free": enabled - consumed,
    }


def _user_state(user: Document, names: dict[str, str], groups: dict[str, Document]) -> dict[str, Any]:
    seats = []
    for entry in user["licences"]:
        group = groups.get(str(entry["assignedByGroup"]).lower())
        seats.append(
            {
                "skuId": entry["skuId"],
                "name": names.get(entry["skuId"].lower(), entry["skuId"]),
                "path": "direct" if entry["assignedByGroup"] is None else "group",
                "group": group["displayName"] if group else entry["assignedByGroup"],
                "state": entry["state"],
                "error": entry["error"],
            }
        )
    properties = user["properties"]
    return {
        "id": user["id"],
        "name": properties["displayName"],
        "userPrincipalName": properties["userPrincipalName"],
        "accountEnabled": properties["accountEnabled"],
        "manager": user["manager"],
        "seats": seats,
    }
