"""What a failed job means: which of the retry rules applies, and which people hear that it waits for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Transient, Unclear
from jobs.retry import Failure, FailureKind
from jobs.worker import ParkedJob
from model.requests import Card
from model.session import DatabaseBusy, UnitOfWork
from workflows import cards
from workflows.effects import ShowCard, enqueue
from workflows.positions.nightly import PositionsDiffer

_KINDS: dict[type[IntegrationError], FailureKind] = {
    Transient: "transient",
    RateLimited: "rate_limited",
    NotFound: "not_found",
    Refused: "refused",
    Unclear: "unclear",
}
SYSTEMS = {"slack": "Slack", "microsoft365": "Microsoft 365", "graph": "Microsoft 365", "servicenow": "ServiceNow"}


def classify(error: Exception) -> Failure:
    """The failure a handler's exception stands for."""
    if isinstance(error, IntegrationError):
        kind: FailureKind = next((kind for type_, kind in _KINDS.items() if isinstance(error, type_)), "bug")
        code = getattr(error, "code", "")
        cause = f"{error.system}: {error.operation}" + (f": {code}" if code else "")
        system = SYSTEMS.get(error.system, error.system)
        return Failure(kind, f"{system}: {error.detail}", cause[:200], error.retry_after)
    if isinstance(error, PositionsDiffer):
        return Failure("refused", str(error), "positions: two counts differ")
    if isinstance(error, DatabaseBusy):
        return Failure("transient", "The database was busy.", "database: busy")
    if isinstance(error, DBAPIError):
        kind = "transient" if error.connection_invalidated or _passing(error) else "bug"
        return Failure(
            kind, f"The database said {type(error.orig).__name__}.", f"database: {type(error.orig).__name__}"
        )
    return Failure("bug", f"A fault in Seatkeeper itself: {type(error).__name__}.", f"fault: {type(error).__name__}")


def _passing(error: DBAPIError) -> bool:
    """Locks, deadlocks and lost races: the same statement may work a moment later."""
    return type(error.orig).__name__ in (
        "OperationalError",
        "DeadlockDetected",
        "SerializationFailure",
        "LockNotAvailable",
        "UniqueViolation",
        "IntegrityError",
    )


def on_parked(work: Any, job: ParkedJob, now: datetime) -> None:
    """One note per cause to IT's channel; the same cause again rewrites it."""
    assert isinstance(work, UnitOfWork)  # noqa: S101  the worker's database makes these
    if job.kind == "card.show" and _is_parked_note(work, job):
        return  # a note that cannot be posted would make the next one
    known = work.connection.execute(
        select(Card.id, Card.facts)
        .where(Card.kind == cards.CardKind.PARKED, Card.live)
        .order_by(Card.id.desc())
        .limit(200)
    ).all()
    same = next((row.id for row in known if row.facts.get("cause") == job.cause), None)
    if same is not None:
        enqueue(work, [ShowCard(same)], now)
        return
    facts = {"cause": job.cause}
    enqueue(
        work,
        cards.new_card(work, cards.CardKind.PARKED, job.id, cards.channel("it_alerts"), now, facts=facts),
        now,
    )


def _is_parked_note(work: UnitOfWork, job: ParkedJob) -> bool:
    kind = work.connection.execute(select(Card.kind).where(Card.id == job.payload.get("card"))).scalar()
    return kind == cards.CardKind.PARKED
