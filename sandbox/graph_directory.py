"""The stand-in's tenant: SKUs, people, groups and who holds what, kept in the journaled store.

A seat is a row in a person's `licences`, one per assignment path. What Graph shows (`assignedLicenses`,
`consumedUnits`) is derived from these rows, as it is there. Old versions of what a call changed are remembered for a
while, so that reads can lag behind writes the way the real directory's replicas do.
"""

from __future__ import annotations

import copy
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import flask

from sandbox import graph_activity, graph_skus
from sandbox.clock import SandboxClock
from sandbox.store import Document, Store

USER, SKU, GROUP, PENDING, SUBSCRIPTION, DELETED = (
    f"graph.{kind}" for kind in ("user", "sku", "group", "pending", "subscription", "deleted")
)
_NAMESPACE = uuid.UUID("5ea7c0de-0000-4000-8000-000000000365")
_KEPT_VERSIONS = 16


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def stable_id(text: str) -> str:
    """The same GUID for the same text, so that a demo keeps its addresses over restarts."""
    return str(uuid.uuid5(_NAMESPACE, text.lower()))


class Directory:
    """State and seeding. Keys are lower-cased GUIDs; `group_delay` is how long group licensing takes to act.

    `change` numbers what delta queries report; it resumes from the highest number stored.
    """

    def __init__(self, store: Store, clock: SandboxClock, *, group_delay: timedelta = timedelta(seconds=5)) -> None:
        self.store, self.clock, self.group_delay = store, clock, group_delay
        self._by_name: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._holders: dict[str, set[str]] = {}
        self._held: dict[str, frozenset[str]] = {}
        self._past: dict[tuple[str, str], deque[tuple[datetime, Document | None]]] = {}
        self._past_counts: dict[str, deque[tuple[datetime, int]]] = {}
        with store.lock:
            for key in store.keys(USER):
                self._index(key)
            stamped = (store.get(kind, key) for kind in (USER, DELETED) for key in store.keys(kind))
            self.change = max((int(document["change"]) for document in stamped if document), default=0)
            store.watch(lambda kind, key: self._index(key) if kind == USER else None)

    # -- reading ---------------------------------------------------------------------------------------------------

    def seen(self, kind: str, key: str, as_of: datetime | None = None) -> Document | None:
        """The document, or what it was at `as_of`."""
        with self.store.lock:
            found = self.store.get(kind, key)
            if as_of is not None:
                past = self._past.get((kind, key), ())
                found = next((copy.deepcopy(before) for changed_at, before in past if changed_at > as_of), found)
        return found if found is None or kind != USER else graph_activity.as_of(found, self.clock.now())

    def user_key(self, name: str) -> str | None:
        """The key of the person with this object id or user principal name."""
        with self.store.lock:
            lowered = name.lower()
            if self.store.get(USER, lowered) is not None:
                return lowered
            return self._by_name.get(lowered)

    def user_keys(self) -> list[str]:
        return list(self.store.keys(USER))

    def consumed(self, sku: str, as_of: datetime | None = None) -> int:
        """People with a working seat by any path, each counted once, plus what is consumed outside the seed."""
        with self.store.lock:
            document = self.store.get(SKU, sku) or {}
            count = len(self._holders.get(sku, ()))
            if as_of is not None:
                count = next((before for at, before in self._past_counts.get(sku, ()) if at > as_of), count)
            return count + int(document.get("consumedElsewhere", 0))

    def free(self, sku: str) -> int:
        document = self.store.get(SKU, sku) or {}
        return int(document["prepaid"]["enabled"]) - self.consumed(sku)

    def holds(self, user: str, sku: str) -> bool:
        return sku in self._held.get(user, frozenset())

    def sku_key(self, sku: str) -> str:
        """Accepts a SKU's id in any case or its part number; KeyError when the tenant does not have it."""
        with self.store.lock:
            if self.store.get(SKU, sku.lower()) is not None:
                return sku.lower()
            for document in self.store.all(SKU):
                if document["skuPartNumber"].lower() == sku.lower():
                    return str(document["id"]).lower()
        raise KeyError(f"no SKU {sku} in this tenant")

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, kind: str, document: Document) -> None:
        """Store a changed document; within a call its former version is kept for lagging reads."""
        key = str(document["id"]).lower()
        with self.store.lock:
            before = self.store.get(kind, key)
            self._remember(kind, key, before)
            if kind == USER and (before is None or _tracked(before) != _tracked(document)):
                self.change += 1
                document = document | {"change": self.change}
            self.store.put(kind, key, document)

    def delete_user(self, key: str) -> None:
        """Remove a person from the directory: seats, memberships and reports go with them."""
        with self.store.lock:
            before = self.store.get(USER, key)
            if before is None:
                return
            self._remember(USER, key, before)
            self.change += 1
            left = {"id": before["id"], "displayName": before["properties"]["displayName"], "change": self.change}
            self.store.put(DELETED, key, left)
            self.store.drop(USER, key)
            for group in self.store.all(GROUP):
                if key in group["members"]:
                    group["members"].remove(key)
                    self.write(GROUP, group)

    def _remember(self, kind: str, key: str, before: Document | None) -> None:
        if flask.has_request_context():
            self._past.setdefault((kind, key), deque(maxlen=_KEPT_VERSIONS)).append((self.clock.now(), before))

    def _index(self, key: str) -> None:
        document = self.store.get(USER, key)
        held = frozenset(entry["skuId"].lower() for entry in active_entries(document)) if document else frozenset()
        before = self._held.get(key, frozenset())
        for sku in before ^ held:
            holders = self._holders.setdefault(sku, set())
            if flask.has_request_context():
                past = self._past_counts.setdefault(sku, deque(maxlen=_KEPT_VERSIONS))
                past.append((self.clock.now(), len(holders)))
            (holders.add if sku in held else holders.discard)(key)
        for name in self._names.pop(key, ()):
            self._by_name.pop(name, None)
        if document is None:
            self._held.pop(key, None)
            return
        self._held[key] = held
        name = str(document["properties"]["userPrincipalName"]).lower()
        self._by_name[name] = key
        self._names[key] = {name}

    # -- seeding ---------------------------------------------------------------------------------------------------

    def add_sku(
        self,
        sku: str,
        enabled: int,
        *,
        applies_to: str = "User",
        status: str = "Enabled",
        warning: int = 0,
        suspended: int = 0,
        locked_out: int = 0,
        consumed_elsewhere: int = 0,
        subscriptions: Sequence[dict[str, Any]] = ({},),
        depends: dict[str, list[str]] | None = None,
        conflicts: dict[str, list[str]] | None = None,
    ) -> str:
        """A SKU from Microsoft's table by id or part number (the first of two). Returns its key.

        `subscriptions`: one entry per purchase, with `totalLicenses`, `nextLifecycleDateTime`, `status`, `isTrial` as
        wished. `depends` and `conflicts` name service plans by id. `consumed_elsewhere` makes over-allocation easy.
        """
        known = graph_skus.load().get(sku.lower()) or next(iter(graph_skus.by_part_number(sku)), None)
        if known is None:
            raise KeyError(f"Microsoft's table knows no SKU {sku}")
        purchases = [self._subscription(known, enabled, status, i, more) for i, more in enumerate(subscriptions)]
        self.write(
            SKU,
            {
                "id": known.id,
                "skuPartNumber": known.part_number,
                "name": known.name,
                "appliesTo": applies_to,
                "capabilityStatus": status,
                "prepaid": {"enabled": enabled, "warning": warning, "suspended": suspended, "lockedOut": locked_out},
                "consumedElsewhere": consumed_elsewhere,
                "servicePlans": [
                    {
                        "servicePlanId": plan.id,
                        "servicePlanName": plan.name,
                        "provisioningStatus": "Success",
                        "appliesTo": "User",
                    }
                    for plan in known.plans
                ],
                "subscriptionIds": purchases,
                "depends": depends or {},
                "conflicts": conflicts or {},
            },
        )
        return known.id

    def _subscription(
        self, known: graph_skus.SkuName, enabled: int, status: str, number: int, more: dict[str, Any]
    ) -> str:
        identity = stable_id(f"subscription {known.id} {number}")
        now = self.clock.now()
        self.write(
            SUBSCRIPTION,
            {
                "id": identity,
                "commerceSubscriptionId": stable_id(f"commerce {identity}"),
                "createdDateTime": iso(now - timedelta(days=300)),
                "isTrial": False,
                "nextLifecycleDateTime": iso(now + timedelta(days=65)),
                "status": status,
                "totalLicenses": enabled,
                "skuId": known.id,
                "skuPartNumber": known.part_number,
                "serviceStatus": [],
                "ownerId": None,
                "ownerTenantId": None,
                "ownerType": "User",
            }
            | more,
        )
        return identity

    def add_user(
        self,
        upn: str,
        display_name: str,
        *,
        id: str | None = None,
        sign_in: dict[str, Any] | None = None,
        usage: dict[str, Any] | None = None,
        goes_on: bool = False,
        seats: Sequence[str] = (),
        **properties: Any,
    ) -> str:
        """A person; returns the key. `properties` are Graph's own names (department, usageLocation, mail=None, …).

        `sign_in` becomes signInActivity as given (None: the property is absent). `usage` holds last-activity dates for
        the usage reports by service name (Exchange, OneDrive, SharePoint, Yammer, Teams, …); who `goes_on` uses on what
        they used lately. `seats` are direct ones; given here they cost one write instead of one each, which large
        tenants notice.
        """
        given, _, surname = display_name.partition(" ")
        identity = id or stable_id(upn)
        facts = {
            "id": identity,
            "userPrincipalName": upn,
            "displayName": display_name,
            "givenName": given,
            "surname": surname or None,
            "mail": upn,
            "businessPhones": [],
            "accountEnabled": True,
            "userType": "Member",
            "usageLocation": "DE",
            "createdDateTime": iso(self.clock.now() - timedelta(days=700)),
        } | properties
        self.write(
            USER,
            {
                "id": identity,
                "properties": facts,
                "signInActivity": sign_in,
                "manager": None,
                "licences": [licence_entry(self.sku_key(sku), self.clock.now(), None) for sku in seats],
                "usage": usage or {},
            }
            | ({"goes_on_from": self.clock.now().date().isoformat()} if goes_on else {}),
        )
        return identity.lower()

    def change_user(self, user: str, *, sign_in: dict[str, Any] | None = None, **properties: Any) -> None:
        """Change properties of a person as an administrator would in the portal."""
        document = self._existing(user)
        document["properties"] |= properties
        if sign_in is not None:
            document["signInActivity"] = sign_in
        self.write(USER, document)

    def set_manager(self, user: str, manager: str | None) -> None:
        document = self._existing(user)
        document["manager"] = self._existing(manager)["id"].lower() if manager else None
        self.write(USER, document)

    def add_group(
        self,
        name: str,
        *,
        licences: Iterable[str] = (),
        members: Iterable[str] = (),
        id: str | None = None,
        dynamic: bool = False,
        synced: bool = False,
        role_assignable: bool = False,
    ) -> str:
        """A security group, perhaps one that licenses its members (seeded members hold their seat at once)."""
        identity = id or stable_id(f"group {name}")
        skus = [self.sku_key(sku) for sku in licences]
        keys = [self.user_key(member) or member.lower() for member in members]
        group = {
            "id": identity,
            "displayName": name,
            "description": None,
            "mailEnabled": False,
            "securityEnabled": True,
            "groupTypes": ["DynamicMembership"] if dynamic else [],
            "membershipRule": '(user.department -eq "IT")' if dynamic else None,
            "onPremisesSyncEnabled": True if synced else None,
            "isAssignableToRole": True if role_assignable else None,
            "createdDateTime": iso(self.clock.now()),
            "licences": [{"skuId": sku, "disabledPlans": []} for sku in skus],
            "members": keys,
        }
        self.write(GROUP, group)
        for member in keys:
            for sku in skus:
                if self.store.get(USER, member) is not None:
                    self.grant(member, sku, by_group=identity)
        return identity.lower()

    def grant(
        self,
        user: str,
        sku: str,
        *,
        by_group: str | None = None,
        disabled_plans: Sequence[str] = (),
        state: str = "Active",
        error: str | None = "None",
        unlisted: bool = False,
        sku_id_as: str | None = None,
    ) -> None:
        """Give a seat without asking whether one is free (so a tenant can start over-allocated).

        `unlisted`: shown in assignedLicenses but missing from licenseAssignmentStates, a defect Microsoft accepted.
        `sku_id_as`: the same GUID spelled in another letter case.
        """
        document = self._existing(user)
        entry = licence_entry(sku_id_as or self.sku_key(sku), self.clock.now(), by_group, disabled_plans, state, error)
        document["licences"].append(entry | ({"unlisted": True} if unlisted else {}))
        self.write(USER, document)

    def _existing(self, user: str) -> Document:
        key = self.user_key(user)
        document = self.store.get(USER, key) if key else None
        if document is None:
            raise KeyError(f"no person {user} in this tenant")
        return document


