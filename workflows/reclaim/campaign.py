"""A campaign from its dry run to its end: the table of moves, and the one function that makes them (design §6).

Read `ALLOWED` and you know the whole life: a dry run asks nobody, asking ends in a list, a list that a person with the
right confirmed is carried out, and a holder who answers later than the others brings the list back once more.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from licensing.words import plural
from model.events import Happened, Tag
from model.reclaim import CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from workflows import moves
from workflows.refusals import Refusal


class Verb(enum.StrEnum):
    """What can happen to a campaign. Stored in events: read a new name twice."""

    BEGIN = "begin"  # the holders are asked
    LIST = "list"  # answers are in, or their time is over: a list waits for a person with the right
    CONFIRM = "confirm"
    LIST_MORE = "list_more"  # somebody who was asked later answered: the rest of the list
    FINISH = "finish"  # nothing is open any more
    CANCEL = "cancel"  # by a person, before anything was confirmed


_S = CampaignState
ALLOWED: Mapping[tuple[CampaignState, Verb], CampaignState] = {
    (_S.DRY_RUN, Verb.BEGIN): _S.ASKING,
    (_S.DRY_RUN, Verb.LIST): _S.CONFIRMING,  # leavers: nobody is asked whether they still need it
    (_S.DRY_RUN, Verb.FINISH): _S.DONE,  # all its seats are gone or in use again
    (_S.DRY_RUN, Verb.CANCEL): _S.CANCELLED,
    (_S.ASKING, Verb.LIST): _S.CONFIRMING,
    (_S.ASKING, Verb.FINISH): _S.DONE,  # everybody keeps theirs
    (_S.ASKING, Verb.CANCEL): _S.CANCELLED,
    (_S.CONFIRMING, Verb.CONFIRM): _S.TAKING,
    (_S.CONFIRMING, Verb.FINISH): _S.DONE,
    (_S.CONFIRMING, Verb.CANCEL): _S.CANCELLED,
    (_S.TAKING, Verb.LIST_MORE): _S.CONFIRMING,
    (_S.TAKING, Verb.FINISH): _S.DONE,
}

_TAGS: Mapping[Verb, Tag] = {
    Verb.BEGIN: Tag.CAMPAIGN_BEGUN,
    Verb.LIST: Tag.CAMPAIGN_LISTED,
    Verb.CONFIRM: Tag.CAMPAIGN_CONFIRMED,
    Verb.LIST_MORE: Tag.CAMPAIGN_LISTED,
    Verb.FINISH: Tag.CAMPAIGN_DONE,
    Verb.CANCEL: Tag.CAMPAIGN_CANCELLED,
}
#: States in which a campaign holds its product: one of a kind at a time.
LIVE = (_S.DRY_RUN, _S.ASKING, _S.CONFIRMING, _S.TAKING)
#: Candidates that still wait for somebody; a campaign with one of these is not done.
OPEN = (
    CandidateState.LISTED,
    CandidateState.ASKED,
    CandidateState.SNOOZED,
    CandidateState.KEEP_ASKED,
    CandidateState.RELEASED,
    CandidateState.UNANSWERED,
    CandidateState.CONFIRMED,
)
_STANDS: Mapping[CampaignState, str] = {
    _S.DRY_RUN: "This is a dry run: nobody was asked yet.",
    _S.ASKING: "The holders are being asked; the list comes when their time to answer is over.",
    _S.CONFIRMING: "A list of this campaign waits for confirmation; your press changed nothing.",
    _S.TAKING: "The list was confirmed already; your press changed nothing.",
    _S.DONE: "This campaign is over; your press changed nothing.",
    _S.CANCELLED: "This campaign was called off; your press changed nothing.",
}


class IllegalMove(moves.IllegalMove):
    """The campaign stands where this cannot be done; the sentence says where."""

    stands = _STANDS


class NoCampaign(Refusal):
    """A button named a campaign that does not exist."""

    def __init__(self) -> None:
        super().__init__("This campaign does not exist; /licence reclaim shows those that do.")


def step(state: CampaignState, verb: Verb) -> CampaignState:
    """Where the verb leads. Raises IllegalMove when it leads nowhere from here; pure."""
    return moves.follow(ALLOWED, state, verb, IllegalMove)


def reference(campaign_id: int) -> str:
    """What people call it: "CMP-12"."""
    return f"CMP-{campaign_id}"


def seats(count: int) -> str:
    return plural(count, "seat")


def locked(work: UnitOfWork, campaign_id: int) -> ReclaimCampaign:
    """The row, held until the transaction ends: whoever changes a candidate holds its campaign first.

    Raises NoCampaign.
    """
    found = work.session.get(ReclaimCampaign, campaign_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NoCampaign
    return found


def move(
    work: UnitOfWork,
    campaign: ReclaimCampaign,
    verb: Verb,
    actor: str,
    now: datetime,
    *,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> None:
    """Make the move on a row the caller has locked, with its event. Raises IllegalMove; nothing is changed then."""
    before = CampaignState(campaign.state)
    after = step(before, verb)
    campaign.state = after
    campaign.version += 1
    if verb is Verb.BEGIN:
        campaign.begun_at = now
    if after is CampaignState.CONFIRMING:
        campaign.listed_at = now
    if after in (CampaignState.DONE, CampaignState.CANCELLED):
        campaign.closed_at = now
    said = {
        "kind": str(campaign.kind),
        "product": campaign.product_id,
        "from": before.value,
        "to": after.value,
        **(facts or {}),
    }
    event = Happened(_TAGS[verb], actor, f"campaign:{campaign.id}", said, dict(personal or {}))
    work.record([event], now)


def in_states(work: UnitOfWork, campaign_id: int, *states: CandidateState) -> list[ReclaimCandidate]:
    """Its candidates that stand there, held until the transaction ends, in their order."""
    rows = work.session.execute(
        select(ReclaimCandidate)
        .where(ReclaimCandidate.campaign_id == campaign_id, ReclaimCandidate.state.in_(states))
        .order_by(ReclaimCandidate.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalars()
    return list(rows)


def any_in(work: UnitOfWork, campaign_id: int, *states: CandidateState) -> bool:
    """Whether any of its candidates stands there."""
    query = select(ReclaimCandidate.id).where(
        ReclaimCandidate.campaign_id == campaign_id, ReclaimCandidate.state.in_(states)
    )
    return work.connection.execute(query.limit(1)).first() is not None


def settle(work: UnitOfWork, campaign: ReclaimCampaign, now: datetime) -> bool:
    """Close a campaign in which nothing is open any more; the row is locked by the caller. True when it closed."""
    work.session.flush()
    state = CampaignState(campaign.state)
    if (state, Verb.FINISH) not in ALLOWED or any_in(work, campaign.id, *OPEN):
        return False
    move(work, campaign, Verb.FINISH, "clock", now)
    return True
