"""Differences as messages and lists show them: what, how much, whose, where they stand, what people said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, case, select

from licensing.money import Money, Sums
from licensing.reconciliation.facts import KINDS, Kind
from model.licences import Product
from model.renewals import ReconciliationLine, ReconciliationRun, Renewal
from model.requests import Card
from workflows.cards import CardKind
from workflows.reads.facts import Who
from workflows.reads.people import people

LIVE = ("open", "disputed", "asked")
STATES = {
    "open": "open",
    "disputed": "disputed",
    "asked": "procurement looks",
    "accepted": "right as it is",
    "gone": "agrees by now",
}


@dataclass(frozen=True)
class DifferenceFacts:
    """One difference. `money` None: how much is not known."""

    id: int
    version: int
    kind: Kind
    cause: str
    words: str
    state: str
    product: str
    registered: int | None
    vendor: int | None
    invoiced: int | None
    assigned: int | None
    money: Money | None
    owner: Who | None
    answer: str
    evidence: str
    answered_by: Who | None
    answered_at: datetime | None
    found_at: datetime
    seen_on: date

    @property
    def open(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True)
class DigestOfDifferences:
    """What one look found open, dearest first, and what was settled of the list since."""

    at: datetime
    before: str  # the renewal it was made for; "" for the month's
    rows: tuple[DifferenceFacts, ...]
    settled: int  # answered or gone since the look

    @property
    def money(self) -> Sums:
        """Both directions count: what was billed too much and what too little is in doubt alike."""
        return Sums.of(
            Money(abs(one.money.amount), one.money.currency) if one.money is not None else None for one in self.rows
        )


def differences(
    connection: Connection, ids: Collection[int] | None = None, states: Collection[str] = LIVE
) -> list[DifferenceFacts]:
    """By id, or all in these states; by kind as the rules list them, then the largest sums, in two queries."""
    order = case({kind.value: at for at, kind in enumerate(KINDS)}, value=ReconciliationLine.kind, else_=len(KINDS))
    query = (
        select(ReconciliationLine.__table__, Product.name.label("product"))
        .outerjoin(Product, Product.id == ReconciliationLine.product_id)
        .order_by(order, ReconciliationLine.id)
    )
    query = (
        query.where(ReconciliationLine.id.in_(ids))
        if ids is not None
        else query.where(ReconciliationLine.state.in_(states))
    )
    rows = connection.execute(query).all()
    known = people(connection, [one for row in rows for one in (row.owner_id, row.answered_by_id)])
    return [_facts(row, known) for row in rows]


def _facts(row: Row[Any], known: Mapping[int, Who]) -> DifferenceFacts:
    return DifferenceFacts(
        id=row.id,
        version=row.version,
        kind=Kind(row.kind),
        cause=row.cause,
        words=row.words,
        state=row.state,
        product=row.product or "",
        registered=row.registered,
        vendor=row.vendor,
        invoiced=row.invoiced,
        assigned=row.assigned,
        money=Money(row.amount, row.currency) if row.amount is not None and row.currency else None,
        owner=known.get(row.owner_id or 0),
        answer=row.answer,
        evidence=row.evidence,
        answered_by=known.get(row.answered_by_id or 0),
        answered_at=row.answered_at,
        found_at=row.found_at,
        seen_on=row.seen_on,
    )


def digest(connection: Connection, run_id: int, products: Collection[int] | None) -> DigestOfDifferences | None:
    """The list of one look as it stands now; of a renewal's products only where it was made for one."""
    run = connection.execute(
        select(ReconciliationRun.at, ReconciliationRun.counts, ReconciliationRun.renewal_id, Renewal.ends_on)
        .outerjoin(Renewal, Renewal.id == ReconciliationRun.renewal_id)
        .where(ReconciliationRun.id == run_id)
    ).one_or_none()
    if run is None:
        return None
    query = select(ReconciliationLine.id).where(
        ReconciliationLine.state.in_(LIVE), ReconciliationLine.found_at <= run.at
    )
    if products is not None:
        query = query.where(ReconciliationLine.product_id.in_(products))
    rows = differences(connection, list(connection.execute(query).scalars()))
    before = f"REN-{run.renewal_id}" if run.renewal_id is not None else ""
    return DigestOfDifferences(run.at, before, tuple(rows), max(0, int(run.counts.get("open", 0)) - len(rows)))


def digests_with(connection: Connection, line_id: int) -> list[int]:
    """Ids of the live messages that may list a difference: of the looks since it was found."""
    found = select(ReconciliationLine.found_at).where(ReconciliationLine.id == line_id).scalar_subquery()
    rows = connection.execute(
        select(Card.id)
        .join(ReconciliationRun, ReconciliationRun.id == Card.subject_id)
        .where(Card.kind == CardKind.RECONCILIATION, Card.live, ReconciliationRun.at >= found)
        .order_by(Card.id)
    )
    return list(rows.scalars())
