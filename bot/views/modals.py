"""Windows: their frame, and the small ones that only say something. The forms are in `forms.py` and `request_modal.py`.

`private_metadata` carries which row a window speaks of and nothing else; rights are checked again when it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from bot.ids import Block as Field
from bot.ids import Callback, Ref
from bot.views import text as t
from bot.views.text import Block, Element
from workflows.refusals import Refusal

TITLE_LIMIT = 24
WORDS_LIMIT = 2000


def modal(
    callback: Callback,
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str = "",
    close: str = "",
    ref: Ref | None = None,
    metadata: Mapping[str, Any] | None = None,
    notify: bool = False,
) -> Element:
    """A window; `submit` is required as soon as there is something to fill in. `ref`: the row it speaks of."""
    made: Element = {
        "type": "modal",
        "callback_id": callback.value,
        "title": _plain(title, TITLE_LIMIT),
        "close": _plain(close or ("Cancel" if submit else "Close"), TITLE_LIMIT),
        "blocks": list(blocks)[:100],
    }
    if submit:
        made["submit"] = _plain(submit, TITLE_LIMIT)
    carried = ({"ref": str(ref)} if ref is not None else {}) | dict(metadata or {})
    if carried:
        made["private_metadata"] = json.dumps(carried, ensure_ascii=False, separators=(",", ":"))[:3000]
    if notify:
        made["notify_on_close"] = True
    return made


def shown(title: str, *blocks: Block, close: str = "Close") -> Element:
    """A window with nothing to send."""
    return modal(Callback.SHOWN, title, blocks, close=close)


def nothing_changed(words: str) -> Element:
    """Why a press or a form changed nothing; `words` as mrkdwn."""
    return shown("Nothing changed", t.section(words))


def said(words: str, title: str = "Done") -> Element:
    """What happened, in one sentence; `words` as mrkdwn."""
    return shown(title, t.section(words), close="Done")


def refused(refusal: Refusal) -> str:
    """The sentence of a refusal for mrkdwn: names escaped, instants as date tokens."""
    instants: list[datetime] = []

    def mark(at: datetime) -> str:
        instants.append(at)
        return f"\x00{len(instants) - 1}\x00"

    words = t.escape(refusal.say(mark))
    for number, at in enumerate(instants):
        words = words.replace(f"\x00{number}\x00", t.instant(at))
    return words


# Fields


def field(
    block: Field | str,
    label: str,
    element: Element,
    *,
    hint: str = "",
    optional: bool = False,
    dispatch: bool = False,
) -> Block:
    """`I`: one thing to fill in. The block id may end in ":…" so that a changed field starts afresh."""
    made: Block = {"type": "input", "block_id": str(block), "label": _plain(label, 2000), "element": element}
    if hint:
        made["hint"] = _plain(hint, 2000)
    if optional:
        made["optional"] = True
    if dispatch:
        made["dispatch_action"] = True
    return made


def words_field(
    name: Field, label: str, *, least: int = 0, most: int = WORDS_LIMIT, hint: str = "", optional: bool = False
) -> Block:
    """Room for sentences."""
    return field(name, label, text_input(name, multiline=True, least=least, most=most), hint=hint, optional=optional)


def text_input(
    name: Field,
    *,
    initial: str = "",
    multiline: bool = False,
    least: int = 0,
    most: int = WORDS_LIMIT,
    placeholder: str = "",
) -> Element:
    made: Element = {"type": "plain_text_input", "action_id": name.value, "max_length": most}
    if multiline:
        made["multiline"] = True
    if least:
        made["min_length"] = least
    if initial:
        made["initial_value"] = initial[:most]
    if placeholder:
        made["placeholder"] = _plain(placeholder, 150)
    return made


def number_input(name: Field, least: int, most: int, initial: int | None = None) -> Element:
    made: Element = {
        "type": "number_input",
        "action_id": name.value,
        "is_decimal_allowed": False,
        "min_value": str(least),
        "max_value": str(most),
    }
    if initial is not None:
        made["initial_value"] = str(min(max(initial, least), most))
    return made


def date_input(name: Field, initial: date | None = None) -> Element:
    made: Element = {"type": "datepicker", "action_id": name.value}
    if initial is not None:
        made["initial_date"] = initial.isoformat()
    return made


def person_input(name: Field, initial: str = "", placeholder: str = "") -> Element:
    made: Element = {"type": "users_select", "action_id": name.value}
    if initial:
        made["initial_user"] = initial
    if placeholder:
        made["placeholder"] = _plain(placeholder, 150)
    return made


def people_input(name: Field, most: int) -> Element:
    return {"type": "multi_users_select", "action_id": name.value, "max_selected_items": most}


def choices(
    name: Field, options: Mapping[str, str], *, initial: str = "", kind: str = "radio_buttons", placeholder: str = ""
) -> Element:
    """Radio buttons or a short list, label by value."""
    entries = [option(value, label) for value, label in options.items()]
    made: Element = {"type": kind, "action_id": name.value, "options": entries}
    chosen = next((entry for entry in entries if entry["value"] == initial), None)
    if chosen is not None:
        made["initial_option"] = chosen
    if placeholder and kind != "radio_buttons":
        made["placeholder"] = _plain(placeholder, 150)
    return made


def option(value: str, label: str, description: str = "") -> Element:
    made: Element = {"text": _plain(t.one_line(label) or "–", 75), "value": value}
    if description:
        made["description"] = _plain(description, 75)
    return made


def today_of(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _plain(text: str, limit: int) -> Element:
    return {"type": "plain_text", "text": t.cut(text, limit) or "–", "emoji": False}
