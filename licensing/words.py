"""Small texts the surfaces share: cutting names, lists, plurals, days. Wording rules are those of the voice guide.

Names come from people and vendors, so a cut never splits what a reader sees as one character, and a name with
right-to-left letters is isolated so that it cannot reorder the sentence around it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date

import grapheme

ELLIPSIS = "…"
LONGEST_NAME = 60
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def cut(text: str, length: int = LONGEST_NAME) -> str:
    """`text` in at most `length` code points, ended by "…" when something is missing, never inside a grapheme.

    Code points rather than graphemes are counted because that is what the limits of Slack and of our columns count.
    """
    if length < 1:
        raise ValueError("a text is cut to at least one character")
    if len(text) <= length:
        return text
    kept, room = "", length - len(ELLIPSIS)
    for cluster in grapheme.graphemes(text[: length + 64]):
        if len(kept) + len(cluster) > room:
            break
        kept += cluster
    return kept.rstrip() + ELLIPSIS


def isolate(name: str) -> str:
    """`name` wrapped in U+2068 … U+2069 when it holds right-to-left letters; stray direction controls are dropped."""
    clean = "".join(letter for letter in name if unicodedata.bidirectional(letter) not in _DIRECTION_CONTROLS)
    if any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in clean):
        return f"{FIRST_STRONG_ISOLATE}{clean}{POP_ISOLATE}"
    return clean


_DIRECTION_CONTROLS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """ "1 seat", "2 seats"; irregular words give their own plural: `plural(2, "person", "people")`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def joined(parts: Sequence[str], last: str = "and") -> str:
    """ "A", "A and B", "A, B and C"; the empty list is the empty text."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def and_more(parts: Sequence[str], shown: int) -> str:
    """The first `shown` parts and how many are left out: "A, B and 7 more"."""
    if len(parts) <= shown:
        return joined(parts)
    return joined([*parts[:shown], f"{len(parts) - shown:,} more"])


def day(when: date) -> str:
    """A calendar day in plain text, the same for every reader: "31 Mar 2027"."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def weekday(when: date) -> str:
    """ "Fri 29 Jan 2027"."""
    return f"{WEEKDAYS[when.weekday()]} {day(when)}"


def ordinal(number: int) -> str:
    """A place in a queue: "1st", "2nd", "3rd", "4th", "11th"."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def first_name(name: str) -> str:
    """The short form for a second mention: "Ben" of "Ben Okafor"; "Family, Given" gives the given one."""
    family, comma, given = name.partition(",")
    words = (given if comma and given.strip() else family).split()
    return words[0] if words else name


def still_with(devices: int, people: int = 0) -> str:
    """Who has what the company has no right to any more: "still on 30 devices", "1 person has it"."""
    have = f"{plural(people, 'person', 'people')} {'has' if people == 1 else 'have'} it"
    on = f"still on {plural(devices, 'device')}"
    if not people:
        return on
    return f"{on}, and {have}" if devices else have
