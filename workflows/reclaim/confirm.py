"""A person with the right confirms a list: the one place where a campaign makes a `SeatReturn` (rules §7).

Held to here: never the planner, never one's own seat, nothing while removals are off, nothing from an older list, rows
that need a look only by their own tick, idleness only with a verdict that holds at this moment, no mailbox on hold, the
limits per day and per cent. Whatever is not ticked stays with its holder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from licensing.business_time import zone_of
from licensing.idle.facts import Kind
from licensing.words import isolate, plural
from model.licences import Seat
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from workflows import seat_returns
from workflows.effects import Effect, enqueue
from workflows.reclaim import candidate, evidence, fits, held, outcome, rights, shown
from workflows.reclaim.campaign import IllegalMove, Verb, in_states, locked, move, settle
from workflows.reclaim.candidate import CONFIRMABLE
from workflows.reclaim.evidence import SeatVerdict
from workflows.reclaim.limits import limits, spread, spread_words
from workflows.reclaim.listing import GIVEN_BACK, ListRow, ReclaimList, limited, list_of, needs_verdict
from workflows.reclaim.recheck import FIT_UNKNOWN, NOT_LEFT
from workflows.reclaim.sources import ACTIVE, who_left
from workflows.reclaim.switch import SwitchedOff
from workflows.refusals import AlreadyDecided, OldCard, Refusal
from workflows.replies import About, Said
from workflows.rules import Rules

#: Why a ticked seat stays with its holder after all.
IN_USE = "it is in use again"
NOT_COVERED = "no other licence covers it any more"
NO_FIT = "it does not fit the smaller licence any more"


class PlannedIt(Refusal):
    """Whoever planned a campaign, or began what a rule planned, does not confirm its list."""

    def __init__(self) -> None:
        super().__init__("You planned this campaign, so someone else confirms the list.")


class OwnSeat(Refusal):
    """Nobody confirms that their own seat goes."""

    def __init__(self) -> None:
        super().__init__("Your own seat is ticked. Untick it: someone else confirms that one, or you give it back.")


class NothingTicked(Refusal):
    """An empty confirmation."""

    def __init__(self) -> None:
        super().__init__("Nothing is ticked.")


class NotLooked(Refusal):
    """Rows that need a look go only by their own tick, never by ticking a page."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"Look at these first and tick them one by one: {', '.join(map(isolate, names[:5]))}.")


class TooMany(Refusal):
    """More than the per cent of a product that may go in 30 days."""

    def __init__(self, per_cent: int, room: int) -> None:
        left = f"{plural(room, 'seat')} can still be ticked" if room else "none can be ticked now"
        super().__init__(
            f"At most {per_cent}% of a product's seats go within 30 days, apart from what holders gave back: {left}."
        )


def confirm(
    work: UnitOfWork,
    rules: Rules,
    campaign_id: int,
    version: int,
    ticks: Collection[int],
    by: int,
    now: datetime,
    *,
    looked_at: frozenset[int],
) -> Said:
    """Confirm the ticked candidates of a list, as it stands in `version`; `looked_at`: ticked one by one, by hand.

    Raises NoCampaign, NotForYou, PlannedIt, SwitchedOff, AlreadyDecided, IllegalMove, OldCard, NothingTicked, OwnSeat,
    NotLooked, TooMany, and NoHeldList.
    """
    row = locked(work, campaign_id)
    _may(work, rules, row, by, now)
    listed = list_of(work.connection, rules.policy, campaign_id, now)
    if listed is None or row.state != CampaignState.CONFIRMING:
        raise _too_late(work, row)
    if not listed.switch.on:
        raise SwitchedOff(listed.switch)
    held.check(work.connection, rules.policy, row.product_id, now)
    chosen = _chosen(listed, version, frozenset(ticks), by, looked_at)
    waiting = {one.id: one for one in in_states(work, row.id, *CONFIRMABLE)}
    effects: list[Effect] = []
    taken, skipped = _still_idle(work, rules, listed, chosen, now)
    for skip, why in skipped:
        effects += _left_for_use(work, waiting[skip.candidate_id], why, now)
    a_day, today = listed.a_day, now.date()
    days = spread(len(taken), listed.taken_on, a_day, today)
    move(
        work,
        row,
        Verb.CONFIRM,
        f"person:{by}",
        now,
        facts={"seats": len(taken), "left_alone": len(listed.rows) - len(taken), "version": version},
    )
    _take(work, rules, row, list(zip(_leavers_first(taken), days, strict=True)), waiting, by, now)
    effects += shown.candidates(work, [waiting[one.candidate_id] for one in taken])
    ticked, again_after = {one.candidate_id for one in chosen}, limits(rules.policy).ask_again_calendar_days
    # what waits for a hand-over comes with another list
    others = [one for one in listed.rows if one.candidate_id not in ticked and not one.waits]
    effects += _leave(work, [waiting[one.candidate_id] for one in others], by, now, again_after)
    work.session.flush()
    settle(work, row, now)
    if taken:
        effects += outcome.open_record(work, rules, row.id, now)
    enqueue(work, dict.fromkeys([*effects, *shown.campaign(work, row.id)]), now)
    return Said(About.TEXT, by=by, text=_told(taken, skipped, days, a_day, today))


