"""What "Do you still need it?" shows its holder, or whoever is asked instead, and the manager whose word is wanted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.orm import aliased

from licensing.money import Money
from model.licences import Product, Seat, Sku
from model.people import Role, RoleGrant
from model.reclaim import CampaignKind, CandidateState, ReclaimCampaign, ReclaimCandidate
from workflows.reads.facts import Who
from workflows.reads.people import people
from workflows.reads.prices import prices


@dataclass(frozen=True)
class StillNeededFacts:
    """One seat whose holder is asked; `looks` is whoever looks at it when nobody answers."""

    id: int
    version: int
    state: CandidateState
    kind: CampaignKind
    product: str
    product_id: int
    holder: Who
    manager: Who | None
    sentence: str  # the verdict with source and age; days of use are for the holder's eyes
    verdict: str  # idle, little_used, active, unknown
    short: str  # why it is listed, without a day: for the manager
    rule: str
    lost: str  # what stops when it goes
    monthly: Money | None
    answer_by: date | None
    looks: Who | None
    asked_at: datetime | None
    reminded_at: datetime | None
    snoozed_until: date | None
    answer: str
    answer_words: str
    answered_at: datetime | None
    ask_again_on: date | None
    words: str
    begun_on: date  # the day the holders were first asked; the limit of "later" counts from it
    take_on: date | None = None  # confirmed: not taken before this day
    instead: str = ""  # the smaller licence that its holder gets in the same step


def still_needed(connection: Connection, ids: Collection[int], now: datetime) -> dict[int, StillNeededFacts]:
    """Candidates by id; a fixed number of queries."""
    smaller, smaller_of = aliased(Sku), aliased(Product)
    rows = connection.execute(
        select(
            *ReclaimCandidate.__table__.c,
            ReclaimCampaign.kind,
            ReclaimCampaign.begun_at,
            ReclaimCampaign.planned_at,
            Product.name.label("product"),
            Product.lost_on_return,
            Product.owner_id,
            Seat.sku_id,
            func.coalesce(func.nullif(smaller.tier, ""), smaller_of.name).label("instead"),
        )
        .join(ReclaimCampaign, ReclaimCampaign.id == ReclaimCandidate.campaign_id)
        .join(Product, Product.id == ReclaimCandidate.product_id)
        .join(Seat, Seat.id == ReclaimCandidate.seat_id)
        .outerjoin(smaller, smaller.id == ReclaimCampaign.to_sku_id)
        .outerjoin(smaller_of, smaller_of.id == smaller.product_id)
        .where(ReclaimCandidate.id.in_(ids))
    ).all()
    if not rows:
        return {}
    watcher = _licence_manager(connection, now)
    wanted = [one for row in rows for one in (row.person_id, row.manager_id, row.owner_id)]
    known = people(connection, [*wanted, watcher])
    price_of = prices(connection, {row.sku_id for row in rows}, now.date())
    found = {}
    for row in rows:
        yearly = price_of[row.sku_id].yearly
        found[row.id] = StillNeededFacts(
            id=row.id,
            version=row.version,
            state=CandidateState(row.state),
            kind=CampaignKind(row.kind),
            product=row.product,
            product_id=row.product_id,
            holder=known[row.person_id],
            manager=known.get(row.manager_id or 0),
            sentence=str((row.evidence or {}).get("sentence") or row.sentence),
            verdict=row.verdict,
            short=row.sentence,
            rule=row.rule,
            lost=row.lost_on_return,
            monthly=Money(yearly.amount / 12, yearly.currency).rounded() if yearly else None,
            answer_by=row.answer_by,
            looks=known.get(watcher or 0) or known.get(row.owner_id or 0),
            asked_at=row.asked_at,
            reminded_at=row.reminded_at,
            snoozed_until=row.snoozed_until,
            answer=row.answer,
            answer_words=row.answer_words,
            answered_at=row.answered_at,
            ask_again_on=row.ask_again_on,
            words=row.words,
            begun_on=(row.begun_at or row.planned_at).date(),
            take_on=row.take_on,
            instead=row.instead or "",
        )
    return found


def waiting_for(connection: Connection, person_id: int) -> list[int]:
    """Candidates that wait for this holder's answer, the one due first at the top."""
    rows = connection.execute(
        select(ReclaimCandidate.id)
        .where(
            ReclaimCandidate.person_id == person_id,
            ReclaimCandidate.state.in_([CandidateState.ASKED, CandidateState.UNANSWERED]),
        )
        .order_by(ReclaimCandidate.answer_by, ReclaimCandidate.id)
    ).scalars()
    return list(rows)


def _licence_manager(connection: Connection, now: datetime) -> int | None:
    return connection.execute(
        select(RoleGrant.person_id)
        .where(
            RoleGrant.role == Role.LICENCE_MANAGER,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
        .order_by(RoleGrant.began_at, RoleGrant.id)
        .limit(1)
    ).scalar()
