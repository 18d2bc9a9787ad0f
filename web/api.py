"""`/api/v1`: what an operator's programs read, behind a bearer token. The description is `/api/v1/openapi.json`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask, Response, jsonify, request

from model.requests import Status
from model.seal import unsealed, verify_database
from web.deps import WebDeps
from web.guard import Wrong, need_token, parameters, whole
from web.openapi import document
from web.words import status_words
from workflows.reads import operations
from workflows.reads.facts import RequestFacts

PREFIX = "/api/v1"
MOST = 500
USUAL = 100
MOST_JOBS = 1000


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the addresses of the API."""
    views = _Views(deps)
    guarded = need_token(deps)
    pages: dict[str, tuple[str, Callable[..., Any]]] = {
        "/openapi.json": ("GET", views.openapi),
        "/events": ("GET", views.events),
        "/chain": ("GET", views.chain),
        "/due": ("GET", views.due),
        "/requests": ("GET", views.requests),
        "/positions": ("GET", views.positions),
        "/parked": ("GET", views.parked),
        "/parked/run": ("POST", views.run_parked),
    }
    for path, (method, view) in pages.items():
        app.add_url_rule(PREFIX + path, f"api{path}", guarded(view), methods=[method])


class _Views:
    def __init__(self, deps: WebDeps) -> None:
        self._deps = deps

    def openapi(self) -> Response:
        parameters()
        return jsonify(document(self._deps.base_url))

    def events(self) -> Response:
        """Sealed events in chain order, and how many wait to be sealed."""
        asked = parameters(after=0, limit=USUAL)
        limit = whole("limit", asked["limit"], 1, MOST)
        with self._deps.database.reading() as connection:
            rows = operations.events(connection, asked["after"], limit)
            waiting = operations.events_to_seal(connection, limit)
            count = unsealed(connection)
        after = rows[-1].seq if rows else asked["after"]
        found = {"events": [_event(row) for row in rows], "next_after": after, "more": len(rows) == limit}
        return jsonify(found | {"unsealed": [_event(row) for row in waiting], "unsealed_count": count})

    def chain(self) -> Response:
        """The whole chain is checked: for a look now and then, not for a monitor."""
        parameters()
        report = verify_database(self._deps.database)
        with self._deps.database.reading() as connection:
            count = unsealed(connection)
        found = {"ok": report.ok, "links": report.count, "first_bad": report.first_bad, "words": report.words}
        return jsonify(found | {"head": report.head, "unsealed": count})

    def due(self) -> Response:
        """What happens next by itself, and when."""
        asked = parameters(limit=20)
        limit = whole("limit", asked["limit"], 1, MOST)
        now = self._deps.now()
        with self._deps.database.reading() as connection:
            rows = operations.coming(connection, now, limit)
        work = [row.at for row in rows if not row.repeats]
        turns = [row.at for row in rows if row.repeats]
        return jsonify(
            {
                "now": _instant(now),
                "next_work_at": _instant(work[0]) if work else None,
                "next_turn_at": _instant(turns[0]) if turns else None,
                "due": [
                    {"at": _instant(row.at), "words": row.words, "kind": row.kind, "repeats": row.repeats}
                    for row in rows
                ],
            }
        )

    def requests(self) -> Response:
        """Requests in the order they were made."""
        asked = parameters(after=0, limit=USUAL, status="")
        limit = whole("limit", asked["limit"], 1, MOST)
        with self._deps.database.reading() as connection:
            rows = operations.recent_requests(connection, asked["after"], limit, _status(asked["status"]))
        after = rows[-1].id if rows else asked["after"]
        return jsonify({"requests": [_request(row) for row in rows], "next_after": after, "more": len(rows) == limit})

    def positions(self) -> Response:
        """Seats of every SKU. None means no limit (`unlimited`) or not known (`unknown` says why), never zero."""
        parameters()
        with self._deps.database.reading() as connection:
            rows = operations.positions(connection, self._deps.now())
        return jsonify(
            {
                "positions": [
                    {
                        "product": row.product,
                        "tier": row.tier,
                        "part_number": row.part_number,
                        "bought": row.numbers.bought,
                        "in_use": row.numbers.in_use,
                        "reserved": row.numbers.reserved,
                        "free": row.numbers.free,
                        "waiting": row.numbers.waiting,
                        "unlimited": row.numbers.unlimited,
                        "unknown": row.numbers.unknown,
                        "source": row.numbers.source,
                        "read_at": _instant(row.numbers.read_at),
                    }
                    for row in rows
                ]
            }
        )

    def parked(self) -> Response:
        """Work that was given up, by cause."""
        parameters()
        with self._deps.database.reading() as connection:
            rows = operations.parked(connection)
        return jsonify(
            {
                "parked": [
                    {
                        "cause": row.cause,
                        "words": row.words,
                        "kinds": row.kinds,
                        "queues": row.queues,
                        "count": len(row.ids),
                        "jobs": row.ids[:MOST_JOBS],
                        "first_at": _instant(row.first_at),
                        "last_at": _instant(row.last_at),
                    }
                    for row in rows
                ]
            }
        )

    def run_parked(self) -> Response:
        """Run parked work again: the jobs named, or all of one cause."""
        parameters()
        jobs, cause = _to_run(request.get_json(silent=True))
        now = self._deps.now()
        with self._deps.database.unit_of_work() as work:
            if cause is not None:
                jobs = [one for row in operations.parked(work.connection) if row.cause == cause for one in row.ids]
            ran = operations.run_parked(work, jobs, "operator:api", now)
            work.after_commit(self._deps.wake)
            work.commit()
        return jsonify({"run": ran})


def _to_run(body: Any) -> tuple[list[int], str | None]:
    how = 'Send {"jobs": [1, 2]} or {"cause": "…"} as JSON.'
    if not isinstance(body, dict) or set(body) not in ({"jobs"}, {"cause"}):
        raise Wrong(400, "body", how)
    if "cause" in body:
        if not isinstance(body["cause"], str):
            raise Wrong(400, "body", f"*cause* must be text. {how}")
        return [], body["cause"]
    jobs = body["jobs"]
    if not isinstance(jobs, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in jobs):
        raise Wrong(400, "body", f"*jobs* must be a list of whole numbers. {how}")
    if len(jobs) > MOST_JOBS or any(not 0 < one < 2**63 for one in jobs):
        raise Wrong(400, "body", f"*jobs* may hold at most {MOST_JOBS:,} job numbers.")
    return jobs, None


def _status(name: str) -> Status | None:
    if not name:
        return None
    try:
        return Status(name)
    except ValueError:
        known = ", ".join(one.value for one in Status if one is not Status.DRAFT)
        raise Wrong(400, "unknown_status", f"There is no status {name[:40]!r}. Known are: {known}.") from None


def _event(row: operations.EventRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "tag": row.tag,
        "at": _instant(row.at),
        "actor": row.actor,
        "subject": row.subject,
        "facts": row.facts,
        "seq": row.seq,
        "hash": row.hash,
    }


def _request(row: RequestFacts) -> dict[str, Any]:
    step = row.open_step
    return {
        "id": row.id,
        "reference": row.reference,
        "kind": str(row.kind),
        "product": row.product,
        "tier": row.tier,
        "seats": row.seats,
        "status": str(row.status),
        "words": status_words(row.status),
        "requester": row.requester.name,
        "waits_for": [one.who.name for one in step.waits_for] if step else [],
        "due_at": _instant(step.due_at) if step else None,
        "submitted_at": _instant(row.submitted_at),
        "closed_at": _instant(row.closed_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
