"""A mail server on loopback (RFC 5321, the part a client needs) that keeps what it gets, for people without Slack.

Each message is one line of the Traffic panel, its text the body, so that the link in it can be opened. Faults:
`unavailable` (421 at the greeting, matched as method CONNECT); and, matched as method MAIL and the recipient's address,
`server_error` (451 after the text, nothing kept), `hang_up` (nothing kept), `commit_then_hang_up` (kept, nobody told).
"""

from __future__ import annotations

import socketserver
import threading
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.store import Document, Store
from sandbox.traffic import Traffic

MESSAGE = "mail.message"
LONGEST_LINE = 64 * 1024
LARGEST = 10 * 1024 * 1024
SILENCE_SECONDS = 30.0


class MailStandIn:
    """The running server; `messages` is what arrived, oldest first."""

    def __init__(
        self, store: Store, clock: SandboxClock, traffic: Traffic, faults: Faults | None = None, port: int = 0
    ) -> None:
        self.store, self.clock, self.traffic = store, clock, traffic
        self.faults = faults or Faults()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sandbox-mail", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What Seatkeeper takes as SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}?from=seatkeeper@lumenfjord.example"

    def start(self) -> MailStandIn:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def messages(self, to: str | None = None) -> list[Document]:
        """What arrived, or what arrived for one address: to, from, subject, text, html, at, message_id."""
        return self.store.where(MESSAGE, lambda one: to is None or to.lower() in one["to"])

    def keep(self, sender: str, recipients: list[str], raw: bytes, began: float) -> None:
        """Store a message and say so in the traffic."""
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)  # noqa: S101  what this policy makes
        text, html = (_part(message, kind) for kind in ("plain", "html"))
        now = self.clock.now()
        to = [address.lower() for address in recipients]
        with self.store.lock:
            key = str(self.store.next_number(MESSAGE))
            self.store.put(
                MESSAGE,
                key,
                {
                    "from": sender,
                    "to": to,
                    "subject": str(message["Subject"] or ""),
                    "text": text,
                    "html": html,
                    "at": now.isoformat(),
                    "message_id": str(message["Message-ID"] or ""),
                },
            )
        self.traffic.add(
            at=now,
            system="mail",
            sender="Seatkeeper",
            receiver="mail",
            method="MAIL",
            path=", ".join(to),
            status=250,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
            sentence=f"Seatkeeper mailed {', '.join(to)}: {message['Subject']}",
            request_body=text or html,
            response_body="250 kept",
            fault=None,
        )


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    content: Any = found.get_content() if found is not None else ""
    return str(content).replace("\r\n", "\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], standin: MailStandIn) -> None:
        self.standin = standin
        super().__init__(address, _Conversation)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no news."""


class _Conversation(socketserver.StreamRequestHandler):
    """One connection: commands in, three-digit answers out."""

    timeout = SILENCE_SECONDS

    def handle(self) -> None:
        self._standin: MailStandIn = self.server.standin  # type: ignore[attr-defined]
        self._sender, self._recipients = "", list[str]()
        fault = self._standin.faults.draw("CONNECT", "")
        if fault is not None and fault.kind == "unavailable":
            self._say("421 not available, come back later")
            return
        self._say("220 sandbox mail")
        while True:
            line = self.rfile.readline(LONGEST_LINE)
            if not line:
                return
            words = line.decode("utf-8", "replace").strip()
            if not self._answer(words.partition(" ")[0].upper(), words):
                return

    def _say(self, *lines: str) -> None:
        for number, line in enumerate(lines):
            code, _, rest = line.partition(" ")
            self.wfile.write(f"{code}{'-' if number < len(lines) - 1 else ' '}{rest}\r\n".encode())

    def _answer(self, verb: str, words: str) -> bool:
        """Answer one command; False ends the conversation."""
        if verb == "EHLO":
            self._say("250 sandbox", "250 8BITMIME", "250 SMTPUTF8", f"250 SIZE {LARGEST}")
        elif verb in ("HELO", "NOOP"):
            self._say("250 fine")
        elif verb == "RSET":
            self._sender, self._recipients = "", []
            self._say("250 forgotten")
        elif verb == "MAIL":
            self._sender = _address(words)
            self._say("250 sender noted")
        elif verb == "RCPT" and self._sender:
            self._recipients.append(_address(words))
            self._say("250 recipient noted")
        elif verb == "DATA" and self._recipients:
            return self._data()
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        elif verb in ("RCPT", "DATA"):
            self._say("503 in another order, please")
        else:
            self._say("502 not known here")
        return True

    def _data(self) -> bool:
        began = time.perf_counter()
        self._say("354 the text, then a dot")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(LONGEST_LINE)) not in (b".\r\n", b".\n"):
            if not line:
                return False
            size += len(line)
            lines.append(line[1:] if line.startswith(b".") else line)
        if size > LARGEST:
            self._say("552 too large")
            return True
        fault = self._standin.faults.draw("MAIL", ", ".join(self._recipients))
        kind = fault.kind if fault is not None else ""
        if kind == "server_error":
            self._say("451 something broke, try again")
            return True
        if kind != "hang_up":
            self._standin.keep(self._sender, self._recipients, b"".join(lines), began)
        if kind in ("hang_up", "commit_then_hang_up"):
            return False
        self._sender, self._recipients = "", []
        self._say("250 kept")
        return True


def _address(words: str) -> str:
    """The address between the angle brackets of MAIL FROM and RCPT TO."""
    return words.partition("<")[2].partition(">")[0]
