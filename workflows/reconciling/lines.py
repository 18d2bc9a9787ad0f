"""A difference from the look that found it to its end: the table of moves, and the one function that makes them.

It is closed by a person who has the right and says why, or because the facts agree at a later look. Nothing corrects
itself: an answer changes no purchase, no invoice and no seat.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from model.events import Happened, Tag
from model.renewals import ReconciliationLine
from model.session import UnitOfWork
from workflows import moves
from workflows.refusals import OldCard


class State(enum.StrEnum):
    """Where a difference stands. Stored."""

    OPEN = "open"
    DISPUTED = "disputed"  # with the vendor
    ASKED = "asked"  # procurement looks
    ACCEPTED = "accepted"  # it is right as it is, said a person
    GONE = "gone"  # the facts agree


class Verb(enum.StrEnum):
    """What can happen to it. Stored in events: read a new name twice."""

    ACCEPT = "accept"
    DISPUTE = "dispute"
    ASK = "ask"
    AGREE = "agree"  # a later look sees no difference
    DIFFER = "differ"  # it is back, or another one than was answered


_S = State
ALLOWED: Mapping[tuple[State, Verb], State] = {
    (_S.OPEN, Verb.ACCEPT): _S.ACCEPTED,
    (_S.DISPUTED, Verb.ACCEPT): _S.ACCEPTED,
    (_S.ASKED, Verb.ACCEPT): _S.ACCEPTED,
    (_S.OPEN, Verb.DISPUTE): _S.DISPUTED,
    (_S.ASKED, Verb.DISPUTE): _S.DISPUTED,
    (_S.OPEN, Verb.ASK): _S.ASKED,
    (_S.DISPUTED, Verb.ASK): _S.ASKED,
    (_S.OPEN, Verb.AGREE): _S.GONE,
    (_S.DISPUTED, Verb.AGREE): _S.GONE,
    (_S.ASKED, Verb.AGREE): _S.GONE,
    (_S.ACCEPTED, Verb.AGREE): _S.GONE,
    (_S.ACCEPTED, Verb.DIFFER): _S.OPEN,
    (_S.GONE, Verb.DIFFER): _S.OPEN,
}
#: On somebody's table.
LIVE = (_S.OPEN, _S.DISPUTED, _S.ASKED)
_TAGS: Mapping[Verb, Tag] = {
    Verb.ACCEPT: Tag.DIFFERENCE_ACCEPTED,
    Verb.DISPUTE: Tag.DIFFERENCE_DISPUTED,
    Verb.ASK: Tag.DIFFERENCE_ASKED,
    Verb.AGREE: Tag.DIFFERENCE_GONE,
    Verb.DIFFER: Tag.DIFFERENCE_REOPENED,
}
_STANDS: Mapping[State, str] = {
    _S.OPEN: "Nobody has answered this yet.",
    _S.DISPUTED: "This is with the vendor already.",
    _S.ASKED: "Procurement was asked already.",
    _S.ACCEPTED: "This was answered: it is right as it is.",
    _S.GONE: "The figures agree by now, so nothing changed.",
}


class IllegalMove(moves.IllegalMove):
    """The difference stands where this cannot be done; the sentence says where."""

    stands = _STANDS


def step(state: State, verb: Verb) -> State:
    """Where the verb leads. Raises IllegalMove when it leads nowhere from here; pure."""
    return moves.follow(ALLOWED, state, verb, IllegalMove)


def move(
    work: UnitOfWork,
    line: ReconciliationLine,
    verb: Verb,
    actor: str,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> int:
    """Make the move on a row the caller has locked, with its event, whose id comes back. Raises IllegalMove."""
    before = State(line.state)
    line.state = step(before, verb).value
    line.version += 1
    said = {"from": before.value, "to": line.state, "kind": line.kind, "cause": line.cause}
    happened = Happened(_TAGS[verb], actor, f"difference:{line.id}", said | dict(facts or {}), dict(personal or {}))
    (event_id,) = work.record([happened], now)
    return event_id


def locked(work: UnitOfWork, line_id: int, version: int | None = None) -> ReconciliationLine:
    """The row, held until the transaction ends. Raises IllegalMove for one that is gone, OldCard for an older press."""
    line = work.session.get(ReconciliationLine, line_id, with_for_update=True, populate_existing=True)
    if line is None:
        raise IllegalMove(_S.GONE, Verb.ACCEPT)
    if version is not None and version != line.version and State(line.state) in LIVE:
        raise OldCard("The difference changed meanwhile")
    return line
