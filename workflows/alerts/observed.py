"""What sources in observe would have sent: counted, shown, never sent (rules §3). Accepting is `inventory_sources`."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from model.alerts import InventorySource, SourceState
from model.inventory import Title
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.alerts.causes import picture
from workflows.alerts.seen import Picture, Would
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard
from workflows.policy import Policy
from workflows.reads.names import UNDECIDED, unsettled_count

#: Names that nobody settles are told of again after so long, when none came since.
NAMES_AGAIN = timedelta(weeks=4)
#: A week's card comes once, whenever the week's turn begins.
SAME_WEEK = timedelta(days=6)


def counts(would: Would) -> dict[str, int]:
    """As stored with a card and printed."""
    return {"alerts": len(would.alerts), "tickets": would.tickets, "questions": len(would.people)}


def would_have_sent(connection: Connection, policy: Policy, source: str, now: datetime) -> dict[str, int]:
    """Alerts, tickets and questions that one source would have led to until now; zeros once it is accepted."""
    return counts(picture(connection, policy, None, now).would.get(source, Would()))


def show_observed(work: UnitOfWork, seen: Picture, now: datetime) -> list[Effect]:
    """One card for each source in observe, to #licences, renewed where its counts changed."""
    effects: list[Effect] = []
    rows = work.connection.execute(
        select(InventorySource.id, InventorySource.name)
        .where(InventorySource.state == SourceState.OBSERVE)
        .order_by(InventorySource.id)
    ).all()
    audience = cards.channel("licences")
    for row in rows:
        facts = counts(seen.would.get(row.name, Would()))
        card = work.connection.execute(
            select(Card.id, Card.facts)
            .where(
                Card.kind == CardKind.OBSERVE,
                Card.subject_id == row.id,
                Card.audience == audience,
                Card.live,
            )
            .order_by(Card.generation.desc())
            .limit(1)
        ).one_or_none()
        if card is None or "accepted" in card.facts:
            effects += cards.new_card(work, CardKind.OBSERVE, row.id, audience, now, facts=facts)
            continue
        work.connection.execute(update(Card).where(Card.id == card.id).values(facts=facts))
        effects.append(ShowCard(card.id))
    return effects


def weekly_names(work: UnitOfWork, now: datetime) -> list[Effect]:
    """One card a week with the names to settle, to #licences, when one came since the last; else after four weeks.

    The earlier card has the button still, and Home the number: the same list again says nothing.
    """
    if not unsettled_count(work.connection):
        return []
    audience = cards.channel("licences")
    last = work.connection.execute(
        select(func.max(Card.created_at)).where(Card.kind == CardKind.NAMES, Card.audience == audience)
    ).scalar()
    if last is not None and now - last < NAMES_AGAIN:
        fresh = work.connection.execute(select(func.max(Title.first_seen_at)).where(UNDECIDED)).scalar()
        if now - last < SAME_WEEK or fresh is None or fresh <= last:
            return []
    year, week, _ = now.isocalendar()
    return list(cards.new_card(work, CardKind.NAMES, year * 100 + week, audience, now))