def _may(work: UnitOfWork, rules: Rules, row: ReclaimCampaign, by: int, now: datetime) -> None:
    rights.require_confirming(work.connection, rules.policy, by, now)
    if row.planned_by_id == by:
        raise PlannedIt


def _too_late(work: UnitOfWork, row: ReclaimCampaign) -> Refusal:
    """Who was quicker, where somebody was."""
    newest = max(
        in_states(work, row.id, CandidateState.CONFIRMED, CandidateState.TAKEN),
        key=lambda one: one.id,
        default=None,
    )
    if row.state != CampaignState.TAKING or newest is None or newest.confirmed_by_id is None:
        return IllegalMove(CampaignState(row.state), Verb.CONFIRM)
    who = work.session.get_one(Person, newest.confirmed_by_id)
    return AlreadyDecided(who.name, "confirmed", newest.confirmed_at or row.planned_at, who.id)


def _chosen(
    listed: ReclaimList, version: int, ticks: frozenset[int], by: int, looked_at: frozenset[int]
) -> list[ListRow]:
    """The ticked rows, once nothing stands against them."""
    rows = {one.candidate_id: one for one in listed.rows}
    if version != listed.version or not ticks <= rows.keys():
        raise OldCard("The list changed meanwhile")
    if not ticks:
        raise NothingTicked
    chosen = [one for one in listed.rows if one.candidate_id in ticks]
    if any(one.person_id == by for one in chosen):
        raise OwnSeat
    waits = next((one for one in chosen if one.waits), None)
    if waits is not None:
        raise Refusal(f"{isolate(waits.name)} cannot be ticked: {waits.waits}.")
    unseen = [one.name for one in chosen if one.needs_look and one.candidate_id not in looked_at]
    if unseen:
        raise NotLooked(unseen)
    if sum(map(limited, chosen)) > listed.room:
        raise TooMany(listed.per_cent, listed.room)
    return chosen


def _still_idle(
    work: UnitOfWork, rules: Rules, listed: ReclaimList, chosen: Sequence[ListRow], now: datetime
) -> tuple[list[ListRow], list[tuple[ListRow, str]]]:
    """What may be taken, and what is left alone because the ground does not hold any more, with the reason."""
    swap = listed.kind is CampaignKind.TOO_BIG  # which must fit, whoever wished it
    looked_at = [one for one in chosen if swap or needs_verdict(one)]
    fresh = _hold_still(work, rules, listed, looked_at, now.date())
    taken, skipped = [], []
    for one in chosen:
        why = fresh.get(one.seat_id, "")
        if why:
            skipped.append((one, why))
        else:
            taken.append(one)
    return taken, skipped


def _hold_still(
    work: UnitOfWork, rules: Rules, listed: ReclaimList, rows: Sequence[ListRow], today: date
) -> dict[int, str]:
    """By seat: why the ground does not hold any more; "" while it holds."""
    connection, policy, product_id = work.connection, rules.policy, listed.product_id
    seats = [one.seat_id for one in rows]
    if not seats:
        return {}
    if listed.kind is CampaignKind.LEAVING:
        left = who_left(connection, product_id, today)
        return {one.seat_id: "" if one.person_id in left else NOT_LEFT for one in rows}
    if listed.kind is CampaignKind.REDUNDANT:
        covered = {one.seat.seat_id for one in fits.redundant(connection, policy, product_id, today, seats)}
        return {seat_id: "" if seat_id in covered else NOT_COVERED for seat_id in seats}
    if listed.kind is CampaignKind.TOO_BIG:
        given_back = {one.seat_id for one in rows if one.ground == GIVEN_BACK}
        smaller = fits.too_big(connection, policy, product_id, listed.to_sku_id or 0, today, seats, given_back)
        fit = {one.seat.seat_id: one for one in smaller}
        return {one.seat_id: _fits_still(fit.get(one.seat_id), one) for one in rows}
    judged = {one.seat_id: one for one in evidence.verdicts(connection, policy, product_id, today, seats)}
    listed_as = {one.seat_id: one.verdict for one in rows}
    return {seat_id: _idle_still(judged.get(seat_id), listed_as[seat_id]) for seat_id in seats}


def _fits_still(now: fits.TooBig | None, row: ListRow) -> str:
    """A row that was ticked as checked does not go unchecked."""
    if now is None:
        return NO_FIT
    return "" if now.was_seen(row.reason) else FIT_UNKNOWN


def _idle_still(now: SeatVerdict | None, listed_as: str) -> str:
    """A verdict that moved from idle to little used is new activity too."""
    if now is None:
        return "its use is not known any more"
    if now.verdict == ACTIVE or (listed_as == Kind.IDLE and now.verdict == Kind.LITTLE_USED):
        return IN_USE
    if now.may_be_taken:
        return ""
    return now.excluded or f"its use is not known any more: {now.unknown_because}"


