"""Which messages speak of red alerts: a card each, one for many, one a day for a person (rules §8, wording §2.11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select, update

from licensing.alerts import Cause, Costed, grouped
from model.alerts import AlertPlace, RedAlert
from model.people import Person
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.alerts.groups import lead
from workflows.alerts.red_alert import remember
from workflows.cards import CardKind
from workflows.effects import Effect, PublishHome, ShowCard
from workflows.rules import Rules
from workflows.titles_settled import looking

AN_HOUR = timedelta(hours=1)
#: One card for the night is not carried over to the next.
LONGEST_NIGHT = timedelta(hours=14)
#: The same cause within these days rewrites its old card; a later one is news.
SAME_CARD = timedelta(days=7)
_CARDS_LOOKED_AT = 50


def show_new(work: UnitOfWork, rules: Rules, alerts: Sequence[RedAlert], now: datetime) -> list[Effect]:
    """Cards for alerts that have just opened; those too many for the hour, or for the night, share one."""
    policy = rules.policy.alerts
    hours = policy.quiet()
    quiet = hours is not None and hours.holds(now)
    always = policy.quiet_hours.always if policy.quiet_hours is not None else ()
    costed = [Costed(one.id, Cause(one.cause), amount(one.figures), count(one.figures)) for one in alerts]
    singles, many = grouped(costed, _in_last_hour(work, now), policy.new_an_hour_at_most, quiet=quiet, always=always)
    by_id = {one.id: one for one in alerts}
    effects: list[Effect] = []
    for alert_id in singles:
        effects += _own_card(work, by_id[alert_id], cards.channel(policy.channel), now)
    if many:
        effects += _one_card(work, rules, [by_id[one] for one in many], cards.channel(policy.channel), quiet, now)
    return effects


def amount(figures: Any) -> Decimal | None:
    """What an alert may cost a year, of the first currency; None is unpriced."""
    risk = (figures or {}).get("at_risk") or {}
    return next((Decimal(str(one)) for one in risk.values()), None)


def count(figures: Any) -> int:
    """How many it is about."""
    known = figures or {}
    holders = int(known.get("devices") or 0) + int(known.get("people") or 0)
    return int(Decimal(str(known.get("short") or holders)))


def _in_last_hour(work: UnitOfWork, now: datetime) -> int:
    return work.connection.execute(
        select(func.count())
        .select_from(Card)
        .where(Card.kind == CardKind.ALERT, Card.generation == 1, Card.created_at > now - AN_HOUR)
    ).scalar_one()


def _own_card(work: UnitOfWork, alert: RedAlert, audience: str, now: datetime) -> list[Effect]:
    """A new card, or the one of the last time: the same cause again is never a second message within days."""
    if alert.follows_id is not None:
        moved = work.connection.execute(
            update(Card)
            .where(
                Card.kind == CardKind.ALERT,
                Card.subject_id == alert.follows_id,
                Card.audience == audience,
                Card.live,
                Card.created_at > now - SAME_CARD,
            )
            .values(subject_id=alert.id)
            .returning(Card.id)
        ).scalars()
        if found := list(moved):
            return [ShowCard(card_id) for card_id in found]
    return list(cards.new_card(work, CardKind.ALERT, alert.id, audience, now))


def _one_card(
    work: UnitOfWork, rules: Rules, alerts: Sequence[RedAlert], audience: str, quiet: bool, now: datetime
) -> list[Effect]:
    """The card of this hour or night takes them in, else a new one; one of them leads their one ticket."""
    window = LONGEST_NIGHT if quiet else AN_HOUR
    rows = work.connection.execute(
        select(Card.id, Card.facts)
        .where(Card.kind == CardKind.ALERTS, Card.audience == audience, Card.live, Card.created_at > now - window)
        .order_by(Card.id.desc())
    )
    found = next((row for row in rows if bool(row.facts.get("quiet")) is quiet), None)
    ids = [one.id for one in alerts]
    first = lead(work, rules, found.facts["alerts"] if found is not None else (), alerts)
    for one in alerts:
        remember(one, **{"with": first})
    work.session.flush()
    if found is not None:
        facts = {**found.facts, "alerts": [*found.facts["alerts"], *ids]}
        work.connection.execute(update(Card).where(Card.id == found.id).values(facts=facts))
        return [ShowCard(found.id)]
    facts = {"since": now.isoformat(), "alerts": ids, "quiet": quiet}
    return list(cards.new_card(work, CardKind.ALERTS, first, audience, now, facts=facts))


def changed(work: UnitOfWork, alert_ids: Iterable[int], now: datetime) -> list[Effect]:
    """Every message that speaks of these alerts, and the Home of those who look after them."""
    ids = sorted(set(alert_ids))
    if not ids:
        return []
    work.session.flush()
    found = set(
        work.connection.execute(
            select(Card.id).where(Card.kind == CardKind.ALERT, Card.subject_id.in_(ids), Card.live)
        ).scalars()
    )
    lists = work.connection.execute(
        select(Card.id, Card.facts)
        .where(Card.kind == CardKind.ALERTS, Card.live)
        .order_by(Card.id.desc())
        .limit(_CARDS_LOOKED_AT)
    )
    found |= {row.id for row in lists if set(ids) & set(row.facts.get("alerts", ()))}
    found |= set(_asked_cards(work.connection, ids))
    effects: list[Effect] = [ShowCard(card_id) for card_id in sorted(found)]
    return effects + [PublishHome(person_id) for person_id in looking(work, now)]


def _asked_cards(connection: Connection, alert_ids: Sequence[int]) -> list[int]:
    """Messages to people about places of these alerts."""
    places = connection.execute(
        select(AlertPlace.id, AlertPlace.person_id, Person.manager_id)
        .outerjoin(Person, Person.id == AlertPlace.person_id)
        .where(AlertPlace.alert_id.in_(alert_ids), AlertPlace.asked_at.is_not(None))
    ).all()
    if not places:
        return []
    asked = {one for row in places for one in (row.person_id, row.manager_id) if one is not None}
    audiences = {cards.person(one) for one in asked}
    wanted = {row.id for row in places}
    rows = connection.execute(
        select(Card.id, Card.facts).where(Card.kind == CardKind.FOUND, Card.audience.in_(audiences), Card.live)
    )
    return [row.id for row in rows if wanted & set(row.facts.get("places", ()))]


def spoken_of(work: UnitOfWork, alert_id: int) -> bool:
    """Whether a channel card shows this alert, its own or one of many."""
    own = select(Card.id).where(Card.kind == CardKind.ALERT, Card.subject_id == alert_id, Card.live).limit(1)
    if work.connection.execute(own).first() is not None:
        return True
    lists = work.connection.execute(
        select(Card.facts).where(Card.kind == CardKind.ALERTS, Card.live).order_by(Card.id.desc()).limit(200)
    ).scalars()
    return any(alert_id in facts.get("alerts", ()) for facts in lists)
