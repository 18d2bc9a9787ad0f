"""The chart of a message: uploaded once per state of its data, and words in its place where that is not allowed."""

from __future__ import annotations

from dataclasses import replace

import structlog
from sqlalchemy import update

from bot.cards import CardRow
from bot.views import text as t
from bot.views.text import Message, Picture
from integrations.errors import Refused
from integrations.slack import SlackClient
from model.requests import Card
from model.session import Database

log = structlog.get_logger(__name__)

#: Where a card keeps its chart: the key of the data drawn, and Slack's id of the file ("" for: not allowed).
PICTURE = "picture"
INSTEAD = "Chart: open in dashboard"


def with_picture(database: Database, slack: SlackClient, card: CardRow, message: Message) -> Message:
    """The message as it can be sent: with the file of its chart, uploading it first where it is new."""
    if message.picture is None:
        return message
    kept = card.facts.get(PICTURE) or {}
    file_id = str(kept["file"]) if kept.get("key") == message.picture.key else _upload(slack, message.picture)
    if kept.get("key") != message.picture.key:
        facts = {**card.facts, PICTURE: {"key": message.picture.key, "file": file_id}}
        with database.unit_of_work() as work:
            work.connection.execute(update(Card).where(Card.id == card.id).values(facts=facts))
            work.commit()
    blocks = [_filled(block, message.picture, file_id) for block in message.blocks]
    return replace(message, blocks=blocks)


def _upload(slack: SlackClient, picture: Picture) -> str:
    """Slack's id of the file; "" where the app may not upload."""
    try:
        return slack.upload_picture(f"{picture.name}.png", picture.draw(), picture.alt)
    except Refused as refused:
        if refused.fatal or refused.code not in ("missing_scope", "not_allowed_token_type", "upload_refused"):
            raise
        log.warning("a chart is left out", reason=refused.code)
        return ""


def _filled(block: t.Block, picture: Picture, file_id: str) -> t.Block:
    if block.get("type") != "image" or block.get("slack_file") != {"id": picture.key}:
        return block
    return {**block, "slack_file": {"id": file_id}} if file_id else t.context(INSTEAD)
