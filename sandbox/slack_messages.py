"""chat.* and what comes through a response_url: posting, rewriting, deleting, with Slack's refusals."""

from __future__ import annotations

from typing import Any

from sandbox.blocks import validate_message
from sandbox.slack_api import ChannelRate, WebApi, flag, need_scope, refuse, structured
from sandbox.slack_values import Json
from sandbox.slack_world import SlackError, World

UPDATE_TEXT = 4_000


def register(api: WebApi) -> None:
    """Add the chat methods; each takes chat:write except the permalink."""
    rate = ChannelRate()
    api.add("chat.postMessage", lambda world, given: post_message(world, given, rate), "chat:write")
    api.add("chat.update", update, "chat:write")
    api.add("chat.delete", delete, "chat:write")
    api.add("chat.postEphemeral", post_ephemeral, "chat:write")
    api.add("chat.getPermalink", permalink)


def content(arguments: Json, world: World) -> tuple[str, list[Json]]:
    """Text and checked blocks of a message; SlackError for none of both or for faults."""
    blocks = structured(arguments, "blocks", "invalid_blocks_format")
    text = arguments.get("text")
    text = "" if text is None else str(text)
    if not text and not blocks and not arguments.get("attachments"):
        raise SlackError("no_text")
    if blocks:
        refuse(validate_message(blocks, text))
        check_files(world, blocks)
    return text, blocks or []


def check_files(world: World, blocks: list[Json]) -> None:
    """An image block may show a file only when it is a picture that was uploaded to the end; SlackError otherwise."""
    for number, block in enumerate(blocks):
        wanted = (block.get("slack_file") or {}).get("id") if block.get("type") == "image" else None
        known = world.store.get("slack.file", str(wanted)) if wanted else None
        if wanted and (known is None or not known["done"]):
            words = f"slack file {wanted} not found [json-pointer:/blocks/{number}/slack_file]"
            raise SlackError("invalid_blocks", response_metadata={"messages": [f"[ERROR] {words}"]})


