"""A small mail server on loopback: keeps what it takes, and refuses or hangs up on request."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import cast


class Post:
    """What the server took. `answers` replaces the answer to a command; "" hangs up instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.to: list[str] = []
        self.answers: dict[str, str] = {}
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?from=seatkeeper@acme.example"


class _Handler(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        post = cast("_Server", self.server).post
        if not self._say(post.answers.get("CONNECT", "220 example")):
            return
        while line := self.rfile.readline():
            word = line.decode().strip()
            verb = word.split(" ")[0].split(":")[0].upper()
            if verb == "DATA":
                if not self._say(post.answers.get("DATA", "354 go on")):
                    return
                if post.answers.get("DATA", "354")[:3] != "354":
                    continue
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text[1:] if text.startswith(b"..") else text)
                post.mails.append(email.message_from_bytes(b"".join(lines), policy=default))
                verb = "END"
            elif verb == "RCPT":
                post.to.append(word.partition("<")[2].partition(">")[0])
            if not self._say(post.answers.get(verb, "221 bye" if verb == "QUIT" else "250 fine")) or verb == "QUIT":
                return

    def _say(self, answer: str) -> bool:
        if answer:
            self.wfile.write(f"{answer}\r\n".encode())
        return bool(answer) and not answer.startswith("421")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, post: Post) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.post = post


@contextmanager
def posting() -> Iterator[Post]:
    """A running server, stopped at the end."""
    post = Post()
    server = _Server(post)
    post.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield post
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
