"""Whether the ground of a confirmed removal still holds, looked at again just before the write (rules §7).

New activity ends it, and so does a use that is not known any more: unknown never leads to a removal. A verdict that
moved from idle to little used is new activity too.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from licensing.idle.facts import Kind
from licensing.idle.fit import covered_by, rightsizing
from licensing.suites import microsoft
from model.contracts import SuiteCover
from model.licences import Seat, SeatReturn, Sku
from model.reclaim import ReclaimCandidate
from model.usage import LastUse
from workflows.reclaim.evidence import verdicts
from workflows.reclaim.taking import Keep, Obstacle
from workflows.rules import Rules

USED_AGAIN = "is using it again"


def recheck(connection: Connection, rules: Rules, row: SeatReturn, seat: Seat, now: datetime) -> Obstacle | None:
    """None while the ground holds; else why the seat stays with its holder, without names."""
    if row.ground == "idle":
        return _idle(connection, rules, row, seat, now)
    if row.ground == "redundant":
        return None if _covered(connection, seat) else Keep("no other licence of the person covers it any more")
    if row.ground == "too_big":
        return _fits(connection, row, seat)
    return None


def _idle(connection: Connection, rules: Rules, row: SeatReturn, seat: Seat, now: datetime) -> Keep | None:
    found = verdicts(connection, rules.policy, seat.product_id, now.date(), [seat.id])
    if not found:
        return Keep("nothing is known of its use any more")
    verdict = found[0]
    if verdict.verdict is Kind.UNKNOWN:
        return Keep(f"its use is not known any more: {verdict.unknown_because}"[:500])
    if not verdict.may_be_taken:
        return Keep(USED_AGAIN if verdict.verdict is Kind.ACTIVE else verdict.excluded)
    listed = connection.execute(
        select(ReclaimCandidate.verdict, ReclaimCandidate.checked_at).where(ReclaimCandidate.seat_return_id == row.id)
    ).one()
    if listed.verdict == Kind.IDLE and verdict.verdict is not Kind.IDLE:
        return Keep(USED_AGAIN)
    if listed.verdict not in (Kind.IDLE, Kind.LITTLE_USED):
        return Keep("its use was not known when it was confirmed")
    used_since = verdict.used_on is not None and verdict.used_on > listed.checked_at.date()
    return Keep(USED_AGAIN) if used_since else None


def _covered(connection: Connection, seat: Seat) -> bool:
    """Whether a seat that stays covers this one; one that is itself on its way back covers nothing."""
    going = select(SeatReturn.id).where(SeatReturn.seat_id == Seat.id, SeatReturn.state.in_(["confirmed", "removing"]))
    others = connection.execute(
        select(Sku.sku_id, Seat.product_id)
        .join(Seat, Seat.sku_id == Sku.id)
        .where(Seat.person_id == seat.person_id, Seat.ended_at.is_(None), Seat.id != seat.id, ~going.exists())
    ).all()
    said = dict(
        connection.execute(
            select(SuiteCover.suite_product_id, SuiteCover.covers).where(
                SuiteCover.part_product_id == seat.product_id,
                SuiteCover.suite_product_id.in_({other.product_id for other in others}),
            )
        )
        .tuples()
        .all()
    )
    if any(said.get(other.product_id) is True for other in others):
        return True
    own = connection.execute(select(Sku.sku_id).where(Sku.id == seat.sku_id)).scalar()
    computed = [other.sku_id for other in others if other.sku_id and other.product_id not in said]
    return bool(own and covered_by(own, computed, microsoft()))


def _fits(connection: Connection, row: SeatReturn, seat: Seat) -> Keep | None:
    """What is stored and used still has room in the smaller licence; what cannot be read had a tick of its own."""
    guids = dict(
        connection.execute(select(Sku.id, Sku.sku_id).where(Sku.id.in_([seat.sku_id, row.swap_to_sku_id or 0])))
        .tuples()
        .all()
    )
    before, after = guids.get(seat.sku_id), guids.get(row.swap_to_sku_id or 0)
    if not before or not after:
        return Keep("the smaller licence is not known in Microsoft 365")
    told = dict(
        connection.execute(
            select(LastUse.source, LastUse.facts).where(
                LastUse.person_id == seat.person_id, LastUse.source.in_(["mailbox", "m365_apps"])
            )
        )
        .tuples()
        .all()
    )
    fit = rightsizing(before, after, told.get("mailbox"), told.get("m365_apps"))
    return None if fit.offered else Keep(f"it does not fit the smaller licence any more: {fit.words}"[:500])
