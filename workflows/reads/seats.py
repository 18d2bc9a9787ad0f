"""Seats: what people hold and what it costs a year, seats that end, seats taken back, seats given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.orm import aliased

from licensing.money import Money, Sums
from model.licences import Product, Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import ReclaimCandidate
from model.requests import (
    LicenceRequest,
    LineState,
    OwnerTask,
    RequestKind,
    RequestLine,
    Status,
)
from workflows.reads.agreed_ends import end_agreed
from workflows.reads.people import people
from workflows.reads.prices import prices
from workflows.reads.seat_facts import EndingFacts, HoldingFacts, ReceivedFacts, ReturnedFacts, SeatFacts
from workflows.request import reference

#: A return in one of these states still holds the seat in its hand.
UNDER_WAY = ("confirmed", "removing")


def holdings(connection: Connection, person_ids: Collection[int], now: datetime) -> dict[int, HoldingFacts]:
    """By person: open seats by product name, with their prices and the sum of a year per currency."""
    rows = connection.execute(
        select(
            Seat.id,
            Seat.person_id,
            Seat.product_id,
            Seat.sku_id,
            Seat.began_at,
            Seat.until_on,
            Seat.path,
            Product.name,
            Product.lost_on_return,
            Sku.tier,
            SeatReturn.state.label("return_state"),
        )
        .join(Product, Product.id == Seat.product_id)
        .join(Sku, Sku.id == Seat.sku_id)
        .outerjoin(SeatReturn, and_(SeatReturn.seat_id == Seat.id, SeatReturn.state.in_(UNDER_WAY)))
        .where(Seat.person_id.in_(person_ids), Seat.ended_at.is_(None))
        .order_by(Product.name, Seat.id)
    ).all()
    price_of = prices(connection, {row.sku_id for row in rows}, now.date())
    tiers = dict(
        connection.execute(
            select(Sku.product_id, func.count())
            .where(Sku.product_id.in_({row.product_id for row in rows}))
            .group_by(Sku.product_id)
        )
        .tuples()
        .all()
    )
    who = people(connection, person_ids)
    seats: dict[int, list[SeatFacts]] = defaultdict(list)
    for row in rows:
        seats[row.person_id].append(
            SeatFacts(
                id=row.id,
                product_id=row.product_id,
                product=row.name,
                tier=row.tier if tiers.get(row.product_id, 0) > 1 else "",
                who=who[row.person_id],
                price=price_of[row.sku_id],
                since=row.began_at.date(),
                until_on=row.until_on,
                path=row.path,
                return_state=row.return_state or "",
                lost_on_return=row.lost_on_return,
            )
        )
    return {person: _holding(seats[person]) for person in who}


def _holding(seats: list[SeatFacts]) -> HoldingFacts:
    """What is paid once costs nothing more a year and is left out of the sum; an unknown price is counted as such."""
    counted = [seat.price for seat in seats if seat.price.unit is None or seat.price.cycle != "once"]
    return HoldingFacts(tuple(seats), Sums.of([price.yearly for price in counted]))


def endings(connection: Connection, seat_ids: Collection[int], now: datetime) -> dict[int, EndingFacts]:
    """Seats with an agreed last day, by seat id."""
    rows = connection.execute(
        select(
            Seat.id,
            Seat.person_id,
            Seat.until_on,
            Seat.ended_at,
            Product.name,
            Seat.line_id,
            LicenceRequest.reason,
        )
        .join(Product, Product.id == Seat.product_id)
        .outerjoin(RequestLine, RequestLine.id == Seat.line_id)
        .outerjoin(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(Seat.id.in_(seat_ids), Seat.until_on.is_not(None))
    ).all()
    longer = connection.execute(
        select(LicenceRequest.id, LicenceRequest.extends_seat_id, LicenceRequest.status)
        .where(
            LicenceRequest.extends_seat_id.in_([row.id for row in rows]), LicenceRequest.kind == RequestKind.EXTENSION
        )
        .order_by(LicenceRequest.id)
    )
    asked = {row.extends_seat_id: row for row in longer}
    agreed = {row.id: end_agreed(connection, row.id, row.line_id, row.until_on) for row in rows}
    who = people(connection, [row.person_id for row in rows])
    return {
        row.id: EndingFacts(
            seat_id=row.id,
            product=row.name,
            who=who[row.person_id],
            ends_on=row.until_on,
            given_for=row.reason or "",
            agreed_by=found.name if (found := agreed[row.id]) is not None else "",
            ended_at=row.ended_at,
            extension=Status(asked[row.id].status) if row.id in asked else None,
            extension_reference=reference(asked[row.id].id) if row.id in asked else "",
            let_end=False,
        )
        for row in rows
    }


def returned(connection: Connection, return_ids: Collection[int], now: datetime) -> dict[int, ReturnedFacts]:
    """Confirmed returns, by id."""
    smaller, smaller_of = aliased(Sku), aliased(Product)
    rows = connection.execute(
        select(
            *SeatReturn.__table__.c,
            Seat.sku_id,
            Seat.until_on,
            Product.name,
            Product.lost_on_return,
            func.coalesce(func.nullif(smaller.tier, ""), smaller_of.name, "").label("instead"),
        )
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .join(Product, Product.id == SeatReturn.product_id)
        .outerjoin(smaller, smaller.id == SeatReturn.swap_to_sku_id)
        .outerjoin(smaller_of, smaller_of.id == smaller.product_id)
        .where(SeatReturn.id.in_(return_ids))
    ).all()
    who = people(connection, [*(row.person_id for row in rows), *(row.confirmed_by_id for row in rows)])
    price_of = prices(connection, {row.sku_id for row in rows}, now.date())
    next_holder = went_to_queue(connection, {row.id: (row.sku_id, row.removed_at) for row in rows})
    grounds = _grounds(connection, [row.id for row in rows if row.ground == "idle"])
    return {
        row.id: ReturnedFacts(
            id=row.id,
            product=row.name,
            who=who[row.person_id],
            ground=row.ground,
            confirmed_by=who[row.confirmed_by_id],
            confirmed_at=row.confirmed_at,
            state=row.state,
            reason=row.reason,
            removed_at=row.removed_at,
            undo_until=row.undo_until,
            monthly=_monthly(price_of[row.sku_id].yearly),
            went_to_queue=row.id in next_holder,
            lost_on_return=row.lost_on_return,
            agreed_end=row.until_on,
            evidence=grounds[row.id][0] if row.id in grounds else "",
            asked_on=grounds[row.id][1] if row.id in grounds else None,
            differs=row.note if row.state == "restored" else "",
            instead=row.instead,
        )
        for row in rows
    }


def _grounds(connection: Connection, return_ids: Collection[int]) -> dict[int, tuple[str, date | None]]:
    """By return: what showed no use, and since when its holder had been asked without an answer."""
    rows = connection.execute(
        select(
            ReclaimCandidate.seat_return_id,
            ReclaimCandidate.evidence,
            ReclaimCandidate.asked_at,
            ReclaimCandidate.answered_at,
            ReclaimCandidate.confirmed_at,
            ReclaimCandidate.manager_id,
        ).where(ReclaimCandidate.seat_return_id.in_(return_ids))
    )
    found = {}
    for row in rows:
        # "I need it back" is an answer too, but a later one
        answered = row.answered_at is not None and (row.confirmed_at is None or row.answered_at <= row.confirmed_at)
        asked = row.asked_at.date() if row.asked_at is not None and not answered and row.manager_id is None else None
        found[row.seat_return_id] = (str((row.evidence or {}).get("sentence") or ""), asked)
    return found


def _monthly(yearly: Money | None) -> Money | None:
    return Money(yearly.amount / 12, yearly.currency).rounded() if yearly else None


def went_to_queue(connection: Connection, rows_of: Mapping[int, tuple[int | None, datetime | None]]) -> set[int]:
    """Returns whose seat went to a request that was in the queue when it came back, and within a day.

    By return: its SKU and when it was gone. Each seat given stands for one return, the earliest first.
    """
    since = [(at, key, sku_id) for key, (sku_id, at) in rows_of.items() if sku_id is not None and at is not None]
    if not since:
        return set()
    given = list(
        connection.execute(
            select(LicenceRequest.sku_id, LicenceRequest.queued_at, RequestLine.granted_at)
            .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
            .where(
                LicenceRequest.sku_id.in_({sku_id for _, _, sku_id in since}),
                LicenceRequest.queued_at.is_not(None),
                RequestLine.granted_at >= min(at for at, _, _ in since),
            )
            .order_by(RequestLine.granted_at, RequestLine.id)
        ).all()
    )
    found = set()
    for at, key, sku_id in sorted(since):
        for row in given:
            if row.sku_id == sku_id and row.queued_at <= at <= row.granted_at <= at + timedelta(days=1):
                found.add(key)
                given.remove(row)
                break
    return found


def received(connection: Connection, line_ids: Collection[int], now: datetime) -> dict[int, ReceivedFacts]:
    """Seats given to people who did not ask themselves, and given by hand: by request line."""
    doer = aliased(Person)
    rows = connection.execute(
        select(
            RequestLine.id,
            RequestLine.person_id,
            RequestLine.state,
            LicenceRequest.id.label("request_id"),
            LicenceRequest.version,
            LicenceRequest.requester_id,
            LicenceRequest.sku_id,
            LicenceRequest.until_on,
            Seat.until_on.label("seat_until"),
            Product.name,
            Product.ready_hint,
            Product.guide_url,
            doer.name.label("done_by"),
        )
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .join(Product, Product.id == LicenceRequest.product_id)
        .outerjoin(Seat, Seat.line_id == RequestLine.id)
        .outerjoin(OwnerTask, and_(OwnerTask.line_id == RequestLine.id, OwnerTask.state == "done"))
        .outerjoin(doer, doer.id == OwnerTask.done_by_id)
        .where(RequestLine.id.in_(line_ids), RequestLine.person_id.is_not(None))
    ).all()
    who = people(connection, [*(row.person_id for row in rows), *(row.requester_id for row in rows)])
    price_of = prices(connection, {row.sku_id for row in rows if row.sku_id is not None}, now.date())
    return {
        row.id: ReceivedFacts(
            line_id=row.id,
            who=who[row.person_id],
            requester=who[row.requester_id],
            reference=reference(row.request_id),
            product=row.name,
            until_on=row.seat_until or row.until_on,
            term_ends_on=price_of[row.sku_id].ends_on if row.sku_id in price_of else None,
            ready_hint=row.ready_hint,
            guide_url=row.guide_url,
            line_state=LineState(row.state),
            said_by=row.done_by or "",
            request_version=row.version,
            request_id=row.request_id,
        )
        for row in rows
    }
