"""Usage reports are read while people are: whatever comes first, everybody's use is stored once, and waits are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
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


def test_sign_ins_that_nobody_shows_any_more_take_nobodys_last_day(paged: Desk) -> None:
    """The directory answers without any sign-in, and then the reading stops: "none" must not lie there as the truth."""
    paged.sync()
    known = paged.use("sign_in")
    directory = paged.tenant.directory
    for number in range(5):
        directory.change_user(directory.user_key(f"p{number}@contoso.example") or "", sign_in={})
    paged.tenant.forward(hours=24)
    paged.before_page(3, lambda: paged.tenant.fault("throttled", times=1, retry_after=60, path=r"/v1.0/users$"))
    paged.order()
    worker = paged.worker()
    worker.drain()
    assert paged.use("sign_in") == known
    paged.tenant.forward(seconds=61)
    worker.drain()
    assert paged.job() == "done" and paged.health()["sign_in"] == "unreadable"
    assert paged.use("sign_in") == known


def test_who_alone_shows_no_sign_in_is_believed_once_everybody_was_read(paged: Desk) -> None:
    paged.sync()
    directory = paged.tenant.directory
    directory.change_user(directory.user_key("p0@contoso.example") or "", sign_in={"lastSignInDateTime": None})
    paged.tenant.forward(hours=24)
    assert paged.sync() == "done"
    used = {email: day for email, (day, _) in paged.use("sign_in").items()}
    assert used.pop("p0@contoso.example") is None and None not in used.values() and len(used) == 4


def test_one_report_that_cannot_be_had_for_hours_costs_the_others_nothing(paged: Desk) -> None:
    paged.tenant.fault("unavailable", path="getMailboxUsageDetail", times=6)
    paged.order()
    worker = paged.worker()
    worker.drain()
    assert paged.job() == "ready"
    assert len(paged.use("teams")) == len(paged.use("sign_in")) == 5 and paged.health()["teams"] == "fine"
    assert paged.use("mailbox") == {} and "mailbox" not in paged.health()
    for _ in range(12):
        paged.tenant.forward(minutes=20)
        worker.drain()
    assert paged.job() == "done" and len(paged.use("mailbox")) == 5 and paged.health()["mailbox"] == "fine"


def test_a_reports_wait_outlives_other_trouble(paged: Desk) -> None:
    paged.tenant.fault("throttled", times=1, path="/v1.0/reports/", retry_after=600)
    paged.tenant.fault("slow", path=r"/v1.0/users$", seconds=0.4)
    paged.before_page(2, lambda: paged.tenant.fault("unavailable", times=1, path=r"/v1.0/users$"))
    paged.order()
    worker = paged.worker()
    for _ in range(8):
        worker.drain()
        paged.tenant.forward(seconds=30)
    assert len(paged.people()) == 5 and len(paged.use("sign_in")) == 5
    assert sum("/reports/" in one for one in paged.asked()) == 1, "asked to wait ten minutes"
    paged.tenant.forward(seconds=600)
    worker.drain()
    assert paged.job() == "done" and len(paged.use("teams")) == 5


def test_of_two_lines_for_one_name_the_later_day_counts(made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = graph_reports._csv

    def twice(context: Any, name: str, period: str) -> bytes:
        content = whole(context, name, period)
        if "Mailbox" not in name:
            return content
        head, *lines = content.decode("utf-8-sig").splitlines()
        columns = head.split(",")
        day = columns.index("Last Activity Date")
        empty = [",".join("" if at == day else cell for at, cell in enumerate(one.split(","))) for one in lines]
        return "\n".join([head, *lines, *empty, ""]).encode("utf-8-sig")

    monkeypatch.setattr(graph_reports, "_csv", twice)
    assert made.sync() == "done"
    assert [day for day, _ in made.use("mailbox").values()] == [date(2026, 1, 12)] * 5
