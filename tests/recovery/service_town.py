"""A larger office for the recovery proofs: many people who ask, their managers, and the service as real processes.

The stand-ins live in the test's own process and outlast every kill, as the real systems would. Time is their movable
clock: waits that policy counts in minutes pass when no living process is at work (`pass_time`).
"""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import and_, bindparam, exists, func, select, text

from jobs.tables import Job, JobState, QueueHold
from model.base import UtcTime
from model.contracts import Entitlement
from model.licences import Sku
from model.people import Person
from sandbox.blocks_text import buttons
from sandbox.faults import COMMON_KINDS
from sandbox.servicenow import add_user
from sandbox.slack_person import NotThere
from sandbox.slack_person import Person as SlackPerson
from tests.recovery.service_forks import Forked, Forks
from tests.whole import COPILOT, PLANNER, PLANNER_GROUP, Whole

#: Faults of any system, each as likely as the others but for `WEIGHT`, and what those of a system's own are told.
COMMON: dict[str, dict[str, Any]] = {kind: {} for kind in COMMON_KINDS} | {
    "slow": {"seconds": 0.3}, "commit_then_slow": {"seconds": 0.3},
}  # fmt: skip
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "slack": {"error_answer": {"error": "internal_error"}},
    "graph": {"concurrency_409": {}, "lagging_reads": {"seconds": 4}},
    "servicenow": {
        "rate_limited": {"retry_after": 20, "limit": 100_000}, "queue_full": {}, "quota_truncated": {},
        "result_and_error": {}, "asleep": {},
    },
}  # fmt: skip
#: Sent once now and then, never twice in a row: a fresh token that is refused as well is no bad day but a wrong secret.
ONCE = (("graph", "expired_token", r"^/v1\.0/"), ("servicenow", "signed_out", "^/api/now/table/"))
#: Right in the end, and so not counted as failed.
LATE = frozenset({"slow", "commit_then_slow", "lagging_reads"})
#: Being told to wait stops a whole queue for half a minute, so it comes less often than the rest.
WEIGHT = {"throttled": 0.25, "throttled_bare": 0.1, "rate_limited": 0.25, "queue_full": 0.1} | dict.fromkeys(LATE, 0.5)
#: Every kind that passes by itself, by system.
PASSING = frozenset((system, kind) for system, own in OWN.items() for kind in COMMON.keys() | own.keys())
PASSING |= {(system, kind) for system, kind, _ in ONCE}
#: A post whose answer was lost may have happened: these faults explain a message that is there twice.
UNCLEAR = frozenset({"commit_then_error", "commit_then_hang_up", "commit_then_slow", "truncated"})
PATHS = r"^(?!.*views\.(open|push))"
PER_MANAGER = 3  # so many messages a day reach a person unasked


#: What waits for its own later hour is not looked at, but for records, which an hour's budget may put off.
SOON = timedelta(minutes=30)
_AT, _SOON = bindparam("at", type_=UtcTime), bindparam("soon", type_=UtcTime)
_IS_LEFT = and_(
    Job.state != JobState.DONE,
    (Job.run_at <= _SOON) | (Job.state != JobState.READY) | (Job.kind == "ticket.settle"),
    Job.lane.is_(None) | ~Job.lane.like("schedule:%"),
)
_IS_DUE = and_(
    Job.state == JobState.READY,
    Job.run_at <= _AT,
    Job.queue.not_in(select(QueueHold.queue).where(QueueHold.closed_until > _AT)),
)
OWNERS = select(Job.owner).where(Job.state == JobState.RUNNING)
LEFT = select(Job.kind, Job.state).where(_IS_LEFT)
DUE_AND_LEFT = select(exists().where(_IS_DUE), exists().where(_IS_LEFT))  # asked many times a second


