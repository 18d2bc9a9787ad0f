"""What the clock does to campaigns: new use ends a question, one reminder, silence goes to a human, a snooze wakes up.

Each look reads the rows and does what is due once, however long the service was down. Nothing here takes a seat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from licensing.business_time import WorkCalendar, add_working_days, working_day_after
from model.licences import Seat
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from workflows.effects import LookAtCampaign, enqueue
from workflows.people import calendar_of
from workflows.policy import Policy
from workflows.reclaim import asking, evidence, held, shown
from workflows.reclaim.campaign import LIVE, in_states, locked
from workflows.reclaim.candidate import Verb, can, move, move_all
from workflows.reclaim.limits import limits
from workflows.reclaim.sources import ACTIVE, who_left
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
#: Candidates that a machine moves in one transaction; a job goes on from there, so that presses go in between.
AT_ONCE = 400
DAY = timedelta(days=1)
#: Reasons to leave a seat out that pass: they hold at the press and just before a removal, and end no question.
PASSING = frozenset({"leave", "new_hire", "new_seat"})
#: A release is the holder's own word, whatever they did since; a keep that waits for a word stays a keep.
_NOT_BY_USE = (CandidateState.RELEASED, CandidateState.KEEP_ASKED)


@dataclass(frozen=True)
class Seen:
    """What was read of one campaign before anything is written: by seat, why it is no question any more."""

    campaign_id: int
    gone: Mapping[int, tuple[Verb, str]]


def live(connection: Connection) -> list[int]:
    """Campaigns that are not over."""
    rows = connection.execute(
        select(ReclaimCampaign.id).where(ReclaimCampaign.state.in_(LIVE)).order_by(ReclaimCampaign.id)
    )
    return list(rows.scalars())


def due(work: UnitOfWork, rules: Rules, now: datetime) -> int:
    """Look at every campaign that is not over, in one transaction; returns how many there are. The caller commits."""
    ids = live(work.connection)
    for campaign_id in ids:
        look(work, rules, seen(work.connection, rules.policy, campaign_id, now), now)
    return len(ids)


def seen(connection: Connection, policy: Policy, campaign_id: int, now: datetime) -> Seen:
    """Read what the seats of a campaign are now, set by set, without a lock: thousands of verdicts take seconds."""
    row = connection.execute(
        select(ReclaimCampaign.kind, ReclaimCampaign.product_id).where(ReclaimCampaign.id == campaign_id)
    ).one_or_none()
    open_ = connection.execute(
        select(ReclaimCandidate.seat_id, ReclaimCandidate.person_id, ReclaimCandidate.state, Seat.ended_at)
        .join(Seat, Seat.id == ReclaimCandidate.seat_id)
        .where(ReclaimCandidate.campaign_id == campaign_id, ReclaimCandidate.state.in_(_WATCHED))
    ).all()
    if row is None or not open_:
        return Seen(campaign_id, {})
    leaving = CampaignKind(row.kind) is CampaignKind.LEAVING
    on_hold = held.held_people(connection, held.addresses(connection, policy, row.product_id, now))
    left = who_left(connection, row.product_id, now.date())
    found: dict[int, tuple[Verb, str]] = {}
    for one in open_:
        if one.ended_at is not None:
            found[one.seat_id] = (Verb.DROP, "The seat is gone.")
        elif one.person_id in on_hold:
            found[one.seat_id] = (Verb.DROP, "The mailbox is on hold.")
        elif leaving and one.person_id not in left:
            found[one.seat_id] = (Verb.DROP, "The holder is back.")
        elif not leaving and one.person_id in left and one.state != CandidateState.RELEASED:
            found[one.seat_id] = (Verb.DROP, "The holder left: a list of its own is about their seats.")
    if CampaignKind(row.kind) is CampaignKind.IDLE:
        seat_ids = [one.seat_id for one in open_]
        for verdict in evidence.each_verdict(connection, policy, row.product_id, now.date(), seat_ids):
            if verdict.verdict == ACTIVE:
                found.setdefault(verdict.seat_id, (Verb.USED, "It is in use again."))
            elif verdict.excluded and verdict.excluded_code not in PASSING:
                found.setdefault(verdict.seat_id, (Verb.DROP, verdict.excluded[:500]))
    return Seen(campaign_id, found)


def look(work: UnitOfWork, rules: Rules, seen: Seen, now: datetime) -> None:
    """Do what is due for one campaign, as it was seen. Raises NoCampaign.

    A press between the reading and this counts: each move is checked against where the candidate stands now.
    """
    row = locked(work, seen.campaign_id)
    if row.state not in LIVE:
        return
    open_ = in_states(work, row.id, *_WATCHED)
    gone = [one for one in open_ if _ends(one, seen.gone)][:AT_ONCE]
    move_all(work, [_end(one, *seen.gone[one.seat_id]) for one in gone], "rule:verdict", now)
    silent: list[ReclaimCandidate] = []
    others: list[ReclaimCandidate] = []
    if row.state != CampaignState.DRY_RUN:
        silent = list(islice((one for one in open_ if _is_over(work, rules, one, now)), AT_ONCE))
        move_all(work, [_silence(row, one) for one in silent], "clock", now)
        due = (one for one in open_ if _perhaps(one, now) and _time_passed(work, rules, one, now))
        others = list(islice(due, asking.AT_ONCE))
    changed = [*gone, *silent, *others]
    effects = shown.candidates(work, changed)
    for one in others:
        if one.state == CandidateState.ASKED:  # a reminder, or a snooze that woke up
            effects += asking.question(work, one, now)
    if changed:
        effects += shown.list_changed(work, row)
    if max(len(gone), len(silent)) == AT_ONCE or len(others) == asking.AT_ONCE:
        effects.append(LookAtCampaign(row.id))
    if row.state == CampaignState.ASKING:
        effects += asking.ask_next(work, rules, row, "clock", now)
    effects += asking.advance(work, rules, row, now)
    enqueue(work, dict.fromkeys(effects), now)


def _ends(one: ReclaimCandidate, gone: Mapping[int, tuple[Verb, str]]) -> bool:
    """Whether what was seen ends the question, where the candidate stands now."""
    verb, _ = gone.get(one.seat_id, (None, ""))
    return verb is not None and can(one, verb) and not (verb is Verb.USED and one.state in _NOT_BY_USE)


def _end(one: ReclaimCandidate, verb: Verb, words: str) -> tuple[ReclaimCandidate, Verb, Mapping[str, Any]]:
    one.words = words
    return one, verb, {"because": words} if verb is Verb.DROP else {}


def _is_over(work: UnitOfWork, rules: Rules, one: ReclaimCandidate, now: datetime) -> bool:
    """Whether the last day to answer is over where the holder is."""
    if one.state != CandidateState.ASKED or one.answer_by is None or one.answer_by > now.date() + DAY:
        return False
    return _calendar(work, rules, one).local_day(now) > one.answer_by


def _calendar(work: UnitOfWork, rules: Rules, one: ReclaimCandidate) -> WorkCalendar:
    return calendar_of(work.session.get_one(Person, one.person_id), rules.policy)


def _time_passed(work: UnitOfWork, rules: Rules, one: ReclaimCandidate, now: datetime) -> bool:
    """The one thing that is due for a candidate; True when something was."""
    calendar = _calendar(work, rules, one)
    today = calendar.local_day(now)
    pace = limits(rules.policy)
    if one.state == CandidateState.ASKED:
        over = one.answer_by is not None and today > one.answer_by  # its turn comes
        return not over and _remind(work, one, calendar, pace.remind_after_days, now)
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


def _perhaps(one: ReclaimCandidate, now: datetime) -> bool:
    """Whether anything can be due, in whatever zone the holder is: most candidates need no further look."""
    if one.state == CandidateState.ASKED:
        return one.reminded_at is None and one.asked_at is not None and now - one.asked_at > DAY
    if one.state == CandidateState.SNOOZED:
        return one.snoozed_until is not None and one.snoozed_until <= now.date() + DAY
    return one.state == CandidateState.KEEP_ASKED


def _silence(row: ReclaimCampaign, one: ReclaimCandidate) -> tuple[ReclaimCandidate, Verb, Mapping[str, Any]]:
    """A human looks at it; where use is not known, or a review had no answer, nothing can follow and the seat stays."""
    if asking.stays_without_word(one) or CampaignKind(row.kind) is CampaignKind.REVIEW:
        one.words = "No answer, and nothing says that it is not used: it stays."
        return one, Verb.DROP, {"because": "no_answer"}
    return one, Verb.SILENCE, {}


def _remind(work: UnitOfWork, one: ReclaimCandidate, calendar: WorkCalendar, after_days: int, now: datetime) -> bool:
    """Once; a service that was down reminds when it is back, while there is time to answer."""
    if one.reminded_at is not None or one.asked_at is None or not can(one, Verb.REMIND):
        return False
    if now < add_working_days(one.asked_at, after_days, calendar):
        return False
    move(work, one, Verb.REMIND, "clock", now)
    one.reminded_at = now
    return True
