"""How words become Slack blocks: escaping, names, dates, cuts on whole graphemes, buttons that ears can tell apart.

Free text has no safe place in mrkdwn (`*`, `_`, `~` and the backquote cannot be escaped), so whatever a person or a
vendor typed goes through `typed()`; everything else through `escape()`. Limits are Slack's, counted in UTF-16 units,
the strictest way of counting; nothing is ever cut inside a grapheme or an entity.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import grapheme

from bot.ids import Action, Ref
from licensing.words import MONTHS, and_more, day, first_name, isolate, joined, ordinal, plural, weekday

__all__ = [
    "Block", "Element", "Message", "Picture", "accessibility", "actions", "and_more", "button", "called", "chart",
    "clean", "context", "cut", "day", "dialog", "disarmed", "divider", "escape", "fields", "header", "inert", "instant",
    "joined", "length", "link", "month", "name", "named", "one_line", "ordinal", "overflow", "plain", "plural",
    "section", "sentence", "short_name", "span", "spoken", "typed", "utc", "weekday", "without_pictures",
]  # fmt: skip

Block = dict[str, Any]
Element = dict[str, Any]

TEXT_LIMIT = 1000  # of a message's `text`: readers by ear hear all of it
SECTION_LIMIT = 3000
FIELD_LIMIT = 2000
HEADER_LIMIT = 150
LABEL_LIMIT = 24  # Slack may cut button labels near 30
SPOKEN_LABEL_LIMIT = 75
NAME_LIMIT = 60
SHORT_NAME_LIMIT = 24  # product and person inside an accessibility label
QUOTE_LIMIT = 500

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: marks that turn the writing direction of what follows; a name could flip the rest of the line with one
_DIRECTION_MARKS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])
_PICTURES = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u20e3]")


@dataclass(frozen=True)
class Picture:
    """A chart of a message. `key` names its data: the same key is uploaded once. `draw` makes the PNG, when wanted."""

    key: str
    name: str
    alt: str
    draw: Callable[[], bytes] = field(compare=False)


@dataclass(frozen=True)
class Message:
    """What is sent: `text` says everything for those who hear it, `blocks` show the same."""

    text: str
    blocks: list[Block]
    picture: Picture | None = None  # stands in `blocks` as `chart(picture)`

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a message needs its text: readers by ear hear nothing else")
        object.__setattr__(self, "text", _within_entities(without_pictures(self.text), TEXT_LIMIT))


# Cutting and cleaning


def length(text: str) -> int:
    """Length as the strictest reader of a limit counts it: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """`text` within `limit`, ending in "…" when something was left out; never inside a grapheme."""
    if length(text) <= limit:
        return text
    kept, used = [], 1  # the ellipsis counts
    for one in grapheme.graphemes(text):
        used += length(one)
        if used > limit:
            break
        kept.append(one)
    return "".join(kept).rstrip() + "…"


def escape(text: str, limit: int | None = None) -> str:
    """`text` for mrkdwn: `&`, `<`, `>` as entities, which disarms mentions and forged links.

    `limit` counts the escaped form; the cut falls between entities.
    """
    escaped = "".join(_ENTITIES.get(character, character) for character in text)
    if limit is None or length(escaped) <= limit:
        return escaped
    kept, used = [], 1
    for one in grapheme.graphemes(text):
        form = "".join(_ENTITIES.get(character, character) for character in one)
        used += length(form)
        if used > limit:
            break
        kept.append(form)
    return "".join(kept).rstrip() + "…"


def disarmed(mrkdwn: str) -> str:
    """Finished mrkdwn in which only date tokens and web links keep their angle brackets: no mention can be in it."""
    return "".join(
        run
        if re.fullmatch(r"<(?:!date\^\d+\^|https?://)[^<>]*>", run)
        else run.replace("<", "&lt;").replace(">", "&gt;")
        for run in re.split(r"(<[^<>]*>)", mrkdwn)
    )


def clean(text: str) -> str:
    """Words from outside without control characters and direction marks; line breaks and tabs stay."""
    return _without_controls(text).translate(_DIRECTION_MARKS).strip()


def _without_controls(text: str) -> str:
    """Our own sentences, in which isolates around a name stay."""
    return "".join(
        character for character in text if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs"}
    )


def one_line(text: str) -> str:
    """`clean()` with every run of white space as one space."""
    return " ".join(clean(text).split())


