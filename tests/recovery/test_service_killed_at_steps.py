"""The service killed at a known moment of one request: before an outside call does anything, and after it did.

The outside hangs, so the moment is held still: the worker has claimed the job and waits for the answer when it dies.
Another worker takes over when the lease ends. For each call of a request's way: one seat, one record, everybody told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from model.licences import Seat
from model.requests import LicenceRequest, Status
from model.seal import seal, verify_database
from sandbox.faults import Faults
from sandbox.slack_person import message_text
from tests.recovery.service_forks import Forks
from tests.recovery.service_town import Process, Town, pause
from tests.whole import COPILOT, whole

#: The calls on a request's way; each is killed once while nothing is done yet and once when it is.
CALLS = [
    ("slack", "POST", r"chat\.postMessage"),
    ("slack", "POST", r"chat\.update"),
    ("graph", "POST", r"assignLicense"),
    ("servicenow", "POST", r"/table/sc_req_item"),
    ("servicenow", "PATCH|PUT", r"/table/sc_req_item/"),
]
MOMENTS = [
    (*call, kind)
    for call in CALLS
    for kind in ("slow", "commit_then_slow")
    # a rewrite that the outside carries out long after its sender died would hide a newer one: Slack has no versions
    if (call[2], kind) != (r"chat\.update", "slow")
]
HANGS_SECONDS = 25.0


@pytest.fixture
def town(tmp_path: Path, database_url: str, forks: Forks) -> Iterator[Town]:
    with whole(tmp_path, database_url) as office:
        made = Town(office, forks)
        made.settle_in(len(MOMENTS), copilot=len(MOMENTS), planner=0)
        try:
            yield made
        finally:
            made.stop_all()


def drive(town: Town, until: Callable[[], bool], what: str) -> None:
    """Managers press what waits, time passes where nobody works, until it is so."""
    end = time.monotonic() + 60
    pressed: set[str] = set()
    while not until():
        assert time.monotonic() < end, (what, town.statuses(), town.jobs_left())
        for key, message in town.waiting_cards():
            if message["ts"] not in pressed and town.approve(key, message):
                pressed.add(message["ts"])
        for process in town.processes:
            process.is_up()
        town.pass_time()
        pause(0.06)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_killed_while_a_call_hangs_the_request_still_ends_once(town: Town) -> None:
    web, worker = town.start("web"), town.start("worker")
    town.wait_up(web)
    town.wait_up(worker)
    for key, (system, method, path, kind) in zip(town.askers, MOMENTS, strict=True):
        worker = killed_once(town, worker, key, system, method, path, kind)
    town.stop_all()
    ended_right(town)
    assert town.kills == {"worker": len(MOMENTS)}


def killed_once(town: Town, worker: Process, key: str, system: str, method: str, path: str, kind: str) -> Process:
    """One person's request; the worker dies while this call hangs."""
    office = town.office
    known: dict[str, Faults] = {
        "slack": office.slack.faults,
        "graph": office.graph.faults,
        "servicenow": office.servicenow.faults,
    }
    faults = known[system]
    number = office.fault(system, kind, method=method, path=path, times=1, parameters={"seconds": HANGS_SECONDS})

    def hangs() -> bool:
        return all(rule["id"] != number for rule in faults.listed())

    def over() -> bool:
        return town.statuses()["fulfilled"] == town.kills["worker"] and not town.jobs_left()

    assert town.ask(key, "Copilot", tries=10)
    drive(town, hangs, f"{key}: {system} {path} was never called")
    pause(0.25)  # the stand-in does it and then hangs
    town.kill(worker)
    worker = town.start("worker")
    town.wait_up(worker)
    drive(town, over, f"{key}: killed in {system} {path} ({kind})")
    return worker


def ended_right(town: Town) -> None:
    office = town.office
    with office.database.reading() as connection:
        requests = connection.execute(select(LicenceRequest.id, LicenceRequest.status)).all()
        seats = list(connection.execute(select(Seat.person_id).where(Seat.ended_at.is_(None))).scalars())
    assert {one.status for one in requests} == {Status.FULFILLED} and len(requests) == len(MOMENTS)
    assert sorted(seats) == sorted(office.staff[key] for key in town.askers)
    items = office.servicenow.instance.rows("sc_req_item")
    assert len({item["correlation_id"] for item in items}) == len(items) == len(MOMENTS)
    assert {item["state"] for item in items} == {"3"}
    world = office.slack.world
    for key in town.askers:
        assert office.graph.directory.holds(town.directory_id(key), COPILOT)
        channel = world.direct(town.slack_id(key))["id"]
        mine = world.store.where("slack.message", lambda one, channel=channel: one["channel"] == channel)  # type: ignore[misc]
        assert any("Ready" in message_text(one) for one in mine), key
    seal(office.database, office.now())
    report = verify_database(office.database)
    assert report.ok, report.words
