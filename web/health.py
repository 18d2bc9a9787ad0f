"""`/healthz`: the process lives. `/readyz`: it can do its work; if not, the answer says in words what is missing."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Flask, Response, jsonify
from sqlalchemy import text

from web.deps import WebDeps
from workflows.policy_file import PolicyProblems

log = structlog.get_logger(__name__)


def mount(app: Flask, deps: WebDeps) -> None:
    """Add both pages."""

    def healthz() -> Response:
        return jsonify({"status": "alive"})

    def readyz() -> Response:
        missing = not_ready(deps)
        answer = jsonify({"status": "not ready" if missing else "ready", "not_ready": missing})
        answer.status_code = 503 if missing else 200
        return answer

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def not_ready(deps: WebDeps) -> list[str]:
    """A sentence for each thing that keeps the service from its work; empty when it is ready."""
    if sentence := _asked(lambda: _database(deps), "The database cannot be reached."):
        return [sentence]
    checks = [*(_asked(check, "A check could not be made.") for check in deps.readiness)]
    checks.append(_asked(lambda: _policy(deps), "The policy in force cannot be read."))
    return [sentence for sentence in checks if sentence]


def _asked(check: Callable[[], str], otherwise: str) -> str:
    try:
        return check()
    except Exception as error:
        log.warning("not ready", check=otherwise, exc_info=error)
        return otherwise


def _database(deps: WebDeps) -> str:
    with deps.database.reading() as connection:
        connection.execute(text("SELECT 1"))
    return ""


def _policy(deps: WebDeps) -> str:
    try:
        deps.rules()
    except LookupError:
        return "No policy is in force yet."
    except PolicyProblems as wrong:
        return f"This version cannot read the policy in force: {wrong.lines()[0]}"
    return ""
