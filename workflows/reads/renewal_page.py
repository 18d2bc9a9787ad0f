"""What the page of a renewal shows beside its brief: the rows behind each figure, its papers, and its story."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from licensing.money import Cycle, Money
from licensing.renewal.stages import LATER
from licensing.words import day, joined, plural
from model.contracts import Contract, ContractDocument, Entitlement
from model.events import Event, Tag, person_of
from model.licences import Seat
from model.people import Person
from model.renewals import Renewal, RenewalState
from model.usage import SeatUse
from workflows.reads.renewal_facts import BriefFacts, ProductFacts

#: Rows of one product that a page holds; the command line has all.
HOLDERS_SHOWN = 200
_VERDICTS = {"active": "in use", "little_used": "little used", "idle": "looks idle", "unknown": "not known"}


@dataclass(frozen=True)
class Purchase:
    """A purchase behind a figure."""

    reference: str
    quantity: int | None
    unit_price: Money | None
    cycle: Cycle
    starts_on: date
    ends_on: date | None
    proof: str


@dataclass(frozen=True)
class Holder:
    """Somebody with a seat: never with a day of use (privacy mode, rules §10)."""

    name: str
    team: str
    since: datetime
    use: str


@dataclass(frozen=True)
class Rows:
    """What one product's figures are made of. `holders` None: not for this reader."""

    purchases: tuple[Purchase, ...]
    holders: tuple[Holder, ...] | None
    held: int


@dataclass(frozen=True)
class Paper:
    """A document of the contract. `sha256` "" where the file was never seen."""

    id: int
    reference: str
    sha256: str
    recorded_at: datetime


@dataclass(frozen=True)
class Happening:
    """A line of the story: when, who, what."""

    at: datetime
    who: str
    what: str


def rows_of(connection: Connection, product: ProductFacts, *, names: bool) -> Rows:
    """The purchases of a product under the contract, and who holds it."""
    ids = [one.entitlement_id for one in product.lines if one.entitlement_id is not None]
    found = connection.execute(
        select(Entitlement.__table__, func.coalesce(Entitlement.ends_on, Contract.ends_on).label("last"))
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(Entitlement.id.in_(ids))
        .order_by(Entitlement.starts_on, Entitlement.id)
    )
    cycles = {one.entitlement_id: one for one in product.lines}
    purchases = tuple(
        Purchase(
            row.reference or "",
            row.quantity if row.quantity_known else None,
            cycles[row.id].unit_price,
            cycles[row.id].cycle,
            row.starts_on,
            row.last,
            row.proof,
        )
        for row in found
    )
    ours = [Seat.product_id == product.product_id, Seat.ended_at.is_(None), Seat.person_id.is_not(None)]
    if product.sku_id is not None:
        ours.append(Seat.sku_id == product.sku_id)
    held = connection.execute(select(func.count(Seat.person_id.distinct())).where(*ours)).scalar_one()
    return Rows(purchases, _holders(connection, ours) if names else None, held)


def _holders(connection: Connection, ours: Collection[Any]) -> tuple[Holder, ...]:
    rows = connection.execute(
        select(Person.name, Person.department, Seat.began_at, SeatUse.verdict)
        .join(Seat, Seat.person_id == Person.id)
        .outerjoin(SeatUse, SeatUse.seat_id == Seat.id)
        .where(*ours)
        .order_by(Person.name, Seat.id)
        .limit(HOLDERS_SHOWN)
    )
    return tuple(
        Holder(row.name, row.department or "", row.began_at, _VERDICTS.get(row.verdict or "unknown", "not known"))
        for row in rows
    )


def papers(connection: Connection, renewal_id: int) -> tuple[Paper, ...]:
    """The documents of its contract, newest first."""
    rows = connection.execute(
        select(ContractDocument.id, ContractDocument.reference, ContractDocument.sha256, ContractDocument.recorded_at)
        .join(Renewal, Renewal.contract_id == ContractDocument.contract_id)
        .where(Renewal.id == renewal_id)
        .order_by(ContractDocument.recorded_at.desc(), ContractDocument.id.desc())
    )
    return tuple(Paper(*row) for row in rows)


# -- its story ---------------------------------------------------------------------------------------------------------


