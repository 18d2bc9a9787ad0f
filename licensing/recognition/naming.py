"""A title to the product's name: version, year, architecture, language, channel and scope go, edition words stay.

These are rules about words and where they stand, not a list of products, so that all spellings of a product nobody has
described yet fall together. The first word never goes: 7-Zip, 010 Editor and 3D Slicer begin with a number.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from licensing.recognition.words import (
    ANNOUNCERS,
    ARCHITECTURES,
    BRACKET_WORDS,
    CHANNELS,
    CHANNELS_LAST,
    EDITIONS,
    JOINTS,
    LANGUAGE_CODES,
    LANGUAGES,
    MONTHS,
)


class Word(IntEnum):
    """What a word of a title is, by its look alone."""

    NAME = 0
    ARCHITECTURE = 1
    VERSION = 2  # dotted numbers, dates, builds: never part of a name
    YEAR = 3
    NUMBER = 4  # one to three digits: may belong to the name
    CHANNEL = 5
    CHANNEL_LAST = 6
    ANNOUNCER = 7
    LANGUAGE = 8
    LOCALE = 9
    JOINT = 10
    SERVICE_PACK = 11  # SP1, R2, CU3: only beside a version
    MONTH = 12
    LONG_NUMBER = 13
    MARKED_NUMBER = 14  # v5, V30, R2020b


_VERSION = re.compile(
    r"(?:(?:v|ver|version|rel|r|rev|build|b|go|jdk|jre|py|u|n|m|fw)[._-]?)?\d+(?:[._]\d+)+\S*"
    r"|(?:(?:v|ver|version|rel|build|rev)[._-]?)?\d+(?:[._]\d+)*\.[x*]"
    r"|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/-]\d{1,2}[/-]\d{4}"
    r"|\d+u\d+(?:-b\d+)?|\d+(?:\.\d+)?(?:a|b|rc|alpha|beta)\d+|py\d+_\S+|go\d+\S*|(?:build|rev|ver|version)[._-]?\d+\S*"
    r"|\d+(?:[.\d]*)(?:[-_+~](?:\d+|x64|x86|x86_64|win32|win64|arm64|amd64|preview|beta|alpha|rc\d*|stable|lts|release"
    r"|win10|win7|gpl|ga|final|hotfix|snapshot|\d+[a-z]))+|(?:rc|preview|beta|alpha|pre|dev|nightly)[.-]?\d+(?:\.\d+)*|r\d{3,}|ts\d+m\d+|q\d+(?:-hdri)?",
    re.I,
)
_PLAIN = re.compile(r"[\d.]+|\D*")
_YEAR = re.compile(r"(?:19[89]\d|20[0-4]\d)(?:[-/](?:(?:19|20)?\d\d))?")
_YEAR_MONTH = re.compile(r"(?:1[6-9]|2\d)(?:0[1-9]|1[0-2])")
_MARKED = re.compile(r"v\d+r\d+\S*|v\d{1,4}[a-z]?|r20\d\d[ab]?|20\d\d[ab]|v20\d\d", re.I)
_SERVICE_PACK = re.compile(
    r"sp\d{1,2}|r[1-9]|cu\d{1,2}|hf\d{1,2}|rtm|u\d{1,3}|p\d{1,2}|mr\d|fp\d{1,2}|rollup|ltsc", re.I
)
_LOCALE = re.compile(r"[a-z]{2,3}[-_](?:[a-z]{2}|latn|cyrl|hans|hant|419)(?:[-_][a-z]{2})?", re.I)
_BRACKET = re.compile(r"\s*[(\[{]([^()\[\]{}]*)[)\]}]")
_TOKENS = re.compile(r"[\s,;/:]+")
_SIZE = re.compile(r"\b(32|64)[ -]?(bits?|位)(?![\w])(?:[ -](?:edition|version|Edition))?", re.I)
_TAIL_VERSION = re.compile(r"(.*?[^\W\d_][^\s]*?)[-_ ]v?\d+(?:[._]\d+)+\S*", re.I)
_TAIL_ARCHITECTURE = re.compile(
    r"(.*[^\W\d_].*?)[-_.](?:(?:win|windows)[-_]?)?(?:x64|x86|x86_64|win32|win64|amd64|arm64|64bit|32bit|64-bit"
    r"|32-bit|x86-64)",
    re.I,
)
_TAIL_WIDE = re.compile(
    r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?:v?\d+(?:\.\d+)+\S*|(?:19[89]|20[0-4])\d)$", re.I
)
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HASH = re.compile(r"(?=[a-f]*\d)[0-9a-f]{8,}", re.I)
_QUOTED = re.compile(r"\s+(?:'[^']*'|\"[^\"]*\")$")
_FILE_ENDING = re.compile(r"\.(?:app|exe|msi|msix|appx|dmg|pkg)$", re.I)
_SCOPE = re.compile(
    r"\s+(?:for (?:the )?(?:current|all) users?|\((?:nur entfernen|remove only)\)|- (?:per[ -])?(?:user|machine)|"
    r"(?:remove|uninstall) only)$",
    re.I,
)
_EDGE = " \t-–—,:;|/·•~_&+="
_WORDS_BEFORE_NUMBER = frozenset("windows office microsoft dynamics level area studio channel".split())
#: Numbers that are names wherever they stand: Microsoft 365, Autodesk Fusion 360, Studio 5000.
_NUMBERS_THAT_NAME = frozenset({"365", "360", "101", "24/7", "3000", "5000", "2000"})


@lru_cache(maxsize=65536)
def _kind(word: str) -> Word:
    """The look of one word. Words repeat over titles, so each is looked at once."""
    low = word.strip(",;:").lower()
    if not low or low in JOINTS:
        return Word.JOINT
    if low in ARCHITECTURES:
        return Word.ARCHITECTURE
    if low[-1].isdigit() or any(letter.isdigit() for letter in low):
        return _numbered(low)
    for words, kind in (
        (CHANNELS, Word.CHANNEL),
        (CHANNELS_LAST, Word.CHANNEL_LAST),
        (ANNOUNCERS, Word.ANNOUNCER),
        (LANGUAGES, Word.LANGUAGE),
        (MONTHS, Word.MONTH),
    ):
        if low in words:
            return kind
    return Word.LOCALE if _LOCALE.fullmatch(low) and low.split("-")[0].split("_")[0] in LANGUAGE_CODES else Word.NAME


def _numbered(low: str) -> Word:
    if low in CHANNELS:
        return Word.CHANNEL
    if _YEAR.fullmatch(low) or _YEAR_MONTH.fullmatch(low):
        return Word.YEAR
    if low in _NUMBERS_THAT_NAME:
        return Word.NAME
    if low.isdigit():
        return Word.NUMBER if len(low) < 4 else Word.LONG_NUMBER
    if _SERVICE_PACK.fullmatch(low):
        return Word.SERVICE_PACK
    if _MARKED.fullmatch(low):
        return Word.MARKED_NUMBER
    return Word.VERSION if _VERSION.fullmatch(low) else Word.NAME


_ALWAYS_IN_BRACKETS = frozenset(
    {
        Word.ARCHITECTURE, Word.VERSION, Word.YEAR, Word.NUMBER, Word.LONG_NUMBER, Word.CHANNEL, Word.CHANNEL_LAST,
        Word.ANNOUNCER, Word.LANGUAGE, Word.LOCALE, Word.JOINT, Word.SERVICE_PACK, Word.MARKED_NUMBER, Word.MONTH,
    }
)  # fmt: skip


@lru_cache(maxsize=16384)
def _decorates(content: str) -> bool:
    """Whether a bracket holds nothing that belongs to a name. One that states an architecture goes whole."""
    words = [word for word in _TOKENS.split(content) if word]
    kinds = [_kind(word) for word in words]
    if Word.ARCHITECTURE in kinds or _SIZE.search(content):
        return EDITIONS.isdisjoint(word.lower() for word in words)
    if _HASH.fullmatch(content):
        return True
    return all(
        kind in _ALWAYS_IN_BRACKETS or word.lower() in BRACKET_WORDS or word.lower() in LANGUAGE_CODES
        for word, kind in zip(words, kinds, strict=True)
    )


def _without_brackets(text: str) -> str:
    """`text` without the brackets that decorate; the others stay as they are."""
    for _ in range(3):
        slim = _BRACKET.sub(lambda found: " " if _decorates(found[1]) else found[0], text)
        if slim == text:
            break
        text = slim
    return text


def _without_version(text: str, version: str) -> str:
    """`text` with an odd version ("7.4 2023-08-01 r5530") written as a plain one, where it stands as words."""
    at = text.find(version)
    before, after = text[at - 1 : at], text[at + len(version) :]
    if at < 2 or not any(letter.isdigit() for letter in version) or before.isalnum() or after[:1].isalnum():
        return text
    return f"{text[:at]}0.0{after}"


def _agrees(number: str, version: str) -> bool:
    """Whether a bare number of the title is the version's first part."""
    return bool(version) and version.lstrip("vV").split(".")[0].split(" ")[0].lstrip("0") == number.lstrip("0")


