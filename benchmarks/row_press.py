"""A Slack press that commits a decision, beside an empty Bolt listener on the same server (design §8, first row).

Both servers run at once and are loaded in turn, A B A B, with the same bodies: signed, whole, rendered from the stored
requests. Throughput is what eight connections that never pause get through. Latency is compared where it can be: at
the same pace for both, since two servers at their own limits only wait for themselves. That pace is half of what the
goal asks a press to get through, and so the same whatever the press does: a faster one is not loaded more for it.
After the run the decisions, events and jobs are counted in the database.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load, morning, postgres
from benchmarks.company import outcome
from benchmarks.load import Load, quantile
from benchmarks.press_setting import prepared
from benchmarks.report import Check, Report, Table
from benchmarks.servers import Server, serving

#: Design §10: share of the floor's throughput to reach.
GOALS = {"sqlite": 0.4, "postgresql": 0.25}
SLOWEST_P99 = 2.0
MOST_WHEN_DOUBLED = 2.1
CONNECTIONS = 8
#: Connections of a paced round: enough that a slow answer does not hold up the next request.
PACED_CONNECTIONS = 32


@dataclass(frozen=True)
class Size:
    """How much is measured; presses are per round."""

    open: int = 4000
    warm_up: int = 100
    rounds: int = 11
    presses: int = 150
    paced_rounds: int = 9
    paced_presses: int = 250
    doubled_rounds: int = 5
    morning_seconds: int = 30


QUICK = Size(
    open=300, warm_up=20, rounds=2, presses=40, paced_rounds=1, paced_presses=40, doubled_rounds=1, morning_seconds=4
)


@dataclass(frozen=True)
class Turn:
    """One server's part of a round; processor time in milliseconds per request."""

    load: Load
    processor: float


@dataclass(frozen=True)
class Round:
    floor: Turn
    press: Turn

    @property
    def ratio(self) -> float:
        return self.press.load.throughput / self.floor.load.throughput

    @property
    def slowest(self) -> float:
        return self.press.load.quantile(0.99) / self.floor.load.quantile(0.99)


@dataclass(frozen=True)
class Compared:
    """All rounds, at full speed and paced, what the presses left behind, and the most memory each server held."""

    full: list[Round]
    paced: list[Round]
    pace: float
    presses: int
    floor_memory: int
    press_memory: int
    flushes: list[float]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """One report for each database."""
    size = QUICK if options.quick else Size()
    with tempfile.TemporaryDirectory(prefix="seatkeeper-bench-") as name:
        folder = Path(name)
        if options.only != "postgresql":
            yield report("sqlite", [f"sqlite:///{folder / f'press{part}.db'}" for part in range(4)], folder, size)
        if options.only != "sqlite":
            if postgres.programs() is None:
                print("NOT MEASURED on PostgreSQL: this machine lacks the server (package 'postgresql').")
                return
            with postgres.cluster() as cluster:
                yield report("postgresql", [cluster.create(f"press{part}") for part in range(4)], folder, size)


def report(database: str, urls: list[str], folder: Path, size: Size) -> Report:
    """Everything the row asks on one kind of database; `urls` are four empty ones."""
    found = compare(urls[0], GOALS[database], folder, size)
    ratio = statistics.median(one.ratio for one in found.full)
    pooled = [
        quantile([ms for one in found.paced for ms in getattr(one, side).load.milliseconds], 0.99)
        for side in ("floor", "press")
    ]
    doubled = double(urls[1], urls[2], folder, size)
    day = morning.spend(urls[3], folder, size.open, size.morning_seconds)
    made = Report(
        f"press on {database}",
        f"a Slack press that commits a decision, {size.open} open requests, {found.presses} presses",
        "an empty Bolt listener on the same server",
    )
    made.tables = [
        _rounds(f"Full speed, {CONNECTIONS} connections; milliseconds", found.full),
        _rounds(f"Both at {found.pace:.0f} a second, half of what the goal asks for; milliseconds", found.paced),
        Table(
            f"Ten times a normal morning: {morning.A_SECOND:.0f} deliveries a second, workers running; milliseconds",
            ["deliveries", "p50", "p99", "worst"],
            [[len(day.milliseconds), day.quantile(0.5), day.quantile(0.99), day.quantile(1.0)]],
        ),
        Table(
            "Most memory held by the server, MiB",
            ["floor", "press"],
            [[found.floor_memory / 2**20, found.press_memory / 2**20]],
        ),
    ]
    made.checks = [
        Check("throughput, median of the rounds", ratio, GOALS[database]),
        Check(
            "p99 at the same pace, median of the rounds",
            statistics.median(one.slowest for one in found.paced),
            SLOWEST_P99,
            at_least=False,
        ),
        Check("slowest answer of ten times a normal morning", day.quantile(1.0), morning.LIMIT, "ms", at_least=False),
        Check("twice the presses among twice the open requests", doubled, MOST_WHEN_DOUBLED, at_least=False),
    ]
    made.notes.append(
        f"over all paced rounds together p99 is {pooled[1]:.3g} against {pooled[0]:.3g} ms, "
        f"{pooled[1] / pooled[0]:.3g} ×"
    )
    used = [sum(getattr(one, side).processor for one in found.full) for side in ("floor", "press")]
    shares = used[0] / used[1] if used[1] else 0.0
    made.notes.append(
        f"by processor time alone the press does {shares:.3g} × the floor's requests; "
        f"where that and the throughput differ much, the machine was busy with something else"
    )
    if database == "postgresql":
        alone = [quantile(found.flushes, share) for share in (0.5, 0.99)]
        made.notes.append(
            "a decision is on the disk before it is acknowledged, which the floor never waits for: "
            f"here 8 kB written and flushed take p50 {alone[0]:.3g}, p99 {alone[1]:.3g} ms by themselves"
        )
    if not day.all_well:
        made.notes.append(f"in the morning not every delivery was acknowledged: {day.statuses}, {day.lost} lost")
    return made


