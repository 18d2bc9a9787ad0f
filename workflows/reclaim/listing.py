"""The list a person confirms: what is suggested and ticked, what needs a look and is not, and how much fits into a day.

Kept seats, seats in use and seats whose use is not known are never rows. Read-only; `confirm` reads it again under its
locks, so what is confirmed is what stands here at the press.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Row, func, select

from licensing.words import day, isolate
from model.licences import Product, Seat, SeatReturn
from model.people import Person
from model.reclaim import CampaignKind, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import LicenceRequest, LineState, RequestLine
from workflows.policy import Policy
from workflows.reclaim import held, switch
from workflows.reclaim.asking import MANAGER_RELEASE, NOT_ASKED, confirmable
from workflows.reclaim.candidate import CONFIRMABLE
from workflows.reclaim.limits import Limits, at_most, limits, spread, spread_words
from workflows.reclaim.switch import Switch

#: What became of a candidate and counts against the per cent of a product, whichever campaign it was in.
_COUNTS = (CandidateState.CONFIRMED, CandidateState.TAKEN)
WINDOW = timedelta(days=30)
GIVEN_BACK = "given_back"


@dataclass(frozen=True)
class ListRow:
    """One seat of the list. `reason` comes first in what is shown; `waits` says why no tick takes it yet."""

    candidate_id: int
    seat_id: int
    person_id: int
    name: str
    team: str
    state: CandidateState
    ground: str  # as the return will say: given_back, idle, leaving, redundant, too_big, review
    verdict: str
    sentence: str
    reason: str
    needs_look: bool
    waits: str = ""

    @property
    def ticked(self) -> bool:
        """Whether it starts ticked."""
        return not self.needs_look and not self.waits


@dataclass(frozen=True)
class ReclaimList:
    """A campaign's list as it stands now; `version` goes back with the confirmation."""

    campaign_id: int
    kind: CampaignKind
    product_id: int
    to_sku_id: int | None  # rightsizing: the tier given in the same step
    product: str
    lost: str  # what stops with the seat, in the product's own words
    version: int
    planned_by: str
    planned_by_id: int | None
    listed_at: datetime | None
    suggested: tuple[ListRow, ...]
    look: tuple[ListRow, ...]
    kept: int
    still_asked: int
    groups: int  # seats that come through a group and are only reported
    waiting: int  # seats wanted by requests in the queue
    switch: Switch
    no_held_list: bool
    a_day: int
    per_cent: int
    room: int  # how many may still go in 30 days without their holders' own release
    taken_on: dict[date, int]

    @property
    def rows(self) -> tuple[ListRow, ...]:
        return (*self.suggested, *self.look)

    def limit_words(self, ticked: int, today: date) -> str:
        """ "20 a day: 20 today, 5 tomorrow."; nothing when all go today."""
        return spread_words(spread(ticked, self.taken_on, self.a_day, today), self.a_day, today)


def list_of(connection: Connection, policy: Policy, campaign_id: int, now: datetime) -> ReclaimList | None:
    """The list of a campaign; None for one that does not exist."""
    row = connection.execute(
        select(*ReclaimCampaign.__table__.c).where(ReclaimCampaign.id == campaign_id)
    ).one_or_none()
    if row is None:
        return None
    campaign, pace = ReclaimCampaign(**row._mapping), limits(policy)
    product = connection.execute(select(Product.name, Product.lost_on_return).where(Product.id == row.product_id)).one()
    on_hold = held.held_people(connection, held.addresses(connection, policy, row.product_id, now))
    rows = [_row(campaign, one, on_hold) for one in _candidates(connection, campaign)]
    counts = _counts(connection, campaign_id)
    return ReclaimList(
        campaign_id=campaign_id,
        kind=CampaignKind(row.kind),
        product_id=row.product_id,
        to_sku_id=row.to_sku_id,
        product=product.name,
        lost=product.lost_on_return,
        version=row.version,
        planned_by=_planner(connection, campaign),
        planned_by_id=row.planned_by_id,
        listed_at=row.listed_at,
        suggested=tuple(one for one in rows if not one.needs_look),
        look=tuple(one for one in rows if one.needs_look),
        kept=counts.get(CandidateState.KEPT, 0) + counts.get(CandidateState.KEEP_ASKED, 0),
        still_asked=counts.get(CandidateState.ASKED, 0) + counts.get(CandidateState.SNOOZED, 0),
        groups=sum((row.figures or {}).get("groups", {}).values()),
        waiting=waiting_seats(connection, row.product_id),
        switch=switch.state(connection),
        no_held_list=held.lacking(connection, policy, campaign, now),
        a_day=pace.a_day,
        per_cent=pace.per_cent,
        room=room(connection, row.product_id, pace, now),
        taken_on=taken_on(connection, now.date()),
    )


