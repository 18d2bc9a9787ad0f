"""Usage reports are read while people are: whatever comes first, everybody's use is stored once, and waits are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from model.sync import StagedPerson
from sandbox import graph_reports
from tests.http.sync_desk import Desk, desk
from workflows.perform_m365 import Reading


@pytest.fixture
def made(tmp_path: Path, sqlite_url: str) -> Iterator[Desk]:
    with desk(tmp_path, sqlite_url) as ready:
        yield ready


@pytest.fixture
def paged(made: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Pages of two people."""
    monkeypatch.setattr("sandbox.graph_users._page_size", lambda *_: 2)
    return made


def test_of_a_report_that_breaks_off_no_line_counts(made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.usage.CHUNK", 2)
    monkeypatch.setattr("integrations.graph_reports._LOOKED_AT", 1)
    monkeypatch.setattr("integrations.graph_reports._CHUNK", 300)
    whole = graph_reports._csv

    def broken(context: Any, name: str, period: str) -> bytes:
        return whole(context, name, period) + (b"\xff\xff\n" if "Teams" in name else b"")

    monkeypatch.setattr(graph_reports, "_csv", broken)
    assert made.sync() == "done"
    assert made.health()["teams"] == "unreadable" and "not UTF-8" in made.words("teams")
    assert made.use("teams") == {} and len(made.use("mailbox")) == 5


@pytest.mark.parametrize(("slow", "left"), [(r"/v1.0/users$", 0), ("/reports-download/", 5)])
def test_use_is_stored_with_its_page_or_after_the_merge(
    paged: Desk, monkeypatch: pytest.MonkeyPatch, slow: str, left: int
) -> None:
    """Pages that came before the reports were read catch up with later pages; the last word is after the merge."""
    still: list[int] = []
    uses = Reading._uses

    def counting(reading: Reading) -> None:
        still.append(paged.rows(select(func.count()).select_from(StagedPerson).where(StagedPerson.later))[0][0])
        uses(reading)

    monkeypatch.setattr(Reading, "_uses", counting)
    paged.tenant.fault("slow", path=slow, seconds=0.4)
    assert paged.sync() == "done"
    assert still == [left]
    assert len(paged.use("teams")) == len(paged.use("sign_in")) == 5 and set(paged.health().values()) == {"fine"}


def test_a_report_that_asks_to_wait_while_people_are_read_is_obeyed(paged: Desk) -> None:
    paged.tenant.fault("throttled", times=1, path="/v1.0/reports/", retry_after=50)
    paged.order()
    worker = paged.worker()
    worker.drain()
    assert paged.job() == "ready" and len(paged.people()) == 5, "people are in; the reports wait"
    asked = len(paged.asked())
    paged.tenant.forward(seconds=40)
    worker.drain()
    assert len(paged.asked()) == asked
    paged.tenant.forward(seconds=11)
    worker.drain()
    assert paged.job() == "done" and len(paged.use("teams")) == 5
