"""Seats that were given for a team get their holders afterwards: "2 more, holder named later".

The approver agreed to a number, so within it naming somebody needs no new approval. Whoever asked names them, or
whoever looks after the product. What the form checks about people is checked here too, and rules §5 holds: nobody comes
to a seat by their own decision, so no approver of the request is named for it and no product owner names themself.

A unit stays one unit throughout. Where a system gives it, its line goes from given to being given, which keeps it
reserved until the seat's own row says that it is in use. The request's lock lets two who name at once come one after
the other.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select, update

from licensing.words import day, isolate, joined, plural
from model.events import Happened, Tag
from model.licences import Granting, Product, Sku
from model.people import Person
from model.requests import (
    NAMEABLE,
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    OwnerTask,
    RequestLine,
    StepApprover,
)
from model.session import UnitOfWork
from model.tickets import TicketPurpose
from workflows import granting, refusals, seats_free
from workflows.effects import Advance, Effect, GrantLine, PublishHome, enqueue
from workflows.eligibility_check import named_wrongly
from workflows.request import lock, settle
from workflows.rules import Rules
from workflows.task_opening import open_give_task
from workflows.tickets import open_ticket


class NotYoursToName(refusals.Refusal):
    """Somebody else asked for these seats and looks after the product."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        whom = joined([isolate(name) for name in self.names], "or")
        return f"{whom} says who has this seat. You can look, not name somebody."


