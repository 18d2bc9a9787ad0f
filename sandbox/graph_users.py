"""SKUs, subscriptions and people: lists with paging, one person, manager, licence details, assignLicense."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request

from sandbox import graph_query as query
from sandbox.graph_directory import SKU, SUBSCRIPTION, USER, assigned_licences
from sandbox.graph_errors import GraphError, bad_request, denied, gone
from sandbox.graph_http import Context, answer, as_of, json_body, metadata, no_content, root
from sandbox.graph_licensing import assign, reprocess
from sandbox.store import Document

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SKU_PROPERTIES = frozenset(
    "accountId accountName appliesTo capabilityStatus consumedUnits id prepaidUnits servicePlans skuId skuPartNumber "
    "subscriptionIds".split()
)


def show_sku(context: Context, sku: Document) -> Document:
    """A subscribedSku as Graph shows it."""
    key = str(sku["id"]).lower()
    return {
        "accountName": "sandbox",
        "accountId": context.tenant_id,
        "appliesTo": sku["appliesTo"],
        "capabilityStatus": sku["capabilityStatus"],
        "consumedUnits": context.directory.consumed(key, as_of()),
        "id": f"{context.tenant_id}_{sku['id']}",
        "prepaidUnits": sku["prepaid"],
        "servicePlans": sku["servicePlans"],
        "skuId": sku["id"],
        "skuPartNumber": sku["skuPartNumber"],
        "subscriptionIds": sku["subscriptionIds"],
    }


def next_link(token: str, path: str) -> str:
    """The link to the next page: the caller's own options and an opaque token."""
    options = [(name, value) for name, value in request.args.items() if name != "$skiptoken"]
    query_text = "&".join(f"{name}={quote(value, safe='$,;()=')}" for name, value in [*options, ("$skiptoken", token)])
    return f"{root()}{path}?{query_text}"


def skip_token(position: int, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(["p1", position, key]).encode()).decode().rstrip("=")


def read_skip_token(keys: list[str]) -> int:
    """Where the page begins. The key inside wins over the number, so that people who left do not shift the pages."""
    raw = request.args.get("$skiptoken")
    if raw is None:
        return 0
    try:
        version, position, key = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if version != "p1":
            raise ValueError(version)
        start = int(position)
    except (ValueError, TypeError) as error:
        raise bad_request("The skip token is invalid or has expired.", "Directory_ExpiredPageToken") from error
    for guess in range(min(start, len(keys)) - 1, -1, -1):
        if keys[guess] == key:
            return guess + 1
    return start


def needs_premium(context: Context, names: list[str] | None, text: str = "") -> None:
    """What signInActivity asks for: AuditLog.Read.All, and a tenant with Entra ID P1 or P2."""
    if "signInActivity" not in (names or ()) and "signinactivity" not in text.lower():
        return
    context.require("signin")
    if context.fault("non_premium"):
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )


def install(app: Flask, context: Context) -> None:
    directory = context.directory

    @app.get("/v1.0/subscribedSkus")
    def subscribed_skus() -> Response:
        context.require("skus")
        refused = [name for name in request.args if name.startswith("$") and name != "$select"]
        if refused:
            raise bad_request(f"The query option '{refused[0]}' is not supported for subscribedSkus.", "BadRequest")
        rows = [directory.seen(SKU, str(sku["id"]), as_of()) or sku for sku in directory.store.all(SKU)]
        shown = [show_sku(context, row) for row in rows]
        if "$select" in request.args:
            wanted = {name.strip() for name in request.args["$select"].split(",")}
            if not wanted <= _SKU_PROPERTIES:
                raise bad_request("Parsing OData Select and Expand failed.", "BadRequest")
            shown = [{name: row[name] for name in row if name in wanted or name == "id"} for row in shown]
        return answer({"@odata.context": metadata("subscribedSkus"), "value": shown}, units=3)

    @app.get("/v1.0/directory/subscriptions")
    def subscriptions() -> Response:
        context.require("subscriptions")
        return answer({"@odata.context": metadata("subscriptions"), "value": directory.store.all(SUBSCRIPTION)})

    @app.get("/v1.0/users")
    def users() -> Response:
        return _list_users(context)

    @app.get("/v1.0/users/<user_id>")
    def user(user_id: str) -> Response:
        context.require("users.basic")
        names = query.selected()
        _basic_only(context, names)
        needs_premium(context, names)
        if "signInActivity" in (names or ()) and not _GUID.fullmatch(user_id):
            raise bad_request("Get By Key only supports UserId and the key has to be a valid Guid", "BadRequest")
        found = _found(context, user_id)
        shown = {"@odata.context": metadata("users/$entity")} | query.show(found, names)
        wanted, manager_names = query.expanded_manager(eventual=_eventual())
        if wanted:
            shown |= _manager_of(context, found, manager_names)
        return answer(shown)

    @app.delete("/v1.0/users/<user_id>")
    def delete_user(user_id: str) -> Response:
        context.require("users.delete")
        found = _found(context, user_id)
        directory.delete_user(str(found["id"]).lower())
        return no_content()

    @app.get("/v1.0/users/<user_id>/manager")
    def manager(user_id: str) -> Response:
        context.require("users")
        found = _found(context, user_id)
        shown = _manager_of(context, found, query.selected()).get("manager")
        if shown is None:
            raise gone("manager")
        return answer({"@odata.context": metadata("directoryObjects/$entity")} | shown)

    @app.get("/v1.0/users/<user_id>/licenseDetails")
    def licence_details(user_id: str) -> Response:
        context.require("licences")
        found = _found(context, user_id)
        rows = [_details(context, licence) for licence in assigned_licences(found)]
        name = metadata(f"users('{found['id']}')/licenseDetails")
        return answer({"@odata.context": name, "value": rows}, units=2)

    @app.post("/v1.0/users/<user_id>/assignLicense")
    def assign_licence(user_id: str) -> Response:
        context.require("assign")
        context.write_conflict()
        key = directory.user_key(user_id)
        if key is None:
            raise gone(user_id)
        changed = assign(directory, key, json_body())
        return answer({"@odata.context": metadata("users/$entity")} | query.show(changed, None))

    @app.post("/v1.0/users/<user_id>/reprocessLicenseAssignment")
    def reprocess_licences(user_id: str) -> Response:
        context.require("reprocess")
        context.write_conflict()
        key = directory.user_key(user_id)
        if key is None:
            raise gone(user_id)
        changed = reprocess(directory, key)
        return answer({"@odata.context": metadata("users/$entity")} | query.show(changed, None))


