"""What every Graph route shares: who is calling, the answer's headers and cost, errors in Graph's shape."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import flask
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph_crowd import Crowd
from sandbox.graph_directory import USER, Directory
from sandbox.graph_errors import ACCEPTED, GraphError, bad_request, denied
from sandbox.graph_licensing import settle
from sandbox.graph_tokens import Tokens
from sandbox.store import Document


@dataclass
class Context:
    """What the routes work on. `page_size` is the default page of people; delta uses it too."""

    directory: Directory
    clock: SandboxClock
    faults: Faults
    tokens: Tokens
    tenant_id: str
    page_size: int = 100
    downloads: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)
    crowd: Crowd | None = None

    def person(self, key: str) -> Document | None:
        """Somebody by directory id, of the store as it is seen by this call, or of the crowd."""
        number = self.crowd.number_of(key) if self.crowd is not None else None
        if number is not None and self.crowd is not None:
            return self.crowd.person(number)
        return self.directory.seen(USER, key.lower(), as_of())

    def may(self, call: str) -> bool:
        return any(role in ACCEPTED[call] for role in g.roles)

    def require(self, call: str) -> None:
        """403 unless the token carries one of the permissions accepted for this call."""
        if not self.may(call):
            raise denied()

    def fault(self, kind: str) -> Fault | None:
        """A fault of Graph's own that hits this call; it names itself in the traffic."""
        fault = self.faults.active(kind, request.method, request.path)
        if fault is not None:
            request.environ["sandbox.fault"] = kind
        return fault

    def write_conflict(self) -> None:
        """409 when the fault `concurrency_409` is on for this path; a client repeats it after a pause."""
        fault = self.fault("concurrency_409")
        if fault is not None:
            wait = fault.parameters.get("retry_after")
            headers = {"Retry-After": str(wait)} if wait is not None else {}
            message = "Unable to complete the request due to data concurrency violations."
            raise GraphError(409, "Directory_ConcurrencyViolation", message, headers=headers)


def as_of() -> datetime | None:
    """The moment the answer shows, when reads lag; None shows the present."""
    moment: datetime | None = g.get("as_of")
    return moment


def root() -> str:
    return f"{request.host_url}v1.0"


def metadata(name: str) -> str:
    return f"{root()}/$metadata#{name}"


def answer(body: dict[str, Any], status: int = 200, *, units: int = 1) -> Response:
    """A JSON answer; `units` is the price in resource units before $select (-1), $expand (+1) and a small $top (-1)."""
    if "$select" in request.args:
        units -= 1
    if "$expand" in request.args:
        units += 1
    top = request.args.get("$top", "")
    if top.isdigit() and int(top) < 20:
        units -= 1
    response = flask.jsonify(body)
    response.status_code = status
    response.headers["Content-Type"] = (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )
    response.headers["x-ms-resource-unit"] = str(max(1, units))
    return response


def no_content() -> Response:
    response = Response(status=204)
    response.headers["x-ms-resource-unit"] = "1"
    return response


def json_body() -> Any:
    body = request.get_json(silent=True, force=True)
    if body is None:
        raise bad_request("Unable to read JSON request payload. Is it JSON?", "BadRequest")
    return body


def install(app: Flask, context: Context) -> None:
    """Token check before, headers after, and one place that words errors."""

    @app.before_request
    def _open() -> None:
        g.request_id = str(uuid.uuid4())
        g.roles = ()
        g.as_of = None
        if not request.path.startswith("/v1.0"):
            return
        with context.directory.store.lock:
            settle(context.directory)
        g.client_id, g.roles = context.tokens.caller(request.headers.get("Authorization", ""))
        if context.fault("expired_token"):
            context.tokens.refuse_expired()
        lag = context.fault("lagging_reads") if request.method == "GET" else None
        if lag is not None:
            g.as_of = context.clock.now() - timedelta(seconds=float(lag.parameters.get("seconds", 30)))

    @app.after_request
    def _close(response: Response) -> Response:
        if request.path.startswith("/v1.0"):
            response.headers["request-id"] = g.request_id
            response.headers["client-request-id"] = request.headers.get("client-request-id", g.request_id)
            response.headers["OData-Version"] = "4.0"
        return response

    @app.errorhandler(GraphError)
    def _failed(error: GraphError) -> Response:
        client_request = request.headers.get("client-request-id", g.request_id)
        now = context.clock.now().strftime("%Y-%m-%dT%H:%M:%S")
        response = answer(error.body(now, g.request_id, client_request), error.status)
        response.headers.update(error.headers)
        return response

    @app.errorhandler(HTTPException)
    def _unknown(error: HTTPException) -> Response:
        status = error.code or 500
        if status == 404:
            segment = request.path.rsplit("/", 1)[-1]
            failed = bad_request(f"Resource not found for the segment '{segment}'.", "BadRequest")
        else:
            failed = GraphError(status, "Request_BadRequest", error.description or error.name)
        return _failed(failed)
