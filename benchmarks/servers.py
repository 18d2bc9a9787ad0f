"""The measured servers, each in a process of its own, on the same waitress with the same settings.

`press` is the assembled product, `floor` an empty Bolt listener. Started as `python -m benchmarks.servers KIND`, a
server prints its port, serves until its standard input closes, and leaves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import waitress
from flask import Flask, Response, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot import logs
from bot.bootstrap import assemble
from bot.ids import Action
from bot.serve import LARGEST_BODY, WEB_THREADS, Running
from bot.settings import Settings, load

ROOT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 30.0


@dataclass
class Server:
    """A running server process."""

    port: int
    process: subprocess.Popen[str]

    def peak_memory(self) -> int:
        """The most memory it ever held, in bytes; 0 where the system does not say (only Linux does)."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0
        return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)

    def cpu_seconds(self) -> float:
        """Processor time it has used so far; 0 where the system does not say (only Linux does)."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(kind: str, environment: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """Start a server, stop it at the end. Raises RuntimeError with its last words when it does not start."""
    words = folder / f"{kind}.log"
    with words.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.servers", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), **environment},
        )
    assert process.stdin is not None and process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port.isdigit():
            raise RuntimeError(f"the {kind} server did not start:\n{words.read_text()[-3000:]}")
        yield Server(int(port), process)
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def floor_app(settings: Settings) -> Flask:
    """The least there can be: Bolt, set as ours, and one listener that only acknowledges, behind its own adapter."""
    found = AuthorizeResult(enterprise_id=None, team_id=None, bot_token=settings.slack_bot_token)
    bolt = App(
        client=WebClient(token=settings.slack_bot_token, base_url=settings.slack_api_url, timeout=2, retry_handlers=[]),
        signing_secret=settings.slack_signing_secret,
        authorize=lambda **_: found,
        process_before_response=True,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    bolt.action(Action.APPROVE.value)(lambda ack: ack())
    handler = SlackRequestHandler(bolt)
    flask_app = Flask("floor")

    def events() -> Response:
        return handler.handle(request)

    flask_app.add_url_rule("/slack/events", "events", events, methods=["POST"])
    return flask_app


def _serve_floor(settings: Settings) -> None:
    server = waitress.create_server(
        floor_app(settings),
        host="127.0.0.1",
        port=0,
        threads=WEB_THREADS,
        max_request_body_size=LARGEST_BODY,
        ident=None,
    )
    threading.Thread(target=server.run, daemon=True).start()
    _until_closed(int(server.effective_port))


def _serve_press(settings: Settings, *, work: bool) -> None:
    running = Running(assemble(settings), work=work).start()
    _until_closed(running.port)
    running.stop()


def _until_closed(port: int) -> None:
    print(port, flush=True)
    sys.stdin.read()


def _main() -> None:
    logs.configure("warning")
    settings = replace(load(dotenv=None), port=0)
    match sys.argv[1]:
        case "floor":
            _serve_floor(settings)
        case "press":
            _serve_press(settings, work=False)
        case "everything":
            _serve_press(settings, work=True)


if __name__ == "__main__":
    _main()