def _list_users(context: Context) -> Response:
    context.require("users.basic")
    eventual = _eventual()
    query.refuse_search()
    names = query.selected()
    _basic_only(context, names)
    filter_text = request.args.get("$filter", "")
    needs_premium(context, names, filter_text)
    query.not_on_collections(names)
    matches = query.filtered(filter_text, eventual=eventual)
    with_manager, manager_names = query.expanded_manager(eventual=eventual)
    size = _page_size(context, names, filter_text)
    directory = context.directory
    keys = directory.user_keys()
    crowd = context.crowd
    everybody = len(keys) + (crowd.size if crowd is not None else 0)
    start = read_skip_token(keys)
    body: dict[str, Any] = {"@odata.context": metadata(f"users({request.args['$select']})" if names else "users")}
    if eventual and request.args.get("$count", "").lower() == "true" and "$skiptoken" not in request.args:
        everyone = (directory.seen(USER, key) for key in keys)
        body["@odata.count"] = sum(1 for one in everyone if one and matches(one)) if matches else everybody
    if context.fault("empty_page"):
        here = keys[start - 1] if 0 < start <= len(keys) else ""
        body["@odata.nextLink"] = next_link(skip_token(start, here), "/users")
        return answer(body | {"value": []}, units=2)
    rows: list[Document] = []
    position = start
    while position < everybody and len(rows) < size:
        if position < len(keys):
            found = directory.seen(USER, keys[position], as_of())
        else:
            found = crowd.person(position - len(keys)) if crowd is not None else None
        position += 1
        if found is None or (matches is not None and not matches(found)):
            continue
        row = query.show(found, names)
        if with_manager:
            row |= _manager_of(context, found, manager_names)
        rows.append(row)
    if position < everybody and not context.fault("cut_short"):
        last = keys[position - 1] if position <= len(keys) else ""
        body["@odata.nextLink"] = next_link(skip_token(position, last), "/users")
    return answer(body | {"value": rows}, units=2)


def _page_size(context: Context, names: list[str] | None, filter_text: str) -> int:
    """$top within 1 to 999; pages of at most 500 people when signInActivity is asked for, whatever $top says."""
    raw = request.args.get("$top")
    if raw is None:
        return context.page_size
    if not raw.isdigit() or not 1 <= int(raw) <= 999:
        text = f"Invalid page size specified: '{raw}'. Must be between 1 and 999 inclusive."
        raise bad_request(text, "Request_UnsupportedQuery")
    slow = "signInActivity" in (names or ()) or "signinactivity" in filter_text.lower()
    return min(int(raw), 500) if slow else int(raw)


def _eventual() -> bool:
    return request.headers.get("ConsistencyLevel", "").lower() == "eventual"


def _basic_only(context: Context, names: list[str] | None) -> None:
    if not context.may("users") and set(names or ()) - query.BASIC:
        raise denied()


def _found(context: Context, user_id: str) -> Document:
    found = context.person(context.directory.user_key(user_id) or user_id)
    if found is None:
        raise gone(user_id)
    return found


def _manager_of(context: Context, user: Document, names: list[str] | None) -> Document:
    """`{"manager": …}`, or nothing for a person without one, as $expand answers."""
    manager = context.person(user["manager"]) if user["manager"] else None
    if manager is None:
        return {}
    return {"manager": {"@odata.type": "#microsoft.graph.user"} | query.show(manager, names)}


def _details(context: Context, licence: Document) -> Document:
    sku = context.directory.store.get(SKU, licence["skuId"].lower()) or {"servicePlans": [], "skuPartNumber": None}
    disabled = {plan.lower() for plan in licence["disabledPlans"]}
    plans = [
        plan | {"provisioningStatus": "Disabled" if plan["servicePlanId"] in disabled else plan["provisioningStatus"]}
        for plan in sku["servicePlans"]
    ]
    identity = base64.urlsafe_b64encode(f"{g.request_id[:8]}{licence['skuId']}".encode()).decode().rstrip("=")
    return {"id": identity, "skuId": licence["skuId"], "skuPartNumber": sku["skuPartNumber"], "servicePlans": plans}
