"""Seats that a product's owner takes by hand: the kill switch and new use reach them while their task is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.views.task_card import task_card
from model.licences import Granting, Product
from model.people import Person
from model.requests import OwnerTask
from tests.reclaim_town import POLICY, Town
from tests.unit.message_checks import labels
from workflows import seats, tasks, tasks_watch
from workflows.reads.tasks import tasks as task_facts
from workflows.reclaim import by_hand, confirm, deadlines, listing, switch


def made_by_hand(url: str, policy: str = POLICY) -> Town:
    """A town whose products are all given and taken by their owner."""
    made = Town(url, policy)
    with made.database.unit_of_work() as work:
        work.connection.execute(update(Product).values(granting=Granting.OWNER_TASK))
        work.commit()
    return made


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = made_by_hand(sqlite_url)
    yield made
    made.close()


def confirmed(town: Town, *keys: str) -> None:
    """A confirmed list of seats that looked idle."""
    campaign_id = town.asked()
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    with town.database.reading() as connection:
        shown = listing.list_of(connection, town.rules.policy, campaign_id, town.now)
    assert shown is not None
    ids = town.ids(campaign_id, keys)
    town.do(confirm.confirm, campaign_id, shown.version, ids, town.staff["gil"], looked_at=frozenset(ids))


def look(town: Town) -> None:
    with town.database.reading() as connection:
        waiting = by_hand.open_ones(connection)
    for return_id in waiting:
        town.do(by_hand.look, return_id)


def task(town: Town) -> OwnerTask:
    with town.database.unit_of_work() as work:
        found = work.session.execute(select(OwnerTask).order_by(OwnerTask.id).limit(1)).scalar_one()
        work.session.expunge(found)
        return found


def card(town: Town) -> tuple[str, list[str]]:
    """What its owner reads, and the buttons."""
    number = task(town).id
    with town.database.reading() as connection:
        message = task_card(task_facts(connection, [number], town.now)[number])
    return message.text, labels(message)


def test_new_use_closes_the_task_and_the_holder_keeps_the_seat(town: Town) -> None:
    confirmed(town, "ana", "kai")
    look(town)
    assert {row.state for row in town.returns()} == {"confirmed"}
    town.report({"ana": town.now.date() - timedelta(days=3)})
    look(town)
    said = {row.person_id: (row.state, row.note) for row in town.returns()}
    assert said[town.staff["ana"]] == ("kept", "is using it again")
    assert said[town.staff["kai"]] == ("confirmed", "")
    owner, closed = town.staff["chitra"], task(town).id
    with pytest.raises(tasks.TaskClosed), town.database.unit_of_work() as work:
        tasks.done(work, town.rules, closed, work.session.get_one(Person, owner), town.now)
    assert card(town)[0].startswith("Nothing to do any more")


def test_while_removals_are_off_the_task_waits_and_comes_anew_afterwards(town: Town) -> None:
    town.do(seats.give_back, town.seats["ana"], town.staff["ana"], "")
    assert "Done, seat taken back" in card(town)[1]
    with town.database.unit_of_work() as work:
        switch.turn(work, False, None, "audit week", town.now)
        work.commit()
    said, buttons = card(town)
    assert said.startswith("Leave it for now: removals are switched off") and not buttons
    town.later(days=30)
    town.do(tasks_watch.look)  # nobody is reminded of what must not be done
    assert [one.live for one in town.cards("task")] == [True]
    with town.database.unit_of_work() as work:
        switch.turn(work, True, None, "", town.now)
        work.commit()
    assert "Done, seat taken back" in card(town)[1]
    assert [one.live for one in town.cards("task")] == [False, True]


def test_by_hand_no_more_are_asked_for_in_a_day_than_the_limit(sqlite_url: str) -> None:
    town = made_by_hand(sqlite_url, POLICY.replace("a_day: 20", "a_day: 1"))

    def asked() -> int:
        with town.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(OwnerTask)).scalar_one()

    confirmed(town, "ana", "kai")
    town.do(by_hand.ask)
    assert asked() == 1
    town.later(days=1)
    town.do(by_hand.ask)
    town.do(by_hand.ask)
    assert asked() == 2
    town.close()
