"""The customer's business rule that posts changes to Seatkeeper: asynchronous, never repeated, only a hint.

Switches make it worse as real ones are: each message twice, or pairs in the wrong order.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from typing import Any

import requests

from sandbox.servicenow_auth import Auth
from sandbox.servicenow_records import Actor, Instance, Row
from sandbox.traffic import Traffic

DEFAULT_HEADER = "X-Webhook-Secret"
DEFAULT_TABLES = ("incident", "sc_req_item", "sc_task")
_IDLE_SECONDS = 0.2
_TIMEOUT_SECONDS = 5

Message = dict[str, Any]


class WebhookSender:
    """Posts `{table, sys_id, number, operation, correlation_id, state, updated_by, updated_on, mod_count}`.

    Configured by the setting `webhook`: {url, secret, header, tables, duplicate, shuffle}; None is off.
    """

    def __init__(self, instance: Instance, auth: Auth, traffic: Traffic) -> None:
        self._auth, self._traffic, self._clock = auth, traffic, instance.clock
        self._queue: queue.Queue[tuple[Message, dict[str, Any]] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        instance.listeners.append(self._changed)

    def _changed(self, operation: str, table: str, row: Row, actor: Actor) -> None:
        hook = self._auth.settings()["webhook"]
        if not hook or table not in hook.get("tables", DEFAULT_TABLES):
            return
        message = {
            "table": table, "sys_id": row["sys_id"], "number": row.get("number", ""), "operation": operation,
            "correlation_id": row.get("correlation_id", ""), "state": row.get("state", ""),
            "updated_by": row["sys_updated_by"], "updated_on": row["sys_updated_on"],
            "mod_count": row["sys_mod_count"],
        }  # fmt: skip
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sandbox-webhook", daemon=True)
            self._thread.start()
        for _ in range(2 if hook.get("duplicate") else 1):
            self._queue.put((message, hook))

    def stop(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=_TIMEOUT_SECONDS + 1)
            self._thread = None

    def _run(self) -> None:
        held: tuple[Message, dict[str, Any]] | None = None
        while True:
            try:
                item = self._queue.get(timeout=_IDLE_SECONDS if held else None)
            except queue.Empty:
                item = held
                held = None
                if item is not None:
                    self._post(*item)
                continue
            if item is None:
                if held is not None:
                    self._post(*held)
                return
            if item[1].get("shuffle") and held is None:
                held = item
                continue
            self._post(*item)
            if held is not None:
                self._post(*held)
                held = None

    def _post(self, message: Message, hook: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json", hook.get("header", DEFAULT_HEADER): hook.get("secret", "")}
        body, began = json.dumps(message), time.perf_counter()
        try:
            status = requests.post(hook["url"], data=body, headers=headers, timeout=_TIMEOUT_SECONDS).status_code
        except requests.RequestException:
            status = 0  # there is no retry over there: the message is lost, polling is the net
        outcome = f"Seatkeeper answered {status}" if status else "Seatkeeper did not answer"
        self._traffic.add(
            at=self._clock.now(), system="servicenow", sender="ServiceNow", receiver="Seatkeeper", method="POST",
            path=hook["url"], status=status, milliseconds=round((time.perf_counter() - began) * 1000, 1),
            sentence=f"told of a change to {message['number'] or message['sys_id']} · {outcome}", request_body=body,
        )  # fmt: skip
