"""Who may plan, who may confirm, who may switch: read from the rows at the press, against the person who pressed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, or_, select

from model.licences import Product
from model.people import Person, Role, RoleGrant
from workflows.permissions import Access, Duty, NotForYou, duty, licence_managers, parts_of
from workflows.policy import Policy
from workflows.reclaim.limits import limits

WHAT = "Taking seats back"


def roles_of(connection: Connection, person_id: int, now: datetime) -> frozenset[Role]:
    """Roles in force; none for somebody who left."""
    rows = connection.execute(
        select(RoleGrant.role)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            RoleGrant.person_id == person_id,
            Person.active,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
    ).scalars()
    return frozenset(Role(role) for role in rows)


def has(connection: Connection, which: Duty, product_id: int | None, person_id: int, now: datetime) -> bool:
    """Whether somebody has a duty, for all products or for this one, which they look after."""
    if duty(which, parts_of(roles_of(connection, person_id, now))) >= Access.ACT:
        return True
    if product_id is None or duty(which, parts_of((), owns=True)) < Access.OWN:
        return False
    owner = (
        select(Product.id)
        .join(Person, Person.id == Product.owner_id)
        .where(Product.id == product_id, Person.id == person_id, Person.active)
    )
    return connection.execute(owner).first() is not None


def require(connection: Connection, which: Duty, product_id: int | None, person_id: int, now: datetime) -> None:
    """Raises NotForYou for somebody without the duty."""
    if not has(connection, which, product_id, person_id, now):
        raise NotForYou(WHAT, licence_managers(connection))


def may_confirm(connection: Connection, policy: Policy, person_id: int, now: datetime) -> bool:
    """Whether somebody has the right to confirm a list; that they planned it is another question."""
    return not roles_of(connection, person_id, now).isdisjoint(limits(policy).confirmers)


def require_confirming(connection: Connection, policy: Policy, person_id: int, now: datetime) -> None:
    """Raises NotForYou for somebody without the right to confirm."""
    if not may_confirm(connection, policy, person_id, now):
        raise NotForYou(WHAT, licence_managers(connection))


def confirmers(connection: Connection, policy: Policy, now: datetime) -> list[int]:
    """Everybody with the right to confirm who is there."""
    found = connection.execute(
        select(Person.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role.in_(limits(policy).confirmers),
            Person.active,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
        .order_by(Person.id)
    ).scalars()
    return list(dict.fromkeys(found))
