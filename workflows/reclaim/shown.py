"""Which messages and pages show a candidate or a campaign, and must change with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from model.reclaim import CampaignState, ReclaimCampaign, ReclaimCandidate
from model.requests import Card, LicenceRequest, Status
from model.session import UnitOfWork
from workflows.cards import CardKind
from workflows.effects import Effect, PublishHome, ShowCard, ShowRequest

#: Rows named in one statement.
AT_ONCE = 500
_OF_CANDIDATE = (CardKind.STILL_NEEDED, CardKind.KEEP_WORD)


def candidate(work: UnitOfWork, one: ReclaimCandidate) -> list[Effect]:
    """The holder's question, the manager's, and the holder's Home."""
    return [*_cards(work, _OF_CANDIDATE, [one.id]), PublishHome(one.person_id)]


def candidates(work: UnitOfWork, many: Sequence[ReclaimCandidate]) -> list[Effect]:
    """The same for many."""
    effects: list[Effect] = []
    for first in range(0, len(many), AT_ONCE):
        effects += _cards(work, _OF_CANDIDATE, [one.id for one in many[first : first + AT_ONCE]])
    return [*effects, *(PublishHome(one.person_id) for one in many)]


def campaign(work: UnitOfWork, campaign_id: int) -> list[Effect]:
    """The list in front of everybody who may confirm it."""
    return _cards(work, (CardKind.RECLAIM_LIST,), [campaign_id])


def queue(work: UnitOfWork, product_id: int) -> list[Effect]:
    """Requests that wait for a seat of the product: they say how many holders are asked."""
    rows = work.connection.execute(
        select(LicenceRequest.id).where(
            LicenceRequest.product_id == product_id, LicenceRequest.status == Status.WAITING_FOR_SEAT
        )
    )
    return [ShowRequest(request_id) for request_id in rows.scalars()]


def handover(work: UnitOfWork, person_id: int) -> list[Effect]:
    """The question to a leaver's manager."""
    return _cards(work, (CardKind.HANDOVER,), [person_id])


def list_changed(work: UnitOfWork, row: ReclaimCampaign) -> list[Effect]:
    """A list that waits is another one now: a confirmation of the older one is refused."""
    if row.state != CampaignState.CONFIRMING:
        return []
    row.version += 1
    work.session.flush()
    return campaign(work, row.id)


def _cards(work: UnitOfWork, kinds: Iterable[CardKind], subject_ids: Iterable[int]) -> list[Effect]:
    rows = work.connection.execute(
        select(Card.id).where(Card.kind.in_(list(kinds)), Card.subject_id.in_(list(subject_ids)), Card.live)
    )
    return [ShowCard(card_id) for card_id in rows.scalars()]
