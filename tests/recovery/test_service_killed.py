"""The whole service as real processes, killed at random while the outside fails: every request ends right, once.

People ask in Slack over signed HTTP; their managers press; at least three in ten of all calls outside fail in every way
the stand-ins know; whoever works is killed again and again without warning, and the web process on top while people
press. In the end each request is fulfilled, each person holds one seat, each request has one closed record in
ServiceNow, and everybody was told.

Forty people and a kill of each kind at least twice, twelve in all, unless told otherwise: `KILLED_REQUESTS=200` is the
full proof, with twenty kills of whoever works and four of the web process.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.outbox import NewJob, enqueue
from model.events import Event
from model.licences import Seat
from model.requests import Card, LicenceRequest, Status
from model.seal import seal, verify_database
from model.tickets import Ticket
from sandbox.slack_person import message_text
from tests.recovery.service_forks import Forks
from tests.recovery.service_town import LATE, PASSING, Process, Town, pause
from tests.whole import COPILOT, PLANNER, POLICY, whole

PEOPLE = int(os.environ.get("KILLED_REQUESTS", "40"))
BY_GROUP = PEOPLE // 4
SPARE = PEOPLE  # a unit being given may count twice for a while, and a card without a free seat offers to buy
#: Who is killed, one after the other; a phase with one process for everything lies between two with two.
TIMES = max(2, PEOPLE // 50)
KILLS = ("worker", "web") * TIMES + ("all",) * TIMES + ("worker",) * TIMES * 3
LAST_KILLS = 6
#: Jobs done between two kills; a request takes about sixteen.
BETWEEN = (50, 130) if PEOPLE >= 200 else (PEOPLE // 3, PEOPLE * 4 // 5)
SHARE, AT_LEAST = 0.36, 0.30  # drawn, late answers included, and measured in the end without them
STATES = frozenset(status.value for status in Status)
SECONDS = 900 * max(1, PEOPLE // 200)  # a bound, far above what it takes


#: An hour's budget of requests puts work off to a later hour, which this run does not wait for.
PLENTY = "servicenow: {requests_an_hour: 100000}\n"


@pytest.fixture
def town(tmp_path: Path, database_url: str, forks: Forks) -> Iterator[Town]:
    with whole(tmp_path, database_url, policy=POLICY + PLENTY) as office:
        made = Town(office, forks)
        made.settle_in(PEOPLE, copilot=PEOPLE - BY_GROUP + SPARE, planner=BY_GROUP + SPARE)
        try:
            yield made
        finally:
            made.stop_all()


def product_of(number: int) -> str:
    return "Planner" if number < BY_GROUP else "Copilot"


@dataclass
class Pressed:
    """A card somebody pressed on: what came of it, and how often it was tried."""

    answer: Future[bool]
    at: float
    times: int = 1

    def may_be_pressed_again(self) -> bool:
        """Soon when there was no answer; later when there was one and the card asks all the same."""
        if not self.answer.done():
            return False
        return time.monotonic() - self.at > (20.0 * self.times if self.answer.result() else 0.7)


class Managers:
    """Press what asks for them; a press without an answer is pressed again, as people do."""

    def __init__(self, town: Town, hands: ThreadPoolExecutor) -> None:
        self._town, self._hands = town, hands
        self._pressed: dict[str, Pressed] = {}

    def look(self) -> None:
        patient = {ts for ts, one in self._pressed.items() if not one.may_be_pressed_again()}
        for key, message in self._town.waiting_cards(but=patient)[:40]:
            before = self._pressed.get(message["ts"])
            answer = self._hands.submit(self._town.approve, key, message)
            self._pressed[message["ts"]] = Pressed(answer, time.monotonic(), before.times + 1 if before else 1)

    def press_now(self) -> bool:
        return any(not one.answer.done() for one in self._pressed.values())


class Service:
    """The processes as an operator would run them: two with a role each, or one with all."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.parts: dict[str, Process] = {}

    def run_as(self, *roles: str) -> None:
        """Stop what has another role, start what is missing."""
        for role in self.parts.keys() - set(roles):
            self._town.stop(self.parts.pop(role))
        for role in roles:
            if role not in self.parts:
                self.parts[role] = self._town.start(role)
        for process in self.parts.values():
            self._town.wait_up(process)

    def kill(self, role: str) -> None:
        self._town.kill(self.parts[role])
        self.parts[role] = self._town.start(role)

    def are_up(self) -> bool:
        up = [process.is_up() for process in self.parts.values()]
        return all(up)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