@dataclass
class Process:
    """The service as its own process, killed without warning or told to stop."""

    popen: Forked
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
    forks: Forks
    askers: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)  # by role
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)  # by system and kind
    unclear_posts: int = 0
    unanswered: int = 0  # presses and forms that met no service
    copies: int = 0  # messages that are there twice
    port: int = 0
    _seen: int = 0
    _due_since: float | None = None
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

    def ask(self, key: str, product: str, tries: int = 1) -> bool:
        """Ask through the form, and when the service was not there send it again, as people do; False: never taken."""
        person, filled = self.person(key), False
        for again in range(tries):
            if again:
                pause(0.3)
            try:
                if not filled:
                    if not person.command(f"/licence request {product}").get("ok"):
                        continue
                    person.modal()
                    filled = True
                person.fill(why="Minutes and drafts for the move of the works.")
                if person.submit().get("ok"):
                    return True
            except (NotThere, requests.RequestException):
                pass
            self.unanswered += 1
        return False

    def waiting_cards(self, but: Container[str] = ()) -> list[tuple[str, dict[str, Any]]]:
        """Messages that still ask for a decision, and who can press on them; `but` are timestamps to leave out."""
        world = self.office.slack.world
        owners = {world.direct(self.slack_id(key))["id"]: key for key in self.managers}
        messages = world.store.where(
            "slack.message",
            lambda one: (
                one["channel"] in owners
                and one["ts"] not in but
                and not one.get("deleted")
                and any(label == "Approve" for _, label, _ in buttons(one["blocks"]))
            ),
        )
        return [(owners[message["channel"]], message) for message in messages]

    def approve(self, key: str, message: dict[str, Any]) -> bool:
        try:
            taken = bool(self.person(key).press(yes_on(message) or "Approve", in_message=message).get("ok"))
        except (NotThere, requests.RequestException):
            taken = False
        self.unanswered += not taken
        return taken

    # -- processes -----------------------------------------------------------------------------------------------------

    def start(self, role: str) -> Process:
        """Start the service as `python -m bot serve` would; a web process gets the deliveries from now on."""
        if not self.port:
            self.port = free_port()
        self._started += 1
        log = self.office.folder / f"{role}{self._started}.log"
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment |= {**self.office.environment, "PORT": str(self.port)}
        popen = self.forks.start(["serve", "--role", role], environment, self.office.folder, log)
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
        self.kills[process.role] += 1

    def stop(self, process: Process) -> None:
        process.stop()
        self.processes.remove(process)

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
            kinds = COMMON | OWN[system]
            weights = sum(WEIGHT.get(kind, 1.0) for kind in kinds)
            each = -math.log(1 - share) / weights  # the rules are drawn one after the other
            for kind, parameters in kinds.items():
                likely = each * WEIGHT.get(kind, 1.0)
                self.office.fault(system, kind, path=PATHS, probability=likely, parameters=parameters)

    def fault_once(self, number: int) -> None:
        """The next call of one system meets one of the faults that must not come twice in a row."""
        self._fault_next(*ONCE[number % len(ONCE)])

    def fault_missing(self) -> None:
        """What chance left out so far, as of the last look, comes now."""
        for system, kind in PASSING - self.faults.keys() - {one[:2] for one in ONCE}:
            self._fault_next(system, kind, PATHS)

    def _fault_next(self, system: str, kind: str, path: str) -> None:
        stand: Any = {"slack": self.office.slack, "graph": self.office.graph, "servicenow": self.office.servicenow}
        if not any(rule["kind"] == kind and rule["times"] for rule in stand[system].faults.listed()):
            parameters = (COMMON | OWN[system]).get(kind, {})
            self.office.fault(system, kind, path=path, times=1, parameters=parameters)

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
                self.faults[exchange["system"], exchange["fault"]] += 1
                if exchange["path"].endswith("chat.postMessage") and exchange["fault"] in UNCLEAR:
                    self.unclear_posts += 1

    def pass_time(self, by: timedelta = timedelta(seconds=45)) -> bool:
        """Let time pass if nothing can be done now; never so much at once that a fresh lease would run out.

        What is due but not taken waits for a lane, a rate window or the worker's next look, which comes within half a
        second: time passes for it after that.
        """
        living = {process.pid for process in self.processes if process.up}
        if not any(process.up for process in self.processes if process.role != "web"):
            return False
        now = self.office.now()
        with self.office.database.reading() as connection:
            owners = connection.execute(OWNERS).scalars()
            held = {int(owner.split(":")[1]) for owner in owners if owner}
            due, left = connection.execute(DUE_AND_LEFT, {"at": now, "soon": now + SOON}).one()
        if held & living or not left:
            self._due_since = None
            return False
        if due:
            self._due_since = self._due_since or time.monotonic()
            if time.monotonic() - self._due_since < 0.6:
                return False
        self._due_since = None
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
        with self.office.database.reading() as connection:
            rows = connection.execute(LEFT, {"soon": self.office.now() + SOON}).all()
        return Counter(f"{kind} {state}" for kind, state in rows)

    def parked(self) -> list[str]:
        """Work that was given up until a person looks at it: what it said."""
        with self.office.database.reading() as connection:
            rows = connection.execute(select(Job.kind, Job.error).where(Job.state == JobState.PARKED)).all()
        return [f"{row.kind}: {row.error}" for row in rows]


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
