"""auth.test, users.*, conversations.*, files.* and apps.connections.open."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sandbox.slack_api import WebApi, flag, need_scope, page, structured
from sandbox.slack_files import info
from sandbox.slack_values import Json
from sandbox.slack_world import SlackError, World

_SCOPE_OF = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}


def register(api: WebApi, base_url: Callable[[], str], socket_url: Callable[[], str]) -> None:
    """Add the methods; the two callables are asked late, once the ports are known."""
    api.add("auth.test", auth_test)
    api.add("users.info", users_info, "users:read")
    api.add("users.list", users_list, "users:read")
    api.add("users.lookupByEmail", lookup_by_email, "users:read.email")
    api.add("conversations.list", conversations_list)
    api.add("conversations.info", conversations_info)
    api.add("conversations.members", conversations_members)
    api.add("conversations.open", conversations_open, "im:write")
    api.add("files.getUploadURLExternal", lambda world, given: upload_url(world, given, base_url()), "files:write")
    api.add("files.completeUploadExternal", complete_upload, "files:write")
    api.add("files.info", info(base_url), "files:read")
    api.add("apps.connections.open", lambda world, given: {"url": socket_url()}, app_level=True)


def auth_test(world: World, arguments: Json) -> Json:
    app = world.app
    return {
        "url": f"https://{app.team_domain}.slack.example/",
        "team": app.team_domain,
        "user": app.name.lower(),
        "team_id": app.team_id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def _user(world: World, user: Json) -> Json:
    profile: Json = {"real_name": user["real_name"], "display_name": user["name"], "title": user["title"]}
    if "users:read.email" in world.app.scopes:
        profile["email"] = user["email"]
    shown: Json = {
        "id": user["id"],
        "team_id": world.app.team_id,
        "name": user["name"],
        "deleted": user["deleted"],
        "is_bot": user["id"] == world.app.bot_user_id,
        "is_app_user": False,
        "profile": profile,
    }
    if not user["deleted"]:  # Slack leaves these out for a deactivated member
        shown |= {
            "real_name": user["real_name"],
            "tz": user["tz"],
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_admin": False,
            "is_owner": False,
        }
    return shown


def _bot(world: World) -> Json:
    return {
        "id": world.app.bot_user_id,
        "name": world.app.name.lower(),
        "real_name": world.app.name,
        "email": "",
        "tz": "America/Los_Angeles",
        "title": "",
        "deleted": False,
    }


def users_info(world: World, arguments: Json) -> Json:
    user = str(arguments.get("user") or "")
    found = _bot(world) if user == world.app.bot_user_id else world.user(user)
    if found is None:
        raise SlackError("user_not_found")
    return {"user": _user(world, found)}


def users_list(world: World, arguments: Json) -> Json:
    everybody = [*world.store.all("slack.user"), _bot(world)]
    usual = max(len(everybody), 1) if not arguments.get("limit") and len(everybody) <= 1000 else 100
    some, more = page(everybody, arguments, usual=usual)
    return {
        "members": [_user(world, one) for one in some],
        "response_metadata": more,
        "cache_ts": int(world.now().timestamp()),
    }


def lookup_by_email(world: World, arguments: Json) -> Json:
    wanted = str(arguments.get("email") or "").lower()
    for user in world.store.all("slack.user"):
        if user["email"].lower() == wanted and not user["deleted"]:
            need_scope(world, "users:read")
            return {"user": _user(world, user)}
    raise SlackError("users_not_found")


def _channel(world: World, channel: Json) -> Json:
    kind, member = channel["kind"], world.app.bot_user_id in channel["members"]
    shown: Json = {
        "id": channel["id"],
        "created": channel["created"],
        "is_archived": channel["archived"],
        "is_im": kind == "im",
        "is_mpim": False,
        "context_team_id": world.app.team_id,
    }
    if kind == "im":
        return shown | {
            "user": channel["user"],
            "is_user_deleted": bool((world.user(channel["user"]) or {}).get("deleted")),
        }
    return shown | {
        "name": channel["name"],
        "is_channel": kind == "public_channel",
        "is_group": kind == "private_channel",
        "is_private": kind == "private_channel",
        "is_member": member,
        "num_members": len(channel["members"]),
    }


def _visible(world: World, channel: Json) -> bool:
    return channel["kind"] == "public_channel" or world.app.bot_user_id in channel["members"]


def conversations_list(world: World, arguments: Json) -> Json:
    kinds = [kind.strip() for kind in str(arguments.get("types") or "public_channel").split(",")]
    for kind in kinds:
        if kind not in _SCOPE_OF:
            raise SlackError("invalid_types")
        need_scope(world, _SCOPE_OF[kind])
    chosen = [
        one
        for one in world.store.all("slack.channel")
        if one["kind"] in kinds
        and _visible(world, one)
        and not (one["archived"] and flag(arguments, "exclude_archived"))
    ]
    some, more = page(chosen, arguments)
    return {"channels": [_channel(world, one) for one in some], "response_metadata": more}


def _known(world: World, arguments: Json) -> Json:
    channel = world.channel(str(arguments.get("channel") or ""))
    if channel is None or not _visible(world, channel):
        raise SlackError("channel_not_found")
    need_scope(world, _SCOPE_OF[channel["kind"]])
    return channel


def conversations_info(world: World, arguments: Json) -> Json:
    return {"channel": _channel(world, _known(world, arguments))}


def conversations_members(world: World, arguments: Json) -> Json:
    people = [{"id": one} for one in _known(world, arguments)["members"]]
    some, more = page(people, arguments)
    return {"members": [one["id"] for one in some], "response_metadata": more}


def conversations_open(world: World, arguments: Json) -> Json:
    given = arguments.get("users") or ""
    users = [str(one) for one in given] if isinstance(given, list) else [u for u in str(given).split(",") if u]
    if len(users) != 1:
        raise SlackError("users_list_not_supplied" if not users else "method_not_supported_for_channel_type")
    person = world.user(users[0])
    if person is None:
        raise SlackError("user_not_found")
    if person["deleted"]:
        raise SlackError("user_disabled")
    with world.store.lock:
        before = world.store.get("slack.direct", users[0]) is not None
        channel = world.direct(users[0])
    return {"channel": {"id": channel["id"]}, "no_op": before, "already_open": before}


# -- files -------------------------------------------------------------------------------------------------------------


def upload_url(world: World, arguments: Json, base: str) -> Json:
    try:
        length = int(arguments.get("length") or 0)
    except ValueError:
        length = 0
    if not arguments.get("filename") or length <= 0:
        raise SlackError("invalid_arguments")
    file_id = world.new_id("F0")
    world.store.put(
        "slack.file",
        file_id,
        {
            "id": file_id,
            "name": str(arguments["filename"]),
            "length": length,
            "alt_txt": arguments.get("alt_txt"),
            "received": None,
            "done": False,
        },
    )
    return {"file_id": file_id, "upload_url": f"{base}/upload/v1/{file_id}"}


def receive_file(world: World, file_id: str, content: bytes) -> int:
    """Keep what was uploaded, for whoever may see it; the HTTP status."""
    with world.store.lock:
        known = world.store.get("slack.file", file_id)
        if known is None or known["received"] is not None or len(content) != known["length"]:
            return 400
        world.store.put(
            "slack.file", file_id, known | {"received": len(content), "content": base64.b64encode(content).decode()}
        )
        return 200


def complete_upload(world: World, arguments: Json) -> Json:
    files: Any = structured(arguments, "files", "invalid_arguments")
    if not isinstance(files, list) or not files:
        raise SlackError("invalid_arguments")
    channel = arguments.get("channel_id")
    with world.store.lock:
        done = []
        for one in files:
            known = world.store.get("slack.file", str(one.get("id")))
            if known is None or known["received"] is None:
                raise SlackError("file_not_found")
            known |= {"done": True, "title": one.get("title") or known["name"], "channel": channel}
            done.append(known)
        if channel is not None:
            place = world.channel(str(channel))
            if place is None or world.app.bot_user_id not in place["members"]:
                raise SlackError("channel_not_found")
            names = ", ".join(str(one["title"]) for one in done)
            world.post(
                str(channel),
                str(arguments.get("initial_comment") or f"(file: {names})"),
                [],
                thread_ts=arguments.get("thread_ts"),
                files=[{"id": o["id"], "title": o["title"]} for o in done],
            )
        for known in done:
            world.store.put("slack.file", known["id"], known)
    return {"files": [{"id": one["id"], "title": one["title"]} for one in done]}
