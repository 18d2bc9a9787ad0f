"""Who may decide about a renewal, and the refusals that say who else can, or until when it could be (rules §9)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select

from licensing.words import day, isolate, joined
from model.people import Person
from model.renewals import Renewal, RenewalState
from model.session import UnitOfWork
from workflows.facts import PersonFacts
from workflows.people import person_facts
from workflows.permissions import Access, Page, access, licence_managers, parts_of
from workflows.refusals import Instant, Refusal, plain_instant
from workflows.renewals import renewal as moves
from workflows.renewals.renewal import Verb
from workflows.renewals.subjects import Subject, subjects
from workflows.rules import Rules


class NotYourRenewal(Refusal):
    """Somebody else decides this; the sentence names who."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names

    def say(self, instant: Instant = plain_instant) -> str:
        who = joined([isolate(name) for name in self.names], "or") or "a licence manager"
        return f"This is decided by {who}. You can look, not decide."


class TooLate(Refusal):
    """The day by which this could be decided has passed; `words` say what that costs."""

    def __init__(self, last: date, words: str = "") -> None:
        super().__init__(last, words)
        self.last, self.words = last, words

    def say(self, instant: Instant = plain_instant) -> str:
        return f"Too late: this had to be decided by {day(self.last)}.{f' {self.words}' if self.words else ''}"


def subject_of(work: UnitOfWork, renewal: Renewal, rules: Rules, now: datetime) -> Subject:
    """What a renewal is about. Raises IllegalMove when it is gone from the register and from Microsoft."""
    wanted = [renewal.contract_id] if renewal.contract_id is not None else None
    found = subjects(work.connection, rules.policy, now, wanted)
    for one in found:
        if (one.contract_id, one.subscription_id) == (renewal.contract_id, renewal.subscription_id):
            return one
    raise moves.IllegalMove(RenewalState.DROPPED, Verb.DECIDE)


def acts(person: PersonFacts) -> bool:
    """Whether somebody's roles let them decide about any renewal."""
    return access(Page.RENEWALS, parts_of(person.roles)) >= Access.ACT


def require(work: UnitOfWork, renewal: Renewal, subject: Subject, by: int, now: datetime) -> None:
    """Raises NotYourRenewal unless the person answers for it, looks after its product, or has the role to act."""
    person = person_facts(work.connection, [by], now).get(by)
    owners = {renewal.owner_id, subject.owner_id, *subject.product_owners} - {None}
    if person is not None and not person.has_left(now) and (by in owners or acts(person)):
        return
    names = names_of(work, [one for one in (renewal.owner_id, subject.owner_id) if one is not None])
    raise NotYourRenewal(names[:1] + tuple(name for name in licence_managers(work.connection) if name not in names[:1]))


def names_of(work: UnitOfWork, ids: Iterable[int]) -> tuple[str, ...]:
    """People's names, in the order given, each once."""
    wanted = list(ids)
    found = work.connection.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))
    rows = {row.id: row.name for row in found}
    return tuple(dict.fromkeys(rows[one] for one in wanted if one in rows))
