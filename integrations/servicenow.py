"""ServiceNow as Seatkeeper uses it: records found by correlation id before they are made, and read back after.

The Table API has no idempotency key, ignores query parts it does not understand, and may have stored what it answered
with an error. So nothing is created before a look-up whose rows are compared with what was asked, and a look-up that
was evidently ignored stops the work instead of letting it open a second ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from integrations.errors import Refused, Unclear
from integrations.servicenow_changes import Changes
from integrations.servicenow_setup import SetUp
from integrations.servicenow_tables import SYSTEM, Meter, Row, Tables, literal, sys_id, table_name
from integrations.servicenow_types import (
    JOURNALS,
    Approval,
    Attachment,
    CatalogueItem,
    NoteAdded,
    NoteAlreadyThere,
    Patched,
    Record,
    value_of,
)

log = structlog.get_logger(__name__)

KEY_LIMIT = 100  # characters that correlation_id and correlation_display hold
KEY_VARIABLE = "seatkeeper_key"


class ServiceNowClient:
    """One instance. Safe for several threads. Raises the five errors only.

    `key_variable` is the catalogue variable that carries our key through an order, see `order_item`.
    """

    def __init__(self, tables: Tables, *, key_variable: str = KEY_VARIABLE) -> None:
        self._tables = tables
        self._key_variable = key_variable
        self.changes = Changes(tables)
        self.setup = SetUp(tables)

    @property
    def meter(self) -> Meter:
        """What was asked of the instance so far."""
        return self._tables.meter

    # -- records ---------------------------------------------------------------------------------------------------

    def find_by_correlation(self, table: str, key: str) -> list[Record]:
        """Our records for this key, oldest first. Rows that are not ours mean the query was ignored: `Refused`."""
        operation = "find by correlation id"
        query = f"correlation_id={literal(key, operation)}^ORDERBYsys_created_on^ORDERBYsys_id"
        rows, _ = self._tables.page(table, query, operation, limit=20)
        return self._ours(table, rows, "correlation_id", key, operation)

    def create(self, table: str, fields: Mapping[str, str], correlation_id: str, correlation_display: str) -> Record:
        """The record for this key: the oldest that exists, else a new one. `Unclear` is answered by calling again."""
        operation = f"create in {table_name(table, 'create')}"
        _check_key(correlation_id, operation)
        found = self.find_by_correlation(table, correlation_id)
        if found:
            if len(found) > 1:
                log.warning("several records for one key", table=table, kept=found[0].sys_id, count=len(found))
            return found[0]
        sent = {**fields, "correlation_id": correlation_id, "correlation_display": correlation_display[:KEY_LIMIT]}
        record = Record.of(table, self._tables.create(table, sent, operation))
        if record.get("correlation_id") != correlation_id:
            sentence = (
                f"{record.number or record.sys_id} was opened, but the instance does not keep its correlation_id: "
                "let the integration user write that field"
            )
            raise Refused(SYSTEM, operation, sentence, code="correlation_dropped")
        return record

    def read(self, table: str, record_id: str) -> Record:
        """One record by sys_id; `NotFound` when it is absent or hidden."""
        return Record.of(table, self._tables.read(table, record_id, f"read {table}"))

    def patch(self, table: str, record_id: str, fields: Mapping[str, str]) -> Patched:
        """Change fields of one record; a 200 proves nothing, so the answer is compared with what was sent."""
        record = Record.of(table, self._tables.patch(table, record_id, fields, f"change {table}"))
        ignored = tuple(
            name
            for name, wanted in fields.items()
            if name not in JOURNALS and record.get(name) != value_of(wanted).strip()
        )
        if ignored:
            log.info("fields not taken over", system=SYSTEM, table=table, record=record.sys_id, fields=ignored)
        return Patched(record, ignored)

    # -- the service catalogue -------------------------------------------------------------------------------------

    def order_item(
        self,
        item_sys_id: str,
        requested_for: str,
        variables: Mapping[str, str],
        correlation_id: str,
        correlation_display: str = "Seatkeeper",
        quantity: int = 1,
    ) -> Record:
        """The requested item (sc_req_item) for this key, ordered now if it does not exist yet.

        order_now takes a quantity, a person and variables, and nothing else: it can set neither correlation_id nor
        special_instructions. So the key travels as a catalogue variable, is searched for by that variable when an
        answer was lost, and is stamped on the requested item as correlation_id as soon as that is known. An item
        without the variable is refused before anything is ordered, because a lost order could not be found again.
        """
        operation = "order from the catalogue"
        _check_key(correlation_id, operation)
        found = self._find_order(correlation_id)
        if found is None:
            found = self._order(item_sys_id, requested_for, variables, correlation_id, quantity, operation)
        if found.get("correlation_id") == correlation_id:
            return found
        stamp = {"correlation_id": correlation_id, "correlation_display": correlation_display[:KEY_LIMIT]}
        return self.patch("sc_req_item", found.sys_id, stamp).record

    def _find_order(self, key: str) -> Record | None:
        operation = "find order"
        stamped = self.find_by_correlation("sc_req_item", key)
        if stamped:
            return stamped[0]
        variable = f"variables.{self._key_variable}"
        query = f"{variable}={literal(key, operation)}^ORDERBYsys_created_on^ORDERBYsys_id"
        fields = ["sys_id", "number", "request", "state", "stage", "approval", "correlation_id", variable]
        rows, _ = self._tables.page("sc_req_item", query, operation, fields=fields, limit=20)
        ours = self._ours("sc_req_item", rows, variable, key, operation)
        return ours[0] if ours else None

    def _order(
        self, item: str, requested_for: str, variables: Mapping[str, str], key: str, quantity: int, operation: str
    ) -> Record:
        path = f"/api/sn_sc/servicecatalog/items/{sys_id(item, operation)}"
        shown = self._tables.call("GET", path, operation)
        known = {value_of(variable.get("name")) for variable in _dict(shown).get("variables") or []}
        if self._key_variable not in known:
            sentence = (
                f"the catalogue item has no variable named {self._key_variable}: add it (single line text, hidden) so "
                "that an order whose answer was lost can be found again"
            )
            raise Refused(SYSTEM, operation, sentence, code="no_key_variable")
        body = {
            "sysparm_quantity": str(quantity),
            "sysparm_requested_for": sys_id(requested_for, operation),
            "variables": {**variables, self._key_variable: key},
        }
        placed = _dict(self._tables.call("POST", path + "/order_now", operation, body=body))
        request = value_of(placed.get("request_id") or placed.get("sys_id"))
        if not request and placed.get("cart_id"):
            sentence = "the instance uses the two-step checkout: switch the catalogue to one step for this user"
            raise Refused(SYSTEM, operation, sentence, code="two_step_checkout")
        if not request:
            raise Unclear(SYSTEM, operation, "the order was taken, but its number did not come back")
        query = f"request={sys_id(request, operation)}^ORDERBYsys_created_on^ORDERBYsys_id"
        rows, _ = self._tables.page("sc_req_item", query, operation, limit=2)
        records = [Record.of("sc_req_item", row) for row in rows]
        mine = [record for record in records if record.get("request") == request]
        if not mine:
            raise Unclear(SYSTEM, operation, "the order was taken, but its requested item is not visible yet")
        return mine[0]

    # -- notes, people, approvals, files ------------------------------------------------------------------------

    def add_note(
        self, table: str, record_id: str, text: str, effect_key: str, *, for_caller: bool = False
    ) -> NoteAdded | NoteAlreadyThere:
        """Append a work note (or a comment the caller sees) once: the key stands in its last line and is looked for."""
        operation = "add note"
        element = "comments" if for_caller else "work_notes"
        query = f"element_id={sys_id(record_id, operation)}^valueLIKE{literal(effect_key, operation)}"
        rows, _ = self._tables.page("sys_journal_field", query, operation, limit=50)
        for row in rows:
            if value_of(row.get("element_id")) == record_id and f"[{effect_key}]" in value_of(row.get("value")):
                return NoteAlreadyThere()
        self._tables.patch(table, record_id, {element: f"{text}\n[{effect_key}]"}, operation)
        return NoteAdded()

    def find_person(self, email: str) -> str | None:
        """The sys_id of the one active user with this address; None when there is none or more than one."""
        operation = "find person"
        try:
            query = f"email={literal(email, operation)}^active=true"
        except Refused:
            return None
        rows, _ = self._tables.page("sys_user", query, operation, fields=["sys_id", "email"], limit=2)
        wanted = email.casefold()
        found = [value_of(row.get("sys_id")) for row in rows if value_of(row.get("email")).casefold() == wanted]
        return found[0] if len(rows) == 1 and found else None

    def approvals(self, table: str, record_id: str) -> list[Approval]:
        """Approvals that ServiceNow asks for on a record; for a requested item those of its request too."""
        operation = "read approvals"
        about = {sys_id(record_id, operation)}
        if table == "sc_req_item":
            request = self.read(table, record_id).get("request")
            about |= {sys_id(request, operation)} if request else set()
        query = f"sysapprovalIN{','.join(sorted(about))}^ORDERBYsys_created_on^ORDERBYsys_id"
        rows, _ = self._tables.page("sysapproval_approver", query, operation)
        records = [Record.of("sysapproval_approver", row) for row in rows]
        return [
            Approval(record.sys_id, record.get("state"), record.get("approver"), record.updated_at)
            for record in records
            if record.get("sysapproval") in about
        ]

    def catalogue_item(self, item: str) -> CatalogueItem:
        """An active catalogue item as an order would meet it: for the doctor. Raises NotFound."""
        operation = "read catalogue item"
        shown = _dict(self._tables.call("GET", f"/api/sn_sc/servicecatalog/items/{sys_id(item, operation)}", operation))
        names = frozenset(value_of(_dict(one).get("name")) for one in shown.get("variables") or [])
        return CatalogueItem(item, value_of(shown.get("name")), self._key_variable in names)

    def attach(self, table: str, record_id: str, file_name: str, content: bytes, content_type: str) -> Attachment:
        """Attach a file once per name: each upload makes a new attachment, so the name is looked for before."""
        operation = "attach file"
        record = sys_id(record_id, operation)
        name = literal(file_name, operation)
        params = {"sysparm_query": f"table_sys_id={record}^file_name={name}", "sysparm_limit": "20"}
        for row in self._tables.call("GET", "/api/now/attachment", operation, params=params) or []:
            if value_of(row.get("table_sys_id")) == record and value_of(row.get("file_name")) == file_name:
                return Attachment(value_of(row.get("sys_id")), file_name, already_there=True)
        where = {"table_name": table_name(table, operation), "table_sys_id": record, "file_name": file_name}
        made = self._tables.call(
            "POST", "/api/now/attachment/file", operation, params=where, data=content, content_type=content_type
        )
        return Attachment(value_of(_dict(made).get("sys_id")), file_name, already_there=False)

    def close(self) -> None:
        self._tables.close()

    @staticmethod
    def _ours(table: str, rows: list[Row], field: str, key: str, operation: str) -> list[Record]:
        """The rows that hold the key. Others prove that the instance ignored the condition; then nothing is certain."""
        records = [Record.of(table, row) for row in rows]
        if any(record.get(field).casefold() != key.casefold() for record in records):
            sentence = (
                f"the instance ignores a search by {field}; let the integration user read that field and set the "
                "property glide.invalid_query.returns_no_rows to true"
            )
            raise Refused(SYSTEM, operation, sentence, code="query_ignored")
        return [record for record in records if record.get(field) == key]


def _check_key(key: str, operation: str) -> None:
    literal(key, operation)
    if len(key) > KEY_LIMIT:
        raise Refused(SYSTEM, operation, f"the correlation id is longer than {KEY_LIMIT}", code="long_key")


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
