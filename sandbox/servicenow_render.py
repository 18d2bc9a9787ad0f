"""How stored text leaves the instance: the three display modes, reference shapes, chosen and dot-walked fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from sandbox.servicenow_query import parse_stamp, stamp
from sandbox.servicenow_records import Actor, Instance, Row, is_date
from sandbox.servicenow_schema import JOURNALS, LABELS


def switch(text: str | None, default: bool = False) -> bool:
    """A boolean parameter in any capitalisation; empty means not given."""
    return text.strip().lower() == "true" if text and text.strip() else default


def from_display(instance: Instance, actor: Actor, table: str, name: str, text: str) -> str:
    """The stored value of what a person sees (`sysparm_input_display_value`): a label, a name, a local time.

    The text itself when it is none of these.
    """
    for value, label in instance.choices(table, name).items():
        if label == text:
            return value
    target = instance.references(table).get(name)
    if target in instance.tables:
        found = instance.find(target, **{instance.tables[target].display: text})
        return str(found[0]["sys_id"]) if len(found) == 1 else text
    if is_date(name) and text:
        try:
            return stamp(parse_stamp(text, ZoneInfo(actor.time_zone)).astimezone(UTC))
        except ValueError:
            return text
    return text


@dataclass(frozen=True)
class Rendering:
    """What the caller asked for."""

    instance: Instance
    actor: Actor
    base: str
    fields: tuple[str, ...] = ()
    display: str = "false"
    without_links: bool = False

    @classmethod
    def asked(cls, instance: Instance, actor: Actor, base: str, arguments: MultiDict[str, str]) -> Rendering:
        display = arguments.get("sysparm_display_value", "").strip().lower()
        fields = tuple(name.strip() for name in arguments.get("sysparm_fields", "").split(",") if name.strip())
        return cls(
            instance, actor, base, fields, display if display in ("true", "all") else "false",
            switch(arguments.get("sysparm_exclude_reference_link")),
        )  # fmt: skip

    def row(self, table: str, row: Row) -> dict[str, Any]:
        names = self.fields or sorted(self.instance.tables[table].fields - {"variables"})
        return {name: self._field(table, row, name) for name in names if self.instance.knows(table, name)}

    def _field(self, table: str, row: Row, path: str) -> Any:
        owner, holder, name = self._walk(table, row, path)
        value = self.instance.read(table, row, path) or ""
        target = self.instance.references(owner).get(name) if owner else None
        shown = self._shown(owner, holder, name, value, target) if self.display != "false" else value
        if target and value and not self.without_links:
            link = f"{self.base}/api/now/table/{target}/{value}"
            if self.display == "false":
                return {"link": link, "value": value}
            both = {"display_value": shown, "link": link}
            return both | {"value": value} if self.display == "all" else both
        if self.display == "all":
            return {"display_value": shown, "value": value}
        return shown

    def _walk(self, table: str, row: Row | None, path: str) -> tuple[str, Row | None, str]:
        """Table, row and field at the end of a dot-walk; an empty table for catalogue variables."""
        name, _, rest = path.partition(".")
        if name == "variables":
            return "", None, rest
        if not rest:
            return table, row, name
        target = self.instance.references(table)[name]
        value = str(row.get(name, "")) if row else ""
        return self._walk(target, self.instance.get(target, value) if value else None, rest)

    def _shown(self, table: str, row: Row | None, name: str, value: str, target: str | None) -> str:
        if name in JOURNALS and row is not None and table in self.instance.task_tables():
            return self._history(row, name)
        if not value or not table:
            return value
        if target:
            other = self.instance.get(target, value)
            if other is None:
                return ""
            kind = str(other.get("sys_class_name") or target)
            return str(other.get(self.instance.tables[kind].display, ""))
        if is_date(name):
            zone = ZoneInfo(self.actor.time_zone)
            return stamp(parse_stamp(value).astimezone(UTC).astimezone(zone))
        return self.instance.choices(table, name).get(value, value)

    def _history(self, row: Row, name: str) -> str:
        label = LABELS[name].partition(" (")[0]
        entries = reversed(self.instance.journal(row["sys_id"], name))
        return "".join(f"{e['sys_created_on']} - {e['sys_created_by']} ({label})\n{e['value']}\n\n" for e in entries)
