"""`python -m sandbox --state DIR`: the stand-ins and the demo page, until told to stop.

When all of them listen, `DIR/sandbox.json` says where: it is the sign that one may go on. Lines on standard output are
for people; whoever started this process reads the file.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

from sandbox.page import create_page
from sandbox.server import StandIn
from sandbox.traffic import Traffic
from sandbox.world import Ports, World, write

NAMES = ("slack", "graph", "servicenow", "mail", "page")
#: One above the other, so that a restart finds the same addresses.
DEFAULT_PORTS = {"slack": 8482, "graph": 8483, "servicenow": 8484, "mail": 8485, "page": 8480}


def main() -> int:
    given = _arguments()
    state: Path = given.state
    state.mkdir(parents=True, exist_ok=True)
    sign = state / "sandbox.json"
    sign.unlink(missing_ok=True)
    ports = DEFAULT_PORTS | dict(given.ports)
    taken = [f"{name} {port}" for name, port in ports.items() if port and _listens(port)]
    if taken:
        print(f"Something else listens on {', '.join(taken)}. Choose others with --ports.", file=sys.stderr)
        return 1
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    world = World(state, Ports(**ports), service_url=given.service, supervised=given.supervised).start()
    page = StandIn(
        "page", create_page(world), clock=world.clock, traffic=Traffic(), port=ports["page"], control_prefix="/"
    ).start()
    where = {
        "page": page.url,
        "slack": world.slack.url,
        "graph": world.graph.url,
        "servicenow": world.servicenow.url,
        "mail": world.mail.url,
        "environment": world.environment(),
        "day": world.company.day.isoformat(),
    }
    write(sign, json.dumps(where, indent=1), mode=0o600)
    print(f"The stand-ins run. The page: {page.url}", flush=True)
    told.wait()
    page.stop()
    world.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--state", type=Path, required=True, help="the folder everything is kept in")
    parser.add_argument(
        "--ports",
        type=_port,
        nargs="*",
        default=[],
        metavar="NAME=PORT",
        help=f"other ports than {DEFAULT_PORTS}; 0 takes a free one",
    )
    parser.add_argument("--service", default="", metavar="URL", help="where Seatkeeper listens")
    parser.add_argument("--supervised", action="store_true", help="whoever started this answers wishes in the folder")
    return parser.parse_args()


def _port(text: str) -> tuple[str, int]:
    name, _, port = text.partition("=")
    if name not in NAMES or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(NAMES)} with =PORT")
    return name, int(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
