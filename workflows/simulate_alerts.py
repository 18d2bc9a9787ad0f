"""Red alerts of the last month under another policy, against the one in force (rules §5: simulated before activated).

Two sets are compared: alerts that were raised since a day, from the figures they were last seen with, and what the
register would raise today, where a proposed rule finds causes that no alert was ever raised for. Both policies judge
the same facts, so that a difference comes from the policy and from nothing else. Exceptions hold under both. A closed
alert about a product that was not allowed does not tell what was bought of it: without the ban none is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from licensing import alert_changes
from licensing.alert_changes import Compared, Outcome, Stance
from licensing.alerts import Cause, KeySeen, Standing
from model.alerts import AlertPlace, AlertState, RedAlert
from model.licences import Product
from model.people import Person
from workflows.alerts.causes import picture
from workflows.alerts.red_alert import reference
from workflows.alerts.seen import Found
from workflows.policy import Policy

A_MONTH = timedelta(days=30)
NOT_YET = "today"


@dataclass(frozen=True)
class AlertDifference:
    """A cause that two policies treat differently. `reference` is the alert's, or "today" where there is none yet."""

    reference: str
    product: str
    then: Outcome
    now: Outcome


@dataclass
class AlertSimulation:
    """Iterate over it for the differences; `compared` is complete when the iteration is."""

    connection: Connection
    in_force: Policy
    policy: Policy
    now: datetime
    since: date | None = None
    compared: Compared = field(default_factory=Compared)

    def __iter__(self) -> Iterator[AlertDifference]:
        before = picture(self.connection, self.in_force, None, self.now).found
        after = picture(self.connection, self.policy, None, self.now).found
        known: set[str] = set()
        for row in _past(self.connection, self.since or (self.now - A_MONTH).date()):
            if row.closed_at is None and (row.key in before or row.key in after):
                then, now = _seen(before.get(row.key), self.in_force), _seen(after.get(row.key), self.policy)
            else:
                then, now = _outcome(row, self.in_force), _outcome(row, self.policy)
            known |= {row.key, then.key, now.key}
            name = row.name or str((row.figures or {}).get("name") or "Software")
            yield from self._pair(reference(row.id), name, then, now)
        for key in sorted((before.keys() | after.keys()) - known):
            found = before.get(key) or after[key]
            then, now = _seen(before.get(key), self.in_force), _seen(after.get(key), self.policy)
            yield from self._pair(NOT_YET, found.product, then, now)

    def _pair(self, what: str, product: str, then: Outcome, now: Outcome) -> Iterator[AlertDifference]:
        if then.cause is None and now.cause is None:
            return
        if self.compared.add(then, now):
            yield AlertDifference(what, product, then, now)


def stance(policy: Policy) -> Stance:
    """What a policy says of alerts, as the pure comparison wants it."""
    alerts = policy.alerts
    return Stance(
        alerts.limits(),
        frozenset(cause for cause in Cause if alerts.ask_people.of(cause.value) == "by_itself"),
        alerts.ask_people.people_at_most,
        frozenset(cause for cause in Cause if alerts.tickets.of(cause.value).open),
    )


def _past(connection: Connection, since: date) -> list[Row[Any]]:
    """Alerts that were on somebody's table since a day, with how many people they were about; one query."""
    people = (
        select(AlertPlace.alert_id, func.count(AlertPlace.person_id.distinct()).label("people"))
        .join(Person, Person.id == AlertPlace.person_id)
        .where(Person.active)
        .group_by(AlertPlace.alert_id)
        .subquery()
    )
    began = datetime(since.year, since.month, since.day, tzinfo=UTC)
    query = (
        select(
            RedAlert.id,
            RedAlert.key,
            RedAlert.cause,
            RedAlert.product_id,
            RedAlert.sku_id,
            RedAlert.metric,
            RedAlert.figures,
            RedAlert.closed_at,
            Product.key.label("product_key"),
            Product.name,
            Product.licence_model,
            Product.provisional,
            func.coalesce(people.c.people, 0).label("people"),
        )
        .outerjoin(Product, Product.id == RedAlert.product_id)
        .outerjoin(people, people.c.alert_id == RedAlert.id)
        .where(
            RedAlert.opened_at.is_not(None),
            RedAlert.state != AlertState.WATCHING,
            or_(RedAlert.closed_at.is_(None), RedAlert.closed_at >= began),
        )
        .order_by(RedAlert.id)
    )
    return list(connection.execute(query).all())


def _outcome(row: Row[Any], policy: Policy) -> Outcome:
    return alert_changes.of(_standing(row, policy), row.people, stance(policy))


def _standing(row: Row[Any], policy: Policy) -> Standing | KeySeen:
    """What the alert was raised of, with the words of this policy for a product that is banned or restricted."""
    figures = dict(row.figures or {})
    if row.cause == Cause.DUPLICATE_ACTIVATION.value:
        fingerprint = str(row.key).removeprefix("key:")
        devices, allowed = int(figures.get("devices") or 0), int(figures.get("allowed") or 0)
        return KeySeen(fingerprint, str(figures.get("last_five", "")), row.product_id, devices, allowed)
    bought, in_use = _number(figures, "bought"), _number(figures, "in_use")
    short = _number(figures, "short")
    if short is None and bought is not None and in_use is not None:
        short = max(Decimal(0), in_use - bought)
    free = _number(figures, "free")
    if free is None and bought is not None and in_use is not None:
        free = max(Decimal(0), bought - in_use)
    ended = figures.get("ended_on")
    ban = policy.not_allowed_for(row.product_key or "", row.name or "")
    restricted = policy.product(row.product_key).restricted if row.product_key else None
    return Standing(
        row.product_id or 0,
        row.metric,
        row.sku_id,
        bought=bought,
        in_use=in_use,
        free=free,
        short=short,
        bought_ever=row.cause != Cause.UNAUTHORISED.value or bool(bought),
        ended_on=date.fromisoformat(str(ended)) if ended else None,
        needs_licence=row.licence_model == "paid" and not row.provisional,
        devices=int(figures.get("devices") or 0),
        banned=f"not allowed, {ban.because}" if ban is not None else "",
        restricted="restricted" if restricted is not None else "",
    )


def _number(figures: dict[str, Any], name: str) -> Decimal | None:
    value = figures.get(name)
    return None if value is None else Decimal(str(value))


def _seen(found: Found | None, policy: Policy) -> Outcome:
    if found is None:
        return Outcome()
    people = {place.person_id for place in found.places if place.person_id is not None}
    return alert_changes.raised(found.wanted.cause, found.wanted.key, len(people), stance(policy))
