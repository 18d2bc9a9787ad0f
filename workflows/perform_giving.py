"""What giving and putting back a Microsoft 365 seat share: the wish, and what Microsoft's answers mean in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from integrations import graph_types as g
from integrations.graph import GraphClient
from jobs.worker import JobRun
from model.licences import Granting
from model.session import UnitOfWork

#: How soon a written assignment is looked for again.
LOOK_AGAIN = timedelta(seconds=3)
#: A group may take hours: after the first minute the looks become rare.
LOOKS_SOON = 20
LOOK_LATER = timedelta(minutes=1)
#: Until this long after a write, a read that does not show it is taken for an old one.
READS_LAG = timedelta(minutes=2)


class Blocked(Exception):
    """A person must change something in Microsoft 365; the message says what."""


@dataclass(frozen=True)
class Wish:
    """One seat to give: who, what and how."""

    line_id: int
    user_id: str
    sku_id: str
    way: Granting
    group_id: str | None
    name: str
    disabled_plans: tuple[str, ...] = ()  # of a seat that was needed back

    @property
    def path(self) -> str:
        return f"group:{self.group_id}" if self.way is Granting.GRAPH_GROUP else "direct"


def give_by_group(client: GraphClient, wish: Wish, held: g.UserLicences) -> bool | None:
    """True: there. False: on its way. None: no unit is left. Raises Blocked, or Refused for an unusable group."""
    assert wish.group_id is not None  # noqa: S101  checked when the wish was read
    failing = held.failing(wish.sku_id)
    if failing == "CountViolation":
        # else the next free unit goes past our queue
        client.remove_from_group(wish.group_id, wish.user_id, wish.sku_id)
        return None
    if failing is not None:
        raise Blocked(f"The group gives {wish.name} no seat: Microsoft 365 says {failing}.")
    client.add_to_group(wish.group_id, wish.user_id, wish.sku_id)
    return False


def answered(outcome: g.AssignOutcome, wish: Wish) -> bool | None:
    """As `give_by_group`, of an assignment to the person."""
    match outcome:
        case g.Assigned():
            return False
        case g.AlreadyHeld():
            return True
        case g.NoSeatsLeft():
            return None
        case g.NoUsageLocation(prohibited=True):
            raise Blocked(f"Microsoft does not allow this product in the country set for {wish.name}.")
        case g.NoUsageLocation():
            raise Blocked(f"Microsoft 365 has no usage location for {wish.name}. Set it, then try again.")
        case g.DependencyMissing():
            raise Blocked(f"The product needs another Microsoft licence that {wish.name} does not have.")
        case g.ConflictingPlans():
            raise Blocked(f"The product excludes a Microsoft licence that {wish.name} has.")
        case g.PlanUnknown():
            raise Blocked("A service that was switched off before is not part of the product any more.")
        case g.NotAssignable():
            raise Blocked("Microsoft 365 gives this product to the whole company, not to single people.")


def ways(held: g.UserLicences, sku_id: str) -> tuple[str, ...]:
    """The paths by which a person holds a SKU, as our books name them."""
    direct = ("direct",) if held.direct(sku_id) is not None else ()
    return (*direct, *(f"group:{group_id}" for group_id in held.groups(sku_id)))


def look_again(run: JobRun) -> datetime:
    """When the next look is due; a slow group must not use up what the tenant lets us ask."""
    return run.now() + (LOOK_AGAIN if run.attempt < LOOKS_SOON else LOOK_LATER)


def unit(work: Any) -> UnitOfWork:
    """Jobs know a unit of work by its protocol; here it is always the model's own."""
    assert isinstance(work, UnitOfWork)  # noqa: S101
    return work
