"""The description of the API, OpenAPI 3.1, written beside what it describes; a test holds answers against it."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": "string", "format": "date-time"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return schema | {"type": [schema["type"], "null"]}


def listed(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def record(**properties: Schema) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


SCHEMAS: dict[str, Schema] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "request_id"],
                "properties": {"code": TEXT, "message": TEXT, "request_id": TEXT, "reference": TEXT},
            }
        },
    },
    "Event": record(
        id=NUMBER,
        tag=TEXT,
        at=INSTANT,
        actor=TEXT,
        subject=TEXT,
        facts={"type": "object"},
        seq=maybe(NUMBER),
        hash=maybe(TEXT),
    ),
    "Events": record(
        events=listed("Event"), next_after=NUMBER, more=FLAG, unsealed=listed("Event"), unsealed_count=NUMBER
    ),
    "Chain": record(ok=FLAG, links=NUMBER, first_bad=maybe(NUMBER), words=TEXT, head=TEXT, unsealed=NUMBER),
    "Coming": record(at=INSTANT, words=TEXT, kind=TEXT, repeats=FLAG),
    "Due": record(now=INSTANT, next_work_at=maybe(INSTANT), next_turn_at=maybe(INSTANT), due=listed("Coming")),
    "Request": record(
        id=NUMBER,
        reference=TEXT,
        kind=TEXT,
        product=TEXT,
        tier=TEXT,
        seats=NUMBER,
        status=TEXT,
        words=TEXT,
        requester=TEXT,
        waits_for={"type": "array", "items": TEXT},
        due_at=maybe(INSTANT),
        submitted_at=maybe(INSTANT),
        closed_at=maybe(INSTANT),
    ),
    "Requests": record(requests=listed("Request"), next_after=NUMBER, more=FLAG),
    "Position": record(
        product=TEXT,
        tier=TEXT,
        part_number=TEXT,
        bought=maybe(NUMBER),
        in_use=NUMBER,
        reserved=NUMBER,
        free=maybe(NUMBER),
        waiting=NUMBER,
        unlimited=FLAG,
        unknown=TEXT,
        source=TEXT,
        read_at=maybe(INSTANT),
    ),
    "Positions": record(positions=listed("Position")),
    "ParkedCause": record(
        cause=TEXT,
        words=TEXT,
        kinds={"type": "array", "items": TEXT},
        queues={"type": "array", "items": TEXT},
        count=NUMBER,
        jobs={"type": "array", "items": NUMBER},
        first_at=INSTANT,
        last_at=INSTANT,
    ),
    "Parked": record(parked=listed("ParkedCause")),
    "Ran": record(run=NUMBER),
    "ToRun": {
        "oneOf": [
            record(jobs={"type": "array", "maxItems": 1000, "items": {"type": "integer", "minimum": 1}}),
            record(cause=TEXT),
        ]
    },
}
_AFTER = {
    "name": "after",
    "in": "query",
    "description": "continue after this number, `next_after` of the page before",
    "schema": {"type": "integer", "minimum": 0, "default": 0},
}


def _limit(default: int) -> Schema:
    schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": default}
    return {"name": "limit", "in": "query", "description": "how many at most", "schema": schema}


def _json(name: str) -> Schema:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _page(summary: str, answer: str, *parameters: Schema) -> Schema:
    found: Schema = {
        "summary": summary,
        "responses": {
            "200": {"description": "as asked"} | _json(answer),
            "400": {"$ref": "#/components/responses/Wrong"},
            "401": {"$ref": "#/components/responses/NoToken"},
            "404": {"$ref": "#/components/responses/Off"},
        },
    }
    return found | ({"parameters": list(parameters)} if parameters else {})


def document(base_url: str) -> Schema:
    """The whole description."""
    status = {"name": "status", "in": "query", "description": "only those in this state", "schema": TEXT}
    run = _page("Run parked work again, by job numbers or by cause", "Ran")
    run["requestBody"] = {"required": True} | _json("ToRun")
    described = {"type": "object", "description": "this description"}
    about: Schema = _page("This description", "Error")
    about["responses"]["200"]["content"]["application/json"]["schema"] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Seatkeeper",
            "version": "1",
            "description": "What an operator's programs read. Unknown parameters are refused.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/openapi.json": {"get": about},
            "/api/v1/events": {
                "get": _page("The audit trail in the order of its chain", "Events", _AFTER, _limit(100))
            },
            "/api/v1/chain": {"get": _page("Check the whole chain", "Chain")},
            "/api/v1/due": {"get": _page("What happens next by itself, and when", "Due", _limit(20))},
            "/api/v1/requests": {
                "get": _page("Requests in the order they were made", "Requests", _AFTER, _limit(100), status)
            },
            "/api/v1/positions": {"get": _page("Seats of every SKU", "Positions")},
            "/api/v1/parked": {"get": _page("Work that waits for a person, by cause", "Parked")},
            "/api/v1/parked/run": {"post": run},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Wrong": {"description": "a parameter or the body is wrong; the message says what"} | _json("Error"),
                "NoToken": {"description": "no token, or not the right one"} | _json("Error"),
                "Off": {"description": "no API_TOKEN is set"} | _json("Error"),
            },
            "schemas": SCHEMAS,
        },
    }
