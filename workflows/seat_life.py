"""The life of a confirmed return, as one table.

    confirmed ──write──▶ removing ──go──▶ removed ──undo──▶ restoring ──restore──▶ restored
      │   ▲                │  │             ▲                │  │                    ▲
      │   └─────hold───────┘  │             └─refuse/give_up─┤  └─queue──▶ waiting ──┘ come_anew
      ├─keep─▶ kept ◀───keep──┤                              └──────────give_up───────┘
      └─fail─▶ failed ◀─fail──┘          (by its owner's hand a seat goes from confirmed to removed at once)

Nothing else changes `seat_return.state`: every move goes through `move`, which refuses what the table does not hold.
Whoever makes the move writes the event that belongs to it, since each tells something else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from model.licences import SeatReturn
from workflows import moves


class State(enum.StrEnum):
    """Where a confirmed return stands; stored as it is spelt."""

    CONFIRMED = "confirmed"  # a person said so, nothing is written yet
    REMOVING = "removing"  # a write went out
    REMOVED = "removed"
    KEPT = "kept"  # called off: the holder keeps the seat
    FAILED = "failed"  # refused there: the holder keeps the seat, and IT knows
    RESTORING = "restoring"  # needed back, and on its way
    WAITING = "waiting"  # needed back, no seat is free: first in the queue
    RESTORED = "restored"


class Verb(enum.StrEnum):
    """What can be done with a return."""

    WRITE = "write"  # just before each write, also one that is repeated
    HOLD = "hold"  # not now after all, and nothing was written
    KEEP = "keep"
    GO = "go"  # a read shows it gone, or its owner says so
    FAIL = "fail"
    UNDO = "undo"
    QUEUE = "queue"
    RESTORE = "restore"  # a read shows it back
    COME_ANEW = "come_anew"  # given from the queue or by its owner's hand
    REFUSE = "refuse"  # it could not be put back; Undo can be pressed again
    GIVE_UP = "give_up"  # the request that would give it anew ended without a seat


ALLOWED: Mapping[tuple[State, Verb], State] = {
    (State.CONFIRMED, Verb.WRITE): State.REMOVING,
    (State.CONFIRMED, Verb.HOLD): State.CONFIRMED,
    (State.CONFIRMED, Verb.KEEP): State.KEPT,
    (State.CONFIRMED, Verb.GO): State.REMOVED,
    (State.CONFIRMED, Verb.FAIL): State.FAILED,
    (State.REMOVING, Verb.WRITE): State.REMOVING,
    (State.REMOVING, Verb.HOLD): State.CONFIRMED,
    (State.REMOVING, Verb.KEEP): State.KEPT,
    (State.REMOVING, Verb.GO): State.REMOVED,
    (State.REMOVING, Verb.FAIL): State.FAILED,
    (State.REMOVED, Verb.UNDO): State.RESTORING,
    (State.RESTORING, Verb.QUEUE): State.WAITING,
    (State.RESTORING, Verb.RESTORE): State.RESTORED,
    (State.RESTORING, Verb.COME_ANEW): State.RESTORED,
    (State.RESTORING, Verb.REFUSE): State.REMOVED,
    (State.RESTORING, Verb.GIVE_UP): State.REMOVED,
    (State.WAITING, Verb.COME_ANEW): State.RESTORED,
    (State.WAITING, Verb.GIVE_UP): State.REMOVED,
}

#: Nobody can change these any more; what comes after is a return of its own.
FINAL = frozenset({State.KEPT, State.FAILED, State.RESTORED})

_STANDS: Mapping[State, str] = {
    State.CONFIRMED: "This licence is confirmed to go back and is still there.",
    State.REMOVING: "This licence is being taken back this very minute.",
    State.REMOVED: "This licence was taken back already.",
    State.KEPT: "This licence was left with its holder; nothing is taken.",
    State.FAILED: "This licence could not be taken back and was left alone.",
    State.RESTORING: "This licence is on its way back to its holder already.",
    State.WAITING: "Its holder waits for a free seat, before everybody else.",
    State.RESTORED: "This licence was put back already.",
}


class IllegalMove(moves.IllegalMove):
    """The return stands where this cannot be done any more; the sentence says where."""

    stands = _STANDS


def step(state: State, verb: Verb) -> State:
    """Where the verb leads. Raises IllegalMove when it leads nowhere from here; pure."""
    return moves.follow(ALLOWED, state, verb, IllegalMove)


def can(row: SeatReturn, verb: Verb) -> bool:
    """Whether the verb leads somewhere from where the return stands."""
    return (State(row.state), verb) in ALLOWED


def move(row: SeatReturn, verb: Verb) -> None:
    """Make the move on a row the caller holds; the caller flushes, with the event. Raises IllegalMove."""
    row.state = step(State(row.state), verb).value
