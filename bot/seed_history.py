"""What happened at the demo's company before the demo begins: requests that ended, seats given and given back.

The rows are those the operations would have left, with the events in their order, so that the record, the averages
and "had it from February to May" have something real to stand on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from licensing.business_time import WorkCalendar, add_working_hours, zone_of
from model.events import Happened, Tag
from model.licences import Seat, SeatReturn
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestKind,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from model.session import UnitOfWork
from sandbox.company import Company, PastRequest
from workflows import policies

_STATUS = {
    "fulfilled": Status.FULFILLED,
    "bought": Status.FULFILLED,
    "denied": Status.DENIED,
    "withdrawn": Status.WITHDRAWN,
    "expired": Status.EXPIRED,
}
_BECAUSE = "You lead the person who would get the seat."
#: From the decision to the seat, in working hours: Microsoft answers at once, people take their time.
_GIVING_HOURS = {"graph_direct": 0.0, "graph_group": 0.0, "owner_task": 5.0, "servicenow_item": 9.0}
_AT_ONCE = timedelta(minutes=1)
_UNDO = timedelta(days=30)


@dataclass
class _Past:
    """The transaction, the row ids, and what happened so far with its time."""

    work: UnitOfWork
    company: Company
    people: Mapping[str, int]
    products: Mapping[str, int]
    skus: Mapping[tuple[str, str], int]
    seats: dict[tuple[str, str], Seat]
    policy_id: int | None
    happened: list[tuple[datetime, Happened]] = field(default_factory=list)

    def say(self, at: datetime, tag: Tag, actor: str, subject: str, facts: Mapping[str, Any], **personal: Any) -> None:
        self.happened.append((at, Happened(tag, actor, subject, facts, personal)))


def store(
    work: UnitOfWork,
    company: Company,
    people: Mapping[str, int],
    products: Mapping[str, int],
    skus: Mapping[tuple[str, str], int],
    seats: dict[tuple[str, str], Seat],
    besides: Iterable[tuple[datetime, Happened]] = (),
) -> None:
    """Write the past; open `seats` that a request asked for say so from now on. `besides` goes on record with it."""
    version = policies.active(work.connection)
    past = _Past(work, company, people, products, skus, seats, version[0] if version else None)
    past.happened += besides
    for one in company.past_seats:
        product = company.products[one.product]
        seat = Seat(
            product_id=products[one.product],
            sku_id=skus[one.product, product.tiers[0].tier],
            person_id=people[one.who],
            began_at=one.began_at,
            ended_at=one.ended_at,
            recorded_at=one.began_at,
            authorised_by="baseline",
        )
        work.session.add(seat)
        work.session.flush()
        _given_back(past, seat, one.who, one.reason)
        seats[one.who, one.product] = seat
    for asked in company.past_requests:
        _request(past, asked)
    work.session.flush()
    for at, group in groupby(sorted(past.happened, key=lambda entry: entry[0]), key=lambda entry: entry[0]):
        work.record([happened for _, happened in group], at)


def _given_back(past: _Past, seat: Seat, who: str, reason: str) -> None:
    assert seat.ended_at is not None  # noqa: S101  a past seat ended
    person = past.people[who]
    row = SeatReturn(
        seat_id=seat.id,
        person_id=person,
        product_id=seat.product_id,
        ground="given_back",
        confirmed_by_id=person,
        confirmed_at=seat.ended_at - _AT_ONCE,
        reason=reason,
        state="removed",
        removed_at=seat.ended_at,
        undo_until=seat.ended_at + _UNDO,
    )
    past.work.session.add(row)
    past.work.session.flush()
    actor, subject = f"person:{person}", f"seat:{seat.id}"
    facts = {"return": row.id, "ground": "given_back", "person": person, "product": seat.product_id, "step": None}
    past.say(row.confirmed_at, Tag.SEAT_RETURN_CONFIRMED, actor, subject, facts, reason=reason)
    taken = {"return": row.id, "ground": "given_back", "confirmed_by": actor}
    past.say(seat.ended_at, Tag.SEAT_TAKEN_BACK, "microsoft365", subject, taken)


def _request(past: _Past, asked: PastRequest) -> None:
    product = past.company.products[asked.product]
    tier = next(one for one in product.tiers if one.tier == asked.tier)
    who = past.company.people[asked.who]
    manager = past.company.people[who.manager or "ingrid"]
    calendar = WorkCalendar(zone_of(manager.time_zone), country=manager.country)
    decided_at = add_working_hours(asked.asked_at, asked.working_hours, calendar)
    fulfilled = _STATUS[asked.outcome] == Status.FULFILLED
    closed_at = decided_at
    if fulfilled:
        closed_at = add_working_hours(decided_at, _GIVING_HOURS[product.granting], calendar) + _AT_ONCE
    request = LicenceRequest(
        submission_key=f"past:{asked.who}:{asked.product}:{asked.asked_at:%Y%m%d}",
        kind=RequestKind.SEAT,
        requester_id=past.people[asked.who],
        product_id=past.products[asked.product],
        sku_id=past.skus[asked.product, asked.tier],
        reason=asked.why,
        frequency=asked.frequency,
        status=_STATUS[asked.outcome],
        policy_version_id=past.policy_id,
        cost=None if tier.price is None else tier.price if asked.outcome == "bought" else Decimal(0),
        currency=tier.currency,
        cost_centre=who.department,
        purchase=asked.outcome == "bought",
        created_at=asked.asked_at,
        submitted_at=asked.asked_at,
        decided_at=decided_at if fulfilled or asked.outcome == "denied" else None,
        closed_at=closed_at,
        closing_words=asked.words,
    )
    past.work.session.add(request)
    past.work.session.flush()
    line = RequestLine(
        request_id=request.id,
        person_id=request.requester_id,
        state=LineState.GRANTED if fulfilled else LineState.DROPPED,
        granted_at=closed_at if fulfilled else None,
    )
    past.work.session.add(line)
    _events(past, asked, request, _step(past, asked, request, past.people[manager.key], decided_at), decided_at)
    if fulfilled:
        past.work.session.flush()
        _seat(past, asked, request, line, closed_at)


def _step(
    past: _Past, asked: PastRequest, request: LicenceRequest, manager_id: int, decided_at: datetime
) -> ApprovalStep:
    decided = {"denied": StepState.DENIED, "withdrawn": StepState.CLOSED, "expired": StepState.CLOSED}
    answered = {"denied": ApproverState.DENIED, "withdrawn": ApproverState.CLOSED, "expired": ApproverState.CLOSED}
    step = ApprovalStep(
        request_id=request.id,
        position=1,
        kind=StepKind.LINE_MANAGER,
        because=_BECAUSE,
        state=decided.get(asked.outcome, StepState.APPROVED),
        opened_at=asked.asked_at,
        decided_at=decided_at,
    )
    past.work.session.add(step)
    past.work.session.flush()
    past.work.session.add(
        StepApprover(
            step_id=step.id,
            person_id=manager_id,
            because=_BECAUSE,
            state=answered.get(asked.outcome, ApproverState.AGREED),
            asked_at=asked.asked_at,
            decided_at=decided_at if asked.outcome not in ("withdrawn", "expired") else None,
            words=asked.words,
            bought=asked.outcome == "bought",
        )
    )
    return step


def _events(past: _Past, asked: PastRequest, request: LicenceRequest, step: ApprovalStep, decided_at: datetime) -> None:
    subject, requester = f"request:{request.id}", f"person:{request.requester_id}"
    manager = f"person:{past.people[past.company.people[asked.who].manager or 'ingrid']}"
    sent = {
        "kind": RequestKind.SEAT,
        "product": request.product_id,
        "sku": request.sku_id,
        "seats": 1,
        "until": None,
        "policy": past.policy_id,
        "alternative_offered": "",
    }
    past.say(asked.asked_at, Tag.REQUEST_SUBMITTED, requester, subject, sent, why=asked.why)
    opened = {"step": step.id, "kind": step.kind, "asked": [manager], "because": step.because}
    past.say(asked.asked_at, Tag.REQUEST_STEP_OPENED, "rule:routing", subject, opened)
    pressed = {"step": step.id, "kind": step.kind}
    match asked.outcome:
        case "denied":
            past.say(decided_at, Tag.REQUEST_DENIED, manager, subject, pressed, words=asked.words)
        case "withdrawn":
            past.say(decided_at, Tag.REQUEST_WITHDRAWN, requester, subject, {})
        case "expired":
            past.say(decided_at, Tag.REQUEST_EXPIRED, "clock", subject, {})
        case _:
            past.say(decided_at, Tag.REQUEST_APPROVED, manager, subject, pressed)


def _seat(past: _Past, asked: PastRequest, request: LicenceRequest, line: RequestLine, at: datetime) -> None:
    """The seat that came of it: the one the person holds, or the one they gave back later."""
    seat = past.seats[asked.who, asked.product]
    seat.began_at = seat.recorded_at = at
    seat.line_id, seat.authorised_by = line.id, "request"
    past.work.session.flush()
    actor = "microsoft365" if past.company.products[asked.product].from_microsoft else "registry"
    facts = {"request": request.id, "line": line.id, "person": line.person_id, "path": seat.path}
    past.say(at, Tag.SEAT_GIVEN, actor, f"seat:{seat.id}", facts)
    past.say(at, Tag.REQUEST_FULFILLED, actor, f"request:{request.id}", {})
