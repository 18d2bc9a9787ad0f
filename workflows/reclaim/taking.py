"""Whether a confirmed seat may be taken at this moment (rules §7): asked before the first read and before each write.

In this order: the switch, the limits, the stored confirmation, the ground as it is now, held mailboxes, the hand-over.
What only waits keeps its confirmation; what no longer holds is called off, and the holder keeps the seat. The calls
are in `perform_taking`; nothing here removes a seat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from licensing.idle.signals import SIGN_IN
from licensing.words import plural
from model.licences import Product, Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import CandidateState, ReclaimCandidate
from model.session import UnitOfWork
from model.tickets import Meta
from workflows import seat_life, seat_returns
from workflows.reclaim import fits, held, limits, switch
from workflows.reclaim.evidence import verdicts
from workflows.rules import Rules
from workflows.seat_life import Verb

#: Grounds that come as lists; only these count against the limits.
LISTED = ("idle", "redundant", "too_big", "review", "leaving")
#: Those that nobody but a rule asked for: of a product only some per cent go in 30 days.
LIMITED = ("idle", "redundant", "too_big", "review")
#: Grounds that may be gone by now, whoever confirmed them.
LOOKED_AT = ("idle", "redundant", "too_big", "leaving")
WRITTEN_AT = seat_returns.WRITTEN_AT
#: The per cent of a product is that of so many days.
WINDOW_DAYS = 30
#: While removals are switched off, each one looks again after this.
SWITCHED_OFF = timedelta(minutes=5)


@dataclass(frozen=True)
class Removal:
    """One seat to take now. `prior_state` is not empty once a write may have gone out."""

    user_id: str
    sku_id: str
    prior_state: str
    group_id: str | None = None  # the group it comes through; None: directly
    named: bool = False  # policy names that group and states that it does nothing but license
    swap_to: str | None = None  # rightsizing: the SKU given in the same call
    listed: bool = True  # from a list, and not what its holder gave back or what ends as agreed


@dataclass(frozen=True)
class Wait:
    """Not now, and the confirmation stays; None: until somebody does something."""

    at: datetime | None
    words: str


@dataclass(frozen=True)
class Keep:
    """Not any more: the seat stays with its holder, for this reason. No names in the words."""

    words: str


@dataclass(frozen=True)
class Found:
    """What a read just before the write showed."""

    prior_state: str
    signed_in_at: datetime | None = None
    held: Mapping[str, Collection[str]] = field(default_factory=dict)  # each SKU, with the plans that are off in it


Obstacle = Wait | Keep
#: Whether the ground of a list still holds now: None, or why not.
Recheck = Callable[[Connection, Rules, SeatReturn, Seat, datetime], Obstacle | None]


def begin(work: UnitOfWork, rules: Rules, recheck: Recheck, return_id: int, now: datetime) -> Removal | Wait | None:
    """What is to be taken now; None when it is done, or was called off just here."""
    row, seat = _open(work, return_id, now)
    if row is None or seat is None:
        return None
    if not row.prior_state:
        obstacle = _obstacle(work, rules, recheck, row, seat, now, None)
        if isinstance(obstacle, Keep):
            seat_returns.called_off(work, row, obstacle.words, now)
            return None
        if obstacle is not None:
            return obstacle
    facts = work.connection.execute(
        select(Person.directory_id, Sku.sku_id, Product.key)
        .select_from(Seat)
        .join(Person, Person.id == Seat.person_id)
        .join(Sku, Sku.id == Seat.sku_id)
        .join(Product, Product.id == Seat.product_id)
        .where(Seat.id == seat.id)
    ).one()
    if facts.directory_id is None or facts.sku_id is None:
        words = "It is not known in Microsoft 365 and was left alone."
        seat_returns.not_removed(work, row.id, words, "microsoft365", now)
        return None
    group_id = seat.path.removeprefix("group:").lower() if seat.path.startswith("group:") else None
    own = rules.policy.group_of(facts.key)
    named = group_id is not None and (
        rules.policy.reclaim.acts_on(group_id) or (own is not None and own.id.lower() == group_id)
    )
    swap_to = None
    if row.swap_to_sku_id is not None:
        swap_to = work.connection.execute(select(Sku.sku_id).where(Sku.id == row.swap_to_sku_id)).scalar_one()
        if swap_to is None:
            words = "The smaller licence is not known in Microsoft 365; the seat was left alone."
            seat_returns.not_removed(work, row.id, words, "microsoft365", now)
            return None
    listed = row.ground in LISTED
    return Removal(facts.directory_id, facts.sku_id.lower(), row.prior_state, group_id, named, swap_to, listed)


def clear_to_write(
    work: UnitOfWork, rules: Rules, recheck: Recheck, return_id: int, found: Found, now: datetime
) -> bool | Wait:
    """Just before each write: True to go on, with the state before it stored; False when it was called off.

    The state is stored once, since a later read may already show less; when the newest write went out, each time.
    """
    row, seat = _open(work, return_id, now)
    if row is None or seat is None:
        return False
    obstacle = _obstacle(work, rules, recheck, row, seat, now, found)
    if isinstance(obstacle, Wait):
        if not row.prior_state:
            seat_life.move(row, Verb.HOLD)  # nothing was written: it does not count against today's limit
            work.session.flush()
        return obstacle
    if isinstance(obstacle, Keep):
        seat_returns.called_off(work, row, obstacle.words, now)
        return False
    seat_life.move(row, Verb.WRITE)
    prior = json.loads(row.prior_state or found.prior_state)
    row.prior_state = json.dumps(prior | {WRITTEN_AT: now.isoformat()}, sort_keys=True)
    work.session.flush()
    return True


def not_written(work: UnitOfWork, return_id: int) -> None:
    """The first write was refused whole: the return stands as it was confirmed, and counts against no limit."""
    row = work.session.get_one(SeatReturn, return_id, with_for_update=True, populate_existing=True)
    if row.state == "removing":
        seat_life.move(row, Verb.HOLD)
        row.prior_state = ""
        work.session.flush()


def _open(work: UnitOfWork, return_id: int, now: datetime) -> tuple[SeatReturn | None, Seat | None]:
    """The return and its seat, held until the transaction ends, while there is something to take."""
    row = work.session.get(SeatReturn, return_id, with_for_update=True, populate_existing=True)
    if row is None or row.state not in ("confirmed", "removing"):
        return None, None
    seat = work.session.get_one(Seat, row.seat_id, populate_existing=True)
    if seat.ended_at is None:
        return row, seat
    if row.prior_state:  # our write went out, and the nightly look saw it before we did
        seat_returns.removed(work, row.id, "microsoft365", now)
    else:
        seat_returns.called_off(work, row, "the seat had ended already", now)
    return None, None


def _obstacle(
    work: UnitOfWork, rules: Rules, recheck: Recheck, row: SeatReturn, seat: Seat, now: datetime, found: Found | None
) -> Obstacle | None:
    if not switch.is_on(work.connection):
        return Wait(now + SWITCHED_OFF, "Removals are switched off.")
    over = _over_limit(work, rules, row, now)
    if over is not None:
        return over
    return not_held_any_more(work, rules, recheck, row, seat, now, found)


def not_held_any_more(
    work: UnitOfWork, rules: Rules, recheck: Recheck, row: SeatReturn, seat: Seat, now: datetime, found: Found | None
) -> Obstacle | None:
    """What stands against this one seat now, whoever takes it: confirmation, ground, held mailboxes, hand-over."""
    unconfirmed = _unconfirmed(work, row, seat, now)
    if unconfirmed is not None:
        return unconfirmed
    if row.ground in LOOKED_AT or row.swap_to_sku_id is not None:  # a swap must fit, whoever wished it
        gone = recheck(work.connection, rules, row, seat, now)
        if gone is None and found is not None and row.ground == "idle":
            gone = _signed_in_since(work.connection, rules, row, found, now)
        if gone is None and found is not None and row.ground == "redundant":
            gone = _uncovered(work.connection, rules, row, found, now)
        if gone is not None:
            return gone
    on_hold = mailbox_obstacle(work, rules, row, now)
    if on_hold is not None:
        return on_hold
    if row.ground == "leaving" and row.handed_over_at is None:
        return Wait(None, "It waits until the manager says that mail and files are handed over.")
    return None


# -- limits ------------------------------------------------------------------------------------------------------------


def _over_limit(work: UnitOfWork, rules: Rules, row: SeatReturn, now: datetime) -> Wait | None:
    """Today's number or the product's part in 30 days is taken: tomorrow is another day.

    One that is under way was counted already. What the holder gave back and what ends as agreed has no limit.
    """
    if row.ground not in LISTED or row.state == "removing":
        return None
    work.connection.execute(
        select(Meta.key).where(Meta.key == "instance").with_for_update()
    ).all()  # one counts at a time
    pace = limits.limits(rules.policy)
    began = datetime.combine(now.date(), time(0), now.tzinfo)
    tomorrow = began + timedelta(days=1, minutes=5)
    if _taken(work, row, began) >= pace.a_day:
        return Wait(tomorrow, f"Today's limit of {plural(pace.a_day, 'seat')} is reached.")
    if row.ground not in LIMITED:
        return None
    since = now - timedelta(days=WINDOW_DAYS)
    of_product = _taken(work, row, since, row.product_id)
    seats = work.connection.execute(
        select(func.count()).select_from(Seat).where(Seat.product_id == row.product_id, Seat.ended_at.is_(None))
    ).scalar_one()
    before = seats + _taken(work, row, since, row.product_id, gone=True)  # one under way still has its seat
    if of_product >= limits.at_most(before, pace.per_cent):
        return Wait(tomorrow, f"The limit of {pace.per_cent}% of the product in {WINDOW_DAYS} days is reached.")
    return None


def _taken(
    work: UnitOfWork, row: SeatReturn, since: datetime, product_id: int | None = None, *, gone: bool = False
) -> int:
    """Seats of lists that were taken since, or are being taken, of one product or of all; `gone`: not held any more."""
    query = (
        select(func.count())
        .select_from(SeatReturn)
        .where(
            SeatReturn.ground.in_(LISTED),
            SeatReturn.id != row.id,
            or_(SeatReturn.state == "removing", SeatReturn.removed_at >= since),
        )
    )
    if product_id is not None:
        query = query.where(SeatReturn.product_id == product_id, SeatReturn.ground.in_(LIMITED))
    if gone:
        query = query.join(Seat, Seat.id == SeatReturn.seat_id)
        query = query.where(Seat.ended_at.is_not(None), SeatReturn.state != "restored")
    return work.connection.execute(query).scalar_one()


# -- the stored confirmation -------------------------------------------------------------------------------------------


def _unconfirmed(work: UnitOfWork, row: SeatReturn, seat: Seat, now: datetime) -> Keep | None:
    """Nothing is taken that no person confirmed: this person, this product, this ground (rules §7)."""
    if (row.person_id, row.product_id) != (seat.person_id, seat.product_id):
        return Keep("the confirmation names another seat")
    if row.ground == "agreed_end":
        if row.step_id is None:
            return Keep("nobody agreed to this end")
        if seat_returns.extension_pending(work, seat.id) or (seat.until_on is not None and seat.until_on >= now.date()):
            return Keep("an extension is asked for or was given")
        return None
    if row.ground == "given_back" and row.confirmed_by_id == seat.person_id:
        return None
    if row.ground == "leaving":
        return Keep("nobody else confirmed it") if row.confirmed_by_id == seat.person_id else None
    wanted = and_(
        ReclaimCandidate.seat_return_id == row.id,
        ReclaimCandidate.seat_id == seat.id,
        ReclaimCandidate.state == CandidateState.CONFIRMED,
        ReclaimCandidate.confirmed_by_id == row.confirmed_by_id,
    )
    found = work.connection.execute(select(ReclaimCandidate.ground, ReclaimCandidate.answer).where(wanted)).first()
    if found is None:
        return Keep("nobody confirmed it in a list")
    if row.ground == "given_back":
        return None if found.answer == "release" else Keep("the holder did not give it back")
    return None if found.ground == row.ground else Keep("it was confirmed for another reason")


def _signed_in_since(connection: Connection, rules: Rules, row: SeatReturn, found: Found, now: datetime) -> Keep | None:
    """A sign-in after the evidence was read is new activity, whatever the stored sources say.

    Only where sign-ins count at all: they are those of the whole tenant and show no use of Copilot or Visio.
    """
    if found.signed_in_at is None:
        return None
    checked = connection.execute(
        select(ReclaimCandidate.checked_at).where(ReclaimCandidate.seat_return_id == row.id)
    ).scalar()
    if checked is None or found.signed_in_at <= checked:
        return None
    judged = verdicts(connection, rules.policy, row.product_id, now.date(), [row.seat_id])
    counts = any(seen["counts"] for one in judged for seen in one.evidence["sources"] if seen["source"] == SIGN_IN)
    return Keep("is using it again") if counts else None


def _uncovered(connection: Connection, rules: Rules, row: SeatReturn, found: Found, now: datetime) -> Keep | None:
    """What covers the seat must be there at this moment, with every service that is on in the seat (rules §7)."""
    one = [row.seat_id]
    covered = fits.redundant(connection, rules.policy, row.product_id, now.date(), one, as_read=found.held)
    return None if covered else Keep("no other licence of the person gives all that this one does any more")


# -- mail --------------------------------------------------------------------------------------------------------------


def mailbox_obstacle(work: UnitOfWork, rules: Rules, row: SeatReturn, now: datetime) -> Keep | None:
    """A mailbox on hold is never taken, and from a list none is without a fresh list of held ones (rules §7)."""
    addresses = held.addresses(work.connection, rules.policy, row.product_id, now)
    if held.held_people(work.connection, addresses, [row.person_id]):
        return Keep(held.ON_HOLD)
    if row.ground not in LISTED or not held.wants_list(work.connection, row.product_id):
        return None
    fresh = held.is_fresh(work.connection, rules.policy, now)
    return None if fresh else Keep("nobody has said lately which mailboxes are on hold")