def compare(url: str, goal: float, folder: Path, size: Size) -> Compared:
    """A B A B …: the floor and the press take the same bodies in turn. Raises RuntimeError unless all were decided.

    `goal` is the share of the floor's throughput to reach.
    """
    total = size.warm_up + size.rounds * size.presses + size.paced_rounds * size.paced_presses
    with (
        prepared(url, folder, max(size.open, total), total) as ready,
        serving("floor", ready.environment, folder) as floor,
        serving("press", ready.environment, folder) as press,
    ):
        bodies = iter(ready.presses)

        def next_round(count: int, rate: float | None = None) -> Round:
            some = [next(bodies) for _ in range(count)]
            return Round(_turn(floor, some, folder, rate), _turn(press, some, folder, rate))

        next_round(size.warm_up)
        full = [next_round(size.presses) for _ in range(size.rounds)]
        pace = statistics.median(one.floor.load.throughput for one in full) * goal / 2
        paced, flushes = [], []
        for _ in range(size.paced_rounds):
            paced.append(next_round(size.paced_presses, pace))
            flushes += flush_times(folder, size.paced_presses)
        left = outcome(ready.database, [one.request_id for one in ready.waiting[:total]])
        if (left.decided, left.events, left.jobs) != (total, total, 2 * total):
            raise RuntimeError(f"{total} presses left {left}: the measurement means nothing")
        return Compared(full, paced, pace, total, floor.peak_memory(), press.peak_memory(), flushes)


def flush_times(folder: Path, times: int) -> list[float]:
    """Milliseconds of writing 8 kB over an old file and waiting for the disk: the least a durable commit can take."""
    path, page, taken = folder / "flush.bin", bytes(8192), []
    flush = getattr(os, "fdatasync", os.fsync)  # as PostgreSQL chooses
    path.write_bytes(page)
    with path.open("r+b", buffering=0) as file:
        flush(file.fileno())
        for _ in range(times):
            file.seek(0)
            began = time.perf_counter()
            file.write(page)
            flush(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def double(url: str, larger_url: str, folder: Path, size: Size) -> float:
    """How many times longer twice the presses take among twice the open requests; the median of alternated rounds."""
    once = size.warm_up + size.doubled_rounds * size.presses
    with (
        prepared(url, folder, max(size.open, once), once) as small,
        prepared(larger_url, folder, 2 * max(size.open, once), 2 * once) as large,
        serving("press", small.environment, folder) as one,
        serving("press", large.environment, folder) as other,
    ):
        _turn(one, small.presses[: size.warm_up], folder)
        _turn(other, large.presses[: 2 * size.warm_up], folder)
        ratios = []
        for first in range(size.warm_up, once, size.presses):
            few = _turn(one, small.presses[first : first + size.presses], folder)
            many = _turn(other, large.presses[2 * first : 2 * (first + size.presses)], folder)
            ratios.append(many.load.seconds / few.load.seconds)
    return statistics.median(ratios)


def _turn(server: Server, requests: list[bytes], folder: Path, rate: float | None = None) -> Turn:
    before = server.cpu_seconds()
    connections = CONNECTIONS if rate is None else PACED_CONNECTIONS
    taken = load.run(server.port, requests, folder, connections=connections, rate=rate)
    if not taken.all_well:
        raise RuntimeError(f"not every delivery was acknowledged: {taken.statuses}, {taken.lost} lost")
    return Turn(taken, (server.cpu_seconds() - before) * 1000 / len(requests))


def _rounds(title: str, rounds: list[Round]) -> Table:
    columns = ["round"]
    columns += [f"{side} {what}" for side in ("floor", "press") for what in ("/s", "p50", "p99", "CPU")]
    rows: list[list[str | float | int]] = []
    for number, one in enumerate(rounds, start=1):
        row: list[str | float | int] = [number]
        for turn in (one.floor, one.press):
            row += [turn.load.throughput, turn.load.quantile(0.5), turn.load.quantile(0.99), turn.processor]
        rows.append([*row, one.ratio, one.slowest])
    return Table(title, [*columns, "× /s", "× p99"], rows)
