"""`seatkeeper demo`: the stand-ins and the service as two child processes over one folder, until Ctrl-C.

Whatever the shell or `.env` says about real systems stays out: every setting is given, most of them empty, so that a
demo on a machine that also runs Seatkeeper in earnest speaks to nobody outside.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

from bot import logs
from bot.children import Child, ChildDied
from bot.settings import Settings, load

STATE = Path("var/demo")
POLICY = Path(__file__).resolve().parents[1] / "sandbox" / "data" / "policy.demo.yaml"
PORT = 8480
#: Other ports follow the page's: the service, then the stand-ins.
_NEXT = {"page": 0, "service": 1, "slack": 2, "graph": 3, "servicenow": 4, "mail": 5}
START_SECONDS = 60.0
#: How long the service stays away after it was stopped from the page.
POWER_CUT_SECONDS = 5.0
_LOOK_SECONDS = 0.05


class NotStarted(Exception):
    """The demo cannot start; the message says why and what to do."""


class Told(Exception):
    """Ctrl-C or a signal: stop everything."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    demo = subparsers.add_parser(
        "demo",
        help="play the whole product in a browser, with stand-ins for everything outside",
        description="Starts an invented company of sixty people on this computer. Nothing leaves it. Ctrl-C stops all; "
        "the next start goes on where this one stopped.",
    )
    demo.add_argument("--reset", action="store_true", help="start over: forget everything that was played")
    demo.add_argument(
        "--port", type=_port, default=PORT, help=f"port of the page; the five after it are used too (default {PORT})"
    )
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")
    demo.add_argument("--state", type=Path, default=STATE, help=f"the folder everything is kept in (default {STATE})")
    demo.set_defaults(run=run)


def _port(text: str) -> int:
    if not text.isdigit() or (text != "0" and not 1024 <= int(text) <= 65530):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1024 to 65530, or 0 for free ones")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run until told to stop; 0 then, 1 when something did not start or died."""
    logs.configure("warning")  # what the service and the stand-ins say is in their own logs
    told: list[int] = []

    def tell(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tell)
    try:
        with _alone(arguments.state, reset=arguments.reset):
            demo = Demo(arguments.state, arguments.port, told)
            try:
                demo.start()
                _welcome(demo, browser=not arguments.no_browser)
                demo.run()
            finally:
                demo.stop()
    except Told:
        _say("Stopped. The next start goes on from here.")
        return 0
    except (NotStarted, ChildDied) as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    return 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _welcome(demo: Demo, *, browser: bool) -> None:
    _say("")
    _say(f"  Play the company:  {demo.where['page']}")
    _say(f"  Seatkeeper itself: {demo.service_url}")
    _say("")
    _say("You are Ana: ask for Copilot. Then be Ben, her manager, and approve. Ctrl-C stops everything.")
    if browser and sys.stdout.isatty() and (sys.platform == "darwin" or os.environ.get("DISPLAY")):
        webbrowser.open(str(demo.where["page"]))


@contextmanager
def _alone(state: Path, *, reset: bool) -> Iterator[None]:
    """One demo per folder; with `reset` the folder is emptied first. Raises NotStarted."""
    import fcntl

    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NotStarted(f"A demo runs already in {state}. Stop it with Ctrl-C, or use another --state.") from error
        if reset:
            _empty(state)
        yield


def _empty(state: Path) -> None:
    """Remove what demos leave. A folder that holds something else is not ours, and is left alone."""
    entries = [entry for entry in state.iterdir() if entry.name != "lock"]
    if entries and not (state / "keys.json").exists():
        raise NotStarted(f"{state} holds files of something else than a demo, so --reset leaves it alone.")
    for entry in entries:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@dataclass
class _PowerCut:
    """The service was killed from the page and comes back at this time."""

    until: float


