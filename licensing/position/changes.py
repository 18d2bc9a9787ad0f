"""Why a position changed between two days: named steps whose sum is the difference, and what no step explains.

The steps are not found by comparing totals but row by row: a purchase in force on one day and not on the other, a
person or device that takes a unit on one day and not on the other, each with the event that made it so. What is left
over is "not explained", always shown, and an alert when it is not zero.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from licensing.position.facts import Metric
from licensing.position.figure import Position, shown
from licensing.words import day

ZERO = Decimal(0)


class Ground(enum.StrEnum):
    """What happened, in the order in which the steps are listed."""

    BOUGHT = "bought"
    ENDED = "ended"
    CORRECTED = "corrected"  # a fact of that day was recorded anew: quantity, term, version, person
    JOINED = "joined"
    LEFT = "left"
    GIVEN = "given"
    TAKEN_BACK = "taken_back"
    PUT_BACK = "put_back"
    INSTALLED = "installed"
    REMOVED = "removed"
    NAMED_ANEW = "named_anew"  # a title was recognised as this product, or no longer is
    SUITE_GAINED = "suite_gained"
    SUITE_LOST = "suite_lost"
    EXCLUDED = "excluded"
    EXCLUSION_ENDED = "exclusion_ended"
    SECOND_USE = "second_use"  # a right to a second device began, ended, or reaches more or fewer
    RULE_CHANGED = "rule_changed"  # a metric's minimum, a period, a cover row
    USED = "used"  # sessions or units of a meter
    VENDOR = "vendor"  # the vendor's figure moved


WORDS: Mapping[Ground, str] = {
    Ground.BOUGHT: "bought",
    Ground.ENDED: "ended",
    Ground.CORRECTED: "corrected",
    Ground.JOINED: "joined",
    Ground.LEFT: "left",
    Ground.GIVEN: "given",
    Ground.TAKEN_BACK: "taken back",
    Ground.PUT_BACK: "put back",
    Ground.INSTALLED: "installed",
    Ground.REMOVED: "removed",
    Ground.NAMED_ANEW: "named anew",
    Ground.SUITE_GAINED: "now part of a suite",
    Ground.SUITE_LOST: "no longer part of a suite",
    Ground.EXCLUDED: "excluded by the contract",
    Ground.EXCLUSION_ENDED: "exclusion ended",
    Ground.SECOND_USE: "second use",
    Ground.RULE_CHANGED: "rule changed",
    Ground.USED: "used",
    Ground.VENDOR: "the vendor's figure",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """What a position of one day opens into: units by purchase, and units needed by person, device or machine.

    A subject is a key as the registry has it ("purchase:12", "person:7"). Unlimited purchases are in `purchases` with
    None. `position` is of the same day and metric.
    """

    position: Position
    purchases: Mapping[str, Decimal | None] = field(default_factory=dict)
    users: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a subject's row differs: the ground, and the event behind it that a reader can open."""

    ground: Ground
    event: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """All rows with one ground: what they did to the units bought and in use, and the subjects and events behind."""

    ground: Ground
    entitled: Decimal
    consumed: Decimal
    subjects: tuple[str, ...]
    events: tuple[str, ...] = ()

    @property
    def free(self) -> Decimal:
        """What it did to what is free."""
        return self.entitled - self.consumed

    @property
    def words(self) -> str:
        return WORDS[self.ground]


@dataclass(frozen=True, slots=True)
class Explanation:
    """From one day to another. `before`, `after` and what is not explained are None where a figure is not known."""

    metric: Metric
    since: date
    until: date
    entitled: tuple[Decimal | None, Decimal | None]
    consumed: tuple[Decimal | None, Decimal | None]
    steps: tuple[Step, ...]
    unexplained_entitled: Decimal | None
    unexplained_consumed: Decimal | None
    product: str = ""  # with its tier, where there are several

    @property
    def free(self) -> tuple[Decimal | None, Decimal | None]:
        return _less(self.entitled[0], self.consumed[0]), _less(self.entitled[1], self.consumed[1])

    @property
    def not_explained(self) -> Decimal | None:
        """What the steps leave over of what is free. None: one of the days is not known or without limit."""
        return _less(self.unexplained_entitled, self.unexplained_consumed)

    @property
    def settled(self) -> bool:
        """Whether each of both figures is explained to the last unit, as far as it is known: else it is an alert."""
        return not self.unexplained_entitled and not self.unexplained_consumed


