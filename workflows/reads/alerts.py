"""What the messages about red alerts show: figures as last seen, people counted, the record; who, for the entitled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from model.alerts import AlertPlace, AlertState, Cause, ExceptionGrant, InventorySource, RedAlert, SourceState
from model.inventory import Installation, Title
from model.licences import Product
from model.people import Device, Person
from model.tickets import Ticket, TicketPurpose
from workflows.alerts.red_alert import LIVE
from workflows.policy import Policy
from workflows.reads.facts import Who
from workflows.reads.people import people

MOST_TITLES = 50


@dataclass(frozen=True)
class TicketFacts:
    """Their record, as last read."""

    number: str  # "" until it is opened
    state: str
    table: str
    sys_id: str


@dataclass(frozen=True)
class AlertFacts:
    """One alert for a channel: it counts people and names none but whoever has it."""

    id: int
    version: int
    cause: Cause
    state: AlertState
    product: str
    product_id: int | None
    figures: Mapping[str, Any]
    rule: str
    first_seen_at: datetime
    last_seen_at: datetime
    devices: int
    departments: tuple[str, ...]
    sites: tuple[str, ...]
    to_ask: int  # people who can still be asked
    asked: int
    answered: int
    ticket: TicketFacts | None
    taken_by: Who | None
    taken_at: datetime | None
    exception_until: date | None
    exception_by: Who | None
    closed_at: datetime | None
    own: Mapping[str, Any]

    @property
    def reference(self) -> str:
        return f"ALERT-{self.id}"

    @property
    def at_risk(self) -> Mapping[str, str] | None:
        found: Mapping[str, str] | None = self.figures.get("at_risk")
        return found


@dataclass(frozen=True)
class PlaceFacts:
    """One question to a person."""

    id: int
    alert_id: int
    product: str
    product_id: int | None
    cause: Cause
    banned: bool
    device: str
    kind: str
    asked_at: datetime | None
    answer: str
    words: str
    remove_by: date | None
    gone_at: datetime | None
    closed: bool
    excepted: bool
    of: Who | None = None  # whose device it is, for a reader who is asked in their place

    @property
    def open(self) -> bool:
        return not (self.answer or self.gone_at or self.closed or self.excepted)


@dataclass(frozen=True)
class FoundFacts:
    """What one message asks one person."""

    places: tuple[PlaceFacts, ...]
    contact: Who | None  # whoever has the first alert
    answer_by: date
    guide: str


@dataclass(frozen=True)
class ObserveFacts:
    """A source that is watched only, or was accepted."""

    id: int
    name: str
    since: datetime
    words: str
    accepted_by: Who | None
    accepted_at: datetime | None
    installations: int
    short: int = 0  # shortfalls adopted with the baseline: one list to work off


def alerts(connection: Connection, ids: Collection[int]) -> dict[int, AlertFacts]:
    """Facts by id; a fixed number of queries."""
    rows = connection.execute(select(*RedAlert.__table__.c).where(RedAlert.id.in_(ids))).all()
    if not rows:
        return {}
    places = _places(connection, [row.id for row in rows])
    heads = {row.id: int(((row.figures or {}).get("own") or {}).get("with", row.id)) for row in rows}
    tickets = _tickets(connection, set(heads.values()) | set(heads))
    grants = {
        row.id: row
        for row in connection.execute(
            select(ExceptionGrant.id, ExceptionGrant.ends_on, ExceptionGrant.granted_by_id).where(
                ExceptionGrant.id.in_([row.exception_id for row in rows if row.exception_id])
            )
        )
    }
    known = people(connection, [row.taken_by_id for row in rows] + [one.granted_by_id for one in grants.values()])
    found = {}
    for row in rows:
        here = [one for one in places[row.id] if one.gone_at is None]
        grant = grants.get(row.exception_id or 0)
        figures = dict(row.figures or {})
        found[row.id] = AlertFacts(
            id=row.id,
            version=row.version,
            cause=Cause(row.cause),
            state=AlertState(row.state),
            product=str(figures.get("name") or "Software"),
            product_id=row.product_id,
            figures={name: value for name, value in figures.items() if name != "own"},
            rule=row.rule,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            devices=len(here),
            departments=tuple(sorted({one.department for one in here if one.department})),
            sites=tuple(sorted({one.site for one in here if one.site})),
            to_ask=len({one.person_id for one in here if one.active and one.asked_at is None}),
            asked=len({one.person_id for one in places[row.id] if one.asked_at is not None}),
            answered=len({one.person_id for one in places[row.id] if one.answer}),
            ticket=tickets.get(row.id) or tickets.get(heads[row.id]),
            taken_by=known.get(row.taken_by_id or 0),
            taken_at=row.taken_at,
            exception_until=grant.ends_on if grant is not None else None,
            exception_by=known.get(grant.granted_by_id) if grant is not None else None,
            closed_at=row.closed_at,
            own=dict(figures.get("own") or {}),
        )
    return found


def _places(connection: Connection, ids: Collection[int]) -> dict[int, list[Any]]:
    rows = connection.execute(
        select(
            AlertPlace.alert_id,
            AlertPlace.person_id,
            AlertPlace.gone_at,
            AlertPlace.asked_at,
            AlertPlace.answer,
            func.coalesce(Person.department, "").label("department"),
            Person.active,
            func.coalesce(Device.site, "").label("site"),
        )
        .outerjoin(Person, Person.id == AlertPlace.person_id)
        .outerjoin(Device, Device.id == AlertPlace.device_id)
        .where(AlertPlace.alert_id.in_(ids))
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.alert_id].append(row)
    return found


def _tickets(connection: Connection, alert_ids: Collection[int]) -> dict[int, TicketFacts]:
    """The newest record of each alert."""
    rows = connection.execute(
        select(Ticket.alert_id, Ticket.number, Ticket.state, Ticket.table_name, Ticket.sys_id)
        .where(Ticket.alert_id.in_(alert_ids), Ticket.purpose == TicketPurpose.ALERT)
        .order_by(Ticket.id)
    )
    return {
        row.alert_id: TicketFacts(row.number or "", row.state, row.table_name, row.sys_id or "")
        for row in rows
        if row.alert_id is not None
    }


def live_ids(connection: Connection, product_ids: Collection[int] | None = None) -> list[int]:
    """Alerts on somebody's table, the oldest first; of some products, or of all."""
    query = select(RedAlert.id).where(RedAlert.state.in_(LIVE)).order_by(RedAlert.opened_at, RedAlert.id)
    if product_ids is not None:
        query = query.where(RedAlert.product_id.in_(product_ids))
    return list(connection.execute(query).scalars())


