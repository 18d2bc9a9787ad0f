"""What an approval does to what is bought and in use, for the card: one product, when the card is built."""

from __future__ import annotations

from collections.abc import Collection
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
from workflows.positions.gather import covers_of, facts
from workflows.positions.subjects import Subject
from workflows.positions.times import Times
from workflows.reads.facts import AfterApproval, RequestFacts, SeatNumbers, StepFacts


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
            return _after(connection, times, subject, known, request, numbers, buys)
    return None


def _after(
    connection: Connection,
    times: Times,
    subject: Subject,
    known: Facts,
    request: RequestFacts,
    numbers: SeatNumbers | None,
    buys: int,
) -> AfterApproval | None:
    holders = {who.id for who in request.holders}
    more = request.seats - len(_counted(connection, times, subject, holders)) + (numbers.reserved if numbers else 0)
    then = whatif.after(known, max(0, more), buys)
    return None if then is None else _shape(then)


def _shape(then: Position) -> AfterApproval | None:
    if then.consumed is None or then.surplus is None or then.shortfall is None:
        return None
    return AfterApproval(
        in_use=then.consumed,
        bought=then.entitled,
        free=then.surplus,
        short=then.shortfall,
        by_device=then.metric is Metric.DEVICE,
        at_least=then.at_least,
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
