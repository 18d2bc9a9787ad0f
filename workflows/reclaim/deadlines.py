"""What the clock does to campaigns: new use ends a question, one reminder, silence goes to a human, a snooze wakes up.

Each look reads the rows and does what is due once, however long the service was down. Nothing here takes a seat.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import select

from licensing.business_time import WorkCalendar, add_working_days, working_day_after
from model.licences import Seat
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from workflows.effects import Effect, enqueue
from workflows.people import calendar_of
from workflows.reclaim import asking, evidence, held, shown
from workflows.reclaim.campaign import LIVE, in_states, locked
from workflows.reclaim.candidate import Verb, can, move
from workflows.reclaim.limits import limits
from workflows.reclaim.sources import ACTIVE, UNKNOWN, has_left
from workflows.rules import Rules

#: States in which new use, a hold or a seat that is gone changes what becomes of a candidate.
_WATCHED = (
    CandidateState.LISTED,
    CandidateState.ASKED,
    CandidateState.SNOOZED,
    CandidateState.KEEP_ASKED,
    CandidateState.UNANSWERED,
    CandidateState.RELEASED,
)
#: Reasons to leave a seat out that pass: they hold at the press and just before a removal, and end no question.
PASSING = frozenset({"leave", "new_hire", "new_seat"})
#: A release is the holder's own word, whatever they did since; a keep that waits for a word stays a keep.
_NOT_BY_USE = (CandidateState.RELEASED, CandidateState.KEEP_ASKED)


def due(work: UnitOfWork, rules: Rules, now: datetime) -> int:
    """Look at every campaign that is not over; returns how many there are. The caller commits."""
    ids = work.connection.execute(
        select(ReclaimCampaign.id).where(ReclaimCampaign.state.in_(LIVE)).order_by(ReclaimCampaign.id)
    ).scalars()
    live = list(ids)
    for campaign_id in live:
        look(work, rules, campaign_id, now)
    return len(live)


def look(work: UnitOfWork, rules: Rules, campaign_id: int, now: datetime) -> None:
    """Do what is due for one campaign. Raises NoCampaign."""
    row = locked(work, campaign_id)
    if row.state not in LIVE:
        return
    open_ = in_states(work, row.id, *_WATCHED)
    gone = _gone(work, rules, row, open_, now)
    changed = [one for one in open_ if _facts_changed(work, one, gone, now)]
    if row.state != CampaignState.DRY_RUN:
        changed += [one for one in open_ if one not in changed and _time_passed(work, rules, row, one, now)]
    work.session.flush()
    effects: list[Effect] = []
    for one in changed:
        effects += shown.candidate(work, one)
        if one.state == CandidateState.ASKED:  # a reminder, or a snooze that woke up
            effects += asking.question(work, one, now)
    if changed:
        effects += shown.list_changed(work, row)
    effects += asking.advance(work, rules, row, now)
    enqueue(work, dict.fromkeys(effects), now)


def _gone(
    work: UnitOfWork, rules: Rules, row: ReclaimCampaign, open_: list[ReclaimCandidate], now: datetime
) -> Mapping[int, tuple[Verb, str]]:
    """By seat: why it is no question any more. Read set by set, also for thousands."""
    if not open_:
        return {}
    found: dict[int, tuple[Verb, str]] = {}
    seat_ids = [one.seat_id for one in open_]
    ended = work.connection.execute(select(Seat.id).where(Seat.id.in_(seat_ids), Seat.ended_at.is_not(None)))
    found |= dict.fromkeys(ended.scalars(), (Verb.DROP, "The seat is gone."))
    people = {one.person_id for one in open_}
    on_hold = held.newest(work.connection, rules.policy, now) or frozenset()
    kept = held.held_people(work.connection, on_hold, people) if on_hold else frozenset()
    left = _left(work, people, now.date()) if CampaignKind(row.kind) is not CampaignKind.LEAVING else frozenset()
    back = _back(work, people, now.date()) if CampaignKind(row.kind) is CampaignKind.LEAVING else frozenset()
    for one in open_:
        if one.person_id in kept:
            found.setdefault(one.seat_id, (Verb.DROP, "The mailbox is on hold."))
        elif one.person_id in left and one.state != CandidateState.RELEASED:
            found.setdefault(one.seat_id, (Verb.DROP, "The holder left: a list of its own is about their seats."))
        elif one.person_id in back:
            found.setdefault(one.seat_id, (Verb.DROP, "The holder is back."))
    if CampaignKind(row.kind) is CampaignKind.IDLE:
        for verdict in evidence.verdicts(work.connection, rules.policy, row.product_id, now.date(), seat_ids):
            if verdict.verdict == ACTIVE:
                found.setdefault(verdict.seat_id, (Verb.USED, "It is in use again."))
            elif verdict.excluded and verdict.excluded_code not in PASSING:
                found.setdefault(verdict.seat_id, (Verb.DROP, verdict.excluded[:500]))
    return found


def _left(work: UnitOfWork, people: set[int], today: date) -> frozenset[int]:
    return frozenset(work.connection.execute(select(Person.id).where(Person.id.in_(people), has_left(today))).scalars())


def _back(work: UnitOfWork, people: set[int], today: date) -> frozenset[int]:
    return frozenset(people) - _left(work, people, today)


def _facts_changed(
    work: UnitOfWork, one: ReclaimCandidate, gone: Mapping[int, tuple[Verb, str]], now: datetime
) -> bool:
    found = gone.get(one.seat_id)
    if found is None:
        return False
    verb, words = found
    if verb is Verb.USED and one.state in _NOT_BY_USE:
        return False
    move(work, one, verb, "rule:verdict", now, facts={"because": words} if verb is Verb.DROP else {})
    one.words = words
    return True


def _time_passed(work: UnitOfWork, rules: Rules, row: ReclaimCampaign, one: ReclaimCandidate, now: datetime) -> bool:
    """The one thing that is due for a candidate; True when something was."""
    holder = work.session.get_one(Person, one.person_id)
    calendar = calendar_of(holder, rules.policy)
    today = calendar.local_day(now)
    pace = limits(rules.policy)
    if one.state == CandidateState.ASKED:
        if one.answer_by is not None and today > one.answer_by:
            _silence(work, row, one, now)
            return True
        return _remind(work, one, calendar, pace.remind_after_days, now)
    if one.state == CandidateState.SNOOZED and one.snoozed_until is not None and today >= one.snoozed_until:
        answer_by = working_day_after(today, pace.answer_days, calendar)
        asking.ask(work, rules, one, "clock", now, answer_by)
        return True
    if one.state == CandidateState.KEEP_ASKED and one.answered_at is not None:
        until = working_day_after(calendar.local_day(one.answered_at), pace.answer_days, calendar)
        if today > until:
            move(work, one, Verb.LAPSE, "clock", now)
            one.words = "The manager did not answer: the holder's word stands."
            return True
    return False


def _silence(work: UnitOfWork, row: ReclaimCampaign, one: ReclaimCandidate, now: datetime) -> None:
    """A human looks at it; where use is not known, or a review had no answer, nothing can follow and the seat stays."""
    if one.verdict == UNKNOWN or CampaignKind(row.kind) is CampaignKind.REVIEW:
        move(work, one, Verb.DROP, "clock", now, facts={"because": "no_answer"})
        one.words = "No answer, and nothing says that it is not used: it stays."
        return
    move(work, one, Verb.SILENCE, "clock", now)


def _remind(work: UnitOfWork, one: ReclaimCandidate, calendar: WorkCalendar, after_days: int, now: datetime) -> bool:
    """Once; a service that was down reminds when it is back, while there is time to answer."""
    if one.reminded_at is not None or one.asked_at is None or not can(one, Verb.REMIND):
        return False
    if now < add_working_days(one.asked_at, after_days, calendar):
        return False
    move(work, one, Verb.REMIND, "clock", now)
    one.reminded_at = now
    return True
