"""Groups and their members, and the apps with the permissions they hold.

The trap this file exists for: DELETE on a member **without** `/$ref` deletes the person from the directory, not the
membership. Microsoft documents it; here it really happens.
"""

from __future__ import annotations

import re

from flask import Flask, Response, request

from sandbox import graph_query as query
from sandbox.graph_directory import GROUP, USER, iso, stable_id
from sandbox.graph_errors import GRAPH_APP_ID, bad_request, denied, gone, known_permissions, role_id
from sandbox.graph_http import Context, answer, as_of, json_body, metadata, no_content
from sandbox.graph_licensing import member_changed
from sandbox.graph_users import next_link, read_skip_token, skip_token
from sandbox.store import Document

_REFERENCE = re.compile(r"https?://[^/]+/(?:v1\.0|beta)/(?:directoryObjects|users|groups)/(?P<id>[^/?]+)")
_GROUP_DEFAULT = (
    "id",
    "displayName",
    "description",
    "groupTypes",
    "mailEnabled",
    "securityEnabled",
    "isAssignableToRole",
    "membershipRule",
    "onPremisesSyncEnabled",
    "createdDateTime",
)


def install(app: Flask, context: Context) -> None:
    directory = context.directory

    @app.get("/v1.0/groups/<group_id>")
    def group(group_id: str) -> Response:
        context.require("groups")
        shown = _show_group(_group(context, group_id))
        return answer({"@odata.context": metadata("groups/$entity")} | shown)

    @app.get("/v1.0/groups/<group_id>/members")
    def members(group_id: str) -> Response:
        context.require("members")
        keys = list(_group(context, group_id)["members"])
        names = query.selected(frozenset({"@odata.type"}))
        raw = request.args.get("$top", "100")
        if not raw.isdigit() or not 1 <= int(raw) <= 999:
            raise bad_request(f"Invalid page size specified: '{raw}'. Must be between 1 and 999 inclusive.")
        start = read_skip_token(keys)
        page = keys[start : start + int(raw)]
        body = {
            "@odata.context": metadata("directoryObjects"),
            "value": [shown for key in page if (shown := _show_member(context, key, names)) is not None],
        }
        if start + len(page) < len(keys):
            body["@odata.nextLink"] = next_link(skip_token(start + len(page), page[-1]), f"/groups/{group_id}/members")
        return answer(body, units=3)

    @app.post("/v1.0/groups/<group_id>/members/$ref")
    def add_member(group_id: str) -> Response:
        context.require("members.write")
        context.write_conflict()
        member = _referenced(context)
        with directory.store.lock:
            changed = _writable(_group(context, group_id))
            if member in changed["members"]:
                text = "One or more added object references already exist for the following modified properties"
                raise bad_request(f"{text}: 'members'.")
            changed["members"].append(member)
            directory.write(GROUP, changed)
            if directory.store.get(USER, member) is not None:  # a nested group licenses nobody
                member_changed(directory, changed, member)
        return no_content()

    @app.delete("/v1.0/groups/<group_id>/members/<member_id>/$ref")
    def remove_member(group_id: str, member_id: str) -> Response:
        context.require("members.write")
        context.write_conflict()
        with directory.store.lock:
            changed = _writable(_group(context, group_id))
            member = _member(context, member_id)
            if member not in changed["members"]:
                raise gone(member_id)
            changed["members"].remove(member)
            directory.write(GROUP, changed)
            member_changed(directory, changed, member)
        return no_content()

    @app.delete("/v1.0/groups/<group_id>/members/<member_id>")
    def delete_member_object(group_id: str, member_id: str) -> Response:
        """The documented catastrophe: the person is gone, with every seat."""
        context.require("members.destroy")
        with directory.store.lock:
            member = _member(context, member_id)
            if member not in _group(context, group_id)["members"]:
                raise gone(member_id)
            directory.delete_user(member)
        return no_content()

    @app.get("/v1.0/servicePrincipals")
    def service_principals() -> Response:
        context.require("apps")
        found = re.fullmatch(r"appId eq '([^']+)'", request.args.get("$filter", ""))
        if found is None:
            raise bad_request("The stand-in finds service principals by $filter=appId eq '…'.", "BadRequest")
        rows = [row for row in _principals(context) if row["appId"].lower() == found[1].lower()]
        return answer({"@odata.context": metadata("servicePrincipals"), "value": rows})

    @app.get("/v1.0/servicePrincipals/<principal_id>")
    def service_principal(principal_id: str) -> Response:
        context.require("apps")
        return answer({"@odata.context": metadata("servicePrincipals/$entity")} | _principal(context, principal_id))

    @app.get("/v1.0/servicePrincipals/<principal_id>/appRoleAssignments")
    def app_role_assignments(principal_id: str) -> Response:
        context.require("apps")
        principal = _principal(context, principal_id)
        rows = [
            {
                "id": stable_id(f"assignment {principal['id']} {role}"),
                "createdDateTime": iso(context.clock.now()),
                "appRoleId": role_id(role),
                "principalDisplayName": principal["displayName"],
                "principalId": principal["id"],
                "principalType": "ServicePrincipal",
                "resourceDisplayName": "Microsoft Graph",
                "resourceId": stable_id(f"principal {GRAPH_APP_ID}"),
            }
            for role in context.tokens.clients.get(principal["appId"], {}).get("roles", ())
        ]
        return answer({"@odata.context": metadata("appRoleAssignments"), "value": rows})


