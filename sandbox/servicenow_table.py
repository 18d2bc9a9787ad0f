"""The Table API over HTTP: /api/now/table, /api/now/v1/table, /api/now/v2/table."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request

from sandbox.servicenow_auth import Auth
from sandbox.servicenow_query import Query, parse
from sandbox.servicenow_records import Actor, Instance, Refused, Row, no_right, not_found
from sandbox.servicenow_render import Rendering, from_display, switch
from sandbox.servicenow_schema import PROPERTY_NO_ROWS

DEFAULT_LIMIT = 10_000
_VERBS = {"incident": "an incident", "sc_req_item": "a requested item", "sc_task": "a catalogue task"}


def said(sentence: str) -> None:
    """Word this exchange for the traffic log."""
    request.environ["sandbox.said"] = sentence


def name_of(instance: Instance, table: str, row: Row) -> str:
    return str(row.get(instance.tables[table].display) or row["sys_id"])


def check_headers(*, writes: bool) -> None:
    """Accept on everything, Content-Type on writes and deletes: 400 absent, 406 or 415 unusable."""
    if not request.headers.get("Accept"):
        raise Refused(400, "Exception while reading request", "The Accept header is required")
    if not any(kind in request.headers["Accept"] for kind in ("application/json", "*/*", "application/*")):
        raise Refused(406, "Not acceptable", "Accept must be application/json")
    if writes and not request.headers.get("Content-Type"):
        raise Refused(400, "Exception while reading request", "The Content-Type header is required")
    if writes and request.mimetype != "application/json":
        raise Refused(415, "Unsupported media type", "Content-Type must be application/json")


def json_body() -> Row:
    """The body's first record; further ones are ignored, as the original does."""
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        raise Refused(400, "Exception while reading request", "The payload is not valid JSON.") from None
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, dict):
        raise Refused(400, "Exception while reading request", "The payload is not a JSON object.")
    return body


