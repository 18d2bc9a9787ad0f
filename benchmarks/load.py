"""The load generator: a process of its own that sends prepared HTTP requests over a few keep-alive connections.

One thread and raw sockets, so that it takes little of the machine the server is measured on, and before everything
else where the system lets it: what it waits for a processor would be counted as the server's. Without a rate every
connection sends its next request when the last was answered. With a rate a request is due at its own moment whether
or not the earlier ones were answered, and its time counts from then: a stalled server cannot hide its queue.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: A request that takes longer is counted as lost and ends the run.
GIVE_UP_SECONDS = 30.0


@dataclass(frozen=True)
class Load:
    """What came of one run: seconds in all, milliseconds per answer in the order of the answers."""

    seconds: float
    milliseconds: tuple[float, ...]
    statuses: dict[str, int]
    lost: int

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    @property
    def all_well(self) -> bool:
        return self.lost == 0 and set(self.statuses) == {"200"}

    def quantile(self, share: float) -> float:
        """Milliseconds within which `share` of the requests were answered (nearest rank)."""
        return quantile(self.milliseconds, share)


def quantile(values: Sequence[float], share: float) -> float:
    """The nearest-rank quantile; 0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))] if ordered else 0.0


def run(port: int, requests: Sequence[bytes], folder: Path, *, connections: int = 8, rate: float | None = None) -> Load:
    """Send each request once, from a new process; `rate` is requests a second. Raises RuntimeError when that fails."""
    path = folder / "requests.bin"
    path.write_bytes(b"".join(struct.pack(">I", len(one)) + one for one in requests))
    arguments = [str(port), str(path), str(connections), str(rate or 0)]
    limit = 120 + len(requests) / (rate or 10)
    command = [sys.executable, "-m", "benchmarks.load", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"the load generator failed:\n{done.stderr[-2000:]}")
    read = json.loads(done.stdout)
    return Load(read["seconds"], tuple(read["milliseconds"]), read["statuses"], read["lost"])


class _Line:
    """One connection: what it waits for and since when."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = 0.0
        self._read = b""

    def answered(self) -> str | None:
        """The status of a complete answer, None while it is still coming. Raises ConnectionError."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server hung up")
        self._read += piece
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found:
            return None
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(body) < length:
            return None
        self._read = b""
        return head[9:12].decode("ascii")


def send(port: int, requests: Sequence[bytes], connections: int, rate: float) -> dict[str, object]:
    """Send everything and measure; the loop of the generator's process."""
    selector = selectors.DefaultSelector()
    idle = [_Line(port) for _ in range(connections)]
    for line in idle:
        selector.register(line.socket, selectors.EVENT_READ, line)
    taken: list[float] = []
    statuses: Counter[str] = Counter()
    number, waiting, lost = 0, 0, 0
    began = time.perf_counter()
    while (number < len(requests) or waiting) and not lost:
        now = time.perf_counter()
        while number < len(requests) and idle and (not rate or began + number / rate <= now):
            line = idle.pop()
            line.since = began + number / rate if rate else time.perf_counter()
            line.socket.sendall(requests[number])
            number, waiting = number + 1, waiting + 1
        pause = GIVE_UP_SECONDS
        if rate and idle and number < len(requests):
            pause = max(0.0, began + number / rate - time.perf_counter())
        ready = selector.select(pause)
        if not ready and pause == GIVE_UP_SECONDS:
            lost = waiting
        for key, _ in ready:
            line = key.data
            status = line.answered()
            if status is not None:
                taken.append((time.perf_counter() - line.since) * 1000)
                statuses[status] += 1
                waiting -= 1
                idle.append(line)
    return {
        "seconds": time.perf_counter() - began,
        "milliseconds": [round(one, 3) for one in taken],
        "statuses": statuses,
        "lost": lost,
    }


def _go_first() -> None:
    with suppress(OSError):  # only root may
        os.nice(-10)


def _main() -> None:
    _go_first()
    port, path, connections, rate = sys.argv[1:5]
    stored = Path(path).read_bytes()
    requests, at = [], 0
    while at < len(stored):
        (size,) = struct.unpack_from(">I", stored, at)
        requests.append(stored[at + 4 : at + 4 + size])
        at += 4 + size
    print(json.dumps(send(int(port), requests, int(connections), float(rate))))


if __name__ == "__main__":
    _main()
