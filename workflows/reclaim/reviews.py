"""Access reviews on schedule: once a period every seat of the products that policy names is looked through (rules §7).

Whoever answers for a holder says keep or drop for each seat. A drop goes by the list that a person with the right
confirms, as all others do; without an answer the seat stays and the licence manager reads so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection, select

from model.licences import Product
from model.reclaim import CampaignKind, CampaignState, ReclaimCampaign
from model.session import UnitOfWork
from workflows.policy import Policy
from workflows.reclaim.asking import begin
from workflows.reclaim.campaign import LIVE, locked
from workflows.reclaim.held import NoHeldList
from workflows.reclaim.plan import AlreadyPlanned, plan
from workflows.reclaim.sources import Picture
from workflows.rules import Rules

RULE = "rule:review"
_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


@dataclass(frozen=True)
class Due:
    """A product whose review has not begun in this period; `campaign_id`: the rule's own dry run that waits."""

    product_id: int
    campaign_id: int | None
    replaces: bool = False  # a person's dry run of an earlier period holds the seats until it makes way

    @property
    def read_before(self) -> bool:
        """Whether the seats can be read before the transaction that plans it."""
        return self.campaign_id is None and not self.replaces


def period_began(every: str, today: date) -> date:
    """The first day of the month, quarter, half year or year; pure."""
    months = _MONTHS[every]
    return date(today.year, (today.month - 1) // months * months + 1, 1)


def due(connection: Connection, policy: Policy, now: datetime) -> list[Due]:
    """What to begin now, by product. One that a person planned or called off in this period counts as this one's.

    While a review still asks or waits for its list, the next one waits for its end.
    """
    settings = policy.reclaim.reviews
    if not settings.products:
        return []
    since = datetime.combine(period_began(settings.every, now.date()), time(), UTC)
    wanted = Product.key.in_(sorted(settings.products))
    rows = connection.execute(
        select(
            Product.id,
            ReclaimCampaign.id.label("campaign"),
            ReclaimCampaign.state,
            ReclaimCampaign.planned_by,
            ReclaimCampaign.planned_at,
        )
        .outerjoin(
            ReclaimCampaign,
            (ReclaimCampaign.product_id == Product.id)
            & (ReclaimCampaign.kind == CampaignKind.REVIEW)
            & (ReclaimCampaign.state.in_(LIVE) | (ReclaimCampaign.planned_at >= since)),
        )
        .where(wanted, Product.retired_at.is_(None))
        .order_by(Product.id, ReclaimCampaign.id)
    )
    found = []
    for row in {row.id: row for row in rows}.values():  # the newest of each
        forgotten = row.state == CampaignState.DRY_RUN and row.planned_by != RULE and row.planned_at < since
        if row.campaign is None or forgotten:
            found.append(Due(row.id, None, forgotten))
        elif row.state == CampaignState.DRY_RUN and row.planned_by == RULE:
            found.append(Due(row.id, row.campaign))  # it lacked the list of held mailboxes; perhaps it has come
    return found


def start(work: UnitOfWork, rules: Rules, one: Due, picture: Picture | None, now: datetime) -> int | None:
    """Plan and begin it; None when somebody was first, or it stays a dry run that says what is missing.

    `picture`: the seats as they were read before, where `Due.read_before`.
    """
    try:
        if one.campaign_id is not None:
            row = locked(work, one.campaign_id)
            if row.state != CampaignState.DRY_RUN or row.planned_by != RULE:
                return None
        else:
            row = plan(work, rules, one.product_id, CampaignKind.REVIEW, RULE, now, picture=picture)
        begin(work, rules, row.id, None, now)
    except (AlreadyPlanned, NoHeldList):
        return None
    return row.id
