"""The Home tab as rows: who opened it, and who has seen the greeting."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from model.people import Person
from model.session import UnitOfWork
from workflows.effects import PublishHome, enqueue


def opened(work: UnitOfWork, person_id: int, now: datetime) -> None:
    """Home is kept fresh from now on for this person."""
    work.connection.execute(update(Person).where(Person.id == person_id).values(home_seen_at=now))
    enqueue(work, [PublishHome(person_id)], now)


def welcomed(work: UnitOfWork, person_id: int, now: datetime) -> None:
    """The greeting was used: it is never shown again."""
    work.connection.execute(
        update(Person).where(Person.id == person_id, Person.welcomed_at.is_(None)).values(welcomed_at=now)
    )
    enqueue(work, [PublishHome(person_id)], now)


def published(work: UnitOfWork, person_id: int, view_hash: str) -> None:
    """Slack's hash of what stands there, so that a late writer fails instead of overwriting."""
    work.connection.execute(update(Person).where(Person.id == person_id).values(home_hash=view_hash))
