"""The ServiceNow stand-in's webhook: a hint with a secret, sent once, twice or out of order, never again."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.serving import make_server

from tests.http.servicenow_standin import Snow, running

WAIT = 10


class Receiver:
    """A small server that keeps what it is sent and answers with `status`."""

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.status = 202
        app = Flask("receiver")
        app.add_url_rule("/webhooks/servicenow", "hook", self._take, methods=["POST"])
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/servicenow"

    def _take(self) -> tuple[str, int]:
        self.got.put((request.headers.get("X-Webhook-Secret", ""), request.get_json()))
        return "", self.status

    def next(self) -> dict[str, Any]:
        return self.got.get(timeout=WAIT)[1]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def snow(receiver: Receiver) -> Iterator[Snow]:
    with running() as snow:
        yield snow


def configure(snow: Snow, receiver: Receiver, **more: Any) -> None:
    snow.control("POST", "settings", webhook={"url": receiver.url, "secret": "example-secret", **more})


def test_a_change_is_told_with_the_secret(snow: Snow, receiver: Receiver) -> None:
    configure(snow, receiver)
    row = snow.create(short_description="x", correlation_id="seat:1")
    secret, message = receiver.got.get(timeout=WAIT)
    assert secret == "example-secret"
    assert message == {
        "table": "incident", "sys_id": row["sys_id"], "number": row["number"], "operation": "insert",
        "correlation_id": "seat:1", "state": "1", "updated_by": "seatkeeper", "updated_on": row["sys_updated_on"],
        "mod_count": "0",
    }  # fmt: skip
    snow.control("POST", "resolve", number=row["number"], outcome="complete")
    told = receiver.next()
    assert (told["operation"], told["state"], told["updated_by"]) == ("update", "6", "admin")
    snow.control("POST", "delete", number=row["number"])
    assert receiver.next()["operation"] == "delete"
    snow.standin.webhook.stop()
    assert any(
        entry["sender"] == "ServiceNow" and "told of a change" in entry["sentence"] for entry in snow.traffic.since()
    )


def test_only_watched_tables_are_told(snow: Snow, receiver: Receiver) -> None:
    configure(snow, receiver, tables=["sc_req_item"])
    snow.create(short_description="x")
    snow.ordered(snow.cheap)
    assert receiver.next()["table"] == "sc_req_item"


def test_a_message_may_come_twice(snow: Snow, receiver: Receiver) -> None:
    configure(snow, receiver, duplicate=True)
    snow.create(short_description="x")
    assert receiver.next() == receiver.next()


def test_messages_may_come_in_the_wrong_order(snow: Snow, receiver: Receiver) -> None:
    configure(snow, receiver, shuffle=True)
    row = snow.standin.instance.insert("incident", {"short_description": "x"}, snow.standin.control.agent())
    snow.standin.instance.update("incident", row["sys_id"], {"state": "2"}, snow.standin.control.agent())
    assert [receiver.next()["operation"] for _ in range(2)] == ["update", "insert"]
    snow.create(short_description="alone")
    assert receiver.next()["operation"] == "insert"


def test_nothing_is_sent_again(snow: Snow, receiver: Receiver) -> None:
    receiver.status = 503
    configure(snow, receiver)
    snow.create(short_description="lost")
    receiver.next()
    snow.create(short_description="second")
    receiver.next()
    snow.standin.webhook.stop()
    assert receiver.got.empty()
    statuses = [entry["status"] for entry in snow.traffic.since() if entry["sender"] == "ServiceNow"]
    assert statuses == [503, 503]


def test_a_deaf_receiver_stops_nobody(snow: Snow, receiver: Receiver) -> None:
    configure(snow, receiver)
    receiver.stop()
    snow.create(short_description="x")
    snow.standin.webhook.stop()
    assert snow.traffic.since()[-1]["sentence"].endswith("Seatkeeper did not answer")