def live_count(connection: Connection) -> tuple[int, datetime | None]:
    """How many there are, and since when the oldest is open."""
    count, oldest = connection.execute(
        select(func.count(), func.min(RedAlert.opened_at)).where(RedAlert.state.in_(LIVE))
    ).one()
    return count, oldest


def behind(connection: Connection, alert_id: int) -> list[tuple[str, str, str]]:
    """Person ("" for none), device and answer of each place, for those entitled."""
    rows = connection.execute(
        select(Person.name, Device.name.label("device"), AlertPlace.answer)
        .outerjoin(Person, Person.id == AlertPlace.person_id)
        .outerjoin(Device, Device.id == AlertPlace.device_id)
        .where(AlertPlace.alert_id == alert_id, AlertPlace.gone_at.is_(None))
        .order_by(Person.name, Device.name, AlertPlace.id)
    )
    return [(row.name or "", row.device or "", row.answer) for row in rows]


def words_behind(connection: Connection, alert_id: int) -> list[str]:
    """What people wrote about it, for those who settle names."""
    query = select(AlertPlace.words).where(AlertPlace.alert_id == alert_id, AlertPlace.words != "")
    return list(connection.execute(query.order_by(AlertPlace.answered_at, AlertPlace.id)).scalars())


def titles_behind(connection: Connection, alert_id: int) -> list[tuple[int, str, int]]:
    """Id, name as reported and devices of the names that were taken for the product there, most devices first."""
    rows = connection.execute(
        select(Title.id, Title.raw_title, func.count(Installation.device_id.distinct()).label("devices"))
        .join(RedAlert, RedAlert.product_id == Title.product_id)
        .join(Installation, Installation.title_id == Title.id)
        .where(RedAlert.id == alert_id, Installation.ended_at.is_(None))
        .group_by(Title.id, Title.raw_title)
        .order_by(func.count(Installation.device_id.distinct()).desc(), Title.raw_title)
        .limit(MOST_TITLES)
    )
    return [(row.id, row.raw_title, row.devices) for row in rows]


