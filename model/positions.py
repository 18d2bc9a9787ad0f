"""Shared reads about seats: how many there are, in use, kept for somebody, free. One query for any number of SKUs.

Free = enabled − consumed − reserved (rules §5). Nothing is counted in advance: the figures come from rows each time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, exists, func, or_, select, text
from sqlalchemy.orm import aliased

from model.contracts import Entitlement
from model.licences import Seat, SeatReturn, Sku
from model.requests import LicenceRequest, LineState, RequestLine


@dataclass(frozen=True)
class SeatFigures:
    """Seats of one SKU. `enabled` None means no limit; `known` is False when nothing says how many were bought."""

    sku_id: int
    enabled: int | None
    consumed: int
    reserved: int
    source: str  # "vendor" or "register"
    read_at: datetime | None  # age of the vendor's figures
    known: bool = True

    @property
    def free(self) -> int | None:
        """Seats somebody could have now; None without a limit. Never below zero; over-allocation shows in `short`."""
        if self.enabled is None:
            return None
        return max(0, self.enabled - self.consumed - self.reserved)

    @property
    def short(self) -> int:
        """Seats in use above what is enabled."""
        return 0 if self.enabled is None else max(0, self.consumed - self.enabled)


#: Written out, not bound: only then do both databases use the partial index.
_UNNAMED = and_(RequestLine.person_id.is_(None), text("request_line.state = 'granted'"))


def seat_figures(connection: Connection, sku_ids: Collection[int], today: date) -> dict[int, SeatFigures]:
    """Figures by SKU row id, for all that exist among `sku_ids`."""
    held = (
        select(Seat.sku_id, func.count().label("n"))
        .where(Seat.sku_id.in_(sku_ids), Seat.ended_at.is_(None))
        .group_by(Seat.sku_id)
        .subquery()
    )
    # the vendor's figure is as old as its reading: what we gave or took since then is added
    moved = (
        select(
            Seat.sku_id,
            (
                func.count().filter(and_(Seat.began_at > Sku.figures_at, Seat.ended_at.is_(None)))
                - func.count().filter(and_(Seat.began_at <= Sku.figures_at, Seat.ended_at > Sku.figures_at))
            ).label("n"),
        )
        .join(Sku, Sku.id == Seat.sku_id)
        .where(Seat.sku_id.in_(sku_ids), or_(Seat.ended_at.is_(None), Seat.ended_at > Sku.figures_at))
        .group_by(Seat.sku_id)
        .subquery()
    )
    # who holds one already takes no second: what is done anew by hand, or is given directly beside a group
    there = exists().where(
        Seat.person_id == RequestLine.person_id, Seat.sku_id == LicenceRequest.sku_id, Seat.ended_at.is_(None)
    )
    reserved = (
        select(LicenceRequest.sku_id, func.count().label("n"))
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(
            LicenceRequest.sku_id.in_(sku_ids),
            RequestLine.state.in_([LineState.RESERVED, LineState.GRANTING]),
            ~there,
        )
        .group_by(LicenceRequest.sku_id)
        .subquery()
    )
    # seats given for a team whose holders are not named yet: no seat row says that they are in use
    unnamed = (
        select(
            LicenceRequest.sku_id,
            func.count().label("n"),
            func.count().filter(RequestLine.granted_at > Sku.figures_at).label("since"),
        )
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .join(Sku, Sku.id == LicenceRequest.sku_id)
        .where(LicenceRequest.sku_id.in_(sku_ids), _UNNAMED)
        .group_by(LicenceRequest.sku_id)
        .subquery()
    )
    in_force = and_(
        Entitlement.starts_on <= today,
        or_(Entitlement.ends_on.is_(None), Entitlement.ends_on >= today),
    )
    bought = (
        select(
            Entitlement.sku_id,
            func.sum(Entitlement.quantity).label("n"),
            func.count().label("purchases"),
            func.count(Entitlement.quantity).label("limited"),
        )
        .where(Entitlement.sku_id.in_(sku_ids), in_force)
        .group_by(Entitlement.sku_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            Sku.id,
            Sku.enabled,
            Sku.consumed,
            Sku.figures_at,
            func.coalesce(held.c.n, 0) + func.coalesce(unnamed.c.n, 0),
            func.coalesce(moved.c.n, 0) + func.coalesce(unnamed.c.since, 0),
            func.coalesce(reserved.c.n, 0),
            func.coalesce(bought.c.n, 0),
            func.coalesce(bought.c.purchases, 0),
            func.coalesce(bought.c.limited, 0),
            exists().where(SeatReturn.state == "restoring"),
        )
        .outerjoin(held, held.c.sku_id == Sku.id)
        .outerjoin(moved, moved.c.sku_id == Sku.id)
        .outerjoin(unnamed, unnamed.c.sku_id == Sku.id)
        .outerjoin(reserved, reserved.c.sku_id == Sku.id)
        .outerjoin(bought, bought.c.sku_id == Sku.id)
        .where(Sku.id.in_(sku_ids))
    ).all()
    back = _coming_back(connection, sku_ids) if any(row[-1] for row in rows) else {}
    figures = {}
    for sku_id, enabled, consumed, figures_at, seats, moved_since, waited_for, units, purchases, limited, _ in rows:
        kept = waited_for + back.get(sku_id, 0)
        if enabled is not None:
            figures[sku_id] = SeatFigures(sku_id, enabled, (consumed or 0) + moved_since, kept, "vendor", figures_at)
        else:
            unlimited = purchases > limited
            figures[sku_id] = SeatFigures(
                sku_id,
                None if unlimited else int(units),
                seats,
                kept,
                "register",
                None,
                known=purchases > 0,
            )
    return figures


def _coming_back(connection: Connection, sku_ids: Collection[int]) -> dict[int, int]:
    """Seats on their way back to whoever needed them: each takes a unit, unless the request that gives it anew counts.

    Asked apart, since nearly always there is none: a press would pay for the plan of it.
    """
    own_line = exists().where(
        LicenceRequest.id == RequestLine.request_id,
        LicenceRequest.submission_key.like("back:%"),
        LicenceRequest.sku_id == Seat.sku_id,
        RequestLine.person_id == SeatReturn.person_id,
        RequestLine.state.not_in([LineState.GRANTED, LineState.DROPPED]),
    )
    again = aliased(Seat)
    held_again = exists().where(
        again.person_id == SeatReturn.person_id, again.sku_id == Seat.sku_id, again.ended_at.is_(None)
    )
    rows = connection.execute(
        select(Seat.sku_id, func.count())
        .join(SeatReturn, SeatReturn.seat_id == Seat.id)
        .where(Seat.sku_id.in_(sku_ids), SeatReturn.state == "restoring", ~own_line, ~held_again)
        .group_by(Seat.sku_id)
    )
    return {sku_id: count for sku_id, count in rows if sku_id is not None}
