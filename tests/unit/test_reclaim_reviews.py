"""Access reviews come by schedule, once a period, and go the way of every campaign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from bot.views.still_needed import still_needed_card
from model.licences import Product
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign
from model.usage import HeldMailboxList
from tests.reclaim_town import POLICY, Town
from tests.unit.test_reclaim_jobs import Machine
from workflows.reads.still_needed import still_needed
from workflows.reclaim import plan, reviews

QUARTERLY = POLICY.replace("reclaim: {", "reclaim: {reviews: {products: [copilot, e3], every: quarter}, ")


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url, QUARTERLY)
    made.report({})
    yield made
    made.close()


@pytest.mark.parametrize(
    ("every", "today", "began"),
    [
        ("month", date(2026, 11, 23), date(2026, 11, 1)),
        ("quarter", date(2026, 11, 23), date(2026, 10, 1)),
        ("quarter", date(2027, 1, 1), date(2027, 1, 1)),
        ("half_year", date(2026, 6, 30), date(2026, 1, 1)),
        ("half_year", date(2026, 7, 1), date(2026, 7, 1)),
        ("year", date(2026, 12, 31), date(2026, 1, 1)),
    ],
)
def test_a_period_begins_on_its_first_day(every: str, today: date, began: date) -> None:
    assert reviews.period_began(every, today) == began


def test_nothing_is_reviewed_that_the_policy_does_not_name(sqlite_url: str) -> None:
    made = Town(sqlite_url)
    with made.database.reading() as connection:
        assert reviews.due(connection, made.rules.policy, made.now) == []
    made.close()


def of(town: Town, product: str = "copilot") -> list[tuple[str, str]]:
    """Reviews of a product: by whom, and where they stand."""
    with town.database.unit_of_work() as work:
        rows = work.session.query(ReclaimCampaign).filter_by(kind="review", product_id=town.products[product])
        return [(row.planned_by, str(row.state)) for row in rows.order_by("id")]


def test_each_quarter_every_seat_is_looked_through_once(town: Town) -> None:
    machine = Machine(town)
    for _ in range(3):
        machine.hour()
    assert of(town) == [("rule:review", "asking")]
    assert {one.audience for one in town.cards("still_needed")} == {
        f"person:{town.staff[key]}" for key in ("ben", "mia")
    }, "who answers for the holders is asked"
    town.later(days=30)  # nobody answered: the seats stay, and the review is over
    for _ in range(2):
        machine.hour()
    assert of(town) == [("rule:review", "done")] and not town.returns()
    town.now = town.now.replace(year=2027, month=1, day=4)
    machine.hour()
    assert of(town) == [("rule:review", "done"), ("rule:review", "asking")]


def test_whoever_answers_for_a_holder_reads_that_all_are_looked_through(town: Town) -> None:
    """Ben read that Ana's seat looks idle and that nobody can reach her; she uses it daily and has Slack."""
    town.report({"ana": town.now.date() - timedelta(days=3)})
    one = town.of(town.asked(kind=CampaignKind.REVIEW))["ana"]
    with town.database.reading() as connection:
        facts = still_needed(connection, [one.id], town.now)[one.id]
    said = still_needed_card(facts, town.staff["ben"]).text
    assert said.startswith(
        "Does Ana still need Copilot? "
        "It is in use. All licences of this product are looked through, and you answer for Ana."
    )
    assert "idle" not in said and "cannot be asked" not in said


def test_what_a_person_began_or_called_off_is_not_begun_again(town: Town) -> None:
    machine = Machine(town)
    own = town.planned(kind=CampaignKind.REVIEW)
    machine.hour()
    assert of(town) == [(f"person:{town.staff['eli']}", "dry_run")], "left to whoever planned it"
    town.do(plan.cancel, own, town.staff["eli"], "Not now.")
    machine.hour()
    assert [state for _, state in of(town)] == ["cancelled"]


def test_a_dry_run_that_somebody_forgot_makes_way_in_the_next_quarter(town: Town) -> None:
    town.planned(kind=CampaignKind.REVIEW)
    town.now = town.now.replace(year=2027, month=1, day=4)
    Machine(town).hour()
    assert [state for _, state in of(town)] == ["cancelled", "asking"]


def test_without_the_list_of_held_mailboxes_it_waits_as_a_dry_run_and_begins_when_it_comes(town: Town) -> None:
    town.seat("ana", "e3")
    machine = Machine(town)
    for _ in range(2):
        machine.hour()
    assert of(town, "e3") == [("rule:review", "dry_run")]
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now - timedelta(hours=1), mailboxes=[]))
    machine.hour()
    assert of(town, "e3") == [("rule:review", "asking")]


def test_a_product_without_seats_or_retired_has_nothing_to_review(town: Town) -> None:
    with town.database.unit_of_work() as work:
        work.session.get_one(Product, town.products["copilot"]).retired_at = town.now
        work.commit()
    machine = Machine(town)
    for _ in range(2):
        machine.hour()
    assert of(town) == [] and of(town, "e3") in ([("rule:review", CampaignState.DONE)], [("rule:review", "dry_run")])
    assert not any(one.state == CandidateState.ASKED for one in town.of(1).values())
