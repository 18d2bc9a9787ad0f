"""Starts processes of the service at once: everything is imported a single time, each start is a fork of that.

A process that is killed and started anew twenty times would spend most of its life importing. What is forked is a
process of its own all the same: its own memory, connections and locks, which a SIGKILL takes with it.

The file is also the program that forks: run as a script it reads one order per line and answers with one line.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Forked:
    """One forked process, driven as a `subprocess.Popen` is."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._forks = forks
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit code once it ended, negative for a signal; None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout: float) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self._handle, number)

    def _ended(self, seconds: float) -> int | None:
        if self.returncode is None and select.select([self._handle], [], [], seconds)[0]:
            self.returncode = int(self._forks.order({"ended": self.pid}))
            os.close(self._handle)
        return self.returncode


class Forks:
    """The program below. Safe for one thread."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self._program = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)}, start_new_session=True,  # Ctrl-C is for the tests to handle
        )  # fmt: skip

    def start(
        self,
        words: list[str],
        environment: dict[str, str],
        folder: Path,
        log: Path,
        module: str = "bot.__main__",
        errors: Path | None = None,
    ) -> Forked:
        """`python -m bot` with these words, in this environment and no other; or another module's `main`.

        `log` is where both outputs go; with `errors` the error output goes there.
        """
        log.touch()
        order = {"words": words, "environment": environment, "folder": str(folder), "module": module}
        order |= {"log": str(log), "errors": str(errors or log)}
        return Forked(self, int(self.order(order)))

    def order(self, order: dict[str, Any]) -> str:
        assert self._program.stdin and self._program.stdout
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        answer = self._program.stdout.readline()
        assert answer, f"the forking program ended with {self._program.wait(10)}"
        return answer

    def close(self) -> None:
        assert self._program.stdin and self._program.stdout
        self._program.stdin.close()
        self._program.wait(10)
        self._program.stdout.close()


def _become(order: dict[str, Any], main: Callable[[list[str]], int]) -> None:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    apart = order["errors"] != order["log"]
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if apart else log
    os.dup2(log, 1)
    os.dup2(errors, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    code = 1
    try:
        code = main(order["words"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    import_module("bot.cli_serve")  # all of the service, before any fork

    assert threading.active_count() == 1, "a fork would lose the threads"
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if "ended" in order:
            _, status = os.waitpid(order["ended"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            module = import_module(order["module"])
            answer = os.fork()
            if not answer:
                _become(order, module.main)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
