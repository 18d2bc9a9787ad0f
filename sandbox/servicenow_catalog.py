"""The service catalogue: an order becomes a request, a requested item and, once nothing stands against it, a task.

An order above the item's threshold (1,000 dollars as delivered) waits for an approver over there first.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Flask, Response, jsonify, request

from sandbox.servicenow_auth import Auth
from sandbox.servicenow_records import SYSTEM, Actor, Instance, Refused, Row, as_text, not_found
from sandbox.servicenow_schema import stable_id
from sandbox.servicenow_table import check_headers, json_body, said

OPEN, WORKING, COMPLETE, INCOMPLETE, SKIPPED = "1", "2", "3", "4", "7"
ENDED = (COMPLETE, INCOMPLETE, SKIPPED)
WAITING, FULFILMENT, CANCELLED = "waiting_for_approval", "fulfillment", "Request Cancelled"
_END_STAGE = {COMPLETE: "complete", INCOMPLETE: "closed_incomplete", SKIPPED: "complete"}
MAX_QUANTITY = 10


class Catalog:
    """Orders and what follows from them."""

    def __init__(self, instance: Instance, auth: Auth) -> None:
        self._instance, self._auth = instance, auth
        instance.rules["sc_req_item"].before.append(self._item_before)
        instance.rules["sc_req_item"].after.append(self._item_after)
        instance.rules["sc_task"].before.append(_task_before)
        instance.rules["sc_task"].after.append(self._task_after)
        instance.rules["sysapproval_approver"].after.append(self._approver_after)

    def install(self, app: Flask) -> None:
        for version in ("", "v1/"):
            base = f"/api/sn_sc/{version}servicecatalog/items"
            app.add_url_rule(base, f"{version}catalog_items", self._items, methods=["GET"])
            app.add_url_rule(f"{base}/<sys_id>", f"{version}catalog_item", self._item, methods=["GET"])
            app.add_url_rule(f"{base}/<sys_id>/order_now", f"{version}order_now", self._order_now, methods=["POST"])

    # -- over HTTP -------------------------------------------------------------------------------------------------

    def _begin(self, *, writes: bool) -> Actor:
        actor = self._auth.actor()
        self._auth.check_scope(actor)
        check_headers(writes=writes)
        return actor

    def _items(self) -> Response:
        said("listed the service catalogue")
        self._begin(writes=False)
        wanted = request.args.get("sysparm_text", "").lower()
        rows = [row for row in self._instance.find("sc_cat_item", active="true") if wanted in row["name"].lower()]
        return jsonify({"result": [_shown_item(row) for row in rows]})

    def _item(self, sys_id: str) -> Response:
        said("read a catalogue item")
        self._begin(writes=False)
        return jsonify({"result": _shown_item(self._catalogue_item(sys_id))})

    def _catalogue_item(self, sys_id: str) -> Row:
        item = self._instance.get("sc_cat_item", sys_id)
        if item is None or item["active"] != "true":
            raise not_found()
        return item

    def _order_now(self, sys_id: str) -> Response:
        said("tried to order from the catalogue")
        actor = self._begin(writes=True)
        item = self._catalogue_item(sys_id)
        body = json_body()
        variables = body.get("variables") or {}
        if not isinstance(variables, dict):
            raise Refused(400, "Invalid variables", "variables must be an object")
        quantity = _quantity(body.get("sysparm_quantity", "1"))
        person = self._requested_for(body, actor)
        if self._instance.fault("two_step_checkout", "POST", "sc_request"):
            said(f"put {item['name']} into the cart: this instance wants a second step")
            return jsonify({"result": {"cart_id": stable_id("sc_cart", actor.user_name)}})
        texts = {name: as_text(value) for name, value in variables.items()}
        order, requested = self.order(actor, item, quantity, person, texts)
        said(f"opened {requested['number']} for {person['name']}")
        return jsonify({
            "result": {
                "sys_id": order["sys_id"], "number": order["number"], "request_number": order["number"],
                "request_id": order["sys_id"], "parent_id": None, "parent_table": "task", "table": "sc_request",
            }
        })  # fmt: skip

    def _requested_for(self, body: Row, actor: Actor) -> Row:
        key = as_text(body["sysparm_requested_for"]) if "sysparm_requested_for" in body else actor.sys_id
        person = self._instance.get("sys_user", key)
        if person is None or person["active"] != "true":
            raise Refused(400, "Invalid value for sysparm_requested_for", f"No active user with sys_id '{key}'")
        return person

    # -- the order -------------------------------------------------------------------------------------------------

    def order(self, actor: Actor, item: Row, quantity: int, person: Row, variables: dict[str, str]) -> tuple[Row, Row]:
        """Place an order; returns the request and its requested item. Refused 400 for a missing variable."""
        known = {variable["name"]: variable for variable in item.get("_variables", [])}
        missing = [name for name, variable in known.items() if variable["mandatory"] and not variables.get(name)]
        if missing:
            raise Refused(400, "Mandatory Variables are required", ", ".join(missing))
        kept = {name: value for name, value in variables.items() if name in known}
        total = Decimal(item["price"]) * quantity
        waits = total > Decimal(item["_approval_above"])
        instance = self._instance
        copied = {target: kept[name] for name, target in item.get("_copies", {}).items() if name in kept}
        approval = "requested" if waits else "approved"
        with instance.store.lock:
            common = {"requested_for": person["sys_id"], "short_description": item["short_description"] or item["name"]}
            order = instance.insert("sc_request", {
                **common, "price": str(total), "approval": approval, "stage": "requested",
                "request_state": "requested" if waits else "in_process",
            }, actor)  # fmt: skip
            requested = instance.insert("sc_req_item", {
                **common, **copied, "request": order["sys_id"], "cat_item": item["sys_id"], "price": item["price"],
                "quantity": str(quantity), "approval": approval, "stage": WAITING if waits else FULFILMENT,
                "assignment_group": item.get("_group", ""),
            }, actor, hidden={"_variables": kept})  # fmt: skip
            if waits:
                self._ask(order, requested, item, person)
            else:
                self._open_tasks(requested)
            return order, instance.get("sc_req_item", requested["sys_id"]) or requested

    def _ask(self, order: Row, requested: Row, item: Row, person: Row) -> None:
        admin = stable_id("sys_user", "admin")
        approver = item.get("_approver") or person.get("manager") or admin
        self._instance.insert("sysapproval_approver", {
            "sysapproval": order["sys_id"], "document_id": requested["sys_id"], "source_table": "sc_request",
            "approver": approver, "state": "requested",
        }, SYSTEM)  # fmt: skip

    def _open_tasks(self, requested: Row) -> None:
        item = self._instance.get("sc_cat_item", requested["cat_item"]) or {}
        for text in item.get("_tasks", []):
            self._instance.insert("sc_task", {
                "request": requested["request"], "request_item": requested["sys_id"], "parent": requested["sys_id"],
                "short_description": text, "assignment_group": requested["assignment_group"], "state": OPEN,
            }, SYSTEM)  # fmt: skip

    # -- what follows ----------------------------------------------------------------------------------------------

    def _item_before(self, row: Row, old: Row | None, actor: Actor) -> None:
        if old is None:
            return
        if row["state"] in ENDED and old["state"] not in ENDED:
            row["active"], row["closed_at"], row["closed_by"] = "false", self._instance.now(), actor.sys_id
            if row["stage"] not in (CANCELLED, "closed_incomplete"):
                row["stage"] = _END_STAGE[row["state"]]
        elif row["state"] not in ENDED and old["state"] in ENDED:
            row["active"], row["closed_at"], row["closed_by"], row["stage"] = "true", "", "", FULFILMENT

    def _item_after(self, row: Row, old: Row | None, actor: Actor) -> None:
        if old is None or row["state"] == old["state"]:
            return
        instance = self._instance
        if row["state"] in ENDED:
            for task in instance.find("sc_task", request_item=row["sys_id"]):
                if task["state"] not in ENDED:
                    instance.update("sc_task", task["sys_id"], {"state": SKIPPED}, SYSTEM)
            for ask in instance.find("sysapproval_approver", sysapproval=row["request"], state="requested"):
                instance.update("sysapproval_approver", ask["sys_id"], {"state": "cancelled"}, SYSTEM)
        self._settle_request(row["request"])

    def _task_after(self, row: Row, old: Row | None, actor: Actor) -> None:
        if old is None or row["state"] == old["state"]:
            return
        instance = self._instance
        requested = instance.get("sc_req_item", row["request_item"])
        if requested is None or requested["state"] in ENDED:
            return
        states = {task["state"] for task in instance.find("sc_task", request_item=requested["sys_id"])}
        if states <= set(ENDED):
            end = INCOMPLETE if INCOMPLETE in states else COMPLETE if COMPLETE in states else SKIPPED
            instance.update("sc_req_item", requested["sys_id"], {"state": end}, actor)
        elif requested["state"] == OPEN:
            instance.update("sc_req_item", requested["sys_id"], {"state": WORKING}, actor)

    def _settle_request(self, request_id: str) -> None:
        instance = self._instance
        order = instance.get("sc_request", request_id)
        if order is None:
            return
        items = instance.find("sc_req_item", request=request_id)
        values = {"state": OPEN, "active": "true", "request_state": "in_process", "stage": "requested"}
        if all(item["state"] in ENDED for item in items):
            worst = INCOMPLETE if any(item["state"] == INCOMPLETE for item in items) else COMPLETE
            word = "closed_complete" if worst == COMPLETE else "closed_incomplete"
            if any(item["stage"] == CANCELLED for item in items):
                word = "closed_cancelled"
            if any(item["approval"] == "rejected" for item in items):
                word = "closed_rejected"
            values = {"state": worst, "active": "false", "request_state": word, "stage": word}
        elif order["approval"] == "requested":
            values["request_state"] = "requested"
        instance.update("sc_request", request_id, values, SYSTEM)

    def _approver_after(self, row: Row, old: Row | None, actor: Actor) -> None:
        if old is None or row["state"] == old["state"] or row["state"] not in ("approved", "rejected"):
            return
        instance = self._instance
        order = instance.get("sc_request", row["sysapproval"])
        if order is None or order["approval"] != "requested":
            return
        asked = instance.find("sysapproval_approver", sysapproval=order["sys_id"])
        if row["state"] == "approved" and any(ask["state"] == "requested" for ask in asked):
            return
        instance.update("sc_request", order["sys_id"], {"approval": row["state"]}, SYSTEM)
        for requested in instance.find("sc_req_item", request=order["sys_id"]):
            if row["state"] == "approved":
                values = {"approval": "approved", "stage": FULFILMENT}
                self._open_tasks(instance.update("sc_req_item", requested["sys_id"], values, SYSTEM))
            else:
                values = {"approval": "rejected", "stage": "closed_incomplete", "state": INCOMPLETE}
                instance.update("sc_req_item", requested["sys_id"], values, SYSTEM)
        self._settle_request(order["sys_id"])


def _task_before(row: Row, old: Row | None, actor: Actor) -> None:
    row["active"] = "false" if row["state"] in ENDED else "true"


def _quantity(value: Any) -> int:
    try:
        quantity = Decimal(as_text(value) or "1")
    except InvalidOperation:
        quantity = Decimal(0)
    if quantity != int(quantity) or not 1 <= quantity <= MAX_QUANTITY:
        raise Refused(400, "Invalid quantity", f"sysparm_quantity must be a whole number from 1 to {MAX_QUANTITY}")
    return int(quantity)


def _shown_item(item: Row) -> dict[str, Any]:
    return {
        "sys_id": item["sys_id"], "name": item["name"], "short_description": item["short_description"],
        "description": item["description"], "type": "catalog_item", "price": f"${Decimal(item['price']):,.2f}",
        "mandatory_attachment": False, "request_method": "order", "max_quantity": MAX_QUANTITY,
        "variables": [
            {
                "name": variable["name"], "label": variable["label"], "mandatory": variable["mandatory"], "value": "",
                "friendly_type": "single_line_text", "read_only": False,
            }
            for variable in item.get("_variables", [])
        ],
    }  # fmt: skip
