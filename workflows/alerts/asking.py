"""Who is asked about software on their device: by itself where policy says so, else at a press (rules §2, §8).

A device without a sure person asks nobody. A person gets one message a day about software; it lists all of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from licensing.alerts import Cause, Where, covers
from licensing.business_time import zone_of
from model.alerts import AlertPlace, AlertState, RedAlert
from model.events import Happened, Tag
from model.people import Person
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.alerts.exceptions import as_rule, grants_for
from workflows.alerts.red_alert import Verb, move
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.quiet import LONGEST_WAIT
from workflows.rules import Rules

BY_POLICY = "policy"
#: States in which an answer still helps whoever has the alert.
_OPEN = (AlertState.OPEN, AlertState.TAKEN)
_UNASKED = (AlertPlace.gone_at.is_(None), AlertPlace.asked_at.is_(None), Person.active)


def to_ask(work: UnitOfWork, alert_id: int) -> list[AlertPlace]:
    """Places with a person who has not been asked yet."""
    rows = work.session.execute(
        select(AlertPlace)
        .join(Person, Person.id == AlertPlace.person_id)
        .where(AlertPlace.alert_id == alert_id, *_UNASKED)
        .order_by(AlertPlace.person_id, AlertPlace.id)
    ).scalars()
    return list(rows)


def ask(work: UnitOfWork, alert: RedAlert, asked: Sequence[AlertPlace], actor: str, now: datetime) -> list[Effect]:
    """Ask the people of these places, each in private; the alert is locked by the caller. Raises IllegalMove."""
    by_person: dict[int, list[AlertPlace]] = defaultdict(list)
    for place in asked:
        if place.person_id is not None:
            by_person[place.person_id].append(place)
    move(work, alert, Verb.ASK, actor, now, facts={"people": len(by_person), "places": len(asked)})
    effects: list[Effect] = []
    for person_id, own in sorted(by_person.items()):
        for place in own:
            place.asked_at = now
        work.session.flush()
        effects += _found_card(work, person_id, [place.id for place in own], now)
    return effects


def by_itself(
    work: UnitOfWork, rules: Rules, product_ids: Collection[int] | None, now: datetime
) -> tuple[list[int], list[Effect]]:
    """Ask about what policy lets ask without a press; alerts of more people than it allows are left to a press.

    `product_ids` None: all products. Alerts in question are locked by the caller. Returns the alerts that asked.
    """
    policy = rules.policy.alerts.ask_people
    causes = [cause.value for cause in Cause if policy.of(cause.value) == "by_itself"]
    query = (
        select(AlertPlace, RedAlert)
        .join(RedAlert, RedAlert.id == AlertPlace.alert_id)
        .join(Person, Person.id == AlertPlace.person_id)
        .where(RedAlert.state.in_(_OPEN), RedAlert.cause.in_(causes), *_UNASKED)
        .order_by(RedAlert.id, AlertPlace.person_id, AlertPlace.id)
    )
    if product_ids is not None:
        query = query.where(RedAlert.product_id.in_(product_ids))
    work.session.flush()
    alerts: dict[int, RedAlert] = {}
    places: dict[int, list[AlertPlace]] = defaultdict(list)
    for place, alert in work.session.execute(query):
        alerts[alert.id] = alert
        places[alert.id].append(place)
    if not alerts:
        return [], []
    many = _with_more_people(work, alerts, policy.people_at_most)
    touched: list[int] = []
    effects: list[Effect] = []
    for alert_id, alert in alerts.items():
        asked = [] if alert_id in many else _not_tolerated(work, alert, places[alert_id], now)
        if asked:
            effects += ask(work, alert, asked, BY_POLICY, now)
            touched.append(alert_id)
    return touched, effects


def _with_more_people(work: UnitOfWork, alert_ids: Iterable[int], at_most: int) -> set[int]:
    """A title on half the company's devices is a matter for IT before it is one for each person."""
    rows = work.connection.execute(
        select(AlertPlace.alert_id)
        .where(AlertPlace.alert_id.in_(list(alert_ids)), AlertPlace.gone_at.is_(None))
        .group_by(AlertPlace.alert_id)
        .having(func.count(AlertPlace.person_id.distinct()) > at_most)
    )
    return set(rows.scalars())


