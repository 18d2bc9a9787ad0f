"""A raw publisher to its brand: legal form, leading "The", addresses and web links go; sold brands carry their owner.

What an owner is comes from data (`publishers.csv`); what a legal form is are the words below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from licensing.recognition.text import clean, key
from licensing.recognition.words import LEGAL_FORMS

_WEB = re.compile(r"\s*[,;(<\[]?\s*(?:https?://|www\.)\S*|\s*<[^>]*>|\s*\S+@\S+\.\S+", re.I)
_ONLY_WEB = re.compile(r"(?:https?://)?(?:www\.)?([^/\s]+?)/?(?:/.*)?$", re.I)
_SOFT = frozenset({"as", "co", "se", "ab", "ou", "sa", "company", "sp", "private", "sl", "bt", "ev", "kk"})
_CJK_FORMS = re.compile(r"(?:股份有限公司|有限责任公司|有限公司|株式会社|\(株\)|㈱|合同会社|有限会社|주식회사|\(주\))")
_RUSSIAN = re.compile(r"^(?:ооо|оао|зао|пао|ао|ип)\s+|[«»\"]", re.I)
_SPOL = re.compile(
    r",?\s+(?:spol\.?\s+s\s*r\.?\s*o\.?|sp\.?\s*z\s*\.?\s*o\.?\s*o\.?|gmbh\s*&\s*co\.?\s*(?:kg|ohg|kgaa)?\.?)$", re.I
)
_LATER = re.compile(
    r"\s+(?:(?:and/)?or|and) its (?:subsidiaries|affiliates)\.?$|\s*\((?:uk|us|usa|europe|canada)\)$", re.I
)
_COPYRIGHT = re.compile(r"^(?:copyright|\(c\)|©)\s*(?:\(c\)|©)?\s*[\d\-, ]*(?:by\s+)?", re.I)


def brand(raw: str, owners: Mapping[str, str]) -> str:
    """The brand that stands for `raw`; "" where nothing was given. `owners` maps a key to the current owner's brand."""
    if not raw:
        return ""
    known = owners.get(key(raw))
    if known is not None:
        return known
    text = clean(raw)
    stripped = _WEB.sub("", text).strip(" ,;-") if "." in text or "<" in text else text
    if not stripped:
        found = _ONLY_WEB.match(text)
        stripped = found[1] if found else text
    if not stripped.isascii():
        stripped = _RUSSIAN.sub("", _CJK_FORMS.sub("", stripped)).strip()
    stripped = _COPYRIGHT.sub("", stripped)
    if stripped[:4].lower() == "the " and len(stripped) > 6:
        stripped = stripped[4:]
    name = _without_legal_form(_LATER.sub("", _without_legal_form(_LATER.sub("", stripped))))
    return owners.get(key(name), name)


def _without_legal_form(text: str) -> str:
    words = _SPOL.sub("", text).replace(",", ", ").split()
    while len(words) > 1:
        bare = words[-1].strip(",.()").lower()
        if bare in LEGAL_FORMS or (not bare):
            if bare in _SOFT and len(words) == 2 and bare in ("as", "company") and words[0][-1:] != ",":
                break
            words.pop()
        elif bare in ("&", "and") and len(words) > 2:
            words.pop()
        else:
            break
    return " ".join(words).rstrip(" ,;-").replace(" ,", ",")
