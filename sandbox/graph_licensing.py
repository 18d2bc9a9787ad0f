"""Giving and taking seats: the rules behind assignLicense and the background work of group licensing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sandbox.graph_directory import (
    GROUP,
    PENDING,
    SKU,
    USER,
    Directory,
    active_entries,
    iso,
    licence_entry,
)
from sandbox.graph_errors import bad_request, gone
from sandbox.store import Document

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ASSIGNABLE = ("Enabled", "Warning")


def assign(directory: Directory, user: str, body: Any) -> Document:
    """assignLicense: all of it or nothing. Returns the person's new document; GraphError says why not."""
    added, removed = _read(body)
    with directory.store.lock:
        document = directory.store.get(USER, user)
        if document is None:
            raise gone(user)
        for sku in removed:
            _remove_direct(document, sku)
        for wanted in added:
            _add_direct(directory, document, wanted, user)
        _check_plans(directory, document)
        directory.write(USER, document)
        return document


def _read(body: Any) -> tuple[list[Document], list[str]]:
    if not isinstance(body, dict):
        raise bad_request("Empty Payload. JSON content expected.", "BadRequest")
    missing = [name for name in ("addLicenses", "removeLicenses") if not isinstance(body.get(name), list)]
    if missing:
        raise bad_request(
            "One or more parameters of the operation 'assignLicense' are missing from the request payload. "
            f"The missing parameters are: {', '.join(missing)}."
        )
    added = body["addLicenses"]
    ids = [entry.get("skuId") if isinstance(entry, dict) else None for entry in added] + list(body["removeLicenses"])
    for entry in added:
        ids.extend(entry.get("disabledPlans") or [] if isinstance(entry, dict) else [])
    for value in ids:
        if not isinstance(value, str) or not _GUID.fullmatch(value):
            raise bad_request("Cannot convert the literal to the expected type 'Edm.Guid'.", "BadRequest")
    return added, [sku.lower() for sku in body["removeLicenses"]]


def _remove_direct(document: Document, sku: str) -> None:
    paths = [entry for entry in document["licences"] if entry["skuId"].lower() == sku]
    direct = [entry for entry in paths if entry["assignedByGroup"] is None]
    if not paths:
        raise bad_request("User does not have a corresponding license.")
    if not direct:
        raise bad_request(
            "User license is inherited from a group membership and it cannot be removed directly from the user."
        )
    document["licences"] = [entry for entry in document["licences"] if entry not in direct]


def _add_direct(directory: Directory, document: Document, wanted: Document, user: str) -> None:
    key = str(wanted["skuId"]).lower()
    sku = directory.store.get(SKU, key)
    if sku is None:
        raise bad_request(f"License {key} does not correspond to a valid company License.")
    if sku["appliesTo"] != "User":
        raise bad_request(f"License {key} cannot be assigned to a user")
    if not document["properties"].get("usageLocation"):
        raise bad_request("License assignment cannot be done for user with invalid usage location.")
    disabled = [plan.lower() for plan in wanted.get("disabledPlans") or []]
    plans = {plan["servicePlanId"] for plan in sku["servicePlans"]}
    for plan in disabled:
        if plan not in plans:  # wording ours: Microsoft's exact text was not found
            raise bad_request(f"The service plan {plan} does not belong to subscription with SKU {key}.")
    now = directory.clock.now()
    for entry in document["licences"]:
        if entry["skuId"].lower() == key and entry["assignedByGroup"] is None and entry["state"] == "Active":
            entry |= {"disabledPlans": disabled, "lastUpdatedDateTime": iso(now)}
            return
    holds_now = any(entry["skuId"].lower() == key for entry in active_entries(document))
    if not holds_now and not directory.holds(user, key) and not _available(directory, sku):
        raise bad_request(f"Subscription with SKU {key} does not have any available licenses.")
    document["licences"].append(licence_entry(sku["id"], now, None, disabled))


def _available(directory: Directory, sku: Document) -> bool:
    return sku["capabilityStatus"] in _ASSIGNABLE and directory.free(str(sku["id"]).lower()) > 0


