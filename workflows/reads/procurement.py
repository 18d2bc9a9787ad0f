"""Procurement's notices as messages show them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, select

from licensing.procurement import Notice
from model.renewals import ProcurementNotice


@dataclass(frozen=True)
class NoticeFacts:
    """One notice; `cleared_at` says since when it is so no more."""

    id: int
    kind: Notice
    words: str
    opened_at: datetime
    cleared_at: datetime | None


def notices(connection: Connection, ids: Collection[int] | None = None) -> list[NoticeFacts]:
    """By id, or all that stand; by kind, the most pressing first."""
    order = case({kind.value: at for at, kind in enumerate(Notice)}, value=ProcurementNotice.kind, else_=len(Notice))
    query = select(ProcurementNotice.__table__).order_by(order, ProcurementNotice.id)
    query = (
        query.where(ProcurementNotice.cleared_at.is_(None))
        if ids is None
        else query.where(ProcurementNotice.id.in_(ids))
    )
    return [
        NoticeFacts(row.id, Notice(row.kind), row.words, row.opened_at, row.cleared_at)
        for row in connection.execute(query)
    ]
