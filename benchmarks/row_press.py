"""A Slack press that commits a decision, beside an empty Bolt listener on the same server."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import migrations
from benchmarks import deliveries, load, morning, postgres
from benchmarks.company import POLICY, Open, fill, outcome
from benchmarks.load import Load
from benchmarks.report import Check, Report, Table
from benchmarks.servers import Server, serving
from model.session import Database, make_engine

SECRET = "example-signing-secret"
#: Design §10: share of the floor's throughput to reach.
GOALS = {"sqlite": 0.4, "postgresql": 0.25}
SLOWEST_P99 = 2.0
MOST_WHEN_DOUBLED = 2.1
CONNECTIONS = 8


@dataclass(frozen=True)
class Size:
    """How much is measured: open requests, rounds of A and B, presses in each, presses before the first."""

    open: int = 3000
    rounds: int = 5
    presses: int = 300
    warm_up: int = 100
    morning_seconds: int = 30


QUICK = Size(open=240, rounds=2, presses=60, warm_up=20, morning_seconds=5)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """One report for each database."""
    size = QUICK if options.quick else Size()
    with tempfile.TemporaryDirectory(prefix="seatkeeper-bench-") as name:
        folder = Path(name)
        if options.only != "postgresql":
            yield report("sqlite", [f"sqlite:///{folder / f'press{part}.db'}" for part in range(3)], folder, size)
        if options.only != "sqlite":
            if postgres.programs() is None:
                print("NOT MEASURED on PostgreSQL: this machine lacks the server (package 'postgresql').")
                return
            with postgres.cluster() as cluster:
                yield report("postgresql", [cluster.create(f"press{part}") for part in range(3)], folder, size)


@dataclass
class Prepared:
    """A migrated, filled database, what waits in it, and the settings of a server on it."""

    database: Database
    waiting: list[Open]
    requests: list[bytes]
    environment: dict[str, str]


@contextmanager
def prepared(url: str, folder: Path, size: int, presses: int) -> Iterator[Prepared]:
    """A company with `size` open requests and the signed presses that decide the first `presses` of them."""
    engine = make_engine(url)
    migrations.upgrade(engine)
    database = Database(engine)
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    environment = settings(url, policy)
    try:
        morning.first_policy(database, POLICY)
        now = datetime.now(UTC)
        waiting = fill(database, size, now)
        with database.reading() as connection:
            bodies = deliveries.presses(connection, waiting[:presses], now)
        yield Prepared(database, waiting, [deliveries.interaction(body, SECRET) for body in bodies], environment)
    finally:
        database.dispose()


def settings(url: str, policy: Path) -> dict[str, str]:
    """The environment of a server on this database; outside systems other than Slack are absent."""
    return {
        "DATABASE_URL": url,
        "PORT": "1",
        "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
        "SLACK_BOT_TOKEN": "xoxb-example",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "POLICY_FILE": str(policy),
    }


@dataclass
class Compared:
    """Rounds of both, in the order in which they were measured."""

    press: list[Load]
    floor: list[Load]
    memory: int
    floor_memory: int
    decided: int
    events: int
    jobs: int

    def ratios(self) -> list[float]:
        return [one.throughput / other.throughput for one, other in zip(self.press, self.floor, strict=True)]


def compare(url: str, folder: Path, size: Size, *, rounds: int, presses: int) -> Compared:
    """A B A B …: the floor and the press take the same bodies in turn, each of them on a server of its own."""
    total = size.warm_up + rounds * presses
    with (
        prepared(url, folder, size.open, total) as ready,
        serving("floor", ready.environment, folder) as floor,
        serving("press", ready.environment, folder) as press,
    ):
        _both(floor, press, ready.requests[: size.warm_up], folder)
        pairs = []
        for number in range(rounds):
            first = size.warm_up + number * presses
            pairs.append(_both(floor, press, ready.requests[first : first + presses], folder))
        left = outcome(ready.database, [one.request_id for one in ready.waiting[:total]])
        if left.decided != total or left.events != total or left.jobs != 2 * total:
            raise RuntimeError(f"{total} presses left {left}: the measurement means nothing")
        return Compared(
            [pair[1] for pair in pairs],
            [pair[0] for pair in pairs],
            press.peak_memory(),
            floor.peak_memory(),
            left.decided,
            left.events,
            left.jobs,
        )


def _both(floor: Server, press: Server, requests: list[bytes], folder: Path) -> tuple[Load, Load]:
    taken = tuple(load.run(server.port, requests, folder, connections=CONNECTIONS) for server in (floor, press))
    for one in taken:
        if not one.all_well:
            raise RuntimeError(f"not every delivery was acknowledged: {one.statuses}, {one.lost} lost")
    return taken[0], taken[1]


def report(name: str, urls: list[str], folder: Path, size: Size) -> Report:
    found = compare(urls[0], folder, size, rounds=size.rounds, presses=size.presses)
    made = Report(f"press on {name}", "a Slack press that commits a decision (signed HTTP)", "an empty Bolt listener")
    rows: list[list[str | float | int]] = []
    for number, (press, floor) in enumerate(zip(found.press, found.floor, strict=True), start=1):
        rows.append(
            [
                number, floor.throughput, floor.quantile(0.5), floor.quantile(0.99), press.throughput,
                press.quantile(0.5), press.quantile(0.99), press.throughput / floor.throughput,
                press.quantile(0.99) / floor.quantile(0.99),
            ]  # fmt: skip
        )
    made.tables.append(Table("x", ["round", "floor/s", "p50", "p99", "press/s", "p50", "p99", "ratio", "p99 ratio"], rows))
    made.checks.append(Check("throughput", statistics.median(found.ratios()), GOALS[name]))
    return made