def _check_plans(directory: Directory, document: Document) -> None:
    """Dependencies and conflicts between the plans the person would have afterwards."""
    enabled: set[str] = set()
    depends: dict[str, list[str]] = {}
    conflicts: dict[str, list[str]] = {}
    for entry in active_entries(document):
        sku = directory.store.get(SKU, entry["skuId"].lower()) or {"servicePlans": [], "depends": {}, "conflicts": {}}
        disabled = {plan.lower() for plan in entry["disabledPlans"]}
        enabled |= {plan["servicePlanId"] for plan in sku["servicePlans"]} - disabled
        depends |= sku["depends"]
        conflicts |= sku["conflicts"]
    for plan in sorted(enabled & depends.keys()):
        lacking = [needed for needed in depends[plan] if needed not in enabled]
        if lacking:
            raise bad_request(
                f"License assignment failed because service plan {plan} depends on the service plan(s) "
                + ", ".join(lacking)
            )
    for plan in sorted(enabled & conflicts.keys()):
        for other in conflicts[plan]:
            if other in enabled:
                raise bad_request(
                    f"License assignment failed because service plans {plan}, {other} are mutually exclusive.",
                    details=[{"code": "MutuallyExclusiveViolation", "message": "Mutually exclusive service plans."}],
                )


# -- group licensing, which works in the background ------------------------------------------------------------------


def member_changed(directory: Directory, group: Document, user: str) -> None:
    """Queue what group licensing will do about this person, `group_delay` from now."""
    due = directory.clock.now() + directory.group_delay
    for licence in group["licences"]:
        key = f"{user}:{str(group['id']).lower()}:{licence['skuId'].lower()}"
        facts = {"id": key, "user": user, "group": group["id"], "due": due.isoformat()}
        directory.store.put(PENDING, key, facts | licence)


def settle(directory: Directory) -> None:
    """Do the background work that is due by now. Called before every request, so time alone moves it."""
    with directory.store.lock:
        now = directory.clock.now()
        for work in directory.store.all(PENDING):
            if datetime.fromisoformat(work["due"]) <= now:
                directory.store.drop(PENDING, work["id"])
                _settle_one(directory, work, now)


def _settle_one(directory: Directory, work: Document, now: datetime) -> None:
    user = directory.store.get(USER, work["user"])
    group = directory.store.get(GROUP, str(work["group"]).lower())
    if user is None:
        return
    sku = work["skuId"].lower()
    mine = [entry for entry in user["licences"] if _is_path(entry, sku, work["group"])]
    member = group is not None and work["user"] in group["members"]
    if member and not any(entry["state"] == "Active" for entry in mine):
        document = directory.store.get(SKU, sku)
        seat = directory.holds(work["user"], sku) or (document is not None and _available(directory, document))
        state, error = ("Active", None) if seat else ("Error", "CountViolation")
        user["licences"] = [entry for entry in user["licences"] if entry not in mine]
        user["licences"].append(licence_entry(sku, now, work["group"], work["disabledPlans"], state, error))
        directory.write(USER, user)
    elif not member and mine:
        user["licences"] = [entry for entry in user["licences"] if entry not in mine]
        directory.write(USER, user)


def _is_path(entry: Document, sku: str, group: str) -> bool:
    return entry["skuId"].lower() == sku and str(entry["assignedByGroup"]).lower() == str(group).lower()


def reprocess(directory: Directory, user: str) -> Document:
    """Run group licensing for one person again, at once. Returns the person's document."""
    with directory.store.lock:
        for group in directory.store.all(GROUP):
            if user in group["members"]:
                member_changed(directory, group, user)
        for work in directory.store.all(PENDING):
            if work["user"] == user:
                directory.store.drop(PENDING, work["id"])
                _settle_one(directory, work, directory.clock.now())
        document = directory.store.get(USER, user)
        if document is None:
            raise gone(user)
        return document


def set_enabled(directory: Directory, sku: str, enabled: int) -> Document:
    """Buy or give back units. People whose group seat failed for want of units are processed again, with delay."""
    with directory.store.lock:
        document = directory.store.get(SKU, directory.sku_key(sku)) or {}
        grown = enabled > document["prepaid"]["enabled"]
        document["prepaid"]["enabled"] = enabled
        directory.write(SKU, document)
        if grown:
            _retry_failed(directory, str(document["id"]).lower())
        return document


def _retry_failed(directory: Directory, sku: str) -> None:
    for group in directory.store.all(GROUP):
        if not any(licence["skuId"].lower() == sku for licence in group["licences"]):
            continue
        for member in group["members"]:
            paths = (directory.store.get(USER, member) or {"licences": []})["licences"]
            if any(_is_path(entry, sku, group["id"]) and entry["state"] == "Error" for entry in paths):
                member_changed(directory, group, member)