def test_every_request_ends_right_through_kills_of_each_kind_and_three_in_ten_calls_failing(town: Town) -> None:
    began, dice = time.monotonic(), random.Random(20)
    service = Service(town)
    service.run_as("web", "worker")
    town.faults_on(SHARE)
    with town.office.work() as work:  # everybody is read anew meanwhile, which must change nothing
        enqueue(work.connection, [NewJob("sync.people", "graph", {}, lane="schedule:people")], town.office.now())
    with ThreadPoolExecutor(4) as hands:
        asking = [hands.submit(town.ask, key, product_of(number), 40) for number, key in enumerate(town.askers)]
        managers = Managers(town, hands)
        to_kill, done_at_kill, next_kill = list(KILLS), 0, dice.randrange(*BETWEEN)
        quiet, looked = 0, 0.0
        while quiet < 3:
            assert time.monotonic() - began < SECONDS, (town.statuses(), town.jobs_left(), town.kills)
            up = service.are_up()
            due = bool(up and to_kill and town.done_jobs() - done_at_kill >= next_kill)
            if due and (to_kill[0] != "web" or managers.press_now() or not all(one.done() for one in asking)):
                service.run_as(*(("all",) if to_kill[0] == "all" else ("web", "worker")))
                service.kill(to_kill.pop(0))
                town.fault_once(len(to_kill))
                done_at_kill, next_kill = town.done_jobs(), dice.randrange(*BETWEEN)
            elif up:
                town.pass_time()
            pause(0.06)  # the service looks at its clock's file that often
            if time.monotonic() - looked < 0.4:
                continue
            looked = time.monotonic()
            town.look()
            if len(to_kill) < LAST_KILLS:
                town.fault_missing()
            managers.look()
            assert not town.parked()
            over = town.statuses()["fulfilled"] == PEOPLE and not town.jobs_left()
            quiet = quiet + 1 if over else 0
        assert all(one.result() for one in asking)
    town.look()
    town.stop_all()
    everything_ended_right(town)
    assert town.kills == Counter(KILLS)
    assert town.unanswered, "no press was without an answer"
    the_outside_failed_enough(town)
    print(report(town, time.monotonic() - began))  # noqa: T201  shown with -s: the figures of the proof


def the_outside_failed_enough(town: Town) -> None:
    """The share as measured, and every kind of fault that passes by itself at least once.

    What a person must mend at the outside (a close code, a rule, rights, a cut-down report) ends in parked work: those
    kinds have tests of their own.
    """
    assert failed(town) >= AT_LEAST * town.calls.total(), report(town, 0)
    assert not PASSING - town.faults.keys(), sorted(PASSING - town.faults.keys())


def failed(town: Town, system: str | None = None) -> int:
    """Calls that failed, of all or of one system; a late answer is none."""
    hits = town.faults.items()
    return sum(number for (at, kind), number in hits if kind not in LATE and system in (None, at))


