"""Inventories taken in, beside a bare bulk insert of the same rows into the same tables (design §8).

A delivery is what an agent sends: XML under zlib. It is unpacked, read, its device found, its list compared, and all
of it committed, one transaction a device, one after another. The floor has nothing to read and nothing to decide: the
very rows that the product wrote go into a second database, made the same way, a statement a table. It is measured
twice. Committed device by device is the floor that the goal speaks of: an agent forgets its inventory with our 200, so
each must be durable before its answer, and with two at a time (design §10) there are no further deliveries whose commit
could be shared. All of a round in one transaction is what no server can do; it is printed beside it.
Each measurement ends with SQLite's log copied back, which the service does beside its work: nobody pays for another.
Rounds are short and alternate, for other work on the machine falls on all sides alike. Titles are known, as most are
after a company's first hundred devices; what a delivery costs whose titles are all new is shown beside. An unchanged
inventory is held against the same floor: the rows that a product without a digest would have to write.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table as SqlTable
from sqlalchemy import func, insert, select, text

import migrations
from benchmarks import postgres
from benchmarks.report import Check, Report, Table
from jobs.tables import Job
from model.alerts import DeviceIdentity, DeviceReport
from model.events import Event
from model.inventory import Installation
from model.people import Device
from model.session import Database, make_engine
from workflows.inventory import message
from workflows.inventory.body import unpack
from workflows.inventory.dialects.fusion import Request
from workflows.inventory.take import Intake
from workflows.policy import Policy
from workflows.register.history import table_of
from workflows.rules import Rules

GOAL = 0.5
MOST_WHEN_DOUBLED = 2.1
DOUBLINGS = 8
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
AGENT = "FusionInventory-Agent_v2.6-3"
TABLES = tuple(table_of(one) for one in (Device, DeviceIdentity, DeviceReport, Installation, Event, Job))

_TELLING = text(
    "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND NOT tgisinternal "
    "AND tgname LIKE 'position%'"
)


@dataclass(frozen=True)
class Size:
    """Devices a round, titles a device (a Windows notebook lists some two hundred rows), titles of the company."""

    devices: int = 20
    titles: int = 200
    company: int = 1_000
    rounds: int = 15


QUICK = Size(devices=10, titles=200, company=600, rounds=5)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """One report for each database."""
    size = QUICK if options.quick else Size()
    with tempfile.TemporaryDirectory(prefix="seatkeeper-bench-") as name:
        if options.only != "postgresql":
            yield report("sqlite", [f"sqlite:///{Path(name) / f'intake{part}.db'}" for part in range(2)], size)
        if options.only != "sqlite":
            if postgres.programs() is None:
                print("NOT MEASURED on PostgreSQL: this machine lacks the server (package 'postgresql').")
                return
            with postgres.cluster() as cluster:
                yield report("postgresql", [cluster.create(f"intake{part}") for part in range(2)], size)


class _Side:
    """A database with a company whose titles are known."""

    def __init__(self, url: str, size: Size, *, bare: bool = False) -> None:
        """`bare`: without the triggers that tell positions of changes; they are the product's work."""
        self.database = Database(make_engine(url))
        migrations.upgrade(self.database.engine)
        if bare and not self.database.is_sqlite:
            with self.database.unit_of_work() as work:
                for table in TABLES:
                    for name in work.connection.execute(_TELLING, {"table": table.name}).scalars().all():
                        work.connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER {name}")
                work.commit()
        rules = Rules(Policy(), 1)
        self.intake = Intake(self.database, lambda: rules, b"k" * 32, lambda: None)
        self.now = NOW
        began = time.perf_counter()
        pool = range(size.company)
        for first in range(0, size.company, size.titles):
            self.take([delivery(f"FIRST-{first}", pool[first : first + size.titles])])
        self.new_titles = (time.perf_counter() - began) / (size.company / size.titles)

    def take(self, bodies: Sequence[bytes]) -> float:
        """Seconds for these deliveries, from the wire to the commit."""
        self.now += timedelta(days=1)
        began = time.perf_counter()
        for body in bodies:
            said = message.read(unpack([body]), AGENT)
            assert isinstance(said, Request) and said.report is not None
            self.intake.take(said.report, self.now)
        self.database.checkpoint()
        return time.perf_counter() - began

    def marks(self) -> dict[SqlTable, int]:
        """The highest id of each table."""
        with self.database.reading() as connection:
            return {one: connection.execute(select(func.max(one.c.id))).scalar() or 0 for one in TABLES}

    def written(self, since: dict[SqlTable, int]) -> dict[SqlTable, list[dict[str, Any]]]:
        """The rows that are newer than those marks."""
        with self.database.reading() as connection:
            return {
                one: [dict(row) for row in connection.execute(select(one).where(one.c.id > since[one])).mappings()]
                for one in TABLES
            }

    def insert(self, transactions: Sequence[dict[SqlTable, list[dict[str, Any]]]]) -> float:
        """Seconds to insert rows as they are, in so many transactions."""
        began = time.perf_counter()
        for rows in transactions:
            with self.database.unit_of_work() as work:
                for table, own in rows.items():
                    work.connection.execute(insert(table), own)
                work.commit()
        self.database.checkpoint()
        return time.perf_counter() - began

    def forget(self, since: dict[SqlTable, int]) -> None:
        """Take out what is newer than those marks, so that the same rows can go in again; not measured."""
        with self.database.unit_of_work() as work:
            for table in reversed(TABLES):
                if table.name != "event":  # the trail refuses that
                    work.connection.execute(table.delete().where(table.c.id > since[table]))
            work.commit()
        self.database.checkpoint()


