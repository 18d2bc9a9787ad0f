"""What refusals of assignLicense and the sign-in activity of Graph mean. Messages are no contract: codes come first.

The words are hints, matched loosely; what they do not settle is decided by reading the state again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from integrations import graph_types as g

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

#: Said of a removal whose seat is gone, while reads still show it.
NOT_THERE = "does not have a corresponding license"


@dataclass(frozen=True)
class LastLook:
    """Licences just before a removal, and the latest sign-in: None when there is none, or when it is kept from us."""

    licences: g.UserLicences
    signed_in_at: datetime | None


def known_refusal(
    code: str, message: str
) -> g.NoSeatsLeft | g.NoUsageLocation | g.DependencyMissing | g.ConflictingPlans | g.PlanUnknown | None:
    """The refusal this answer names by its code or its words; None when neither says enough."""
    hint = message.lower()
    ids = tuple(part.lower() for part in _ID.findall(message))
    if code == "CountViolation" or "does not have any available licenses" in hint:
        return g.NoSeatsLeft()
    if code == "ProhibitedInUsageLocationViolation":
        return g.NoUsageLocation(prohibited=True)
    if "usage location" in hint:
        return g.NoUsageLocation()
    if code == "DependencyViolation" or "depends on the service plan" in hint:
        return g.DependencyMissing(ids[1:])
    if code == "MutuallyExclusiveViolation" or "mutually exclusive" in hint or "conflicts with service plan" in hint:
        return g.ConflictingPlans(ids)
    if "service plan" in hint and "does not belong to subscription" in hint:
        return g.PlanUnknown(ids[:1])
    return None


def signed_in_at(activity: object) -> datetime | None:
    """The latest successful sign-in; where that was never kept, the latest attempt of either kind."""
    if not isinstance(activity, dict):
        return None
    successful = g.moment(activity.get("lastSuccessfulSignInDateTime"))
    tried = (g.moment(activity.get(name)) for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime"))
    return successful or max((one for one in tried if one is not None), default=None)
