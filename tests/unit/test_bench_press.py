"""The measurement measures what it says: presses are decided and recorded, the floor only acknowledges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks import __main__, load
from benchmarks.company import outcome
from benchmarks.load import Load
from benchmarks.press_setting import Prepared, prepared
from benchmarks.report import Check, Report, Table
from benchmarks.servers import serving
from jobs.tables import Job
from model.events import Event, Tag, Unsealed
from model.requests import ApproverState, LicenceRequest, Status, StepApprover
from model.session import Database

PRESSES = 6


@pytest.fixture
def ready(sqlite_url: str, tmp_path: Path) -> Iterator[Prepared]:
    with prepared(sqlite_url, tmp_path, 2 * PRESSES, PRESSES) as made:
        yield made


def approved(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(
            select(func.count()).select_from(LicenceRequest).where(LicenceRequest.status == Status.APPROVED)
        ).scalar_one()


def test_each_press_is_one_decision_with_its_event_and_its_jobs(ready: Prepared, tmp_path: Path) -> None:
    with serving("press", ready.environment, tmp_path) as server:
        taken = load.run(server.port, ready.presses, tmp_path, connections=3)
        assert server.peak_memory() > 0 and server.cpu_seconds() > 0
    assert taken.all_well and len(taken.milliseconds) == PRESSES
    assert approved(ready.database) == PRESSES
    left = outcome(ready.database, [one.request_id for one in ready.waiting[:PRESSES]])
    assert (left.decided, left.events, left.jobs) == (PRESSES, PRESSES, 2 * PRESSES)
    with ready.database.reading() as connection:
        agreed = connection.execute(
            select(StepApprover.id).where(StepApprover.state == ApproverState.AGREED).order_by(StepApprover.id)
        ).scalars()
        assert list(agreed) == [one.approver_id for one in ready.waiting[:PRESSES]]
        events = connection.execute(
            select(Event.id).where(Event.tag == Tag.REQUEST_APPROVED.value, Event.id.in_(select(Unsealed.event_id)))
        ).scalars()
        assert len(list(events)) == PRESSES
        subjects = connection.execute(select(Job.lane).where(Job.kind == "request.advance")).scalars()
        assert set(subjects) == {f"request:{one.request_id}" for one in ready.waiting[:PRESSES]}


def test_the_floor_acknowledges_the_same_deliveries_and_changes_nothing(ready: Prepared, tmp_path: Path) -> None:
    with serving("floor", ready.environment, tmp_path) as server:
        taken = load.run(server.port, ready.presses, tmp_path, connections=3, rate=200)
    assert taken.all_well and len(taken.milliseconds) == PRESSES
    assert approved(ready.database) == 0


@pytest.mark.parametrize("kind", ["floor", "press"])
def test_both_check_the_signature(ready: Prepared, tmp_path: Path, kind: str) -> None:
    forged = ready.presses[0].replace(b"X-Slack-Signature: v0=", b"X-Slack-Signature: v0=0", 1)
    with serving(kind, ready.environment, tmp_path) as server:
        taken = load.run(server.port, [forged], tmp_path, connections=1)
    assert taken.statuses == {"401": 1} and not taken.all_well
    assert approved(ready.database) == 0


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="SECRET_KEY"), serving("press", {"PORT": "1"}, tmp_path):
        pass


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([7.0], 0.99, 7.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0), (list(range(1, 101)), 0.99, 99)],
)
def test_quantiles_are_values_that_were_measured(values: list[float], share: float, expected: float) -> None:
    assert Load(1.0, tuple(values), {}, 0).quantile(share) == expected


def test_a_report_says_of_each_goal_whether_it_is_reached() -> None:
    report = Report("row", "this", "that", checks=[Check("more", 0.5, 0.4), Check("less", 3.1, 3.0, at_least=False)])
    report.tables.append(Table("figures", ["name", "count"], [["long name", 12_000], ["b", 1.23456]]))
    text = report.text()
    assert "≥ 0.4  reached" in text and "≤ 3  NOT REACHED" in text and not report.reached
    assert "long name  12,000" in text and "        b   1.235" in text
    assert json.loads(json.dumps(report.plain()))["checks"][1]["reached"] is False


def test_an_unknown_row_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["nonsense"])
    assert (
        "there is no row nonsense; there are: intake, ocs, position, press, recognition, sync"
        in capsys.readouterr().err
    )
