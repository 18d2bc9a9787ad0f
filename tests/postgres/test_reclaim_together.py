"""Pressed at the same moment, on both databases: two who confirm a list, a holder's answer against a confirmation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from model.reclaim import CampaignState, CandidateState
from tests.reclaim_town import Town
from workflows.reclaim import answers, asking, confirm, deadlines, plan
from workflows.reclaim.answers import Answer
from workflows.reclaim.listing import list_of
from workflows.refusals import AlreadyDecided, Refusal
from workflows.replies import Said


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    made = Town(database_url)
    yield made
    made.close()


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all at the same moment; what each returned, or the refusal it met."""
    gate, found = threading.Barrier(len(acts)), [None] * len(acts)

    def one(place: int, act: Callable[[], Any]) -> None:
        gate.wait(10)
        try:
            found[place] = act()
        except Refusal as refused:
            found[place] = refused  # type: ignore[call-overload]

    threads = [threading.Thread(target=one, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return found


def waiting_list(town: Town) -> tuple[int, int, frozenset[int]]:
    """A campaign whose list waits: its id, its version and the rows of Tom and Lea."""
    campaign_id = town.asked()
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    with town.database.reading() as connection:
        shown = list_of(connection, town.rules.policy, campaign_id, town.now)
    assert shown is not None
    return campaign_id, shown.version, frozenset(town.ids(campaign_id, ("tom", "lea")))


def test_of_two_who_confirm_one_wins_and_the_other_hears_who(town: Town) -> None:
    campaign_id, version, ticks = waiting_list(town)

    def press(by: str) -> Callable[[], Any]:
        return lambda: town.do(
            confirm.confirm, campaign_id, version, ticks, town.staff[by], looked_at=ticks
        )  # fmt: skip

    found = at_once([press("dara"), press("gil"), press("gil")])
    assert sum(isinstance(one, Said) for one in found) == 1
    lost = [one for one in found if not isinstance(one, Said)]
    assert all(isinstance(one, AlreadyDecided) for one in lost), found
    rows = town.returns()
    assert len(rows) == 2 and len({row.confirmed_by_id for row in rows}) == 1
    assert town.campaign(campaign_id).state == CampaignState.TAKING


def test_an_answer_and_a_confirmation_at_once_never_take_what_is_kept(town: Town) -> None:
    campaign_id, version, ticks = waiting_list(town)
    tom = town.of(campaign_id)["tom"].id
    found = at_once(
        [
            lambda: town.do(answers.keep, tom, town.staff["tom"], Answer.USES_IT, "daily"),
            lambda: town.do(confirm.confirm, campaign_id, version, ticks, town.staff["gil"], looked_at=ticks),
        ]
    )
    state = town.of(campaign_id)["tom"].state
    returns = {row.person_id: row.state for row in town.returns()}
    kept, confirmed = (isinstance(one, Said) for one in found)
    assert kept or confirmed, found
    if not confirmed:
        assert state == CandidateState.KEPT and not returns  # the list the other one saw is an older one
    else:
        assert returns[town.staff["tom"]] == ("kept" if kept else "confirmed")


def test_two_who_plan_and_begin_at_once_ask_everybody_once(town: Town) -> None:
    found = at_once([lambda: town.planned("eli"), lambda: town.planned("chitra")])
    assert all(isinstance(one, int) for one in found), found
    (live,) = [one for one in found if town.campaign(one).state == CampaignState.DRY_RUN]
    begun = at_once([lambda: town.do(asking.begin, live, town.staff["eli"])] * 2)
    assert sum(isinstance(one, Refusal) for one in begun) == 1
    assert len(town.cards("still_needed")) == 5
    with pytest.raises(plan.AlreadyPlanned):
        town.planned("eli")


def test_two_clocks_remind_and_list_once(town: Town) -> None:
    campaign_id = town.asked()
    town.later(days=7)
    town.report({})
    at_once([lambda: town.do(deadlines.due)] * 2)
    assert len(town.cards("still_needed")) == 10
    town.later(days=9)
    town.report({})
    at_once([lambda: town.do(deadlines.due)] * 2)
    assert town.campaign(campaign_id).state == CampaignState.CONFIRMING
    assert len(town.cards("reclaim_list")) == 2
