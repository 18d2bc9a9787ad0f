"""Rows of the instance and what happens to them on insert, update and delete: text only, choices, journals, counts.

Business rules of single tables are registered by `sandbox.servicenow_rules` and `sandbox.servicenow_catalog`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import has_request_context, request

from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.servicenow_query import parse_stamp, stamp
from sandbox.servicenow_schema import (
    DATE_FIELDS,
    JOURNALS,
    LENGTHS,
    READ_ONLY,
    ROW,
    SYSTEM_FIELDS,
    Table,
    fresh_id,
    stable_id,
)
from sandbox.store import Store

Row = dict[str, Any]
Change = Callable[[str, str, Row, "Actor"], None]
"""`(operation, table, row, actor)` after a change was stored; operation is insert, update or delete."""


class Refused(Exception):
    """The instance says no; `status`, `message` and `detail` become the error body."""

    def __init__(self, status: int, message: str, detail: str | None = None) -> None:
        super().__init__(f"{status} {message}: {detail}")
        self.status, self.message, self.detail = status, message, detail


@dataclass(frozen=True)
class Actor:
    """Who does something: an integration user, a person over there, or the platform itself."""

    user_name: str
    sys_id: str
    roles: frozenset[str] = frozenset()
    time_zone: str = "GMT"
    scope: str = "useraccount"

    def has(self, *roles: str) -> bool:
        return "admin" in self.roles or any(role in self.roles for role in roles)


SYSTEM = Actor("system", stable_id("sys_user", "system"), frozenset({"admin"}))


def as_text(value: Any) -> str:
    """What the platform keeps of a JSON value: always text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict():
            return as_text(value.get("value"))
        case list():
            return ",".join(as_text(item) for item in value)
    return str(value)


@dataclass
class TableRules:
    """Hooks of one table. `before(row, old, actor)` may change the row or raise Refused; `after` may touch others."""

    before: list[Callable[[Row, Row | None, Actor], None]] = field(default_factory=list)
    after: list[Callable[[Row, Row | None, Actor], None]] = field(default_factory=list)


