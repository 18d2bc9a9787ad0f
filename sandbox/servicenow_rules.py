"""Business rules of the incident table and the platform's own jobs: priority, closing, holding, reopening, ageing."""

from __future__ import annotations

from datetime import UTC, timedelta

from sandbox.servicenow_query import stamp
from sandbox.servicenow_records import SYSTEM, Actor, Instance, Refused, Row, no_right
from sandbox.servicenow_schema import LABELS, PRIORITY, PROPERTY_AUTOCLOSE, ROW

NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELED = "1", "2", "3", "6", "7", "8"
AWAITING_CALLER = "1"


def install(instance: Instance) -> None:
    """Register the incident rules and the auto-close job."""

    def closed_is_closed(row: Row, old: Row | None, actor: Actor) -> None:
        """Only itil_admin closes or touches a closed record; people and auto-close close, an integration resolves."""
        if actor.has("itil_admin"):
            return
        if old is not None and old["state"] in (CLOSED, CANCELED):
            raise no_right("Update")
        if row["state"] == CLOSED:
            raise no_right("Insert" if old is None else "Update")

    def waiting_ends(row: Row, old: Row | None, actor: Actor) -> None:
        """A caller's answer takes the record off hold."""
        if old and old["state"] == ON_HOLD == row["state"] and actor.sys_id == row["caller_id"]:
            row["state"] = IN_PROGRESS

    def lookup(row: Row, old: Row | None, actor: Actor) -> None:
        row["impact"], row["urgency"] = row["impact"] or "3", row["urgency"] or "3"
        row["priority"] = PRIORITY.get((row["impact"], row["urgency"]), "5")
        row["category"] = row["category"] or "inquiry"
        row["reopen_count"] = row["reopen_count"] or "0"
        row["incident_state"] = row["state"]

    def reopen(row: Row, old: Row | None, actor: Actor) -> None:
        if old and old["state"] in (RESOLVED, CLOSED) and row["state"] not in (RESOLVED, CLOSED, CANCELED):
            row["reopen_count"] = str(int(old["reopen_count"] or 0) + 1)
            for name in ("resolved_at", "resolved_by", "closed_at", "closed_by", "close_code", "close_notes"):
                row[name] = ""
            row["reopened_time"], row["active"] = instance.now(), "true"
        if row["state"] != ON_HOLD:
            row["hold_reason"] = ""

    def mandatory(row: Row, old: Row | None, actor: Actor) -> None:
        missing = []
        if row["state"] in (RESOLVED, CLOSED):
            missing = [LABELS[name] for name in ("close_code", "close_notes") if not row[name].strip()]
        elif row["state"] == ON_HOLD:
            missing = [] if row["hold_reason"] else [LABELS["hold_reason"]]
            newly = old is None or old["state"] != ON_HOLD or old["hold_reason"] != AWAITING_CALLER
            if row["hold_reason"] == AWAITING_CALLER and newly and not row["_notes"].get("comments"):
                missing.append(LABELS["comments"])
        if missing:
            text = "Data Policy Exception: The following fields are mandatory: " + ", ".join(missing)
            raise Refused(403, "Operation Failed", text)

    def stamps(row: Row, old: Row | None, actor: Actor) -> None:
        before = old["state"] if old else ""
        if row["state"] in (RESOLVED, CLOSED) and before not in (RESOLVED, CLOSED):
            row["resolved_at"], row["resolved_by"] = instance.now(), actor.sys_id
        if row["state"] in (CLOSED, CANCELED) and before != row["state"]:
            row["closed_at"], row["closed_by"], row["active"] = instance.now(), actor.sys_id, "false"

    instance.rules["incident"].before += [
        closed_is_closed, waiting_ends, lookup, reopen, mandatory, stamps,
    ]  # fmt: skip

    def customer_rule(row: Row, old: Row | None, actor: Actor) -> None:
        """A rule of the customer's that stops the write (fault `business_rule_abort`, parameter `name`)."""
        if actor is SYSTEM:
            return
        fault = instance.fault("business_rule_abort", "PATCH" if old else "POST", row["sys_class_name"])
        if fault:
            name = fault.parameters.get("name", "Require cost centre")
            text = f"Operation against file '{row['sys_class_name']}' was aborted by Business Rule '{name}^{'0' * 32}'."
            raise Refused(403, "Operation Failed", f"{text} Business Rule Stack:{name}")

    for table in instance.task_tables():
        instance.rules[table].before.insert(0, customer_rule)
    instance.sweeps.append(lambda: _autoclose(instance))


def _autoclose(instance: Instance) -> None:
    """Resolved turns into Closed after the property's days; zero or less switches it off."""
    days = float(instance.property(PROPERTY_AUTOCLOSE, "0") or 0)
    if days <= 0:
        return
    limit = stamp(instance.clock.now().astimezone(UTC) - timedelta(days=days))

    def old_enough(row: Row) -> bool:
        return bool(row["state"] == RESOLVED and row["resolved_at"] and row["resolved_at"] <= limit)

    if not instance.store.where(ROW + "incident", old_enough):
        return
    for row in instance.where("incident", old_enough):
        instance.update("incident", row["sys_id"], {"state": CLOSED, "comments": "Closed automatically."}, SYSTEM)