class TableApi:
    """Routes and behaviour of the Table API."""

    def __init__(self, instance: Instance, auth: Auth) -> None:
        self._instance, self._auth = instance, auth

    def install(self, app: Flask) -> None:
        for version in ("", "v1/", "v2/"):
            base = f"/api/now/{version}table/<table>"
            app.add_url_rule(base, f"{version}list", self._list, methods=["GET"], defaults={"version": version})
            app.add_url_rule(base, f"{version}create", self._create, methods=["POST"])
            one = f"{base}/<sys_id>"
            app.add_url_rule(one, f"{version}read", self._read, methods=["GET"])
            app.add_url_rule(one, f"{version}update", self._update, methods=["PATCH", "PUT"])
            app.add_url_rule(one, f"{version}delete", self._delete, methods=["DELETE"])

    # -- common ----------------------------------------------------------------------------------------------------

    def _begin(self, table: str, *, writes: bool) -> Actor:
        actor = self._auth.actor()
        self._auth.check_scope(actor)
        check_headers(writes=writes)
        if table != "task" and table not in self._instance.tables:
            raise Refused(400, f"Invalid table {table}")
        self._instance.sweep()
        return actor

    def _rendering(self, actor: Actor) -> Rendering:
        return Rendering.asked(self._instance, actor, request.host_url.rstrip("/"), request.args)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _list(self, table: str, version: str) -> Response:
        said(f"looked for {table} records")
        actor = self._begin(table, writes=False)
        if not self._instance.may(actor, "read", table):
            raise Refused(403, "Insufficient rights to query records")
        found = self._search(table, actor)
        limit = number(request.args.get("sysparm_limit"), DEFAULT_LIMIT)
        offset = number(request.args.get("sysparm_offset"), 0)
        if offset < 0 or limit < 0:
            raise Refused(400, "Invalid sysparm_offset", "sysparm_offset and sysparm_limit must not be negative")
        page = list(self._instance.visible(table, found[offset : offset + limit]))
        if not page and version == "v1/":
            raise not_found()
        rendering = self._rendering(actor)
        answer = jsonify({"result": [rendering.row(self._class(table, row), row) for row in page]})
        if not switch(request.args.get("sysparm_no_count")):
            answer.headers["X-Total-Count"] = str(len(found))
        if not switch(request.args.get("sysparm_suppress_pagination_header")):
            answer.headers["Link"] = _links(limit, offset, len(found))
        said(f"looked for {table} records and saw {len(page)}")
        return answer

    def _class(self, table: str, row: Row) -> str:
        return str(row["sys_class_name"]) if table == "task" else table

    def _search(self, table: str, actor: Actor) -> list[Row]:
        own = [(name, value) for name, value in request.args.items() if not name.startswith("sysparm_")]
        text = "^".join(f"{name}={value}" for name, value in own) or request.args.get("sysparm_query", "")
        strict = self._instance.property(PROPERTY_NO_ROWS).lower() == "true"
        parsed = parse(text, now=self._instance.clock.now(), user_id=actor.sys_id)
        query = parsed.checked(lambda name: self._instance.knows(table, name), strict=strict)
        if query is None:
            return []
        return self._sorted(table, query, self._matching(table, query))

    def _matching(self, table: str, query: Query) -> list[Row]:
        instance = self._instance
        return instance.where(table, lambda row: query.matches(lambda name: instance.read(table, row, name)))

    def _sorted(self, table: str, query: Query, rows: list[Row]) -> list[Row]:
        for name, down in reversed(query.order):
            rows.sort(key=partial(self._order_key, table, name), reverse=down)
        return rows

    def _order_key(self, table: str, name: str, row: Row) -> str:
        return self._instance.read(table, row, name) or ""

    def _read(self, table: str, sys_id: str) -> Response:
        said(f"read a record of {table}")
        actor = self._begin(table, writes=False)
        row = self._seen(table, sys_id, actor, "GET")
        said(f"read {name_of(self._instance, self._class(table, row), row)}")
        return jsonify({"result": self._rendering(actor).row(self._class(table, row), row)})

    def _seen(self, table: str, sys_id: str, actor: Actor, method: str) -> Row:
        row = self._instance.get(table, sys_id)
        if row is None or not self._instance.may(actor, "read", table):
            raise not_found()
        if not list(self._instance.visible(table, [row], method)):
            raise not_found()
        return row

    # -- writing ---------------------------------------------------------------------------------------------------

    def _input(self, table: str, actor: Actor) -> Row:
        values = json_body()
        if not switch(request.args.get("sysparm_input_display_value")):
            return values
        return {
            name: from_display(self._instance, actor, table, name, value) if isinstance(value, str) else value
            for name, value in values.items()
        }

    def _create(self, table: str) -> Response:
        said(f"tried to open {_VERBS.get(table, table)}")
        actor = self._begin(table, writes=True)
        if table == "task" or not self._instance.may(actor, "write", table):
            raise no_right("Insert")
        values = self._input(table, actor)
        row = self._instance.insert(table, values, actor)
        about = row.get("short_description")
        said(f"opened {name_of(self._instance, table, row)}" + (f" “{about}”" if about else ""))
        answer = jsonify({"result": self._rendering(actor).row(table, row)})
        answer.status_code = 201
        answer.headers["Location"] = f"{request.host_url}api/now/table/{table}/{row['sys_id']}"
        return answer

    def _update(self, table: str, sys_id: str) -> Response:
        said(f"tried to change a record of {table}")
        actor = self._begin(table, writes=True)
        table = self._class(table, self._seen(table, sys_id, actor, request.method))
        if not self._instance.may(actor, "write", table):
            raise no_right("Update")
        values = self._input(table, actor)
        row = self._instance.update(table, sys_id, values, actor)
        said(f"changed {name_of(self._instance, table, row)} ({self._changes(table, row, values)})")
        return jsonify({"result": self._rendering(actor).row(table, row)})

    def _changes(self, table: str, row: Row, values: dict[str, Any]) -> str:
        words = []
        for name in values:
            if name == "state":
                state = str(row["state"])
                words.append(self._instance.choices(table, "state").get(state, state).lower())
            elif name in ("work_notes", "comments"):
                words.append("a note")
        return ", ".join(dict.fromkeys(words)) or ", ".join(values) or "nothing"

    def _delete(self, table: str, sys_id: str) -> Response:
        said(f"tried to delete a record of {table}")
        actor = self._begin(table, writes=True)
        row = self._seen(table, sys_id, actor, "DELETE")
        table = self._class(table, row)
        if not self._instance.may(actor, "delete", table):
            raise no_right("Delete")
        self._instance.delete(table, sys_id, actor)
        said(f"deleted {name_of(self._instance, table, row)}")
        return Response(status=204)


def number(text: str | None, default: int) -> int:
    try:
        return int(text) if text and text.strip() else default
    except ValueError:
        return default


def _links(limit: int, offset: int, total: int) -> str:
    """One Link header: first, prev, next, last; absolute, the same parameters, a new offset."""
    step = max(limit, 1)
    offsets = {"first": 0}
    if offset > 0:
        offsets["prev"] = max(offset - step, 0)
    if offset + step < total:
        offsets["next"] = offset + step
    offsets["last"] = max((total - 1) // step * step, 0)
    parts = []
    for rel, start in offsets.items():
        arguments = [(k, v) for k, v in request.args.items(multi=True) if k != "sysparm_offset"]
        parts.append(f'<{request.base_url}?{urlencode([*arguments, ("sysparm_offset", str(start))])}>;rel="{rel}"')
    return ",".join(parts)
