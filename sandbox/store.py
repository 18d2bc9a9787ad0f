"""State of a stand-in: plain dictionaries in memory, each change appended to a journal so that a restart resumes.

A stand-in plays a system that does not forget when Seatkeeper is killed, so it must not forget when the demo is.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Store:
    """Documents by (kind, key). All access goes through one re-entrant lock, also usable for compound changes."""

    def __init__(self, journal: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._kinds: dict[str, dict[str, Document]] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        self._journal = journal
        self._file: Any = None
        if journal is not None:
            self._replay(journal)
            self._compact(journal)
            self._file = journal.open("a", encoding="utf-8")

    def _replay(self, journal: Path) -> None:
        if not journal.exists():
            return
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                kind, key, document = json.loads(line)
            except ValueError:
                continue  # the last line of a killed process may be cut
            if document is None:
                self._kinds.get(kind, {}).pop(key, None)
            else:
                self._kinds.setdefault(kind, {})[key] = document

    def _compact(self, journal: Path) -> None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        fresh = journal.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            for kind, documents in self._kinds.items():
                for key, document in documents.items():
                    out.write(json.dumps([kind, key, document], ensure_ascii=False) + "\n")
        fresh.replace(journal)

    def put(self, kind: str, key: str, document: Document) -> None:
        """Insert or replace; the caller may go on changing its own object."""
        with self.lock:
            self._kinds.setdefault(kind, {})[key] = copy.deepcopy(document)
            self._write(kind, key, document)

    def drop(self, kind: str, key: str) -> None:
        """Forget a document; unknown keys are no error."""
        with self.lock:
            if self._kinds.get(kind, {}).pop(key, None) is not None:
                self._write(kind, key, None)

    def _write(self, kind: str, key: str, document: Document | None) -> None:
        if self._file is not None:
            self._file.write(json.dumps([kind, key, document], ensure_ascii=False) + "\n")
            self._file.flush()
        for listener in self._listeners:
            listener(kind, key)

    def get(self, kind: str, key: str) -> Document | None:
        """A copy of the document, or None."""
        with self.lock:
            found = self._kinds.get(kind, {}).get(key)
            return copy.deepcopy(found) if found is not None else None

    def all(self, kind: str) -> list[Document]:
        """Copies of all documents of a kind, in order of insertion."""
        with self.lock:
            return [copy.deepcopy(document) for document in self._kinds.get(kind, {}).values()]

    def where(self, kind: str, predicate: Callable[[Document], bool]) -> list[Document]:
        """Copies of the documents for which `predicate` holds; it sees the originals and must not change them."""
        with self.lock:
            return [copy.deepcopy(found) for found in self._kinds.get(kind, {}).values() if predicate(found)]

    def keys(self, kind: str) -> Iterator[str]:
        with self.lock:
            return iter(list(self._kinds.get(kind, {})))

    def count(self, kind: str) -> int:
        with self.lock:
            return len(self._kinds.get(kind, {}))

    def next_number(self, name: str, start: int = 1) -> int:
        """A counter that survives a restart."""
        with self.lock:
            value = int((self.get("_counter", name) or {"value": start - 1})["value"]) + 1
            self.put("_counter", name, {"value": value})
            return value

    def watch(self, listener: Callable[[str, str], None]) -> None:
        """Call `listener(kind, key)` after each change, inside the lock: it must be quick."""
        self._listeners.append(listener)

    def clear(self) -> None:
        with self.lock:
            for kind in list(self._kinds):
                for key in list(self._kinds[kind]):
                    self.drop(kind, key)

    def close(self) -> None:
        with self.lock:
            if self._file is not None:
                self._file.close()
                self._file = None
