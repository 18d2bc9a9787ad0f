"""GET /users/delta: first everybody, then who changed since, with tokens that live seven days."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, request

from sandbox import graph_query as query
from sandbox.graph_directory import DELETED, USER
from sandbox.graph_errors import GraphError, bad_request
from sandbox.graph_http import Context, answer, metadata, root
from sandbox.store import Document

_LIFE = timedelta(days=7)
_MOST_IDS = 50
_REFUSED = ("signInActivity",)


def install(app: Flask, context: Context) -> None:
    @app.get("/v1.0/users/delta")
    @app.get("/v1.0/users/delta()")
    def delta() -> Response:
        context.require("users")
        for option in ("$top", "$expand", "$orderby", "$search"):
            if option in request.args:
                raise bad_request(f"The query option '{option}' is not supported for delta queries.", "BadRequest")
        if context.fault("delta_reset"):
            raise _start_again("resyncRequired", "Resync required.")
        raw = _argument("$deltatoken") or _argument("$skiptoken")
        if raw == "latest":
            return answer(_body(context, [], _token(context, "d", _now_at(context), 0, _options())))
        if raw is None:
            kind, since, position, options = "s", 0, 0, _options()
            until = _now_at(context)
        else:
            kind, since, until, position, options = _read(context, raw)
        return answer(_page(context, kind, since, until, position, options))


def _options() -> dict[str, str]:
    """$select and $filter are remembered in the token: a client must not repeat them."""
    found = {name: request.args[name] for name in ("$select", "$filter") if name in request.args}
    names = query.selected(frozenset({"manager"})) or []
    for name in _REFUSED:
        if name in names:
            raise bad_request(
                "Invalid request for delta query: for this entity set, $expand/$select is not supported for the "
                f"following properties: {name}",
                "BadRequest",
            )
    ids = re.findall(r"id eq '([^']+)'", found.get("$filter", ""))
    if "$filter" in found and (not ids or len(ids) > _MOST_IDS):
        raise bad_request(f"Delta queries filter by at most {_MOST_IDS} object ids.", "BadRequest")
    return found


def _page(context: Context, kind: str, since: int, until: int, position: int, options: dict[str, str]) -> Document:
    rows = _changed(context, since, options) if kind == "c" else _everybody(context, options)
    size = context.page_size
    part, rest = rows[position : position + size], rows[position + size :]
    if rest:
        token = _token(context, kind, until, position + size, options, since)
        return _body(context, part, next_token=token)
    return _body(context, part, _token(context, "d", until, 0, options))


def _everybody(context: Context, options: dict[str, str]) -> list[Document]:
    directory = context.directory
    users = (directory.store.get(USER, key) for key in directory.user_keys())
    return [_show(user, options) for user in users if user is not None and _wanted(user["id"], options)]


def _changed(context: Context, since: int, options: dict[str, str]) -> list[Document]:
    store = context.directory.store
    users = [user for user in store.all(USER) if user["change"] > since]
    gone = [row for row in store.all(DELETED) if row["change"] > since]
    rows: list[tuple[int, Document]] = [(user["change"], _show(user, options)) for user in users]
    rows += [(row["change"], {"id": row["id"], "@removed": {"reason": "changed"}}) for row in gone]
    return [row for _, row in sorted(rows, key=lambda pair: pair[0]) if _wanted(row["id"], options)]


def _wanted(identity: str, options: dict[str, str]) -> bool:
    ids = [one.lower() for one in re.findall(r"id eq '([^']+)'", options.get("$filter", ""))]
    return not ids or identity.lower() in ids


def _show(user: Document, options: dict[str, str]) -> Document:
    raw = options.get("$select")
    names = [name.strip() for name in raw.split(",") if name.strip()] if raw else None
    shown = query.show(user, [name for name in names if name != "manager"] if names is not None else None)
    if names and "manager" in names and user["manager"]:
        shown["manager@delta"] = [{"@odata.type": "#microsoft.graph.user", "id": user["manager"]}]
    return shown


def _body(
    context: Context, rows: list[Document], delta_token: str | None = None, next_token: str | None = None
) -> Document:
    body: Document = {"@odata.context": metadata("users"), "value": rows}
    if next_token:
        body["@odata.nextLink"] = f"{root()}/users/delta?$skiptoken={next_token}"
    else:
        body["@odata.deltaLink"] = f"{root()}/users/delta?$deltatoken={delta_token}"
    return body


def _argument(name: str) -> str | None:
    """Microsoft writes both $deltatoken and $deltaToken."""
    found = next((value for key, value in request.args.items() if key.lower() == name), None)
    return found or None


def _now_at(context: Context) -> int:
    return context.directory.change


def _token(context: Context, kind: str, until: int, position: int, options: dict[str, str], since: int = 0) -> str:
    facts = [kind, context.clock.now().isoformat(), since, until, position, options]
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")


def _read(context: Context, raw: str) -> tuple[str, int, int, int, dict[str, str]]:
    try:
        decoded: Any = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        kind, made, since, until, position, options = decoded
        made_at = datetime.fromisoformat(made)
    except (ValueError, TypeError) as error:
        raise bad_request("Badly formed token.") from error
    if context.clock.now() - made_at > _LIFE:
        raise _start_again("syncStateNotFound", "The sync state generation is not found; it may have expired.")
    if kind == "d":  # a new round begins where the last one ended
        return "c", int(until), _now_at(context), 0, options
    return str(kind), int(since), int(until), int(position), options


def _start_again(code: str, message: str) -> GraphError:
    """410 with an address that begins a full synchronisation."""
    return GraphError(410, code, message, headers={"Location": f"{root()}/users/delta?$deltaToken="})
