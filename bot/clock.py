"""The service's clock. In the demo a file says by how many seconds it is ahead; the file is read when it changes."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

#: How long a reading of the file counts: a click on "+1 day" is seen within this.
LOOK_EVERY_SECONDS = 0.05


class ServiceClock:
    """`now()` as aware UTC, never before an earlier answer by more than the machine's own clock goes back."""

    def __init__(self, offset_file: str = "") -> None:
        self._file = Path(offset_file) if offset_file else None
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._looked = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead()

    def _ahead(self) -> timedelta:
        if self._file is None:
            return timedelta(0)
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_EVERY_SECONDS:
                self._looked = time.monotonic()
                try:
                    self._offset = timedelta(seconds=float(self._file.read_text(encoding="ascii")))
                except (FileNotFoundError, ValueError):
                    pass  # not written yet, or half written: the last answer stands
            return self._offset