def everything_ended_right(town: Town) -> None:
    office = town.office
    assert town.statuses() == {"fulfilled": PEOPLE}
    with office.database.reading() as connection:
        seats = Counter(connection.execute(select(Seat.person_id).where(Seat.ended_at.is_(None))).scalars())
        tickets = connection.execute(select(Ticket.request_id, Ticket.state, Ticket.sys_id)).all()
        requests = connection.execute(select(LicenceRequest.id, LicenceRequest.status)).all()
        moves = connection.execute(
            select(Event.subject, Event.facts).where(Event.subject.like("request:%")).order_by(Event.id)
        ).all()
        shown = connection.execute(select(Card.kind, Card.audience, Card.channel, Card.ts)).all()
    assert not town.parked()
    # seats: one each, ours and theirs
    held = {
        key: [sku for sku in (COPILOT, PLANNER) if office.graph.directory.holds(town.directory_id(key), sku)]
        for key in town.askers
    }
    assert Counter(len(skus) for skus in held.values()) == {1: PEOPLE}
    assert set(seats.values()) == {1} and len(seats) == PEOPLE
    assert {office.staff[key] for key, skus in held.items() if skus} == set(seats)
    # records: one per request, closed with it
    mirrored = Counter(row.request_id for row in tickets)
    assert set(mirrored.values()) == {1} and len(mirrored) == PEOPLE
    items = office.servicenow.instance.rows("sc_req_item")
    assert Counter(item["correlation_id"] for item in items).most_common(1)[0][1] == 1
    assert len(items) == PEOPLE
    assert Counter(item["state"] for item in items) == {"3": PEOPLE}
    # moves: each from where the one before led
    stands: dict[str, str] = {}
    for subject, said in moves:
        facts = json.loads(said)
        if facts.get("to") not in STATES:
            continue
        assert facts["from"] == stands.get(subject, Status.DRAFT.value), (subject, facts)
        stands[subject] = facts["to"]
    assert {f"request:{one.id}": one.status for one in requests} == stands
    # decided on a copy whose post was unclear before the next try: that card has nothing more to say
    unposted = Counter(card.audience for card in shown if card.kind == "approval" and not card.ts)
    assert sum(unposted.values()) <= town.unclear_posts + town.kills.total()
    messages_are_right(town, {(card.channel, card.ts): card.kind for card in shown if card.ts}, unposted)
    seal(office.database, office.now())
    report = verify_database(office.database)
    assert report.ok, report.words


def messages_are_right(town: Town, known: dict[tuple[str, str], str], unposted: Counter[str]) -> None:
    """Each requester reads Ready, each manager's cards say what was decided; a copy has a cause."""
    world = town.office.slack.world
    ours: dict[str, list[str]] = {}
    extra = 0
    for message in world.store.where("slack.message", lambda one: one["user"] == world.app.bot_user_id):
        if message.get("ephemeral_for") or message.get("deleted"):
            continue
        if (message["channel"], message["ts"]) in known:
            ours.setdefault(message["channel"], []).append(message_text(message))
        else:
            extra += 1
    for key in town.askers:
        texts = ours.get(world.direct(town.slack_id(key))["id"], [])
        assert any("Ready" in one for one in texts), (key, texts)
    for number, key in enumerate(town.managers):
        texts = ours.get(world.direct(town.slack_id(key))["id"], [])
        theirs = len(town.askers[number * 3 : number * 3 + 3])
        told = sum("Approved by" in one for one in texts) + unposted[f"person:{town.office.staff[key]}"]
        assert told >= theirs, (key, texts)
        assert not any("Waiting for you" in one for one in texts), (key, texts)
    assert extra <= town.unclear_posts + 3 * town.kills.total(), (extra, town.unclear_posts, town.kills)
    town.copies = extra


def report(town: Town, seconds: float) -> str:
    outside = town.calls.total()
    systems = ", ".join(f"{name} {failed(town, name) / calls:.1%} of {calls}" for name, calls in town.calls.items())
    kinds = {" ".join(kind): number for kind, number in town.faults.most_common()}
    return (
        f"\nkilled {dict(town.kills)}; {failed(town) / outside:.1%} of {outside} calls outside failed ({systems}), and "
        f"{town.faults.total() - failed(town)} were late: {kinds}; {town.unclear_posts} unclear posts, "
        f"{town.copies} messages there twice; {seconds:.0f} s"
    )
