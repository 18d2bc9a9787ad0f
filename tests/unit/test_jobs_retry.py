"""What follows a failure: waits that grow and end, a day of patience for an outage, and what goes to a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from jobs.retry import LONGEST_WAIT_SECONDS, TRIES, Failure, FailureKind, Park, RetryAt, next_step

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def failure(kind: FailureKind, retry_after: float | None = None) -> Failure:
    return Failure(kind, "ServiceNow did not answer.", "servicenow down", retry_after)


def waits(kind: FailureKind, jitter: float) -> list[float]:
    """Seconds between the tries of a job that fails in one way until it is parked."""
    found: list[float] = []
    for failures in range(1, 1000):
        match next_step(failure(kind), failures, NOW, jitter):
            case RetryAt(at):
                found.append((at - NOW).total_seconds())
            case Park():
                return found
    raise AssertionError("never parked")


@pytest.mark.parametrize("kind", ["transient", "unclear"])
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_an_outage_of_most_of_a_day_loses_no_work(kind: FailureKind, jitter: float) -> None:
    patience = timedelta(seconds=sum(waits(kind, jitter)))
    assert timedelta(hours=18) < patience < timedelta(hours=34)


def test_waits_grow_and_stay_at_a_quarter_of_an_hour() -> None:
    steps = waits("transient", 0.5)
    assert steps[0] == 5
    assert all(later >= earlier for earlier, later in pairwise(steps))
    assert steps[-1] == LONGEST_WAIT_SECONDS == 900


def test_jitter_spreads_a_herd_by_a_quarter_to_each_side() -> None:
    assert waits("transient", 0.0)[-1] == 675
    assert waits("transient", 1.0)[-1] == 1125


@pytest.mark.parametrize(("kind", "tries"), [("refused", 1), ("bug", 3), ("not_found", 6)])
def test_what_time_does_not_mend_goes_to_a_person_soon(kind: FailureKind, tries: int) -> None:
    assert len(waits(kind, 0.5)) == tries - 1 == TRIES[kind] - 1


def test_parking_says_what_happened_and_how_often() -> None:
    assert next_step(failure("refused"), 1, NOW, 0) == Park("ServiceNow did not answer.")
    assert next_step(failure("bug"), 3, NOW, 0) == Park("ServiceNow did not answer. Tried 3 times.")


@pytest.mark.parametrize("failures", [0, 1, 500])
def test_being_told_to_wait_never_parks_and_closes_the_queue(failures: int) -> None:
    told = failure("rate_limited", retry_after=17)
    until = NOW + timedelta(seconds=17)
    assert next_step(told, failures, NOW, 0.9) == RetryAt(until, closes_queue_until=until)
    assert not told.counts


@pytest.mark.parametrize(("told", "seconds"), [(None, 30), (0, 1), (-5, 1), (1e9, 86_400)])
def test_strange_waits_are_brought_into_reason(told: float | None, seconds: float) -> None:
    step = next_step(failure("rate_limited", told), 0, NOW, 0)
    assert isinstance(step, RetryAt)
    assert step.at == NOW + timedelta(seconds=seconds)


def test_a_failing_system_that_names_a_time_is_not_asked_before() -> None:
    step = next_step(failure("transient", retry_after=300), 1, NOW, 0)
    assert step == RetryAt(NOW + timedelta(seconds=300))