def metadata(arguments: Json) -> Json | None:
    """`metadata` of a message, checked for its two parts."""
    found = structured(arguments, "metadata", "invalid_metadata_format")
    if found is None or found == {}:
        return None
    if (
        not isinstance(found, dict)
        or not isinstance(found.get("event_type"), str)
        or not isinstance(found.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_schema")
    return found


def shown(message: Json) -> Json:
    """The message as Slack gives it to apps: without the stand-in's own notes."""
    return {k: v for k, v in message.items() if k not in ("channel", "history", "ephemeral_for", "updated_at")}


def _place(world: World, channel: str) -> Json:
    """Where chat.postMessage may post; a user id opens the direct message itself.

    A post to a deactivated member succeeds and is read by nobody, as seen on the live service
    (slackapi/python-slack-sdk#1156); the setting `refuse_deactivated` makes it fail as conversations.open does.
    """
    person = world.user(channel)
    found = world.direct(channel) if person else world.channel(channel)
    if found is None and person is None:
        name = channel.removeprefix("#")
        found = next((c for c in world.store.all("slack.channel") if c["name"] == name and c["kind"] != "im"), None)
    if person is None and found is not None and found["kind"] == "im":
        person = world.user(found["user"])
    if person is not None and person["deleted"] and world.settings.refuse_deactivated:
        raise SlackError("user_disabled")
    member = found is not None and world.app.bot_user_id in found["members"]
    if found is None or (found["kind"] == "private_channel" and not member):
        raise SlackError("channel_not_found")
    if found["archived"]:
        raise SlackError("is_archived")
    if found["kind"] == "im" and not world.settings.messages_tab_enabled:
        raise SlackError("messages_tab_disabled")
    if not member and "chat:write.public" not in world.app.scopes:
        raise SlackError("not_in_channel")
    return found


def post_message(world: World, arguments: Json, rate: ChannelRate) -> Json:
    if not arguments.get("channel"):
        raise SlackError("channel_not_found")
    place = _place(world, str(arguments["channel"]))
    text, blocks = content(arguments, world)
    thread = arguments.get("thread_ts") or None
    if thread and world.message(place["id"], str(thread)) is None:
        raise SlackError("thread_not_found")
    if world.settings.enforce_channel_rate:
        rate.take(place["id"], world.settings.channel_burst)
    message = world.post(
        place["id"],
        text,
        blocks,
        thread_ts=thread,
        metadata=metadata(arguments),
        reply_broadcast=flag(arguments, "reply_broadcast"),
    )
    return {"channel": place["id"], "ts": message["ts"], "message": shown(message)}


def _own(world: World, arguments: Json, refusal: str) -> Json:
    channel, ts = str(arguments.get("channel") or ""), str(arguments.get("ts") or "")
    if world.channel(channel) is None:
        raise SlackError("channel_not_found")
    message = world.message(channel, ts)
    if message is None or message.get("ephemeral_for"):
        raise SlackError("message_not_found")
    if message["user"] != world.app.bot_user_id:
        raise SlackError(refusal)
    return message


def update(world: World, arguments: Json) -> Json:
    with world.store.lock:
        message = _own(world, arguments, "cant_update_message")
        text, blocks = content(arguments, world)
        if len(text) > UPDATE_TEXT:
            raise SlackError("msg_too_long")
        message = world.rewrite(message, text, blocks, metadata(arguments))
    return {"channel": message["channel"], "ts": message["ts"], "text": text, "message": shown(message)}


def delete(world: World, arguments: Json) -> Json:
    with world.store.lock:
        message = _own(world, arguments, "cant_delete_message")
        world.erase(message)
    return {"channel": message["channel"], "ts": message["ts"]}


def post_ephemeral(world: World, arguments: Json) -> Json:
    channel, user = world.channel(str(arguments.get("channel") or "")), str(arguments.get("user") or "")
    if channel is None:
        raise SlackError("channel_not_found")
    if world.app.bot_user_id not in channel["members"] and "chat:write.public" not in world.app.scopes:
        raise SlackError("not_in_channel")
    person = world.user(user)
    if person is None or person["deleted"] or user not in channel["members"]:
        raise SlackError("user_not_in_channel")
    text, blocks = content(arguments, world)
    message = world.post(channel["id"], text, blocks, ephemeral_for=user, thread_ts=arguments.get("thread_ts") or None)
    return {"message_ts": message["ts"]}


def permalink(world: World, arguments: Json) -> Json:
    channel, ts = str(arguments.get("channel") or ""), str(arguments.get("message_ts") or "")
    if world.channel(channel) is None:
        raise SlackError("channel_not_found")
    if world.message(channel, ts) is None:
        raise SlackError("message_not_found")
    return {
        "channel": channel,
        "permalink": f"https://{world.app.team_domain}.slack.example/archives/{channel}/p{ts.replace('.', '')}",
    }


def answer_command(world: World, body: Any, user: str, channel: str) -> None:
    """What an app sends back in the acknowledgement of a command: text, or a message as JSON."""
    if body in (None, "", {}):
        return
    said: Json = {"text": body} if isinstance(body, str) else body
    text, blocks = content(said, world)
    alone = said.get("response_type") != "in_channel"
    world.post(channel, text, blocks, ephemeral_for=user if alone else None)


def through_response_url(world: World, key: str, body: Json) -> None:
    """A post to a response_url: new, replacing or deleting; SlackError with the status Slack answers."""
    ticket = world.use_response_url(key)
    source = world.message(ticket["channel"], ticket["ts"]) if ticket["ts"] else None
    if flag(body, "delete_original"):
        if source is None:
            raise SlackError("message_not_found", 404)
        return world.erase(source)
    try:
        text, blocks = content(body, world)
    except SlackError as refused:
        raise SlackError(refused.code, 400, **refused.more) from None
    if flag(body, "replace_original"):
        if source is None:
            raise SlackError("message_not_found", 404)
        world.rewrite(source, text, blocks)
        return
    alone = body.get("response_type") != "in_channel"
    world.post(
        ticket["channel"],
        text,
        blocks,
        ephemeral_for=ticket["user"] if alone else None,
        thread_ts=body.get("thread_ts") or ticket["thread_ts"],
    )


__all__ = ["answer_command", "content", "need_scope", "register", "shown", "through_response_url"]
