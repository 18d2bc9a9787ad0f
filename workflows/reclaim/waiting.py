"""A request that waits for a seat asks the idlest holders by itself (rules §5): a small campaign that names it.

The same confirmation as always stands between an answer and a removal; a freed seat goes to the queue.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from model.licences import Product
from model.reclaim import CampaignKind, CampaignState, ReclaimCampaign, ReclaimCandidate
from model.requests import LicenceRequest, LineState, RequestLine, Status
from model.session import UnitOfWork
from workflows.reclaim.asking import begin
from workflows.reclaim.campaign import LIVE, Verb, locked, move
from workflows.reclaim.held import NoHeldList
from workflows.reclaim.plan import plan
from workflows.rules import Rules

RULE = "rule:waiting"


def look(work: UnitOfWork, rules: Rules, now: datetime) -> list[int]:
    """Ask holders for every product with a queue and no campaign under way; returns the campaigns begun.

    One per product: the request that waits longest is named. A dry run that a person planned is left to them.
    """
    rows = work.connection.execute(
        select(LicenceRequest.product_id, LicenceRequest.id)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .join(Product, Product.id == LicenceRequest.product_id)
        .where(
            RequestLine.state == LineState.QUEUED,
            LicenceRequest.status.in_([Status.WAITING_FOR_SEAT, Status.FULFILLING]),
            Product.retired_at.is_(None),
        )
        .order_by(LicenceRequest.product_id, LicenceRequest.queued_at, LicenceRequest.id)
    ).all()
    first: dict[int, int] = {}
    for product_id, request_id in rows:
        first.setdefault(product_id, request_id)
    begun = [ask_for(work, rules, product_id, request_id, now) for product_id, request_id in first.items()]
    return [one for one in begun if one is not None]


def ask_for(work: UnitOfWork, rules: Rules, product_id: int, request_id: int, now: datetime) -> int | None:
    """Ask the idlest holders for one waiting request, once; None when a campaign is there already or nobody is idle."""
    known = work.session.execute(
        select(ReclaimCampaign)
        .where(
            ReclaimCampaign.product_id == product_id,
            ReclaimCampaign.kind == CampaignKind.IDLE,
            (ReclaimCampaign.state.in_(LIVE)) | (ReclaimCampaign.request_id == request_id),
        )
        .order_by(ReclaimCampaign.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if known is None:
        row = plan(work, rules, product_id, CampaignKind.IDLE, RULE, now, request_id=request_id)
    elif known.state == CampaignState.DRY_RUN and known.planned_by == RULE:
        row = known  # it lacked the list of held mailboxes; perhaps somebody stated it since
    else:
        return None
    listed = select(ReclaimCandidate.id).where(ReclaimCandidate.campaign_id == row.id).limit(1)
    if work.connection.execute(listed).first() is None:
        move(work, locked(work, row.id), Verb.FINISH, RULE, now)
        return None
    try:
        begin(work, rules, row.id, None, now)
    except NoHeldList:
        return None  # it stays a dry run that says what is missing
    return row.id if row.state == CampaignState.ASKING else None
