"""A copy of a delivery that was answered already is refused: whoever holds one signed delivery has one press, not many.

What decides is the database: a view, an event or a press changes something once, by the idempotency keys of its
operation, whichever process meets the copy. This memory is one process's own and refuses early; two processes may
disagree on it and nothing depends on that. It lives with the web app, holds signatures for as long as their timestamp
can be taken for fresh, and is bounded; what falls out is again the database's business.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

#: A timestamp may be five minutes behind the clock or ahead of it, so a signature can be fresh for twice that.
KEPT_SECONDS = 600
#: About 10 MB; ten minutes at 80 deliveries a second.
MOST_KEPT = 50_000


class Answered:
    """Which deliveries were taken up, so that a second copy is not. One lock, no I/O, no copies of what was said."""

    def __init__(self, most: int = MOST_KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._taken: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str) -> bool:
        """Whether this is the first copy; from now on others are refused, also while this one is being answered."""
        now = self._clock()
        with self._lock:
            while self._taken and next(iter(self._taken.values())) <= now - KEPT_SECONDS:
                self._taken.popitem(last=False)
            if key in self._taken:
                return False
            self._taken[key] = now
            if len(self._taken) > self._most:
                self._taken.popitem(last=False)
            return True

    def give_up(self, key: str) -> None:
        """It came to nothing, so its sender may try the same again."""
        with self._lock:
            self._taken.pop(key, None)
