"""Which Slack account is whose: by the link we hold, then by e-mail; what is in doubt is for a person to say.

A link that exists stays when addresses change, since the directory id behind the person does not. Two accounts for one
person, or an account whose address is now somebody else's, tie nobody: they are written down and shown.
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
from model.sync import MatchDoubt
from workflows.directory_merge import doubt

CHUNK = 500


class NoSuchDoubt(LookupError):
    """No match with this number waits for an answer."""


@dataclass(frozen=True)
class SlackAccount:
    """A Slack account that may belong to somebody."""

    id: str
    email: str
    time_zone: str
    active: bool


@dataclass(frozen=True)
class Waiting:
    """A match that waits for a person's word."""

    id: int
    name: str
    words: str
    account: str


def link_slack(work: UnitOfWork, accounts: Iterable[SlackAccount], now: datetime) -> int:
    """Tie Slack accounts to people, and take their time zones. Returns how many were linked anew."""
    work.session.flush()
    linked: list[Happened] = []
    for chunk in _chunks(accounts):
        linked += _link(work.connection, chunk, now)
    work.session.expire_all()
    work.record(linked, now)
    return len(linked)


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
        if owner is None and named is not None and account.active and named.id not in tied:
            owner, tied[named.id] = named, account.id
            connection.execute(update(Person).where(Person.id == named.id).values(slack_id=account.id))
            facts = {"slack": account.id}
            happened.append(Happened(Tag.PERSON_LINKED, "slack", f"person:{named.id}", {"by": "email"}, facts))
        elif named is not None and account.active and (owner is None or owner.id != named.id):
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


# -- what waits for a person -------------------------------------------------------------------------------------------


def waiting(connection: Connection) -> list[Waiting]:
    """Every match nobody has settled, oldest first."""
    rows = connection.execute(
        select(MatchDoubt.id, Person.name, MatchDoubt.words, MatchDoubt.account)
        .join(Person, Person.id == MatchDoubt.person_id)
        .where(MatchDoubt.settled_at.is_(None))
        .order_by(MatchDoubt.id)
    )
    return [Waiting(*row) for row in rows]


def settle(work: UnitOfWork, doubt_id: int, *, same: bool, by: str, now: datetime) -> str:
    """Take a person's word on a match, once; returns what came of it. Raises NoSuchDoubt.

    `by`: "person:4", or the address of whoever used the command line.
    """
    row = work.session.get(MatchDoubt, doubt_id, with_for_update=True, populate_existing=True)
    if row is None or row.settled_at is not None:
        raise NoSuchDoubt(f"No match {doubt_id} waits for an answer: seatkeeper matches list")
    row.settled_at, row.settled_by, row.outcome = now, by, "same" if same else "different"
    person = work.session.get_one(Person, row.person_id)
    if not same:
        work.session.flush()
        facts = {"match": doubt_id, "kind": row.kind}
        work.record([Happened(Tag.PERSON_TOLD_APART, by, f"person:{person.id}", facts, {"account": row.account})], now)
        return f"{person.name} stays as they are."
    done = _tie_slack(work, row, person) if row.kind == "slack" else _tie_directory(work, row, person)
    facts = {"by": "a person", "match": doubt_id, "kind": row.kind}
    work.record([Happened(Tag.PERSON_LINKED, by, f"person:{person.id}", facts, {"account": row.account})], now)
    return done


def _tie_slack(work: UnitOfWork, row: MatchDoubt, person: Person) -> str:
    work.connection.execute(update(Person).where(Person.slack_id == row.account).values(slack_id=None))
    person.slack_id = row.account
    work.session.flush()
    return f"{person.name} is tied to the Slack account {row.account} now."


def _tie_directory(work: UnitOfWork, row: MatchDoubt, person: Person) -> str:
    other = work.session.execute(select(Person).where(Person.directory_id == row.account)).scalar_one_or_none()
    if person.directory_id is not None or other is None:
        if other is not None:
            other.directory_id = None
            other.active = False
            work.session.flush()
        person.directory_id = row.account
        work.session.flush()
        return f"{person.name} is that account of the directory now; the next reading brings its data."
    # entered by hand, and known from the directory under another address: the latter stays, with the address and Slack
    slack_id, email = person.slack_id, person.email
    person.email, person.slack_id, person.active = f"moved.{person.id}@address.invalid", None, False
    work.session.flush()
    other.email, other.slack_id = email, other.slack_id or slack_id
    work.session.flush()
    return f"{other.name} from the directory is that person now; the entry made by hand is closed."
