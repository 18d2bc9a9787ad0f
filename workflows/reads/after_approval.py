"""What an approval does to what is bought and in use, for the card: one product, when the card is built."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, union

from licensing.position import whatif
from licensing.position.facts import Facts, Metric
from licensing.position.figure import Position
from model.inventory import Installation, Title
from model.licences import Seat
from model.people import Device
from model.requests import RequestKind, Status, StepState
from workflows.positions.asked import covers_of
from workflows.positions.gather import facts
from workflows.positions.subjects import Subject
from workflows.positions.times import Times
from workflows.reads.facts import AfterApproval, ApprovalFacts, RequestFacts, SeatNumbers, StepFacts
from workflows.reads.positions import use_seen


def after_approval(
    connection: Connection,
    request: RequestFacts,
    step: StepFacts,
    numbers: SeatNumbers | None,
    buys: int,
    now: datetime,
) -> AfterApproval | None:
    """None for a card that is decided, and where a seat changes nothing that is counted.

    Whoever counts already, by a seat, a device or a suite, needs no further unit; seats promised to others do.
    """
    if (
        request.kind != RequestKind.SEAT
        or request.product_id is None
        or request.status != Status.AWAITING_APPROVAL
        or step.state != StepState.OPEN
    ):
        return None
    times = Times.today(now)
    for subject, known in facts(connection, times, [request.product_id]):
        if subject.sku_id in (None, request.sku_id):
            counted = _counted(connection, times, subject, {who.id for who in request.holders})
            then = whatif.after(known, _more(request, numbers, counted), buys)
            return None if then is None else _shape(then, known)
    return None


def _more(request: RequestFacts, numbers: SeatNumbers | None, taking: Collection[int]) -> int:
    """Units it adds; `taking`: who takes one already, of those it is for at least."""
    already = len({who.id for who in request.holders}.intersection(taking))
    return max(0, request.seats - already + (numbers.reserved if numbers else 0))


def short_after(connection: Connection, asked: Iterable[ApprovalFacts], now: datetime) -> set[int]:
    """Requests, by id, whose approval leaves purchases short of what is in use, installed devices counted.

    Each is looked at alone. Where nothing is counted, nothing is said to be short.
    """
    found = list(asked)
    short = {one.request.id for one in found if one.then is not None and one.then.short}
    wanted = [one for one in found if one.then is None and one.request.product_id is not None]
    times = Times.today(now)
    products = sorted({one.request.product_id for one in wanted if one.request.product_id is not None})
    counted = list(facts(connection, times, products)) if products else []
    for subject, known in counted:
        here = [
            one
            for one in wanted
            if one.request.product_id == subject.product_id and subject.sku_id in (None, one.request.sku_id)
        ]
        holders = {who.id for one in here for who in one.request.holders}
        taking = _counted(connection, times, subject, holders) if here else set()
        seen: dict[tuple[int, int], bool] = {}  # many ask for one seat each of one product
        for one in here:
            key = (_more(one.request, one.numbers, taking), one.charge.buys)
            if key not in seen:
                then = whatif.after(known, *key)
                seen[key] = then is not None and bool(then.shortfall)
            if seen[key]:
                short.add(one.request.id)
    return short


def _shape(then: Position, known: Facts) -> AfterApproval | None:
    if then.consumed is None or then.surplus is None or then.shortfall is None:
        return None
    idle, unknown = use_seen(known, then)
    return AfterApproval(
        in_use=then.consumed,
        bought=then.entitled,
        free=then.surplus,
        short=then.shortfall,
        by_device=then.metric is Metric.DEVICE,
        at_least=then.at_least,
        idle=idle,
        use_unknown=unknown,
    )


def _counted(connection: Connection, times: Times, subject: Subject, people: Collection[int]) -> set[int]:
    """Who of them takes a unit already, or is covered by a suite they hold."""
    seats = select(Seat.person_id).where(
        Seat.product_id == subject.product_id, Seat.ended_at.is_(None), Seat.person_id.in_(people)
    )
    if subject.sku_id is not None:
        seats = seats.where(Seat.sku_id == subject.sku_id)
    queries: list[Select[Any]] = [seats]
    if subject.takes_devices:
        queries.append(
            select(Device.person_id)
            .join(Installation, Installation.device_id == Device.id)
            .join(Title, Title.id == Installation.title_id)
            .where(
                Title.product_id == subject.product_id,
                Installation.ended_at.is_(None),
                Device.state != "retired",
                Device.person_id.in_(people),
            )
        )
    for cover in covers_of(connection, times, [subject]):
        suite = select(Seat.person_id).where(
            Seat.product_id == cover.suite[0], Seat.ended_at.is_(None), Seat.person_id.in_(people)
        )
        queries.append(suite.where(Seat.sku_id == cover.suite[1]) if cover.suite[1] else suite)
    found = connection.execute(union(*queries) if len(queries) > 1 else seats.distinct())
    return set(found.scalars())
