"""A larger office for the recovery proofs: many people who ask, their managers, and the service as real processes.

The stand-ins live in the test's own process and outlast every kill, as the real systems would. Time is their movable
clock: waits that policy counts in minutes pass when no living process is at work (`pass_time`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select, text

from jobs.tables import Job, JobState
from model.contracts import Entitlement
from model.licences import Sku
from model.people import Person
from sandbox.blocks_text import buttons
from sandbox.servicenow import add_user
from sandbox.slack_person import NotThere
from sandbox.slack_person import Person as SlackPerson
from tests.whole import COPILOT, PLANNER, PLANNER_GROUP, Whole

ROOT = Path(__file__).resolve().parents[2]
#: Faults of any system, each as likely as the others; together with the systems' own they hit about 30 % of calls.
COMMON = (
    "throttled", "throttled_bare", "server_error", "unavailable", "commit_then_error", "commit_then_hang_up",
    "hang_up", "slow", "html", "truncated",
)  # fmt: skip
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "slack": {"commit_then_slow": {"seconds": 0.3}},
    "graph": {"concurrency_409": {}, "lagging_reads": {"seconds": 4}, "expired_token": {}},
    "servicenow": {
        "rate_limited": {"retry_after": 20}, "queue_full": {}, "quota_truncated": {}, "result_and_error": {},
        "asleep": {},
    },
}  # fmt: skip
#: Being told to wait stops a whole queue for half a minute, so it comes less often than the rest. A fresh token that
#: is refused as well is no bad day but a wrong secret, for a person to clear: twice in a row must not come by chance.
WEIGHT = {"throttled": 0.25, "throttled_bare": 0.1, "rate_limited": 0.25, "queue_full": 0.1, "expired_token": 0.1}
#: A post whose answer was lost may have happened: these faults explain a message that is there twice.
UNCLEAR = frozenset({"commit_then_error", "commit_then_hang_up", "commit_then_slow", "truncated"})
PER_MANAGER = 3  # so many messages a day reach a person unasked


@dataclass
class Process:
    """The service as its own process, killed without warning or told to stop."""

    popen: subprocess.Popen[bytes]
    log: Path
    role: str
    up: bool = False

    @property
    def pid(self) -> int:
        return self.popen.pid

    def is_up(self) -> bool:
        """It said that it started; raises when it ended by itself."""
        if not self.up:
            if self.popen.poll() is not None:
                raise AssertionError(f"{self.role} ended with {self.popen.returncode}:\n{self.log.read_text()[-3000:]}")
            self.up = '"started"' in (said := self.log.read_text()) or "started" in said
        return self.up

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Town:
    """The office, its processes, and what was seen of the traffic."""

    office: Whole
    askers: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    kills: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    unclear_posts: int = 0
    port: int = 0
    _seen: int = 0
    _started: int = 0

    # -- people --------------------------------------------------------------------------------------------------------

    def settle_in(self, people: int, *, copilot: int, planner: int) -> None:
        """`people` newcomers who will ask, with a manager for every three of them, and so many seats."""
        office = self.office
        managers = -(-people // PER_MANAGER)
        self.managers = [f"m{number}" for number in range(managers)]
        self.askers = [f"p{number}" for number in range(people)]
        mia = office.staff["mia"]
        with office.work() as work:
            rows: dict[str, Person] = {}
            for key in [*self.managers, *self.askers]:
                rows[key] = Person(
                    directory_id=self.directory_id(key), email=f"{key}@lumenfjord.example", name=self.name(key),
                    slack_id=self.slack_id(key), department="Works", cost_centre="Works", country="FR",
                    time_zone="Europe/Paris", usage_location="FR", manager_id=mia,
                )  # fmt: skip
                work.session.add(rows[key])
            work.session.flush()
            for number, key in enumerate(self.askers):
                rows[key].manager_id = rows[self.managers[number // PER_MANAGER]].id
            office.staff |= {key: row.id for key, row in rows.items()}
            for product, seats in (("copilot", copilot), ("planner", planner)):
                sku = work.session.get_one(Sku, office.skus[product])
                sku.enabled = seats
                bought = work.session.execute(select(Entitlement).where(Entitlement.sku_id == sku.id)).scalar_one()
                bought.quantity = seats
        office.graph.directory.add_sku(COPILOT, copilot)
        office.graph.directory.add_sku(PLANNER, planner)
        for key in [*self.managers, *self.askers]:
            address = f"{key}@lumenfjord.example"
            office.slack.add_user(self.slack_id(key), key, self.name(key), address, "Europe/Paris", "Colleague")
            office.graph.directory.add_user(
                address, self.name(key), id=self.directory_id(key), mail=address, usageLocation="FR",
                department="Works", accountEnabled=True, userType="Member",
            )  # fmt: skip
            manager = "00000000-0000-4000-8000-000000000000"
            if key in self.askers:
                manager = self.directory_id(self.managers[self.askers.index(key) // PER_MANAGER])
            office.graph.directory.set_manager(self.directory_id(key), manager)
            add_user(office.servicenow.instance, key, name=self.name(key), email=address)

    @staticmethod
    def slack_id(key: str) -> str:
        return f"U0{key[0].upper()}{int(key[1:]):05d}"

    @staticmethod
    def directory_id(key: str) -> str:
        return f"{'aa' if key[0] == 'm' else 'bb'}000000-0000-4000-8000-{int(key[1:]):012d}"

    @staticmethod
    def name(key: str) -> str:
        return f"{'Maro' if key[0] == 'm' else 'Pim'} Number{key[1:]}"

    def person(self, key: str) -> SlackPerson:
        return SlackPerson(self.office.slack.url, self.slack_id(key))

    def ask(self, key: str, product: str) -> bool:
        """Ask through the form; False when the service was not there, as a person notices and comes back later."""
        person = self.person(key)
        try:
            if not person.command(f"/licence request {product}").get("ok"):
                return False
            person.fill(why="Minutes and drafts for the move of the works.")
            return bool(person.submit().get("ok"))
        except (NotThere, requests.RequestException):
            return False

    def waiting_cards(self) -> list[tuple[str, dict[str, Any]]]:
        """Messages that still ask for a decision, and who can press on them."""
        world = self.office.slack.world
        owners = {world.direct(self.slack_id(key))["id"]: key for key in self.managers}
        messages = world.store.where(
            "slack.message",
            lambda one: (
                one["channel"] in owners
                and not one.get("deleted")
                and any(label == "Approve" for _, label, _ in buttons(one["blocks"]))
            ),
        )
        return [(owners[message["channel"]], message) for message in messages]

    def approve(self, key: str, message: dict[str, Any]) -> bool:
        try:
            return bool(self.person(key).press(yes_on(message) or "Approve", in_message=message).get("ok"))
        except (NotThere, requests.RequestException):
            return False

    # -- processes -----------------------------------------------------------------------------------------------------

    def start(self, role: str) -> Process:
        """Start `python -m bot serve`; a web process gets the deliveries from now on."""
        if not self.port:
            self.port = free_port()
        self._started += 1
        log = self.office.folder / f"{role}{self._started}.log"
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment |= {**self.office.environment, "PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--role", role],
                cwd=self.office.folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        process = Process(popen, log, role)
        self.processes.append(process)
        if role != "worker":
            self.office.slack.request_url = f"http://127.0.0.1:{self.port}/slack/events"
        return process

    def wait_up(self, process: Process, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not process.is_up():
            assert time.monotonic() < until, process.log.read_text()[-3000:]
            pause(0.02)

    def kill(self, process: Process) -> None:
        process.kill()
        self.processes.remove(process)
        self.kills += 1

    def stop_all(self) -> None:
        for process in self.processes:
            process.popen.send_signal(signal.SIGTERM) if process.popen.poll() is None else None
        for process in self.processes:
            process.stop()
        self.processes.clear()

    # -- time and traffic ----------------------------------------------------------------------------------------------

    def faults_on(self, share: float, systems: Iterable[str] = ("slack", "graph", "servicenow")) -> None:
        """About `share` of the calls fail, in all ways; what a web process opens for a person is left alone."""
        for system in systems:
            own = OWN[system]
            each = share / sum(WEIGHT.get(kind, 1.0) for kind in (*COMMON, *own))
            path = r"^(?!.*views\.(open|push))"
            for kind in (*COMMON, *own):
                parameters = {"seconds": 0.3} if kind == "slow" else own.get(kind, {})
                likely = each * WEIGHT.get(kind, 1.0)
                self.office.fault(system, kind, path=path, probability=likely, parameters=parameters)

    def faults_off(self) -> None:
        for stand in (self.office.slack, self.office.graph, self.office.servicenow):
            stand.faults.clear()

    def look(self) -> None:
        """Count what went over the wire since the last look."""
        for exchange in self.office.traffic.since(self._seen):
            self._seen = exchange["number"]
            if exchange["sender"] != "Seatkeeper":
                continue
            self.calls[exchange["system"]] += 1
            if exchange["fault"]:
                self.faults[exchange["fault"]] += 1
                if exchange["path"].endswith("chat.postMessage") and exchange["fault"] in UNCLEAR:
                    self.unclear_posts += 1

    def pass_time(self, by: timedelta = timedelta(seconds=45)) -> bool:
        """Let time pass if no living process holds work; never so much at once that a fresh lease would run out."""
        living = [process.pid for process in self.processes if process.up]
        with self.office.database.reading() as connection:
            owners = list(connection.execute(select(Job.owner).where(Job.state == JobState.RUNNING)).scalars())
        held = {int(owner.split(":")[1]) for owner in owners if owner}
        if held & set(living) or not any(p.up for p in self.processes if p.role != "web"):
            return False
        self.office.clock.forward(by)
        return True

    def done_jobs(self) -> int:
        with self.office.database.reading() as connection:
            return connection.execute(
                select(func.count()).select_from(Job).where(Job.state == JobState.DONE)
            ).scalar_one()

    def statuses(self) -> Counter[str]:
        with self.office.database.reading() as connection:
            rows = connection.execute(text("SELECT status, count(*) FROM licence_request GROUP BY status")).all()
        return Counter({str(status): int(number) for status, number in rows})

    def jobs_left(self) -> Counter[str]:
        """Work that is due or failing now; what waits for its own later hour is not counted."""
        soon = self.office.now() + timedelta(minutes=30)
        with self.office.database.reading() as connection:
            rows = connection.execute(
                select(Job.kind, Job.state).where(
                    Job.state != JobState.DONE,
                    (Job.run_at <= soon) | (Job.state != JobState.READY),
                    Job.lane.is_(None) | ~Job.lane.like("schedule:%"),
                )
            ).all()
        return Counter(f"{kind} {state}" for kind, state in rows)


def yes_on(message: dict[str, Any]) -> str | None:
    """The label of the button that approves; where no seat is free, of the one that lets the person wait."""
    found = {element["action_id"]: label for _, label, element in buttons(message["blocks"])}
    return found.get("approve") or found.get("approve_and_wait")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pause(seconds: float) -> None:
    """Between two looks at processes that cannot wake us."""
    time.sleep(seconds)


__all__ = ["PLANNER_GROUP", "Process", "Town", "free_port", "pause"]
