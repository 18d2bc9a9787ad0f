"""The demo's and the tests' side door, under /_sandbox: see the records, act as a person over there, add faults."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, Response, jsonify, request

from sandbox.faults import COMMON_KINDS, Fault
from sandbox.servicenow_auth import Auth
from sandbox.servicenow_catalog import CANCELLED, COMPLETE, ENDED, INCOMPLETE, SKIPPED, WAITING, WORKING
from sandbox.servicenow_faults import OWN_KINDS
from sandbox.servicenow_records import Actor, Instance, Refused, Row, as_text
from sandbox.servicenow_rules import CANCELED, CLOSED, IN_PROGRESS, RESOLVED
from sandbox.traffic import Traffic

OUTCOMES = ("complete", "incomplete", "skipped", "cancelled", "approve", "reject_approval")
_END = {"complete": COMPLETE, "incomplete": INCOMPLETE, "skipped": SKIPPED, "cancelled": SKIPPED}
_JOURNAL_SHOWN = 5


class Control:
    """Routes and, for tests in the same process, the same acts as methods."""

    def __init__(self, instance: Instance, auth: Auth, traffic: Traffic) -> None:
        self._instance, self._auth, self._traffic = instance, auth, traffic

    def install(self, app: Flask) -> None:
        for path, view, methods in (
            ("state", self._state, ["GET"]),
            ("resolve", self._resolve, ["POST"]),
            ("reopen", self._reopen, ["POST"]),
            ("edit", self._edit, ["POST"]),
            ("delete", self._delete, ["POST"]),
            ("faults", self._faults, ["GET", "POST", "DELETE"]),
            ("traffic", self._exchanges, ["GET"]),
            ("settings", self._settings, ["GET", "POST"]),
        ):
            app.add_url_rule(f"/_sandbox/{path}", f"sandbox_{path}", view, methods=methods)

    # -- acting as a person ----------------------------------------------------------------------------------------

    def agent(self, user_name: str = "admin") -> Actor:
        """A person over there with every role; Refused 404 when nobody has this name."""
        rows = self._instance.find("sys_user", user_name=user_name)
        if not rows:
            raise Refused(404, "Nobody over there has this name", user_name)
        return Actor(user_name, rows[0]["sys_id"], frozenset({"admin"}))

    def resolve(self, key: str, outcome: str, note: str = "", by: str = "admin") -> Row:
        """Bring a task to an end, or decide an approval, the way a person there does it. Returns the row."""
        if outcome not in OUTCOMES:
            raise Refused(400, "Unknown outcome", f"one of {', '.join(OUTCOMES)}")
        table, row = self._located(key)
        agent = self.agent(by)
        with self._instance.store.lock:
            if outcome in ("approve", "reject_approval"):
                self._decide(table, row, outcome, note, agent)
            elif table == "incident":
                self._end_incident(row, outcome, note, agent)
            elif table == "sc_req_item":
                self._end_item(row, outcome, note, agent)
            elif table == "sc_request":
                for item in self._instance.find("sc_req_item", request=row["sys_id"]):
                    if item["state"] not in ENDED:
                        self._end_item(item, outcome, note, agent)
            else:
                self._instance.update(table, row["sys_id"], {"state": _END[outcome], "comments": note}, agent)
        return self._instance.get(table, row["sys_id"]) or row

    def _end_incident(self, row: Row, outcome: str, note: str, agent: Actor) -> None:
        if row["state"] in (RESOLVED, CLOSED, CANCELED):
            raise Refused(409, "Already ended", row["number"])
        codes = list(self._instance.choices("incident", "close_code"))
        code = "Solution provided" if outcome == "complete" else "No resolution provided"
        values = {
            "state": CANCELED if outcome == "cancelled" else RESOLVED,
            "close_code": code if code in codes else codes[0],
            "close_notes": note or "Closed by the service desk.",
            "comments": note,
        }
        self._instance.update("incident", row["sys_id"], values, agent)

    def _end_item(self, row: Row, outcome: str, note: str, agent: Actor) -> None:
        if row["state"] in ENDED:
            raise Refused(409, "Already ended", row["number"])
        if outcome != "cancelled" and row["stage"] == WAITING:
            raise Refused(409, "Waits for approval first", row["number"])
        update = self._instance.update
        if note:
            row = update("sc_req_item", row["sys_id"], {"comments": note}, agent)
        if outcome == "cancelled":
            update("sc_req_item", row["sys_id"], {"stage": CANCELLED, "state": INCOMPLETE}, agent)
            return
        for task in self._instance.find("sc_task", request_item=row["sys_id"]):
            if task["state"] not in ENDED:
                update("sc_task", task["sys_id"], {"state": _END[outcome]}, agent)
        fresh = self._instance.get("sc_req_item", row["sys_id"]) or row
        if fresh["state"] not in ENDED:
            update("sc_req_item", row["sys_id"], {"state": _END[outcome]}, agent)

    def _decide(self, table: str, row: Row, outcome: str, note: str, agent: Actor) -> None:
        order = row["sys_id"] if table == "sc_request" else row.get("request", "")
        asked = self._instance.find("sysapproval_approver", sysapproval=order, state="requested") if order else []
        if not asked:
            raise Refused(409, "No approval is open", row["number"])
        values = {"state": "approved" if outcome == "approve" else "rejected", "comments": note}
        for ask in asked:
            self._instance.update("sysapproval_approver", ask["sys_id"], values, agent)
        if note:
            self._instance.update(table, row["sys_id"], {"comments": note}, agent)

    def reopen(self, key: str, note: str = "", by: str = "admin") -> Row:
        """Put an ended record back to work."""
        table, row = self._located(key)
        agent = self.agent(by)
        ended = (RESOLVED, CLOSED, CANCELED) if table == "incident" else ENDED
        if row["state"] not in ended:
            raise Refused(409, "Still open", row["number"])
        with self._instance.store.lock:
            values = {"state": IN_PROGRESS if table == "incident" else WORKING, "comments": note}
            fresh = self._instance.update(table, row["sys_id"], values, agent)
            if table == "sc_req_item":
                for task in self._instance.find("sc_task", request_item=row["sys_id"]):
                    self._instance.update("sc_task", task["sys_id"], {"state": WORKING}, agent)
        return fresh

    def _located(self, key: str) -> tuple[str, Row]:
        found = self._instance.locate(key)
        if found is None:
            raise Refused(404, "No such record", key)
        return found

    # -- seeing ----------------------------------------------------------------------------------------------------

    def records(self) -> list[dict[str, Any]]:
        """Every task in words, newest first."""
        self._instance.sweep()
        rows = sorted(self._instance.rows("task"), key=lambda r: (r["sys_created_on"], r["number"]), reverse=True)
        return [self._in_words(row) for row in rows]

    def _in_words(self, row: Row) -> dict[str, Any]:
        table = row["sys_class_name"]

        def named(field: str, kind: str) -> str:
            other = self._instance.get(kind, row.get(field, "")) if row.get(field) else None
            return str(other["name"]) if other else ""

        def word(field: str) -> str:
            value = str(row.get(field, ""))
            return self._instance.choices(table, field).get(value, value)

        request_row = self._instance.get("sc_request", row.get("request", "")) if row.get("request") else None
        asked = self._instance.find("sysapproval_approver", sysapproval=row.get("request") or row["sys_id"])
        journal = self._instance.journal(row["sys_id"])[-_JOURNAL_SHOWN:]
        return {
            "table": table, "sys_id": row["sys_id"], "number": row["number"], "state": row["state"],
            "short_description": row["short_description"], "state_word": word("state"), "stage": row.get("stage", ""),
            "stage_word": word("stage"), "approval": row["approval"], "approval_word": word("approval"),
            "priority": row.get("priority", ""), "active": row["active"] == "true",
            "person": named("requested_for", "sys_user") or named("caller_id", "sys_user"),
            "assignment_group": named("assignment_group", "sys_user_group"),
            "assigned_to": named("assigned_to", "sys_user"), "correlation_id": row["correlation_id"],
            "request": request_row["number"] if request_row else "", "variables": row.get("_variables", {}),
            "approvals": [{"approver": self._name(ask["approver"]), "state": ask["state"]} for ask in asked],
            "journal": [
                {"at": e["sys_created_on"], "by": e["sys_created_by"], "kind": e["element"], "text": e["value"]}
                for e in journal
            ],
            "close_code": row.get("close_code", ""), "close_notes": row.get("close_notes", ""),
            "opened_at": row["opened_at"], "updated_at": row["sys_updated_on"], "updated_by": row["sys_updated_by"],
        }  # fmt: skip

    def _name(self, sys_id: str) -> str:
        row = self._instance.get("sys_user", sys_id)
        return str(row["name"]) if row else sys_id

    # -- routes ----------------------------------------------------------------------------------------------------

    def _asked(self) -> tuple[str, dict[str, Any]]:
        body = request.get_json(silent=True) or {}
        return str(body.get("number") or body.get("sys_id") or ""), body

    def _state(self) -> Response:
        return jsonify({"now": self._instance.now(), "records": self.records(), "settings": self._auth.settings()})

    def _resolve(self) -> Response:
        key, body = self._asked()
        note, by = as_text(body.get("note")), as_text(body.get("by")) or "admin"
        return jsonify({"record": self._in_words(self.resolve(key, as_text(body.get("outcome")), note, by))})

    def _reopen(self) -> Response:
        key, body = self._asked()
        row = self.reopen(key, as_text(body.get("note")), as_text(body.get("by")) or "admin")
        return jsonify({"record": self._in_words(row)})

    def _edit(self) -> Response:
        """Any change a person makes: {number, values, by}."""
        key, body = self._asked()
        table, row = self._located(key)
        if not isinstance(body.get("values"), dict):
            raise Refused(400, "Nothing to change", "values must be an object")
        agent = self.agent(as_text(body.get("by")) or "admin")
        return jsonify({"record": self._in_words(
            self._instance.update(table, row["sys_id"], body["values"], agent)
        )})  # fmt: skip

    def _delete(self) -> Response:
        key, _ = self._asked()
        table, row = self._located(key)
        self._instance.delete(table, row["sys_id"], self.agent())
        return jsonify({"deleted": row["number"]})

    def _faults(self) -> Response:
        faults = self._instance.faults
        if request.method == "POST":
            body = request.get_json(silent=True) or {}
            if body.get("kind") not in COMMON_KINDS | OWN_KINDS:
                raise Refused(400, "Unknown kind of fault", f"one of {', '.join([*COMMON_KINDS, *OWN_KINDS])}")
            return jsonify({"id": faults.add(_fault(body))})
        if request.method == "DELETE":
            if number := request.args.get("id", type=int):
                faults.remove(number)
            else:
                faults.clear()
        return jsonify({"faults": faults.listed(), "kinds": COMMON_KINDS | OWN_KINDS})

    def _exchanges(self) -> Response:
        since = request.args.get("since", 0, type=int)
        return jsonify({"traffic": self._traffic.since(since, "servicenow")})

    def _settings(self) -> Response:
        if request.method == "POST":
            try:
                self._auth.change(**(request.get_json(silent=True) or {}))
            except KeyError as unknown:
                raise Refused(400, "Unknown setting", str(unknown.args[0])) from None
        return jsonify(self._auth.settings())


def _fault(body: dict[str, Any]) -> Fault:
    """A rule from JSON; Refused 400 when it could never match or count."""
    try:
        return Fault(
            kind=str(body["kind"]),
            method=re.compile(str(body.get("method") or ".*")).pattern,
            path=re.compile(str(body.get("path") or ".*")).pattern,
            times=int(body["times"]) if body.get("times") is not None else None,
            probability=float(body.get("probability", 1.0)),
            parameters=dict(body.get("parameters") or {}),
        )
    except (TypeError, ValueError, re.error) as wrong:
        raise Refused(400, "This fault cannot be understood", str(wrong)) from None