def _leavers_first(rows: list[ListRow]) -> list[ListRow]:
    """Leavers and what was given back go on the first day."""
    return sorted(rows, key=lambda one: (limited(one), one.candidate_id))


def _take(
    work: UnitOfWork,
    rules: Rules,
    row: ReclaimCampaign,
    taken: Sequence[tuple[ListRow, date]],
    waiting: Mapping[int, ReclaimCandidate],
    by: int,
    now: datetime,
) -> None:
    """The stored confirmation of each seat with the day it goes, and the move that names it."""
    seats = _seats(work, [listed.seat_id for listed, _ in taken])
    under_way = seat_returns.under_way(work, list(seats))
    gone = [
        waiting[listed.candidate_id]
        for listed, _ in taken
        if seats[listed.seat_id].ended_at is not None or listed.seat_id in under_way
    ]
    candidate.move_all(work, [(one, candidate.Verb.DROP, {"because": "gone"}) for one in gone], "clock", now)
    for one in gone:
        one.words = "The seat was given back meanwhile."
    left = {one.id for one in gone}
    going = [(waiting[listed.candidate_id], listed, when) for listed, when in taken if listed.candidate_id not in left]
    wanted = [
        seat_returns.Confirmed(
            seats[listed.seat_id],
            listed.ground,
            _why(row, one, listed),
            at=_begin_of(when, now),
            swap_to_sku_id=row.to_sku_id if row.kind == CampaignKind.TOO_BIG else None,
            handed_over_at=one.answered_at if row.kind == CampaignKind.LEAVING else None,
        )
        for one, listed, when in going
    ]
    moves: list[tuple[ReclaimCandidate, candidate.Verb, Mapping[str, Any]]] = []
    returns = seat_returns.confirm_all(work, rules, wanted, by, now)
    for (one, listed, when), made in zip(going, returns, strict=True):
        one.confirmed_by_id, one.confirmed_at, one.seat_return_id, one.take_on = by, now, made.id, when
        facts = {"return": made.id, "ground": listed.ground, "take_on": when}
        moves.append((one, candidate.Verb.CONFIRM, facts))
    candidate.move_all(work, moves, f"person:{by}", now)


def _seats(work: UnitOfWork, seat_ids: Sequence[int]) -> dict[int, Seat]:
    """The seats as they are now, held until the transaction ends, in one order for everybody."""
    found: dict[int, Seat] = {}
    for first in range(0, len(seat_ids), shown.AT_ONCE):
        rows = work.session.execute(
            select(Seat)
            .where(Seat.id.in_(sorted(seat_ids)[first : first + shown.AT_ONCE]))
            .order_by(Seat.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalars()
        found |= {seat.id: seat for seat in rows}
    return found


def _why(row: ReclaimCampaign, one: ReclaimCandidate, listed: ListRow) -> str:
    """The ground in words, as the return keeps it."""
    parts = [f"CMP-{row.id}", listed.sentence, f"{listed.reason[:1].upper()}{listed.reason[1:]}."]
    if one.answer_words and one.state == CandidateState.RELEASED:
        parts.append(one.answer_words)
    return " · ".join(dict.fromkeys(part for part in parts if part))


def _begin_of(when: date, now: datetime) -> datetime | None:
    """At once today, else the morning of the day, one hour into it."""
    if when <= now.date():
        return None
    return datetime.combine(when, time(0), zone_of("UTC")) + timedelta(hours=1)


def _left_for_use(work: UnitOfWork, one: ReclaimCandidate, why: str, now: datetime) -> list[Effect]:
    """Ticked, and the ground does not hold any more: the seat stays."""
    verb, because = (candidate.Verb.USED, "used") if why == IN_USE else (candidate.Verb.DROP, "verdict_changed")
    candidate.move(work, one, verb, "rule:verdict", now, facts={"because": because})
    one.words = f"{why[:1].upper()}{why[1:]}."[:500]
    return shown.candidate(work, one)


def _leave(
    work: UnitOfWork, many: Sequence[ReclaimCandidate], by: int, now: datetime, again_after: int
) -> list[Effect]:
    """Not ticked: they stay with their holders, and are not listed again for a while."""
    for one in many:
        one.ask_again_on = now.date() + timedelta(days=again_after)
        one.words = "Not ticked in the list that was confirmed."
    candidate.move_all(work, [(one, candidate.Verb.LEAVE, {}) for one in many], f"person:{by}", now)
    return shown.candidates(work, many)


def _told(
    taken: Sequence[ListRow], skipped: Sequence[tuple[ListRow, str]], days: list[date], a_day: int, today: date
) -> str:
    if not taken:
        text = "Nothing is taken back."
    else:
        text = f"Confirmed: {plural(len(taken), 'seat')} to take back. {spread_words(days, a_day, today)}".strip()
    if skipped:
        named: dict[str, list[str]] = {}
        for one, why in skipped[:5]:
            named.setdefault(why, []).append(isolate(one.name))
        each = [f"{', '.join(names)} ({why})" for why, names in named.items()]
        more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        text += f" Left alone: {'; '.join(each)}{more}."
    return text
