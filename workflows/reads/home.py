"""What the Home tab and the answers to commands show one person: fixed number of queries, however much there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select

from jobs.parked import parked
from licensing.idle.signals import SOURCE_WORDS
from licensing.money import Sums
from licensing.words import cut, day, isolate, plural
from model.contracts import Contract, Entitlement
from model.events import Event
from model.inventory import UsageSignal
from model.licences import Product, Seat, Sku
from model.people import Person, Role, RoleGrant
from model.requests import (
    LicenceRequest,
    OwnerTask,
    Status,
    StepApprover,
)
from model.usage import LastUse
from workflows.permissions import Page, sees_products
from workflows.policy import Policy
from workflows.reads.alerts import live_count
from workflows.reads.approvals import decisions
from workflows.reads.facts import DecisionsFacts, RequestRow, Who
from workflows.reads.names import unsettled_count
from workflows.reads.people import people
from workflows.reads.positions import overview
from workflows.reads.progress import request_rows
from workflows.reads.reclaim import seats_to_confirm
from workflows.reads.renewal_counts import counts as renewal_counts
from workflows.reads.seat_facts import HoldingFacts, TaskFacts
from workflows.reads.seats import holdings
from workflows.reads.still_needed import StillNeededFacts, still_needed, waiting_for
from workflows.reads.stuck import waiting as stuck_requests
from workflows.reads.tasks import tasks
from workflows.reclaim.kept import of_people

#: How long a settled request stays on Home and in `/licence status`.
SETTLED_DAYS = 14


@dataclass(frozen=True)
class TeamRow:
    """One person of a team, in numbers: managers see what is held and what it costs, never when it was used."""

    who: Who
    licences: int
    yearly: Sums
    names: tuple[str, ...]
    idle: int | None = None  # seats that look idle; None: nothing was judged
    use_unknown: int = 0  # seats of which nobody can say


@dataclass(frozen=True)
class TodayFacts:
    """What waits for a licence manager."""

    parked: int
    parked_ids: tuple[int, ...]  # one job per cause
    stuck: tuple[int, ...]
    next_end: tuple[str, date] | None  # product and day of the contract that ends first
    names: int = 0  # reported software names nobody has decided on
    alerts: int = 0  # red alerts that are open
    alerts_since: datetime | None = None  # the oldest of them
    lists: int = 0  # lists of seats to confirm
    list_seats: int = 0  # seats on them
    renewals: int = 0  # to decide in the next 30 days
    red_renewals: int = 0  # decided, and nothing shows that it was done
    next_decide: tuple[str, date] | None = None  # what is to be decided next, and by when
    short: int | None = 0  # products with too few seats; None: not counted, or it would take too long now


@dataclass(frozen=True)
class DeputyFacts:
    """Who stands in, and when."""

    deputy: Who | None
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class HomeFacts:
    """Everything on one person's Home."""

    who: Who
    roles: frozenset[Role]
    manager: Who | None
    first_time: bool  # the greeting was not used yet, and nothing of theirs would stand hidden behind it
    decisions: DecisionsFacts
    questions: tuple[RequestRow, ...]  # own requests with an open question
    tasks: tuple[TaskFacts, ...]
    requests: tuple[RequestRow, ...]
    holding: HoldingFacts
    team: tuple[TeamRow, ...]
    today: TodayFacts | None
    figures_at: datetime | None
    deputy: DeputyFacts
    asked: tuple[StillNeededFacts, ...] = ()  # seats of theirs that somebody asks about
    sees_figures: bool = False  # what is bought and in use, of some product at least


