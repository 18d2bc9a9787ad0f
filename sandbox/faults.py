"""Faults on request: what real systems do on bad days, chosen by a test, a benchmark or the demo page.

A rule matches a method and a path; its kind says what goes wrong. Kinds known to every stand-in are handled by
`sandbox.server`; a stand-in may know more of its own (concealed reports, lagging reads) and asks `active()` for them.
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

COMMON_KINDS = {
    "throttled": "429 with Retry-After (parameter `retry_after`, seconds, 1 unless told)",
    "throttled_bare": "429 without Retry-After",
    "server_error": "500, nothing done",
    "unavailable": "503, nothing done",
    "commit_then_error": "does it, then answers 500",
    "commit_then_hang_up": "does it, then closes the connection without an answer",
    "hang_up": "closes the connection, nothing done",
    "commit_then_slow": "does it, answers only after `seconds` (30 unless told)",
    "slow": "waits `seconds` (2 unless told) and then answers as usual",
    "html": "answers 200 with an HTML page, nothing done",
    "truncated": "does it, answers with half of the body",
}


@dataclass
class Fault:
    """One rule. `times` None means until removed; `probability` is drawn per call from the seeded generator."""

    kind: str
    method: str = ".*"
    path: str = ".*"
    times: int | None = None
    probability: float = 1.0
    parameters: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    hits: int = 0


class Faults:
    """The rules of one stand-in; thread-safe."""

    def __init__(self, seed: int = 0) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._next = 1

    def add(self, fault: Fault) -> int:
        with self._lock:
            fault.id = self._next
            self._next += 1
            self._rules.append(fault)
            return fault.id

    def remove(self, fault_id: int) -> None:
        with self._lock:
            self._rules = [rule for rule in self._rules if rule.id != fault_id]

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def draw(self, method: str, path: str) -> Fault | None:
        """The common fault that hits this call, if any; counts it."""
        with self._lock:
            for rule in self._rules:
                if rule.kind not in COMMON_KINDS or not self._matches(rule, method, path):
                    continue
                if self._random.random() < rule.probability:
                    self._count(rule)
                    return rule
            return None

    def active(self, kind: str, method: str = "", path: str = "", *, consume: bool = True) -> Fault | None:
        """A stand-in's own fault of this kind that matches now; with `consume` it counts against `times`."""
        with self._lock:
            for rule in self._rules:
                if rule.kind == kind and self._matches(rule, method, path) and self._random.random() < rule.probability:
                    if consume:
                        self._count(rule)
                    return rule
            return None

    def _count(self, rule: Fault) -> None:
        rule.hits += 1
        if rule.times is not None and rule.hits >= rule.times:
            self._rules.remove(rule)

    @staticmethod
    def _matches(rule: Fault, method: str, path: str) -> bool:
        return bool(re.fullmatch(rule.method, method)) and bool(re.search(rule.path, path))
