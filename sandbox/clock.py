"""The demo's clock: real time plus an offset that only grows, kept in a file that the service reads too."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path


class SandboxClock:
    """`now()` is aware UTC. With a file, several processes agree on the offset (seconds, as text)."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._offset = 0.0
        self._lock = threading.Lock()

    def offset(self) -> timedelta:
        if self._file is not None:
            try:
                return timedelta(seconds=float(self._file.read_text(encoding="ascii")))
            except (FileNotFoundError, ValueError):
                return timedelta(0)
        return timedelta(seconds=self._offset)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset()

    def forward(self, by: timedelta) -> datetime:
        """Move forward; a negative step is refused with ValueError. Returns the new time."""
        if by < timedelta(0):
            raise ValueError("the clock moves forward only")
        with self._lock:
            total = (self.offset() + by).total_seconds()
            if self._file is None:
                self._offset = total
            else:
                fresh = self._file.with_suffix(".new")
                fresh.write_text(f"{total:.6f}", encoding="ascii")
                fresh.replace(self._file)
        return self.now()
