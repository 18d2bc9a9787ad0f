"""Accounts that may or may not be one person: which wait for somebody's word, and what that word does, once."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from model.events import Happened, Tag, person_of
from model.people import Person
from model.session import UnitOfWork
from model.sync import MatchDoubt
from workflows.cards import CardKind
from workflows.permissions import Page
from workflows.questions import Answered, Matter


class Answer(enum.StrEnum):
    """What a person says. Stored."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Waiting:
    """A match that waits for a person's word."""

    id: int
    name: str
    words: str
    account: str


def waiting(connection: Connection) -> list[Waiting]:
    """Every match nobody has settled, oldest first."""
    rows = connection.execute(
        select(MatchDoubt.id, Person.name, MatchDoubt.words, MatchDoubt.account)
        .join(Person, Person.id == MatchDoubt.person_id)
        .where(MatchDoubt.settled_at.is_(None))
        .order_by(MatchDoubt.id)
    )
    return [Waiting(*row) for row in rows]


def settle(work: UnitOfWork, doubt_id: int, answer: Answer, by: str, now: datetime) -> str:
    """Take a person's word on a match, once; returns what came of it. Raises Answered.

    `by`: "person:4", or the address of whoever used the command line.
    """
    row = work.session.get(MatchDoubt, doubt_id, with_for_update=True, populate_existing=True)
    if row is None or row.settled_at is not None:
        raise Answered(_name(work, row.settled_by) if row is not None else "")
    row.settled_at, row.settled_by, row.outcome = now, by, answer.value
    person = work.session.get_one(Person, row.person_id)
    if answer is Answer.DIFFERENT:
        work.session.flush()
        facts = {"match": doubt_id, "kind": row.kind}
        work.record([Happened(Tag.PERSON_TOLD_APART, by, f"person:{person.id}", facts, {"account": row.account})], now)
        return f"{person.name} stays as they are."
    done = _tie_slack(work, row, person) if row.kind == "slack" else _tie_directory(work, row, person)
    facts = {"by": "a person", "match": doubt_id, "kind": row.kind}
    work.record([Happened(Tag.PERSON_LINKED, by, f"person:{person.id}", facts, {"account": row.account})], now)
    return done


def _name(work: UnitOfWork, said_by: str) -> str:
    person = work.session.get(Person, person_of(said_by) or 0)
    return person.name if person is not None else said_by


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


# -- putting it to a person --------------------------------------------------------------------------------------------


def _settle(work: UnitOfWork, doubt_id: int, answer: Answer, by: int, now: datetime) -> str:
    return settle(work, doubt_id, answer, f"person:{by}", now)


MATTER = Matter(
    card=CardKind.MATCH,
    page=Page.PEOPLE,
    what="Telling people's accounts apart",
    waiting=select(MatchDoubt.id).where(MatchDoubt.settled_at.is_(None)).order_by(MatchDoubt.id),
    settle=_settle,
)