def by_device(rows: dict[SqlTable, list[dict[str, Any]]]) -> list[dict[SqlTable, list[dict[str, Any]]]]:
    """The rows of each device by themselves; its event and job are those of the same place."""
    devices, _, _, _, events, jobs = TABLES
    found: dict[int, dict[SqlTable, list[dict[str, Any]]]] = {
        row["id"]: {devices: [row], events: [event], jobs: [job]}
        for row, event, job in zip(rows[devices], rows[events], rows[jobs], strict=True)
    }
    for table in TABLES[1:4]:
        for row in rows[table]:
            found[row["device_id"]].setdefault(table, []).append(row)
    return [{table: one[table] for table in TABLES} for one in found.values()]


def delivery(name: str, titles: Sequence[int], more: str = "") -> bytes:
    """An inventory of a Windows notebook as the agent sends it; `more` stands in its section HARDWARE."""
    rows = "".join(
        f"<SOFTWARES><ARCH>x86_64</ARCH><FROM>registry</FROM><GUID>{{{number:08X}-0000-4000-8000-000000000000}}</GUID>"
        f"<INSTALLDATE>11/09/2025</INSTALLDATE><NAME>Tool {number:04} Professional (x64)</NAME>"
        f"<PUBLISHER>Maker {number % 90} Ltd</PUBLISHER><UNINSTALL_STRING>C:\\Program Files\\T{number}\\u.exe"
        f"</UNINSTALL_STRING><VERSION>{number % 20}.{number % 7}.0</VERSION></SOFTWARES>"
        for number in titles
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><REQUEST><CONTENT><BIOS><SSN>{name}</SSN></BIOS><CPUS><CORE>8</CORE>'
        f"<NAME>CPU</NAME><THREAD>16</THREAD></CPUS><HARDWARE>{more}<NAME>{name}</NAME><LASTLOGGEDUSER>user</LASTLOGGEDUSER>"
        f"<OSNAME>Microsoft Windows 11 Pro</OSNAME><OSVERSION>10.0.26100</OSVERSION></HARDWARE>{rows}"
        f"<VERSIONCLIENT>{AGENT}</VERSIONCLIENT></CONTENT><DEVICEID>{name}-2026-01-15-08-30-00</DEVICEID>"
        "<QUERY>INVENTORY</QUERY></REQUEST>"
    )
    return zlib.compress(text.encode(), 6)


