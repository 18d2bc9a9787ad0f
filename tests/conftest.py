"""What every test may ask for: databases of its own, on SQLite and on a real PostgreSQL.

The PostgreSQL server is private to the test process: a new cluster in a temporary folder, reached through a Unix
socket in that folder. So there is no port to collide on, workers of pytest-xdist share nothing, and a worker that dies
takes its server along. Databases handed out are migrated already; the `empty_...` ones are not.
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from benchmarks import postgres
from benchmarks.postgres import Cluster, cluster
from tests import compiled_once
from tests.recovery.service_forks import Forks

#: Some dozens of programs are started: without this each would compile all of its modules anew, for two seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Databases are made by the hundred, and a power cut is no part of any test: in memory a new PostgreSQL database takes
#: a seventh of the time it takes on a disk. Without room there, or where TMPDIR names a place, they lie on disk.
MEMORY = Path("/dev/shm")  # noqa: S108  folders in it are made by tempfile and pytest, whose names cannot be guessed
ROOM = 4 * 2**30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
    os.environ["TMPDIR"] = str(MEMORY)  # for programs that are started, too
    tempfile.tempdir = None

# a busy machine is no fault of the code: what is slow is measured by the benches, never asserted by a test
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

compiled_once.share()

#: Python looks through everything when what is new is a quarter of what is old: with most of the old set aside it would
#: do so twice as often as it did, and half as often is enough.
MINOR_PER_FULL_COLLECTION = 50

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TEMPLATE = "seatkeeper_template"
#: Inventory agents of the system's packages: name -> (fixture, program).
AGENTS = {
    "the FusionInventory agent": ("fusion_agent", "fusioninventory-agent"),
    "the OCS Inventory agent": ("ocs_agent", "ocsinventory-agent"),
}


# What this machine has


def chromium_program() -> str | None:
    """The system's Chromium, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def _needs(item: pytest.Item) -> set[str]:
    """Which system programs a test cannot do without."""
    fixtures = set(getattr(item, "fixturenames", ()))
    params = getattr(getattr(item, "callspec", None), "params", {})
    needed = set()
    on_both = {"database_url", "empty_database_url"}
    if "postgres_server" in fixtures or any(params.get(name) == "postgres" for name in on_both):
        needed.add("PostgreSQL")
    if "chromium" in fixtures:
        needed.add("Chromium")
    needed |= {name for name, (fixture, _) in AGENTS.items() if fixture in fixtures}
    return needed


def _missing() -> set[str]:
    """System programs that are absent. In CI nothing counts as absent, so that its tests fail instead of vanishing."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        return set()
    here = {"PostgreSQL": postgres.programs(), "Chromium": chromium_program()}
    here |= {name: shutil.which(program) for name, (_, program) in AGENTS.items()}
    return {name for name, found in here.items() if found is None}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = _missing()
    if not missing:
        return
    left_out = [item for item in items if _needs(item) & missing]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not _needs(item) & missing]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end, so the garbage collector need not look through it again.

    It did at every full collection, half a million objects, for a fifth of all the time the tests took. What tests
    leave behind is found as before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, MINOR_PER_FULL_COLLECTION)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in sorted(_missing()):
        terminalreporter.write_line(f"NOT RUN: every test that needs {name}, which this machine lacks.", red=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    found = chromium_program()
    assert found, "Chromium is missing: install the system package 'chromium'"
    return found


@pytest.fixture(scope="session")
def fusion_agent() -> str:
    """Path of the unmodified FusionInventory agent."""
    found = shutil.which("fusioninventory-agent")
    assert found, "The FusionInventory agent is missing: install the system package 'fusioninventory-agent'"
    return found


@pytest.fixture(scope="session")
def ocs_agent() -> str:
    """Path of the unmodified OCS Inventory agent."""
    found = shutil.which("ocsinventory-agent")
    assert found, "The OCS Inventory agent is missing: install the system package 'ocsinventory-agent'"
    return found


# Processes


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """One program that forks the service's processes, per test process."""
    made = Forks()
    yield made
    made.close()


# PostgreSQL


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Cluster]:
    """A private PostgreSQL, started once per test process and stopped by its process id."""
    with cluster(durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Cluster) -> str:
    """Name of a PostgreSQL database that is migrated and never written to again; tests get copies of it."""
    postgres_server.execute(f'CREATE DATABASE "{TEMPLATE}"')
    _migrate(postgres_server.url(TEMPLATE))
    return TEMPLATE


def _new_database(server: Cluster, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    # copying files takes a seventh of what the default, copying through the log, takes
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    yield server.url(name)
    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(postgres_server: Cluster, migrated_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    yield from _new_database(postgres_server, migrated_template)


@pytest.fixture
def empty_postgres_url(postgres_server: Cluster) -> Iterator[str]:
    """A PostgreSQL database without any table."""
    yield from _new_database(postgres_server, "template0")


# SQLite


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that is never written to again; tests get copies of it."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated SQLite file of this test's own."""
    path = tmp_path / "seatkeeper.db"
    source, copy = sqlite3.connect(migrated_file), sqlite3.connect(path)
    try:
        source.backup(copy)  # not a file copy: part of the template may still be in its write-ahead log
    finally:
        source.close()
        copy.close()
    return f"sqlite:///{path}"


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A SQLite file without any table."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


# Both: a test that names one of these runs twice


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test's own, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """A database without any table, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"empty_{request.param}_url"))


def _migrate(url: str) -> None:
    from migrations import upgrade  # imported late: most tests need no database
    from model.session import make_engine

    engine = make_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
