"""The register of exceptions as days pass: asked again before the end, ended on it (rules §1, wording §2.11)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from licensing.alerts import Tolerated
from licensing.words import day, isolate
from model.alerts import ExceptionGrant, RedAlert
from model.events import Happened, Tag
from model.licences import Product
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect
from workflows.replies import About, Said
from workflows.rules import Rules


def due(work: UnitOfWork, rules: Rules, now: datetime) -> list[Effect]:
    """Tell owners whose exception ends soon, once, and end those whose last day is over.

    An alert that an ended exception kept silent opens at the next look: the cause is read anew first.
    """
    today = now.date()
    ahead = today + timedelta(days=rules.policy.alerts.exception_asked_again_days)
    effects: list[Effect] = []
    soon = work.session.execute(
        select(ExceptionGrant)
        .where(
            ExceptionGrant.ended_at.is_(None),
            ExceptionGrant.asked_again_at.is_(None),
            ExceptionGrant.ends_on >= today,
            ExceptionGrant.ends_on <= ahead,
        )
        .order_by(ExceptionGrant.id)
        .with_for_update()
    ).scalars()
    for grant in soon:
        effects += _ask_again(work, grant, now)
    over = work.session.execute(
        select(ExceptionGrant)
        .where(ExceptionGrant.ended_at.is_(None), ExceptionGrant.ends_on < today)
        .order_by(ExceptionGrant.id)
        .with_for_update()
    ).scalars()
    for grant in over:
        grant.ended_at = now
        facts = {"alert": grant.alert_id, "ended_on": grant.ends_on}
        work.record([Happened(Tag.ALERT_EXCEPTION_ENDED, "clock", f"exception:{grant.id}", facts)], now)
    work.session.flush()
    return effects


def _ask_again(work: UnitOfWork, grant: ExceptionGrant, now: datetime) -> list[Effect]:
    grant.asked_again_at = now
    facts = {"alert": grant.alert_id, "ends_on": grant.ends_on}
    (event_id,) = work.record([Happened(Tag.ALERT_EXCEPTION_ENDS, "clock", f"exception:{grant.id}", facts)], now)
    product = work.session.get(Product, grant.product_id) if grant.product_id is not None else None
    name = isolate(product.name) if product is not None else "the software"
    said = Said(
        About.TEXT,
        text=f"The exception for {name} ends on {day(grant.ends_on)}. Is it still needed? "
        "Without a new one the red alert opens again the day after.",
    )
    return list(cards.new_card(work, CardKind.NOTE, event_id, cards.person(grant.owner_id), now, facts=said.facts()))


def grants_for(work: UnitOfWork, alert: RedAlert, today: date) -> list[ExceptionGrant]:
    """Exceptions that may hold for this cause, the oldest first: of this alert or an earlier one with its key."""
    same = select(RedAlert.id).where(RedAlert.key == alert.key)
    rows = work.session.execute(
        select(ExceptionGrant)
        .where(
            ExceptionGrant.alert_id.in_(same),
            ExceptionGrant.ended_at.is_(None),
            ExceptionGrant.ends_on >= today,
        )
        .order_by(ExceptionGrant.id)
    ).scalars()
    return list(rows)


def as_rule(grant: ExceptionGrant) -> Tolerated:
    return Tolerated(grant.ends_on, frozenset(grant.devices or ()), grant.department)
