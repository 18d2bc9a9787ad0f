"""Money that taking seats back really saved: once per unit, named by request or contract.

Taken back on undo, and when the request that needed no purchase fails or is withdrawn.

A removed seat is reassignable and nothing more. It is realised when it serves a request that would have been a purchase
(avoided: from that day to the end of the term), or when the renewed quantity is lower (reduced: over the new term).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, func, select, update

from licensing.money import Money, cost_to_end
from licensing.savings import Pile, Savings, Unit, total
from model.events import Happened, Tag
from model.licences import Seat, SeatReturn
from model.reclaim import Saving
from model.requests import LineState, RequestLine
from model.session import UnitOfWork
from workflows.reads.prices import prices
from workflows.reads.reclaim import less_a_year
from workflows.seat_returns import UNIT_CAME_FREE


def avoided(work: UnitOfWork, sku_id: int, served: Sequence[int], free_before: int | None, now: datetime) -> int:
    """Units of this SKU that were taken back serve these requests, which waited because nothing was free.

    `served` names the request of each line in turn, `free_before` what was free just then. What would have been free
    without the seats taken back avoids no purchase. The SKU is locked by the caller. Returns how many were realised.
    """
    if not served or free_before is None:
        return 0
    units = _unspent(work, sku_id, now)
    free_anyway = max(0, free_before - len(units))
    price = prices(work.connection, [sku_id], now.date())[sku_id]
    amount = cost_to_end(price.unit, price.cycle, now.date(), price.ends_on) if price.unit is not None else None
    pairs = list(zip(units, served[free_anyway:], strict=False))
    for return_id, request_id in pairs:
        _realise(work, return_id, "avoided", amount, now.date(), price.ends_on, now, request_id=request_id)
    return len(pairs)


def reduced(
    work: UnitOfWork,
    contract_id: int,
    sku_id: int,
    fewer: int,
    unit_price: Money | None,
    term: tuple[date, date | None],
    now: datetime,
    *,
    cycle: str = "year",
) -> int:
    """A contract was renewed with so many units fewer; each stands for one seat that was taken back and not used again.

    `term`: the new one's first and last day. The SKU is locked by the caller. Returns how many were realised.
    """
    amount = None
    if unit_price is not None:
        amount = cost_to_end(unit_price, "month" if cycle == "month" else "year", term[0], term[1])
    units = _unspent(work, sku_id, now)[: max(0, fewer)]
    for return_id in units:
        _realise(work, return_id, "reduced", amount, term[0], term[1], now, contract_id=contract_id)
    return len(units)


def take_back(work: UnitOfWork, return_id: int, now: datetime) -> None:
    """The seat went back to its holder: what it had saved is saved no more."""
    _saved_no_more(work, Saving.seat_return_id == return_id, now)


def counts_again(work: UnitOfWork, return_id: int, since: datetime, now: datetime) -> None:
    """Its former holder needed it back and gave up before it came: what was taken back `since` then is saved again.

    Only while the request that it served is served still and no other unit counts for it.
    """
    saving = work.session.execute(
        select(Saving)
        .where(Saving.seat_return_id == return_id, Saving.taken_back_at >= since)
        .order_by(Saving.taken_back_at.desc(), Saving.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if saving is None:
        return
    if saving.request_id is not None:
        of_request = Saving.request_id == saving.request_id
        counted = select(func.count()).where(of_request, Saving.kind == "avoided", Saving.taken_back_at.is_(None))
        if work.connection.execute(counted).scalar_one() >= _served(work, saving.request_id):
            return
    saving.taken_back_at = None
    work.session.flush()  # one unit counts once
    facts = {"saving": saving.id, "kind": saving.kind, "request": saving.request_id, "again": True}
    work.record([Happened(Tag.SAVING_REALISED, "rule:saving", f"return:{return_id}", facts)], now)


def _served(work: UnitOfWork, request_id: int) -> int:
    return work.connection.execute(
        select(func.count()).where(RequestLine.request_id == request_id, RequestLine.state.in_(_SERVED))
    ).scalar_one()


#: A request's lines that have their unit, or keep one for themselves.
_SERVED = (LineState.RESERVED, LineState.GRANTING, LineState.GRANTED)


def keep_to_served(work: UnitOfWork, request_id: int, now: datetime) -> None:
    """A request that failed or was withdrawn buys nothing and avoids no purchase: its unit may serve another one.

    Of several seats as many stay counted as lines are still served. The request is locked by the caller.
    """
    live = select(Saving.id).where(
        Saving.request_id == request_id, Saving.kind == "avoided", Saving.taken_back_at.is_(None)
    )
    counted = list(work.connection.execute(live.order_by(Saving.id.desc())).scalars())
    if not counted:
        return
    lost = counted[: max(0, len(counted) - _served(work, request_id))]
    if lost:
        _saved_no_more(work, Saving.id.in_(lost), now, because="request")


def _saved_no_more(work: UnitOfWork, which: ColumnElement[bool], now: datetime, *, because: str = "undo") -> None:
    rows = work.connection.execute(
        update(Saving)
        .where(which, Saving.taken_back_at.is_(None))
        .values(taken_back_at=now)
        .returning(Saving.id, Saving.kind, Saving.seat_return_id)
    ).all()
    events = []
    for row in rows:
        facts = {"saving": row.id, "kind": row.kind, "because": because}
        events.append(Happened(Tag.SAVING_TAKEN_BACK, "rule:saving", f"return:{row.seat_return_id}", facts))
    work.record(events, now)


def _unspent(work: UnitOfWork, sku_id: int, now: datetime) -> list[int]:
    """Returns of the SKU whose unit is free of its holder and saved nothing yet, oldest first."""
    spent = select(Saving.id).where(Saving.seat_return_id == SeatReturn.id, Saving.taken_back_at.is_(None))
    rows = work.connection.execute(
        select(SeatReturn.id)
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .where(Seat.sku_id == sku_id, SeatReturn.state == "removed", SeatReturn.removed_at <= now, ~spent.exists())
        .where(UNIT_CAME_FREE)
        .order_by(SeatReturn.removed_at, SeatReturn.id)
    ).scalars()
    return list(rows)


def _realise(
    work: UnitOfWork,
    return_id: int,
    kind: str,
    amount: Money | None,
    from_on: date,
    to_on: date | None,
    now: datetime,
    *,
    request_id: int | None = None,
    contract_id: int | None = None,
) -> None:
    row = Saving(
        seat_return_id=return_id,
        kind=kind,
        request_id=request_id,
        contract_id=contract_id,
        amount=amount.amount if amount is not None else None,
        currency=amount.currency if amount is not None else "",
        from_on=from_on,
        to_on=to_on,
        realised_at=now,
    )
    work.session.add(row)
    work.session.flush()  # the event names it, and one unit counts once
    facts = {"saving": row.id, "kind": kind, "request": request_id, "contract": contract_id, "until": to_on}
    money = {"amount": str(amount.amount), "currency": amount.currency} if amount is not None else {"amount": None}
    work.record([Happened(Tag.SAVING_REALISED, "rule:saving", f"return:{return_id}", facts | money)], now)


def report(connection: Connection, today: date) -> Savings:
    """All of it: potential at today's yearly price, realised and taken back as they were written down.

    Of a swap only what the smaller licence costs less is potential, as the plan of it said.
    """
    back = Saving.taken_back_at.is_not(None)
    stored = connection.execute(
        select(
            Saving.kind,
            back.label("back"),
            Saving.currency,
            func.count().label("n"),
            func.sum(Saving.amount).label("amount"),
            func.count(Saving.amount).label("priced"),
        ).group_by(Saving.kind, back, Saving.currency)
    ).all()
    units: list[Unit] = []
    for row in stored:
        pile = Pile.TAKEN_BACK if row.back else Pile(row.kind)
        if row.priced:
            units.append(Unit(pile, Money(row.amount, row.currency), row.priced))
        if row.n > row.priced:
            units.append(Unit(pile, None, row.n - row.priced))
    spent = select(Saving.id).where(Saving.seat_return_id == SeatReturn.id, Saving.taken_back_at.is_(None))
    free = connection.execute(
        select(Seat.sku_id, SeatReturn.swap_to_sku_id, func.count().label("n"))
        .join(SeatReturn, SeatReturn.seat_id == Seat.id)
        .where(SeatReturn.state == "removed", UNIT_CAME_FREE, ~spent.exists())
        .group_by(Seat.sku_id, SeatReturn.swap_to_sku_id)
    ).all()
    price_of = prices(connection, {one for sku_id, to, _ in free for one in (sku_id, to) if one is not None}, today)
    for sku_id, to, count in free:
        year = less_a_year(price_of[sku_id], price_of[to] if to is not None else None)
        units.append(Unit(Pile.POTENTIAL, year * count if year is not None else None, count))
    return total(units)
