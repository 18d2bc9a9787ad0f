"""What an instance is like, for the doctor and for what is looked up once: our own user, groups, choices, rights."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.errors import NotFound, Refused
from integrations.servicenow_tables import Tables, literal, table_name
from integrations.servicenow_types import Choice, value_of

#: A field no table has. A search by it must bring nothing; an instance that ignores what it does not know brings all.
NO_SUCH_FIELD = "seatkeeper_no_such_field"


@dataclass(frozen=True)
class OwnUser:
    """Who we are over there. `time_zone` is empty when the user has none of its own and follows the instance's."""

    sys_id: str
    user_name: str
    time_zone: str


class SetUp:
    """Reads only. Raises the five errors."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def own_user(self) -> OwnUser | None:
        """The integration user's row; None when the instance does not say which it is."""
        operation = "read our own user"
        fields = ("sys_id", "user_name", "time_zone")
        rows, _ = self._tables.page("sys_user", "sys_id=javascript:gs.getUserID()", operation, fields=fields, limit=2)
        if len(rows) != 1:
            return None  # an instance that does not run scripts in queries, or ignores what it cannot read
        row = rows[0]
        return OwnUser(*(value_of(row.get(name)) for name in fields))

    def groups(self, name: str) -> list[str]:
        """The sys_ids of active groups with exactly this name; more than one cannot be told apart."""
        operation = "find group"
        query = f"name={literal(name, operation)}^active=true^ORDERBYsys_id"
        rows, _ = self._tables.page("sys_user_group", query, operation, fields=("sys_id", "name"), limit=3)
        wanted = name.casefold()
        return [value_of(row.get("sys_id")) for row in rows if value_of(row.get("name")).casefold() == wanted]

    def may_read(self, table: str) -> str:
        """Empty when the table can be read; else what the instance says. A sign-in that is dead still raises."""
        try:
            self._tables.page(table_name(table, "try"), "ORDERBYsys_id", f"read {table}", fields=("sys_id",), limit=1)
        except NotFound:
            return "there is no such table"
        except Refused as refused:
            if refused.fatal:
                raise
            return refused.detail
        return ""

    def ignores_what_it_does_not_know(self, table: str = "sys_choice") -> bool:
        """Whether a search by a field that does not exist brings rows (glide.invalid_query.returns_no_rows)."""
        rows, _ = self._tables.page(table, f"{NO_SUCH_FIELD}=x", "try a search", fields=("sys_id",), limit=1)
        return bool(rows)

    def choices(self, table: str, element: str) -> list[Choice]:
        """The active values of a choice field, in the instance's order (close codes differ by release)."""
        operation = "read choices"
        name = table_name(element, operation)
        query = f"name={table_name(table, operation)}^element={name}^inactive=false^ORDERBYsequence^ORDERBYsys_id"
        rows, _ = self._tables.page("sys_choice", query, operation, limit=500)
        return [
            Choice(value_of(row.get("value")), value_of(row.get("label")))
            for row in rows
            if value_of(row.get("name")) == table and value_of(row.get("element")) == element
        ]

    def mandatory(self, table: str) -> frozenset[str]:
        """Fields the dictionary of a task table demands, its parent's included. Raises Refused where it is closed."""
        operation = "read the dictionary"
        query = f"nameINtask,{table_name(table, operation)}^mandatory=true^active=true^ORDERBYsys_id"
        fields = ("name", "element", "mandatory")
        rows, _ = self._tables.page("sys_dictionary", query, operation, fields=fields, limit=500)
        return frozenset(
            value_of(row.get("element"))
            for row in rows
            if value_of(row.get("name")) in ("task", table)
            and value_of(row.get("mandatory")) == "true"
            and value_of(row.get("element"))
        )
