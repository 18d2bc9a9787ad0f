"""Accounts that may be one person, as somebody must see them to say whether they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from model.events import person_of
from model.people import Person
from model.sync import MatchDoubt
from workflows.reads.facts import Who
from workflows.reads.people import people


@dataclass(frozen=True)
class MatchFacts:
    """One question. `kind`: slack or directory, of which `account` is the id; `holder` has that account now."""

    id: int
    kind: str
    words: str
    person: Who
    account: str
    holder: Who | None
    outcome: str  # "", same or different
    settled_by: str  # a name, or the address of whoever used the command line

    @property
    def open(self) -> bool:
        return not self.outcome


def matches(connection: Connection, ids: Collection[int]) -> list[MatchFacts]:
    """Questions by id, the oldest first; a fixed number of queries."""
    rows = connection.execute(
        select(*MatchDoubt.__table__.c).where(MatchDoubt.id.in_(ids)).order_by(MatchDoubt.id)
    ).all()
    accounts = [row.account for row in rows]
    held = connection.execute(
        select(Person.id, Person.slack_id, Person.directory_id).where(
            or_(Person.slack_id.in_(accounts), Person.directory_id.in_(accounts))
        )
    ).all()
    by_account = {("slack", row.slack_id): row.id for row in held if row.slack_id}
    by_account |= {("directory", row.directory_id): row.id for row in held if row.directory_id}
    known = people(
        connection,
        [*(row.person_id for row in rows), *by_account.values(), *(person_of(row.settled_by) for row in rows)],
    )
    return [
        MatchFacts(
            row.id,
            row.kind,
            row.words,
            known[row.person_id],
            row.account,
            known.get(by_account.get((row.kind, row.account), 0)),
            row.outcome,
            _name(row.settled_by, known),
        )
        for row in rows
    ]


def _name(said_by: str, known: Mapping[int, Who]) -> str:
    person = known.get(person_of(said_by) or 0)
    return person.name if person is not None else said_by