def found(
    connection: Connection, place_ids: Collection[int], policy: Policy, reader: int | None = None
) -> FoundFacts | None:
    """What a message asks its reader; None when nothing of it is there any more."""
    rows = connection.execute(
        select(
            AlertPlace.id,
            AlertPlace.alert_id,
            AlertPlace.person_id,
            AlertPlace.asked_at,
            AlertPlace.answer,
            AlertPlace.words,
            AlertPlace.remove_by,
            AlertPlace.gone_at,
            RedAlert.cause,
            RedAlert.state,
            RedAlert.figures,
            RedAlert.product_id,
            RedAlert.taken_by_id,
            Product.key,
            Product.name.label("product"),
            Device.name.label("device"),
            Device.kind,
        )
        .join(RedAlert, RedAlert.id == AlertPlace.alert_id)
        .outerjoin(Product, Product.id == RedAlert.product_id)
        .outerjoin(Device, Device.id == AlertPlace.device_id)
        .where(AlertPlace.id.in_(place_ids))
        .order_by(AlertPlace.asked_at, AlertPlace.id)
    ).all()
    if not rows:
        return None
    contact = next((row.taken_by_id for row in rows if row.taken_by_id is not None), None)
    others = {row.person_id for row in rows if reader is not None and row.person_id not in (None, reader)}
    known = people(connection, [contact, *others])
    places = tuple(
        PlaceFacts(
            id=row.id,
            alert_id=row.alert_id,
            product=str((row.figures or {}).get("name") or row.product or "Software"),
            product_id=row.product_id,
            cause=Cause(row.cause),
            banned=policy.not_allowed_for(row.key or "", row.product or "") is not None,
            device=row.device or "",
            kind=row.kind or "",
            asked_at=row.asked_at,
            answer=row.answer,
            words=row.words,
            remove_by=row.remove_by,
            gone_at=row.gone_at,
            closed=row.state == AlertState.CLOSED,
            excepted=row.state == AlertState.EXCEPTED,
            of=known.get(row.person_id) if row.person_id in others else None,
        )
        for row in rows
    )
    asked = [row.asked_at for row in rows if row.asked_at is not None]
    day = (min(asked).date() if asked else date.min) + timedelta(days=policy.alerts.answer_days)
    return FoundFacts(places, known.get(contact or 0), day, policy.alerts.removal_guide or "")


def observed(connection: Connection, source_id: int) -> ObserveFacts | None:
    """A source as its card tells it."""
    row = connection.execute(select(*InventorySource.__table__.c).where(InventorySource.id == source_id)).one_or_none()
    if row is None:
        return None
    who = people(connection, [row.accepted_by_id]).get(row.accepted_by_id) if row.accepted_by_id else None
    accepted = row.state == SourceState.ACCEPTED
    return ObserveFacts(
        row.id,
        row.name,
        row.since,
        row.words,
        who if accepted else None,
        row.accepted_at if accepted else None,
        int((row.accepted_counts or {}).get("installations", 0)),
        len((row.accepted_counts or {}).get("short") or {}),
    )
