"""Microsoft 365 read for the first time, beside the fewest requests its API allows (design §8).

The tenant is the stand-in with very many people made from a seed; each page of people takes as long as real ones with
sign-ins do at least, and the rest what it takes here. The floor asks for the same pages and reports one after the
other, parses each page for its next link and keeps nothing. The product also stores people, managers, seats by path,
sign-ins and five reports. Memory is each process's own peak; what it grows by when the people double is printed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import postgres
from benchmarks.report import Check, Report, Table
from benchmarks.sync_parts import Place, Took, run, serving

GOAL = 1.2
MOST_WHEN_DOUBLED = 2.1
#: Peak memory of twice the people; flat, but for noise.
MOST_MEMORY = 1.15


@dataclass(frozen=True)
class Size:
    """People of the tenant, and seconds a page of 500 of them takes."""

    people: int = 200_000
    page_seconds: float = 0.25


QUICK = Size(people=10_000)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """One report for each database."""
    size = QUICK if options.quick else Size()
    with tempfile.TemporaryDirectory(prefix="seatkeeper-bench-") as name:
        folder = Path(name)
        with (
            serving(size.people, size.page_seconds, folder / "once") as once,
            serving(2 * size.people, size.page_seconds, folder / "twice") as twice,
        ):
            floor = run("floor", once)
            if options.only != "postgresql":
                urls = [f"sqlite:///{folder / f'sync{part}.db'}" for part in range(2)]
                yield report("sqlite", urls, size, floor, once, twice)
            if options.only == "sqlite":
                return
            if postgres.programs() is None:
                print("NOT MEASURED on PostgreSQL: this machine lacks the server (package 'postgresql').")
                return
            with postgres.cluster() as cluster:
                urls = [cluster.create(f"sync{part}") for part in range(2)]
                yield report("postgresql", urls, size, floor, once, twice)


def report(name: str, urls: list[str], size: Size, floor: Took, once: Place, twice: Place) -> Report:
    """The product on one database, for so many people and for twice as many."""
    single = run("sync", once, urls[0])
    double = run("sync", twice, urls[1])
    sides = {"floor": floor, "Seatkeeper": single, "Seatkeeper, twice the people": double}
    return Report(
        f"sync, {name}",
        f"a first full reading of {size.people:,} people, {size.page_seconds:g} s a page",
        "the fewest requests the API allows, one after the other, nothing kept",
        [
            Table(
                "Requests, seconds, peak memory",
                ("", "requests", "seconds", "processor s", "MB", "people", "rows of use and seats"),
                [
                    [
                        side,
                        took.requests,
                        took.seconds,
                        took.processor,
                        round(took.memory / 1e6),
                        took.people,
                        took.rows,
                    ]
                    for side, took in sides.items()
                ],
            )
        ],
        [
            Check("requests × the fewest", single.requests / floor.requests, GOAL, at_least=False),
            Check("time × the fewest requests' time", single.seconds / floor.seconds, GOAL, at_least=False),
            Check("time, twice the people", double.seconds / single.seconds, MOST_WHEN_DOUBLED, at_least=False),
            Check("peak memory, twice the people", double.memory / single.memory, MOST_MEMORY, at_least=False),
        ],
    )