def _announces(words: list[str], at: int) -> bool:
    """Whether the word announces a version here. "Update 9" does only behind a number: Apple Software Update stays."""
    low = words[at].lower()
    if low == "pack":
        return words[at - 1].lower() == "service"
    return low not in _BEHIND_NUMBERS or _kind(words[at - 1]) in _NUMBERS


_BEHIND_NUMBERS = frozenset("update updates patch hotfix hf sp cu service r b".split())
_NUMBERS = frozenset({Word.VERSION, Word.YEAR, Word.NUMBER, Word.MARKED_NUMBER, Word.SERVICE_PACK})
_DROPPED_LAST = frozenset(
    {
        Word.ARCHITECTURE, Word.VERSION, Word.YEAR, Word.CHANNEL, Word.CHANNEL_LAST, Word.LOCALE, Word.JOINT,
        Word.MARKED_NUMBER,
    }
)  # fmt: skip


def _cut_tail(words: list[str], version: str) -> None:
    """Take the decorations off the end of `words`, never the first word."""
    numbered = False  # whether the word cut last was a number, so that its announcer goes too
    while len(words) > 1:
        last = words[-1]
        kind = _kind(last)
        if kind in _DROPPED_LAST:
            numbered = kind in (Word.VERSION, Word.YEAR, Word.MARKED_NUMBER) or (numbered and kind is Word.JOINT)
        elif kind is Word.NUMBER:
            low = version[:2]
            if low in ("0.", "1.") and not _agrees(last, version) and _kind(words[-2]) is Word.NAME and len(last) < 2:
                return  # "Portal 2", version 1.0: the number is the name's
            if words[-2].lower() in ("windows",):
                return
            numbered = True
        elif kind is Word.LONG_NUMBER:
            if len(last) < 5 and last not in version and _kind(words[-2]) is not Word.ANNOUNCER:
                return
            numbered = True
        elif kind is Word.ANNOUNCER:
            if not (numbered and _announces(words, len(words) - 1)):
                return
        elif kind is Word.SERVICE_PACK:
            if not any(_kind(word) in (Word.VERSION, Word.YEAR, Word.NUMBER) for word in words[1:-1]):
                return
            numbered = True
        elif kind is Word.MONTH:
            if not numbered:
                return
        elif kind is Word.LANGUAGE:
            before = words[-2]
            joined = before[-1] in ",:;-–—(" or _kind(before) in (Word.JOINT, Word.LANGUAGE)
            if not (joined or _kind(before) in _NUMBERS):
                return
            numbered = False
        elif last.lower() in LANGUAGE_CODES and len(words) > 2 and _kind(words[-2]) is Word.VERSION:
            numbered = False
        else:
            return
        words.pop()


