"""POST /$batch: up to twenty calls in one, answered out of order, each with its own status."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from sandbox.graph_errors import GraphError, bad_request
from sandbox.graph_http import Context, answer, json_body

_LIMIT = 20
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def install(app: Flask, context: Context) -> None:
    @app.post("/v1.0/$batch")
    def batch() -> Response:
        calls = _read(json_body())
        done: dict[str, dict[str, Any]] = {}
        request_id = g.request_id  # the inner calls share this context and set their own
        for call in calls:
            failed = [name for name in call.get("dependsOn", ()) if done.get(name, {"status": 424})["status"] >= 400]
            done[call["id"]] = _failed_dependency(call["id"]) if failed else _run(app, context, call)
        g.request_id = request_id
        # Microsoft promises no order, so the stand-in never keeps it.
        return answer({"responses": list(reversed(done.values()))})


def _read(body: Any) -> list[dict[str, Any]]:
    calls = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(calls, list) or not calls:
        raise bad_request("Invalid batch payload format.", "BadRequest")
    if len(calls) > _LIMIT:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {_LIMIT}.", "BadRequest")
    ids: set[str] = set()
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("id"), str) or not isinstance(call.get("url"), str):
            raise bad_request("Invalid batch payload format.", "BadRequest")
        if call["id"] in ids:
            raise bad_request("Request Id has to be unique in a batch.", "BadRequest")
        if call.get("method", "").upper() not in _METHODS or "$batch" in call["url"]:
            raise bad_request(f"Invalid batch request step : {call['id']}.", "BadRequest")
        if any(name not in ids for name in call.get("dependsOn", ())):
            raise bad_request(f"Request {call['id']} depends on a request that is not before it.", "BadRequest")
        headers = {name.lower() for name in call.get("headers") or {}}
        if call.get("body") is not None and "content-type" not in headers:
            raise bad_request(f"Write request id : {call['id']} does not contain Content-Type header or body.")
        ids.add(call["id"])
    return calls


def _run(app: Flask, context: Context, call: dict[str, Any]) -> dict[str, Any]:
    path = "/" + call["url"].lstrip("/").removeprefix("v1.0/")
    method = call["method"].upper()
    throttled = context.faults.active("batch_throttled", method, path)
    if throttled is not None:
        wait = str(throttled.parameters.get("retry_after", 2))
        error = {"code": "TooManyRequests", "message": "Too many requests", "innerError": {}}
        headers = {"Retry-After": wait, "Content-Type": "application/json"}
        return {"id": call["id"], "status": 429, "headers": headers, "body": {"error": error}}
    if context.faults.active("batch_gone", method, path) is not None:
        error = {"code": "Request_ResourceNotFound", "message": "Resource does not exist.", "innerError": {}}
        return {
            "id": call["id"],
            "status": 404,
            "headers": {"Content-Type": "application/json"},
            "body": {"error": error},
        }
    path, _, query = path.partition("?")
    builder = EnvironBuilder(
        path=f"/v1.0{path}",
        query_string=query,
        method=method,
        base_url=request.host_url,
        headers=dict(call.get("headers") or {}) | {"Authorization": request.headers.get("Authorization", "")},
        data=json.dumps(call["body"]) if call.get("body") is not None else None,
    )
    chunks, status, answered = run_wsgi_app(app.wsgi_app, builder.get_environ(), buffered=True)
    code, text = int(status.split()[0]), b"".join(chunks).decode("utf-8")
    shown: dict[str, Any] = {"id": call["id"], "status": code, "headers": {}}
    for name in ("Content-Type", "Location", "Retry-After"):
        if name in answered:
            shown["headers"][name] = answered[name]
    if text:
        shown["body"] = json.loads(text)
    return shown


def _failed_dependency(call_id: str) -> dict[str, Any]:
    error = GraphError(424, "FailedDependency", "The request depends on one that failed.")
    return {
        "id": call_id,
        "status": error.status,
        "headers": {"Content-Type": "application/json"},
        "body": {"error": {"code": error.code, "message": error.message}},
    }
