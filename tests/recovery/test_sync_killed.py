"""A reading of Microsoft 365 killed with SIGKILL between two pages goes on where it was, and merges everybody once.

The file is also the program that is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job
from jobs.worker import Worker
from model.events import Event, Tag
from model.people import Person
from model.session import Database, make_engine
from model.sync import StagedPerson, SyncProgress
from model.tickets import SyncRun
from tests.http.sandbox_graph_tenant import READER, TENANT, running
from tests.recovery.service_forks import Forks
from workflows import directory_merge, directory_stage
from workflows.perform_m365 import M365Sync
from workflows.perform_trouble import classify

PEOPLE = 30
#: Where the first program stops to be killed -> how many people lie there by then.
STEPS = {"page": 10, "merge": PEOPLE}


def worker(database: Database, where: list[str], later: timedelta = timedelta(0)) -> Worker:
    authority, graph_url, ca = where
    credentials = GraphCredentials(TENANT, READER, secret="example-secret", authority=authority, ca_bundle=ca)
    sync = M365Sync(GraphClient(graph_transport(graph_url, credentials, ca_bundle=ca), client_id=READER))
    return Worker(
        database,
        {"sync.people": sync.people},
        now=lambda: datetime.now(UTC) + later,
        classify=classify,
        limits={},
        owner=f"sync:{os.getpid()}",
    )


def main(words: list[str]) -> int:
    """The program that is killed: it says so when it is there, and waits."""
    url, authority, graph_url, ca, step = words

    def stop_here() -> None:
        sys.stdout.write("reached\n")
        sys.stdout.flush()
        threading.Event().wait(120)

    pages = 0
    lay, merge = directory_stage.lay, directory_merge.merge_managers

    def counting(*given: Any, **more: Any) -> tuple[int, str]:
        nonlocal pages
        pages += 1
        if step == "page" and pages == 6:  # five pages of two are committed
            stop_here()
        return lay(*given, **more)

    def stopping(*given: Any) -> None:
        if step == "merge":
            stop_here()
        merge(*given)

    vars(directory_stage)["lay"], vars(directory_merge)["merge_managers"] = counting, stopping
    worker(Database(make_engine(url)), [authority, graph_url, ca]).run_once()
    return 0


@pytest.mark.parametrize("step", STEPS)
def test_a_reading_that_was_killed_goes_on_and_merges_once(
    forks: Forks, tmp_path: Path, database_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.graph_users._page_size", lambda *_: 2)
    database = Database(make_engine(database_url))
    with running(tmp_path) as tenant:
        for number in range(PEOPLE):
            tenant.directory.add_user(f"p{number}@contoso.example", f"Person {number}")
        with database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("sync.people", "graph", {}, lane="sync")], datetime.now(UTC))
            work.commit()
        where = [tenant.graph.url, tenant.graph.graph_url, str(tenant.ca.ca)]
        said = tmp_path / "said"
        process = forks.start([database_url, *where, step], {"PATH": os.environ["PATH"]}, tmp_path, said, __name__)
        while "reached\n" not in said.read_text():
            assert process.poll() is None, said.read_text()
            threading.Event().wait(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        with database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(StagedPerson)).scalar_one() == STEPS[step]
            state = connection.execute(select(SyncProgress.state)).scalar_one()
            assert (state["seen"], state["step"]) == (STEPS[step], "people" if step == "page" else "bosses")
        pages = len([one for one in tenant.traffic.since() if one["path"].startswith("/v1.0/users?")])
        worker(database, where, timedelta(seconds=61)).drain()
        again = len([one for one in tenant.traffic.since() if one["path"].startswith("/v1.0/users?")]) - pages
    assert again == (PEOPLE // 2 - 5 if step == "page" else 0)
    with database.reading() as connection:
        assert connection.execute(select(Job.state)).scalars().all() == ["done"]
        assert connection.execute(select(func.count()).select_from(Person).where(Person.active)).scalar_one() == PEOPLE
        assert [row[0] for row in connection.execute(select(SyncRun.outcome))] == ["done"]
        assert connection.execute(select(SyncRun.counts)).scalar_one()["added"] == PEOPLE
        done = select(func.count()).select_from(Event).where(Event.tag == Tag.SYNC_COMPLETED)
        assert connection.execute(done).scalar_one() == 1
    database.dispose()
