"""One seat of a campaign from the list to its end: the table of moves, and the one function that makes them.

No move here removes a seat. `CONFIRM` is made only together with a stored `SeatReturn` (`workflows.reclaim.confirm`),
and what became of that is told by the moves out of CONFIRMED (`workflows.reclaim.outcome`). Silence and a manager who
sees it differently lead to a human, never to a removal.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from model.events import Happened, Tag
from model.reclaim import CandidateState, ReclaimCandidate
from model.session import UnitOfWork
from workflows import moves


class Verb(enum.StrEnum):
    """What can happen to a candidate. Stored in events: read a new name twice."""

    ASK = "ask"
    REMIND = "remind"
    SNOOZE = "snooze"
    WAKE = "wake"
    KEEP = "keep"
    KEEP_IF_AGREED = "keep_if_agreed"  # policy wants the manager's word
    AGREE = "agree"
    DISAGREE = "disagree"  # the licence manager looks; the holder keeps it
    LAPSE = "lapse"  # the manager said nothing: the holder's word stands
    RELEASE = "release"  # the holder's own confirmation
    SILENCE = "silence"
    USED = "used"  # new activity
    HAND_OVER = "hand_over"  # a leaver's manager said who gets what
    DROP = "drop"  # the seat is gone, excluded, or the campaign was called off
    LEAVE = "leave"  # unticked in a list that was confirmed: the holder keeps it
    CONFIRM = "confirm"  # by a person with the right, with a stored return
    TAKE = "take"
    SKIP = "skip"  # re-checked just before and left alone
    FAIL = "fail"  # the system refused
    PUT_BACK = "put_back"


_S = CandidateState
ALLOWED: Mapping[tuple[CandidateState, Verb], CandidateState] = {
    (_S.LISTED, Verb.ASK): _S.ASKED,
    (_S.LISTED, Verb.USED): _S.IN_USE,
    (_S.LISTED, Verb.HAND_OVER): _S.LISTED,
    (_S.LISTED, Verb.DROP): _S.DROPPED,
    (_S.LISTED, Verb.LEAVE): _S.DROPPED,
    (_S.LISTED, Verb.CONFIRM): _S.CONFIRMED,  # leavers: nobody is asked whether they need it
    (_S.ASKED, Verb.REMIND): _S.ASKED,
    (_S.ASKED, Verb.SNOOZE): _S.SNOOZED,
    (_S.ASKED, Verb.KEEP): _S.KEPT,
    (_S.ASKED, Verb.KEEP_IF_AGREED): _S.KEEP_ASKED,
    (_S.ASKED, Verb.RELEASE): _S.RELEASED,
    (_S.ASKED, Verb.SILENCE): _S.UNANSWERED,
    (_S.ASKED, Verb.USED): _S.IN_USE,
    (_S.ASKED, Verb.DROP): _S.DROPPED,
    (_S.SNOOZED, Verb.WAKE): _S.ASKED,
    (_S.SNOOZED, Verb.SNOOZE): _S.SNOOZED,  # to another day, within the same limit
    (_S.SNOOZED, Verb.KEEP): _S.KEPT,
    (_S.SNOOZED, Verb.KEEP_IF_AGREED): _S.KEEP_ASKED,
    (_S.SNOOZED, Verb.RELEASE): _S.RELEASED,
    (_S.SNOOZED, Verb.USED): _S.IN_USE,
    (_S.SNOOZED, Verb.DROP): _S.DROPPED,
    (_S.KEEP_ASKED, Verb.AGREE): _S.KEPT,
    (_S.KEEP_ASKED, Verb.DISAGREE): _S.KEPT,
    (_S.KEEP_ASKED, Verb.LAPSE): _S.KEPT,
    (_S.KEEP_ASKED, Verb.RELEASE): _S.RELEASED,
    (_S.KEEP_ASKED, Verb.USED): _S.IN_USE,
    (_S.KEEP_ASKED, Verb.DROP): _S.DROPPED,
    (_S.UNANSWERED, Verb.SNOOZE): _S.SNOOZED,  # late answers count until a person confirmed
    (_S.UNANSWERED, Verb.KEEP): _S.KEPT,
    (_S.UNANSWERED, Verb.KEEP_IF_AGREED): _S.KEEP_ASKED,
    (_S.UNANSWERED, Verb.RELEASE): _S.RELEASED,
    (_S.UNANSWERED, Verb.USED): _S.IN_USE,
    (_S.UNANSWERED, Verb.DROP): _S.DROPPED,
    (_S.UNANSWERED, Verb.LEAVE): _S.DROPPED,
    (_S.UNANSWERED, Verb.CONFIRM): _S.CONFIRMED,
    (_S.RELEASED, Verb.KEEP): _S.KEPT,  # a change of mind counts until a person confirmed
    (_S.RELEASED, Verb.KEEP_IF_AGREED): _S.KEEP_ASKED,
    (_S.RELEASED, Verb.DROP): _S.DROPPED,
    (_S.RELEASED, Verb.LEAVE): _S.DROPPED,
    (_S.RELEASED, Verb.CONFIRM): _S.CONFIRMED,
    (_S.CONFIRMED, Verb.TAKE): _S.TAKEN,
    (_S.CONFIRMED, Verb.SKIP): _S.SKIPPED,
    (_S.CONFIRMED, Verb.FAIL): _S.NOT_TAKEN,
    (_S.TAKEN, Verb.PUT_BACK): _S.PUT_BACK,
}

TAGS: Mapping[Verb, Tag] = {
    Verb.ASK: Tag.CANDIDATE_ASKED,
    Verb.REMIND: Tag.CANDIDATE_REMINDED,
    Verb.SNOOZE: Tag.CANDIDATE_SNOOZED,
    Verb.WAKE: Tag.CANDIDATE_ASKED,
    Verb.KEEP: Tag.CANDIDATE_KEPT,
    Verb.KEEP_IF_AGREED: Tag.CANDIDATE_KEEP_ASKED,
    Verb.AGREE: Tag.CANDIDATE_KEPT,
    Verb.DISAGREE: Tag.CANDIDATE_DISPUTED,
    Verb.LAPSE: Tag.CANDIDATE_KEPT,
    Verb.RELEASE: Tag.CANDIDATE_RELEASED,
    Verb.SILENCE: Tag.CANDIDATE_UNANSWERED,
    Verb.USED: Tag.CANDIDATE_IN_USE,
    Verb.HAND_OVER: Tag.CANDIDATE_HANDED_OVER,
    Verb.DROP: Tag.CANDIDATE_DROPPED,
    Verb.LEAVE: Tag.CANDIDATE_LEFT_ALONE,
    Verb.CONFIRM: Tag.CANDIDATE_CONFIRMED,
    Verb.TAKE: Tag.CANDIDATE_TAKEN,
    Verb.SKIP: Tag.CANDIDATE_SKIPPED,
    Verb.FAIL: Tag.CANDIDATE_NOT_TAKEN,
    Verb.PUT_BACK: Tag.CANDIDATE_PUT_BACK,
}
#: States in which a seat may stand in the list that a person confirms; LISTED only where nobody is asked.
CONFIRMABLE = (_S.RELEASED, _S.UNANSWERED, _S.LISTED)
#: States in which the holder's answer still counts.
ANSWERABLE = (_S.ASKED, _S.SNOOZED, _S.UNANSWERED, _S.KEEP_ASKED, _S.RELEASED)
_STANDS: Mapping[CandidateState, str] = {
    _S.LISTED: "You have not been asked about this licence; you keep it.",
    _S.ASKED: "This still waits for the holder's answer.",
    _S.SNOOZED: "You will be asked again on the day you chose.",
    _S.KEEP_ASKED: "Your manager is asked to agree; until then you keep it.",
    _S.KEPT: "This licence is kept already; there is nothing more to do.",
    _S.RELEASED: "You gave this licence back already.",
    _S.UNANSWERED: "The time to answer is over and a person looks at it; an answer still counts.",
    _S.IN_USE: "Nobody is asked any more: the licence is in use. You keep it.",
    _S.DROPPED: "This question is closed: the licence stays as it is.",
    _S.CONFIRMED: "A person confirmed that this licence goes back. “Keep it” leaves it with you until that is done.",
    _S.TAKEN: "This licence was taken back. “I need it back”, on the message that says so, brings it back.",
    _S.SKIPPED: "This licence was left alone; you keep it.",
    _S.NOT_TAKEN: "This licence could not be taken back and was left alone; you keep it.",
    _S.PUT_BACK: "This licence was put back; you have it.",
}


class IllegalMove(moves.IllegalMove):
    """The seat stands where this cannot be done any more; the sentence says where."""

    stands = _STANDS


def step(state: CandidateState, verb: Verb) -> CandidateState:
    """Where the verb leads. Raises IllegalMove when it leads nowhere from here; pure."""
    return moves.follow(ALLOWED, state, verb, IllegalMove)


def can(candidate: ReclaimCandidate, verb: Verb) -> bool:
    """Whether the verb leads somewhere from where the candidate stands."""
    return (CandidateState(candidate.state), verb) in ALLOWED


def move(
    work: UnitOfWork,
    candidate: ReclaimCandidate,
    verb: Verb,
    actor: str,
    now: datetime,
    *,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> None:
    """Make the move on a row the caller has locked, with its event. Raises IllegalMove; nothing is changed then."""
    work.record([_moved(candidate, verb, actor, facts or {}, personal)], now)


def move_all(
    work: UnitOfWork,
    moves: Sequence[tuple[ReclaimCandidate, Verb, Mapping[str, Any]]],
    actor: str,
    now: datetime,
) -> None:
    """Many moves at once, each with its facts and its event. Raises IllegalMove before anything is written."""
    for one, verb, _ in moves:
        step(CandidateState(one.state), verb)
    work.record([_moved(one, verb, actor, facts) for one, verb, facts in moves], now)


def _moved(
    candidate: ReclaimCandidate,
    verb: Verb,
    actor: str,
    facts: Mapping[str, Any],
    personal: Mapping[str, Any] | None = None,
) -> Happened:
    before = CandidateState(candidate.state)
    after = step(before, verb)
    candidate.state = after
    candidate.version += 1
    said = {
        "candidate": candidate.id,
        "campaign": candidate.campaign_id,
        "person": candidate.person_id,
        "from": before.value,
        "to": after.value,
        **facts,
    }
    return Happened(TAGS[verb], actor, f"seat:{candidate.seat_id}", said, dict(personal or {}))
