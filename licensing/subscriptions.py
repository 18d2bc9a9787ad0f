"""A SKU's units at Microsoft against the subscriptions behind them: what is free, what is over, and what ends when.

Free is enabled minus consumed minus reserved, and is never clamped: a tenant may use more than it has. Units in their
grace period (warning) are told apart, because whether they can still be given is not said anywhere. A date is a term's
end only while a subscription is Enabled; of any other it is when its state changes next. Sources: Microsoft's reference
of subscribedSku and companySubscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from licensing.words import day, plural


@dataclass(frozen=True)
class Units:
    """A SKU as Microsoft counts it; `gone`: it is no longer listed."""

    enabled: int
    consumed: int
    warning: int = 0
    suspended: int = 0
    locked_out: int = 0
    status: str = "Enabled"
    gone: bool = False


@dataclass(frozen=True)
class Purchase:
    """One subscription; `next_change_on` may be unknown."""

    units: int
    status: str
    next_change_on: date | None
    trial: bool = False


@dataclass(frozen=True)
class Standing:
    """`free` may be negative; `over` is how many seats no enabled unit covers; `words` say what is not in order."""

    free: int
    over: int
    words: tuple[str, ...]

    @property
    def compliant(self) -> bool:
        return self.over == 0


def standing(units: Units, purchases: Sequence[Purchase] = (), reserved: int = 0) -> Standing:
    """How a SKU stands; `reserved` are units promised by approvals and not yet given."""
    over = max(0, units.consumed - units.enabled)
    return Standing(
        free=units.enabled - units.consumed - reserved,
        over=over,
        words=(*_of_units(units, over), *_of_purchases(units, purchases)),
    )


def _of_units(units: Units, over: int) -> list[str]:
    said = []
    if units.gone:
        said.append("Microsoft no longer lists this SKU; the figures are the last it gave")
    elif units.status not in ("", "Enabled"):
        said.append(f"Microsoft calls this SKU {_state(units.status)}")
    if over > units.warning:
        said.append(
            f"{plural(over - units.warning, 'seat')} more in use than is bought: Microsoft gives no more until some "
            "are freed or bought"
        )
    if over and units.warning:
        covered = min(over, units.warning)
        said.append(f"{plural(covered, 'seat')} covered only by units in their grace period")
    elif units.warning:
        said.append(f"{plural(units.warning, 'unit')} past their term, in Microsoft's grace period")
    if units.suspended:
        said.append(f"{plural(units.suspended, 'unit')} suspended: they cannot be given")
    if units.locked_out:
        said.append(f"{plural(units.locked_out, 'unit')} cancelled by the company")
    return said


def _of_purchases(units: Units, purchases: Sequence[Purchase]) -> list[str]:
    said = []
    live = [one for one in purchases if one.status == "Enabled"]
    bought = sum(one.units for one in live)
    if purchases and bought != units.enabled:
        said.append(
            f"subscriptions add up to {plural(bought, 'unit')}, the SKU counts {units.enabled:,}: ask Microsoft or the "
            "reseller which is right"
        )
    ends = [one.next_change_on for one in live if one.next_change_on is not None]
    if ends:
        first = min(ends)
        ending = sum(one.units for one in live if one.next_change_on == first)
        said.append(f"the term of {plural(ending, 'unit')} ends on {day(first)} unless renewed")
    elif live:
        said.append("Microsoft states no end of the term")
    for one in purchases:
        if one.status not in ("Enabled", "Deleted") and one.units:
            when = f"; its state changes next on {day(one.next_change_on)}" if one.next_change_on else ""
            said.append(f"a subscription of {plural(one.units, 'unit')} is {_state(one.status)}{when}")
    if trial := sum(one.units for one in live if one.trial):
        said.append(f"{plural(trial, 'unit')} on trial")
    return said


def _state(status: str) -> str:
    return {"Warning": "past its term", "LockedOut": "cancelled"}.get(status, status.lower())
