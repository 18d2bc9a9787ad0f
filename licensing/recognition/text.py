"""Raw titles to comparable text: signs without meaning go, the form compared holds letters and digits only."""

from __future__ import annotations

import re
import unicodedata

#: Longest title or publisher that is looked at; an uninstall key may hold any text, and rules must stay quick.
LONGEST = 300

_MARKS = re.compile(r"\((?:r|tm|c|sm)\)", re.I)
_SIGNS = dict.fromkeys(map(ord, "®™©℠\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u00ad"))
_QUOTES = {ord("\u201c"): '"', ord("\u201d"): '"', ord("\u2018"): "'", ord("\u2019"): "'", ord("\u00b4"): "'"}
_UNPRINTED = dict.fromkeys((*range(32), *range(127, 160)), " ")
_DROPPED: dict[int, str | None] = {**_SIGNS, **_QUOTES, **_UNPRINTED}
_NOT_KEY = re.compile(r"[^\w+#]|_", re.UNICODE)
_ASCII_KEY = {code: None for code in range(128) if not (chr(code).isalnum() or chr(code) in "+#")}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def clean(raw: str) -> str:
    """`raw` without trademark signs, invisible characters and doubled spaces, in composed full-width-free letters.

    The sign goes before the letters are composed: NFKC would write ™ out as "TM".
    """
    text = raw[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_DROPPED))
    elif _CONTROL.search(text):
        text = _CONTROL.sub(" ", text)
    if "(" in text:
        text = _MARKS.sub("", text)
    return " ".join(text.split())


def key(text: str) -> str:
    """What two spellings of one name share: casefolded letters, digits, `+` and `#`. Notepad++ is not Notepad."""
    if text.isascii():
        return text.translate(_ASCII_KEY).lower()
    folded = unicodedata.normalize("NFKC", text.translate(_SIGNS)).casefold()
    return _NOT_KEY.sub("", folded)
