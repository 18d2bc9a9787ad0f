"""Debian's OCS Inventory server for a measurement: its own Apache, MariaDB and database in a temporary folder.

Nothing is installed and nothing of the system's configuration is touched; where a part is missing, `missing()` says
which package brings it. Settings are the package's own, but for addresses, passwords and how errors are printed.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

CONFIGURATION = Path("/etc/apache2/conf-available/ocsinventory-server.conf")
MODULES = Path("/usr/lib/apache2/modules")
SCHEMA = Path("/usr/share/ocsinventory-reports/files")
#: Program or file -> the Debian package that brings it.
PARTS = {
    "apache2": "apache2-bin",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "mariadb": "mariadb-client-core",
    str(CONFIGURATION): "ocsinventory-server",
    str(MODULES / "mod_perl.so"): "libapache2-mod-perl2",
    str(SCHEMA / "ocsbase_new.sql"): "ocsinventory-reports",
}
PATH = "/ocsinventory"
#: As many as our own intake works on at once.
WORKERS = 2
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_APACHE = """
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/log/error.log
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule perl_module {modules}/mod_perl.so
User {user}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers {workers}
MinSpareServers {workers}
MaxSpareServers {workers}
MaxRequestWorkers {workers}
Include {folder}/ocs.conf
"""


def missing() -> list[str]:
    """The packages without which it cannot run here; none when it can."""
    lacking = {
        package
        for part, package in PARTS.items()
        if not (Path(part).exists() if part.startswith("/") else shutil.which(part, path=_path()))
    }
    return sorted(lacking)


def version() -> str:
    """The version of the package, "" where dpkg does not say."""
    command = ["dpkg-query", "-W", "-f", "${Version}", "ocsinventory-server"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def running() -> Iterator[int]:
    """Start it with an empty database; its port. Raises RuntimeError with its last words when it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="seatkeeper-ocs-"))
    folder.chmod(0o755)
    try:
        with _database(folder) as database, _apache(folder, database) as port:
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(folder: Path) -> Iterator[int]:
    data, own, port = folder / "data", pwd.getpwuid(os.geteuid()).pw_name, _free_port()
    make = ["mariadb-install-db", "--no-defaults", f"--user={own}", f"--datadir={data}", "--skip-test-db"]
    _run([*make, "--auth-root-authentication-method=normal"], folder)
    serve = ["mariadbd", "--no-defaults", f"--user={own}", f"--datadir={data}", f"--socket={folder / 'sock'}"]
    with _process([*serve, f"--port={port}", "--bind-address=127.0.0.1"], folder / "mariadb.log") as process:
        _until(lambda: _sql(folder, "SELECT 1", check=False), process, folder / "mariadb.log")
        _sql(folder, "CREATE DATABASE ocsweb CHARACTER SET utf8 COLLATE utf8_bin")
        for host in ("127.0.0.1", "localhost"):
            _sql(folder, f"GRANT ALL ON ocsweb.* TO ocs@'{host}' IDENTIFIED BY 'ocs'")
        _fill(folder)
        yield port


def _fill(folder: Path) -> None:
    """The schema as its set-up page makes it: the base, and every later step; some steps are for older bases."""
    steps = sorted((SCHEMA / "update").glob("7*.sql"), key=lambda one: one.stem)
    base = SCHEMA / "ocsbase_new.sql"
    at = re.search(r"'GUI_VERSION',\s*\d+,\s*'(\d+)'", base.read_text(encoding="utf-8", errors="replace"))
    first = at[1] if at else "0"
    script = b"\n".join(one.read_bytes() for one in (base, *(step for step in steps if step.stem > first)))
    init = "--init-command=SET sql_mode='NO_ENGINE_SUBSTITUTION'"
    subprocess.run([*_client(folder), "--force", init, "ocsweb"], input=script, capture_output=True, check=False)
    _sql(folder, "SELECT COUNT(*) FROM ocsweb.software")


def configured(given: str, database: int, log: Path) -> str:
    """The package's configuration with our addresses; its web service, which is not measured, is left out."""
    wanted = {
        "OCS_DB_HOST": "127.0.0.1",
        "OCS_DB_PORT": str(database),
        "OCS_DB_USER": "ocs",
        "OCS_DB_PWD": "ocs",
        "OCS_DB_NAME": "ocsweb",
        "OCS_DB_LOCAL": "ocsweb",
        "OCS_OPT_LOGPATH": f'"{log}/"',
        "OCS_OPT_DBI_PRINT_ERROR": "0",  # else each title that is known already is a line in the log
    }
    for name, value in wanted.items():
        given = re.sub(rf"^(\s*PerlSet(?:Env|Var) {name}) .*$", rf"\1 {value}", given, flags=re.MULTILINE)
    head, found, _ = given.partition("PerlModule Apache::Ocsinventory::SOAP")
    return f"{head}</IfModule>\n" if found else given


@contextmanager
def _apache(folder: Path, database: int) -> Iterator[int]:
    port, log = _free_port(), folder / "log"
    own = "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    log.mkdir()
    if os.geteuid() == 0:
        account = pwd.getpwnam(own)
        os.chown(log, account.pw_uid, account.pw_gid)
    given = CONFIGURATION.read_text(encoding="utf-8", errors="replace")
    (folder / "ocs.conf").write_text(configured(given, database, log), encoding="utf-8")
    text = _APACHE.format(folder=folder, port=port, modules=MODULES, user=own, workers=WORKERS)
    (folder / "apache.conf").write_text(text, encoding="utf-8")
    command = ["apache2", "-f", str(folder / "apache.conf"), "-DFOREGROUND"]
    with _process(command, folder / "apache.log") as process:
        _until(lambda: _answers(port), process, folder / "apache.log")
        yield port


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", PATH)
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def _process(command: Sequence[str], words: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server, stopped by its process id."""
    with words.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=words.parent,
            env={"PATH": _path()},
            start_new_session=True,  # Apache ends its whole process group with itself, which would be us
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes], words: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = words.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise RuntimeError(f"{words.stem} did not start:\n{said}")
        time.sleep(0.1)


def _sql(folder: Path, statement: str, *, check: bool = True) -> bool:
    command = [*_client(folder), "-e", statement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_SECONDS)
    if check and done.returncode:
        raise RuntimeError(f"MariaDB refused: {done.stderr.strip()[-300:]}")
    return done.returncode == 0


def _client(folder: Path) -> list[str]:
    return ["mariadb", "--no-defaults", "-uroot", f"--socket={folder / 'sock'}"]


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env={"PATH": _path()})
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _path() -> str:
    """Servers lie in sbin, which is on few people's path."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
