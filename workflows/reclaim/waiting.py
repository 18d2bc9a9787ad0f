"""A request that waits for a seat asks the idlest holders by itself (rules §5): a small campaign that names it.

The same confirmation as always stands between an answer and a removal; a freed seat goes to the queue.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from model.licences import Product
from model.reclaim import CampaignKind, CampaignState, ReclaimCampaign
from model.requests import LicenceRequest, LineState, RequestLine, Status
from model.session import UnitOfWork
from workflows.reclaim.asking import begin
from workflows.reclaim.campaign import LIVE, locked
from workflows.reclaim.held import NoHeldList
from workflows.reclaim.plan import plan
from workflows.reclaim.sources import Picture, looked_at
from workflows.rules import Rules

RULE = "rule:waiting"


def wanted(connection: Connection) -> dict[int, int]:
    """By product with a queue: the request that waits longest."""
    rows = connection.execute(
        select(LicenceRequest.product_id, LicenceRequest.id)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .join(Product, Product.id == LicenceRequest.product_id)
        .where(
            RequestLine.state == LineState.QUEUED,
            LicenceRequest.status.in_([Status.WAITING_FOR_SEAT, Status.FULFILLING]),
            Product.retired_at.is_(None),
        )
        .order_by(LicenceRequest.product_id, LicenceRequest.queued_at, LicenceRequest.id)
    ).tuples()
    first: dict[int, int] = {}
    for product_id, request_id in rows:
        if product_id is not None:
            first.setdefault(product_id, request_id)
    return first


def under_way(connection: Connection, product_id: int, request_id: int) -> ReclaimCampaign | None:
    """The campaign that asks for the product's idle seats already, or asked for this request."""
    row = connection.execute(
        select(*ReclaimCampaign.__table__.c)
        .where(
            ReclaimCampaign.product_id == product_id,
            ReclaimCampaign.kind == CampaignKind.IDLE,
            (ReclaimCampaign.state.in_(LIVE)) | (ReclaimCampaign.request_id == request_id),
        )
        .order_by(ReclaimCampaign.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else ReclaimCampaign(**row._mapping)


def look(work: UnitOfWork, rules: Rules, now: datetime) -> list[int]:
    """Ask holders for every product with a queue and no campaign under way; returns the campaigns begun.

    One per product. A dry run that a person planned is left to them.
    """
    begun = [ask_for(work, rules, *one, now) for one in wanted(work.connection).items()]
    return [one for one in begun if one is not None]


def ask_for(
    work: UnitOfWork, rules: Rules, product_id: int, request_id: int, now: datetime, picture: Picture | None = None
) -> int | None:
    """Ask the idlest holders for one waiting request, once; None when a campaign is there already or nobody is idle.

    `picture`: the seats as they were read before, as `plan` takes them.
    """
    known = under_way(work.connection, product_id, request_id)
    if known is None:
        if picture is None:
            picture = looked_at(work.connection, rules.policy, product_id, CampaignKind.IDLE, now)
        if not picture.found:
            return None  # the next round looks again
        row = plan(work, rules, product_id, CampaignKind.IDLE, RULE, now, request_id=request_id, picture=picture)
    elif known.state == CampaignState.DRY_RUN and known.planned_by == RULE:
        row = locked(work, known.id)  # it lacked the list of held mailboxes; perhaps somebody stated it since
    else:
        return None
    try:
        begin(work, rules, row.id, None, now)
    except NoHeldList:
        return None  # it stays a dry run that says what is missing
    return row.id if row.state == CampaignState.ASKING else None