_GOES_INSIDE = frozenset({Word.VERSION, Word.YEAR, Word.ARCHITECTURE, Word.MARKED_NUMBER})
_GOES_BEHIND_A_VERSION = frozenset({Word.NUMBER, Word.CHANNEL, Word.SERVICE_PACK, Word.LONG_NUMBER, Word.JOINT})
_ANNOUNCED = frozenset({Word.NUMBER, Word.VERSION, Word.ANNOUNCER})
_BEFORE_A_VERSION = frozenset("version ver ver. v v. release build rev".split())


def _cut_inside(words: list[str], version: str) -> list[str]:
    """Take versions, years and architectures out of the middle, with what announces or follows them."""
    kept = [words[0]]
    cut = False  # whether the word before this one went
    for at in range(1, len(words)):
        word = words[at]
        kind = _kind(word)
        if kind is Word.NAME:
            cut = cut and word.lower() == "edition" and _kind(words[at - 1]) in _NUMBERS  # "2021 Edition"
        elif kind in _GOES_INSIDE:
            cut = True
            if len(kept) > 1 and kept[-1].lower() in _BEFORE_A_VERSION:
                kept.pop()
        elif kind is Word.NUMBER and not cut:
            follows = words[at + 1].lower() if at + 1 < len(words) else ""
            cut = _agrees(word, version) or (not version and (follows in EDITIONS or follows == "for"))
        elif kind is Word.ANNOUNCER:
            cut = cut and at + 1 < len(words) and _kind(words[at + 1]) in _ANNOUNCED
        elif kind is Word.JOINT and _kind(kept[-1]) is Word.JOINT:
            cut = True
        else:
            cut = cut and kind in _GOES_BEHIND_A_VERSION
        if not cut:
            kept.append(word)
    return kept


