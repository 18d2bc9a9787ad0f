"""What Microsoft Graph tells us, as plain values: ids lower-cased, "never" in all its forms as None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Facts = Mapping[str, Any]
#: States of an assignment that gives a seat.
_HOLDING = ("Active", "ActiveWithError")


@dataclass(frozen=True)
class ServicePlan:
    plan_id: str
    name: str
    applies_to: str


@dataclass(frozen=True)
class SubscribedSku:
    """A SKU the tenant holds. Free seats are `enabled - consumed`, which may be negative; warning units are apart."""

    sku_id: str
    part_number: str
    enabled: int
    consumed: int
    warning: int
    suspended: int
    locked_out: int
    applies_to: str
    status: str
    plans: tuple[ServicePlan, ...]
    subscription_ids: tuple[str, ...] = ()

    @property
    def free(self) -> int:
        return self.enabled - self.consumed


@dataclass(frozen=True)
class LicenceState:
    """One path by which a person holds a SKU; `group_id` None means assigned directly, `error` None means well."""

    sku_id: str
    group_id: str | None
    state: str
    error: str | None
    disabled_plans: tuple[str, ...]
    updated_at: str = ""  # as Graph words it; another value is another assignment


@dataclass(frozen=True)
class UserLicences:
    """All paths of one person, in one read. A SKU in `assigned` without a state is not to be touched (Graph bug)."""

    user_id: str
    usage_location: str | None
    states: tuple[LicenceState, ...]
    assigned: frozenset[str]

    def by(self, sku_id: str, group_id: str | None) -> LicenceState | None:
        """The assignment of this path that holds a seat, if any; None: the direct one."""
        return next((s for s in self._holding(sku_id) if s.group_id == group_id), None)

    def direct(self, sku_id: str) -> LicenceState | None:
        """The direct assignment that holds a seat, if any."""
        return self.by(sku_id, None)

    def groups(self, sku_id: str) -> tuple[str, ...]:
        """The groups that give this SKU to the person."""
        return tuple(s.group_id for s in self._holding(sku_id) if s.group_id is not None)

    def holds(self, sku_id: str) -> bool:
        return sku_id.lower() in self.assigned or bool(self._holding(sku_id))

    def unexplained(self, sku_id: str) -> bool:
        """Held, but by no path that Graph names."""
        wanted = sku_id.lower()
        return wanted in self.assigned and not any(s.sku_id == wanted for s in self.states)

    def failing(self, sku_id: str) -> str | None:
        """The error word of a path that gives no seat, for example CountViolation."""
        wanted = sku_id.lower()
        return next((s.error or s.state for s in self.states if s.sku_id == wanted and s.state == "Error"), None)

    def switched_off(self) -> dict[str, frozenset[str]]:
        """Each SKU that is held, with the service plans that are off in it by every path."""
        found: dict[str, frozenset[str]] = {}
        for one in self.states:
            if one.state in _HOLDING:
                off = frozenset(one.disabled_plans)
                found[one.sku_id] = found.get(one.sku_id, off) & off
        return found

    def _holding(self, sku_id: str) -> list[LicenceState]:
        wanted = sku_id.lower()
        return [s for s in self.states if s.sku_id == wanted and s.state in _HOLDING]


@dataclass(frozen=True)
class SignIn:
    """Times of the last sign-ins of one person, None for never (or for "not recorded": nothing before 2023-12-01).

    Only `success` is proof of use: the other two are attempts, and a password guessed wrong refreshes them.
    """

    success: datetime | None
    interactive: datetime | None
    non_interactive: datetime | None


@dataclass(frozen=True)
class DirectoryUser:
    """A person as the directory knows them; key on `id`, for names and addresses change."""

    id: str
    user_principal_name: str
    mail: str | None
    display_name: str
    enabled: bool | None
    user_type: str | None
    department: str | None
    job_title: str | None
    company: str | None
    country: str | None
    usage_location: str | None
    employee_type: str | None
    hired_at: datetime | None
    created_at: datetime | None
    synced: bool
    manager_id: str | None
    licences: UserLicences
    sign_in: SignIn | None = None  # None: not asked for


@dataclass(frozen=True)
class GroupLicence:
    sku_id: str
    disabled_plans: tuple[str, ...]


@dataclass(frozen=True)
class GroupFacts:
    """What decides whether a group may be used to give seats."""

    id: str
    name: str
    dynamic: bool
    synced: bool
    role_assignable: bool
    licences: tuple[GroupLicence, ...]


@dataclass(frozen=True)
class Subscription:
    """A purchase as Microsoft states it. `next_lifecycle_at` is a term end only while `status` is Enabled."""

    id: str
    sku_id: str
    part_number: str
    status: str
    total: int
    is_trial: bool
    next_lifecycle_at: datetime | None
    created_at: datetime | None


# -- answers to a grant ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assigned:
    """Graph took the assignment; reads may lag, so look again before telling anybody it is done."""

    sku_id: str


@dataclass(frozen=True)
class AlreadyHeld:
    """The person has this SKU: directly, or by these groups."""

    direct: bool
    group_ids: tuple[str, ...]


@dataclass(frozen=True)
class NoSeatsLeft:
    """All enabled units are consumed."""


@dataclass(frozen=True)
class NoUsageLocation:
    """The person has no country set in the directory, or one where the product may not be used."""

    prohibited: bool = False


@dataclass(frozen=True)
class DependencyMissing:
    """The SKU needs another one that the person does not hold."""

    plan_ids: tuple[str, ...]


@dataclass(frozen=True)
class ConflictingPlans:
    """The SKU excludes one the person already holds."""

    plan_ids: tuple[str, ...]


@dataclass(frozen=True)
class PlanUnknown:
    """A service plan to switch off is not part of the SKU (any more)."""

    plan_ids: tuple[str, ...]


@dataclass(frozen=True)
class NotAssignable:
    """A SKU for the whole company, or not for people at all."""


NotAssigning = NoSeatsLeft | NoUsageLocation | DependencyMissing | ConflictingPlans | PlanUnknown | NotAssignable
AssignOutcome = Assigned | AlreadyHeld | NotAssigning


@dataclass(frozen=True)
class SeatRemoved:
    """Taken back. `disabled_plans` is the exact prior state, for an undo.

    `frees_unit` is False when a group gives the same SKU too: then the person keeps it and no seat comes free.
    """

    sku_id: str
    disabled_plans: tuple[str, ...]
    frees_unit: bool


@dataclass(frozen=True)
class NotAssigned:
    """The person does not have it."""


@dataclass(frozen=True)
class InheritedFromGroup:
    """Only these groups give it; nothing was done."""

    group_ids: tuple[str, ...]


RemoveOutcome = SeatRemoved | NotAssigned | InheritedFromGroup | DependencyMissing


@dataclass(frozen=True)
class Swapped:
    """One SKU given and the other taken in one call; look again, since reads may lag."""

    sku_id: str


SwapOutcome = Swapped | NotAssigned | InheritedFromGroup | NotAssigning


@dataclass(frozen=True)
class MemberAdded:
    """In the group; the seat is there when licence states say Active, not before."""


@dataclass(frozen=True)
class AlreadyMember:
    """Was in the group before."""


@dataclass(frozen=True)
class MemberRemoved:
    """Out of the group."""


@dataclass(frozen=True)
class NotMember:
    """Was not in the group."""


# -- parsing -----------------------------------------------------------------------------------------------------------


def moment(value: object) -> datetime | None:
    """A Graph time; null, "", absent and year 1 all mean never."""
    if not isinstance(value, str) or not value or value.startswith("0001-"):
        return None
    text = value.replace("Z", "+00:00")
    if "." in text:  # seven digits of a second; Python takes six
        head, tail = text.split(".", 1)
        digits = "".join(ch for ch in tail if ch.isdigit() or ch in "+-:")
        offset = digits.find("+") if "+" in digits else digits.find("-")
        text = head + (digits[offset:] if offset != -1 else "")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _plans(values: object) -> tuple[str, ...]:
    return tuple(str(value).lower() for value in values) if isinstance(values, list) else ()


def sku(facts: Facts) -> SubscribedSku:
    units: Facts = facts.get("prepaidUnits") or {}
    return SubscribedSku(
        sku_id=str(facts["skuId"]).lower(),
        part_number=str(facts.get("skuPartNumber") or ""),
        enabled=int(units.get("enabled") or 0),
        consumed=int(facts.get("consumedUnits") or 0),
        warning=int(units.get("warning") or 0),
        suspended=int(units.get("suspended") or 0),
        locked_out=int(units.get("lockedOut") or 0),
        applies_to=str(facts.get("appliesTo") or ""),
        status=str(facts.get("capabilityStatus") or ""),
        plans=tuple(
            ServicePlan(
                str(plan["servicePlanId"]).lower(),
                str(plan.get("servicePlanName") or ""),
                str(plan.get("appliesTo") or ""),
            )
            for plan in facts.get("servicePlans") or []
        ),
        subscription_ids=tuple(str(value) for value in facts.get("subscriptionIds") or []),
    )


def licences(facts: Facts) -> UserLicences:
    states = []
    for entry in facts.get("licenseAssignmentStates") or []:
        error = entry.get("error")
        group = entry.get("assignedByGroup")
        states.append(
            LicenceState(
                sku_id=str(entry["skuId"]).lower(),
                group_id=str(group).lower() if group else None,
                state=str(entry.get("state") or ""),
                error=None if error in (None, "", "None") else str(error),  # both forms of "no error" are seen
                disabled_plans=_plans(entry.get("disabledPlans")),
                updated_at=str(entry.get("lastUpdatedDateTime") or ""),
            )
        )
    return UserLicences(
        user_id=str(facts["id"]).lower(),
        usage_location=text_or_none(facts.get("usageLocation")),
        states=tuple(states),
        assigned=frozenset(str(entry["skuId"]).lower() for entry in facts.get("assignedLicenses") or []),
    )


def sign_in(facts: Facts) -> SignIn:
    """signInActivity, which is absent for who never signed in."""
    activity: Facts = facts.get("signInActivity") or {}
    return SignIn(
        success=moment(activity.get("lastSuccessfulSignInDateTime")),
        interactive=moment(activity.get("lastSignInDateTime")),
        non_interactive=moment(activity.get("lastNonInteractiveSignInDateTime")),
    )


def user(facts: Facts, manager_id: str | None, *, with_sign_in: bool = False) -> DirectoryUser:
    return DirectoryUser(
        id=str(facts["id"]).lower(),
        user_principal_name=str(facts.get("userPrincipalName") or ""),
        mail=text_or_none(facts.get("mail")),
        display_name=str(facts.get("displayName") or ""),
        enabled=facts.get("accountEnabled"),
        user_type=text_or_none(facts.get("userType")),
        department=text_or_none(facts.get("department")),
        job_title=text_or_none(facts.get("jobTitle")),
        company=text_or_none(facts.get("companyName")),
        country=text_or_none(facts.get("country")),
        usage_location=text_or_none(facts.get("usageLocation")),
        employee_type=text_or_none(facts.get("employeeType")),
        hired_at=moment(facts.get("employeeHireDate")),
        created_at=moment(facts.get("createdDateTime")),
        synced=bool(facts.get("onPremisesSyncEnabled")),
        manager_id=manager_id,
        licences=licences(facts),
        sign_in=sign_in(facts) if with_sign_in else None,
    )


def group(facts: Facts) -> GroupFacts:
    return GroupFacts(
        id=str(facts["id"]).lower(),
        name=str(facts.get("displayName") or ""),
        dynamic="DynamicMembership" in (facts.get("groupTypes") or []),
        synced=bool(facts.get("onPremisesSyncEnabled")),
        role_assignable=bool(facts.get("isAssignableToRole")),
        licences=tuple(
            GroupLicence(str(entry["skuId"]).lower(), _plans(entry.get("disabledPlans")))
            for entry in facts.get("assignedLicenses") or []
        ),
    )


def subscription(facts: Facts) -> Subscription:
    return Subscription(
        id=str(facts["id"]).lower(),
        sku_id=str(facts.get("skuId") or "").lower(),
        part_number=str(facts.get("skuPartNumber") or ""),
        status=str(facts.get("status") or ""),
        total=int(facts.get("totalLicenses") or 0),
        is_trial=bool(facts.get("isTrial")),
        next_lifecycle_at=moment(facts.get("nextLifecycleDateTime")),
        created_at=moment(facts.get("createdDateTime")),
    )
