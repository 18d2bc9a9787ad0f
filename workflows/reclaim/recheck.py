"""Whether the ground of a confirmed removal still holds, looked at again just before the write (rules §7).

New activity ends it, and so does a use that is not known any more: unknown never leads to a removal. A verdict that
moved from idle to little used is new activity too. Who leaves later than was said, or not at all, has not left.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from licensing.idle.facts import Kind
from model.licences import Seat, SeatReturn
from model.people import Person
from model.reclaim import ReclaimCandidate
from workflows.reclaim import fits
from workflows.reclaim.evidence import verdicts
from workflows.reclaim.sources import has_left
from workflows.reclaim.taking import Keep, Obstacle
from workflows.rules import Rules

USED_AGAIN = "is using it again"
NOT_LEFT = "the holder has not left"
FIT_UNKNOWN = "whether it fits the smaller licence is not known any more"


def recheck(connection: Connection, rules: Rules, row: SeatReturn, seat: Seat, now: datetime) -> Obstacle | None:
    """None while the ground holds; else why the seat stays with its holder, without names."""
    if row.ground == "idle":
        return _idle(connection, rules, row, seat, now)
    today = now.date()
    if row.ground == "leaving":
        left = connection.execute(select(Person.id).where(Person.id == seat.person_id, has_left(today))).first()
        return None if left else Keep(NOT_LEFT)
    if row.ground == "redundant":
        covered = fits.redundant(connection, rules.policy, seat.product_id, today, [seat.id])
        return None if covered else Keep("no other licence of the person covers it any more")
    if row.ground == "too_big" or row.swap_to_sku_id is not None:
        to, given_back = row.swap_to_sku_id or 0, [seat.id] if row.ground == "given_back" else []
        smaller = fits.too_big(connection, rules.policy, seat.product_id, to, today, [seat.id], given_back)
        if not smaller:
            return Keep("it does not fit the smaller licence any more")
        ticked = connection.execute(select(ReclaimCandidate.look).where(ReclaimCandidate.seat_return_id == row.id))
        return None if smaller[0].was_seen(ticked.scalar() or "") else Keep(FIT_UNKNOWN)
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
