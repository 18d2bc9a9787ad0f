"""People as the rules see them: loaded by need, from the request outwards, never the whole directory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Connection, and_, func, or_, select

from licensing.business_time import WorkCalendar
from model.people import Person, Role, RoleGrant
from model.session import UnitOfWork
from workflows import deadlines
from workflows.facts import PersonFacts
from workflows.policy import Policy

#: A chain of managers longer than this is a cycle or a mistake.
LONGEST_CHAIN = 12


def person_facts(
    connection: Connection, ids: Iterable[int | None], now: datetime, *, mail: bool = False
) -> dict[int, PersonFacts]:
    """People by id, as routing sees them. `mail`: signed links can be sent to whoever has an address."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    roles: dict[int, set[Role]] = {}
    for person_id, role in connection.execute(
        select(RoleGrant.person_id, RoleGrant.role).where(
            RoleGrant.person_id.in_(wanted),
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
    ):
        roles.setdefault(person_id, set()).add(Role(role))
    rows = connection.execute(
        select(
            Person.id,
            Person.name,
            Person.email,
            Person.manager_id,
            Person.active,
            Person.absent_from,
            Person.absent_until,
            Person.deputy_id,
            Person.department,
            Person.country,
            Person.time_zone,
            Person.employment,
            Person.leaves_on,
            Person.slack_id,
        ).where(Person.id.in_(wanted))
    )
    return {
        row.id: PersonFacts(
            id=row.id,
            name=row.name,
            email=row.email,
            manager_id=row.manager_id,
            active=row.active,
            absent_from=row.absent_from,
            absent_until=row.absent_until,
            deputy_id=row.deputy_id,
            roles=frozenset(roles.get(row.id, ())),
            department=row.department,
            country=row.country,
            time_zone=row.time_zone,
            employment=row.employment,
            leaves_on=row.leaves_on,
            reachable=row.slack_id is not None or (mail and bool(row.email)),
        )
        for row in rows
    }


def directory_for(
    connection: Connection, ids: Iterable[int | None], policy: Policy, now: datetime, *, mail: bool = False
) -> dict[int, PersonFacts]:
    """Everybody routing may need around these people: managers above them, deputies, holders of roles, those whom
    policy names."""
    found: dict[int, PersonFacts] = {}
    wanted = {one for one in ids if one is not None} | set(_role_holders(connection, now))
    wanted |= set(_named_in(connection, policy))
    for _ in range(LONGEST_CHAIN):
        fresh = person_facts(connection, wanted - found.keys(), now, mail=mail)
        if not fresh:
            break
        found |= fresh
        wanted = {one.manager_id for one in fresh.values() if one.manager_id is not None}
        wanted |= {one.deputy_id for one in fresh.values() if one.deputy_id is not None}
    return found


def _role_holders(connection: Connection, now: datetime) -> list[int]:
    held = select(RoleGrant.person_id).where(
        RoleGrant.began_at <= now, or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now)
    )
    return list(connection.execute(held.distinct()).scalars())


def _named_in(connection: Connection, policy: Policy) -> list[int]:
    approval = policy.approval
    groups = (
        approval.product_owner,
        approval.security,
        approval.finance,
        approval.licence_manager,
        approval.purchase,
        approval.fallback,
    )
    emails = {email.lower() for group in groups for email in group.people}
    if not emails:
        return []
    return list(connection.execute(select(Person.id).where(func.lower(Person.email).in_(emails))).scalars())


def calendar_of(person: Person, policy: Policy) -> WorkCalendar:
    """Working time of one person by policy's hours."""
    return deadlines.calendar_of(
        PersonFacts(
            id=person.id,
            name=person.name,
            country=person.country,
            time_zone=person.time_zone,
            absent_from=person.absent_from,
            absent_until=person.absent_until,
        ),
        policy,
    )


def fallback_person(work: UnitOfWork, policy: Policy, now: datetime) -> Person:
    """Somebody of policy's fallback group who is there. Raises LookupError when the group is empty."""
    fallback = policy.approval.fallback
    emails = [email.lower() for email in fallback.people]
    named = work.session.execute(select(Person).where(func.lower(Person.email).in_(emails), Person.active)).scalars()
    by_email = {person.email.lower(): person for person in named}
    for email in emails:
        if email in by_email:
            return by_email[email]
    holder = work.session.execute(
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role.in_(fallback.roles),
            and_(RoleGrant.began_at <= now, or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now)),
            Person.active,
        )
        .order_by(Person.slack_id.is_(None), Person.id)
        .limit(1)
    ).scalar_one_or_none()
    if holder is None:
        raise LookupError("policy's fallback group is empty: name somebody in approval.fallback")
    return holder


def is_away(person: Person, today: date) -> bool:
    """Whether the directory has the person absent on this day."""
    if person.absent_until is None:
        return person.absent_from is not None and person.absent_from <= today
    return (person.absent_from is None or person.absent_from <= today) and today <= person.absent_until
