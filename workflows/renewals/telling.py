"""Telling the people of a renewal: one note a stage, written with the stage's row, so that it comes once.

Whoever answers for it is told; nobody, then the licence managers' channel.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from licensing.renewal import stages
from licensing.renewal.dates import Due
from licensing.renewal.stages import Stage
from licensing.renewal.terms import FILLED_BY, ONE_DAY, Missing
from licensing.words import and_more, day, isolate, joined, plural
from model.events import Happened, Tag
from model.renewals import Renewal, RenewalStage, RenewalState
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import ShowCard, enqueue
from workflows.renewals import renewal as moves
from workflows.renewals.renewal import Verb, reference
from workflows.renewals.subjects import Subject
from workflows.replies import About, Said

NAMES_SHOWN = 5
#: So many renewals at once come to a channel as briefs of their own, more as one list.
CHANNEL_ALONE = 3
#: Where the list keeps which they are.
RENEWALS = "renewals"
_INSERT: dict[str, Any] = {"sqlite": sqlite_insert, "postgresql": postgres_insert}


@dataclass
class Notes:
    """What a transaction has to tell. A person's messages are counted elsewhere; a channel hears of many at once."""

    found: list[tuple[int | None, int, str, int | None]] = field(default_factory=list)
    channel: str = ""  # of briefs, where policy names one

    def add(self, owner_id: int | None, event_id: int, text: str, renewal_id: int | None = None) -> None:
        """`renewal_id`: told by its brief, of which `text` is the sentence; without one by the sentence alone."""
        self.found.append((owner_id, event_id, text, renewal_id))

    def send(self, work: UnitOfWork, now: datetime) -> None:
        """Write the messages; to be called before the commit."""
        told: dict[str, list[tuple[int, str]]] = {}
        for owner_id, event_id, text, renewal_id in self.found:
            if renewal_id is None:
                note(work, owner_id, event_id, text, now)
                continue
            if owner_id is not None:
                enqueue(work, brief_card(work, cards.person(owner_id), renewal_id, text, now), now)
            if self.channel or owner_id is None:
                told.setdefault(_channel(self.channel), []).append((renewal_id, text))
        for audience, briefs in told.items():
            _in_channel(work, audience, briefs, now)


def tell(
    work: UnitOfWork,
    renewal: Renewal,
    subject: Subject,
    occasion: Due,
    told: Stage,
    instead: Sequence[Stage],
    notes: Notes,
    now: datetime,
) -> bool:
    """Write that a stage was told, and have it told; False when another process did so first."""
    if not written(work, renewal.id, told, instead, now):
        return False
    facts = {"stage": told.name, "due_on": told.on, "instead_of": [one.name for one in instead]}
    event_id = moves.move(work, renewal, Verb.TELL, "clock", now, facts)
    notes.add(renewal.owner_id, event_id, sentence(renewal, subject, occasion, told), renewal.id)
    return True


def to_owner(work: UnitOfWork, renewal: Renewal, subject: Subject, occasion: Due, now: datetime) -> bool:
    """The brief to whoever answers for the contract from today on, where its people were told already."""
    if renewal.owner_id is None:
        return False
    asked = sentence(renewal, subject, occasion, Stage("owner", now.date()))
    text = f"You answer for this now. {asked}"
    enqueue(work, brief_card(work, cards.person(renewal.owner_id), renewal.id, text, now), now)
    return True


def written(work: UnitOfWork, renewal_id: int, told: Stage, instead: Sequence[Stage], now: datetime) -> bool:
    """Whether this process is the one that tells: the stage's row is unique."""
    work.session.flush()
    rows = [
        {"renewal_id": renewal_id, "name": one.name, "due_on": one.on, "told_at": now,
         "stood_for_by": "" if one is told else told.name}
        for one in (told, *instead)
    ]  # fmt: skip
    insert = _INSERT[work.connection.dialect.name](RenewalStage).on_conflict_do_nothing().returning(RenewalStage.name)
    mine = [name for row in rows for name in work.connection.execute(insert, row).scalars()]
    return told.name in mine


def note(work: UnitOfWork, owner_id: int | None, event_id: int, text: str, now: datetime) -> None:
    """A sentence to whoever answers for it, else to the licence managers' channel."""
    audience = cards.person(owner_id) if owner_id is not None else cards.channel("licences")
    said = Said(About.TEXT, text=text)
    enqueue(work, cards.new_card(work, CardKind.NOTE, event_id, audience, now, facts=said.facts()), now)


def _channel(named: str) -> str:
    """Where briefs go that a channel reads: the policy's channel of renewals, else the licence managers'."""
    return cards.channel("renewals" if named else "licences")


def brief_card(work: UnitOfWork, audience: str, renewal_id: int, text: str, now: datetime) -> list[ShowCard]:
    return cards.new_card(work, CardKind.RENEWAL, renewal_id, audience, now, facts={"text": text})


