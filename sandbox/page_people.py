"""Who can be played, what waits for each of them, and what arrived since the clock was last moved."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.blocks_text import elements, render_text
from sandbox.page_world import DemoWorld

Json = dict[str, Any]


def people(world: DemoWorld) -> list[Json]:
    """Everybody, the cast first, with unread messages and cards that wait for an answer."""
    slack = world.slack.world
    roles = {member.user_id: (number, member.role) for number, member in enumerate(world.cast)}
    direct = {one["user"]: one["id"] for one in slack.store.where("slack.channel", lambda c: c["kind"] == "im")}
    owner = {channel: user for user, channel in direct.items()}
    unread: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    read = {
        user: float((slack.store.get("slack.read", f"{user}:{channel}") or {"ts": 0})["ts"])
        for user, channel in direct.items()
    }
    for message in slack.store.where("slack.message", lambda m: m["channel"] in owner and not m.get("deleted")):
        user = owner[message["channel"]]
        if message.get("ephemeral_for", user) != user:
            continue
        unread[user] += float(message["ts"]) > read[user]
        waiting[user] += waits(message)
    return sorted(
        (
            {
                "id": user["id"],
                "name": user["real_name"],
                "title": user["title"],
                "tz": user["tz"],
                "role": roles.get(user["id"], (0, ""))[1],
                "in_cast": user["id"] in roles,
                "left": user["deleted"],
                "unread": unread[user["id"]],
                "waiting": waiting[user["id"]],
            }
            for user in slack.store.all("slack.user")
        ),
        key=lambda one: (not one["in_cast"], roles.get(one["id"], (0,))[0], one["name"]),
    )


def waits(message: Json) -> bool:
    """Whether a card asks for an answer: it has a leading button, or starts by saying so."""
    if message.get("ephemeral_for"):
        return False
    if any(one.get("type") == "button" and one.get("style") == "primary" for _, one in elements(message["blocks"])):
        return True
    if not any(True for _ in elements(message["blocks"])):
        return False
    return any(line.startswith(("*Waiting for you", "*Do you still need")) for line in
               render_text(message["blocks"][:3]).splitlines())  # fmt: skip


def arrived(world: DemoWorld, since_ts: float) -> list[Json]:
    """Messages posted after a time stamp, counted per reader and conversation, readers of the cast first."""
    slack = world.slack.world
    order = {member.user_id: number for number, member in enumerate(world.cast)}
    channels = {one["id"]: one for one in slack.store.all("slack.channel")}
    counted: Counter[tuple[str, str]] = Counter()
    for message in slack.store.where("slack.message", lambda m: float(m["ts"]) > since_ts and not m.get("deleted")):
        channel = channels.get(message["channel"])
        if channel is not None:
            reader = channel["user"] if channel["kind"] == "im" else message.get("ephemeral_for", "")
            counted[reader, channel["id"]] += 1
    rows = []
    for (reader, channel_id), count in counted.items():
        user = slack.user(reader) if reader else None
        rows.append(
            {
                "user": reader,
                "name": user["real_name"] if user else "",
                "channel": channel_id,
                "channel_name": "" if channels[channel_id]["kind"] == "im" else channels[channel_id]["name"],
                "count": count,
            }
        )
    return sorted(rows, key=lambda one: (order.get(one["user"], len(order)), one["name"], one["channel_name"]))
