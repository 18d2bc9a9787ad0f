"""The whole service as real processes, killed at random while the outside fails: every request ends right, once.

Two hundred people ask in Slack over signed HTTP; their managers press; at least a quarter of all calls outside fail in
every way the stand-ins know; the worker is killed twenty times without warning. In the end each request is fulfilled,
each person holds one seat, each request has one closed record in ServiceNow, and everybody was told.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.tables import Job, JobState
from model.events import Event
from model.licences import Seat
from model.requests import Card, LicenceRequest, Status
from model.seal import seal, verify_database
from model.tickets import Ticket
from sandbox.slack_person import message_text
from tests.recovery.service_town import Town, pause
from tests.whole import COPILOT, PLANNER, whole

PEOPLE = 200
BY_GROUP = 50
SPARE = PEOPLE  # a unit being given may count twice for a while, and a card without a free seat offers to buy
KILLS = 20
SHARE = 0.30
STATES = frozenset(status.value for status in Status)
SECONDS = 900  # a bound, far above what it takes


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Iterator[Town]:
    with whole(tmp_path, database_url) as office:
        made = Town(office)
        made.settle_in(PEOPLE, copilot=PEOPLE - BY_GROUP + SPARE, planner=BY_GROUP + SPARE)
        try:
            yield made
        finally:
            made.stop_all()


def product_of(number: int) -> str:
    return "Planner" if number < BY_GROUP else "Copilot"


def ask_until_taken(town: Town, key: str, number: int) -> bool:
    """Ask, and when the service was not there, again, as people do."""
    for _ in range(20):
        if town.ask(key, product_of(number)):
            return True
        pause(0.3)
    return False


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
def test_two_hundred_requests_end_right_with_twenty_kills_and_a_quarter_of_all_calls_failing(town: Town) -> None:
    began, dice = time.monotonic(), random.Random(20)
    web, worker = town.start("web"), town.start("worker")
    town.wait_up(web)
    town.wait_up(worker)
    town.faults_on(SHARE)
    done_at_kill, next_kill = 0, dice.randrange(60, 160)
    pressed: dict[str, tuple[float, int]] = {}  # when it may be pressed again, and how often it was
    quiet, looked = 0, 0.0
    with ThreadPoolExecutor(4) as hands:
        asking = [hands.submit(ask_until_taken, town, key, number) for number, key in enumerate(town.askers)]
        while quiet < 3:
            assert time.monotonic() - began < SECONDS, (town.statuses(), town.jobs_left(), town.kills)
            if town.kills < KILLS and worker.is_up() and town.done_jobs() - done_at_kill >= next_kill:
                town.kill(worker)
                worker = town.start("worker")
                done_at_kill, next_kill = town.done_jobs(), dice.randrange(60, 160)
            elif worker.is_up() and town.jobs_left():  # with nothing due people decide at leisure
                town.pass_time()
            pause(0.06)  # the service looks at its clock's file that often
            if time.monotonic() - looked < 0.4:
                continue
            looked = time.monotonic()
            town.look()
            # a card that still asks is pressed again, less and less often: the database was busy, or the service gone
            cards = [one for one in town.waiting_cards() if looked > pressed.get(one[1]["ts"], (0.0, 0))[0]][:40]
            for (_, message), _ok in zip(cards, hands.map(lambda one: town.approve(*one), cards), strict=True):
                times = pressed.get(message["ts"], (0.0, 0))[1] + 1
                pressed[message["ts"]] = (time.monotonic() + 2.0 * times, times)
            statuses = town.statuses()
            over = statuses["fulfilled"] == PEOPLE and not town.jobs_left()
            quiet = quiet + 1 if over else 0
        assert all(one.result() for one in asking)
    town.look()
    town.stop_all()
    everything_ended_right(town)
    assert town.kills == KILLS
    print(report(town, time.monotonic() - began))  # noqa: T201  shown with -s: the figures of the proof


def everything_ended_right(town: Town) -> None:
    office = town.office
    assert town.statuses() == {"fulfilled": PEOPLE}
    with office.database.reading() as connection:
        parked = connection.execute(select(Job.kind, Job.error).where(Job.state == JobState.PARKED)).all()
        seats = Counter(connection.execute(select(Seat.person_id).where(Seat.ended_at.is_(None))).scalars())
        tickets = connection.execute(select(Ticket.request_id, Ticket.state, Ticket.sys_id)).all()
        requests = connection.execute(select(LicenceRequest.id, LicenceRequest.status)).all()
        moves = connection.execute(
            select(Event.subject, Event.facts).where(Event.subject.like("request:%")).order_by(Event.id)
        ).all()
        shown = connection.execute(select(Card.kind, Card.audience, Card.channel, Card.ts)).all()
    assert not parked
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
    assert sum(unposted.values()) <= town.unclear_posts + town.kills
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
    assert extra <= town.unclear_posts + 3 * town.kills, (extra, town.unclear_posts, town.kills)
    town.calls["messages there twice"] = extra


def report(town: Town, seconds: float) -> str:
    calls = dict(town.calls)
    hit = sum(town.faults.values())
    outside = sum(number for name, number in calls.items() if name != "messages there twice")
    return (
        f"\n{town.kills} kills, {outside} calls outside {calls}, {hit} of them failed ({hit / outside:.0%}): "
        f"{dict(town.faults.most_common())}; unclear posts {town.unclear_posts}; {seconds:.0f} s"
    )