def name(full: str, limit: int = NAME_LIMIT) -> str:
    """A name of a person, product or team to put into a sentence: cut, and isolated when it runs right to left.

    Not yet escaped: see `named()` for mrkdwn.
    """
    short = cut(one_line(full), limit) or "(no name)"
    return isolate(short)


def named(full: str, limit: int = NAME_LIMIT) -> str:
    """`name()` for mrkdwn and for a message's `text`.

    Signs that would format are shown by look-alikes: mrkdwn knows no escape for them, and a name stands in bold often.
    """
    return inert(name(full, limit))


def called(full: str) -> str:
    """`short_name()` for mrkdwn."""
    return inert(short_name(full))


def inert(text: str, limit: int | None = None) -> str:
    """Words of a person or a vendor inside a sentence of ours: escaped, and nothing in them formats."""
    return escape(_FORMATTING.sub(lambda found: _LOOK_ALIKE[found[0]], text), limit)


_LOOK_ALIKE = {"*": "\u2217", "~": "\u223c", "`": "\u02cb", "_": "\u02cd"}
#: An underscore between letters formats nothing, and product names have them.
_FORMATTING = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])")


def short_name(full: str) -> str:
    """The short form on a button or in a second mention ("Remind Ben"). Not yet escaped."""
    return name(first_name(one_line(full)), 16)


def without_pictures(text: str) -> str:
    """`text` without emoji, which a screen reader would read aloud at length; kept when nothing else would be left."""
    if not _PICTURES.search(text):
        return text
    spoken = "".join(one for one in grapheme.graphemes(text) if not _PICTURES.search(one))
    return re.sub(r"  +", " ", spoken).strip() or text


def _within_entities(text: str, limit: int) -> str:
    """Cut escaped text so that no entity and no date token is broken."""
    if length(text) <= limit:
        return text
    kept, used = [], 1
    for piece in _pieces(text):
        used += length(piece)
        if used > limit:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"


def _pieces(text: str) -> Iterator[str]:
    """What must not be split: tokens and links in angle brackets, entities, graphemes."""
    for run in re.split(r"(<[^<>]*>|&(?:amp|lt|gt);)", text):
        if run[:1] == "<" or run[:1] == "&":
            yield run
        else:
            yield from grapheme.graphemes(run)


# Time


def month(on: date) -> str:
    """ "Feb 2026"."""
    return f"{MONTHS[on.month - 1]} {on.year}"


def span(began: date, ended: date) -> str:
    """ "from Feb to May 2026", the year said once when it is the same."""
    if (began.year, began.month) == (ended.year, ended.month):
        return f"in {month(began)}"
    start = MONTHS[began.month - 1] if began.year == ended.year else month(began)
    return f"from {start} to {month(ended)}"


def instant(at: datetime) -> str:
    """An instant as a date token: each reader sees it in their own zone, with a UTC fallback. mrkdwn and `text` only.

    Documented form: `<!date^unix^tokens|fallback>` (docs.slack.dev, formatting message text).
    """
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{utc(at)}>"


def utc(at: datetime) -> str:
    """ "Tue 24 Nov 2026, 13:00 UTC": the fallback of a date token, and for places that take no token."""
    at = at.astimezone(UTC)
    return f"{weekday(at.date())}, {at:%H:%M} UTC"


# Words


def sentence(text: str) -> str:
    """First letter large, full stop at the end; nothing becomes nothing."""
    text = text.strip()
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?:…”" else text + "."


def spoken(*parts: str, quote: str = "", after: Sequence[str] = ()) -> str:
    """A message's `text` out of sentences, mrkdwn already escaped. `quote`, unescaped, is cut to the room that is left.

    So the facts, the question and the deadline are always there; only what somebody typed is shortened.
    """
    said, tail = " ".join(part for part in parts if part), " ".join(part for part in after if part)
    room = TEXT_LIMIT - length(said) - length(tail) - 5
    quoted = escape(one_line(quote), min(QUOTE_LIMIT, room)) if quote and room > 20 else ""
    return " ".join(part for part in (said, f"“{quoted}”." if quoted else "", tail) if part)


# Blocks


def header(text: str) -> Block:
    """`H`: plain text, cut at Slack's limit."""
    return {"type": "header", "text": _plain(" ".join(_without_controls(text).split()), HEADER_LIMIT)}


def section(mrkdwn: str, accessory: Element | None = None) -> Block:
    """`S`: mrkdwn that was escaped where its parts came from."""
    block: Block = {"type": "section", "text": _mrkdwn(mrkdwn, SECTION_LIMIT)}
    return block | ({"accessory": accessory} if accessory else {})


