"""A stand-in as a real HTTP server on loopback: faults, traffic log and a clean stop around a Flask app.

Werkzeug's threaded server is used because it hands out the socket, which is what "does it, then hangs up" needs.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.traffic import Traffic

StartResponse = Callable[..., Any]


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small answers must not wait for an acknowledgement
    wbufsize = -1

    def log(self, type: str, message: str, *args: Any) -> None:
        """The traffic log says more than a line on standard error."""


class StandIn:
    """One outside system on one port. `sentence(request, status)` words an exchange for the Traffic panel.

    `fault_body(fault, status)` gives (content type, body) of an injected JSON error in the system's own shape.
    """

    def __init__(
        self,
        system: str,
        app: Flask,
        *,
        clock: SandboxClock,
        traffic: Traffic,
        faults: Faults | None = None,
        port: int = 0,
        tls: tuple[Path, Path] | None = None,
        sentence: Callable[[Request, int], str] | None = None,
        control_prefix: str = "/_sandbox",
        fault_body: Callable[[Fault, int], tuple[str, bytes]] | None = None,
    ) -> None:
        self.system = system
        self.app = app
        self.clock = clock
        self.traffic = traffic
        self.faults = faults or Faults()
        self._sentence = sentence
        self._control = control_prefix
        self._fault_body = fault_body
        context = None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        self._tls = tls is not None
        self._inner = app.wsgi_app
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", port, self._wsgi, threaded=True, request_handler=_Handler, ssl_context=context
        )
        if isinstance(self._server.socket, ssl.SSLSocket):
            # The handshake belongs to the connection's own thread: one silent caller must not hold up all others.
            vars(self._server.socket)["do_handshake_on_connect"] = False
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> StandIn:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name=f"sandbox-{self.system}", daemon=True
        )  # the interval is how long stop() may take
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    # -- one exchange ----------------------------------------------------------------------------------------------

    def _wsgi(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(self._control) or environ.get("HTTP_UPGRADE"):
            return self._inner(environ, start_response)
        began = time.perf_counter()
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = _Replay(body)
        fault = self.faults.draw(environ["REQUEST_METHOD"], path)
        status, headers, payload = self._answer(environ, fault)
        self._log(environ, body, status, payload, began, fault)
        if status == 0:
            _hang_up(environ)
            raise ConnectionAbortedError("hung up on request")  # werkzeug then writes nothing and closes the socket
        start_response(f"{status} {_REASONS.get(status, 'Unknown')}", headers)
        return [payload]

    def _answer(self, environ: dict[str, Any], fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        kind = fault.kind if fault else None
        parameters = fault.parameters if fault else {}
        if kind == "slow":
            time.sleep(float(parameters.get("seconds", 2)))
        if kind in _NOTHING_DONE:
            status, content_type, payload = _NOTHING_DONE[kind]
            if fault and self._fault_body and content_type == "application/json":
                content_type, payload = self._fault_body(fault, status)
            headers = [("Content-Type", content_type), ("Content-Length", str(len(payload)))]
            if kind == "throttled":
                headers.append(("Retry-After", str(parameters.get("retry_after", 1))))
            return status, headers, payload
        status, headers, payload = _run(self._inner, environ)
        if kind == "commit_then_hang_up":
            return 0, [], b""
        if kind == "commit_then_error":
            content_type, payload = self._fault_body(fault, 500) if fault and self._fault_body else (_JSON, b"{}")
            return 500, [("Content-Type", content_type), ("Content-Length", str(len(payload)))], payload
        if kind == "commit_then_slow":
            time.sleep(float(parameters.get("seconds", 30)))
        if kind == "truncated":
            payload = payload[: len(payload) // 2]
            headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
            headers.append(("Content-Length", str(len(payload))))
        return status, headers, payload

    def _log(
        self, environ: dict[str, Any], body: bytes, status: int, payload: bytes, began: float, fault: Fault | None
    ) -> None:
        request = Request(environ | {"wsgi.input": _Replay(body)})
        self.traffic.add(
            at=self.clock.now(),
            system=self.system,
            sender="Seatkeeper",
            receiver=self.system,
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""),
            status=status,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
            sentence=self._sentence(request, status) if self._sentence else "",
            request_body=body.decode("utf-8", "replace"),
            response_body=payload.decode("utf-8", "replace"),
            fault=fault.kind if fault else environ.get("sandbox.fault"),  # a stand-in's own fault names itself there
        )


class _Replay:
    """The request body, read once from the socket and offered again to the application."""

    def __init__(self, body: bytes) -> None:
        import io

        self._body = io.BytesIO(body)

    def read(self, size: int = -1) -> bytes:
        return self._body.read(size)

    def readline(self, size: int = -1) -> bytes:
        return self._body.readline(size)

    def __iter__(self) -> Any:
        return iter(self._body)


_JSON = "application/json"
_REASONS = dict(__import__("http.client", fromlist=["responses"]).responses)
_NOTHING_DONE: dict[str | None, tuple[int, str, bytes]] = {
    "throttled": (429, "application/json", b'{"ok":false,"error":"ratelimited"}'),
    "throttled_bare": (429, "application/json", b"{}"),
    "server_error": (500, "application/json", b"{}"),
    "unavailable": (503, "text/html", b"<html><body>Service Unavailable</body></html>"),
    "html": (200, "text/html", b"<html><body>Your instance is hibernating.</body></html>"),
    "hang_up": (0, "", b""),
}


def _run(app: Any, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    seen: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        seen["status"], seen["headers"] = int(status.split()[0]), headers

    chunks = app(environ, start_response)
    try:
        payload = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    headers = [(k, v) for k, v in seen["headers"] if k.lower() != "content-length"]
    if seen["status"] != 204:
        headers.append(("Content-Length", str(len(payload))))
    return seen["status"], headers, payload


def _hang_up(environ: dict[str, Any]) -> None:
    connection: socket.socket = environ["werkzeug.socket"]
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the client left first
