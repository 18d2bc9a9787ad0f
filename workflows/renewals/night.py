"""The nightly round: renewals are opened, brought in line with their contracts, told, missed and rolled over.

A stage is a row with a unique name, written in the transaction that tells it, so that it comes once whatever crashed,
and the latest one speaks for those slept through. Contracts are handled apart: one whose rows make no sense is counted
and stops nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import Connection, and_, or_, select

from licensing.renewal import stages
from licensing.renewal.dates import DecideBy, Due, Occasion, due
from licensing.renewal.windows import Decision
from licensing.words import day
from model.contracts import Contract
from model.events import Tag
from model.renewals import Renewal, RenewalDate, RenewalStage, RenewalState
from model.session import Database, UnitOfWork
from workflows.effects import FollowRenewal, enqueue
from workflows.register.history import chunks
from workflows.renewals import need, opening, proof, rollover, telling
from workflows.renewals import renewal as moves
from workflows.renewals.renewal import FINAL, LIVE, Verb
from workflows.renewals.subjects import Subject, subjects
from workflows.renewals.turn import Night, Round
from workflows.rules import Rules

log = structlog.get_logger(__name__)
#: Contracts a transaction.
TOGETHER = 50
#: A term that ended no longer ago gives way to the next with the day; older ones wait for the round.
FRESHLY_ENDED = timedelta(days=7)


def run(database: Database, rules: Rules, now: datetime, contract_ids: Collection[int] | None = None) -> Night:
    """One round over all contracts and subscriptions, or over some contracts alone; a second the same day is none."""
    night = Night()
    with database.reading() as connection:
        found = subjects(connection, rules.policy, now, contract_ids)
    for part in chunks(found, TOGETHER):
        with database.unit_of_work() as work:
            turn = Round(work, rules.policy, now, night, telling.Notes(channel=rules.policy.channels.renewals or ""))
            for subject in part:
                with night.apart(work, " ".join(map(str, subject.key())), turn.notes):
                    _look(turn, subject)
            turn.notes.send(work, now)
            work.commit()
    with database.unit_of_work() as work:
        if contract_ids is None:
            _gone(Round(work, rules.policy, now, night), found)
        night.told += _reviews(work, found, now)
        work.commit()
    if night.not_understood:
        log.warning("contracts not understood", contracts=night.not_understood)
    return night


def begin_terms(database: Database, rules: Rules, now: datetime) -> int:
    """Write the terms that begin today, before anybody counts what is short or free; how many were written."""
    today = now.date()
    settled = select(Renewal.id).where(
        Renewal.contract_id == Contract.id,
        Renewal.occasion == Occasion.TERM.value,
        Renewal.ends_on == Contract.ends_on,
        or_(  # what was dropped by mistake settles nothing where a term begins by itself
            Renewal.state == RenewalState.ROLLED_OVER,
            and_(Renewal.state == RenewalState.DROPPED, ~Contract.auto_renew),
        ),
    )
    over = select(Contract.id).where(
        Contract.ends_on < today, Contract.ends_on >= today - FRESHLY_ENDED, ~settled.exists()
    )
    with database.reading() as connection:
        ended = connection.scalars(over).all()
    return run(database, rules, now, ended).rolled if ended else 0


def _look(turn: Round, subject: Subject) -> None:
    """Everything about one contract or subscription."""
    if subject.wrong:
        turn.night.not_understood.append(f"{subject.name}: {subject.wrong}")
        return
    rows = _rows(turn.work, subject)
    turn.night.rolled += rollover.catch_up(turn.work, subject, turn.now)
    turn.night.proved += proof.seen_at_vendor(turn.work, subject, rows, turn.now)
    if subject.subscription_id is not None:
        for one in rows:
            _undone(turn, subject, one)
    for one in rows:
        if one.state in (RenewalState.PROOF_AWAITED, RenewalState.DONE) and one.ends_on >= turn.today:
            enqueue(turn.work, [FollowRenewal(one.id)], turn.now)  # the asking that frees seats begins on its day
        if one.ends_on < turn.today:
            if one.state in LIVE:  # slept over the date and the end: what was missed is said all the same
                _by_the_calendar(
                    turn, subject, one, stored(turn.work.connection, one.id, one.occasion, one.starts_on, one.ends_on)
                )
            turn.night.rolled += rollover.close(turn.work, subject, one, turn.now)
    ended = _cancelled_on(turn.work, rows)
    wanted = [
        one
        for one in occasions(subject, turn.today, turn.policy.renewals.look_ahead_days)
        if ended is None or one.ends_on <= ended
    ]
    by_key = {(one.occasion, one.ends_on): one for one in rows}
    for occasion in wanted:
        row = by_key.pop((occasion.occasion.value, occasion.ends_on), None)
        if row is None:
            row = opening.opened(turn, subject, occasion)
        if row is None:
            continue  # another process opened it, and has everything in hand
        anew = opening.with_owner(turn, subject, row)
        opening.in_line(turn, subject, row, occasion)
        told = _by_the_calendar(turn, subject, row, occasion)
        if anew and not told and row.state in LIVE and row.state != RenewalState.OPEN:
            turn.night.told += telling.to_owner(turn.work, row, subject, occasion, turn.now)
    for row in by_key.values():
        if row.ends_on >= turn.today and (RenewalState(row.state), Verb.DROP) in moves.ALLOWED:
            row.words = "The contract has other dates now."
            moves.move(turn.work, row, Verb.DROP, "clock", turn.now)
            turn.night.dropped += 1
    turn.work.session.flush()


def _undone(turn: Round, subject: Subject, row: Renewal) -> None:
    """Tell whoever answers for it that the decrease has to be planned anew at Microsoft."""
    if row.state not in (RenewalState.DONE, RenewalState.PROOF_AWAITED) or row.ends_on < turn.today:
        return
    units = proof.undone_at_vendor(turn.work, row, turn.now)
    if units is not None:
        event_id = turn.work.record(
            [moves.happened(row, Tag.RENEWAL_TOLD, "clock", {"stage": "undone", "units": units})], turn.now
        )[0]
        turn.notes.add(row.owner_id, event_id, telling.undone(row, subject, units))
        turn.night.told += 1


def _gone(turn: Round, found: Sequence[Subject]) -> None:
    """Subscriptions that Microsoft lists no more, or that a contract speaks for by now: proved, or nobody's matter."""
    there = {one.subscription_id for one in found}
    rows = turn.work.session.execute(
        select(Renewal)
        .where(Renewal.subscription_id.is_not(None), Renewal.state.in_(LIVE))
        .order_by(Renewal.id)
        .with_for_update()
    ).scalars()
    for row in rows:
        if row.subscription_id in there or row.subscription_id is None:
            continue
        with turn.night.apart(turn.work, f"subscription {row.subscription_id}", turn.notes):
            turn.night.proved += proof.subscription_seen(turn.work, row, turn.now)
            if (RenewalState(row.state), Verb.DROP) in moves.ALLOWED:
                row.words = "Microsoft lists it no more, or its contract speaks for it."
                moves.move(turn.work, row, Verb.DROP, "clock", turn.now)
                turn.night.dropped += 1
    turn.work.session.flush()


