"""What one person sees in Slack at this moment, as JSON for the demo page and for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.slack_values import Json
from sandbox.slack_views import shown as shown_view
from sandbox.slack_world import World


def screen(world: World, user_id: str) -> Json:
    """Conversations with messages, Home, the stack of modals (top last), toasts and the people of the workspace."""
    change = world.changes.number  # before reading, so that nothing between is missed
    with world.store.lock:
        user = world.user(user_id)
        if user is not None and not user["deleted"]:
            world.direct(user_id)  # the client lists an installed app before its first message
        mine = world.store.where("slack.channel", lambda one: user_id in one["members"])
        places = {one["id"] for one in mine}
        by_channel: dict[str, list[Json]] = {}
        for message in world.store.where(
            "slack.message",
            lambda one: (
                one["channel"] in places and not one.get("deleted") and one.get("ephemeral_for", user_id) == user_id
            ),
        ):
            by_channel.setdefault(message["channel"], []).append(message)
        home = world.home(user_id)
        open_views = [view for one in world.stack(user_id) if (view := world.view(one))]
        return {
            "change": change,
            "now": world.now().isoformat(),
            "user": user,
            "app": {"name": world.app.name, "user_id": world.app.bot_user_id},
            "conversations": [_conversation(world, one, by_channel.get(one["id"], []), user_id) for one in mine],
            "home": shown_view(home) if home else None,
            "modals": [shown_view(view) | {"errors": view["_errors"]} for view in open_views],
            "toasts": (world.store.get("slack.toasts", user_id) or {"toasts": []})["toasts"],
            "people": [
                {k: one[k] for k in ("id", "name", "real_name", "email", "tz", "title", "deleted")}
                for one in world.store.all("slack.user")
            ],
        }


def _conversation(world: World, channel: Json, messages: list[Json], user_id: str) -> Json:
    messages = sorted(messages, key=lambda one: float(one["ts"]))
    read = float((world.store.get("slack.read", f"{user_id}:{channel['id']}") or {"ts": 0})["ts"])
    replies: dict[str, list[Json]] = {}
    for message in messages:
        if message.get("thread_ts") and message["thread_ts"] != message["ts"]:
            replies.setdefault(message["thread_ts"], []).append(_message(world, message, []))
    top = [
        _message(world, one, replies.get(one["ts"], []))
        for one in messages
        if one.get("thread_ts") in (None, one["ts"]) or one.get("reply_broadcast") or one.get("ephemeral_for")
    ]
    return {
        "id": channel["id"],
        "name": world.app.name if channel["kind"] == "im" else channel["name"],
        "kind": channel["kind"],
        "unread": sum(float(one["ts"]) > read for one in messages),
        "messages": top,
    }


def _message(world: World, message: Json, replies: list[Json]) -> Json:
    at = datetime.fromtimestamp(float(message["ts"]), UTC).isoformat()
    return {
        "channel": message["channel"],
        "ts": message["ts"],
        "at": at,
        "user": message["user"],
        "from": world.app.name
        if message["user"] == world.app.bot_user_id
        else (world.user(message["user"]) or {"real_name": message["user"]})["real_name"],
        "text": message["text"],
        "blocks": message["blocks"],
        "ephemeral": bool(message.get("ephemeral_for")),
        "thread_ts": message.get("thread_ts"),
        "edited": "edited" in message,
        "updated_at": message.get("updated_at"),
        "updates": len(message["history"]),
        "replies": replies,
        "reply_broadcast": bool(message.get("reply_broadcast")),
    }


def mark_read(world: World, user_id: str, channel_id: str) -> None:
    """Everything in the channel so far counts as read by this person."""
    world.store.put("slack.read", f"{user_id}:{channel_id}", {"ts": world.next_ts()})
