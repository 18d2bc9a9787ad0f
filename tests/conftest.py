"""What every test may ask for: databases of its own, on SQLite and on a real PostgreSQL.

The PostgreSQL server is private to the test process: a new cluster in a temporary folder, reached through a Unix
socket in that folder. So there is no port to collide on, workers of pytest-xdist share nothing, and a worker that dies
takes its server along. Databases handed out are migrated already; the `empty_...` ones are not.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OLDEST_POSTGRES = 15
TEMPLATE = "seatkeeper_template"


# What this machine has


def postgres_programs() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest server found that is new enough, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in_path, reverse=True)
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).parent)
    for folder in found:
        if shutil.which("initdb", path=folder) and _new_enough(shutil.which("postgres", path=folder)):
            return folder
    return None


def _version_in_path(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _new_enough(program: str | None) -> bool:
    if program is None:
        return False
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    digits = answer.rpartition(" (PostgreSQL) ")[2].split(".")[0] if "(PostgreSQL)" in answer else ""
    return digits.strip().isdigit() and int(digits) >= OLDEST_POSTGRES


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
    return needed


def _missing() -> set[str]:
    """System programs that are absent. In CI nothing counts as absent, so that its tests fail instead of vanishing."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        return set()
    here = {"PostgreSQL": postgres_programs(), "Chromium": chromium_program()}
    return {name for name, found in here.items() if found is None}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = _missing()
    if not missing:
        return
    left_out = [item for item in items if _needs(item) & missing]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not _needs(item) & missing]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in sorted(_missing()):
        terminalreporter.write_line(f"NOT RUN: every test that needs {name}, which this machine lacks.", red=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    found = chromium_program()
    assert found, "Chromium is missing: install the system package 'chromium'"
    return found


# PostgreSQL


@dataclass(frozen=True)
class PostgresServer:
    """A running private server. `sockets` is the folder of its Unix socket."""

    sockets: Path
    user: str

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{self.user}@/{database}?host={self.sockets}"

    def execute(self, statement: str) -> None:
        """Run one administrative statement outside any transaction."""
        with self._connect() as connection:
            connection.execute(statement.encode())

    def is_up(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self.sockets), user=self.user, dbname="postgres", autocommit=True)


def _as_ordinary_user(folder: Path) -> list[str]:
    """The command prefix under which PostgreSQL agrees to run; `folder` is handed to that user.

    The kernel stops the server when this process dies, even by SIGKILL, where `setpriv` exists (Linux).
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    if os.geteuid() != 0:
        return prefix
    assert setpriv, "PostgreSQL refuses to run as root and there is no 'setpriv' to step down with"
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = names.get("postgres") or names["nobody"]
    os.chown(folder, account.pw_uid, account.pw_gid)
    return [*prefix, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL, started once per test process and stopped by its process id."""
    programs = postgres_programs()
    assert programs, f"PostgreSQL {OLDEST_POSTGRES} or newer is missing: install the system package 'postgresql'"
    folder = Path(tempfile.mkdtemp(prefix="seatkeeper-pg-"))
    try:
        prefix = _as_ordinary_user(folder)
        data, log = folder / "data", folder / "log"
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "tester",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        subprocess.run([*prefix, *initdb], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "timezone": "UTC",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*prefix, programs / "postgres", "-D", data, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        try:
            server = PostgresServer(folder, "tester")
            _wait_until_up(server, process, log)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # "fast" shutdown: clients are disconnected
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not server.is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """Name of a PostgreSQL database that is migrated and never written to again; tests get copies of it."""
    postgres_server.execute(f'CREATE DATABASE "{TEMPLATE}"')
    _migrate(postgres_server.url(TEMPLATE))
    return TEMPLATE


def _new_database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server.url(name)
    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    yield from _new_database(postgres_server, migrated_template)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
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
