"""What deserves a red alert, when one opens and clears, and how many a channel can bear (rules §8).

Pure: from the standing of a product to the alert wanted of it. An exclusion has left the count before; an exception or
a mute never does, so neither is known here.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo


class Cause(enum.StrEnum):
    """Why somebody must look; stored under the same words."""

    UNAUTHORISED = "unauthorised"
    SHORTFALL = "shortfall"
    NEAR_LIMIT = "near_limit"
    EXPIRED_RIGHT = "expired_right"
    DUPLICATE_ACTIVATION = "duplicate_activation"


#: Complete runs that must agree before these open and before they clear; the others are facts of one scan.
RUNS_THAT_AGREE = 2
COUNTED = frozenset({Cause.SHORTFALL, Cause.NEAR_LIMIT})
#: A key on more devices than this is a volume key, marked or not (rules §2).
VOLUME_KEY_ABOVE = 20


_BECAUSE = {
    Cause.UNAUTHORISED: "nothing bought",
    Cause.SHORTFALL: "more in use than bought",
    Cause.NEAR_LIMIT: "few are left",
    Cause.EXPIRED_RIGHT: "the right has ended",
    Cause.DUPLICATE_ACTIVATION: "on more devices than it allows",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the policy asks: the causes that alert, and how few free units are few (both must hold)."""

    causes: frozenset[Cause] = frozenset(Cause)
    near_per_cent: int = 5
    near_count: int = 2
    near_from: int = 20  # with fewer bought, a full house is ordinary
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One position as an alert sees it. `bought` None: no limit, or not known; `in_use` None: not known.

    `devices` have it and are neither observed only nor adopted with a baseline; `everywhere` counts adopted ones too,
    and `people` hold a seat without any device. `hidden` units are those that only sources in observe report; `adopted`
    is what is left of the shortfall that was there when a baseline was accepted.
    """

    product_id: int
    metric: str
    sku_id: int | None = None
    bought: Decimal | None = None
    in_use: Decimal | None = None
    free: Decimal | None = None
    short: Decimal | None = None
    unlimited: bool = False
    bought_ever: bool = False
    ended_on: date | None = None  # the last day of the newest purchase, when none is in force
    needs_licence: bool = False  # paid, and a person or the register says so
    devices: int = 0
    everywhere: int = 0
    people: int = 0
    hidden: Decimal = Decimal(0)
    adopted: Decimal = Decimal(0)
    banned: str = ""  # the rule in words: "not allowed, customer data (rule 5)"
    restricted: str = ""


@dataclass(frozen=True, slots=True)
class KeySeen:
    """A product key and the devices it is on. `allowed` None: any number; `adopted` had it at a baseline."""

    fingerprint: str
    last_five: str
    product_id: int | None
    devices: int
    allowed: int | None
    volume: bool = False
    adopted: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alert that should be there; `key` names the cause, however many rows it has.

    `adopted_too`: it speaks of devices that were there at the baseline as well, since what covered them is gone.
    """

    key: str
    cause: Cause
    product_id: int | None
    sku_id: int | None = None
    metric: str = ""
    rule: str = ""
    figures: dict[str, str | int] = field(default_factory=dict)
    adopted_too: bool = False


def wanted(standing: Standing, limits: Limits) -> Wanted | None:
    """The one alert a position asks for, the gravest cause first; None when all is well or not known."""
    found = _cause(standing, limits)
    if found is None or found[0] not in limits.causes:
        return None
    cause, rule, figures = found
    tail = f":{standing.sku_id or 0}:{standing.metric}" if cause in COUNTED else ""
    return Wanted(
        f"{cause}:{standing.product_id}{tail}",
        cause,
        standing.product_id,
        standing.sku_id if cause in COUNTED else None,
        standing.metric if cause in COUNTED else "",
        rule or f"{_BECAUSE[cause]} ({limits.rule})",
        figures,
        cause is Cause.EXPIRED_RIGHT and uncovered(standing) > standing.devices,
    )


def _cause(one: Standing, limits: Limits) -> tuple[Cause, str, dict[str, str | int]] | None:
    figures: dict[str, str | int] = {"devices": one.devices}
    if one.bought is not None:
        figures["bought"] = _plain(one.bought)
    if one.in_use is not None:
        figures["in_use"] = _plain(one.in_use)
    if one.banned:  # what the company forbids, no right covers
        return (Cause.UNAUTHORISED, one.banned, figures) if one.devices else None
    if one.in_use is not None and one.in_use <= 0:
        return None  # a suite or an exclusion covers them all
    nothing = not one.unlimited and one.bought == 0
    if nothing and one.ended_on is not None:
        return _expired(one, figures | {"ended_on": one.ended_on.isoformat()})
    if nothing and not one.bought_ever and one.devices and (one.restricted or one.needs_licence):
        return Cause.UNAUTHORISED, one.restricted or "", figures
    if one.in_use is None or one.short is None:
        return None
    short = uncovered(one)
    if short > 0:  # also beside an unlimited right: at other sites, or of a version it does not cover
        apart = {"adopted": one.adopted, "hidden": one.hidden}
        figures |= {name: _plain(units) for name, units in apart.items() if units > 0}
        return Cause.SHORTFALL, "", figures | {"short": _plain(short)}
    if one.short > 0:
        return None  # observed or adopted: a list to work off, no alert
    if one.unlimited or one.bought is None or one.free is None:
        return None
    few = one.free <= limits.near_count and one.free * 100 <= limits.near_per_cent * one.bought
    if few and one.bought >= limits.near_from and not one.hidden:
        return Cause.NEAR_LIMIT, "", figures | {"free": _plain(one.free)}
    return None


