"""What every message must keep, whatever names and words are in it (the checks of the wording guide, as code)."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from bot.views.text import TEXT_LIMIT, Message
from sandbox.blocks import characters, validate_message
from sandbox.blocks_text import elements, render_text

#: Words of specialists and of the code that employees and managers never read.
NEVER = (
    r"entitlement|\belp\b|metric|overuse|reclaim|harvest|revoke|inactive user|\bsku\b|part number|guid\b|"
    r"\w+_for_\w+|awaiting_approval|correlation|catalogue task|violation|unauthori[sz]ed|shadow it|provision|"
    r"\bsync\b|\bjobs?\b|parked|payload|\bdenied\b|\bfulfilled\b"
)
BLAME = r"failed to|invalid|unfortunately|oops|simply|!"
AMERICAN = r"\blicense[sd]?\b|canceled|catalog\b|authorize"
PICTURE = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff]")


def check(message: Message, *, most_blocks: int = 20, most_characters: int = 3000, own_words: bool = True) -> None:
    """Fails with the fault. `own_words` False: names and quotes are hostile, so only the form is checked."""
    assert validate_message(message.blocks, message.text) == []
    assert len(message.blocks) <= most_blocks
    assert characters(message.blocks) <= most_characters, characters(message.blocks)
    assert len(message.text.encode("utf-16-le")) // 2 <= TEXT_LIMIT
    assert not PICTURE.search(message.text) or not own_words
    _no_mention(message)
    _buttons(message)
    if own_words:
        said = render_text(message.blocks) + "\n" + message.text
        without_tokens = re.sub(r"<[^<>]*>", " ", said)
        for pattern in (NEVER, BLAME, AMERICAN):
            found = re.search(pattern, without_tokens, re.IGNORECASE)
            assert not found, f"{found} in {said}"
        assert "below" not in message.text


def _no_mention(message: Message) -> None:
    """Only date tokens and web links of ours have angle brackets where Slack reads them."""
    for text in [message.text, *_mrkdwn(message.blocks)]:
        for token in re.findall(r"<[^<>]*>?", text):
            assert re.fullmatch(
                r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^|<>]+>|<https?://[^<>|]+\|[^<>]+>", token
            ), token
        assert ">" not in re.sub(r"<[^<>]*>", "", text)
        assert not re.search(r"&(?!amp;|lt;|gt;)", text), text


def _mrkdwn(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _mrkdwn(item)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if value.get("type") == "mrkdwn" else []
    return own + [text for item in value.values() for text in _mrkdwn(item)]


def _buttons(message: Message) -> None:
    heard: dict[str, list[str]] = defaultdict(list)
    for _, element in elements(message.blocks):
        if element["type"] != "button":
            continue
        label = element["text"]["text"]
        assert len(label) <= 24, label
        assert "<!date" not in label
        heard[label].append(element.get("accessibility_label", ""))
        assert len(element.get("accessibility_label", "")) <= 75
        if dialog := element.get("confirm"):
            assert "<!date" not in str(dialog)
            assert dialog["confirm"]["text"] not in ("OK", "Yes")
    for label, names in heard.items():
        assert len(set(names)) == len(names), f"{label}: {names}"


def labels(message: Message) -> list[str]:
    """Labels of the buttons, in order."""
    return [element["text"]["text"] for _, element in elements(message.blocks) if element["type"] == "button"]


def element(message: Message, label: str) -> dict[str, Any]:
    """The button with this label."""
    return next(one for _, one in elements(message.blocks) if one["type"] == "button" and one["text"]["text"] == label)


def shown(message: Message) -> str:
    """Everything a reader sees."""
    return render_text(message.blocks)