def report(database: str, urls: list[str], size: Size) -> Report:
    """Everything the row asks on one kind of database; `urls` are two empty ones."""
    chance = random.Random(4)
    product, floor = _Side(urls[0], size), _Side(urls[1], size, bare=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rounds: list[tuple[float, float, float, float]] = []
    wire = rows_a_device = 0.0
    bodies: list[bytes] = []
    for number in range(size.rounds):
        bodies = [
            delivery(f"PC-{number}-{place}", sorted(chance.sample(range(size.company), size.titles)))
            for place in range(size.devices)
        ]
        marks = product.marks()
        first = product.take(bodies)
        rows = product.written(marks)
        apart = floor.insert(by_device(rows))
        again = product.take(bodies)
        floor.forget(marks)
        bare = floor.insert([{table: own for table, own in rows.items() if table.name != "event"}])
        rounds.append((first, apart, bare, again))
        wire = statistics.mean(map(len, bodies))
        rows_a_device = sum(map(len, rows.values())) / size.devices
    once = twice = 0.0
    for number in range(DOUBLINGS):  # side by side, and added up
        single, double = (
            product.take(
                [
                    delivery(f"PC-{name}-{number}-{place}", sorted(chance.sample(range(size.company), size.titles)))
                    for place in range(count)
                ]
            )
            for name, count in (("A", size.devices), ("B", 2 * size.devices))
        )
        once, twice = once + single, twice + double
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with product.database.reading() as connection:
        there = connection.execute(select(func.count()).select_from(Installation)).scalar_one()
    expected = size.company + (size.rounds + 3 * DOUBLINGS) * size.devices * size.titles
    assert there == expected, f"{there} installations are stored, and {expected} were delivered"
    for side in (product, floor):
        side.database.dispose()
    ratio = statistics.median(apart / first for first, apart, _, _ in rounds)
    unchanged = statistics.median(apart / again for _, apart, _, again in rounds)
    middle = [statistics.median(column) for column in zip(*rounds, strict=True)]
    made = Report(
        f"intake on {database}",
        f"{size.devices} devices a round, {size.titles} titles each, {rows_a_device:.0f} rows written a device",
        "a bare bulk insert of the same rows",
    )
    made.tables = [
        Table(
            "Devices a second, median of the rounds",
            ["first inventory", "insert, a commit a device", "insert, one commit", "unchanged inventory"],
            [[size.devices / seconds for seconds in middle]],
        ),
        Table(
            "Over the two floors, round by round",
            ["", "least", "median", "most"],
            [
                ["first, over a commit a device", *spread([apart / first for first, apart, _, _ in rounds])],
                ["first, over one commit", *spread([bare / first for first, _, bare, _ in rounds])],
                ["unchanged, over a commit a device", *spread([apart / again for _, apart, _, again in rounds])],
            ],
        ),
        Table(
            "Beside it",
            ["bytes on the wire", "ms a device, all titles new", "MiB before", "MiB at most"],
            [[wire, product.new_titles * 1000, before, used]],
        ),
    ]
    made.checks = [
        Check("first inventories over the insert, a commit a device", ratio, GOAL),
        Check("unchanged inventories, devices a second", unchanged, GOAL),
        Check(
            "twice the devices, time",
            twice / once,
            MOST_WHEN_DOUBLED,
            at_least=False,
        ),
    ]
    made.notes = [
        "The goal is over the insert with a commit a device: each must be durable before its agent is answered. "
        "One commit for all is printed above; no server could make it."
    ]
    return made


def spread(figures: Sequence[float]) -> tuple[float, float, float]:
    """Least, median and most."""
    return min(figures), statistics.median(figures), max(figures)
