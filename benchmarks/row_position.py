"""The licence position of a company with ten million installations, beside the best single SQL aggregate (design §8).

The rows are streamed into PostgreSQL by COPY. The floor is the fastest of several ways to say in one statement how much
of each product is consumed, over the same rows, in the same run: devices that are not retired where it is bought by
device, people, each once, and devices without a person where it is bought by named user. The product computes every
position from there: versions, suites, stale devices, leavers, money. Beside the floor stands the barest aggregate there
is, devices per product whoever uses them and whatever was bought: it answers another question, and shows how much of
the time is reading.

Then single devices change. What is measured is the statement that changes the device, with what it leaves for those who
ask (`workflows.positions.kept`), and the question for the position it touches, from the first statement to the figures.
The commit between them is not: whoever changes a device has to make it in any case; it is printed beside. Counting all
users so that they can be kept is done every ten minutes at most, and printed as well. A service asks all day on the
same connections, so the changes are enough for the server to have planned what is asked. Memory is this process's.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import Connection, text

import migrations
from benchmarks import postgres
from benchmarks.report import Check, Report, Table
from model.session import Database, make_engine
from workflows.positions import keep
from workflows.positions.compute import positions
from workflows.positions.times import Times

MOST_OF_THE_FLOOR = 1.5
MOST_FOR_ONE_CHANGE = 1 / 1000
MOST_WHEN_DOUBLED = 2.1
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
INDEXES = ("uq_installation_open", "ix_installation_open_title", "ix_installation_ended")

#: Devices per product and nothing else; with DISTINCT or GROUP BY in a subquery it takes several times as long.
BAREST = (
    "SELECT t.product_id, count(DISTINCT i.device_id) FROM installation i JOIN title t ON t.id = i.title_id "
    "WHERE i.ended_at IS NULL GROUP BY t.product_id"
)
_THERE = (
    "FROM title t JOIN installation i ON i.title_id = t.id {join} WHERE i.ended_at IS NULL AND i.began_at < '{after}' "
    "AND t.product_id IN (SELECT product_id FROM entitlement WHERE metric = '{metric}') AND {counts}"
)
_RETIRED = "d.state = 'retired' AND d.retired_on <= '{at}'"
_BY_DEVICE = "SELECT t.product_id, count(DISTINCT i.device_id) " + _THERE.format(
    join="",
    metric="device",
    after="{after}",
    counts=f"NOT EXISTS (SELECT 1 FROM device d WHERE d.id = i.device_id AND {_RETIRED}) GROUP BY t.product_id",
)
_PEOPLE = _THERE.format(
    join="JOIN device d ON d.id = i.device_id",
    metric="named_user",
    after="{after}",
    counts=f"({_RETIRED}) IS NOT TRUE",
)
#: Ways to say what is consumed; the fastest is the floor. With devices joined for every product it takes several times
#: as long.
FLOORS = (
    f"{_BY_DEVICE} UNION ALL SELECT t.product_id, count(DISTINCT coalesce(d.person_id, -d.id)) {_PEOPLE} "
    "GROUP BY t.product_id",
    f"{_BY_DEVICE} UNION ALL SELECT product_id, count(*) FROM (SELECT DISTINCT t.product_id, "
    f"coalesce(d.person_id, -d.id) {_PEOPLE}) u GROUP BY product_id",
)
_TODAY = {"at": NOW.date(), "after": NOW.date() + timedelta(days=1)}
#: With the server's own room for sorting and with that which the product gives its statements.
SETTINGS = ("SET LOCAL jit = off", "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")


@dataclass(frozen=True)
class Size:
    """How many rows; a device has twenty installations."""

    installations: int = 10_000_000
    products: int = 2_000
    rounds: int = 3
    changes: int = 200

    @property
    def devices(self) -> int:
        return self.installations // 20


QUICK = Size(installations=200_000, products=500, rounds=2, changes=20)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """One report, on PostgreSQL; SQLite is for one host and a smaller company."""
    if options.only == "sqlite":
        return
    size = QUICK if options.quick else Size()
    with postgres.cluster() as server:
        half = Size(size.installations // 2, size.products, size.rounds, size.changes)
        small = _Company(server, "half", half)
        small_full = small.full()
        small.close()
        company = _Company(server, "whole", size)
        yield _report(company, small_full)
        company.close()


def _report(company: _Company, half_seconds: float) -> Report:
    size = company.size
    company.agree()
    floors, barest, fulls = [], [], []
    for _ in range(size.rounds):
        floors.append(company.floor())
        fulls.append(company.full())
        barest.append(company.barest())
    floor, full, bare = statistics.median(floors), statistics.median(fulls), statistics.median(barest)
    keeping = company.keep()
    changes = company.changes()
    middle = statistics.median(one.all for one in changes)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made = Report(
        "position",
        f"{size.installations:,} installations of {size.products:,} products on {size.devices:,} devices, PostgreSQL",
        "the fastest single statement that says how much of each product is consumed, over the same rows",
    )
    made.tables = [
        Table(
            "Seconds of each round",
            ["round", "all positions", "floor", "×", "devices alone", "×"],
            [
                [n, own, a, own / a, b, own / b]
                for n, (own, a, b) in enumerate(zip(fulls, floors, barest, strict=True), start=1)
            ],
        ),
        Table(
            f"Milliseconds for the position of a product after one of its devices changed, {len(changes)} times",
            ["", "median", "slowest"],
            [
                [name, statistics.median(taken) * 1000, max(taken) * 1000]
                for name, taken in (
                    ("statement and question", [one.all for one in changes]),
                    ("the statement", [one.statement for one in changes]),
                    ("the question", [one.question for one in changes]),
                    ("not counted: the commit", [one.commit for one in changes]),
                )
            ],
        ),
        Table("Seconds to count what is kept, for all products", ["", "× all positions"], [[keeping, keeping / full]]),
        Table(
            "Rows streamed in, and memory of this process",
            ["seconds to load", "MiB before the run", "MiB at most"],
            [[company.loading, company.memory_before, used]],
        ),
    ]
    made.checks = [
        Check("all positions against the floor", full / floor, MOST_OF_THE_FLOOR, at_least=False),
        Check("one change against the full run, median", middle / full, MOST_FOR_ONE_CHANGE, at_least=False),
        Check("twice the installations", full / half_seconds, MOST_WHEN_DOUBLED, at_least=False),
    ]
    made.notes = [
        f"against devices per product alone, without people, retired devices and what was bought: {full / bare:.2f} ×",
        f"{company.found:,} positions; the changed devices are drawn at random, so that a product which everybody has "
        "is drawn as often as it is installed",
    ]
    return made


@dataclass(frozen=True)
class _Change:
    """Seconds of one change of a device."""

    statement: float
    commit: float
    question: float

    @property
    def all(self) -> float:
        return self.statement + self.question


class _Company:
    """A database filled by stream, and what is measured on it."""

    def __init__(self, server: postgres.Cluster, name: str, size: Size) -> None:
        self.size = size
        self.found = 0
        url = server.create(name)
        engine = make_engine(url)
        migrations.upgrade(engine)
        self.database = Database(engine)
        began = time.perf_counter()
        with psycopg.connect(host=str(server.sockets), user=postgres.USER, dbname=name, autocommit=True) as connection:
            _fill(connection, size)
        self.loading = time.perf_counter() - began
        self.memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def close(self) -> None:
        self.database.dispose()

    def floor(self) -> float:
        """Seconds of the fastest single statement that says what is consumed."""
        return self._fastest([statement.format(**_TODAY) for statement in FLOORS])

    def agree(self) -> None:
        """The floor and the product say the same. Raises RuntimeError."""
        with self.database.reading() as connection:
            for statement in FLOORS:
                said = {row[0]: row[1] for row in connection.execute(text(statement.format(**_TODAY)))}
                own = {
                    one.subject.product_id: int(one.position.consumed or 0)
                    for one in positions(connection, Times.today(NOW))
                }
                if said != {product_id: consumed for product_id, consumed in own.items() if consumed}:
                    raise RuntimeError("the floor answers another question than the product")

    def barest(self) -> float:
        """Seconds of the single statement that counts devices."""
        return self._fastest([BAREST])

    def _fastest(self, statements: Sequence[str]) -> float:
        taken = []
        for setting in SETTINGS:
            for statement in statements:
                with self.database.reading() as connection:
                    connection.exec_driver_sql(setting)
                    taken.append(_seconds(connection, statement))
        return min(taken)

    def full(self) -> float:
        """Seconds for every position."""
        began = time.perf_counter()
        with self.database.reading() as connection:
            self.found = sum(1 for _ in positions(connection, Times.today(NOW)))
        return time.perf_counter() - began

    def keep(self) -> float:
        """Seconds to count what is kept for questions after a change."""
        began = time.perf_counter()
        keep.refresh(self.database, NOW)
        return time.perf_counter() - began

    def changes(self) -> list[_Change]:
        """What it takes until the position of a product is known again after one of its devices changed."""
        dice = random.Random(5)
        taken, touched = [], set()
        for number in range(self.size.changes):
            device_id = dice.randrange(1, self.size.devices + 1)
            with self.database.unit_of_work() as work:
                title_id, product_id = work.connection.execute(
                    text(
                        "SELECT t.id, t.product_id FROM installation i JOIN title t ON t.id = i.title_id "
                        "WHERE i.device_id = :device AND i.ended_at IS NULL ORDER BY i.id OFFSET :n LIMIT 1"
                    ),
                    {"device": device_id, "n": number % 15},
                ).one()
                began = time.perf_counter()
                work.connection.execute(
                    text(
                        "UPDATE installation SET ended_at = :now WHERE device_id = :device AND title_id = :title "
                        "AND ended_at IS NULL"
                    ),
                    {"now": NOW - timedelta(days=1), "device": device_id, "title": title_id},
                )
                changed = time.perf_counter()
                work.commit()
            asked = time.perf_counter()
            with self.database.reading() as connection:
                if not list(positions(connection, Times.today(NOW), [product_id])):
                    raise RuntimeError("a product lost its position")
            taken.append(_Change(changed - began, asked - changed, time.perf_counter() - asked))
            touched.add(product_id)
        self._agree_still(touched)
        return taken

    def _agree_still(self, product_ids: set[int]) -> None:
        """What was brought up to date is what all rows say. Raises RuntimeError."""
        with self.database.reading() as connection:
            times = Times.today(NOW)
            counted = {one.subject.key: one.position for one in positions(connection, times)}
            for product_id in product_ids:
                for one in positions(connection, times, [product_id]):
                    if replace(one.position, known_at=NOW) != replace(counted[one.subject.key], known_at=NOW):
                        raise RuntimeError("a position that was brought up to date is not that of its rows")


def _seconds(connection: Connection, statement: str) -> float:
    began = time.perf_counter()
    for _ in connection.execute(text(statement)):
        pass
    return time.perf_counter() - began


def _fill(connection: psycopg.Connection[tuple[object, ...]], size: Size) -> None:
    """Products, titles, people and devices in the server; installations through COPY, one after the other."""
    when = "timestamptz '2026-01-05 08:00+00'"
    people = size.devices * 9 // 10
    for statement in (
        "INSERT INTO publisher (id, name) SELECT n, 'Publisher ' || n FROM generate_series(1, 200) n",
        "INSERT INTO product (id, publisher_id, name, key, category, search_words, granting, lost_on_return,"
        " ready_hint, metric, licence_model, provisional, list_cycle, fields) SELECT n, 1 + n % 200, 'Product ' || n, "
        "'p' || n, '', '', 'owner_task', '', '', '', 'paid', false, 'year', '{}' "
        f"FROM generate_series(1, {size.products}) n",
        "INSERT INTO title (id, raw_title, raw_publisher, sample_version, release, product_id, kind, confidence, rule,"
        " first_seen_at, recorded_at) SELECT n, 'Title ' || n, '', '', '', "
        f"1 + (n - 1) / 2, 'product', 100, 'alias', {when}, {when} FROM generate_series(1, {size.products * 2}) n",
        "INSERT INTO person (id, email, name, department, cost_centre, country, time_zone, job_title, employment,"
        " usage_location, active, leaves_on) SELECT n, 'p' || n || '@example.com', 'P' || n, '', '', '', 'UTC', '', "
        "'employee', '', true, CASE WHEN n % 200 = 0 THEN date '2026-09-30' END "
        f"FROM generate_series(1, {people}) n",
        "INSERT INTO device (id, identity, name, serial, kind, system, site, agent, tag, person_id, person_source,"
        " state, fields) SELECT n, 'd' || n, 'D' || n, '', CASE WHEN n % 3 = 0 THEN 'desktop' ELSE 'portable' END, "
        f"'', '', '', '', CASE WHEN n % 20 = 0 THEN NULL ELSE 1 + n % {people} END, '', "
        f"CASE WHEN n % 25 = 0 THEN 'stale' ELSE 'live' END, '{{}}' FROM generate_series(1, {size.devices}) n",
        # four in five are bought by device, the others by named user, and one in twenty by version
        "INSERT INTO entitlement (product_id, metric, kind, quantity, quantity_known, version, unit_price, currency,"
        " billing_cycle, starts_on, cores_per_processor, cores_per_server, cores_per_virtual, pack, sites, proof,"
        " supplier, fields, recorded_at) SELECT n, CASE WHEN n % 5 = 0 THEN 'named_user' ELSE 'device' END, "
        "'subscription', 1000, true, CASE WHEN n % 20 = 1 THEN '2' ELSE '' END, 1200000, 'EUR', 'year', "
        f"date '2026-01-01', 0, 0, 0, 1, '[]', 'order', '', '{{}}', {when} "
        f"FROM generate_series(1, {size.products}) n",
    ):
        connection.execute(statement.encode())
    definitions = [
        str(row[0])
        for row in connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'installation' AND indexname = ANY(%s)", [list(INDEXES)]
        )
    ]
    for name in INDEXES:
        connection.execute(f"DROP INDEX {name}".encode())
    connection.execute(b"ALTER TABLE installation DISABLE TRIGGER position_installation_came")  # nothing is kept yet
    columns = "device_id, title_id, version, source, began_at, recorded_at, authorised_by"
    with connection.cursor().copy(f"COPY installation ({columns}) FROM STDIN".encode()) as copy:
        for rows in _installations(size):
            copy.write(rows)
    for definition in definitions:
        connection.execute(definition.encode())
    connection.execute(b"ALTER TABLE installation ENABLE TRIGGER position_installation_came")
    connection.execute(b"VACUUM ANALYZE")  # as autovacuum would have


def _installations(size: Size) -> Iterator[bytes]:
    """The rows of a thousand devices at a time; few titles are everywhere and many are rare, as in life."""
    dice = random.Random(11)
    titles = size.products * 2
    tail = "\tfusioninventory\t2026-02-01 08:00+00\t2026-02-01 08:00+00\tbaseline\n"
    for first in range(1, size.devices + 1, 1000):
        lines = []
        for device in range(first, min(first + 1000, size.devices + 1)):
            chosen: set[int] = set()
            while len(chosen) < 20:
                chosen.add(1 + int(titles * dice.random() ** 3))
            lines += [f"{device}\t{title}\t{1 + title % 3}.{device % 7}{tail}" for title in chosen]
        yield "".join(lines).encode()