class Instance:
    """All tables of one instance over a store. Compound changes hold the store's lock."""

    def __init__(self, store: Store, clock: SandboxClock, faults: Faults, tables: dict[str, Table]) -> None:
        self.store, self.clock, self.faults, self.tables = store, clock, faults, tables
        self.rules: dict[str, TableRules] = {name: TableRules() for name in tables}
        self.listeners: list[Change] = []
        self.sweeps: list[Callable[[], None]] = []

    def fault(self, kind: str, method: str, table: str) -> Fault | None:
        """A fault of ours that hits this table now, matched as if by the Table API's path."""
        fault = self.faults.active(kind, method, f"/api/now/table/{table}/")
        if fault is not None and has_request_context():
            request.environ["sandbox.fault"] = kind
        return fault

    # -- reading ---------------------------------------------------------------------------------------------------

    def now(self) -> str:
        return stamp(self.clock.now())

    def task_tables(self) -> list[str]:
        return [table.name for table in self.tables.values() if table.is_task]

    def rows(self, table: str) -> list[Row]:
        """Copies of all rows of a table, `task` being all kinds of task."""
        names = self.task_tables() if table == "task" else [table]
        return [row for name in names for row in self.store.all(ROW + name)]

    def find(self, table: str, **wanted: str) -> list[Row]:
        """Copies of the rows whose fields have exactly these values, oldest first."""
        return self.where(table, lambda row: all(row.get(name, "") == value for name, value in wanted.items()))

    def where(self, table: str, predicate: Callable[[Row], bool]) -> list[Row]:
        names = self.task_tables() if table == "task" else [table]
        return [row for name in names for row in self.store.where(ROW + name, predicate)]

    def get(self, table: str, sys_id: str) -> Row | None:
        names = self.task_tables() if table == "task" else [table]
        return next((row for name in names if (row := self.store.get(ROW + name, sys_id)) is not None), None)

    def locate(self, key: str) -> tuple[str, Row] | None:
        """A task by number or sys_id, with its table."""
        for name in self.task_tables():
            if row := self.get(name, key):
                return name, row
            if found := self.find(name, number=key):
                return name, found[0]
        return None

    def knows(self, table: str, path: str) -> bool:
        """Whether a possibly dot-walked field exists."""
        name, _, rest = path.partition(".")
        if name == "variables" and rest:
            return "variables" in self._fields(table)
        if name not in self._fields(table):
            return False
        if not rest:
            return True
        target = self.references(table).get(name)
        return target is not None and self.knows(target, rest)

    def _fields(self, table: str) -> frozenset[str]:
        return self.tables["incident" if table == "task" else table].fields

    def references(self, table: str) -> dict[str, str]:
        return self.tables["incident" if table == "task" else table].references

    def read(self, table: str, row: Row, path: str) -> str | None:
        """The stored text of a possibly dot-walked field; None when there is no such field."""
        if not self.knows(table, path):
            return None
        name, _, rest = path.partition(".")
        if name in JOURNALS and not rest:
            return ""
        if name == "variables":
            return str(row.get("_variables", {}).get(rest, ""))
        value = str(row.get(name, ""))
        if not rest:
            return value
        target = self.references(table)[name]
        other = self.get(target, value) if value else None
        return self.read(target, other, rest) if other else ""

    def property(self, name: str, default: str = "") -> str:
        found = self.find("sys_properties", name=name)
        return str(found[0]["value"]) if found else default

    def choices(self, table: str, element: str) -> dict[str, str]:
        """Value to label of the active choices; empty when the field is free text."""
        rows = self.store.where(
            ROW + "sys_choice",
            lambda row: row["name"] == table and row["element"] == element and row.get("inactive") != "true",
        )
        return {row["value"]: row["label"] for row in rows}

    def journal(self, sys_id: str, element: str | None = None) -> list[Row]:
        """Journal entries of a record, oldest first."""
        return self.where(
            "sys_journal_field",
            lambda row: row["element_id"] == sys_id and (element is None or row["element"] == element),
        )

    def sweep(self) -> None:
        """What scheduled jobs over there would have done by now (auto-close)."""
        for job in self.sweeps:
            job()

    # -- writing ---------------------------------------------------------------------------------------------------

    def insert(self, table: str, values: Row, actor: Actor, *, hidden: Row | None = None, as_of: str = "") -> Row:
        """Create a row; `hidden` are underscore keys of ours, `as_of` a past moment for seeded history."""
        with self.store.lock:
            shape, now = self.tables[table], as_of or self.now()
            clean = self._clean(table, values, None, actor)
            notes = {name: clean.pop(name) for name in JOURNALS if clean.get(name)}
            row: Row = {name: "" for name in shape.fields if name not in JOURNALS}
            row |= {"sys_id": str(values.get("sys_id") or "") if actor.has("admin") else ""}
            row["sys_id"] = row["sys_id"] or fresh_id()
            row |= {"sys_created_on": now, "sys_created_by": actor.user_name, "sys_updated_on": now}
            row |= {"sys_updated_by": actor.user_name, "sys_mod_count": "0"}
            if shape.is_task:
                row |= {"opened_at": now, "opened_by": actor.sys_id, "active": "true", "state": "1"}
                row |= {"sys_class_name": table, "approval": "not requested"}
            row |= {**clean, **(hidden or {})}
            self._before(table, row, None, actor, notes)
            if shape.prefix:
                number = self.store.next_number(f"{ROW}{table}", 10001)
                row["number"] = f"{shape.prefix}{number:07d}"
            self.store.put(ROW + table, row["sys_id"], row)
            self._write_journal(table, row, notes, actor, now)
            self._after("insert", table, row, None, actor)
            return self.get(table, row["sys_id"]) or row

    def update(self, table: str, sys_id: str, values: Row, actor: Actor, *, hidden: Row | None = None) -> Row:
        """Change a row. Unknown and read-only fields are dropped without a word, as the original does."""
        with self.store.lock:
            old = self.get(table, sys_id)
            if old is None:
                raise not_found()
            clean = self._clean(table, values, old, actor)
            notes = {name: clean.pop(name) for name in JOURNALS if clean.get(name)}
            row: Row = {**old, **clean, **(hidden or {})}
            self._before(table, row, old, actor, notes)
            if row == old and not notes:
                return old
            now = self.now()
            row["sys_updated_on"], row["sys_updated_by"] = now, actor.user_name
            row["sys_mod_count"] = str(int(old["sys_mod_count"]) + 1)
            self.store.put(ROW + table, sys_id, row)
            self._write_journal(table, row, notes, actor, now)
            self._after("update", table, row, old, actor)
            return self.get(table, sys_id) or row

    def delete(self, table: str, sys_id: str, actor: Actor) -> None:
        with self.store.lock:
            old = self.get(table, sys_id)
            if old is None:
                raise not_found()
            self.store.drop(ROW + table, sys_id)
            for attachment in self.find("sys_attachment", table_sys_id=sys_id):
                self.store.drop(ROW + "sys_attachment", attachment["sys_id"])
            self._tell("delete", table, old, actor)

    def _clean(self, table: str, values: Row, old: Row | None, actor: Actor) -> Row:
        shape = self.tables[table]
        clean: Row = {}
        for name, raw in values.items():
            text = as_text(raw)
            if name not in shape.fields or name in SYSTEM_FIELDS:
                continue
            if name in READ_ONLY and actor is not SYSTEM and shape.is_task:
                continue
            if name in LENGTHS:
                text = text[: LENGTHS[name]]
            if name in DATE_FIELDS and not _is_stamp(text):
                continue
            allowed = self.choices(table, name)
            if allowed and text not in allowed:
                continue  # an unknown or empty choice is dropped; a mandatory one is then reported as missing
            if name == "close_code" and actor is not SYSTEM and self.fault("wrong_close_code", "PATCH", table):
                continue
            clean[name] = text
        if old is not None and (fault := self.fault("read_only_field", "PATCH", table)):
            for name in fault.parameters.get("fields", list(clean)):
                clean.pop(name, None)
        return clean

    def _before(self, table: str, row: Row, old: Row | None, actor: Actor, notes: Row) -> None:
        row["_notes"] = notes
        try:
            for rule in self.rules[table].before:
                rule(row, old, actor)
        finally:
            row.pop("_notes")

    def _after(self, operation: str, table: str, row: Row, old: Row | None, actor: Actor) -> None:
        for rule in self.rules[table].after:
            rule(row, old, actor)
        self._tell(operation, table, row, actor)

    def _tell(self, operation: str, table: str, row: Row, actor: Actor) -> None:
        for listener in self.listeners:
            listener(operation, table, self.get(table, row["sys_id"]) or row, actor)

    def _write_journal(self, table: str, row: Row, notes: Row, actor: Actor, now: str) -> None:
        for element, text in notes.items():
            entry = {
                "sys_id": fresh_id(), "element": element, "element_id": row["sys_id"], "name": table, "value": text,
                "sys_created_on": now, "sys_created_by": actor.user_name, "sys_updated_on": now,
                "sys_updated_by": actor.user_name, "sys_mod_count": "0",
            }  # fmt: skip
            self.store.put(ROW + "sys_journal_field", entry["sys_id"], entry)

    # -- rights ----------------------------------------------------------------------------------------------------

    def may(self, actor: Actor, verb: str, table: str) -> bool:
        """`verb` is read, write (also insert) or delete."""
        shape = self.tables["incident" if table == "task" else table]
        if verb == "delete":
            return actor.has(*shape.deletes)
        roles = shape.reads if verb == "read" else shape.writes
        return not roles or actor.has(*roles)

    def visible(self, table: str, rows: list[Row], method: str = "GET") -> Iterator[Row]:
        """Rows left by row-level access rules (fault `acl_hidden`, parameter `sys_ids` or `numbers`, all unless
        told). The caller has already cut the page, so pages can be short."""
        fault = self.fault("acl_hidden", method, table) if rows else None
        if fault is None:
            yield from rows
            return
        hidden = {*fault.parameters.get("sys_ids", ()), *fault.parameters.get("numbers", ())}
        for row in rows:
            if hidden and not hidden & {row["sys_id"], row.get("number")}:
                yield row


def not_found() -> Refused:
    return Refused(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def no_right(verb: str) -> Refused:
    return Refused(403, "Operation Failed", f"ACL Exception {verb} Failed due to security constraints")


def _is_stamp(text: str) -> bool:
    try:
        return not text or bool(parse_stamp(text))
    except ValueError:
        return False


def is_date(name: str) -> bool:
    return name in DATE_FIELDS
