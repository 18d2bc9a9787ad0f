"""Seats of a confirmed list that a product's owner takes by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from model.licences import Granting, Product, Seat, SeatReturn
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import Card, OwnerTask
from tests.reclaim_town import Town
from workflows import seat_returns, tasks
from workflows.reclaim import candidate, outcome


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


def confirmed(town: Town) -> int:
    """One seat of a list, confirmed, of a product that no connection reaches."""
    with town.database.unit_of_work() as work:
        seat = work.session.get_one(Seat, town.seats["ana"])
        work.session.get_one(Product, seat.product_id).granting = Granting.OWNER_TASK
        campaign = ReclaimCampaign(
            kind=CampaignKind.REVIEW, product_id=seat.product_id, state=CampaignState.TAKING, planned_by="person:1",
            planned_at=town.now,
        )  # fmt: skip
        work.session.add(campaign)
        work.session.flush()
        one = ReclaimCandidate(
            campaign_id=campaign.id, seat_id=seat.id, person_id=seat.person_id, product_id=seat.product_id,
            state=CandidateState.UNANSWERED, ground="review", verdict="idle", sentence="", rule="rule 40",
            checked_at=town.now,
        )  # fmt: skip
        work.session.add(one)
        work.session.flush()
        by = town.staff["dara"]
        row = seat_returns.confirm(work, town.rules, seat, "review", by, town.now)
        one.confirmed_by_id, one.confirmed_at, one.seat_return_id = by, town.now, row.id
        candidate.move(work, one, candidate.Verb.CONFIRM, f"person:{by}", town.now)
        work.commit()
        return row.id


def test_a_list_is_done_although_its_owner_could_not_take_a_seat(town: Town) -> None:
    """The candidate stayed "confirmed", so the campaign and its record never came to an end."""
    return_id = confirmed(town)
    with town.database.unit_of_work() as work:
        task = work.session.execute(select(OwnerTask)).scalar_one()
        owner = work.session.get_one(Person, task.assignee_id)
        tasks.could_not(work, town.rules, task.id, owner, tasks.InTheWay.NO_RIGHT, "", town.now)
        outcome.follow(work, town.rules, return_id, town.now)
        work.commit()
    with town.database.unit_of_work() as work:
        row = work.session.get_one(SeatReturn, return_id)
        one = work.session.execute(select(ReclaimCandidate)).scalar_one()
        campaign = work.session.get_one(ReclaimCampaign, one.campaign_id)
        assert (row.state, one.state, campaign.state) == ("failed", CandidateState.NOT_TAKEN, CampaignState.DONE)
        assert "no right to take seats" in one.words
        assert work.session.get_one(Seat, town.seats["ana"]).ended_at is None
        assert work.session.execute(select(OwnerTask.state)).scalar_one() == "closed"
        notes = work.session.execute(select(Card.audience).where(Card.kind == "note")).scalars().all()
        assert notes == ["channel:it_alerts"]  # whoever confirmed reads it in the list's own card