def product_name(title: str, version: str = "") -> str:
    """The name inside a cleaned title; "" when nothing but numbers and decorations is in it."""
    text = title
    if "." in text:
        text = _FILE_ENDING.sub("", text)
    if len(version) > 2 and version in text and _PLAIN.fullmatch(version) is None:
        text = _without_version(text, version)
    if "(" in text or "[" in text or "{" in text:
        text = _without_brackets(text)
    if "user" in text or "User" in text or "only" in text or "machine" in text:
        text = _SCOPE.sub("", text)
    if "bit" in text or "Bit" in text or "BIT" in text or "位" in text:
        start = text[:3]
        text = start + _SIZE.sub(" ", text[3:])
    if text[-1:] in "'\"":
        text = _QUOTED.sub("", text)
    if not text.isascii():
        text = _TAIL_WIDE.sub("", text)
        major = version.split(".")[0]
        if major.isdigit() and text.endswith(major) and _WIDE.match(text[-len(major) - 1 : -len(major)]):
            text = text[: -len(major)]
    words = text.split()
    if not words:
        return ""
    words = [
        _cut_word(word) if ("-" in word or "_" in word or "." in word) and len(word) > 5 else word for word in words
    ]
    _cut_tail(words, version)
    if len(words) > 1:
        words = _cut_inside(words, version)
        _cut_tail(words, version)
    name = " ".join(words).strip(" ,;:|-–—/")
    if name.endswith(".") and name[-2:-1].isdigit():
        name = name[:-1]
    return name if any(letter.isalpha() for letter in name) else ""


@lru_cache(maxsize=16384)
def _cut_word(word: str) -> str:
    """A single word without what is tied to it by hyphens: "Postman-win64-7.34.0", "200713.x64"."""
    found = _TAIL_VERSION.fullmatch(word)
    if found is not None:
        word = found[1]
    found = _TAIL_ARCHITECTURE.fullmatch(word)
    return found[1] if found is not None else word