def _cancelled_on(work: UnitOfWork, rows: Sequence[Renewal]) -> date | None:
    """The last day of a contract whose cancellation was proved: nothing comes after it."""
    days = [
        row.ends_on
        for row in rows
        if row.state == RenewalState.DONE
        and row.occasion == Occasion.TERM.value
        and (decision := rollover.standing(work, row.id)) is not None
        and decision.verdict == "cancel"
    ]
    return min(days, default=None)


def stored(connection: Connection, renewal_id: int, occasion: str, starts_on: date, ends_on: date) -> Due:
    """An occasion that is over, as it was written: the contract may say other dates by now."""
    rows = connection.execute(
        select(RenewalDate.__table__).where(RenewalDate.renewal_id == renewal_id).order_by(RenewalDate.id)
    )
    found = tuple(
        DecideBy(Decision(one.decision), one.decide_by, one.not_after, one.not_before, one.why, one.what, one.source,
                 one.confirmed)
        for one in rows
    )  # fmt: skip
    return Due(Occasion(occasion), starts_on, ends_on, found)


def _rows(work: UnitOfWork, subject: Subject) -> Sequence[Renewal]:
    own = (
        Renewal.contract_id == subject.contract_id
        if subject.contract_id is not None
        else Renewal.subscription_id == subject.subscription_id
    )
    return (
        work.session.execute(
            select(Renewal).where(own, Renewal.state.not_in(FINAL)).order_by(Renewal.id).with_for_update()
        )
        .scalars()
        .all()
    )


