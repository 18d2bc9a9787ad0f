"""A private PostgreSQL for one run of tests or benchmarks: a cluster in a temporary folder, reached by a Unix socket.

No port to collide on, and with `durable` the server's own defaults stay in force (a commit is on the disk before it is
answered), which is what a measurement must include and a test can do without.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

OLDEST = 15
START_SECONDS = 60.0
USER = "seatkeeper"
#: As many as the server's own default (`min_wal_size`) keeps.
SPARE_LOGS = 5
_CARELESS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
    "max_wal_size": "128MB",  # it may lie in memory
}  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    """A running server; `sockets` is the folder of its Unix socket."""

    sockets: Path

    def url(self, database: str) -> str:
        """The SQLAlchemy address of one of its databases."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.sockets}"

    def create(self, database: str) -> str:
        """A new empty database; returns its address. `database` is a name of ours, never of a person."""
        self.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

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
        return psycopg.connect(host=str(self.sockets), user=USER, dbname="postgres", autocommit=True)


def programs() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest server that is new enough, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).parent)
    return next((folder for folder in found if shutil.which("initdb", path=folder) and _new_enough(folder)), None)


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _new_enough(folder: Path) -> bool:
    program = shutil.which("postgres", path=folder)
    if program is None:
        return False
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    digits = answer.rpartition(" (PostgreSQL) ")[2].split(".")[0] if "(PostgreSQL)" in answer else ""
    return digits.strip().isdigit() and int(digits) >= OLDEST


@contextmanager
def cluster(*, durable: bool = True) -> Iterator[Cluster]:
    """Start a server, stop it by its process id. Raises FileNotFoundError when the machine has none."""
    where = programs()
    if where is None:
        raise FileNotFoundError(f"PostgreSQL {OLDEST} or newer is missing: install the system package 'postgresql'")
    folder = Path(tempfile.mkdtemp(prefix="seatkeeper-pg-"))
    try:
        prefix = _as_ordinary_user(folder)
        data = folder / "data"
        make: list[str | Path] = [where / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*prefix, *make], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        options = {"listen_addresses": "", "unix_socket_directories": str(folder), "timezone": "UTC"}
        options |= {} if durable else _CARELESS
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen(
                [*prefix, where / "postgres", "-D", data, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        try:
            running = Cluster(folder)
            _wait_until_up(running, process)
            if durable:
                _make_spare_logs(running)
            yield running
        finally:
            process.send_signal(signal.SIGINT)  # "fast" shutdown: clients are disconnected
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_ordinary_user(folder: Path) -> list[str]:
    """The command prefix under which PostgreSQL agrees to run; `folder` is handed to that user.

    Where `setpriv` exists (Linux) the kernel stops the server when this process dies, even by SIGKILL.
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    if os.geteuid() != 0:
        return prefix
    if not setpriv:
        raise FileNotFoundError("PostgreSQL refuses to run as root and there is no 'setpriv' to step down with")
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = names.get("postgres") or names["nobody"]
    os.chown(folder, account.pw_uid, account.pw_gid)
    return [*prefix, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--"]


def _make_spare_logs(server: Cluster) -> None:
    """Give a new server what one that runs for a while has: old log files that it writes over.

    Without them a commit now and then waits while a file of 16 MB is made and filled: 60 ms here, which decides over a
    slowest hundredth of a few hundred presses (measured). The next checkpoint renames the files left behind.
    """
    for _ in range(SPARE_LOGS):
        server.execute("SELECT pg_logical_emit_message(true, 'seatkeeper', 'spare'), pg_switch_wal()")
    server.execute("CHECKPOINT")


def _wait_until_up(server: Cluster, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (server.sockets / "log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL did not start:\n{log}")
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
