"""Where ServiceNow says that something changed: POST /webhooks/servicenow. A hint and nothing more.

A business rule over there posts without retrying, sometimes twice and in any order, and whoever knows the secret could
post anything. So what a delivery says is never used: it only makes the next reading come sooner (ServiceNow §8).
"""

from __future__ import annotations

import hmac
import json

import structlog
from flask import Flask, Response, jsonify, request

from web.deps import WebDeps
from web.guard import Wrong
from workflows import ticket_sync

log = structlog.get_logger(__name__)

PATH = "/webhooks/servicenow"
HEADER = "X-Webhook-Secret"
LARGEST_BODY = 16_384


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the address. Without a secret in the settings it does not exist."""

    def servicenow_hint() -> tuple[Response, int]:
        try:
            _check(deps.hint_secret)
        except Wrong as wrong:
            log.warning("hint refused", reason=wrong.word, status=wrong.code)
            raise
        with deps.database.unit_of_work() as work:
            ticket_sync.hinted(work, deps.now())
            work.commit()
        return jsonify({"accepted": True}), 202

    app.add_url_rule(PATH, "servicenow_hint", servicenow_hint, methods=["POST"])


def _check(secret: str) -> None:
    """Raises Wrong for everything but a JSON object from somebody who knows the secret."""
    if not secret:
        raise Wrong(404, "off", "This is switched off. Set SERVICENOW_WEBHOOK_SECRET to switch it on.")
    given = request.headers.get(HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise Wrong(401, "secret", f"The secret is missing or wrong: send it in the header {HEADER}.")
    size = request.content_length
    if size is None:
        raise Wrong(411, "no_length", "The request must say how long it is.")
    if size > LARGEST_BODY:
        raise Wrong(413, "too_large", f"A hint may hold {LARGEST_BODY:,} bytes.")
    if request.mimetype != "application/json":
        raise Wrong(415, "no_json", "A hint must be JSON: send Content-Type: application/json.")
    try:
        said = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise Wrong(400, "no_json", "A hint must be JSON, and this cannot be read as JSON.") from None
    if not isinstance(said, dict):
        raise Wrong(400, "no_object", "A hint must be a JSON object.")