def _candidates(
    connection: Connection, campaign: ReclaimCampaign
) -> list[tuple[ReclaimCandidate, Row[tuple[int, str, str]]]]:
    people = {
        one.id: one
        for one in connection.execute(
            select(Person.id, Person.name, Person.department)
            .join(ReclaimCandidate, ReclaimCandidate.person_id == Person.id)
            .where(ReclaimCandidate.campaign_id == campaign.id)
        )
    }
    rows = connection.execute(
        select(*ReclaimCandidate.__table__.c)
        .join(Seat, Seat.id == ReclaimCandidate.seat_id)
        .where(
            ReclaimCandidate.campaign_id == campaign.id,
            ReclaimCandidate.state.in_(CONFIRMABLE),
            Seat.ended_at.is_(None),
            Seat.id.not_in(
                select(SeatReturn.seat_id).where(
                    SeatReturn.product_id == campaign.product_id, SeatReturn.state.in_(["confirmed", "removing"])
                )
            ),
        )
        .order_by(ReclaimCandidate.state, ReclaimCandidate.id)
    )
    found = [ReclaimCandidate(**one._mapping) for one in rows]
    return [(one, people[one.person_id]) for one in found if confirmable(campaign, one)]


def _row(
    campaign: ReclaimCampaign, pair: tuple[ReclaimCandidate, Row[tuple[int, str, str]]], on_hold: frozenset[int]
) -> ListRow:
    one, person = pair
    released = one.state == CandidateState.RELEASED
    reason, needs_look = _reason(campaign, one)
    waits = ""
    if CampaignKind(campaign.kind) in NOT_ASKED and one.answered_at is None:
        waits = "not handed over yet"
    if one.person_id in on_hold:
        waits = "the mailbox is on hold"
    return ListRow(
        candidate_id=one.id,
        seat_id=one.seat_id,
        person_id=one.person_id,
        name=person.name,
        team=person.department,
        state=CandidateState(one.state),
        ground=GIVEN_BACK if released else one.ground,
        verdict=one.verdict,
        sentence=one.sentence,
        reason=waits or reason,
        needs_look=needs_look or bool(waits),
        waits=waits,
    )


def _reason(campaign: ReclaimCampaign, one: ReclaimCandidate) -> tuple[str, bool]:
    """Why it is on the list, and whether that needs a look; what stands against taking it comes first."""
    if one.look:
        return one.look, True
    if one.state == CandidateState.RELEASED:
        return "given back by the holder", False
    if CampaignKind(campaign.kind) in NOT_ASKED:
        return one.sentence, False
    if one.answer == MANAGER_RELEASE:
        return "the manager says it is not needed; the holder was not asked", True
    if one.asked_at is None:
        return "nobody could be asked", True
    return f"no answer since {day(one.asked_at.date())}", True


def _counts(connection: Connection, campaign_id: int) -> dict[str, int]:
    rows = connection.execute(
        select(ReclaimCandidate.state, func.count())
        .where(ReclaimCandidate.campaign_id == campaign_id)
        .group_by(ReclaimCandidate.state)
    )
    return dict(rows.tuples().all())


#: What a campaign that nobody planned is there for.
_BY_RULE = {
    "rule:waiting": "a rule, because somebody waits for a seat",
    "rule:leaving": "a rule, because people left",
    "rule:review": "a rule, as its review is due",
    "rule:renewal": "a rule, because a renewal was decided with fewer",
}


def _planner(connection: Connection, campaign: ReclaimCampaign) -> str:
    if campaign.planned_by_id is None:
        return _BY_RULE.get(campaign.planned_by, "a rule of the policy")
    name = connection.execute(select(Person.name).where(Person.id == campaign.planned_by_id)).scalar()
    return isolate(name or "somebody who left")


def waiting_seats(connection: Connection, product_id: int) -> int:
    """Seats of a product that requests in the queue wait for."""
    return connection.execute(
        select(func.count())
        .select_from(RequestLine)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(RequestLine.state == LineState.QUEUED, LicenceRequest.product_id == product_id)
    ).scalar_one()


def taken_on(connection: Connection, today: date) -> dict[date, int]:
    """How many removals of all campaigns are due on each day from today on, whatever became of them."""
    rows = connection.execute(
        select(ReclaimCandidate.take_on, func.count())
        .where(ReclaimCandidate.take_on >= today)
        .group_by(ReclaimCandidate.take_on)
    )
    return {when: count for when, count in rows if when is not None}


def room(connection: Connection, product_id: int, pace: Limits, now: datetime) -> int:
    """How many more seats of a product may go in 30 days without their holders' own release, by the per cent."""
    held_now = connection.execute(
        select(func.count()).select_from(Seat).where(Seat.product_id == product_id, Seat.ended_at.is_(None))
    ).scalar_one()
    states = dict(
        connection.execute(
            select(ReclaimCandidate.state, func.count())
            .where(
                ReclaimCandidate.product_id == product_id,
                ReclaimCandidate.state.in_(_COUNTS),
                ReclaimCandidate.confirmed_at > now - WINDOW,
                ReclaimCandidate.answer != "release",
                ReclaimCandidate.ground != CampaignKind.LEAVING,
            )
            .group_by(ReclaimCandidate.state)
        )
        .tuples()
        .all()
    )
    before = held_now + states.get(CandidateState.TAKEN, 0)
    return max(0, at_most(before, pace.per_cent) - sum(states.values()))


def limited(row: ListRow) -> bool:
    """Whether the per cent of a product counts the row: not what its holder gave back, nor what a leaver had."""
    return row.ground not in (GIVEN_BACK, CampaignKind.LEAVING)


def needs_verdict(row: ListRow) -> bool:
    """Whether the row is taken for what is known of it, which must still hold (rules §7); not for the holder's word."""
    return row.ground in (CampaignKind.IDLE, CampaignKind.REDUNDANT, CampaignKind.TOO_BIG, CampaignKind.LEAVING)