def home(
    connection: Connection, policy: Policy, person_id: int, now: datetime, *, counts: bool = False
) -> HomeFacts | None:
    """None for somebody who is gone. `counts`: also how much is short and to be settled, which only the tab shows."""
    row = connection.execute(
        select(
            Person.id,
            Person.manager_id,
            Person.welcomed_at,
            Person.deputy_id,
            Person.absent_from,
            Person.absent_until,
        ).where(Person.id == person_id, Person.active)
    ).one_or_none()
    if row is None:
        return None
    known = people(connection, [row.id, row.manager_id, row.deputy_id])
    granted = roles(connection, person_id, now)
    open_requests = request_rows(connection, person_id, now, closed_since=now - timedelta(days=SETTLED_DAYS))
    asked = _with_questions(connection, person_id)
    todo = open_tasks(connection, person_id, now)
    return HomeFacts(
        who=known[row.id],
        roles=granted,
        manager=known.get(row.manager_id),
        first_time=row.welcomed_at is None and not (open_requests or todo),
        decisions=decisions(connection, [person_id], now, policy)[person_id],
        questions=tuple(one for one in open_requests if one.id in asked),
        tasks=todo,
        requests=open_requests,
        holding=holdings(connection, [person_id], now)[person_id],
        team=team(connection, person_id, now),
        today=_today(connection, now, counts) if Role.LICENCE_MANAGER in granted or Role.IT in granted else None,
        figures_at=connection.execute(select(func.max(Sku.figures_at))).scalar_one_or_none(),
        deputy=DeputyFacts(known.get(row.deputy_id), row.absent_from, row.absent_until),
        asked=_asked(connection, person_id, now),
        sees_figures=sees_products(connection, Page.POSITIONS, person_id, granted),
    )