def story(connection: Connection, facts: BriefFacts) -> tuple[Happening, ...]:
    """Everything that happened to it, oldest first, in words."""
    rows = connection.execute(
        select(Event.tag, Event.at, Event.actor, Event.facts)
        .where(Event.subject == f"renewal:{facts.id}")
        .order_by(Event.id)
    ).all()
    said = [(row, json.loads(row.facts)) for row in rows]
    ids = {number for row, _ in said if (number := person_of(row.actor))}
    ids |= {int(more["to"]) for row, more in said if row.tag == Tag.RENEWAL_OWNER_NAMED and more.get("to")}
    ids |= {int(more["sent_by"]) for _, more in said if more.get("sent_by")}
    names = {row.id: row.name for row in connection.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))}
    return tuple(Happening(row.at, _who(row.actor, names), _what(row.tag, more, names)) for row, more in said)


def _who(actor: str, names: Mapping[int, str]) -> str:
    if number := person_of(actor):
        return names.get(number, "somebody who has left")
    known = {"clock": "by the calendar", "microsoft365": "Microsoft 365", "servicenow": "ServiceNow"}
    return known.get(actor, actor.replace("operator:", "operator ").replace("rule:", "rule "))


_STAGES = {"opens": "its window opened", "missed": "the date had passed", "review": "the quarter's review",
           "undone": "a planned decrease was undone"}  # fmt: skip
_PLAIN: Mapping[str, str] = {
    Tag.RENEWAL_AGREED: "Agreed",
    Tag.RENEWAL_REFUSED: "Did not agree: the decision was taken back",
    Tag.RENEWAL_CHANGED: "Decision taken back",
    Tag.RENEWAL_TAKEN_UP: "Taken up again",
    Tag.RENEWAL_PROOF_AWAITED: "Decided and agreed: proof is awaited",
    Tag.RENEWAL_PROOF_LOST: "Undone at the vendor: proof is awaited again",
    Tag.RENEWAL_PROOF_REFUSED: "A file was attached and could not be kept",
    Tag.RENEWAL_MISSED: "The date passed without a decision",
    Tag.RENEWAL_ROLLED_OVER: "The next term began by itself",
    Tag.RENEWAL_DROPPED: "Closed: nothing is left to decide",
}


def _what(tag: str, facts: Mapping[str, Any], names: Mapping[int, str]) -> str:
    match tag:
        case Tag.RENEWAL_OPENED:
            by = f"; decide by {_day(facts['decide_by'])}" if facts.get("decide_by") else ""
            return f"Opened for the end on {_day(facts.get('ends_on'))}{by}"
        case Tag.RENEWAL_TOLD:
            return f"People were told: {_stage(str(facts.get('stage', '')))}"
        case Tag.RENEWAL_DATES_MOVED:
            return f"Its dates moved from {_day(facts.get('from'))} to {_day(facts.get('to'))}"
        case Tag.RENEWAL_DECIDED:
            quantity = f" to {int(facts['quantity']):,}" if facts.get("quantity") is not None else ""
            total = joined([str(Money(Decimal(each), code)) for code, each in (facts.get("total") or {}).items()])
            waits = "; others have to agree" if facts.get("needs") else ""
            return f"Decided: {facts.get('verdict', '')}{quantity}{f', {total}' if total else ''}{waits}"
        case Tag.RENEWAL_DEFERRED:
            return f"Put off to {_day(facts.get('until'))}"
        case Tag.RENEWAL_PROVED:
            if facts.get("sent_on"):
                by = f" by {names.get(int(facts['sent_by']), 'somebody')}" if facts.get("sent_by") else ""
                return f"Proved: sent on {_day(facts['sent_on'])}{by}"
            return f"Proved: seen there, {facts['seen']}" if facts.get("seen") else "Done: nothing has to be sent"
        case Tag.RENEWAL_OWNER_NAMED:
            who = names.get(int(facts["to"]), "Somebody") if facts.get("to") else "Nobody"
            return f"{who} answers for it now"
        case Tag.RENEWAL_REOPENED:
            back = facts.get("from") == RenewalState.DROPPED
            return f"Opened anew: {'it is to be decided after all' if back else 'the date lies ahead again'}"
        case _:
            return _PLAIN.get(tag, tag)


def _stage(name: str) -> str:
    kind, _, days = name.partition("-")
    if kind == "before" and days.isdigit():
        return f"{plural(int(days), 'day')} before the day to decide by"
    if kind == LATER:
        return "the day it was put off to"
    return _STAGES.get(name, name or "with others")


def _day(written: object) -> str:
    try:
        return day(date.fromisoformat(str(written)))
    except ValueError:
        return "a day not known"
