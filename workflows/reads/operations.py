"""What an operator looks at: events in chain order, work that waits and when it is due, seats per SKU, parked work."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from jobs import parked as parked_jobs
from jobs.parked import Counts, ParkedCause
from jobs.tables import Job, JobState, Schedule
from model.events import Event, Happened, Seal, Tag, Unsealed
from model.licences import Product, Sku
from model.people import Person
from model.requests import ApprovalStep, LicenceRequest, RequestLine, Status, StepState
from model.seal import unsealed
from model.session import UnitOfWork
from model.tickets import PolicyState, PolicyVersion
from workflows.reads.facts import RequestFacts, SeatNumbers
from workflows.reads.people import people
from workflows.reads.prices import seat_numbers
from workflows.reads.requests import requests
from workflows.request import reference

__all__ = ["Coming", "Counts", "EventRow", "Measures", "ParkedCause", "Position"]


@dataclass(frozen=True)
class EventRow:
    """One event in words. `seq` and `hash` are its place in the chain, None until it is sealed."""

    id: int
    tag: str
    at: datetime
    actor: str
    subject: str
    facts: dict[str, Any]
    seq: int | None
    hash: str | None


@dataclass(frozen=True)
class Coming:
    """Something that happens by itself. `repeats`: a schedule, not one piece of work."""

    at: datetime
    words: str
    kind: str
    repeats: bool


@dataclass(frozen=True)
class Position:
    """Seats of one SKU."""

    product: str
    tier: str
    part_number: str
    numbers: SeatNumbers


@dataclass(frozen=True)
class Measures:
    """The figures of the metrics page. Ages are in seconds; None: never read."""

    jobs: Counts
    requests: dict[str, int]
    unsealed: int
    figures_age: float | None


def events(connection: Connection, after: int, limit: int) -> list[EventRow]:
    """Sealed events after a place in the chain, in its order: nothing can appear later before what was read."""
    rows = connection.execute(
        select(*_EVENT, Seal.seq, Seal.hash)
        .join(Seal, Seal.event_id == Event.id)
        .where(Seal.seq > after)
        .order_by(Seal.seq)
        .limit(limit)
    ).all()
    return _events(connection, rows)


def events_to_seal(connection: Connection, limit: int) -> list[EventRow]:
    """Committed events that have no place in the chain yet."""
    rows = connection.execute(
        select(*_EVENT).join(Unsealed, Unsealed.event_id == Event.id).order_by(Event.id).limit(limit)
    ).all()
    return _events(connection, rows)


_EVENT = (Event.id, Event.tag, Event.at, Event.actor, Event.subject, Event.facts)


def _events(connection: Connection, rows: Iterable[Row[Any]]) -> list[EventRow]:
    found = list(rows)
    named = people(connection, [_id(one, "person") for row in found for one in (row.actor, row.subject)])
    names = {person.id: person.name for person in named.values()}
    return [
        EventRow(
            row.id,
            row.tag,
            row.at,
            in_words(row.actor, names),
            in_words(row.subject, names),
            json.loads(row.facts),
            getattr(row, "seq", None),
            getattr(row, "hash", None),
        )
        for row in found
    ]


def in_words(key: str, names: dict[int, str]) -> str:
    """ "person:12" as a name, "request:42" as its reference, "rule:4" as "rule 4", "clock" as "time"."""
    kind, _, rest = key.partition(":")
    number = _id(key, kind)
    if kind == "person" and number in names:
        return names[number]
    if kind == "request" and number is not None:
        return reference(number)
    if key == "clock":
        return "time"
    return f"{kind} {rest}".strip()


def _id(key: str, kind: str) -> int | None:
    found, _, rest = key.partition(":")
    return int(rest) if found == kind and rest.isascii() and rest.isdigit() else None


#: What a job does, for a person; {it} is what it is about.
_WORDS = {
    "step.watch": "{it}: remind whoever decides, or ask the next in line",
    "request.advance": "{it}: take the next step",
    "request.show": "{it}: bring the messages about it in line",
    "card.show": "bring a message in line",
    "reply.show": "say a line in somebody's thread",
    "card.mail": "send a signed link by mail",
    "home.publish": "renew somebody's Home",
    "answer.say": "answer a press",
    "line.grant": "{it}: give the seat",
    "ticket.settle": "{it}: bring its ServiceNow record in line",
    "tickets.poll": "read what changed in ServiceNow",
    "seat.take_back": "take back a confirmed seat",
    "return.follow": "write down what became of a confirmed seat",
    "returns.warn": "announce mailboxes that are soon gone for good",
    "seat.restore": "put a seat back",
    "queue.match": "hand free seats to the queue",
    "m365.figures": "read the seat counts from Microsoft 365",
    "sync.m365": "read people, seats and use from Microsoft 365",
    "sync.m365_changes": "read who joined, left or changed in the directory",
    "sync.people": "read people and seats from Microsoft 365",
    "sync.slack": "read Slack accounts",
}


def coming(connection: Connection, now: datetime, limit: int) -> list[Coming]:
    """What happens next by itself, earliest first; work that is due already, or is being done, counts as now."""
    waiting = connection.execute(
        select(Job.kind, Job.payload, Job.run_at)
        .where(Job.state.in_([JobState.READY, JobState.RUNNING]))
        .order_by(Job.run_at, Job.id)
        .limit(limit + _LOOK_PAST)
    ).all()
    waiting = _still_needed(connection, waiting)
    turns = connection.execute(
        select(Schedule.name, Schedule.kind, Schedule.next_run_at).order_by(Schedule.next_run_at).limit(limit)
    ).all()
    about = _requests_of(connection, [dict(row.payload) for row in waiting])
    found = [
        Coming(
            max(row.run_at, now), _said(row.kind, about.get(_key(row.payload), "a request")), row.kind, repeats=False
        )
        for row in waiting
    ]
    found += [Coming(max(row.next_run_at, now), _said(row.kind, row.name), row.kind, repeats=True) for row in turns]
    return sorted(found, key=lambda one: one.at)[:limit]


#: Looks at steps that were decided meanwhile are left to find nothing; so many of them are passed over.
_LOOK_PAST = 200


def _still_needed(connection: Connection, waiting: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Without the looks at steps that are no longer open."""
    steps = {row.payload.get("step") for row in waiting if row.kind == "step.watch"}
    is_open = select(ApprovalStep.id).where(ApprovalStep.id.in_(steps), ApprovalStep.state == StepState.OPEN)
    still = set(connection.execute(is_open).scalars()) if steps else set()
    return [row for row in waiting if row.kind != "step.watch" or row.payload.get("step") in still]


