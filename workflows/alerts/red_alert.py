"""A red alert from its first sighting to its close: the table of moves, and the one function that makes them (§3, §8).

What a scan means is `looks`, what people press is `acting`; both come through here, so that every change
has its event and a press on an older card is refused.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from licensing.words import plural
from model.alerts import AlertState, RedAlert
from model.events import Happened, Tag
from model.people import Person
from model.session import UnitOfWork
from workflows import moves, refusals
from workflows.refusals import Refusal


class Verb(enum.StrEnum):
    """What can happen to an alert. Stored in events: read a new name twice."""

    SEE = "see"  # again or more of the same: figures and places, no other state
    AGREE = "agree"  # a second complete run says so too
    FADE = "fade"  # the second run says otherwise: nobody ever heard of it
    TAKE = "take"
    ASK = "ask"
    ANSWER = "answer"
    EXCEPT = "except"
    OUTGROW = "outgrow"  # devices the exception does not speak of
    END_EXCEPTION = "end_exception"
    RESOLVE_THERE = "resolve_there"  # their record was resolved; a scan decides
    STILL_THERE = "still_there"
    SCAN_GONE = "scan_gone"
    REOPEN = "reopen"  # seen again after its close: the next row of the same cause


_S = AlertState
ALLOWED: Mapping[tuple[AlertState, Verb], AlertState] = {
    (_S.WATCHING, Verb.SEE): _S.WATCHING,
    (_S.WATCHING, Verb.AGREE): _S.OPEN,
    (_S.WATCHING, Verb.FADE): _S.CLOSED,
    (_S.WATCHING, Verb.EXCEPT): _S.EXCEPTED,  # the second run finds it tolerated already
    (_S.OPEN, Verb.SEE): _S.OPEN,
    (_S.OPEN, Verb.TAKE): _S.TAKEN,
    (_S.OPEN, Verb.ASK): _S.OPEN,
    (_S.OPEN, Verb.ANSWER): _S.OPEN,
    (_S.OPEN, Verb.EXCEPT): _S.EXCEPTED,
    (_S.OPEN, Verb.RESOLVE_THERE): _S.AWAITING_SCAN,
    (_S.OPEN, Verb.SCAN_GONE): _S.CLOSED,
    (_S.TAKEN, Verb.SEE): _S.TAKEN,
    (_S.TAKEN, Verb.ASK): _S.TAKEN,
    (_S.TAKEN, Verb.ANSWER): _S.TAKEN,
    (_S.TAKEN, Verb.EXCEPT): _S.EXCEPTED,
    (_S.TAKEN, Verb.RESOLVE_THERE): _S.AWAITING_SCAN,
    (_S.TAKEN, Verb.SCAN_GONE): _S.CLOSED,
    (_S.AWAITING_SCAN, Verb.SEE): _S.AWAITING_SCAN,
    (_S.AWAITING_SCAN, Verb.ANSWER): _S.AWAITING_SCAN,
    (_S.AWAITING_SCAN, Verb.EXCEPT): _S.EXCEPTED,
    (_S.AWAITING_SCAN, Verb.STILL_THERE): _S.OPEN,
    (_S.AWAITING_SCAN, Verb.SCAN_GONE): _S.CLOSED,
    (_S.EXCEPTED, Verb.SEE): _S.EXCEPTED,
    (_S.EXCEPTED, Verb.ANSWER): _S.EXCEPTED,
    (_S.EXCEPTED, Verb.OUTGROW): _S.OPEN,
    (_S.EXCEPTED, Verb.END_EXCEPTION): _S.OPEN,
    (_S.EXCEPTED, Verb.SCAN_GONE): _S.CLOSED,
    (_S.CLOSED, Verb.REOPEN): _S.OPEN,
}

_TAGS: Mapping[Verb, Tag] = {
    Verb.SEE: Tag.ALERT_SEEN,
    Verb.AGREE: Tag.ALERT_OPENED,
    Verb.FADE: Tag.ALERT_FADED,
    Verb.TAKE: Tag.ALERT_TAKEN,
    Verb.ASK: Tag.ALERT_ASKED,
    Verb.ANSWER: Tag.ALERT_ANSWERED,
    Verb.EXCEPT: Tag.ALERT_EXCEPTED,
    Verb.OUTGROW: Tag.ALERT_REOPENED,
    Verb.END_EXCEPTION: Tag.ALERT_EXCEPTION_ENDED,
    Verb.RESOLVE_THERE: Tag.ALERT_RESOLVED_THERE,
    Verb.STILL_THERE: Tag.ALERT_STILL_THERE,
    Verb.SCAN_GONE: Tag.ALERT_CLOSED,
    Verb.REOPEN: Tag.ALERT_REOPENED,
}
#: States in which it is on somebody's table.
LIVE = (_S.OPEN, _S.TAKEN, _S.AWAITING_SCAN)
_SETTLED: Mapping[AlertState, str] = {
    _S.WATCHING: "This is not an alert yet; a second count decides.",
    _S.OPEN: "Nobody has this alert yet.",
    _S.TAKEN: "Somebody has this alert already; your press changed nothing.",
    _S.AWAITING_SCAN: "It was resolved in ServiceNow and waits for a scan; your press changed nothing.",
    _S.EXCEPTED: "An exception holds for this; your press changed nothing.",
    _S.CLOSED: "This alert is closed; your press changed nothing.",
}


class IllegalMove(moves.IllegalMove):
    """The alert stands where this cannot be done any more; the sentence says where."""

    stands = _SETTLED


def step(state: AlertState, verb: Verb) -> AlertState:
    """Where the verb leads. Raises IllegalMove when it leads nowhere from here; pure."""
    return moves.follow(ALLOWED, state, verb, IllegalMove)


def reference(alert_id: int) -> str:
    """What people call it: "ALERT-88"."""
    return f"ALERT-{alert_id}"


def move(
    work: UnitOfWork,
    alert: RedAlert,
    verb: Verb,
    actor: str,
    now: datetime,
    *,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> None:
    """Make the move on a row the caller has locked, with its event. Raises IllegalMove; nothing is changed then."""
    before = AlertState(alert.state)
    after = step(before, verb)
    alert.state = after
    alert.version += 1
    if verb in (Verb.AGREE, Verb.END_EXCEPTION, Verb.OUTGROW, Verb.STILL_THERE):
        alert.opened_at = alert.opened_at or now
        alert.taken_by_id = alert.taken_at = None
    if after is AlertState.CLOSED:
        alert.closed_at = now
    if after is not before:
        alert.agreed = 0
    said = {"cause": str(alert.cause), "product": alert.product_id, "from": before.value, "to": after.value}
    work.record([happened(alert, verb, actor, said | dict(facts or {}), personal or {})], now)


def happened(
    alert: RedAlert, verb: Verb, actor: str, facts: Mapping[str, Any], personal: Mapping[str, Any] | None = None
) -> Happened:
    """The event of a move."""
    return Happened(_TAGS[verb], actor, f"alert:{alert.id}", dict(facts), dict(personal or {}))


def locked(work: UnitOfWork, alert_id: int, version: int | None = None) -> RedAlert:
    """The row, held until the transaction ends. Raises IllegalMove for one that is gone, OldCard for an older press.

    Whoever lost the race for an alert hears who has it; figures that changed meanwhile are no reason to refuse a press
    that would do the same.
    """
    alert = work.session.get(RedAlert, alert_id, with_for_update=True, populate_existing=True)
    if alert is None:
        raise IllegalMove(AlertState.CLOSED, Verb.SEE)
    if version is not None and version != alert.version and alert.state in (AlertState.OPEN, AlertState.WATCHING):
        raise refusals.OldCard("The alert changed meanwhile")
    return alert


def taken_already(work: UnitOfWork, alert: RedAlert) -> Refusal:
    """Who was quicker."""
    who = work.session.get(Person, alert.taken_by_id) if alert.taken_by_id is not None else None
    if who is None or alert.taken_at is None:
        return IllegalMove(AlertState(alert.state), Verb.TAKE)
    return refusals.AlreadyDecided(who.name, "took", alert.taken_at, who.id)


def own(alert: RedAlert) -> dict[str, Any]:
    """What stands beside the figures and outlives them: the group it came with, since when it waits for a scan."""
    return dict((alert.figures or {}).get("own") or {})


def remember(alert: RedAlert, **values: Any) -> None:
    """Change what `own` tells; None forgets."""
    kept = own(alert) | values
    alert.figures = {
        **{name: value for name, value in (alert.figures or {}).items() if name != "own"},
        "own": {name: value for name, value in kept.items() if value is not None},
    }


def head(alert: RedAlert) -> int:
    """The alert whose ticket speaks for it: itself, or the first of the group it came with."""
    return int(own(alert).get("with", alert.id))


def devices(count: int) -> str:
    return plural(count, "device")
