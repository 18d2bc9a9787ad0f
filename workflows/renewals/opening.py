"""Renewals are opened, brought in line with what their contracts say now, and opened anew (rules §9)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from licensing.renewal import stages
from licensing.renewal.dates import Due
from model.events import Event, Tag
from model.renewals import Renewal, RenewalDate, RenewalStage, RenewalState
from workflows.effects import FollowRenewal, enqueue
from workflows.renewals import renewal as moves
from workflows.renewals import rollover
from workflows.renewals.renewal import Verb
from workflows.renewals.subjects import Subject
from workflows.renewals.turn import Round

_INSERT: dict[str, Any] = {"sqlite": sqlite_insert, "postgresql": postgres_insert}


def opened(turn: Round, subject: Subject, occasion: Due) -> Renewal | None:
    """The row of a new occasion, or a dropped one that is wanted again; None when another process was first."""
    turn.work.session.flush()
    statement = (
        _INSERT[turn.work.connection.dialect.name](Renewal)
        .values(
            contract_id=subject.contract_id,
            subscription_id=subject.subscription_id,
            occasion=occasion.occasion.value,
            starts_on=occasion.starts_on,
            ends_on=occasion.ends_on,
            decide_by=occasion.decide_by,
            state=RenewalState.OPEN,
            version=1,
            owner_id=subject.owner_id,
            known_since=turn.today,
            words="",
            opened_at=turn.now,
        )
        .on_conflict_do_nothing()
        .returning(Renewal.id)
    )
    made = turn.work.connection.execute(statement).scalar()
    if made is None:
        return _again(turn, subject, occasion)
    row = moves.locked(turn.work, made)
    facts = {"subject": subject.key(), "occasion": occasion.occasion.value, "ends_on": occasion.ends_on}
    turn.work.record(
        [moves.happened(row, Tag.RENEWAL_OPENED, "clock", facts | {"decide_by": occasion.decide_by})], turn.now
    )
    turn.night.opened += 1
    return row


def _again(turn: Round, subject: Subject, occasion: Due) -> Renewal | None:
    """A renewal that was dropped, since the contract said other dates or was gone: it comes back, and is told anew."""
    row = turn.work.session.execute(
        select(Renewal)
        .where(
            Renewal.contract_id == subject.contract_id
            if subject.contract_id is not None
            else Renewal.subscription_id == subject.subscription_id,
            Renewal.occasion == occasion.occasion.value,
            Renewal.ends_on == occasion.ends_on,
            Renewal.state == RenewalState.DROPPED,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    turn.work.connection.execute(delete(RenewalStage).where(RenewalStage.renewal_id == row.id))
    _reopen(turn, row)
    turn.night.opened += 1
    return row


def _reopen(turn: Round, row: Renewal) -> None:
    """To be decided anew: a decision of before, to which others had not agreed, stands no more."""
    decision = rollover.standing(turn.work, row.id)
    if decision is not None:
        decision.replaced_at = turn.now
    row.words = ""
    moves.move(turn.work, row, Verb.REOPEN, "clock", turn.now)


def with_owner(turn: Round, subject: Subject, row: Renewal) -> bool:
    """Whoever answers for the contract now answers for its renewal, unless somebody was named; whether that changed."""
    if row.owner_id == subject.owner_id or _was_named(turn, row):
        return False
    facts = {"from": row.owner_id, "to": subject.owner_id}
    row.owner_id = subject.owner_id
    turn.work.record([moves.happened(row, Tag.RENEWAL_OWNER_NAMED, "clock", facts)], turn.now)
    enqueue(turn.work, [FollowRenewal(row.id)], turn.now)
    return True


def _was_named(turn: Round, row: Renewal) -> bool:
    """Whether a person named the owner: then the contract's own is not followed any more."""
    named = select(Event.id).where(
        Event.subject == f"renewal:{row.id}", Event.tag == Tag.RENEWAL_OWNER_NAMED, Event.actor.like("person:%")
    )
    return turn.work.connection.execute(named.limit(1)).first() is not None


def in_line(turn: Round, subject: Subject, row: Renewal, occasion: Due) -> None:
    """Dates as the contract says now; one that moved ahead again opens a missed renewal anew."""
    before = set(
        turn.work.connection.execute(
            select(RenewalDate.decision, RenewalDate.not_before, RenewalDate.not_after, RenewalDate.decide_by).where(
                RenewalDate.renewal_id == row.id
            )
        ).tuples()
    )
    wanted = {(one.decision.value, one.not_before, one.not_after, one.on) for one in occasion.dates}
    if before == wanted:
        return
    turn.work.connection.execute(delete(RenewalDate).where(RenewalDate.renewal_id == row.id))
    values = [
        {"renewal_id": row.id, "decision": one.decision.value, "decide_by": one.on, "not_before": one.not_before,
         "not_after": one.not_after, "why": one.why, "what": one.what, "source": one.source,
         "confirmed": one.confirmed}
        for one in occasion.dates
    ]  # fmt: skip
    if values:
        turn.work.connection.execute(insert(RenewalDate), values)
    if before:
        facts = {"from": row.decide_by, "to": occasion.decide_by}
        turn.work.record([moves.happened(row, Tag.RENEWAL_DATES_MOVED, "clock", facts)], turn.now)
        _tell_again(turn, subject, row, occasion)
    row.decide_by, row.starts_on = occasion.decide_by, occasion.starts_on
    if row.state == RenewalState.MISSED and occasion.over is not None and occasion.over >= turn.today:
        _reopen(turn, row)


def _tell_again(turn: Round, subject: Subject, row: Renewal, occasion: Due) -> None:
    """Stages that lie ahead by the new date are told on their new days, also those told by the old one."""
    ahead = [one.name for one in planned(turn, subject, row, occasion) if one.on > turn.today]
    again = or_(RenewalStage.name.in_(ahead), RenewalStage.stood_for_by == stages.MISSED)
    turn.work.connection.execute(delete(RenewalStage).where(RenewalStage.renewal_id == row.id, again))


def planned(turn: Round, subject: Subject, row: Renewal, occasion: Due) -> tuple[stages.Stage, ...]:
    days = subject.told_days or turn.policy.renewals.told_days
    return stages.stages(occasion, subject.calendar, row.known_since, days)