def _said(kind: str, about: str) -> str:
    return _WORDS.get(kind, kind.replace(".", ": ").replace("_", " ")).replace("{it}", about)


def _key(payload: dict[str, Any]) -> tuple[str, int]:
    return next(
        ((name, value) for name, value in payload.items() if name in _FINDERS and isinstance(value, int)), ("", 0)
    )


#: How a job's payload leads to its request.
_FINDERS: dict[str, Any] = {
    "request": (LicenceRequest.id, LicenceRequest.id),
    "step": (ApprovalStep.id, ApprovalStep.request_id),
    "line": (RequestLine.id, RequestLine.request_id),
}


def _requests_of(connection: Connection, payloads: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    keys = {_key(payload) for payload in payloads}
    found = {}
    for name, (column, request) in _FINDERS.items():
        ids = [value for kind, value in keys if kind == name]
        for own, request_id in connection.execute(select(column, request).where(column.in_(ids))) if ids else ():
            found[name, own] = reference(request_id)
    return found


def recent_requests(connection: Connection, after: int, limit: int, status: Status | None = None) -> list[RequestFacts]:
    """Requests by id, those after `after`, drafts left out."""
    query = select(LicenceRequest.id).where(LicenceRequest.id > after, LicenceRequest.status != Status.DRAFT)
    if status is not None:
        query = query.where(LicenceRequest.status == status)
    ids = list(connection.execute(query.order_by(LicenceRequest.id).limit(limit)).scalars())
    facts = requests(connection, ids)
    return [facts[one] for one in ids]


def positions(connection: Connection, now: datetime) -> list[Position]:
    """Seats bought, in use, kept and free of every SKU of a product in use, by product name."""
    rows = connection.execute(
        select(Sku.id, Sku.tier, Sku.part_number, Product.name)
        .join(Product, Product.id == Sku.product_id)
        .where(Product.retired_at.is_(None))
        .order_by(Product.name, Sku.rank, Sku.id)
    ).all()
    numbers = seat_numbers(connection, [row.id for row in rows], now)
    return [Position(row.name, row.tier, row.part_number, numbers[row.id]) for row in rows]


def parked(connection: Connection) -> list[ParkedCause]:
    """Work that was given up and waits for a person, by cause, the oldest first."""
    return parked_jobs.parked(connection)


def run_parked(work: UnitOfWork, ids: Iterable[int], by: str, now: datetime) -> int:
    """Run parked work again; returns how many. `by` is the actor of the event, such as "operator:api"."""
    wanted = sorted(set(ids))
    ran = parked_jobs.run_again(work, wanted, now)
    if ran:
        work.record([Happened(Tag.JOB_RUN_AGAIN, by, "jobs", {"jobs": wanted, "count": ran})], now)
    return ran


def measures(connection: Connection, now: datetime) -> Measures:
    """Everything the metrics page shows, in a few queries."""
    by_status = connection.execute(select(LicenceRequest.status, func.count()).group_by(LicenceRequest.status))
    oldest = connection.execute(select(func.min(Sku.figures_at)).where(Sku.figures_at.is_not(None))).scalar()
    return Measures(
        jobs=parked_jobs.counts(connection, now),
        requests={str(status): count for status, count in by_status},
        unsealed=unsealed(connection),
        figures_age=None if oldest is None else (now - oldest).total_seconds(),
    )


def policy_in_force(connection: Connection) -> tuple[int, datetime | None] | None:
    """Number of the policy version in force and since when; None without one."""
    row = connection.execute(
        select(PolicyVersion.id, PolicyVersion.activated_at).where(PolicyVersion.state == PolicyState.ACTIVE)
    ).one_or_none()
    return None if row is None else (row.id, row.activated_at)


def staff(connection: Connection) -> int:
    """How many people are in the directory."""
    return connection.execute(select(func.count()).select_from(Person).where(Person.active)).scalar_one()