def typed(text: str, limit: int = QUOTE_LIMIT) -> Block:
    """`P`: what a person or a vendor typed, in quotation marks, where nothing in it can become a mention or a link."""
    return {"type": "section", "text": _plain(f"“{cut(clean(text), limit)}”", SECTION_LIMIT)}


def plain(text: str) -> Block:
    """`P` without quotation marks."""
    return {"type": "section", "text": _plain(clean(text), SECTION_LIMIT)}


def fields(pairs: Iterable[tuple[str, str]]) -> list[Block]:
    """`F`: label in bold and escaped value, two to a row; ten to a section, so more make a second one."""
    texts = [_mrkdwn(f"*{escape(label)}*\n{value}", FIELD_LIMIT) for label, value in pairs if value]
    return [{"type": "section", "fields": texts[start : start + 10]} for start in range(0, len(texts), 10)]


def context(*mrkdwn: str) -> Block:
    """`C`: small print; at most ten pieces, empty ones left out."""
    pieces = [_mrkdwn(piece, 1000) for piece in mrkdwn if piece][:10]
    return {"type": "context", "elements": pieces}


def actions(*elements: Element | None) -> Block:
    """`A`: a row of buttons; those that do not apply are None."""
    return {"type": "actions", "elements": [element for element in elements if element][:25]}


def chart(picture: Picture) -> Block:
    """`G`: the place of a chart; delivery puts the uploaded file there, or words where pictures may not be uploaded."""
    return {"type": "image", "slack_file": {"id": picture.key}, "alt_text": cut(picture.alt, 2000)}


def divider() -> Block:
    return {"type": "divider"}


def link(url: str, label: str) -> str:
    """A mrkdwn link; only web addresses become one, anything else stays words."""
    if not re.fullmatch(r"https?://[^\s<>|]+", url):
        return escape(label)
    return f"<{escape(url)}|{escape(label).replace('|', '¦')}>"


def accessibility(verb: str, product: str = "", person: str = "", *, joined: str = "for") -> str:
    """ "Approve Copilot for Ana Lindqvist": what a button is heard as, so that equal labels can be told apart.

    Product and person are cut to 24, then the whole to 75.
    """
    words = [verb]
    if product:
        words.append(cut(one_line(product), SHORT_NAME_LIMIT))
    if person:
        words += [joined, cut(one_line(person), SHORT_NAME_LIMIT)]
    return cut(" ".join(words), SPOKEN_LABEL_LIMIT)


def button(
    label: str,
    action: Action,
    value: Ref | str = "",
    *,
    heard: str = "",
    style: str | None = None,
    url: str | None = None,
    confirm: Element | None = None,
) -> Element:
    """A button with a label of at most 24 characters and what it is heard as (see `accessibility`)."""
    made: Element = {
        "type": "button",
        "text": {"type": "plain_text", "text": cut(one_line(label), LABEL_LIMIT), "emoji": False},
        "action_id": action.value,
    }
    if str(value):
        made["value"] = str(value)
    if heard:
        made["accessibility_label"] = cut(one_line(heard), SPOKEN_LABEL_LIMIT)
    if style:
        made["style"] = style
    if url:
        made["url"] = url
    if confirm:
        made["confirm"] = confirm
    return made


def overflow(action: Action, options: Mapping[str, str], urls: Mapping[str, str] | None = None) -> Element:
    """A menu of two to five entries, label by value. It has no accessibility label, so never one per row."""
    if not 2 <= len(options) <= 5:
        raise ValueError("an overflow menu has two to five entries")
    entries = [
        {"text": _plain(label, 75), "value": value} | ({"url": urls[value]} if urls and value in urls else {})
        for value, label in options.items()
    ]
    return {"type": "overflow", "action_id": action.value, "options": entries}


def dialog(title: str, text: str, confirm: str, deny: str, *, danger: bool = False) -> Element:
    """`?`: a confirmation that names number and thing. No date tokens: dialogs show them raw."""
    made: Element = {
        "title": _plain(_without_controls(title), 100),
        "text": _plain(_without_controls(text).strip(), 300),
        "confirm": _plain(confirm, 30),
        "deny": _plain(deny, 30),
    }
    return made | ({"style": "danger"} if danger else {})


def _plain(text: str, limit: int) -> Element:
    return {"type": "plain_text", "text": cut(text, limit) or "–", "emoji": False}


def _mrkdwn(text: str, limit: int) -> Element:
    return {"type": "mrkdwn", "text": _within_entities(text, limit) or "–"}
