"""What only ServiceNow does on a bad day: hourly rate rules, a full queue, cut answers with status 200, sleep."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

from flask import Flask, Response, g, jsonify, request

from sandbox.servicenow_auth import Auth, unauthenticated
from sandbox.servicenow_records import Instance, Refused
from sandbox.servicenow_schema import stable_id

OWN_KINDS = {
    "rate_limited": "429 of an hourly rule: Retry-After, X-RateLimit-Limit, -Reset, -Rule (`limit`, `retry_after`)",
    "queue_full": "429 of a full semaphore queue: no header says when to come back",
    "quota_truncated": "200 whose body is cut and ends with an error object: not valid JSON",
    "result_and_error": "200 with some of the rows and an error object: valid JSON",
    "asleep": "200 with the HTML page of a hibernating instance, nothing done",
    "signed_out": "401 although the credentials are right (locked account, revoked token)",
    "read_only_field": "an update answers 200 but leaves fields as they were (`fields`, all unless told)",
    "acl_hidden": "rows hidden by access rules: 404 or a short page (`sys_ids` or `numbers`, all unless told)",
    "wrong_close_code": "no close code is accepted: dropped, then reported as missing",
    "business_rule_abort": "403, stopped by a rule of the customer's (`name`)",
    "two_step_checkout": "order_now only fills the cart and answers with a cart_id",
}
_QUOTA = {
    "message": "Transaction cancelled: maximum execution time exceeded",
    "detail": "Transaction cancelled: maximum execution time exceeded. Check logs for error trace",
}
_ASLEEP = "<html><head><title>Instance Hibernating page</title></head><body>Your instance is hibernating.</body></html>"


class BadDays:
    """Hooks around every API call."""

    def __init__(self, instance: Instance, auth: Auth) -> None:
        self._instance, self._auth = instance, auth
        self._counts: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def install(self, app: Flask) -> None:
        app.before_request(self._before)
        app.after_request(self._after)

    def _hit(self, kind: str) -> dict[str, int] | None:
        fault = self._instance.faults.active(kind, request.method, request.path)
        if fault is None:
            return None
        request.environ["sandbox.fault"] = kind
        return fault.parameters

    def _before(self) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        if self._hit("asleep") is not None:
            return Response(_ASLEEP, mimetype="text/html")
        if self._hit("signed_out") is not None:
            raise unauthenticated()
        if self._hit("queue_full") is not None:
            return Response(status=429)
        if (parameters := self._hit("rate_limited")) is not None:
            wait = int(parameters.get("retry_after", 60))
            self._name_rule(int(parameters.get("limit", 100)), wait)
            return _limited(int(parameters.get("limit", 100)), wait)
        return self._budget()

    def _budget(self) -> Response | None:
        """The hourly rule of the settings, counted per user."""
        limit = int(self._auth.settings()["rate_limit_per_hour"])
        if limit <= 0:
            return None
        try:
            user = self._auth.actor().user_name
        except Refused:
            return None
        now = self._instance.clock.now()
        hour = int(now.timestamp()) // 3600
        ends = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        wait = max(1, int((ends - now).total_seconds()))
        self._name_rule(limit, wait)
        with self._lock:
            self._counts[user, hour] = count = self._counts.get((user, hour), 0) + 1
        return _limited(limit, wait) if count > limit else None

    def _name_rule(self, limit: int, wait: int) -> None:
        reset = int(self._instance.clock.now().timestamp()) + wait
        g.rate_headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Reset": str(reset),
            "X-RateLimit-Rule": stable_id("sys_rate_limit_rules", "table-api"),
        }

    def _after(self, answer: Response) -> Response:
        answer.headers.update(g.get("rate_headers", {}))
        if (
            not request.path.startswith("/api/now/")
            or answer.status_code != 200
            or answer.mimetype != "application/json"
        ):
            return answer
        if self._hit("quota_truncated") is not None:
            text = answer.get_data(as_text=True)
            error = json.dumps({"error": _QUOTA, "status": "failure"})
            answer.set_data(text[: max(12, len(text) // 2)] + "," + error[1:])
        elif self._hit("result_and_error") is not None:
            result = (answer.get_json() or {}).get("result")
            kept = result[: len(result) // 2] if isinstance(result, list) else result
            answer.set_data(json.dumps({"result": kept, "error": _QUOTA, "status": "failure"}))
        return answer


def _limited(limit: int, wait: int) -> Response:
    detail = f"Rate limit of {limit} requests per hour for Table API exceeded"
    answer = jsonify({"error": {"message": "Rate limit exceeded", "detail": detail}, "status": "failure"})
    answer.status_code = 429
    answer.headers["Retry-After"] = str(wait)
    return answer
