"""What went over the wire, newest last, bounded: the demo's Traffic panel and a test's witness. Secrets are masked."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

_SECRET = re.compile(
    r"(?i)(bearer\s+|basic\s+|client_secret=|client_assertion=|password=|access_token\"?[=:]\s*\"?|refresh_token\"?[=:]\s*\"?|"
    r"xox[bap]-|xapp-)[A-Za-z0-9+/=._~-]+"
)


def masked(text: str) -> str:
    """Text with anything that looks like a credential replaced."""
    return _SECRET.sub(lambda found: found.group(1) + "•••", text)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. `system` is slack, graph or servicenow; `fault` names an injected fault."""

    number: int
    at: datetime
    system: str
    sender: str
    receiver: str
    method: str
    path: str
    status: int
    milliseconds: float
    sentence: str
    request_body: str
    response_body: str
    fault: str | None = None


class Traffic:
    """A ring of exchanges shared by the stand-ins; bodies are cut at 20,000 characters."""

    def __init__(self, keep: int = 2000) -> None:
        self._ring: deque[Exchange] = deque(maxlen=keep)
        self._lock = threading.Lock()
        self._number = 0

    def add(self, *, request_body: str = "", response_body: str = "", **facts: Any) -> Exchange:
        with self._lock:
            self._number += 1
            exchange = Exchange(
                number=self._number,
                request_body=masked(request_body[:20_000]),
                response_body=masked(response_body[:20_000]),
                **facts,
            )
            self._ring.append(exchange)
            return exchange

    def since(self, number: int = 0, system: str | None = None) -> list[dict[str, Any]]:
        with self._lock:
            chosen = [x for x in self._ring if x.number > number and system in (None, x.system)]
        return [asdict(x) | {"at": x.at.isoformat()} for x in chosen]

    def clear(self) -> None:
        with self._lock:
            self._ring.clear()
