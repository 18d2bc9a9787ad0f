"""ServiceNow's records as plain values: everything is text there, times are UTC without a zone, references vary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
JOURNALS = frozenset({"work_notes", "comments"})  # each write appends, reads answer ""


def value_of(raw: Any) -> str:
    """The stored value, whichever shape the instance chose: text, {"value"}, {"display_value"}, true, null."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, Mapping):
        if "value" in raw:
            return value_of(raw["value"])
        link = str(raw.get("link") or "")
        return link.rsplit("/", 1)[-1] if link else value_of(raw.get("display_value"))
    return str(raw)


def moment(text: str) -> datetime | None:
    """A time as the Table API writes it, aware UTC; None when empty or unreadable."""
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True)
class Record:
    """One record. `sys_id` is the key to keep; `number` is what people quote and may change."""

    table: str
    sys_id: str
    number: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, table: str, row: Mapping[str, Any]) -> Record:
        fields = {name: value_of(raw) for name, raw in row.items()}
        return cls(table, fields.get("sys_id", ""), fields.get("number", ""), fields)

    def get(self, name: str) -> str:
        """A field's stored text, "" when empty or not sent."""
        return self.fields.get(name, "")

    @property
    def updated_at(self) -> datetime | None:
        return moment(self.get("sys_updated_on"))

    @property
    def changes(self) -> int:
        """How often it was changed; with sys_id it tells a seen version from a new one."""
        text = self.get("sys_mod_count")
        return int(text) if text.isdigit() else 0


@dataclass(frozen=True)
class Patched:
    """The record after the change and the fields that kept another value than the one sent."""

    record: Record
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """Where a reading by time goes on: from this second, with a page of this size."""

    since: datetime
    size: int = 1000


@dataclass(frozen=True)
class RecordPage:
    """Changed records, oldest first, and where to go on; a record can come twice (same `changes`)."""

    records: tuple[Record, ...]
    following: Mark | None


@dataclass(frozen=True)
class Entry:
    """A line of a record's journal; `element` is comments (the caller sees it) or work_notes (the desk alone does)."""

    sys_id: str
    record_id: str
    element: str
    words: str
    by: str  # user name there
    at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Entry:
        names = ("sys_id", "element_id", "element", "value", "sys_created_by", "sys_created_on")
        key, record_id, element, words, by, at = (value_of(row.get(name)) for name in names)
        return cls(key, record_id, element, words, by, moment(at))

    @property
    def key(self) -> str:
        """The effect key in the last line, "" when there is none: what we wrote ends with one."""
        last = self.words.rstrip().rpartition("\n")[2].strip()
        return last[1:-1] if last.startswith("[") and last.endswith("]") else ""


@dataclass(frozen=True)
class NoteAdded:
    """The note is in the journal."""


@dataclass(frozen=True)
class NoteAlreadyThere:
    """A note with this effect key was written before; nothing was sent."""


@dataclass(frozen=True)
class Approval:
    """One approval that ServiceNow itself asks for; `state` is requested, approved, rejected, cancelled, …"""

    sys_id: str
    state: str
    approver: str
    updated_at: datetime | None


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class CatalogueItem:
    """Something that can be ordered; `has_key`: its form has the variable that carries our key through an order."""

    sys_id: str
    name: str
    has_key: bool


@dataclass(frozen=True)
class Attachment:
    sys_id: str
    file_name: str
    already_there: bool
