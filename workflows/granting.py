"""What giving a seat led to, written down. The calls themselves are in `perform_graph` and `perform_servicenow`.

Each function takes one line of a request from "being given" to its outcome and brings the request's status in line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from model.events import Happened, Tag
from model.licences import Granting, Product, Seat
from model.requests import LicenceRequest, LineState, RequestLine, Status
from model.session import UnitOfWork
from model.tickets import TicketPurpose
from workflows import cards, needed_back, seat_returns, seats_back
from workflows.effects import Advance, Effect, GrantLine, PublishHome, ReadFigures, enqueue
from workflows.request import settle
from workflows.rules import Rules
from workflows.task_opening import open_give_task
from workflows.tickets import open_ticket


def line_to_give(work: UnitOfWork, line_id: int) -> tuple[RequestLine, LicenceRequest] | None:
    """The line and its request while a seat is still owed; None when there is nothing to do any more."""
    row = work.session.execute(
        select(RequestLine, LicenceRequest)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(RequestLine.id == line_id, RequestLine.state.in_([LineState.RESERVED, LineState.GRANTING]))
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def begin(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> list[Effect]:
    """Start giving every reserved seat of a request, by the way its product is granted."""
    product = work.session.get_one(Product, request.product_id)
    lines: Sequence[RequestLine] = (
        work.session.execute(
            select(RequestLine)
            .where(RequestLine.request_id == request.id, RequestLine.state == LineState.RESERVED)
            .order_by(RequestLine.id)
        )
        .scalars()
        .all()
    )
    effects: list[Effect] = []
    for line in lines:
        line.state = LineState.GRANTING
        way = way_of(product, rules) if line.person_id is not None else Granting.OWNER_TASK
        if way in (Granting.GRAPH_DIRECT, Granting.GRAPH_GROUP):
            effects.append(GrantLine(line.id, "graph"))
        elif way == Granting.SERVICENOW_ITEM:
            effects += open_ticket(
                work, rules, TicketPurpose.GRANT, line.id, now, request_id=request.id, line_id=line.id
            )
        else:
            effects += open_give_task(work, rules, request, line, product, now)
    work.session.flush()  # settle reads the lines
    return effects


def way_of(product: Product, rules: Rules) -> Granting:
    """How a seat of this product is given now: a system that is not connected leaves the task for its owner."""
    way = Granting(product.granting)
    if way in (Granting.GRAPH_DIRECT, Granting.GRAPH_GROUP) and not rules.graph:
        return Granting.OWNER_TASK
    if way == Granting.SERVICENOW_ITEM and not (rules.servicenow and product.catalog_item_id):
        return Granting.OWNER_TASK
    return way


def given(work: UnitOfWork, line_id: int, path: str, actor: str, now: datetime, **facts: Any) -> list[Effect]:
    """The seat is there, as read back from its system or said by the person who gave it."""
    found = line_to_give(work, line_id)
    if found is None:
        return []
    line, request = found
    line.state = LineState.GRANTED
    line.granted_at = now
    line.words = ""
    events: list[Happened] = []
    if line.person_id is not None:
        events.append(_write_seat(work, request, line, line.person_id, path, actor, now, now, **facts))
    work.session.flush()  # settle reads the lines
    events += settle(work, request.id, actor, now)
    work.record(events, now)
    back = needed_back.return_of(request.submission_key)
    if back is not None:
        seats_back.came_back(work, back, actor, now)
    effects: list[Effect] = [Advance(request.id), PublishHome(request.requester_id)]
    if request.queued_at is not None and request.sku_id is not None:
        effects += seat_returns.show_where_it_went(work, request.sku_id, now)
    effects += _tell_holder(work, request, line, now)
    enqueue(work, effects, now)
    return effects


def held_by_name(
    work: UnitOfWork, request: LicenceRequest, line: RequestLine, actor: str, now: datetime
) -> list[Effect]:
    """A seat that was given without a name has its holder now, by the word of whoever looks after the product.

    It has been in use since it was given, so every day from then on counts it once, as before.
    """
    assert line.person_id is not None  # noqa: S101  the caller just named them
    began_at = line.granted_at or now
    work.record([_write_seat(work, request, line, line.person_id, "task", actor, began_at, now)], now)
    return _tell_holder(work, request, line, now)


def _write_seat(
    work: UnitOfWork,
    request: LicenceRequest,
    line: RequestLine,
    person_id: int,
    path: str,
    actor: str,
    began_at: datetime,
    now: datetime,
    **facts: Any,
) -> Happened:
    """The seat's own row, with the request's end and its ground."""
    seat = _seat_held(work, request.sku_id, person_id, path)
    if seat is None:
        seat = Seat(
            product_id=request.product_id,
            sku_id=request.sku_id,
            person_id=person_id,
            path=path,
            began_at=began_at,
            recorded_at=now,
        )
        work.session.add(seat)
    seat.until_on = request.until_on
    seat.line_id = line.id
    seat.authorised_by = "request"
    work.session.flush()  # the event names the seat
    told = {"request": request.id, "line": line.id, "person": person_id, "path": path, **facts}
    return Happened(Tag.SEAT_GIVEN, actor, f"seat:{seat.id}", told)


def _tell_holder(work: UnitOfWork, request: LicenceRequest, line: RequestLine, now: datetime) -> list[Effect]:
    """Whoever did not ask themself hears of their seat."""
    if line.person_id is None or line.person_id == request.requester_id:
        return []
    to = cards.person(line.person_id)
    return [
        *cards.new_card(work, cards.CardKind.RECEIVED, line.id, to, now, request_id=request.id),
        PublishHome(line.person_id),
    ]


def no_seat_left(work: UnitOfWork, line_id: int, actor: str, now: datetime) -> None:
    """The target system had no seat although we thought so: back to the queue, and read the figures anew."""
    found = line_to_give(work, line_id)
    if found is None:
        return
    line, request = found
    line.state = LineState.QUEUED
    if request.queued_at is None:
        request.queued_at = now
    work.session.flush()  # settle reads the lines
    work.record(settle(work, request.id, actor, now, facts={"because": "no seat left"}), now)
    enqueue(work, [ReadFigures(), Advance(request.id)], now)


def blocked(work: UnitOfWork, line_id: int, words: str, actor: str, now: datetime) -> None:
    """Only a person can clear this; `words` say what is in the way and what to do."""
    found = line_to_give(work, line_id)
    if found is None:
        return
    line, request = found
    line.state = LineState.FAILED
    line.words = words[:500]
    request.closing_words = line.words
    work.session.flush()  # settle reads the lines
    because = {"because": words[:200]}  # names somebody, or is what the owner typed: kept where it can be erased
    events = settle(work, request.id, actor, now, personal=because)
    if not events:
        events = [Happened(Tag.REQUEST_GRANT_FAILED, actor, f"request:{request.id}", {}, because)]
    work.record(events, now)
    effects: list[Effect] = [Advance(request.id)]
    effects += cards.new_card(
        work, cards.CardKind.STUCK, request.id, cards.channel("it_alerts"), now, request_id=request.id
    )
    enqueue(work, effects, now)


def delayed(work: UnitOfWork, line_id: int, system: str, now: datetime, *, refused: bool = False) -> None:
    """An outside system does not answer, or refused and a person was told: the requester hears it once."""
    found = line_to_give(work, line_id)
    if found is None:
        return
    line, request = found
    words = (
        f"{system} did not take it; IT was told and clears it."
        if refused
        else f"{system} did not answer; it is tried again."
    )
    if line.words == words:
        return
    line.words = words
    work.session.flush()
    facts: dict[str, Any] = {"line": line.id, "system": system}
    if refused:
        facts["because"] = words
    work.record([Happened(Tag.REQUEST_GRANT_DELAYED, "clock", f"request:{request.id}", facts)], now)
    enqueue(work, [Advance(request.id)], now)


def under_way(work: UnitOfWork, line_id: int) -> None:
    """The other side took it after all: what was said about a delay is over."""
    work.connection.execute(
        update(RequestLine).where(RequestLine.id == line_id, RequestLine.state == LineState.GRANTING).values(words="")
    )


def try_again(work: UnitOfWork, rules: Rules, request_id: int, actor: str, now: datetime) -> None:
    """A person cleared what was in the way: failed lines are given anew."""
    request = work.session.get_one(LicenceRequest, request_id, with_for_update=True)
    if Status(request.status) != Status.FAILED:
        return
    work.connection.execute(
        update(RequestLine)
        .where(RequestLine.request_id == request_id, RequestLine.state == LineState.FAILED)
        .values(state=LineState.WANTED, words="")
    )
    request.closing_words = ""
    work.session.flush()  # what follows reads it
    work.record([Happened(Tag.REQUEST_GRANT_RETRIED, actor, f"request:{request_id}", {})], now)
    enqueue(work, [Advance(request_id)], now)


def _seat_held(work: UnitOfWork, sku_id: int | None, person_id: int, path: str) -> Seat | None:
    """The open seat that this is. Microsoft's paths stand beside each other; what others said to have given is one of
    them, and takes its path as soon as it is known."""
    seat = open_seat(work, sku_id, person_id, path) or open_seat(work, sku_id, person_id)
    if seat is None or seat.path == path:
        return seat
    if _by_microsoft(seat.path) and _by_microsoft(path):
        return None
    if _by_microsoft(path):
        seat.path = path
    return seat


def _by_microsoft(path: str) -> bool:
    return path == "direct" or path.startswith("group:")


def open_seat(work: UnitOfWork, sku_id: int | None, person_id: int, path: str | None = None) -> Seat | None:
    """A person's open seat of a SKU, by the given path or any."""
    query = select(Seat).where(Seat.sku_id == sku_id, Seat.person_id == person_id, Seat.ended_at.is_(None))
    if path is not None:
        query = query.where(Seat.path == path)
    return work.session.execute(query.order_by(Seat.id).limit(1)).scalar_one_or_none()
