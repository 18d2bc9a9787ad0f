"""The Flask app: headers, limits and one error shape around every page, whoever adds it.

Addresses of signed links hold a secret, so logs name the route and never the path.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from model.session import DatabaseBusy
from web import api, calendars, health, hints, inventory, links, metrics, renewals, status
from web.deps import WebDeps
from web.guard import Wrong

log = structlog.get_logger(__name__)

__all__ = ["WebDeps", "create_app"]

#: No scripts at all; styles and forms from here only; nobody may frame a page with buttons.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # a link's address is a secret
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LARGEST_BODY = 1_048_576
SLOW_MILLISECONDS = 1000
#: What answers a program rather than a person.
MACHINES = ("/api/", "/metrics", "/healthz", "/readyz", "/slack/", "/webhooks/", "/inventory", "/calendar/")

_SENTENCES = {
    400: "The request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address does not take this kind of request.",
    411: "The request must say how long it is.",
    413: "That is too large.",
    415: "This kind of content is not taken here.",
}


def create_app(deps: WebDeps) -> Flask:
    """The app with health, metrics, API, signed links and the status page; Slack is mounted by whoever wires it."""
    app = Flask("web", root_path=__file__.rpartition("/")[0])
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=200_000,
        MAX_FORM_PARTS=50,
        SESSION_COOKIE_SECURE=deps.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SEND_FILE_MAX_AGE_DEFAULT=86_400,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider's own switch
    app.url_map.strict_slashes = False
    app.before_request(_begin)
    app.after_request(lambda answer: _end(answer, deps))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(DatabaseBusy, _busy)
    app.register_error_handler(Exception, _broken)
    health.mount(app, deps)
    metrics.mount(app, deps)
    api.mount(app, deps)
    inventory.mount(app, deps)
    links.mount(app, deps)
    calendars.mount(app, deps)
    renewals.mount(app, deps)
    status.mount(app, deps)
    hints.mount(app, deps)
    return app


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(answer: Response, deps: WebDeps) -> Response:
    if not request.path.startswith("/slack/"):  # Slack's servers are no browser, and a press is answered often
        there = {name.lower() for name, _ in answer.headers}
        answer.headers.extend((name, value) for name, value in HEADERS.items() if name.lower() not in there)
    if deps.https:
        answer.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers["X-Request-Id"] = g.request_id
    took = round((time.perf_counter() - g.began) * 1000)
    route = str(request.url_rule) if request.url_rule else "unknown"
    write = log.info if answer.status_code >= 400 or took >= SLOW_MILLISECONDS else log.debug
    write("request", method=request.method, route=route, status=answer.status_code, milliseconds=took)
    return answer


def shaped(code: int, word: str, sentence: str, **more: Any) -> Response:
    """An error in the one shape: JSON for programs, a page for people."""
    if request.path.startswith(MACHINES):
        answer = jsonify({"error": {"code": word, "message": sentence, "request_id": g.request_id} | more})
    else:
        answer = make_response(render_template("said.html", title="That did not work", heading=sentence, lines=()))
    answer.status_code = code
    return answer


def _refused(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    code = error.code or 500
    if isinstance(error, Wrong):
        answer = shaped(code, error.word, str(error.description))
        answer.headers.update(error.headers)
        return answer
    if 300 <= code < 400:
        return make_response(error.get_response())
    answer = shaped(code, error.name.lower().replace(" ", "_"), _SENTENCES.get(code, "That did not work."))
    if allowed := getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(allowed)
    return answer


def _busy(error: DatabaseBusy) -> Response:
    log.warning("database busy")
    sentence = "Too much happens at this moment, so nothing was changed. Try again in a few seconds."
    answer = shaped(503, "busy", sentence)
    answer.headers["Retry-After"] = "5"
    return answer


def _broken(error: Exception) -> Response:
    reference = f"E-{secrets.token_hex(2).upper()}"
    log.error("page failed", reference=reference, exc_info=error)
    sentence = f"That did not work. Nothing was changed. Try again; if it repeats, tell IT reference {reference}."
    return shaped(500, "unexpected", sentence, reference=reference)
