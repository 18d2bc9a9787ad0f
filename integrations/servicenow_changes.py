"""What happened to our records in ServiceNow, read for all of them at once: changes, notes, approvals, absences.

The hourly budget of an instance counts requests, so nothing here is asked record by record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from integrations.errors import Refused
from integrations.servicenow_tables import SYSTEM, Row, Tables, literal, sys_id
from integrations.servicenow_types import JOURNALS, TIME_FORMAT, Entry, Mark, Record, RecordPage, value_of

#: Rows of one answer: some 400 kB. While nothing changes the overlap brings the last changes again with each poll, and
#: a bulk change must not cost several requests a minute for the rest of the day.
PAGE = 1000
#: The most one request returns however much is asked (the Table API's default limit).
LARGEST_PAGE = 10_000
#: Ids in one look-up: a query of some 3,300 characters, well within what proxies take in an address.
IDS_AT_ONCE = 100
#: What is read of a record; `stage` and `request` exist on requested items alone, and unknown fields are left out.
FIELDS = (
    "sys_id", "number", "state", "approval", "stage", "request", "correlation_id", "sys_updated_on",
    "sys_updated_by", "sys_mod_count", "close_code",
)  # fmt: skip


class Changes:
    """Reads by table. `prefix` begins every correlation id of this installation. Raises the five errors only."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def page(self, table: str, prefix: str, mark: Mark) -> RecordPage:
        """Our records changed at or after the mark, at most `mark.size` of them, oldest change first.

        Pages go on by time and never by offset: a record changed while we read moves to the end, and every record
        behind it would move up by one, the first of the next page out of sight. When one second holds more than a
        page, the same second is asked for again with a page twice as large, so that one answer holds all of it.
        """
        operation = f"read changes of {table}"
        second = mark.since.astimezone(UTC).strftime(TIME_FORMAT)
        query = (
            f"correlation_idSTARTSWITH{literal(prefix, operation)}^sys_updated_on>={second}"
            "^ORDERBYsys_updated_on^ORDERBYsys_id"
        )
        rows, total = self._tables.page(table, query, operation, fields=FIELDS, limit=mark.size)
        records = self._ours(table, rows, prefix, operation)
        if total is None:  # it does not count for us: only a page that came back full tells that more may follow
            total = mark.size + 1 if len(rows) >= mark.size else len(rows)
        if mark.size >= total:  # never by the length of a page: rights can shorten it
            return RecordPage(records, None)
        last = records[-1].updated_at if records else None
        if last is not None and last > mark.since.replace(microsecond=0):
            return RecordPage(records, Mark(last, mark.size))
        if mark.size >= LARGEST_PAGE:
            return RecordPage(records, None)  # more of ours in one second than one answer can hold
        return RecordPage(records, Mark(mark.since, min(mark.size * 2, LARGEST_PAGE)))

    def since(self, table: str, prefix: str, watermark: datetime, size: int = PAGE) -> Iterator[Record]:
        """Every record of ours changed at or after the watermark (aware), once per version."""
        seen: set[tuple[str, int]] = set()
        mark: Mark | None = Mark(watermark, size)
        while mark is not None:
            found = self.page(table, prefix, mark)
            for record in found.records:
                version = (record.sys_id, record.changes)
                if version not in seen:
                    seen.add(version)
                    yield record
            went_on = found.following is not None and found.following.since > mark.since
            mark = Mark(found.following.since, size) if found.following and went_on else found.following

    def by_sys_id(self, table: str, ids: Sequence[str]) -> list[Record]:
        """These records as they are now. One that is missing from the answer is deleted, or hidden from us."""
        operation = f"look at records of {table}"
        found: list[Record] = []
        for some in _portions(ids, operation):
            query = f"sys_idIN{','.join(some)}^ORDERBYsys_id"
            rows, _ = self._tables.page(table, query, operation, fields=FIELDS, limit=IDS_AT_ONCE)
            asked = set(some)
            found += [record for record in (Record.of(table, row) for row in rows) if record.sys_id in asked]
        return found

    def approvals(self, records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
        """States of the approvals the instance asks for, by the record they hold up: its own and its request's."""
        operation = "read approvals"
        about: dict[str, set[str]] = {}
        for record in records:
            for one in (record.sys_id, record.get("request")):
                if one:
                    about.setdefault(one, set()).add(record.sys_id)
        found: dict[str, tuple[str, ...]] = {}
        for some in _portions(sorted(about), operation):
            query = f"sysapprovalIN{','.join(some)}^ORDERBYsys_created_on^ORDERBYsys_id"
            fields = ("sys_id", "sysapproval", "state")
            rows, _ = self._tables.page("sysapproval_approver", query, operation, fields=fields, limit=1000)
            for row in rows:
                for record_id in about.get(value_of(row.get("sysapproval")), ()):
                    found[record_id] = (*found.get(record_id, ()), value_of(row.get("state")))
        return found

    def notes(self, ids: Sequence[str], since: datetime) -> list[Entry]:
        """What was written into the journals of these records at or after an instant (aware), oldest first."""
        operation = "read notes"
        second = since.astimezone(UTC).strftime(TIME_FORMAT)
        found: list[Entry] = []
        for some in _portions(ids, operation):
            query = (
                f"element_idIN{','.join(some)}^sys_created_on>={second}^elementIN{','.join(sorted(JOURNALS))}"
                "^ORDERBYsys_created_on^ORDERBYsys_id"
            )
            rows, _ = self._tables.page("sys_journal_field", query, operation, limit=1000)
            asked = set(some)
            entries = (Entry.of(row) for row in rows)
            found += [one for one in entries if one.record_id in asked and one.element in JOURNALS]
        return found

    @staticmethod
    def _ours(table: str, rows: list[Row], prefix: str, operation: str) -> tuple[Record, ...]:
        """The records whose key begins with ours. Others prove that the condition was ignored: nothing is certain."""
        records = [Record.of(table, row) for row in rows]
        if any(not record.get("correlation_id").casefold().startswith(prefix.casefold()) for record in records):
            sentence = (
                f"the instance ignores a search of {table} by correlation_id; let the integration user read that "
                "field and set the property glide.invalid_query.returns_no_rows to true"
            )
            raise Refused(SYSTEM, operation, sentence, code="query_ignored")
        return tuple(record for record in records if record.get("correlation_id").startswith(prefix))


def _portions(ids: Collection[str], operation: str) -> Iterator[list[str]]:
    checked = [sys_id(one, operation) for one in dict.fromkeys(ids)]
    for start in range(0, len(checked), IDS_AT_ONCE):
        yield checked[start : start + IDS_AT_ONCE]
