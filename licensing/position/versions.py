"""Versions: compared number by number, covered by their own licences, by maintenance upward, by downgrade downward.

A licence of version "11" is for 11.2 as well: as many leading numbers decide as the licence states. Edition is part of
the product, version is not (rules §1), so a version never makes two products of one.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from licensing.position.facts import Purchase, Right

Parts = tuple[int, ...]

NUMBERS = re.compile(r"\d+(?:\.\d+)*")
#: What is counted where versions play no part, and where a report names none.
NO_VERSION = ""


def parts(version: str) -> Parts:
    """The numbers of a version: (11, 2) for "v11.2 beta 3", () where there is none to read."""
    found = NUMBERS.search(version)
    return tuple(int(number) for number in found[0].split(".")) if found else ()


def written(version: Parts) -> str:
    """The version as it is listed: "11.2"; "" for none."""
    return ".".join(map(str, version))


class Fit(enum.IntEnum):
    """By what a licence covers a use, the better the higher: own version first, then downgrade (rules §1)."""

    UNREAD = 0  # the use reports no version: any licence may be its own
    DOWNGRADE = 1
    UPWARD = 2  # maintenance in force
    ANY = 3  # the licence names no version
    OWN = 4


@dataclass(frozen=True, slots=True)
class Supply:
    """Units that cover the same: of one version with the same rights. `units` None is unlimited."""

    version: Parts
    units: int | None
    downgrade: bool = False
    maintained: bool = False
    second_use: int = 0  # of the units, those that may be used on a portable of the same person as well
    purchases: tuple[Purchase, ...] = ()

    def fit(self, use: Parts) -> Fit | None:
        """How it covers that version; None when it does not. Never upward without maintenance."""
        if not self.version:
            return Fit.ANY
        if not use:
            return Fit.UNREAD
        same_length = (use + (0,) * len(self.version))[: len(self.version)]
        if same_length == self.version:
            return Fit.OWN
        if same_length < self.version:
            return Fit.DOWNGRADE if self.downgrade else None
        return Fit.UPWARD if self.maintained else None


def supplies(purchases: Iterable[Purchase], day: date) -> tuple[Supply, ...]:
    """Purchases in force by what they cover, newest version first, those without version last."""
    groups: dict[tuple[Parts, bool, bool], list[Purchase]] = {}
    for purchase in sorted(purchases, key=lambda one: one.id):
        version = parts(purchase.version)
        downgrade = bool(version) and Right.DOWNGRADE in purchase.rights
        groups.setdefault((version, downgrade, bool(version) and maintained(purchase, day)), []).append(purchase)
    return tuple(
        Supply(version, _total(held), downgrade, upward, _second_use(held), tuple(held))
        for (version, downgrade, upward), held in sorted(groups.items(), reverse=True)
    )


def maintained(purchase: Purchase, day: date) -> bool:
    """Whether newer versions are included on that day; its last day counts. Not where no end is recorded."""
    return purchase.maintenance_until is not None and day <= purchase.maintenance_until


def whole(quantity: Decimal) -> int:
    """Units that people or devices can use: half a unit covers nobody."""
    return max(0, int(quantity.to_integral_value(ROUND_FLOOR)))


def _total(purchases: Iterable[Purchase]) -> int | None:
    """Unlimited as soon as one of them is."""
    quantities = [purchase.quantity for purchase in purchases]
    known = [quantity for quantity in quantities if quantity is not None]
    return whole(sum(known, Decimal(0))) if len(known) == len(quantities) else None


#: More than any company has people.
BOUNDLESS = 10**12


def _second_use(purchases: Iterable[Purchase]) -> int:
    having = [purchase for purchase in purchases if Right.SECOND_USE in purchase.rights]
    total = _total(having)
    return BOUNDLESS if total is None else total


def label(use: Parts, offered: Iterable[Supply]) -> Parts:
    """Under which version a use is listed: the closest licence of its own version, else as exactly as licences are.

    () when no licence in force names a version: versions play no part then.
    """
    lengths = [len(supply.version) for supply in offered if supply.version]
    if not lengths or not use:
        return ()
    own = [supply.version for supply in offered if supply.version and supply.fit(use) is Fit.OWN]
    return max(own, key=len) if own else (use + (0,) * max(lengths))[: max(lengths)]
