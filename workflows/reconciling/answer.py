"""What people say to a difference: it is right, we dispute it, procurement looks. Words always, a link if any.

Finance, procurement and licence managers may; the right is asked anew at each press.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from licensing.words import and_more, isolate
from model.people import Person, Role, RoleGrant
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.permissions import Access, Duty, duty, parts_of
from workflows.reads.reconciliation import digests_with
from workflows.reconciling import lines
from workflows.reconciling.lines import Verb
from workflows.refusals import FieldRefusals, Instant, Refusal, plain_instant
from workflows.replies import About, Said

LEAST_WORDS, LONGEST_WORDS, LONGEST_LINK = 3, 2000, 500
#: People of procurement who are told of one question.
TOLD_AT_MOST = 5
ANSWERS = (Verb.ACCEPT, Verb.DISPUTE, Verb.ASK)


class NotYours(Refusal):
    """Others answer differences; the sentence names who."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names

    def say(self, instant: Instant = plain_instant) -> str:
        who = and_more([isolate(name) for name in self.names], 3) or "IT, who can say who that is"
        return f"Finance, procurement and licence managers answer this: ask {who}."


def may(roles: Collection[Role]) -> bool:
    """Whether these roles let somebody answer a difference."""
    return duty(Duty.ANSWER_DIFFERENCES, parts_of(roles)) >= Access.ACT


def require(connection: Connection, roles: Collection[Role]) -> None:
    """Raises NotYours for anybody else."""
    if not may(roles):
        raise NotYours(tuple(name for _, name in holders(connection, Role.FINANCE)))


def answer(
    work: UnitOfWork,
    line_id: int,
    version: int,
    verb: Verb,
    by: int,
    roles: Collection[Role],
    words: str,
    evidence: str,
    now: datetime,
) -> str:
    """Take the answer down, show it everywhere, say what was done. Raises NotYours, IllegalMove, FieldRefusals."""
    require(work.connection, roles)
    words, evidence = words.strip(), evidence.strip()
    if len(words) < LEAST_WORDS:
        raise FieldRefusals({"words": "Say in a few words why."})
    if len(words) > LONGEST_WORDS:
        raise FieldRefusals({"words": f"At most {LONGEST_WORDS:,} characters; put the rest behind the link."})
    if len(evidence) > LONGEST_LINK:
        raise FieldRefusals({"link": f"At most {LONGEST_LINK} characters."})
    line = lines.locked(work, line_id, version)
    event_id = lines.move(
        work, line, verb, f"person:{by}", now, {"mark": line.mark}, {"words": words, "evidence": evidence}
    )
    line.answer, line.evidence = words, evidence
    line.answered_by_id, line.answered_at = by, now
    effects: list[Effect] = [ShowCard(card_id) for card_id in digests_with(work.connection, line_id)]
    told: list[str] = []
    asker = isolate(work.session.get_one(Person, by).name)
    if verb is Verb.ASK:
        for person_id, name in holders(work.connection, Role.PROCUREMENT)[:TOLD_AT_MOST]:
            if person_id == by:
                continue
            said = Said(About.TEXT, text=f"{asker} asks you to look at this: {line.words} They say: “{words}”.")
            effects += cards.new_card(work, CardKind.NOTE, event_id, cards.person(person_id), now, facts=said.facts())
            told.append(name)
    enqueue(work, effects, now)
    if verb is Verb.ACCEPT:
        return "Noted: it is right as it is. It stays closed until the figures change."
    if verb is Verb.DISPUTE:
        return "Noted as disputed. It stays open until the figures agree or somebody says that it is right."
    who = and_more([isolate(name) for name in told], 3)
    return (
        f"Asked: {who}. It stays open." if who else "Noted. Nobody else has the role procurement, so nobody was told."
    )


def holders(connection: Connection, role: Role) -> list[tuple[int, str]]:
    """Id and name of the people at work with a role, by name."""
    rows = connection.execute(
        select(Person.id, Person.name)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.role == role, RoleGrant.ended_at.is_(None), Person.active)
        .distinct()
        .order_by(Person.name)
    )
    return [(row.id, row.name) for row in rows]
