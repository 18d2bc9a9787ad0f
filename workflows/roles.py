"""Who holds which role. Nobody gives one to themselves (rules §5); the first come from the operator's command line."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update

from model.events import Happened, Tag
from model.people import Person, Role, RoleGrant
from model.session import UnitOfWork
from workflows.refusals import Refusal


class RoleRefused(Refusal):
    """The role was not given or taken; the sentence says why."""


def grant(work: UnitOfWork, email: str, role: Role, actor: str, now: datetime, by: int | None = None) -> bool:
    """Give a role; False when the person holds it already. Raises RoleRefused."""
    person = _person(work, email)
    if by == person.id:
        raise RoleRefused("Somebody else must give you a role.")
    held = select(RoleGrant.id).where(
        RoleGrant.person_id == person.id,
        RoleGrant.role == role,
        or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
    )
    if work.connection.execute(held).first() is not None:
        return False
    work.session.add(RoleGrant(person_id=person.id, role=role, granted_by_id=by, began_at=now))
    work.record([Happened(Tag.ROLE_GRANTED, actor, f"person:{person.id}", {"role": role})], now)
    return True


def end(work: UnitOfWork, email: str, role: Role, actor: str, now: datetime) -> bool:
    """Take a role; False when the person does not hold it. Raises RoleRefused for an unknown person."""
    person = _person(work, email)
    ended = work.connection.execute(
        update(RoleGrant)
        .where(RoleGrant.person_id == person.id, RoleGrant.role == role, RoleGrant.ended_at.is_(None))
        .values(ended_at=now)
    )
    if ended.rowcount == 0:
        return False
    work.record([Happened(Tag.ROLE_ENDED, actor, f"person:{person.id}", {"role": role})], now)
    return True


def held(work: UnitOfWork, now: datetime) -> list[tuple[str, str, Role]]:
    """All roles in force as (name, e-mail, role), by name."""
    rows = work.connection.execute(
        select(Person.name, Person.email, RoleGrant.role)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.began_at <= now, or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now))
        .order_by(Person.name, RoleGrant.role)
    )
    return [(name, email, Role(role)) for name, email, role in rows]


def _person(work: UnitOfWork, email: str) -> Person:
    person = work.session.execute(
        select(Person).where(Person.email == email.strip().lower(), Person.active)
    ).scalar_one_or_none()
    if person is None:
        raise RoleRefused(f"Nobody in the staff directory has the address {email}. Run seatkeeper sync people first.")
    return person
