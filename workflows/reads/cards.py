"""Which messages speak of a row, so that all of them can be brought in line."""

from __future__ import annotations

from sqlalchemy import Connection, select

from model.requests import Card
from workflows.cards import CardKind


def cards_about(connection: Connection, kind: CardKind, subject_id: int) -> list[int]:
    """Ids of the live cards of one matter."""
    rows = connection.execute(
        select(Card.id).where(Card.kind == kind, Card.subject_id == subject_id, Card.live).order_by(Card.id)
    )
    return list(rows.scalars())
