"""The life of a licence request, as one table.

    draft ──submit──▶ awaiting_approval ──approve──▶ approved ──begin──▶ fulfilling ──fulfil──▶ fulfilled
                        │  ▲    │                       │  ▲                │  ▲  │
                        │  │    ├─deny────▶ denied      │  └─(a seat comes)─┘  │  ├─fail──▶ failed ──begin──▶ …
                        │ reopen├─withdraw▶ withdrawn   └─queue──▶ waiting_for_seat
                        ▼  │
                      expired

That is the way of most; the table, `ALLOWED`, is all of it. Left out above: a draft that is forgotten, taking back what
is approved or in the queue, an order that a second person must confirm first (back to awaiting_approval), and "It does
not work" (from fulfilled to fulfilling). `expired` and `fulfilled` are ends that can be left again, `FINAL` are not.

Nothing else changes `licence_request.status`: every move goes through `move`, which refuses what the table does not
hold, raises the version so that an older button is recognised, and leaves an event; or, where a press makes it together
with other writes, through `moving`. Sending a form makes the row, so `submit` asks the table itself (`after`). What a
request with several seats amounts to is read off its lines: `settle`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, select, update

from model.events import Happened, Tag
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestLine,
    Status,
    StepApprover,
    StepState,
)
from model.session import UnitOfWork
from model.writes import Write
from workflows import moves


class Verb(enum.StrEnum):
    """What can be done with a request."""

    SUBMIT = "submit"
    AGREE = "agree"  # one of several steps
    APPROVE = "approve"  # the last step, or a rule
    DENY = "deny"
    WITHDRAW = "withdraw"
    CLOSE = "close"  # a person gave up what nobody could decide or give, with words to whoever asked
    EXPIRE = "expire"
    REOPEN = "reopen"
    QUEUE = "queue"  # approved, no seat yet
    CONFIRM = "confirm"  # an order came up that a second person must confirm
    BEGIN = "begin"  # a seat is reserved and being given
    FULFIL = "fulfil"
    FAIL = "fail"


ALLOWED: Mapping[tuple[Status, Verb], Status] = {
    (Status.DRAFT, Verb.SUBMIT): Status.AWAITING_APPROVAL,
    (Status.DRAFT, Verb.WITHDRAW): Status.WITHDRAWN,
    (Status.DRAFT, Verb.EXPIRE): Status.EXPIRED,
    (Status.AWAITING_APPROVAL, Verb.AGREE): Status.AWAITING_APPROVAL,
    (Status.AWAITING_APPROVAL, Verb.APPROVE): Status.APPROVED,
    (Status.AWAITING_APPROVAL, Verb.DENY): Status.DENIED,
    (Status.AWAITING_APPROVAL, Verb.WITHDRAW): Status.WITHDRAWN,
    (Status.AWAITING_APPROVAL, Verb.CLOSE): Status.WITHDRAWN,
    (Status.AWAITING_APPROVAL, Verb.EXPIRE): Status.EXPIRED,
    (Status.EXPIRED, Verb.REOPEN): Status.AWAITING_APPROVAL,
    (Status.APPROVED, Verb.CONFIRM): Status.AWAITING_APPROVAL,
    (Status.APPROVED, Verb.BEGIN): Status.FULFILLING,
    (Status.APPROVED, Verb.QUEUE): Status.WAITING_FOR_SEAT,
    (Status.APPROVED, Verb.FULFIL): Status.FULFILLED,  # an extension needs no new seat
    (Status.APPROVED, Verb.FAIL): Status.FAILED,
    (Status.APPROVED, Verb.WITHDRAW): Status.WITHDRAWN,
    (Status.WAITING_FOR_SEAT, Verb.BEGIN): Status.FULFILLING,
    (Status.WAITING_FOR_SEAT, Verb.WITHDRAW): Status.WITHDRAWN,
    (Status.WAITING_FOR_SEAT, Verb.FAIL): Status.FAILED,  # the order was refused
    (Status.FULFILLING, Verb.FULFIL): Status.FULFILLED,
    (Status.FULFILLING, Verb.QUEUE): Status.WAITING_FOR_SEAT,  # the last seat went elsewhere
    (Status.FULFILLING, Verb.FAIL): Status.FAILED,
    (Status.FAILED, Verb.BEGIN): Status.FULFILLING,  # a person cleared what was in the way
    (Status.FAILED, Verb.QUEUE): Status.WAITING_FOR_SEAT,
    (Status.FAILED, Verb.WITHDRAW): Status.WITHDRAWN,
    (Status.FAILED, Verb.CLOSE): Status.WITHDRAWN,
    (Status.FULFILLED, Verb.BEGIN): Status.FULFILLING,  # "It does not work": the task is open again
}

#: Nobody can change these any more.
FINAL = frozenset({Status.DENIED, Status.WITHDRAWN})

#: What a person who presses too late is told, by where the request stands.
_SETTLED_WORDS: Mapping[Status, str] = {
    Status.DRAFT: "This request was never sent.",
    Status.AWAITING_APPROVAL: "This request still waits for a decision.",
    Status.APPROVED: "This request is approved already.",
    Status.WAITING_FOR_SEAT: "This request is approved and waits for a seat.",
    Status.FULFILLING: "This request is approved; the seat is on its way.",
    Status.FULFILLED: "This request is done; the seat was given.",
    Status.DENIED: "This request was not approved; your press changed nothing.",
    Status.WITHDRAWN: "This request was withdrawn or closed; your press changed nothing.",
    Status.EXPIRED: "This request closed without an answer; your press changed nothing.",
    Status.FAILED: "This request is approved and waits for a person.",
}


class IllegalMove(moves.IllegalMove):
    """The request stands where this cannot be done any more; the sentence says where."""

    stands = _SETTLED_WORDS


def after(status: Status, verb: Verb) -> Status:
    """Where a verb leads. Raises IllegalMove."""
    return moves.follow(ALLOWED, status, verb, IllegalMove)


_EVENT: Mapping[Verb, Tag] = {
    Verb.SUBMIT: Tag.REQUEST_SUBMITTED,
    Verb.AGREE: Tag.REQUEST_STEP_AGREED,
    Verb.APPROVE: Tag.REQUEST_APPROVED,
    Verb.DENY: Tag.REQUEST_DENIED,
    Verb.WITHDRAW: Tag.REQUEST_WITHDRAWN,
    Verb.CLOSE: Tag.REQUEST_CLOSED,
    Verb.EXPIRE: Tag.REQUEST_EXPIRED,
    Verb.REOPEN: Tag.REQUEST_REOPENED,
    Verb.CONFIRM: Tag.REQUEST_ORDER_UNCONFIRMED,
    Verb.QUEUE: Tag.REQUEST_QUEUED,
    Verb.BEGIN: Tag.REQUEST_GRANTING_BEGUN,
    Verb.FULFIL: Tag.REQUEST_FULFILLED,
    Verb.FAIL: Tag.REQUEST_GRANT_FAILED,
}

#: Verbs after which nothing waits any more.
_CLOSING = {Verb.DENY, Verb.WITHDRAW, Verb.CLOSE, Verb.EXPIRE, Verb.FULFIL}
#: Verbs that end the deciding.
_DECIDING = {Verb.APPROVE, Verb.DENY}


_request = LicenceRequest.metadata.tables["licence_request"]


@cache
def _moving(columns: tuple[str, ...]) -> Update:
    """The guarded move that also sets these columns: built once for each set of them, since a press waits for it."""
    return (
        update(_request)
        .where(_request.c.id == bindparam("request"), _request.c.status == bindparam("before"))
        .values(
            status=bindparam("after"),
            version=_request.c.version + 1,
            **{column: bindparam(f"new_{column}") for column in columns},
        )
    )


def move(
    work: UnitOfWork,
    request_id: int,
    status: Status,
    verb: Verb,
    actor: str,
    now: datetime,
    *,
    tag: Tag | None = None,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
    **values: Any,
) -> Happened:
    """Make one move of the table, guarded by the status the caller saw; `values` are further columns to set.

    Returns the event for the caller to record with its others. Raises IllegalMove, also when another transaction
    moved the request first.
    """
    write, event = moving(request_id, status, verb, actor, now, tag=tag, facts=facts, personal=personal, **values)
    if work.connection.execute(write.statement, write.parameters).rowcount != 1:
        raise IllegalMove(present_status(work, request_id), verb)
    return event


def moving(
    request_id: int,
    status: Status,
    verb: Verb,
    actor: str,
    now: datetime,
    *,
    tag: Tag | None = None,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
    **values: Any,
) -> tuple[Write, Happened]:
    """A move and its event, for a caller who makes it together with other writes and looks whether it was made.

    Raises IllegalMove when the table does not hold it.
    """
    target = after(status, verb)
    if verb in _CLOSING:
        values.setdefault("closed_at", now)
    if verb in (Verb.REOPEN, Verb.BEGIN):
        values.setdefault("closed_at", None)
    if verb in _DECIDING:
        values.setdefault("decided_at", now)
    write = Write(
        _moving(tuple(values)),
        {"request": request_id, "before": status, "after": target}
        | {f"new_{column}": value for column, value in values.items()},
    )
    return write, Happened(
        tag or _EVENT[verb],
        actor,
        f"request:{request_id}",
        {"from": status.value, "to": target.value, **(facts or {})},
        personal or {},
    )


def lock(work: UnitOfWork, request_id: int) -> None:
    """Nobody else moves this request until the transaction ends. Statements that follow see what was committed.

    A statement of its own: one that waited for the lock would show the rows joined to it as they were before.
    """
    work.connection.execute(select(_request.c.id).where(_request.c.id == request_id).with_for_update())


def present_status(work: UnitOfWork, request_id: int) -> Status:
    """Where a request stands now. Raises LookupError for an unknown one."""
    found = work.connection.execute(select(LicenceRequest.status).where(LicenceRequest.id == request_id)).scalar()
    if found is None:
        raise LookupError(f"there is no request {request_id}")
    return Status(found)


def verb_for_lines(states: Iterable[LineState]) -> Verb:
    """What the lines of an approved request amount to: the one place where they become the request's status.

    Dropped lines say nothing: whoever drops them all withdraws or closes the request, and does not ask here.
    """
    seen = {LineState(state) for state in states} - {LineState.DROPPED}
    if seen & {LineState.RESERVED, LineState.GRANTING}:
        return Verb.BEGIN
    if LineState.FAILED in seen:
        return Verb.FAIL
    if LineState.QUEUED in seen:
        return Verb.QUEUE
    return Verb.FULFIL


def settle(
    work: UnitOfWork,
    request_id: int,
    actor: str,
    now: datetime,
    *,
    facts: Mapping[str, Any] | None = None,
    **values: Any,
) -> list[Happened]:
    """Bring the request's status in line with its lines; no event when it is already."""
    lock(work, request_id)  # two lines that end at once: the second to come here sees what became of the first
    status = present_status(work, request_id)
    states = work.connection.execute(select(RequestLine.state).where(RequestLine.request_id == request_id)).scalars()
    verb = verb_for_lines(LineState(state) for state in states)
    if ALLOWED.get((status, verb)) is None:
        if {
            Verb.BEGIN: Status.FULFILLING,
            Verb.FAIL: Status.FAILED,
            Verb.QUEUE: Status.WAITING_FOR_SEAT,
            Verb.FULFIL: Status.FULFILLED,
        }[verb] == status:
            return []
        if status in (Status.WAITING_FOR_SEAT, Status.FAILED):
            # the table leads there through fulfilling only
            begun = move(work, request_id, status, Verb.BEGIN, actor, now)
            return [begun, *settle(work, request_id, actor, now, facts=facts, **values)]
    return [move(work, request_id, status, verb, actor, now, facts=facts, **values)]