def uncovered(one: Standing) -> Decimal:
    """The shortfall an alert may speak of: neither observed only nor there when a baseline was accepted."""
    return (one.short or Decimal(0)) - one.hidden - one.adopted


def _expired(one: Standing, figures: dict[str, str | int]) -> tuple[Cause, str, dict[str, str | int]] | None:
    """The end of a purchase uncovers whoever has it, adopted devices and seats too, unless all are short as then."""
    if uncovered(one) > one.devices:
        return Cause.EXPIRED_RIGHT, "", figures | {"devices": one.everywhere, "people": one.people}
    return (Cause.EXPIRED_RIGHT, "", figures) if one.devices else None


def wanted_of_key(key: KeySeen, limits: Limits) -> Wanted | None:
    """One key on more devices than its entitlement allows; volume keys are listed elsewhere, never alerted."""
    if Cause.DUPLICATE_ACTIVATION not in limits.causes or key.volume or key.devices > VOLUME_KEY_ABOVE:
        return None
    if key.allowed is None or key.devices <= max(key.allowed, key.adopted) or key.product_id is None:
        return None
    rule = f"{_BECAUSE[Cause.DUPLICATE_ACTIVATION]} ({limits.rule})"
    figures: dict[str, str | int] = {"devices": key.devices, "allowed": key.allowed, "last_five": key.last_five}
    return Wanted(
        f"key:{key.fingerprint}"[:160], Cause.DUPLICATE_ACTIVATION, key.product_id, rule=rule, figures=figures
    )


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


# -- opening and clearing


class Heard(enum.StrEnum):
    """What a run means for an alert."""

    NOTHING = "nothing"
    OPEN = "open"
    CLEAR = "clear"


def runs_needed(cause: Cause) -> int:
    """How many runs in a row must say the same before it changes anything."""
    return RUNS_THAT_AGREE if cause in COUNTED else 1


def heard(cause: Cause, *, is_open: bool, agreed: int, seen: bool, complete: bool) -> tuple[Heard, int]:
    """What follows from one run, and how many runs in a row agree on a change to come.

    `agreed` counts sightings while it is not open and absences while it is. A run over some products only says nothing
    about figures that need complete runs: between two of them nothing moves.
    """
    if cause in COUNTED and not complete:
        return Heard.NOTHING, agreed
    if seen == is_open:
        return (Heard.NOTHING, 0) if is_open else (Heard.CLEAR, 0)  # as it was; a watched one is gone before it opened
    if agreed + 1 < runs_needed(cause):
        return Heard.NOTHING, agreed + 1
    return (Heard.OPEN if seen else Heard.CLEAR), 0


# -- how many at a time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `starts` up to `ends` in a zone, over midnight when it ends earlier than it starts."""

    starts: time
    ends: time
    zone: str

    def holds(self, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(self.zone)).time().replace(tzinfo=None)
        if self.starts <= self.ends:
            return self.starts <= local < self.ends
        return local >= self.starts or local < self.ends


@dataclass(frozen=True, slots=True)
class Costed:
    """A new alert with what it may cost: `amount` in its own currency orders like with like; None is unpriced."""

    id: int
    cause: Cause
    amount: Decimal | None = None
    count: int = 0


def costliest(alerts: Iterable[Costed]) -> list[Costed]:
    """Dearest first, then those without a price by how many they are about."""
    return sorted(alerts, key=lambda one: (one.amount is None, -(one.amount or Decimal(0)), -one.count, one.id))


def grouped(
    new: Sequence[Costed], in_last_hour: int, at_most: int, *, quiet: bool, always: Collection[Cause] = ()
) -> tuple[list[int], list[int]]:
    """Which get a card of their own, and which share one: those above `at_most` an hour, and all in quiet hours.

    `always` are the causes that policy lets through in quiet hours; the cap holds for them too.
    """
    singles: list[int] = []
    together: list[int] = []
    room = max(0, at_most - in_last_hour)
    for one in costliest(new):
        if (quiet and one.cause not in always) or len(singles) >= room:
            together.append(one.id)
        else:
            singles.append(one.id)
    return singles, together


# -- exceptions


@dataclass(frozen=True, slots=True)
class Tolerated:
    """An exception in force until the end of `ends_on`: some devices, a department, or every place."""

    ends_on: date
    devices: frozenset[int] = frozenset()
    department: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """A device or person an alert is about."""

    device_id: int | None
    department: str = ""


def in_force(grant: Tolerated, day: date) -> bool:
    return day <= grant.ends_on


def covers(grant: Tolerated, place: Where) -> bool:
    """Whether the exception speaks of this place; it does not ask for the day."""
    if grant.devices:
        return place.device_id in grant.devices
    return not grant.department or place.department.casefold() == grant.department.casefold()


def all_tolerated(places: Sequence[Where], grants: Iterable[Tolerated], day: date) -> bool:
    """Whether exceptions in force cover every place; an alert without places is covered only by one for all places."""
    live = [grant for grant in grants if in_force(grant, day)]
    if not places:
        return any(not grant.devices and not grant.department for grant in live)
    return all(any(covers(grant, place) for grant in live) for place in places)