def occasions(subject: Subject, today: date, look_ahead_days: int) -> list[Due]:
    """What can be decided about a subject in the time looked ahead, in order; short terms give one review a quarter."""
    length = subject.agreement.repeats
    if subject.agreement.ends_on is None or length is None:
        return []
    if length.short:
        ended = not subject.agreement.auto_renew and subject.agreement.ends_on < today
        return [] if ended else [next(stages.reviews(subject.calendar, today, today))]
    return list(due(subject.agreement, subject.calendar, today, today + timedelta(days=look_ahead_days)))


def _by_the_calendar(turn: Round, subject: Subject, row: Renewal, occasion: Due) -> bool:
    """What the day brings: taken up again, missed, told; whether people were told."""
    state, later = RenewalState(row.state), row.deferred_until
    taken_up = state is RenewalState.DEFERRED and later is not None and later <= turn.today
    if taken_up:
        moves.move(turn.work, row, Verb.TAKE_UP, "clock", turn.now)
    over = occasion.over
    if over is not None and turn.today > over and (RenewalState(row.state), Verb.MISS) in moves.ALLOWED:
        cost = need.miss(turn.work.connection, subject, occasion, turn.policy, turn.now)
        row.words = str(cost)[:500] if cost is not None else _nothing_goes_on(occasion)
        facts = {"over": over, "cost": str(cost.cost) if cost is not None and cost.cost is not None else None}
        moves.move(turn.work, row, Verb.MISS, "clock", turn.now, facts)
        turn.night.missed += 1
    if row.state not in (*LIVE, RenewalState.MISSED) or _put_off(row, occasion):
        return False
    told = set(
        turn.work.connection.execute(select(RenewalStage.name).where(RenewalStage.renewal_id == row.id)).scalars()
    )
    now_due, instead = stages.to_tell(opening.planned(turn, subject, row, occasion), told, turn.today)
    if taken_up and later is not None and row.state == RenewalState.BRIEFED:
        instead = (*instead, now_due) if now_due is not None else instead
        now_due = stages.later(later)
    if now_due is None or (now_due.name == stages.MISSED and row.state != RenewalState.MISSED):
        return False
    told_now = telling.tell(turn.work, row, subject, occasion, now_due, instead, turn.notes, turn.now)
    turn.night.told += told_now
    return told_now


def _put_off(row: Renewal, occasion: Due) -> bool:
    """Whether its people are asked on a later day. A day that is no longer before decide-by is not waited for."""
    if row.state != RenewalState.DEFERRED or row.deferred_until is None:
        return False
    return occasion.decide_by is None or row.deferred_until < occasion.decide_by


def _nothing_goes_on(occasion: Due) -> str:
    """What a missed date means where no next term follows by itself."""
    if occasion.occasion is Occasion.TERM:
        return f"It ends on {day(occasion.ends_on)}."
    return f"Nothing was reported for the period to {day(occasion.ends_on)}."


def _reviews(work: UnitOfWork, found: Iterable[Subject], now: datetime) -> int:
    """Short terms: those of this quarter that nobody was told of, in one note."""
    by_key = {one.key(): one for one in found}
    first, _ = stages.quarter(now.date())
    rows = work.session.execute(
        select(Renewal)
        .where(
            Renewal.occasion == Occasion.REVIEW.value,
            Renewal.starts_on == first,
            Renewal.state == RenewalState.OPEN,
        )
        .order_by(Renewal.id)
        .with_for_update()
    ).scalars()
    due_now = []
    for row in rows:
        key = ("contract", row.contract_id) if row.contract_id is not None else ("subscription", row.subscription_id)
        subject = by_key.get(key)  # type: ignore[arg-type]  # one of the two ids is there
        if subject is None:
            continue
        on = stages.review_on(now.date(), subject.calendar)
        if on <= now.date():
            due_now.append((row, subject, stages.Stage(stages.REVIEW, on)))
    return telling.review(work, due_now, now)