def explain(before: Rows, after: Rows, causes: Mapping[str, Cause]) -> Explanation:
    """Each row that differs between the days becomes part of a step by its cause; a row without cause explains nothing.

    A purchase that is new or gone needs no cause: it is bought or ended. ValueError when the two positions are not of
    the same product and metric, or not in order of time.
    """
    first, last = before.position, after.position
    if (first.product, first.metric) != (last.product, last.metric):
        raise ValueError("two days are compared for one product and metric")
    if first.at > last.at:
        raise ValueError(f"{day(last.at)} lies before {day(first.at)}")
    moves: dict[Ground, _Move] = {}
    for subject in sorted({*before.purchases, *after.purchases}):
        cause = causes.get(subject) or Cause(_of_purchase(subject, before, after))
        old, new = before.purchases.get(subject, ZERO), after.purchases.get(subject, ZERO)
        moved = (new or ZERO) - (old or ZERO)
        if old != new:  # without limit is shown as a step that no number of units measures
            moves.setdefault(cause.ground, _Move()).add(subject, cause, entitled=moved)
    for subject in sorted({*before.users, *after.users}):
        moved = after.users.get(subject, ZERO) - before.users.get(subject, ZERO)
        if moved and (known := causes.get(subject)):
            moves.setdefault(known.ground, _Move()).add(subject, known, consumed=moved)
    steps = tuple(moves[ground].step(ground) for ground in Ground if ground in moves)
    entitled, consumed = (first.entitled, last.entitled), (first.consumed, last.consumed)
    return Explanation(
        first.metric,
        first.at,
        last.at,
        entitled,
        consumed,
        steps,
        _less(_less(entitled[1], entitled[0]), sum((step.entitled for step in steps), ZERO)),
        _less(_less(consumed[1], consumed[0]), sum((step.consumed for step in steps), ZERO)),
        last.product,
    )


@dataclass(slots=True)
class _Move:
    entitled: Decimal = ZERO
    consumed: Decimal = ZERO
    subjects: list[str] = field(default_factory=list)
    events: dict[str, None] = field(default_factory=dict)

    def add(self, subject: str, cause: Cause, entitled: Decimal = ZERO, consumed: Decimal = ZERO) -> None:
        self.entitled += entitled
        self.consumed += consumed
        self.subjects.append(subject)
        if cause.event:
            self.events[cause.event] = None

    def step(self, ground: Ground) -> Step:
        return Step(ground, self.entitled, self.consumed, tuple(self.subjects), tuple(self.events))


def _of_purchase(subject: str, before: Rows, after: Rows) -> Ground:
    """New is bought, gone is ended, another number of units is a correction."""
    if subject not in before.purchases:
        return Ground.BOUGHT
    return Ground.CORRECTED if subject in after.purchases else Ground.ENDED


def _less(amount: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if amount is None or other is None else amount - other


def sentence(found: Explanation) -> str:
    """ "Free went from 5 to 3: 4 more in use, 2 more bought."; what is below nothing is called short."""
    before, after = found.free
    if before is None or after is None:
        return "Free is not known on both days, or without limit: only the steps are shown."
    more = [
        f"{shown(abs(moved))} {'more' if moved > 0 else 'fewer'} {what}"
        for moved, what in (
            (_less(found.consumed[1], found.consumed[0]), "in use"),
            (_less(found.entitled[1], found.entitled[0]), "bought"),
        )
        if moved
    ]
    change = _moved(before, after)
    return f"{change}: {', '.join(more)}." if more else f"{change}."


def _moved(before: Decimal, after: Decimal) -> str:
    """ "Free went from 5 to 3", "Short went from 3 to 4", "From 2 free to 1 short"."""
    if before * after < 0:
        ends = [f"{shown(abs(one))} {'free' if one > 0 else 'short'}" for one in (before, after)]
        return f"From {ends[0]} to {ends[1]}"
    what = "Short" if before + after < 0 else "Free"
    if before == after:
        return f"{what} stayed at {shown(abs(after))}"
    return f"{what} went from {shown(abs(before))} to {shown(abs(after))}"


def lines(found: Explanation) -> list[tuple[str, str]]:
    """The table: a line for each day and step, and always one for what is not explained."""
    before, after = found.free
    left = found.not_explained
    return [
        (f"on {day(found.since)}", _signed(before)),
        *((step.words, f"{'+' if step.free > 0 else ''}{_signed(step.free)}") for step in found.steps),
        ("not explained", "not known" if left is None else _signed(left)),
        (f"on {day(found.until)}", _signed(after)),
    ]


def _signed(amount: Decimal | None) -> str:
    if amount is None:
        return "not known"
    return f"−{shown(-amount)}" if amount < 0 else shown(amount)
