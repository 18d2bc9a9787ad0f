"""A renewal from its opening to its proof: the table of moves, and the one function that makes them (rules §9).

A decision stays red (`proof_awaited`) until somebody shows that it was carried out. What nobody decided in time is
missed, never taken for a yes; that the next term then began by itself is said as what it is.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from model.events import Happened, Tag
from model.renewals import Renewal, RenewalState
from model.session import UnitOfWork
from workflows import moves, refusals
from workflows.effects import FollowRenewal, enqueue


class Verb(enum.StrEnum):
    """What can happen to a renewal. Stored in events: read a new name twice."""

    TELL = "tell"
    DECIDE = "decide"  # others still have to agree
    SETTLE = "settle"  # decided and agreed: proof is awaited
    CONFIRM = "confirm"  # decided, agreed, and nothing has to be sent: it goes on by itself
    REFUSE = "refuse"  # somebody who had to agree did not
    CHANGE = "change"  # another decision replaces the one that stands
    DEFER = "defer"
    TAKE_UP = "take_up"  # the day it was deferred to has come
    PROVE = "prove"
    LOSE_PROOF = "lose_proof"  # what was planned at the vendor was undone there by another change
    MISS = "miss"
    REOPEN = "reopen"  # the contract was corrected: its date lies ahead again, or it is wanted after all
    ROLL_OVER = "roll_over"
    DROP = "drop"


_S = RenewalState
ALLOWED: Mapping[tuple[RenewalState, Verb], RenewalState] = {
    (_S.OPEN, Verb.TELL): _S.BRIEFED,
    (_S.BRIEFED, Verb.TELL): _S.BRIEFED,
    (_S.DEFERRED, Verb.TELL): _S.DEFERRED,
    (_S.DECIDED, Verb.TELL): _S.DECIDED,
    (_S.PROOF_AWAITED, Verb.TELL): _S.PROOF_AWAITED,
    (_S.MISSED, Verb.TELL): _S.MISSED,
    (_S.OPEN, Verb.DECIDE): _S.DECIDED,
    (_S.BRIEFED, Verb.DECIDE): _S.DECIDED,
    (_S.DEFERRED, Verb.DECIDE): _S.DECIDED,
    (_S.DECIDED, Verb.SETTLE): _S.PROOF_AWAITED,
    (_S.DECIDED, Verb.CONFIRM): _S.DONE,
    (_S.DECIDED, Verb.REFUSE): _S.BRIEFED,
    (_S.DECIDED, Verb.CHANGE): _S.BRIEFED,
    (_S.PROOF_AWAITED, Verb.CHANGE): _S.BRIEFED,
    (_S.DONE, Verb.CHANGE): _S.BRIEFED,  # before its date: a confirmed renewal may still be reduced
    (_S.OPEN, Verb.DEFER): _S.DEFERRED,
    (_S.BRIEFED, Verb.DEFER): _S.DEFERRED,
    (_S.DEFERRED, Verb.DEFER): _S.DEFERRED,
    (_S.DEFERRED, Verb.TAKE_UP): _S.BRIEFED,
    (_S.PROOF_AWAITED, Verb.PROVE): _S.DONE,
    (_S.DONE, Verb.LOSE_PROOF): _S.PROOF_AWAITED,
    (_S.PROOF_AWAITED, Verb.LOSE_PROOF): _S.PROOF_AWAITED,
    (_S.OPEN, Verb.MISS): _S.MISSED,
    (_S.BRIEFED, Verb.MISS): _S.MISSED,
    (_S.DEFERRED, Verb.MISS): _S.MISSED,
    (_S.DECIDED, Verb.MISS): _S.MISSED,  # those who had to agree did not in time
    (_S.MISSED, Verb.REOPEN): _S.OPEN,
    (_S.DROPPED, Verb.REOPEN): _S.OPEN,
    (_S.OPEN, Verb.ROLL_OVER): _S.ROLLED_OVER,
    (_S.BRIEFED, Verb.ROLL_OVER): _S.ROLLED_OVER,
    (_S.DEFERRED, Verb.ROLL_OVER): _S.ROLLED_OVER,
    (_S.DECIDED, Verb.ROLL_OVER): _S.ROLLED_OVER,
    (_S.PROOF_AWAITED, Verb.ROLL_OVER): _S.ROLLED_OVER,
    (_S.MISSED, Verb.ROLL_OVER): _S.ROLLED_OVER,
    (_S.OPEN, Verb.DROP): _S.DROPPED,
    (_S.BRIEFED, Verb.DROP): _S.DROPPED,
    (_S.DEFERRED, Verb.DROP): _S.DROPPED,
    (_S.DECIDED, Verb.DROP): _S.DROPPED,
    (_S.MISSED, Verb.DROP): _S.DROPPED,
}
_TAGS: Mapping[Verb, Tag] = {
    Verb.TELL: Tag.RENEWAL_TOLD,
    Verb.DECIDE: Tag.RENEWAL_DECIDED,
    Verb.SETTLE: Tag.RENEWAL_PROOF_AWAITED,
    Verb.CONFIRM: Tag.RENEWAL_PROVED,
    Verb.REFUSE: Tag.RENEWAL_REFUSED,
    Verb.CHANGE: Tag.RENEWAL_CHANGED,
    Verb.DEFER: Tag.RENEWAL_DEFERRED,
    Verb.TAKE_UP: Tag.RENEWAL_TAKEN_UP,
    Verb.PROVE: Tag.RENEWAL_PROVED,
    Verb.LOSE_PROOF: Tag.RENEWAL_PROOF_LOST,
    Verb.MISS: Tag.RENEWAL_MISSED,
    Verb.REOPEN: Tag.RENEWAL_REOPENED,
    Verb.ROLL_OVER: Tag.RENEWAL_ROLLED_OVER,
    Verb.DROP: Tag.RENEWAL_DROPPED,
}
#: Nobody has decided.
UNDECIDED = (_S.OPEN, _S.BRIEFED, _S.DEFERRED)
#: It is on somebody's table.
LIVE = (*UNDECIDED, _S.DECIDED, _S.PROOF_AWAITED)
#: A decision stands, and may still be another.
DECIDED = (_S.DECIDED, _S.PROOF_AWAITED, _S.DONE)
#: Over, but for a dropped one that is wanted again.
FINAL = (_S.ROLLED_OVER, _S.DROPPED)
_STANDS: Mapping[RenewalState, str] = {
    _S.OPEN: "Nobody has decided this yet.",
    _S.BRIEFED: "Nobody has decided this yet.",
    _S.DEFERRED: "This was put off to a later day.",
    _S.DECIDED: "This is decided and waits for others to agree.",
    _S.PROOF_AWAITED: "This is decided and waits for proof that it was done.",
    _S.DONE: "This is decided and done; your press changed nothing.",
    _S.MISSED: "The date to decide has passed, so nothing changed.",
    _S.ROLLED_OVER: "The next term has begun, so nothing changed.",
    _S.DROPPED: "The contract has other dates now, so nothing changed.",
}


class IllegalMove(moves.IllegalMove):
    """The renewal stands where this cannot be done; the sentence says where."""

    stands = _STANDS


def step(state: RenewalState, verb: Verb) -> RenewalState:
    """Where the verb leads. Raises IllegalMove when it leads nowhere from here; pure."""
    return moves.follow(ALLOWED, state, verb, IllegalMove)


def reference(renewal_id: int) -> str:
    """What people call it: "REN-12"."""
    return f"REN-{renewal_id}"


def move(
    work: UnitOfWork,
    renewal: Renewal,
    verb: Verb,
    actor: str,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> int:
    """Make the move on a row the caller has locked, with its event, whose id comes back. Raises IllegalMove."""
    before = RenewalState(renewal.state)
    after = step(before, verb)
    renewal.state = after
    if verb is not Verb.TELL or after in UNDECIDED:  # a reminder changes nothing about a decision that cards show
        renewal.version += 1
    if after is not _S.DEFERRED:
        renewal.deferred_until = None
    renewal.closed_at = now if after in (*FINAL, _S.DONE) else None
    said = {"from": before.value, "to": after.value, "ends_on": renewal.ends_on}
    (event_id,) = work.record([happened(renewal, _TAGS[verb], actor, said | dict(facts or {}), personal)], now)
    enqueue(work, [FollowRenewal(renewal.id)], now)
    return event_id


def happened(
    renewal: Renewal, tag: Tag, actor: str, facts: Mapping[str, Any], personal: Mapping[str, Any] | None = None
) -> Happened:
    """An event about a renewal."""
    return Happened(tag, actor, f"renewal:{renewal.id}", dict(facts), dict(personal or {}))


def locked(
    work: UnitOfWork, renewal_id: int, version: int | None = None, pressed_in: Collection[RenewalState] = UNDECIDED
) -> Renewal:
    """The row, held until the transaction ends. Raises IllegalMove for one that is gone, OldCard for an older press.

    `pressed_in`: where the press could still do something; elsewhere the operation says what has become of it.
    """
    renewal = work.session.get(Renewal, renewal_id, with_for_update=True, populate_existing=True)
    if renewal is None:
        raise IllegalMove(_S.DROPPED, Verb.TELL)
    if version is not None and version != renewal.version and renewal.state in pressed_in:
        raise refusals.OldCard("The renewal changed meanwhile")
    return renewal
