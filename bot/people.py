"""From a Slack account to a person, out of our own table: no listener waits for a look-up at Slack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from model.people import Person, Role, RoleGrant
from workflows.decide import link_code
from workflows.refusals import UnknownPerson


@dataclass(frozen=True)
class Presser:
    """Who typed, pressed or sent."""

    id: int
    slack_id: str
    name: str
    department: str
    time_zone: str
    manager_id: int | None
    welcomed_at: datetime | None
    roles: frozenset[Role]


def presser(connection: Connection, slack_id: str, now: datetime) -> Presser:
    """The active person with this Slack account, in one query. Raises UnknownPerson."""
    rows = connection.execute(
        select(
            Person.id,
            Person.name,
            Person.department,
            Person.time_zone,
            Person.manager_id,
            Person.welcomed_at,
            RoleGrant.role,
        )
        .outerjoin(
            RoleGrant,
            and_(
                RoleGrant.person_id == Person.id,
                RoleGrant.began_at <= now,
                or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
            ),
        )
        .where(Person.slack_id == slack_id, Person.active)
    ).all()
    if not rows:
        raise UnknownPerson(link_code(slack_id))
    first = rows[0]
    return Presser(
        id=first.id,
        slack_id=slack_id,
        name=first.name,
        department=first.department,
        time_zone=first.time_zone,
        manager_id=first.manager_id,
        welcomed_at=first.welcomed_at,
        roles=frozenset(Role(row.role) for row in rows if row.role is not None),
    )


@dataclass(frozen=True)
class Named:
    """People chosen in a picker: those in the directory, and the places (from 1) of those who are not."""

    ids: tuple[int, ...]
    unknown_places: tuple[int, ...]


def named(connection: Connection, slack_ids: Sequence[str]) -> Named:
    """Person ids of Slack accounts, in their order, each once."""
    wanted = list(dict.fromkeys(slack_ids))
    known = by_slack(connection, wanted)
    return Named(
        tuple(known[one] for one in wanted if one in known),
        tuple(place for place, one in enumerate(wanted, start=1) if one not in known),
    )


def by_slack(connection: Connection, slack_ids: Iterable[str]) -> dict[str, int]:
    """Person id by Slack id, for those in the directory, active or not."""
    wanted = list(slack_ids)
    if not wanted:
        return {}
    rows = connection.execute(select(Person.slack_id, Person.id).where(Person.slack_id.in_(wanted)))
    return {row.slack_id: row.id for row in rows if row.slack_id is not None}