class Demo:
    """The two children and what they need. `told` fills when somebody wants an end."""

    def __init__(self, state: Path, port: int, told: list[int]) -> None:
        self._state = state.resolve()
        self._told = told
        self._ports = {name: port + step if port else 0 for name, step in _NEXT.items()}
        if not port:
            self._ports["service"] = _free_port()
        self.service_url = f"http://127.0.0.1:{self._ports['service']}"
        self.where: dict[str, Any] = {}
        self._sandbox = Child("the sandbox", self._state / "sandbox.log")
        self._service = Child("the service", self._state / "service.log")
        self._power_cut: _PowerCut | None = None

    # -- start and stop ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Both children answer when this returns. Raises NotStarted, ChildDied or Told."""
        self._free_or_say()
        for left in ("wish", "answer", "sandbox.json"):
            (self._state / left).unlink(missing_ok=True)
        ports = [f"{name}={self._ports[name]}" for name in _NEXT if name != "service"]
        command = [sys.executable, "-m", "sandbox", "--state", str(self._state), "--service", self.service_url]
        self._sandbox.start([*command, "--supervised", "--ports", *ports], dict(os.environ))
        import bot.bootstrap  # noqa: F401  takes a second, while the sandbox starts

        self._wait(self._sandbox, lambda: (self._state / "sandbox.json").exists())
        self.where = json.loads((self._state / "sandbox.json").read_text(encoding="utf-8"))
        self._fill()
        self._start_service()

    def _free_or_say(self) -> None:
        taken = [str(port) for port in self._ports.values() if port and _listens(port)]
        if taken:
            raise NotStarted(
                f"Something else on this computer listens on port {', '.join(taken)}. "
                "Stop it, or choose other ports: seatkeeper demo --port 9480"
            )

    def stop(self) -> None:
        """The service first, so that it finishes what it sends; safe at any time, also twice."""
        self._service.stop()
        self._sandbox.stop()

    def run(self) -> None:
        """Look after the children until told; raises Told, or ChildDied with the last lines of its log."""
        while True:
            self._look(self._sandbox)
            if self._power_cut is not None:
                if time.monotonic() >= self._power_cut.until:
                    self._power_cut = None
                    self._start_service()
            else:
                self._look(self._service)
            self._wish()
            time.sleep(_LOOK_SECONDS)

    # -- the service -------------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """Every setting of the service; what the demo does not use is empty, so that no file can fill it in."""
        blank = {one.metadata["env"]: "" for one in fields(Settings)}
        own = {
            "DATABASE_URL": f"sqlite:///{self._state / 'seatkeeper.db'}",
            "PORT": str(self._ports["service"]),
            "LISTEN": "127.0.0.1",
            "BASE_URL": self.service_url,
            "POLICY_FILE": str(POLICY),
        }
        return blank | {str(name): str(value) for name, value in self.where["environment"].items()} | own

    def _start_service(self) -> None:
        self._service.start([sys.executable, "-m", "bot", "serve"], dict(os.environ) | self.environment())
        self._wait(self._service, self._ready)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports["service"], timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _fill(self) -> None:
        """Make the database and put the company into it, when that has not happened yet."""
        fill(load(self.environment(), dotenv=None), str(self.where["day"]))

    # -- looking after them --------------------------------------------------------------------------------------------

    def _look(self, child: Child) -> None:
        if self._told:
            raise Told
        child.look()

    def _wait(self, child: Child, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + START_SECONDS
        while not ready():
            self._look(child)
            if time.monotonic() > until:
                raise NotStarted(
                    f"After {START_SECONDS:.0f} seconds {child.name} did not answer.\n{child.last_lines()}"
                )
            time.sleep(_LOOK_SECONDS)

    def _wish(self) -> None:
        """What the page wants of us: see `sandbox.world`."""
        file = self._state / "wish"
        if not file.exists():
            return
        wish = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        words = self._grant(str(wish["wish"]))
        fresh = self._state / "answer.new"
        fresh.write_text(json.dumps({"token": wish["token"], "words": words}), encoding="utf-8")
        fresh.replace(self._state / "answer")

    def _grant(self, wish: str) -> str:
        match wish:
            case "stop":
                self._service.kill()
                self._power_cut = _PowerCut(time.monotonic() + POWER_CUT_SECONDS)
                return (
                    f"Seatkeeper was cut off in the middle of its work. It starts again in {POWER_CUT_SECONDS:.0f} s."
                )
            case "halt":
                self._service.stop()
                self._power_cut = _PowerCut(float("inf"))
                for name in ("seatkeeper.db", "seatkeeper.db-wal", "seatkeeper.db-shm"):
                    (self._state / name).unlink(missing_ok=True)
                return "Seatkeeper is stopped and its database is gone."
            case "fresh":
                self.where["day"] = (self._state / "day").read_text(encoding="ascii").strip()
                self._fill()
                self._start_service()
                self._power_cut = None
                return "The company is as on its first morning."
        return f"The demo knows no wish {wish!r}."


def fill(settings: Settings, day: str) -> None:
    """Migrate the database and seed the company, read from the stand-ins as every night; a no-op when it is there."""
    from datetime import date

    from bot import bootstrap, seed, seed_renewals
    from bot.clock import ServiceClock
    from sandbox.company import load as load_company
    from workflows.matching import SlackAccount
    from workflows.policies import ActiveRules

    database = bootstrap.open_database(settings)
    try:
        if seed.is_seeded(database):
            return
        company = load_company(date.fromisoformat(day))
        instance, _ = bootstrap.first_steps(settings, database, seed.introduced_at(company))
        clients = bootstrap.connect(settings)
        if clients.graph is None or clients.slack is None:
            raise NotStarted("The sandbox gave no address for Microsoft 365 or Slack.")
        outside = seed.Outside(
            users=list(clients.graph.users()),
            accounts=[
                SlackAccount(one.id, one.email, one.tz or "", not one.deleted)
                for one in clients.slack.list_people()
                if one.email and not one.is_bot
            ],
            skus=clients.graph.subscribed_skus(),
        )
        now = ServiceClock(settings.clock_offset_file)()
        seed.seed(database, company, outside, now)
        seed_renewals.store(database, company, ActiveRules(database, instance=instance)(), now)
    finally:
        database.dispose()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
