"""Filling an instance: default rows, and functions for people, groups, catalogue items and choices.

All of them may be called again: the same name gives the same sys_id and the row is written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from sandbox.servicenow_records import SYSTEM, Instance, Row, as_text
from sandbox.servicenow_schema import DEFAULT_CHOICES, DEFAULT_PROPERTIES, stable_id


def _upsert(instance: Instance, table: str, key: str, values: Row, hidden: Row | None = None) -> str:
    sys_id = stable_id(table, key)
    with instance.store.lock:
        if instance.get(table, sys_id) is None:
            instance.insert(table, {"sys_id": sys_id, **values}, SYSTEM, hidden=hidden)
        else:
            instance.update(table, sys_id, values, SYSTEM, hidden=hidden)
    return sys_id


def add_user(
    instance: Instance,
    user_name: str,
    *,
    name: str,
    email: str = "",
    active: bool = True,
    manager: str = "",
    department: str = "",
    title: str = "",
    time_zone: str = "GMT",
) -> str:
    """A row of sys_user; `manager` is a sys_id. Returns the sys_id. Signing in needs an entry in `users` too."""
    first, _, last = name.rpartition(" ")
    values = {
        "user_name": user_name, "name": name, "first_name": first, "last_name": last, "email": email,
        "active": as_text(active), "manager": manager, "department": department, "title": title,
        "time_zone": time_zone, "locked_out": "false", "web_service_access_only": "false",
    }  # fmt: skip
    return _upsert(instance, "sys_user", user_name, values)


def add_group(instance: Instance, name: str, *, description: str = "", manager: str = "", email: str = "") -> str:
    """A row of sys_user_group. Returns the sys_id."""
    values = {"name": name, "description": description, "manager": manager, "email": email, "active": "true"}
    return _upsert(instance, "sys_user_group", name, values)


def add_catalog_item(
    instance: Instance,
    name: str,
    *,
    price: Decimal | str | int = "0",
    short_description: str = "",
    description: str = "",
    variables: Iterable[tuple[str, str, bool]] = (),
    tasks: Iterable[str] = ("Fulfil the order",),
    group: str = "",
    approver: str = "",
    approval_above: Decimal | str | int = "1000",
    copies: Mapping[str, str] | None = None,
) -> str:
    """A catalogue item. `variables` are (name, label, mandatory); `copies` maps a variable to a field of the requested
    item that the item's flow fills from it (for instance correlation_id); `group` and `approver` are sys_ids;
    an order above `approval_above` dollars waits for the approver. Returns the sys_id."""
    values = {
        "name": name, "short_description": short_description or name, "description": description,
        "price": str(price), "active": "true", "category": "Software", "type": "item",
    }  # fmt: skip
    hidden: Row = {
        "_variables": [{"name": n, "label": label, "mandatory": mandatory} for n, label, mandatory in variables],
        "_tasks": list(tasks), "_group": group, "_approver": approver, "_approval_above": str(approval_above),
        "_copies": dict(copies or {}),
    }  # fmt: skip
    return _upsert(instance, "sc_cat_item", name, values, hidden)


def add_choice(
    instance: Instance,
    table: str,
    element: str,
    value: str,
    label: str = "",
    *,
    inactive: bool = False,
    sequence: int = 0,
) -> str:
    """A row of sys_choice; with `inactive` the value stops being accepted. Returns the sys_id."""
    values = {
        "name": table, "element": element, "value": value, "label": label or value, "inactive": as_text(inactive),
        "sequence": str(sequence), "language": "en",
    }  # fmt: skip
    return _upsert(instance, "sys_choice", f"{table}.{element}.{value}", values)


def set_property(instance: Instance, name: str, value: str) -> str:
    """A row of sys_properties. Returns the sys_id."""
    return _upsert(instance, "sys_properties", name, {"name": name, "value": value, "type": "string"})


def seed_defaults(instance: Instance, accounts: Iterable[str]) -> None:
    """What every instance has: choices, properties, the administrator; and a user row per integration account.

    Rows that exist (a restart on the same journal) are left as they are.
    """
    for (table, element), choices in DEFAULT_CHOICES.items():
        for sequence, (value, label) in enumerate(choices, start=1):
            if instance.get("sys_choice", stable_id("sys_choice", f"{table}.{element}.{value}")) is None:
                add_choice(instance, table, element, value, label, sequence=sequence)
    for name, value in DEFAULT_PROPERTIES.items():
        if not instance.find("sys_properties", name=name):
            set_property(instance, name, value)
    for account in ("admin", *accounts):
        if not instance.find("sys_user", user_name=account):
            words = "System Administrator" if account == "admin" else account.replace(".", " ").title()
            add_user(instance, account, name=words, email=f"{account}@example.com")
