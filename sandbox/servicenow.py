"""A ServiceNow instance on loopback: Table API, service catalogue, OAuth, attachments, webhooks, and its bad days."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.server import StandIn
from sandbox.servicenow_attachments import AttachmentApi
from sandbox.servicenow_auth import Auth
from sandbox.servicenow_catalog import Catalog
from sandbox.servicenow_control import Control
from sandbox.servicenow_faults import BadDays
from sandbox.servicenow_records import Instance, Refused
from sandbox.servicenow_rules import install as install_rules
from sandbox.servicenow_schema import Table, standard_tables
from sandbox.servicenow_seed import (
    add_catalog_item,
    add_choice,
    add_group,
    add_user,
    seed_defaults,
    set_property,
)
from sandbox.servicenow_table import TableApi
from sandbox.servicenow_webhook import WebhookSender
from sandbox.store import Store
from sandbox.traffic import Traffic

__all__ = [
    "ServiceNow", "add_catalog_item", "add_choice", "add_group", "add_user", "create_servicenow", "set_property",
]  # fmt: skip


class ServiceNow(StandIn):
    """The stand-in with its parts within reach: rows, accounts and switches, orders, acts of people over there."""

    instance: Instance
    auth: Auth
    catalog: Catalog
    control: Control
    webhook: WebhookSender

    def stop(self) -> None:
        super().stop()
        self.webhook.stop()


def create_servicenow(
    store: Store,
    clock: SandboxClock,
    traffic: Traffic,
    faults: Faults | None = None,
    port: int = 0,
    *,
    users: dict[str, dict[str, Any]],
    oauth: dict[str, dict[str, Any]],
    extra_tables: tuple[Table, ...] = (),
) -> ServiceNow:
    """Build the instance; call `start()` on it.

    `users` maps a user name to {"password", "roles"}; `oauth` a client id to {"secret", "user", "scope"}, where a
    client without `user` cannot use client credentials and `scope` is `useraccount` unless told.
    `extra_tables` come from `servicenow_schema.extra_table`.
    """
    faults = faults or Faults()
    tables = standard_tables() | {table.name: table for table in extra_tables}
    instance = Instance(store, clock, faults, tables)
    install_rules(instance)
    auth = Auth(instance, users, oauth)
    catalog = Catalog(instance, auth)
    seed_defaults(instance, users)
    app = Flask("sandbox.servicenow")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _install_errors(app)
    auth.install(app)
    TableApi(instance, auth).install(app)
    catalog.install(app)
    AttachmentApi(instance, auth).install(app)
    control = Control(instance, auth, traffic)
    control.install(app)
    BadDays(instance, auth).install(app)
    standin = ServiceNow("servicenow", app, clock=clock, traffic=traffic, faults=faults, port=port, sentence=_sentence)
    standin.instance, standin.auth, standin.catalog, standin.control = instance, auth, catalog, control
    standin.webhook = WebhookSender(instance, auth, traffic)
    return standin


def _sentence(exchange: Request, status: int) -> str:
    """“opened RITM0010042 for Ana Lindqvist · ServiceNow answered 201”."""
    said = exchange.environ.get("sandbox.said") or f"called {exchange.path}"
    return f"{said} · ServiceNow " + (f"answered {status}" if status else "hung up")


def _install_errors(app: Flask) -> None:
    def refused(error: Refused) -> Response:
        body = {"error": {"message": error.message, "detail": error.detail}, "status": "failure"}
        answer = jsonify(body)
        answer.status_code = error.status
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = 'BASIC realm="Service-now"'
        return answer

    def unknown(error: HTTPException) -> Response:
        if error.code == 404:
            return refused(Refused(400, "Requested URI does not represent any resource"))
        return refused(Refused(error.code or 500, error.name, error.description))

    app.register_error_handler(Refused, refused)
    app.register_error_handler(HTTPException, unknown)
