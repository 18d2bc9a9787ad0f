"""Reading by watermark and overlap misses no change, whatever the order of commits, page borders and interruptions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.servicenow_changes import Changes
from integrations.servicenow_types import TIME_FORMAT
from workflows.perform_ticket_sync import OVERLAP
from workflows.ticket_sync import further

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PREFIX = "seatkeeper-test-"
IDS = [f"{number:032x}" for number in range(6)]
#: A commit becomes visible at most two minutes after the time it is stamped with (ServiceNow §8), less a second.
LATEST = 119
DELAYS = st.sampled_from([0, 1, 30, 90, LATEST])
PASSES = st.sampled_from([0, 1, 25, 65, 200])


@dataclass
class Row:
    stamp: int  # seconds from START
    changes: int


@dataclass
class Instance:
    """A table whose changes become visible late, and more of which happen while its pages are read."""

    hidden: set[str]  # records the integration user may not see
    now: int = 0
    rows: dict[str, Row] = field(default_factory=dict)
    coming: list[tuple[int, str, int]] = field(default_factory=list)  # visible at, record, stamp
    between: list[list[tuple[str, int]]] = field(default_factory=list)  # changes made after each page

    def change(self, key: str, delay: int, ahead: int = 0) -> None:
        self.coming.append((self.now + delay, key, self.now + ahead))

    def settle(self) -> None:
        due = sorted(one for one in self.coming if one[0] <= self.now)
        self.coming = [one for one in self.coming if one[0] > self.now]
        for _, key, stamp in due:
            row = self.rows.setdefault(key, Row(stamp, 0))
            row.stamp, row.changes = stamp, row.changes + 1

    def page(
        self, table: str, query: str, operation: str, *, fields: Sequence[str] = (), limit: int = 100, offset: int = 0
    ) -> tuple[list[dict[str, Any]], int | None]:
        self.settle()
        found = re.search(r"sys_updated_on>=([0-9: -]{19})", query)
        assert found is not None and offset == 0
        since = datetime.strptime(found[1], TIME_FORMAT).replace(tzinfo=UTC)
        matching = sorted(
            (row.stamp, key) for key, row in self.rows.items() if START + timedelta(seconds=row.stamp) >= since
        )
        seen = [
            {
                "sys_id": key,
                "correlation_id": f"{PREFIX}record-1",
                "sys_updated_on": (START + timedelta(seconds=stamp)).strftime(TIME_FORMAT),
                "sys_mod_count": str(self.rows[key].changes),
            }
            for stamp, key in matching[:limit]
            if key not in self.hidden
        ]
        for key, delay in self.between.pop(0) if self.between else ():
            self.change(key, delay)
        self.settle()
        return seen, len(matching)


RECORDS = st.sampled_from(IDS)
CHANGES = st.lists(st.tuples(RECORDS, DELAYS), max_size=4)
POLLS = st.tuples(
    st.lists(st.tuples(RECORDS, DELAYS, st.integers(0, 3)), max_size=8),  # and seconds that pass
    st.lists(CHANGES, max_size=3),
    PASSES,
)


@settings(max_examples=100)
@given(
    st.lists(POLLS, min_size=1, max_size=6),
    st.integers(1, 4),
    st.sets(RECORDS, max_size=2),
    st.none() | st.tuples(RECORDS, st.integers(200, 100_000)),
)
def test_every_last_change_is_read(
    polls: list[Any], page: int, hidden: set[str], from_tomorrow: tuple[str, int] | None
) -> None:
    instance = Instance(hidden)
    changes = Changes(instance)  # type: ignore[arg-type]
    watermark, heard = START - timedelta(days=1), dict[str, int]()
    if from_tomorrow is not None:
        instance.change(from_tomorrow[0], 0, ahead=from_tomorrow[1])
    quiet: Any = ([], [], LATEST + 1)
    for made, between, passes in [*polls, quiet, quiet]:
        for key, delay, seconds in made:
            instance.change(key, delay)
            instance.now += seconds
        instance.now += passes
        instance.between = list(between)
        instance.settle()
        began = START + timedelta(seconds=instance.now)
        newest = None
        for record in changes.since("incident", PREFIX, watermark - OVERLAP, page):
            heard[record.sys_id] = max(record.changes, heard.get(record.sys_id, 0))
            assert record.updated_at is not None
            newest = max(newest or record.updated_at, record.updated_at)
        watermark = further(watermark, newest, began)
    assert not instance.coming
    visible = {key: row.changes for key, row in instance.rows.items() if key not in hidden}
    assert heard == visible
