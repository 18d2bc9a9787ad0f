"""The instance's dictionary: tables, their fields, labels, references, choices and who may touch them.

Everything here is what a freshly provisioned instance has (reference: Table API and incident forms). A customer's
instance differs, so choices and properties are rows that a test or a seeder can change, not constants.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

ROW = "sn:"  # prefix of store kinds, so that several stand-ins may share one store
PROPERTY_NO_ROWS = "glide.invalid_query.returns_no_rows"
PROPERTY_AUTOCLOSE = "glide.ui.autoclose.time"

SYSTEM_FIELDS = ("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count")
TASK_FIELDS = (
    "number", "short_description", "description", "state", "active", "priority", "impact", "urgency",
    "assignment_group", "assigned_to", "opened_at", "opened_by", "closed_at", "closed_by", "close_notes",
    "work_notes", "comments", "correlation_id", "correlation_display", "approval", "parent", "contact_type",
    "cmdb_ci", "sys_class_name", "due_date", "company",
)  # fmt: skip
JOURNALS = ("work_notes", "comments")
READ_ONLY = {*SYSTEM_FIELDS, "number", "opened_at", "opened_by", "priority", "closed_at", "closed_by", "resolved_at",
             "resolved_by", "reopen_count", "incident_state", "sys_class_name", "active_calculated"}  # fmt: skip
LENGTHS = {"short_description": 160, "correlation_id": 100, "correlation_display": 100}
DATE_FIELDS = {"sys_created_on", "sys_updated_on", "opened_at", "closed_at", "resolved_at", "due_date", "reopened_time"}


@dataclass(frozen=True)
class Table:
    """One table. `reads`/`writes`/`inserts` are roles, any of which suffices; an empty set lets every signed-in
    user do it; admin may always."""

    name: str
    fields: frozenset[str]
    references: dict[str, str] = field(default_factory=dict)
    display: str = "number"
    prefix: str = ""
    is_task: bool = False
    reads: frozenset[str] = frozenset({"itil"})
    writes: frozenset[str] = frozenset({"itil"})
    deletes: frozenset[str] = frozenset()


_TASK_REFERENCES = {
    "assignment_group": "sys_user_group", "assigned_to": "sys_user", "opened_by": "sys_user", "closed_by": "sys_user",
    "parent": "task",
}  # fmt: skip
_ADMIN = frozenset({"admin"})
_ANY: frozenset[str] = frozenset()


def _task(name: str, prefix: str, more: tuple[str, ...], references: dict[str, str], *roles: str) -> Table:
    return Table(
        name,
        frozenset({*SYSTEM_FIELDS, *TASK_FIELDS, *more}),
        _TASK_REFERENCES | references,
        prefix=prefix,
        is_task=True,
        reads=frozenset({"itil", *roles}),
        writes=frozenset({"itil", *roles}),
    )


def _plain(
    name: str,
    fields: str,
    references: dict[str, str] | None = None,
    display: str = "name",
    *,
    reads: frozenset[str] = _ANY,
    writes: frozenset[str] = _ADMIN,
) -> Table:
    names = frozenset({*SYSTEM_FIELDS, *fields.split()})
    return Table(name, names, references or {}, display, reads=reads, writes=writes)


def standard_tables() -> dict[str, Table]:
    """The tables every instance has, by name."""
    tables = [
        _task(
            "incident",
            "INC",
            (
                "caller_id", "category", "subcategory", "incident_state", "hold_reason", "close_code", "resolved_at",
                "resolved_by", "reopen_count", "severity", "problem_id", "reopened_time",
            ),
            {"caller_id": "sys_user", "resolved_by": "sys_user"},
            "sn_incident_write",
        ),
        _task(
            "sc_request", "REQ", ("requested_for", "price", "request_state", "stage", "special_instructions"),
            {"requested_for": "sys_user"}, "sn_request_write",
        ),
        _task(
            "sc_req_item", "RITM", ("request", "cat_item", "requested_for", "quantity", "price", "stage", "variables"),
            {"request": "sc_request", "cat_item": "sc_cat_item", "requested_for": "sys_user"}, "sn_request_write",
        ),
        _task(
            "sc_task", "SCTASK", ("request", "request_item"),
            {"request": "sc_request", "request_item": "sc_req_item"}, "sn_request_write",
        ),
        _plain(
            "sys_user",
            "user_name name first_name last_name email active manager department title time_zone locked_out "
            "web_service_access_only employee_number",
            {"manager": "sys_user"},
        ),
        _plain("sys_user_group", "name description active manager email", {"manager": "sys_user"}),
        _plain("sys_choice", "name element value label inactive sequence language dependent_value", display="label"),
        _plain(
            "sys_journal_field", "element element_id name value", display="element",
            reads=frozenset({"itil", "sn_incident_write", "sn_request_write"}),
        ),
        _plain(
            "sysapproval_approver", "sysapproval approver state comments source_table document_id due_date",
            {"sysapproval": "task", "approver": "sys_user"}, display="state",
            reads=frozenset({"itil", "approver_user", "sn_request_write"}), writes=frozenset({"approver_user"}),
        ),
        _plain("sys_properties", "name value description type"),
        _plain("sc_cat_item", "name short_description description price active category type"),
        _plain(
            "sys_attachment", "file_name content_type size_bytes table_name table_sys_id download_link hash",
            display="file_name",
        ),
    ]  # fmt: skip
    return {table.name: table for table in tables}


def extra_table(name: str, fields: tuple[str, ...] = ()) -> Table:
    """A customer's own `u_` table that extends task."""
    if not name.startswith("u_"):
        raise ValueError("a table of the customer's own begins with u_")
    return _task(name, name[2:5].upper(), fields, {})


