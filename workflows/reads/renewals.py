"""Renewals as lists show them: stored ones with their state, those the next night will open, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from licensing.money import Sums
from licensing.renewal.dates import DecideBy, Due, Occasion
from licensing.renewal.offer import term_cost
from licensing.renewal.terms import FILLED_BY, Missing
from licensing.words import joined
from model.people import Person
from model.renewals import Renewal, RenewalDecision, RenewalState
from workflows.policy import Policy
from workflows.renewals import night
from workflows.renewals.need import paid_next
from workflows.renewals.renewal import FINAL, reference
from workflows.renewals.subjects import Subject, subjects

_STATES = {
    RenewalState.OPEN: "open",
    RenewalState.BRIEFED: "nobody has decided",
    RenewalState.DEFERRED: "put off",
    RenewalState.DECIDED: "decided, others must agree",
    RenewalState.PROOF_AWAITED: "decided, no proof yet",
    RenewalState.DONE: "done",
    RenewalState.MISSED: "missed",
    RenewalState.ROLLED_OVER: "went on by itself",
    RenewalState.DROPPED: "dropped",
}


@dataclass(frozen=True)
class RenewalRow:
    """One occasion of one contract or subscription. `occasion` None: without an end nothing can be dated."""

    subject: Subject
    occasion: Due | None
    id: int | None = None
    state: RenewalState = RenewalState.OPEN
    owner_id: int | None = None
    owner: str = ""
    verdict: str = ""
    words: str = ""
    next_cost: Sums | None = None

    @property
    def reference(self) -> str:
        """ "REN-12"; empty before the night has opened it."""
        return reference(self.id) if self.id is not None else ""

    @property
    def decide_by(self) -> date | None:
        return self.occasion.decide_by if self.occasion is not None else None

    @property
    def state_words(self) -> str:
        return f"{_STATES[self.state]}{f': {self.verdict}' if self.verdict else ''}"

    @property
    def dates(self) -> tuple[DecideBy, ...]:
        return self.occasion.dates if self.occasion is not None else ()

    @property
    def seats(self) -> int | None:
        """Units of all purchases together; None when one is not known or unlimited."""
        units = [one.line.quantity for one in self.subject.bought]
        return None if not units or None in units else sum(one for one in units if one is not None)

    @property
    def missing(self) -> tuple[Missing, ...]:
        return self.subject.missing

    @property
    def missing_words(self) -> str:
        """ "its notice period and a price (procurement)"."""
        who = list(dict.fromkeys(FILLED_BY[one][1].replace("_", " ") for one in self.missing))
        what = joined([FILLED_BY[one][0] for one in self.missing])
        return f"{what} ({joined(who, 'or')})" if what else ""


def renewals(connection: Connection, policy: Policy, now: datetime, within_days: int | None = None) -> list[RenewalRow]:
    """What is to be decided, by its date; those without one follow, and last what is over and stands red.

    `within_days`: only what is to be decided by then, and what has no date at all. A contract with something missing is
    always there: it is never skipped in silence.
    """
    stored = _stored(connection)
    rows: list[RenewalRow] = []
    found = subjects(connection, policy, now)
    for subject in found:
        wanted = night.occasions(subject, now.date(), policy.renewals.look_ahead_days)
        for occasion in wanted:
            own = stored.pop((*subject.key(), occasion.occasion.value, occasion.ends_on), None)
            rows.append(_row(subject, occasion, own))
        if not wanted:
            rows.append(RenewalRow(subject, None, owner_id=subject.owner_id))
    by_key = {one.key(): one for one in found}
    for (kind, number, what, ends_on), own in stored.items():
        if own["state"] == RenewalState.PROOF_AWAITED and (kind, number) in by_key:  # red until somebody proves it
            over = night.stored(connection, own["id"], what, own["starts_on"], ends_on)
            rows.append(_row(by_key[kind, number], over, own))
    names = _names(connection, [row.owner_id for row in rows])
    named = [
        RenewalRow(
            one.subject, one.occasion, one.id, one.state, one.owner_id, names.get(one.owner_id or 0, ""),
            one.verdict, one.words, one.next_cost,
        )
        for one in rows
    ]  # fmt: skip
    return sorted((one for one in named if _asked(one, now.date(), within_days)), key=_order)


def _row(subject: Subject, occasion: Due, own: Mapping[str, Any] | None) -> RenewalRow:
    term = paid_next(subject, occasion.occasion, occasion.ends_on)
    lines = [one.line for one in subject.bought]
    cost = term_cost(lines, term.starts_on, term.ends_on) if term is not None and lines else None
    if own is None:
        return RenewalRow(subject, occasion, owner_id=subject.owner_id, next_cost=cost)
    return RenewalRow(
        subject,
        occasion,
        own["id"],
        RenewalState(own["state"]),
        own["owner_id"] or subject.owner_id,
        verdict=own["verdict"] or "",
        words=own["words"],
        next_cost=cost,
    )


def _stored(connection: Connection) -> dict[tuple[str, int, str, date], Mapping[str, Any]]:
    rows = connection.execute(
        select(
            Renewal.id, Renewal.contract_id, Renewal.subscription_id, Renewal.occasion, Renewal.starts_on,
            Renewal.ends_on, Renewal.state, Renewal.owner_id, Renewal.words, RenewalDecision.verdict,
        )
        .outerjoin(
            RenewalDecision,
            (RenewalDecision.renewal_id == Renewal.id) & RenewalDecision.replaced_at.is_(None),
        )
        .where(Renewal.state.not_in(FINAL))
    ).mappings()  # fmt: skip
    return {
        (
            "contract" if row["contract_id"] is not None else "subscription",
            row["contract_id"] or row["subscription_id"],
            row["occasion"],
            row["ends_on"],
        ): dict(row)
        for row in rows
    }


def _names(connection: Connection, ids: list[int | None]) -> dict[int, str]:
    wanted = {one for one in ids if one is not None}
    return {row.id: row.name for row in connection.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))}


def _asked(row: RenewalRow, today: date, within_days: int | None) -> bool:
    if within_days is None or row.decide_by is None or row.missing:
        return True
    red = row.state in (RenewalState.PROOF_AWAITED, RenewalState.MISSED)
    return red or (row.decide_by - today).days <= within_days


def _order(row: RenewalRow) -> tuple[bool, date, str]:
    review = row.occasion is not None and row.occasion.occasion is Occasion.REVIEW
    by = row.occasion.ends_on if review and row.occasion is not None else row.decide_by
    return by is None, by or date.max, row.subject.name
