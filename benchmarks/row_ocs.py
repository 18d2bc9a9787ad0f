"""The same inventories delivered to Debian's OCS Inventory server and to ours, both over HTTP on this machine.

Not a goal, a neighbour: OCS stores inventories and asks no questions of licences. Both get the very same bodies, two
at a time, in rounds that alternate; titles are known to both. Ours runs on PostgreSQL where that is installed, else on
SQLite, and OCS on MariaDB, each with its own defaults of what a commit is. Nothing is installed for it.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import ocs, postgres
from benchmarks.company import POLICY
from benchmarks.press_setting import migrated, settings
from benchmarks.report import Report, Table
from benchmarks.row_intake import Size, delivery
from benchmarks.servers import serving

AGENT = "OCS-NG_unified_unix_agent_v2.10.0"
TOKEN = "example-inventory-token"
AT_ONCE = 2
QUICK, WHOLE = Size(devices=10, rounds=2), Size(devices=20, rounds=6)
#: OCS asks which sections changed; ours compares them itself.
CHECKSUM = "<CHECKSUM>131071</CHECKSUM>"


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """One report, or a line that says what is missing."""
    if lacking := ocs.missing():
        print(f"NOT MEASURED beside OCS Inventory: this machine lacks {', '.join(lacking)}.")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seatkeeper-bench-")))
        if options.only != "sqlite" and postgres.programs() is not None:
            name, url = "PostgreSQL", stack.enter_context(postgres.cluster()).create("beside")
        else:
            name, url = "SQLite", f"sqlite:///{folder / 'beside.db'}"
        stack.enter_context(migrated(url, POLICY))
        ours = stack.enter_context(serving("press", settings(url, folder) | {"INVENTORY_TOKEN": TOKEN}, folder)).port
        theirs = stack.enter_context(ocs.running())
        yield report(name, ours, theirs, QUICK if options.quick else WHOLE)


def report(database: str, ours: int, theirs: int, size: Size) -> Report:
    """Devices a second of both, round by round."""
    chance = random.Random(4)
    sides = ((ours, f"/inventory/{TOKEN}"), (theirs, ocs.PATH))
    pool = range(size.company)
    known = [pool[first : first + size.titles] for first in range(0, size.company, size.titles)]
    for port, path in sides:
        deliver(port, path, [body(f"FIRST-{place}", titles) for place, titles in enumerate(known)], at_once=1)
    rounds: list[list[float]] = []
    for number in range(size.rounds):
        bodies = [
            body(f"PC-{number}-{place}", sorted(chance.sample(pool, size.titles))) for place in range(size.devices)
        ]
        rounds.append([size.devices / deliver(*side, bodies) for _ in ("first", "again") for side in sides])
    middle = [statistics.median(column) for column in zip(*rounds, strict=True)]
    first = statistics.median(own / other for own, other, _, _ in rounds)
    again = statistics.median(own / other for _, _, own, other in rounds)
    made = Report(
        "intake beside OCS Inventory",
        f"{size.devices} devices a round, {size.titles} titles each, {AT_ONCE} at a time over HTTP",
        f"OCS Inventory server {ocs.version()} on MariaDB; ours on {database}",
    )
    made.tables = [
        Table(
            "Devices a second, median of the rounds",
            ["", "ours", "OCS Inventory", "ours / theirs"],
            [["first inventory", *middle[:2], first], ["unchanged inventory", *middle[2:], again]],
        )
    ]
    return made


def body(name: str, titles: Sequence[int]) -> bytes:
    """An inventory as both take it."""
    return delivery(name, titles, more=CHECKSUM)


def deliver(port: int, path: str, bodies: Sequence[bytes], *, at_once: int = AT_ONCE) -> float:
    """Seconds until all are answered with 200. Raises RuntimeError for another answer."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        for done in [threads.submit(_send, port, path, bodies[place::at_once]) for place in range(at_once)]:
            done.result()
    return time.perf_counter() - began


def _send(port: int, path: str, bodies: Sequence[bytes]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for one in bodies:
            connection.request("POST", path, one, {"User-Agent": AGENT, "Content-Type": "application/x-compress"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}: {said[:200]!r}")
    finally:
        connection.close()
