"""`/inventory`: where agents of devices report, each answered in its own dialect.

An agent's server setting is all that has to change, so every path below is taken too. Agents differ in what they can
send as a secret: the token may be the password of Basic, a bearer, or the first part of the path. Most agents ask
without credentials first and again after 401. They end well whatever we answer, so a refusal says in a sentence what
is wrong, for whoever reads the agent's log.
"""

from __future__ import annotations

import hmac
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import structlog
from flask import Flask, Response, jsonify, make_response, request

from web.deps import WebDeps
from web.guard import Wrong, holds_token
from workflows.inventory import message
from workflows.inventory.body import MOST_RECEIVED, unpack
from workflows.inventory.dialects import fusion, glpi
from workflows.inventory.report import Report, TooMuch, Unreadable

log = structlog.get_logger(__name__)

PATH = "/inventory"
#: Beside Slack (design §10); as many again wait for a moment, and all others are told to come again.
AT_ONCE = 2
WAITING = 2
WAIT_SECONDS = 5.0
COME_AGAIN_SECONDS = 60
CHUNK = 65_536
HOURS_BETWEEN = 24
#: What a GLPI server says of itself; agents ask for the inventory task only of a server that names one.
GLPI_SERVER = {"server": "glpi", "version": "10.0.18"}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Seatkeeper"'}
_SEND = f"<REPLY><RESPONSE>SEND</RESPONSE><PROLOG_FREQ>{HOURS_BETWEEN}</PROLOG_FREQ></REPLY>"
_TAKEN = "<REPLY><RESPONSE>NO_ACCOUNT_UPDATE</RESPONSE></REPLY>"
_OFF = "Inventory intake is switched off. Set INVENTORY_TOKEN to switch it on, and give agents the same token."


class _Slots:
    """So many at once, so many that wait; nobody else holds up a thread that Slack needs."""

    def __init__(self) -> None:
        self._work = threading.BoundedSemaphore(AT_ONCE)
        self._room = threading.BoundedSemaphore(AT_ONCE + WAITING)

    @contextmanager
    def slot(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise _come_again()
        try:
            if not self._work.acquire(timeout=WAIT_SECONDS):
                raise _come_again()
            try:
                yield
            finally:
                self._work.release()
        finally:
            self._room.release()


def _come_again() -> Wrong:
    sentence = "Too many inventories come in at this moment, and nothing of this one was kept. Send it again later."
    return Wrong(503, "busy", sentence, {"Retry-After": str(COME_AGAIN_SECONDS)})


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the address, whether it is switched on or not."""
    views = _Views(deps)
    for path in (PATH, f"{PATH}/<path:below>"):
        name = "inventory" if path == PATH else "inventory below"
        app.add_url_rule(path, name, views.take, methods=["POST"], defaults={"below": ""} if path == PATH else None)
        app.add_url_rule(
            path, f"{name} asked", views.ask, methods=["GET"], defaults={"below": ""} if path == PATH else None
        )


class _Views:
    def __init__(self, deps: WebDeps) -> None:
        self._deps = deps
        self._slots = _Slots()

    def ask(self, below: str) -> Response:
        """A GLPI agent in its older mode asks what each of its other tasks should do: nothing."""
        self._check(below)
        if request.args.get("action") != "getConfig":
            raise Wrong(400, "nothing_to_show", "Agents send their inventories here by POST; there is nothing to read.")
        return jsonify({})

    def take(self, below: str) -> Response:
        """One message of an agent."""
        self._check(below)
        agent = request.headers.get("User-Agent", "")[:200]
        with self._slots.slot():
            try:
                said = message.read(_body(), agent, request.headers.get("GLPI-Agent-ID", "")[:200])
            except TooMuch as wrong:
                raise Wrong(413, "too_large", str(wrong)) from None
            except Unreadable as wrong:
                raise Wrong(400, "unreadable", str(wrong)) from None
            return self._answer(said, agent)

    def _answer(self, said: message.Message, agent: str) -> Response:
        if isinstance(said, glpi.Contact):
            return jsonify(_welcome() | {"disabled": list(said.others)})
        if isinstance(said, Report):
            self._store(said)
            return jsonify({"status": "ok"})
        if said.report is not None:
            self._store(said.report)
            return _xml(_TAKEN, agent)
        if said.query != "PROLOG":
            raise Wrong(400, "unreadable", f"The query {said.query} is not known here: PROLOG and INVENTORY are.")
        if "GLPI-Agent-ID" in request.headers:  # answered in JSON, it goes on in JSON
            return jsonify(_welcome())
        return _xml(_SEND, agent)

    def _store(self, report: Report) -> None:
        intake = self._deps.intake
        if intake is None:
            raise Wrong(404, "off", _OFF)
        taken = intake.take(report, self._deps.now())
        log.info(
            "inventory taken",
            device=taken.device_id,
            source=report.source,
            opened=taken.opened,
            closed=taken.closed,
            older=taken.older,
        )

    def _check(self, below: str) -> None:
        """Raises Wrong unless the token is right; it may be the first part of the path."""
        token = self._deps.inventory_token
        if not token or self._deps.intake is None:
            raise Wrong(404, "off", _OFF)
        first = below.partition("/")[0]
        if hmac.compare_digest(first.encode("utf-8", "replace"), token.encode()) or holds_token(request, token):
            return
        sentence = "The token is missing or wrong: send INVENTORY_TOKEN as the password of Basic authentication."
        raise Wrong(401, "token", sentence, _CHALLENGE)


def _welcome() -> dict[str, Any]:
    return {"status": "ok", "message": "", "expiration": HOURS_BETWEEN, "tasks": {"inventory": GLPI_SERVER}}


def _body() -> bytes:
    """The body, unpacked. Raises Unreadable, and Wrong for one that is too large before it is read."""
    if (size := request.content_length) is not None and size > MOST_RECEIVED:
        raise TooMuch(f"The inventory is larger than {MOST_RECEIVED // 1024 // 1024} MB as sent.")
    request.max_content_length = MOST_RECEIVED
    return unpack(_parts(request.stream))


def _parts(stream: IO[bytes]) -> Iterator[bytes]:
    while part := stream.read(CHUNK):
        yield part


def _xml(reply: str, agent: str) -> Response:
    """OCS reads nothing but a zlib stream, FusionInventory a plain reply best; it must never be empty."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{reply}\n'.encode()
    if fusion.source_of(agent) == "ocs":
        answer = make_response(zlib.compress(text, 6))
        answer.content_type = "application/x-compress"
    else:
        answer = make_response(text)
        answer.content_type = "application/xml; charset=utf-8"
    return answer