def licence_entry(
    sku: str,
    now: datetime,
    by_group: str | None,
    disabled_plans: Sequence[str] = (),
    state: str = "Active",
    error: str | None = "None",
) -> Document:
    """One assignment path, in the shape of licenseAssignmentStates."""
    return {
        "skuId": sku,
        "disabledPlans": list(disabled_plans),
        "assignedByGroup": by_group,
        "state": state,
        "error": error,
        "lastUpdatedDateTime": iso(now),
    }


def active_entries(user: Document) -> list[Document]:
    """The paths that really give a seat; entries in error consume nothing."""
    return [entry for entry in user["licences"] if entry["state"] in ("Active", "ActiveWithError")]


def assigned_licences(user: Document) -> list[Document]:
    """assignedLicenses: paths merged per SKU; a plan is off only when every path turns it off."""
    merged: dict[str, Document] = {}
    for entry in active_entries(user):
        key = entry["skuId"].lower()
        if key in merged:
            both = [plan for plan in merged[key]["disabledPlans"] if plan in entry["disabledPlans"]]
            merged[key]["disabledPlans"] = both
        else:
            merged[key] = {"skuId": entry["skuId"], "disabledPlans": list(entry["disabledPlans"])}
    return list(merged.values())


def _tracked(user: Document) -> list[Any]:
    """What makes a delta row: not signInActivity, and not licenseAssignmentStates alone."""
    return [user["properties"], user["manager"], assigned_licences(user)]