def _in_channel(work: UnitOfWork, audience: str, briefs: Sequence[tuple[int, str]], now: datetime) -> None:
    """A few as briefs of their own; more at once, or on a day that has its list, as rows of one message.

    The first night of a register would else fill a channel with one brief a contract.
    """
    today = datetime.combine(now.date(), time(), now.tzinfo)
    current = work.connection.execute(
        select(Card.id, Card.facts)
        .where(Card.kind == CardKind.RENEWALS, Card.audience == audience, Card.live, Card.created_at >= today)
        .order_by(Card.id.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if current is None and len(briefs) <= CHANNEL_ALONE:
        for renewal_id, text in briefs:
            enqueue(work, brief_card(work, audience, renewal_id, text, now), now)
        return
    ids = [renewal_id for renewal_id, _ in briefs]
    if current is None:
        effects = cards.new_card(work, CardKind.RENEWALS, ids[0], audience, now, facts={RENEWALS: ids})
    else:
        kept = dict.fromkeys([*current.facts.get(RENEWALS, ()), *ids])
        work.connection.execute(
            update(Card).where(Card.id == current.id).values(facts={**current.facts, RENEWALS: list(kept)})
        )
        effects = [ShowCard(current.id)]
    enqueue(work, effects, now)


def sentence(renewal: Renewal, subject: Subject, occasion: Due, told: Stage) -> str:
    """What is asked, until when, and what happens without an answer."""
    name = f"{isolate(subject.name)} ({reference(renewal.id)})"
    holds = _holds(subject)
    if told.name == stages.MISSED:
        return f"Too late to change: {name}{holds}. {renewal.words or 'Nobody decided in time.'}"
    by = occasion.decide_by
    first = f"Decide by {day(by)}: {name}{holds}." if by is not None else f"{name}{holds} has no date to decide by."
    if renewal.state == RenewalState.DECIDED and by is not None:
        first = f"Others have to agree by {day(by)}: {name}{holds}. It was decided."
    if renewal.state == RenewalState.PROOF_AWAITED:
        opens = told.name == stages.OPENS
        first = f"{'From today it can be done' if opens else 'Proof is missing'}: {name}{holds}. It was decided."
    why = next((one.why for one in occasion.dates if one.on == by and one.why), "")
    if told.name.startswith(stages.LATER):
        first = f"It was put off to {day(told.on)}. {first}"
    parts = [first, f"The date was brought forward: {why}." if why else "", otherwise(subject, occasion)]
    parts.append(wanting(subject.missing))
    return " ".join(part for part in parts if part)


def _holds(subject: Subject) -> str:
    shown = [
        f"{isolate(one.product)}, {plural(one.line.quantity, one.noun)}"
        if one.line.quantity is not None
        else one.product
        for one in subject.bought
    ]
    return f": {and_more(shown, NAMES_SHOWN)}" if shown else ""


def undone(renewal: Renewal, subject: Subject, units: int) -> str:
    """A change in mid-term deleted what was planned."""
    return (
        f"Plan the decrease again: {isolate(subject.name)} ({reference(renewal.id)}). Microsoft shows "
        f"{plural(units, 'seat')} since a change in mid-term, and such a change deletes a planned decrease. "
        f"It must be planned by {day(renewal.ends_on)}."
    )


def otherwise(subject: Subject, occasion: Due) -> str:
    """What happens when nobody decides."""
    if subject.agreement.auto_renew:
        return f"Without a decision it renews by itself on {day(occasion.ends_on + ONE_DAY)}."
    return f"Without a decision it ends on {day(occasion.ends_on)}."


def wanting(missing: Collection[Missing]) -> str:
    """ "Not recorded: its notice period and a price; procurement can fill it." """
    if not missing:
        return ""
    who = list(dict.fromkeys(FILLED_BY[one][1].replace("_", " ") for one in missing))
    return f"Not recorded: {joined([FILLED_BY[one][0] for one in missing])}; {joined(who, 'or')} can fill it in."


def review(work: UnitOfWork, due_now: Sequence[tuple[Renewal, Subject, Stage]], now: datetime) -> int:
    """One note for all contracts whose terms are a month or less, once a quarter; returns how many it names."""
    mine = [one for one in due_now if written(work, one[0].id, one[2], (), now)]
    if not mine:
        return 0
    facts = {"renewals": [renewal.id for renewal, _, _ in mine]}
    ids = work.record(
        [
            Happened(Tag.RENEWAL_TOLD, "clock", f"renewal:{renewal.id}", facts if at == 0 else {"with": mine[0][0].id})
            for at, (renewal, _, _) in enumerate(mine)
        ],
        now,
    )
    for renewal, _, _ in mine:
        renewal.state, renewal.version = RenewalState.BRIEFED, renewal.version + 1
    names = and_more([isolate(subject.name) for _, subject, _ in mine], NAMES_SHOWN)
    count = plural(len(mine), "contract")
    text = (
        f"{count} with terms of a month or less to look at this quarter: {names}. Each goes on until it is cancelled."
    )
    note(work, None, ids[0], text, now)
    return len(mine)