def close_steps(work: UnitOfWork, request_id: int, now: datetime) -> None:
    """No step and nobody asked stays open once the request is decided or gone."""
    steps = select(ApprovalStep.id).where(ApprovalStep.request_id == request_id)
    work.connection.execute(
        update(StepApprover)
        .where(StepApprover.step_id.in_(steps), StepApprover.state == ApproverState.ASKED)
        .values(state=ApproverState.CLOSED, decided_at=now)
    )
    work.connection.execute(
        update(ApprovalStep)
        .where(
            ApprovalStep.request_id == request_id,
            ApprovalStep.state.in_([StepState.OPEN, StepState.LATER]),
        )
        .values(state=StepState.CLOSED, decided_at=now)
    )


def drop_lines(work: UnitOfWork, request_id: int) -> None:
    """Lines that have no seat get none any more; a reservation ends with this."""
    work.connection.execute(
        update(RequestLine)
        .where(
            RequestLine.request_id == request_id,
            RequestLine.state.in_([LineState.WANTED, LineState.RESERVED, LineState.QUEUED, LineState.FAILED]),
        )
        .values(state=LineState.DROPPED)
    )


def first_lines(request_id: int, seats: int) -> Select[tuple[int]]:
    """The lines that stay when only so many seats are given: those with a named person before those without."""
    return (
        select(RequestLine.id)
        .where(RequestLine.request_id == request_id)
        .order_by(RequestLine.person_id.is_(None), RequestLine.id)
        .limit(seats)
    )


def fewer_lines(work: UnitOfWork, request_id: int, seats: int) -> None:
    """An approver gives less than was asked for: the lines beyond so many fall."""
    work.connection.execute(
        update(RequestLine)
        .where(RequestLine.request_id == request_id, RequestLine.id.not_in(first_lines(request_id, seats)))
        .values(state=LineState.DROPPED)
    )


def want_lines(work: UnitOfWork, request_id: int, seats: int) -> None:
    """Lines that fell with a closed request are wanted again, and no more of them than it is for by now."""
    work.connection.execute(
        update(RequestLine)
        .where(RequestLine.id.in_(first_lines(request_id, seats)), RequestLine.state == LineState.DROPPED)
        .values(state=LineState.WANTED)
    )


def reference(request_id: int) -> str:
    """What people quote: REQ-1042."""
    return f"REQ-{1000 + request_id}"