LABELS = {
    "close_code": "Resolution code", "close_notes": "Resolution notes", "hold_reason": "On hold reason",
    "comments": "Additional comments (Customer visible)", "work_notes": "Work notes", "caller_id": "Caller",
    "short_description": "Short description",
}  # fmt: skip

_CATALOG_STATES = (
    ("-5", "Pending"), ("1", "Open"), ("2", "Work in Progress"), ("3", "Closed Complete"), ("4", "Closed Incomplete"),
    ("7", "Closed Skipped"),
)  # fmt: skip
_LEVELS = (("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low"))
_APPROVALS = (
    ("not requested", "Not Yet Requested"), ("requested", "Requested"), ("approved", "Approved"),
    ("rejected", "Rejected"), ("cancelled", "Cancelled"),
)  # fmt: skip
_STAGES = (
    ("waiting_for_approval", "Waiting for Approval"), ("request_approved", "Request Approved"),
    ("fulfillment", "Fulfillment"), ("complete", "Completed"), ("closed_incomplete", "Closed Incomplete"),
    ("Request Cancelled", "Request Cancelled"),
)  # fmt: skip
_PRIORITIES = (("1", "1 - Critical"), ("2", "2 - High"), ("3", "3 - Moderate"), ("4", "4 - Low"), ("5", "5 - Planning"))

DEFAULT_CHOICES: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("incident", "state"): (
        ("1", "New"), ("2", "In Progress"), ("3", "On Hold"), ("6", "Resolved"), ("7", "Closed"), ("8", "Canceled"),
    ),
    ("incident", "hold_reason"): (
        ("1", "Awaiting Caller"), ("5", "Awaiting Change"), ("3", "Awaiting Problem"), ("4", "Awaiting Vendor"),
    ),
    ("incident", "close_code"): tuple((text, text) for text in (
        "Solution provided", "Workaround provided", "Resolved by caller", "Resolved by request", "Duplicate",
        "No resolution provided", "User error", "Known error",
    )),
    ("incident", "category"): (
        ("inquiry", "Inquiry / Help"), ("software", "Software"), ("hardware", "Hardware"), ("network", "Network"),
        ("database", "Database"), ("licensing", "Licensing"),
    ),
    ("incident", "contact_type"): tuple((text, text.capitalize()) for text in (
        "email", "phone", "self-service", "virtual_agent", "walk-in", "integration",
    )),
    ("incident", "impact"): _LEVELS,
    ("incident", "urgency"): _LEVELS,
    ("incident", "priority"): _PRIORITIES,
    ("sc_request", "state"): _CATALOG_STATES,
    ("sc_req_item", "state"): _CATALOG_STATES,
    ("sc_task", "state"): _CATALOG_STATES,
    ("sc_request", "approval"): _APPROVALS,
    ("sc_req_item", "approval"): _APPROVALS,
    ("sc_req_item", "stage"): _STAGES,
    ("sysapproval_approver", "state"): _APPROVALS,
    ("sc_request", "request_state"): (
        ("requested", "Pending Approval"), ("in_process", "Approved"), ("closed_complete", "Closed Complete"),
        ("closed_incomplete", "Closed Incomplete"), ("closed_cancelled", "Closed Cancelled"),
        ("closed_rejected", "Closed Rejected"),
    ),
}  # fmt: skip

DEFAULT_PROPERTIES = {PROPERTY_NO_ROWS: "false", PROPERTY_AUTOCLOSE: "7"}

PRIORITY = {
    ("1", "1"): "1", ("1", "2"): "2", ("2", "1"): "2", ("1", "3"): "3", ("2", "2"): "3", ("3", "1"): "3",
    ("2", "3"): "4", ("3", "2"): "4", ("3", "3"): "5",
}  # fmt: skip


def stable_id(table: str, key: str) -> str:
    """A 32-hex sys_id that is the same at every start, for seeded rows."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox-servicenow/{table}/{key}").hex


def fresh_id() -> str:
    """A sys_id for a row created while running."""
    return uuid.uuid4().hex