def roles(connection: Connection, person_id: int, now: datetime) -> frozenset[Role]:
    """Roles held now."""
    rows = connection.execute(
        select(RoleGrant.role).where(
            RoleGrant.person_id == person_id,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
    )
    return frozenset(Role(role) for role in rows.scalars())


def open_tasks(connection: Connection, person_id: int, now: datetime) -> tuple[TaskFacts, ...]:
    """Work by hand that waits for this person, nearest time limit first."""
    ids = list(
        connection.execute(
            select(OwnerTask.id)
            .where(OwnerTask.assignee_id == person_id, OwnerTask.state.in_(["open", "could_not"]))
            .order_by(OwnerTask.due_at, OwnerTask.id)
        ).scalars()
    )
    found = tasks(connection, ids, now) if ids else {}
    return tuple(found[one] for one in ids if one in found)


def team(connection: Connection, manager_id: int, now: datetime) -> tuple[TeamRow, ...]:
    """Those who report to somebody, by name; empty for people without a team."""
    ids = list(
        connection.execute(
            select(Person.id).where(Person.manager_id == manager_id, Person.active).order_by(Person.name, Person.id)
        ).scalars()
    )
    if not ids:
        return ()
    held = holdings(connection, ids, now)
    known = people(connection, ids)
    use = of_people(connection, ids, now.date())
    return tuple(
        TeamRow(
            who=known[one],
            licences=len(held[one].seats),
            yearly=held[one].yearly,
            names=tuple(seat.product for seat in held[one].seats),
            idle=use[one].idle if one in use and use[one].unknown < use[one].judged else None,
            use_unknown=use[one].unknown if one in use else 0,
        )
        for one in ids
    )


def deputy_of(connection: Connection, person_id: int) -> DeputyFacts:
    row = connection.execute(
        select(Person.deputy_id, Person.absent_from, Person.absent_until).where(Person.id == person_id)
    ).one()
    return DeputyFacts(people(connection, [row.deputy_id]).get(row.deputy_id), row.absent_from, row.absent_until)


def _asked(connection: Connection, person_id: int, now: datetime) -> tuple[StillNeededFacts, ...]:
    ids = waiting_for(connection, person_id)
    found = still_needed(connection, ids, now) if ids else {}
    return tuple(found[one] for one in ids if one in found)


def _with_questions(connection: Connection, person_id: int) -> set[int]:
    rows = connection.execute(
        select(LicenceRequest.id).where(
            LicenceRequest.requester_id == person_id,
            LicenceRequest.status == Status.AWAITING_APPROVAL,
            LicenceRequest.question != "",
        )
    )
    return set(rows.scalars())


def _today(connection: Connection, now: datetime, counts: bool) -> TodayFacts:
    groups = parked(connection)
    figures = overview(connection, now, wait=False) if counts else None
    open_alerts, oldest = live_count(connection)
    lists, list_seats = seats_to_confirm(connection)
    renewals = renewal_counts(connection, now.date())
    return TodayFacts(
        parked=sum(len(group.ids) for group in groups),
        parked_ids=tuple(group.ids[0] for group in groups),
        stuck=stuck_requests(connection, now),
        next_end=_next_end(connection, now),
        names=unsettled_count(connection) if counts else 0,
        alerts=open_alerts,
        alerts_since=oldest,
        lists=lists,
        list_seats=list_seats,
        renewals=renewals.to_decide,
        red_renewals=renewals.red,
        next_decide=renewals.following,
        short=len({one.product_id for one in figures.short}) if figures is not None else None,
    )


def _next_end(connection: Connection, now: datetime) -> tuple[str, date] | None:
    row = connection.execute(
        select(Product.name, func.coalesce(Entitlement.ends_on, Contract.ends_on).label("ends_on"))
        .join(Entitlement, Entitlement.product_id == Product.id)
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(func.coalesce(Entitlement.ends_on, Contract.ends_on) >= now.date())
        .order_by(func.coalesce(Entitlement.ends_on, Contract.ends_on), Product.name)
        .limit(1)
    ).one_or_none()
    return (row.name, row.ends_on) if row else None


def stored_about(connection: Connection, person_id: int, now: datetime) -> Mapping[str, Any]:
    """What is kept about one person, in numbers and plain fields, for that person."""
    row = connection.execute(select(*Person.__table__.c).where(Person.id == person_id)).one()
    manager = people(connection, [row.manager_id]).get(row.manager_id) if row.manager_id else None
    counts = {
        "seats": select(func.count()).select_from(Seat).where(Seat.person_id == person_id),
        "requests": select(func.count()).select_from(LicenceRequest).where(LicenceRequest.requester_id == person_id),
        "decisions": select(func.count())
        .select_from(StepApprover)
        .where(StepApprover.person_id == person_id, StepApprover.decided_at.is_not(None)),
        "events": select(func.count()).select_from(Event).where(Event.actor == f"person:{person_id}"),
    }
    return {
        "name": row.name,
        "email": row.email,
        "upn": row.upn if row.upn != row.email else "",
        "department": row.department,
        "job_title": row.job_title,
        "country": row.country,
        "time_zone": row.time_zone,
        "employment": row.employment,
        "manager": manager.name if manager else "",
        **{name: connection.execute(query).scalar_one() for name, query in counts.items()},
        "away": tuple(
            (first, until)
            for first, until in ((row.was_absent_from, row.was_absent_until), (row.absent_from, row.absent_until))
            if first is not None
        ),
        "use": _use_stored(connection, person_id),
    }


def _use_stored(connection: Connection, person_id: int) -> tuple[str, ...]:
    """What sources say of somebody's use, with the days: for that person alone (rules §10)."""
    rows = connection.execute(
        select(LastUse.source, LastUse.used_on, LastUse.as_of, Product.name)
        .outerjoin(Product, Product.id == LastUse.product_id)
        .where(LastUse.person_id == person_id)
        .order_by(LastUse.source, Product.name)
    )
    lines = []
    for row in rows:
        of = f", {isolate(cut(row.name))}" if row.name else ""
        used = f"last use {day(row.used_on)}" if row.used_on else "no day of use"
        lines.append(f"{SOURCE_WORDS.get(row.source, row.source)}{of}: {used}, as of {day(row.as_of)}")
    days = select(func.count()).select_from(UsageSignal).where(UsageSignal.person_id == person_id)
    if count := connection.execute(days).scalar_one():
        lines.append(f"{plural(count, 'day')} of use from imported lists and devices")
    return tuple(lines)
