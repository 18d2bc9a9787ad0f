"""The notice to a vendor as a draft: which contract, what changes from when, and by when it has to be there.

A draft is no notice: a person reads it, sends it, and proves that it was sent. Nothing in it is guessed; what is not on
record stands in square brackets for that person to fill in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from licensing.words import day, joined, plural

BLANK_NUMBER = "[contract number]"


@dataclass(frozen=True, slots=True)
class Item:
    """Units of one product, before and after; None: no number is agreed or known."""

    product: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a notice says. `verdict` is renew, reduce, renegotiate or cancel; `statement` a true-up or its report."""

    verdict: str
    vendor: str
    number: str
    ends_on: date
    items: Sequence[Item]
    next_term: tuple[date, date] | None = None
    be_there_by: date | None = None  # None: no last day is on record
    not_before: date | None = None
    asked_for: str = ""
    sender: str = ""
    statement: bool = False

    @property
    def subject(self) -> str:
        """The line above it."""
        what = {"reduce": "Fewer units", "cancel": "Notice of cancellation", "renegotiate": "New terms"}
        head = "True-up" if self.statement else what.get(self.verdict, "Renewal")
        return f"{head}: contract {self.number or BLANK_NUMBER}"

    @property
    def text(self) -> str:
        """The whole letter."""
        parts = [f"To {self.vendor}", self.subject, self._says()]
        if self.items and self.verdict not in ("cancel",) and not self.statement:
            parts.append("\n".join(self._line(one) for one in self.items))
        if self.be_there_by is not None:
            since = f" It is sent after {day(self.not_before)}, when your window opens." if self.not_before else ""
            parts.append(f"This has to be with you by {day(self.be_there_by)}.{since}")
        parts.append(
            f"Please confirm in writing that you have it, naming contract {self.number or BLANK_NUMBER}"
            f"{self._to_confirm()}."
        )
        parts.append(self.sender or "[name]")
        return "\n\n".join(parts)

    def _says(self) -> str:
        contract = f"contract {self.number or BLANK_NUMBER}"
        names = joined([one.product for one in self.items]) or "what it holds"
        if self.statement:
            units = "; ".join(f"{one.product}: {_units(one.after)}" for one in self.items)
            return f"For the period to {day(self.ends_on)} of {contract} we report: {units or '[units]'}."
        match self.verdict:
            case "cancel":
                return f"We cancel {contract} ({names}). It ends on {day(self.ends_on)} and is not to be renewed."
            case "reduce":
                return f"We renew {contract} with fewer units. Until {day(self.ends_on)} nothing changes."
            case "renegotiate":
                asked = f": {self.asked_for.strip().rstrip('.')}" if self.asked_for.strip() else ""
                return (
                    f"Before {contract} renews after {day(self.ends_on)} we ask for other terms{asked}. "
                    "This is no cancellation."
                )
            case _:
                return f"We renew {contract} as it is after {day(self.ends_on)}."

    def _line(self, one: Item) -> str:
        term = f" from {day(self.next_term[0])} to {day(self.next_term[1])}" if self.next_term is not None else ""
        changed = f" (until then {one.before:,})" if one.before is not None and one.before != one.after else ""
        return f"{one.product}: {_units(one.after)}{term}{changed}."

    def _to_confirm(self) -> str:
        if self.verdict == "cancel":
            return f" and its last day, {day(self.ends_on)}"
        return ", the number of units and the day from which it holds" if self.verdict == "reduce" else ""


def _units(count: int | None) -> str:
    return "[number] units" if count is None else plural(count, "unit")
