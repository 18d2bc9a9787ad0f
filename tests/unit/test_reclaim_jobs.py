"""The hourly job and what it sets going, through the worker as it runs: in turns, once, and after a break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update

from jobs.outbox import NewJob, enqueue
from jobs.tables import Job
from jobs.worker import Worker
from model.licences import Seat
from model.people import Person
from model.reclaim import CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.usage import LastUse
from tests.reclaim_town import LONG_AGO, Town
from tests.unit.test_reclaim_campaign import queue
from workflows.effects import MERGED
from workflows.perform_local import LocalWork
from workflows.perform_trouble import classify
from workflows.reclaim import asking, confirm
from workflows.reclaim.asking import AT_ONCE
from workflows.reclaim.listing import list_of

MANY = AT_ONCE * 2 + 7


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


class Machine:
    """A worker whose clock is the town's; messages are noted by their kind only."""

    def __init__(self, town: Town) -> None:
        self.town = town
        handlers: dict[str, Any] = dict(LocalWork(lambda: town.rules).handlers())
        kinds = (
            "card.show",
            "reply.show",
            "card.mail",
            "request.show",
            "home.publish",
            "seat.take_back",
            "m365.figures",
        )
        handlers |= dict.fromkeys(kinds, lambda payload, run: None)
        self.worker = Worker(
            town.database, handlers, now=lambda: town.now, classify=classify, limits={}, owner="town:1:1",
            jitter=lambda: 0.5, batch=1,
            merged=MERGED,
        )  # fmt: skip

    def hour(self) -> None:
        """The schedule's job, and all that is due after it."""
        with self.town.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("reclaim.watch", "local", {})], self.town.now)
            work.commit()
        while self.worker.run_once():
            pass
        with self.town.database.reading() as connection:
            left = connection.execute(select(Job.kind).where(Job.state != "done", Job.kind.startswith("reclaim"))).all()
        assert not left


def many_idle(town: Town) -> None:
    people = [
        {
            "id": 1000 + number, "email": f"p{number}@example.test", "name": f"P {number}", "slack_id": f"U1{number}",
            "time_zone": "Europe/Paris", "country": "FR", "starts_on": date(2020, 1, 1),
            "account_since": date(2020, 1, 1),
        }
        for number in range(MANY)
    ]  # fmt: skip
    product, sku = town.products["copilot"], town.skus["copilot"]
    with town.database.unit_of_work() as work:
        work.connection.execute(insert(Person), people)
        work.connection.execute(
            insert(Seat),
            [
                {"person_id": one["id"], "product_id": product, "sku_id": sku, "path": "direct", "began_at": LONG_AGO,
                 "recorded_at": LONG_AGO}
                for one in people
            ],
        )  # fmt: skip
        work.connection.execute(
            insert(LastUse),
            [
                {"person_id": one["id"], "source": "copilot", "product_id": product, "used_on": date(2026, 3, 2),
                 "facts": {}, "as_of": date(2026, 11, 21), "read_at": town.now}
                for one in people
            ],
        )  # fmt: skip
        work.commit()


def test_many_holders_are_asked_in_turns_and_each_once(town: Town) -> None:
    many_idle(town)
    campaign_id = town.planned()
    town.do(asking.begin, campaign_id, town.staff["eli"])
    assert len(town.cards("still_needed")) == AT_ONCE  # the press waits for no more
    Machine(town).hour()
    cards = town.cards("still_needed")
    assert len(cards) == MANY + 5 and len({card.audience for card in cards}) == MANY + 5
    assert town.campaign(campaign_id).state == CampaignState.ASKING


def test_an_hour_asks_for_who_waits_lists_who_left_and_does_nothing_twice(town: Town) -> None:
    queue(town)
    town.person("tom", active=False)
    machine = Machine(town)
    for _ in range(3):
        machine.hour()
    with town.database.reading() as connection:
        found = connection.execute(
            select(ReclaimCampaign.kind, ReclaimCampaign.state).order_by(ReclaimCampaign.kind)
        ).all()
    assert [tuple(one) for one in found] == [("idle", "asking"), ("leaving", "confirming")]
    assert len(town.cards("still_needed")) == 2 and len(town.cards("handover")) == 1


def test_a_break_of_weeks_is_made_up_for_once(town: Town) -> None:
    campaign_id = town.asked()
    machine = Machine(town)
    town.later(days=40)
    town.report({})
    for _ in range(3):
        machine.hour()
    assert town.campaign(campaign_id).state == CampaignState.CONFIRMING
    assert len(town.cards("still_needed")) == 5 and len(town.cards("reclaim_list")) == 2
    with town.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(ReclaimCampaign)).scalar_one() == 1


def test_a_list_of_a_hundred_is_confirmed_with_fewer_statements_than_it_has_seats(town: Town) -> None:
    """Each tick cost nine: a press on five hundred took longer than Slack waits."""
    many_idle(town)
    campaign_id = town.planned()
    town.do(asking.begin, campaign_id, town.staff["eli"])
    Machine(town).hour()
    with town.database.unit_of_work() as work:
        work.connection.execute(update(ReclaimCandidate).values(state=CandidateState.UNANSWERED))
        row = work.session.get_one(ReclaimCampaign, campaign_id)
        row.state = CampaignState.CONFIRMING
        work.commit()
    with town.database.reading() as connection:
        listed = list_of(connection, town.rules.policy, campaign_id, town.now)
    assert listed is not None
    ticks = frozenset(one.candidate_id for one in listed.rows if one.person_id != town.staff["dara"])
    made: list[Any] = []
    event.listen(town.database.engine, "before_execute", lambda *seen: made.append(seen[1]))
    with town.database.unit_of_work() as work:
        by = town.staff["dara"]
        said = confirm.confirm(work, town.rules, campaign_id, listed.version, ticks, by, town.now, looked_at=ticks)
        work.commit()
    assert f"{len(ticks)} seats to take back" in said.text and len(ticks) == MANY + 4
    assert len(made) < len(ticks), len(made)
    returns = town.returns()
    assert len(returns) == len(ticks) and {one.confirmed_by_id for one in returns} == {town.staff["dara"]}
    with town.database.unit_of_work() as work:
        found = list(work.session.execute(select(ReclaimCandidate)).scalars())
        work.session.expunge_all()
    assert {one.seat_return_id for one in found if one.state == CandidateState.CONFIRMED} == {one.id for one in returns}
    assert {one.take_on for one in found if one.take_on} == {
        date(2026, 11, 23) + timedelta(days=number) for number in range(-(-len(ticks) // 20))
    }, "twenty a day"
