"""What two policies make of the same causes of red alerts, side by side. Pure: values in, differences in words out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from licensing.alerts import Cause, KeySeen, Limits, Standing, wanted, wanted_of_key
from licensing.words import plural


@dataclass(frozen=True, slots=True)
class Stance:
    """What a policy says of alerts: which causes, who is asked without a press, which open a ticket by themselves."""

    limits: Limits = field(default_factory=Limits)
    asks: frozenset[Cause] = frozenset()
    people_at_most: int = 20
    tickets: frozenset[Cause] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy makes of one cause. `cause` None: no alert. `key` names the alert, "" without one."""

    cause: Cause | None = None
    asks: int = 0  # people asked by itself
    ticket: bool = False
    key: str = ""

    def __str__(self) -> str:
        if self.cause is None:
            return "no alert"
        asks = plural(self.asks, "person", "people") if self.asks else "nobody"
        ticket = "opens a ticket" if self.ticket else "no ticket"
        return f"alert as {words(self.cause)}, asks {asks} by itself, {ticket}"


def words(cause: Cause) -> str:
    """ "near limit"."""
    return cause.value.replace("_", " ")


def of(seen: Standing | KeySeen, people: int, stance: Stance) -> Outcome:
    """What a policy makes of a standing, whose banned and restricted words are that policy's, or of a key."""
    found = wanted_of_key(seen, stance.limits) if isinstance(seen, KeySeen) else wanted(seen, stance.limits)
    return Outcome() if found is None else raised(found.cause, found.key, people, stance)


def raised(cause: Cause, key: str, people: int, stance: Stance) -> Outcome:
    """An alert with what follows from it at once."""
    asks = people if cause in stance.asks and people <= stance.people_at_most else 0
    return Outcome(cause, asks, cause in stance.tickets, key)


@dataclass
class Tally:
    """One cause in numbers: alerts under the policy in force, and what is more and less under the proposed one."""

    alerts: int = 0
    more: int = 0
    fewer: int = 0
    asks_more: int = 0
    asks_fewer: int = 0
    tickets_more: int = 0
    tickets_fewer: int = 0

    def __str__(self) -> str:
        parts = [
            f"{self.more} more" if self.more else "",
            f"{self.fewer} not raised" if self.fewer else "",
            f"{plural(self.asks_more, 'person', 'people')} more asked" if self.asks_more else "",
            f"{plural(self.asks_fewer, 'person', 'people')} not asked" if self.asks_fewer else "",
            f"{plural(self.tickets_more, 'ticket')} more" if self.tickets_more else "",
            f"{plural(self.tickets_fewer, 'ticket')} not opened" if self.tickets_fewer else "",
        ]
        changes = ", ".join(part for part in parts if part) or "no difference"
        return f"{plural(self.alerts, 'alert')} in force; under the file {changes}"


@dataclass
class Compared:
    """Tallies by cause of any number of pairs."""

    by_cause: dict[Cause, Tally] = field(default_factory=dict)
    looked_at: int = 0
    different: int = 0

    def add(self, then: Outcome, now: Outcome) -> bool:
        """Count one; whether the two differ in anything a person would notice."""
        self.looked_at += 1
        for cause in {one.cause for one in (then, now) if one.cause is not None}:
            tally = self.by_cause.setdefault(cause, Tally())
            before = then if then.cause is cause else Outcome()
            after = now if now.cause is cause else Outcome()
            tally.alerts += before.cause is not None
            tally.more += before.cause is None
            tally.fewer += after.cause is None
            tally.asks_more += max(0, after.asks - before.asks)
            tally.asks_fewer += max(0, before.asks - after.asks)
            tally.tickets_more += after.ticket and not before.ticket
            tally.tickets_fewer += before.ticket and not after.ticket
        differs = (then.cause, then.asks, then.ticket) != (now.cause, now.asks, now.ticket)
        self.different += differs
        return differs

    def lines(self) -> list[str]:
        """A sentence for each cause, in the order of the causes."""
        found: Mapping[Cause, Tally] = self.by_cause
        return [f"{words(cause)}: {found[cause]}" for cause in Cause if cause in found]


def compared(pairs: Iterable[tuple[Outcome, Outcome]]) -> Compared:
    """All pairs counted."""
    made = Compared()
    for then, now in pairs:
        made.add(then, now)
    return made