def _group(context: Context, group_id: str) -> Document:
    found = context.directory.seen(GROUP, group_id.lower(), as_of())
    if found is None:
        raise gone(group_id)
    return found


def _show_group(group: Document) -> Document:
    raw = request.args.get("$select")
    names = [name.strip() for name in raw.split(",")] if raw else list(_GROUP_DEFAULT)
    shown: Document = {"id": group["id"]}
    for name in names:
        if name == "assignedLicenses":
            shown[name] = group["licences"]
        elif name in group and name not in ("licences", "members"):
            shown[name] = group[name]
        else:
            text = f"Could not find a property named '{name}' on type 'microsoft.graph.group'."
            raise bad_request(text, "BadRequest")
    return shown


def _show_member(context: Context, key: str, names: list[str] | None) -> Document | None:
    user = context.directory.seen(USER, key, as_of())
    if user is not None:
        return {"@odata.type": "#microsoft.graph.user"} | query.show(user, names)
    nested = context.directory.seen(GROUP, key, as_of())
    if nested is None:
        return None
    return {"@odata.type": "#microsoft.graph.group", "id": nested["id"], "displayName": nested["displayName"]}


def _member(context: Context, member_id: str) -> str:
    """A member is addressed by object id only, never by user principal name."""
    key = member_id.lower()
    if context.directory.store.get(USER, key) is None and context.directory.store.get(GROUP, key) is None:
        raise gone(member_id)
    return key


def _referenced(context: Context) -> str:
    body = json_body()
    reference = body.get("@odata.id") if isinstance(body, dict) else None
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found is None:
        raise bad_request("Invalid URL format specified in payload.", "BadRequest")
    return _member(context, found["id"])


def _writable(group: Document) -> Document:
    if "DynamicMembership" in group["groupTypes"]:  # wording ours
        raise bad_request("Members of a group with dynamic membership cannot be changed by this operation.")
    if group["onPremisesSyncEnabled"]:
        raise bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
            "currently undergoing migration."
        )
    if group["isAssignableToRole"]:
        raise denied()
    return group


def _principals(context: Context) -> list[Document]:
    roles = [{"id": role_id(name), "value": name, "isEnabled": True} for name in known_permissions()]
    own = [
        {
            "id": stable_id(f"principal {client}"),
            "appId": client,
            "displayName": str(facts.get("name", "Seatkeeper")),
            "servicePrincipalType": "Application",
            "appRoles": [],
        }
        for client, facts in context.tokens.clients.items()
    ]
    graph = {
        "id": stable_id(f"principal {GRAPH_APP_ID}"),
        "appId": GRAPH_APP_ID,
        "displayName": "Microsoft Graph",
        "servicePrincipalType": "Application",
        "appRoles": roles,
    }
    return [*own, graph]


def _principal(context: Context, principal_id: str) -> Document:
    for row in _principals(context):
        if row["id"].lower() == principal_id.lower():
            return row
    raise gone(principal_id)
