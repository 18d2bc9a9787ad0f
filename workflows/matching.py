"""Which Slack account is whose: by the link we hold, then by e-mail; what is in doubt is for a person to say.

A link that exists stays when addresses change, since the directory id behind the person does not. It goes when the
account is deactivated, because Slack takes messages to it that nobody reads, and comes back by e-mail. Two accounts for
one person, or an account whose address is now somebody else's, tie nobody: they are written down and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from model.events import Happened, Tag
from model.people import Person
from model.session import UnitOfWork
from workflows.directory_merge import doubt

CHUNK = 500


@dataclass(frozen=True)
class SlackAccount:
    """A Slack account that may belong to somebody."""

    id: str
    email: str
    time_zone: str
    active: bool


def link_slack(work: UnitOfWork, accounts: Iterable[SlackAccount], now: datetime) -> int:
    """Tie Slack accounts to people, and take their time zones. Returns how many were linked anew."""
    work.session.flush()
    known = list(accounts)
    untied: list[Happened] = []
    for chunk in _chunks(one for one in known if not one.active):
        untied += _untie(work.connection, chunk)
    linked: list[Happened] = []
    for chunk in _chunks(one for one in known if one.active):
        linked += _link(work.connection, chunk, now)
    work.session.expire_all()
    work.record([*untied, *linked], now)
    return len(linked)


def _untie(connection: Connection, accounts: list[SlackAccount]) -> list[Happened]:
    """Nobody is reached by an account that was deactivated."""
    rows = connection.execute(
        update(Person)
        .where(Person.slack_id.in_([one.id for one in accounts]))
        .values(slack_id=None)
        .returning(Person.id)
    ).scalars()
    because = {"by": "deactivated"}
    return [Happened(Tag.PERSON_UNLINKED, "slack", f"person:{one}", because) for one in sorted(rows)]


def _chunks(accounts: Iterable[SlackAccount]) -> Iterator[list[SlackAccount]]:
    rest = iter(accounts)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _link(connection: Connection, accounts: list[SlackAccount], now: datetime) -> list[Happened]:
    people = connection.execute(
        select(Person.id, Person.email, Person.slack_id, Person.time_zone).where(
            or_(
                Person.email.in_([one.email.lower() for one in accounts]),
                Person.slack_id.in_([one.id for one in accounts]),
            )
        )
    ).all()
    by_email: dict[str, Row[Any]] = {row.email: row for row in people}
    by_slack: dict[str, Row[Any]] = {row.slack_id: row for row in people if row.slack_id}
    happened: list[Happened] = []
    tied: dict[int, str] = {row.id: row.slack_id for row in people if row.slack_id}
    for account in accounts:
        owner, named = by_slack.get(account.id), by_email.get(account.email.lower())
        if owner is None and named is not None and named.id not in tied:
            owner, tied[named.id] = named, account.id
            connection.execute(update(Person).where(Person.id == named.id).values(slack_id=account.id))
            facts = {"slack": account.id}
            happened.append(Happened(Tag.PERSON_LINKED, "slack", f"person:{named.id}", {"by": "email"}, facts))
        elif named is not None and (owner is None or owner.id != named.id):
            _doubt(connection, account, named.id, owner, now)
        if owner is not None and account.time_zone and owner.time_zone != account.time_zone:
            connection.execute(update(Person).where(Person.id == owner.id).values(time_zone=account.time_zone))
    return happened


def _doubt(
    connection: Connection, account: SlackAccount, person_id: int, owner: Row[Any] | None, now: datetime
) -> None:
    if owner is None:
        words = "A second Slack account has this person's address. Which one is theirs?"
    else:
        words = f"A Slack account tied to person {owner.id} has this person's address now. Whose is it?"
    doubt(connection, f"slack:{account.id}:person:{person_id}", "slack", person_id, account.id, words, now)
