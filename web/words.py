"""Words and small pieces of HTML that the pages share; finished Slack messages become HTML here.

A message is written once, for Slack. The web shows the same one: escaped text stays escaped, date tokens become `time`
elements, and whatever looks like markup in what somebody typed stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from licensing.business_time import zone_of
from licensing.words import weekday

_STATUS = {
    "draft": "not sent yet",
    "awaiting_approval": "waiting for a decision",
    "approved": "approved",
    "waiting_for_seat": "in the queue",
    "fulfilling": "seat on its way",
    "fulfilled": "ready",
    "denied": "not approved",
    "withdrawn": "withdrawn",
    "expired": "closed without an answer",
    "failed": "waits for a person",
}
_TOKEN = re.compile(r"<!date\^(\d{1,12})\^[^|<>]*\|([^<>]*)>|<(https?://[^|<>\s]+)(?:\|([^<>]*))?>|\*([^*\n]+)\*")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def status_words(status: str) -> str:
    """Where a request stands, for a person."""
    return _STATUS.get(status, status.replace("_", " "))


def instant(at: datetime, zone: str = "UTC") -> Markup:
    """A moment in a zone, as a `time` element; the page names the zone once."""
    local = at.astimezone(zone_of(zone))
    return Markup('<time datetime="{}">{}, {}</time>').format(
        at.astimezone(UTC).isoformat(timespec="seconds"), weekday(local.date()), f"{local:%H:%M}"
    )


def zone_words(zone: str) -> str:
    """ "Times are in Europe/Stockholm." """
    known: ZoneInfo = zone_of(zone)
    return f"Times are in {known.key.replace('_', ' ')}."


def html(mrkdwn: str, zone: str = "UTC") -> Markup:
    """Finished mrkdwn as HTML: dates, links, bold and line breaks; everything else is text."""
    made, last = Markup(""), 0
    for found in _TOKEN.finditer(mrkdwn):
        made += _text(mrkdwn[last : found.start()])
        stamp, _, url, label, bold = found.groups()
        if stamp:
            made += instant(datetime.fromtimestamp(int(stamp), UTC), zone)
        elif url:
            address = _plain(url)
            made += Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, _plain(label or url))
        else:
            made += Markup("<strong>{}</strong>").format(html(bold, zone))
        last = found.end()
    return made + _text(mrkdwn[last:])


def _plain(escaped: str) -> str:
    for entity, character in _ENTITIES:
        escaped = escaped.replace(entity, character)
    return escaped


def _text(escaped: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in _plain(escaped).split("\n"))


def pieces(blocks: Sequence[Mapping[str, Any]], zone: str = "UTC") -> list[tuple[str, Any]]:
    """Blocks as (kind, content) for the template: heading, text, quote, facts, small. Buttons are left out."""
    found: list[tuple[str, Any]] = []
    for block in blocks:
        kind = block.get("type")
        if kind == "header":
            found.append(("heading", block["text"]["text"]))
        elif kind == "context":
            found += [("small", html(element["text"], zone)) for element in block["elements"] if "text" in element]
        elif kind == "section":
            if "text" in block:
                typed = block["text"]["type"] == "plain_text"
                words = block["text"]["text"]
                found.append(("quote", words) if typed else ("text", html(words, zone)))
            pairs = [field["text"].partition("\n") for field in block.get("fields", ())]
            if pairs:
                found.append(("facts", [(_plain(label.strip("*")), html(value, zone)) for label, _, value in pairs]))
    return found


def buttons(blocks: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The buttons of a message by action."""
    return {
        element["action_id"]: dict(element)
        for block in blocks
        if block.get("type") == "actions"
        for element in block["elements"]
        if element.get("type") == "button"
    }
