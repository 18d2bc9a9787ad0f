"""An outside system that has not answered for hours: IT gets one note, rewritten when it answers again.

Every few minutes the work that waits for a system after a passing failure is looked at. Since when each piece fails
is kept here, since a job knows only how often; work that went through once in between is no outage. The note comes
after policy's hours (`tasks.tell_it_after_hours`), one per system and outage; shorter hiccups leave none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from jobs.tables import Job, JobState
from model.requests import Card, RequestLine
from model.session import UnitOfWork
from model.tickets import Meta, Ticket
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.rules import Rules

#: Failures that pass by themselves (jobs.retry).
PASSING = ("transient", "unclear", "rate_limited")
#: Queues of outside systems. Slack is not among them: what it does not take cannot be said there.
SYSTEMS = ("graph", "servicenow", "mail")


@dataclass(frozen=True)
class OutageFacts:
    """A system that does not answer, or does again since `over_at`."""

    system: str  # the queue
    since: datetime
    over_at: datetime | None
    requests: int  # that wait for it now


def watch(work: UnitOfWork, rules: Rules, now: datetime) -> None:
    """Begin, renew and end the notes. The caller commits."""
    patience = timedelta(hours=rules.policy.tasks.tell_it_after_hours)
    effects: list[Effect] = []
    for system in SYSTEMS:
        failing = _remembered(work, system, _failing(work.connection, system), now)
        note = _open_note(work.connection, system)
        if note is not None:
            if not failing:
                _end(work, note, now)
            effects += _copies(work.connection, note)
        elif failing and now - min(failing.values()) >= patience:
            first = min(failing, key=lambda job: failing[job])
            facts = {"system": system, "since": failing[first].isoformat()}
            effects += cards.new_card(work, CardKind.OUTAGE, first, cards.channel("it_alerts"), now, facts=facts)
    enqueue(work, effects, now)


def outage(connection: Connection, facts: Mapping[str, Any]) -> OutageFacts:
    """What the note says, from the facts of its card and the work that waits now."""
    over = facts.get("over_at")
    system = str(facts.get("system", ""))
    return OutageFacts(
        system,
        datetime.fromisoformat(str(facts["since"])),
        datetime.fromisoformat(str(over)) if over else None,
        0 if over else _waiting_requests(connection, system),
    )


def _failing(connection: Connection, system: str) -> set[int]:
    """Work whose last try failed in a way that passes, also while it is being tried again."""
    rows = connection.execute(
        select(Job.id).where(
            Job.queue == system,
            Job.state.in_([JobState.READY, JobState.RUNNING]),
            Job.error_kind.in_(PASSING),
        )
    )
    return set(rows.scalars())


def _remembered(work: UnitOfWork, system: str, failing: set[int], now: datetime) -> dict[int, datetime]:
    """Since when each piece of work fails; what no longer does is forgotten."""
    key = f"outage:{system}"
    stored = work.connection.execute(select(Meta.value).where(Meta.key == key)).scalar()
    before = {int(job): datetime.fromisoformat(at) for job, at in json.loads(stored or "{}").items()}
    since = {job: before.get(job, now) for job in sorted(failing)}
    if since != before:
        work.connection.execute(delete(Meta).where(Meta.key == key))
        if since:
            value = json.dumps({str(job): at.isoformat() for job, at in since.items()})
            work.session.add(Meta(key=key, value=value))
            work.session.flush()  # one row per system, before the next look
    return since


def _open_note(connection: Connection, system: str) -> int | None:
    """The first job of the outage that has its note, by which its copies are named."""
    rows = connection.execute(
        select(Card.subject_id, Card.facts)
        .where(Card.kind == CardKind.OUTAGE, Card.live)
        .order_by(Card.id.desc())
        .limit(100)
    )
    return next((row.subject_id for row in rows if row.facts.get("system") == system), None)


def _end(work: UnitOfWork, subject_id: int, now: datetime) -> None:
    rows = work.connection.execute(
        select(Card.id, Card.facts).where(Card.kind == CardKind.OUTAGE, Card.subject_id == subject_id, Card.live)
    ).all()
    for row in rows:
        facts = {**row.facts, "over_at": now.isoformat()}
        work.connection.execute(update(Card).where(Card.id == row.id).values(facts=facts, live=False))


def _copies(connection: Connection, subject_id: int) -> list[ShowCard]:
    rows = connection.execute(
        select(Card.id).where(Card.kind == CardKind.OUTAGE, Card.subject_id == subject_id).order_by(Card.id)
    )
    return [ShowCard(card_id) for card_id in rows.scalars()]


def _waiting_requests(connection: Connection, system: str) -> int:
    """Requests with work that has not gone through there."""
    payloads = connection.execute(
        select(Job.payload).where(Job.queue == system, Job.state.in_([JobState.READY, JobState.RUNNING]))
    ).scalars()
    found: set[int] = set()
    lines: set[int] = set()
    tickets: set[int] = set()
    for payload in payloads:
        for name, kept in (("request", found), ("line", lines), ("ticket", tickets)):
            if isinstance(payload.get(name), int):
                kept.add(payload[name])
    if lines:
        found |= set(connection.execute(select(RequestLine.request_id).where(RequestLine.id.in_(lines))).scalars())
    if tickets:
        of_tickets = connection.execute(select(Ticket.request_id).where(Ticket.id.in_(tickets))).scalars()
        found |= {one for one in of_tickets if one is not None}
    return len(found)
