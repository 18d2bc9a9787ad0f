"""In the invented tenant those who work go on working when its clock moves, and nobody else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import graph_activity
from sandbox.clock import SandboxClock
from sandbox.graph_directory import USER, Directory
from sandbox.store import Store

FILLED = datetime(2026, 11, 30, 9, tzinfo=UTC)  # a Monday


def person(*, goes_on: bool = True, usage: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    known = {"properties": {"accountEnabled": True} | properties, "usage": usage or {"Teams": "2026-11-27"}}
    known["signInActivity"] = {"lastSignInDateTime": "2026-11-27T00:00:00Z", "lastSuccessfulSignInDateTime": None}
    return known | ({"goes_on_from": "2026-11-30"} if goes_on else {})


@pytest.mark.parametrize(
    ("passed", "day"),
    [
        (0, "2026-11-27"),
        (1, "2026-11-27"),
        (3, "2026-11-30"),
        (8, "2026-12-04"),
        (9, "2026-12-04"),
        (140, "2027-04-16"),
    ],
)
def test_what_was_used_lately_is_as_long_ago_as_it_was_and_never_on_a_weekend(passed: int, day: str) -> None:
    seen = graph_activity.as_of(person(), FILLED + timedelta(days=passed))
    assert seen["usage"] == {"Teams": day}
    assert seen["signInActivity"] == {
        "lastSignInDateTime": f"{day}T00:00:00Z",
        "lastSuccessfulSignInDateTime": None,
    }


def test_what_lay_idle_stays_idle() -> None:
    usage = {"Copilot Chat": "2026-09-01", "Teams": "2026-11-27", "Has Archive": "True", "Item Count": "12"}
    seen = graph_activity.as_of(person(usage=usage), FILLED + timedelta(days=30))
    assert seen["usage"] == usage | {"Teams": "2026-12-25"}


def test_whoever_leaves_works_to_their_last_day() -> None:
    leaver = person(employeeLeaveDateTime="2026-12-11T00:00:00Z")
    assert graph_activity.as_of(leaver, FILLED + timedelta(days=60))["usage"] == {"Teams": "2026-12-11"}
    gone = person(employeeLeaveDateTime="2026-11-20T00:00:00Z")  # their account was used after they had left
    assert graph_activity.as_of(gone, FILLED + timedelta(days=60))["usage"] == {"Teams": "2026-11-27"}


def test_nobody_works_behind_a_closed_account_and_tenants_of_tests_stand_still() -> None:
    for still in (person(accountEnabled=False), person(goes_on=False)):
        assert graph_activity.as_of(still, FILLED + timedelta(days=60)) == still


def test_the_tenant_shows_it_and_stores_it_not() -> None:
    clock = SandboxClock()
    directory = Directory(Store(), clock)
    lately = (clock.now() - timedelta(days=3)).date().isoformat()
    key = directory.add_user("ana@example.test", "Ana Example", usage={"Teams": lately}, goes_on=True)
    clock.forward(timedelta(days=70))
    seen, stored = directory.seen(USER, key), directory.store.get(USER, key)
    assert seen is not None and stored is not None
    assert seen["usage"]["Teams"] >= (clock.now() - timedelta(days=6)).date().isoformat()
    assert stored["usage"] == {"Teams": lately}
