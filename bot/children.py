"""A child process with its log file: started so that it never outlives us, stopped in order, its death explained."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SHOWN_LINES = 15
#: How long a child may take to finish what it is doing.
STOP_SECONDS = 15.0
_PR_SET_PDEATHSIG = 1


class ChildDied(Exception):
    """A child ended by itself; the message holds the last lines it wrote."""


class Child:
    """At most one process at a time under one name; every start appends to the log."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Ctrl-C in a terminal reaches only us (a session of its own): we end the children in the right order."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and modules
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def look(self) -> None:
        """Raises ChildDied when it no longer runs although nobody stopped it."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            raise ChildDied(f"{self.name.capitalize()} ended by itself (exit code {code}).\n{self.last_lines()}")

    def stop(self) -> None:
        """Ask it to end and wait; end it by force when it does not."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def last_lines(self) -> str:
        """The end of its log, for people."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        shown = "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])
        return f"The last lines of {self._log}:\n{shown or '  (nothing)'}"


def _end_with_parent() -> None:
    """The kernel ends the child when we are killed without a chance to do it ourselves (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
