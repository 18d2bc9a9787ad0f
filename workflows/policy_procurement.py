"""The part `procurement:` of the policy: what procurement hears of before the cycle, and how invoices are held (§9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated

from workflows.policy_alerts import Quiet
from workflows.policy_fields import Amount, Between, Currency, Key, Part, RuleNumber, Words

Path = tuple[str | int, ...]


class FreeSeats(Part):
    """Few free seats: both the share and the count must be small, of at least `from_bought`."""

    per_cent: Annotated[int, Between(0, 50)] = 10
    count: Annotated[int, Between(0, 1000)] = 5
    from_bought: Annotated[int, Between(1, 100_000)] = 10


class PriceRise(Part):
    """A unit that costs more than before: by the share, and by the sum a year for all units where one is named."""

    per_cent: Annotated[int, Between(0, 100)] = 5
    a_year: Mapping[Currency, Amount] = {}

    def least(self, currency: str) -> Decimal:
        """Below this a year nothing is said."""
        return self.a_year.get(currency, Decimal(0))


class Overlap(Part):
    """Products that do the same job; `categories` are those of the register in which one is enough."""

    categories: tuple[Words, ...] = ()
    never: tuple[tuple[Key, Key], ...] = ()  # pairs that are meant to be
    people_at_least: Annotated[int, Between(0, 100_000)] = 1  # who hold both


class Procurement(Part):
    """What is watched for procurement. `teams` names a department's own channel; the rest goes to `procurement`'s."""

    rule: RuleNumber = 60
    free_seats: FreeSeats = FreeSeats()
    price_rise: PriceRise = PriceRise()
    trial_days: Annotated[int, Between(1, 180)] = 30  # before a trial turns paid
    ending_days: Annotated[int, Between(1, 365)] = 60  # before a purchase ends that no contract renews
    overlap: Overlap = Overlap()
    quiet_hours: Quiet | None = None
    teams: Mapping[Words, Words] = {}  # department -> channel
    departments: Mapping[Words, tuple[Words, ...]] = {}  # department -> its cost centres
    reconcile_before_days: Annotated[int, Between(0, 365)] = 60  # before a renewal's date to decide by
    invoice_grace_days: Annotated[int, Between(0, 365)] = 45  # an invoice may come so long after its days

    def channel_of(self, department: str) -> str:
        """The channel of a department, without regard to case; "" when it has none of its own."""
        wanted = department.casefold()
        return next((channel for name, channel in self.teams.items() if name.casefold() == wanted), "")

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """What each setting allows alone but not together; the path leads to the line to correct."""
        quiet = self.quiet_hours
        if quiet is not None and quiet.starts == quiet.ends:
            yield ("procurement", "quiet_hours", "ends"), "*ends* must be another time than *starts*"
        for index, pair in enumerate(self.overlap.never):
            if pair[0] == pair[1]:
                yield ("procurement", "overlap", "never", index), "*never* must name two different products"
        seen: dict[str, str] = {}
        for name, centres in self.departments.items():
            for centre in centres:
                other = seen.setdefault(centre.casefold(), name)
                if other != name:
                    yield ("procurement", "departments", name), f"*{centre}* belongs to {other} already"
