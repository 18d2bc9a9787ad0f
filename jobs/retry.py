"""What happens after a failure, as a pure function: when to try again, or that a person must look.

An outside system that is down for hours must lose no work, so waits grow to about a quarter of an hour and go on for
about a day. Being told to wait is no failure at all. A refusal is final until somebody changes something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

FailureKind = Literal["transient", "rate_limited", "unclear", "not_found", "refused", "bug"]

#: How often one kind of failure is met before the job is parked; rate_limited is never counted.
TRIES: dict[FailureKind, int] = {
    "transient": 110,  # about 25 hours of outage
    "unclear": 110,  # the handler reads before it repeats, so repeating is as safe as after a transient failure
    "not_found": 6,  # what was just created may be visible a few minutes late
    "refused": 1,
    "bug": 3,
}
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 900.0
#: When a system asks to wait and does not say how long.
UNTOLD_WAIT_SECONDS = 30.0
#: No system may close its queue for longer than this in one answer.
LONGEST_TOLD_SECONDS = 86_400.0


@dataclass(frozen=True)
class Failure:
    """Why a handler did not finish. `words` go to the dashboard, `cause` groups equal failures; no personal data.

    `retry_after` is in seconds, as the outside system said it.
    """

    kind: FailureKind
    words: str
    cause: str
    retry_after: float | None = None

    @property
    def counts(self) -> bool:
        return self.kind != "rate_limited"


@dataclass(frozen=True)
class RetryAt:
    """Try again at `at`; until `closes_queue_until` nobody calls this queue's system."""

    at: datetime
    closes_queue_until: datetime | None = None


@dataclass(frozen=True)
class Park:
    """Give up and show `words` to a person."""

    words: str


def next_step(failure: Failure, failures: int, now: datetime, jitter: float) -> RetryAt | Park:
    """Decide by the kind of failure and `failures`, how many counted ones there were with this one.

    `jitter` is a number from 0 to 1 that spreads the waits of many jobs by a quarter to each side.
    """
    if failure.kind == "rate_limited":
        told = UNTOLD_WAIT_SECONDS if failure.retry_after is None else failure.retry_after
        until = now + timedelta(seconds=min(max(told, 1.0), LONGEST_TOLD_SECONDS))
        return RetryAt(until, closes_queue_until=until)
    if failures >= TRIES[failure.kind]:
        tried = f" Tried {failures} times." if failures > 1 else ""
        return Park(f"{failure.words}{tried}")
    wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 30), LONGEST_WAIT_SECONDS) * (0.75 + jitter / 2)
    told = min(failure.retry_after or 0.0, LONGEST_TOLD_SECONDS)
    return RetryAt(now + timedelta(seconds=max(wait, told)))