class NothingToName(refusals.Refusal):
    """Every seat has its holder by now, or the request has no seat yet."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "No seat of this request waits for a name, so nothing changed. Open Home to see where things stand."


class Follows(enum.StrEnum):
    """What comes after a name was put to a seat."""

    NOTHING = "nothing"  # the seat is theirs
    SYSTEM = "system"  # its system gives it
    OWNER = "owner"  # the product's owner puts the name in
    KNOWN = "known"  # they were named before


@dataclass(frozen=True)
class Named:
    """Whom somebody named, and what follows."""

    names: tuple[str, ...]
    product: str
    follows: Follows


def open_units(connection: Connection, request_id: int) -> int:
    """Seats of a request that can get a holder now."""
    return connection.execute(
        select(func.count())
        .select_from(RequestLine)
        .where(RequestLine.request_id == request_id, RequestLine.person_id.is_(None), RequestLine.state.in_(NAMEABLE))
    ).scalar_one()


def to_name(connection: Connection, request_id: int, by: int) -> int:
    """How many seats `by` may put a name to now. Raises NotYoursToName or NothingToName."""
    row = connection.execute(
        select(LicenceRequest.requester_id, LicenceRequest.product_id).where(LicenceRequest.id == request_id)
    ).one_or_none()
    if row is None or row.product_id is None:
        raise NothingToName
    if by != row.requester_id and not _looks_after(connection, row.product_id, request_id, by):
        owner = select(Product.owner_id).where(Product.id == row.product_id).scalar_subquery()
        people = (
            select(Person.name)
            .where(Person.id.in_([row.requester_id]))
            .union_all(select(Person.name).where(Person.id == owner, Person.id != row.requester_id))
        )
        raise NotYoursToName(tuple(connection.execute(people).scalars()))
    units = open_units(connection, request_id)
    if not units:
        raise NothingToName
    return units


def name_holders(
    work: UnitOfWork, rules: Rules, request_id: int, by: int, people: Sequence[int], now: datetime
) -> Named:
    """Put names to seats that have none. Raises NotYoursToName, NothingToName, or FieldRefusals at "person".

    Somebody who was named before stays named and takes no second seat, so a press that comes twice does its work once.
    """
    work.connection.execute(  # in the order in which an owner who is done takes them: the task, then its request
        select(OwnerTask.id)
        .where(OwnerTask.request_id == request_id, OwnerTask.state.in_(["open", "could_not"]))
        .order_by(OwnerTask.id)
        .with_for_update()
    )
    lock(work, request_id)
    before = _named_before(work, request_id)
    wanted = [person_id for person_id in dict.fromkeys(people) if person_id not in before]
    if people and not wanted and LineState.DROPPED not in {before[person_id] for person_id in people}:
        return _known(work, request_id, by, people)
    units = to_name(work.connection, request_id, by)
    request = work.session.get_one(LicenceRequest, request_id)
    product = work.session.get_one(Product, request.product_id)
    dropped = [person_id for person_id in people if before.get(person_id) is LineState.DROPPED]
    if dropped:
        names = joined([isolate(name) for name in _names(work, dropped)])
        raise refusals.FieldRefusals({"person": f"This request went on without {names}. Remove the name, or ask anew."})
    if not wanted:
        raise refusals.FieldRefusals({"person": "Choose who has it."})
    if len(wanted) > units:
        has = "has" if units == 1 else "have"
        at_most = plural(units, "person", "people")
        raise refusals.FieldRefusals(
            {"person": f"{plural(units, 'seat')} {has} no holder yet: choose {at_most} at most."}
        )
    assert request.sku_id is not None  # noqa: S101  a seat that was given has its SKU
    seats_free.lock_sku(work, request.sku_id)  # the same person named in another request at this moment is seen
    _check(work, rules, request, product, by, wanted, now)
    lines = work.session.execute(
        select(RequestLine)
        .where(RequestLine.request_id == request_id, RequestLine.person_id.is_(None), RequestLine.state.in_(NAMEABLE))
        .order_by(RequestLine.state, RequestLine.id)  # what is given comes before what is being given
        .limit(len(wanted))
    ).scalars()
    actor = f"person:{by}"
    events: list[Happened] = []
    effects: list[Effect] = []
    follows = Follows.NOTHING
    for line, person_id in zip(lines.all(), wanted, strict=True):
        line.person_id = person_id
        work.session.flush()
        facts = {"line": line.id, "person": person_id}
        events.append(Happened(Tag.REQUEST_HOLDER_NAMED, actor, f"request:{request_id}", facts))
        step, more = _give(work, rules, request, product, line, by, now)
        follows = step if step is not Follows.NOTHING else follows
        effects += more
    work.session.flush()
    work.record([*events, *settle(work, request_id, actor, now, facts={"because": "holder named"})], now)
    effects += [Advance(request_id), PublishHome(request.requester_id)]
    if product.owner_id is not None:
        effects.append(PublishHome(product.owner_id))
    enqueue(work, effects, now)
    return Named(_names(work, wanted), product.name, follows)


def _give(
    work: UnitOfWork,
    rules: Rules,
    request: LicenceRequest,
    product: Product,
    line: RequestLine,
    by: int,
    now: datetime,
) -> tuple[Follows, list[Effect]]:
    """Bring one named line to its seat by the way its product is given now."""
    way = granting.way_of(product, rules)
    if way is Granting.OWNER_TASK:
        if line.state == LineState.GRANTED and _looks_after(work.connection, product.id, request.id, by):
            return Follows.NOTHING, granting.held_by_name(work, request, line, f"person:{by}", now)
        line.state = LineState.GRANTING
        return Follows.OWNER, open_give_task(work, rules, request, line, product, now)
    line.state = LineState.GRANTING
    work.connection.execute(  # what was asked of the owner's hand is the system's business now
        update(OwnerTask)
        .where(OwnerTask.line_id == line.id, OwnerTask.state.in_(["open", "could_not"]))
        .values(state="closed", version=OwnerTask.version + 1)
    )
    if way is Granting.SERVICENOW_ITEM:
        return Follows.SYSTEM, open_ticket(
            work, rules, TicketPurpose.GRANT, line.id, now, request_id=request.id, line_id=line.id
        )
    return Follows.SYSTEM, [GrantLine(line.id, "graph")]


def _check(
    work: UnitOfWork,
    rules: Rules,
    request: LicenceRequest,
    product: Product,
    by: int,
    people: Sequence[int],
    now: datetime,
) -> None:
    """Raises FieldRefusals at "person" with everything that stands between these people and the seats."""
    wrong: list[str] = []
    if request.until_on is not None and request.until_on < now.date():
        wrong.append(f"These seats were agreed until {day(request.until_on)}. Ask for new ones.")
    if by in people and by != request.requester_id:
        asked = isolate(work.session.get_one(Person, request.requester_id).name)
        wrong.append(f"You would get this seat, so {asked} says who has it. Remove your name.")
    decided = work.connection.execute(
        select(Person.name)
        .join(StepApprover, StepApprover.person_id == Person.id)
        .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
        .where(
            ApprovalStep.request_id == request.id,
            StepApprover.state == ApproverState.AGREED,
            Person.id.in_(people),
        )
        .order_by(Person.name)
        .distinct()
    ).scalars()
    wrong += [f"{isolate(name)} approved these seats, so they go to others. Remove the name." for name in decided]
    sku, reader = work.session.get_one(Sku, request.sku_id), work.session.get_one(Person, by)
    wrong += named_wrongly(work, rules, request, reader, tuple(people), product, sku, now)
    if wrong:
        raise refusals.FieldRefusals({"person": " ".join(dict.fromkeys(wrong))})


def _looks_after(connection: Connection, product_id: int, request_id: int, by: int) -> bool:
    """The product's owner, or whoever was asked in their stead to give a seat of this request."""
    owner = exists().where(Product.id == product_id, Product.owner_id == by)
    asked = exists().where(OwnerTask.request_id == request_id, OwnerTask.kind == "give", OwnerTask.assignee_id == by)
    return bool(connection.execute(select(owner | asked)).scalar())


def _named_before(work: UnitOfWork, request_id: int) -> dict[int, LineState]:
    rows = work.connection.execute(
        select(RequestLine.person_id, RequestLine.state).where(
            RequestLine.request_id == request_id, RequestLine.person_id.is_not(None)
        )
    )
    return {row.person_id: LineState(row.state) for row in rows}


def _known(work: UnitOfWork, request_id: int, by: int, people: Sequence[int]) -> Named:
    request = work.session.get_one(LicenceRequest, request_id)
    product = work.session.get_one(Product, request.product_id)
    if by != request.requester_id and not _looks_after(work.connection, product.id, request_id, by):
        to_name(work.connection, request_id, by)  # says whose it is
    return Named(_names(work, people), product.name, Follows.KNOWN)


def _names(work: UnitOfWork, people: Sequence[int]) -> tuple[str, ...]:
    rows = work.connection.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    by_id = {row.id: row.name for row in rows}
    return tuple(by_id[person_id] for person_id in dict.fromkeys(people))
