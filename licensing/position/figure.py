"""A position as it leaves the computation: the figures, how each came about, and the shape of exports (rules §1)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from licensing.money import Sums
from licensing.position.facts import Metric, Source


class LineKind(enum.StrEnum):
    """What a line of the sum is."""

    BOUGHT = "bought"
    VENDOR = "vendor"  # the vendor's figure where nothing is registered
    IN_USE = "in_use"  # gross
    SUITE = "suite"
    SECOND_USE = "second_use"
    SITE = "site"  # at the named sites
    FREE = "free"
    SHORT = "short"
    EXCLUDED = "excluded"  # said beside the sum, not part of it: they are not in the gross count


#: What a line does to the free units: bought − in use + part of suites + second use + at the sites = free − short.
SIGNS: Mapping[LineKind, int] = {
    LineKind.BOUGHT: 1,
    LineKind.VENDOR: 1,
    LineKind.IN_USE: -1,
    LineKind.SUITE: 1,
    LineKind.SECOND_USE: 1,
    LineKind.SITE: 1,
    LineKind.FREE: -1,
    LineKind.SHORT: 1,
    LineKind.EXCLUDED: 0,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sum, to be shown and opened. `amount` None is not known, or bought without limit."""

    label: str
    amount: Decimal | None
    kind: LineKind
    purchase: int | None = None


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version apart: what is bought of it, used, spare and short. `version` "" is any, or one nobody reported."""

    version: str
    entitled: Decimal | None
    consumed: Decimal
    surplus: Decimal
    shortfall: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """Entitled against consumed for one product and metric at the end of one day.

    `entitled` None: unlimited where `unlimited`, else not known. `consumed`, `surplus`, `shortfall` None: not known.
    `at_risk` and `wasted` are exact, a year for the latter; their `unknown` counts units whose price is not known.
    `at_risk` None: the shortfall itself is not known. `undecided` might come on top of `consumed`.
    """

    product: str
    metric: Metric
    at: date
    known_at: datetime
    entitled: Decimal | None
    consumed: Decimal | None
    surplus: Decimal | None
    shortfall: Decimal | None
    at_risk: Sums | None
    wasted: Sums
    unlimited: bool = False
    at_least: bool = False
    undecided: int = 0
    shelfware: Decimal = Decimal(0)
    not_proven: Decimal = Decimal(0)
    stale: int = 0
    sources: tuple[Source, ...] = ()
    reasons: tuple[str, ...] = ()
    versions: tuple[VersionLine, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def free(self) -> Decimal | None:
        """Surplus less shortfall, of one version or all: what moves when something changes. None when not known."""
        if self.surplus is None or self.shortfall is None:
            return None
        return self.surplus - self.shortfall

    @property
    def unpriced(self) -> bool:
        """Units are short and nothing says what they cost."""
        return self.at_risk is not None and self.at_risk.unknown > 0


def number(value: Decimal | None) -> int | float | None:
    """A count as exports carry it: whole where it is whole, else to four decimals."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(round(value, 4))


def shown(value: Decimal) -> str:
    """A count as people read it: "1,200", "33.3333"."""
    whole = value == value.to_integral_value()
    return f"{int(value):,}" if whole else f"{round(value, 4):,}".rstrip("0").rstrip(".")


def money(sums: Sums | None) -> dict[str, str] | None:
    """{"EUR": "0.00"}; None when no price is known of something that has one: the reasons say why."""
    if sums is None or (sums.unknown and not sums.totals):
        return None
    return sums.rounded()


def to_json(position: Position) -> dict[str, object]:
    """The shape of rules §1. What is not known is null, and `reasons` says why."""
    return {
        "product": position.product,
        "metric": str(position.metric),
        "at": position.at.isoformat(),
        "known_at": position.known_at.isoformat(),
        "entitled": number(position.entitled),
        "consumed": number(position.consumed),
        "at_least": position.at_least,
        "undecided": position.undecided,
        "surplus": number(position.surplus),
        "shortfall": number(position.shortfall),
        "at_risk": money(position.at_risk),
        "wasted": money(position.wasted),
        "shelfware": number(position.shelfware),
        "not_proven": number(position.not_proven),
        "stale": position.stale,
        "sources": [
            {"name": source.name, "at": source.at.isoformat() if source.at else None} for source in position.sources
        ],
        "reasons": list(position.reasons),
    }


def sum_in_words(position: Position) -> str:
    """ "40 bought − 45 in use + 5 part of Microsoft 365 E5 = 0 free"; what is not known is said."""
    if not position.lines:
        return "not known"
    parts: list[str] = []
    result = [line for line in position.lines if line.kind in (LineKind.FREE, LineKind.SHORT)]
    for line in position.lines:
        sign = SIGNS[line.kind]
        if line in result or not sign:
            continue
        if sign < 0 and not parts:
            parts.append("0 bought")
        joint = ("+ " if sign > 0 else "− ") if parts else ""
        amount = "not known" if line.amount is None else shown(line.amount)
        if line.amount is None and line.kind is LineKind.BOUGHT and position.unlimited:
            amount = "unlimited"
        parts.append(f"{joint}{amount} {line.label}")
    ends = [f"{shown(line.amount)} {line.label}" for line in result if line.amount is not None]
    total = " and ".join(ends) or ("no limit" if position.unlimited else "not known")
    return f"{' '.join(parts)} = {total}"
