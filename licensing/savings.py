"""What taking seats back saved, kept in three piles that are never added up (rules §7).

Potential: taken and free to be given again, not saved. Realised: a purchase that was avoided, or a renewal that was
reduced, once per unit. Taken back: realised once, and undone since. Per currency; what has no price stays unpriced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from licensing.money import Money, Sums


class Pile(StrEnum):
    """Where one unit's money belongs."""

    POTENTIAL = "potential"
    AVOIDED = "avoided"
    REDUCED = "reduced"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class Unit:
    """`count` units and what they come to together; None: no price is registered for them."""

    pile: Pile
    amount: Money | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Savings:
    """Sums per currency and pile; potential money is a year's, the others run to the end of their term."""

    sums: dict[Pile, Sums] = field(default_factory=dict)
    units: dict[Pile, int] = field(default_factory=dict)

    def of(self, pile: Pile) -> Sums:
        return self.sums.get(pile, Sums())

    def count(self, pile: Pile) -> int:
        return self.units.get(pile, 0)

    @property
    def realised(self) -> Sums:
        """Avoided and reduced: different units, so they may be added."""
        return self.of(Pile.AVOIDED).plus(self.of(Pile.REDUCED))


def total(units: Iterable[Unit]) -> Savings:
    """Add up; ValueError for a count below zero."""
    sums: dict[Pile, Sums] = {}
    counts: dict[Pile, int] = {}
    for unit in units:
        if unit.count < 0:
            raise ValueError(f"{unit.count} units cannot have been saved")
        more = Sums.of([unit.amount]) if unit.amount is not None else Sums({}, unit.count)
        sums[unit.pile] = sums.get(unit.pile, Sums()).plus(more)
        counts[unit.pile] = counts.get(unit.pile, 0) + unit.count
    return Savings(sums, counts)