def _not_tolerated(
    work: UnitOfWork, alert: RedAlert, asked: Sequence[AlertPlace], now: datetime
) -> Sequence[AlertPlace]:
    """Without the devices an exception speaks of: nobody is asked about what was granted."""
    grants = [as_rule(one) for one in grants_for(work, alert, now.date())]
    if not grants:
        return asked
    known = work.connection.execute(
        select(Person.id, Person.department).where(Person.id.in_([one.person_id for one in asked]))
    )
    departments = {row.id: row.department for row in known}

    def tolerated(place: AlertPlace) -> bool:
        where = Where(place.device_id, departments.get(place.person_id or 0) or "")
        return any(covers(grant, where) for grant in grants)

    return [place for place in asked if not tolerated(place)]


def _found_card(work: UnitOfWork, person_id: int, place_ids: list[int], now: datetime) -> list[Effect]:
    """A message that was not sent yet, or came today, takes more in; else there is a new one.

    What went by mail cannot be rewritten: the next one waits for its day (`quiet`).
    """
    zone = zone_of(work.session.get_one(Person, person_id).time_zone)
    midnight = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    audience = cards.person(person_id)
    open_still = or_(
        Card.created_at >= midnight,
        Card.posted_at >= midnight,
        and_(Card.posted_at.is_(None), Card.created_at >= now - LONGEST_WAIT),
    )
    card = work.connection.execute(
        select(Card.id, Card.facts, Card.ts)
        .where(Card.kind == CardKind.FOUND, Card.audience == audience, Card.live, Card.by_mail_at.is_(None), open_still)
        .order_by(Card.id.desc())
        .limit(1)
    ).one_or_none()
    if card is None or (card.ts is None and not _asks(work, card.facts)):
        return list(cards.new_card(work, CardKind.FOUND, place_ids[0], audience, now, facts={"places": place_ids}))
    facts = {**card.facts, "places": list(dict.fromkeys([*card.facts["places"], *place_ids]))}
    work.connection.execute(update(Card).where(Card.id == card.id).values(facts=facts))
    return [ShowCard(card.id)]


def _asks(work: UnitOfWork, facts: Mapping[str, Any]) -> bool:
    """Whether a message that was not sent still has something to ask; else it is never sent, and nobody reads it."""
    still = select(AlertPlace.id).where(
        AlertPlace.id.in_([int(one) for one in facts.get("places", ())]),
        AlertPlace.answer == "",
        AlertPlace.gone_at.is_(None),
    )
    return work.connection.execute(still.limit(1)).first() is not None


def asked_instead(connection: Connection, place_id: int, person_id: int) -> bool:
    """Whether somebody was asked about a place of another person, who cannot be reached."""
    rows = connection.execute(
        select(Card.facts).where(Card.kind == CardKind.FOUND, Card.audience == cards.person(person_id), Card.live)
    ).scalars()
    return any(place_id in facts.get("places", ()) for facts in rows)


def ask_manager(work: UnitOfWork, card_id: int, now: datetime) -> bool:
    """A person without Slack and without mail: their manager is asked the same, once (rules §10).

    False where nobody can be: no manager, or this message stands in for somebody already. The caller commits.
    """
    card = work.session.get_one(Card, card_id, with_for_update=True, populate_existing=True)
    person_id = int(card.audience.partition(":")[2])
    manager = work.session.get(Person, work.session.get_one(Person, person_id).manager_id or 0)
    places = work.session.execute(
        select(AlertPlace)
        .join(RedAlert, RedAlert.id == AlertPlace.alert_id)
        .where(
            AlertPlace.id.in_([int(one) for one in card.facts.get("places", ())]),
            AlertPlace.person_id == person_id,
            AlertPlace.answer == "",
            AlertPlace.gone_at.is_(None),
            RedAlert.state.in_(_OPEN),
        )
        .order_by(AlertPlace.id)
    ).scalars()
    own = list(places)
    if manager is None or not manager.active or not own:
        return False
    card.live = False  # nobody will read it; what comes later is a message of its own
    for alert_id in sorted({place.alert_id for place in own}):
        facts = {"people": 1, "instead_of": person_id, "places": sum(one.alert_id == alert_id for one in own)}
        work.record([Happened(Tag.ALERT_ASKED, BY_POLICY, f"alert:{alert_id}", facts)], now)
    enqueue(work, _found_card(work, manager.id, [place.id for place in own], now), now)
    return True
