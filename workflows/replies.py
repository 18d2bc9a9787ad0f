"""What only one message says: the `facts` of thread replies and notes, as typed values with one stored form.

People appear by id and are named when the message is built, so that an erased name is erased here too. Words a person
typed stay in `words`, apart from ours, because only they must never reach a place where they could become a mention.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


class About(enum.StrEnum):
    """The events of a request that are one line in its thread. Stored: read a new name twice."""

    QUESTION = "question"  # by, words
    ANSWERED = "answered"  # by, words
    STEP_PASSED = "step_passed"  # by; who is next is read when the line is built
    APPROVED = "approved"  # by, words (a note)
    CHANGED = "changed"  # by, words; until and instead_of, seats
    BY_RULE = "by_rule"  # rule: "rule 4: free seat, under €50.00"
    QUEUED = "queued"  # place, of
    ORDERED = "ordered"  # ticket
    READY = "ready"
    NAMED = "named"  # by, holder: somebody else put a name to a seat
    NOT_APPROVED = "not_approved"  # by, words, suggestion
    EXPIRED = "expired"
    TROUBLE = "trouble"  # system: "Microsoft 365"
    WAITS_THERE = "waits_there"  # ticket: approval in ServiceNow
    NEEDS_PERSON = "needs_person"  # words of ours in `text`
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"  # by, words: a person gave up what nobody could decide or give
    URGENT = "urgent"  # a note: by, words
    DEPUTY = "deputy"  # a note: by, deputy; since and until
    TEXT = "text"  # a sentence of ours, complete


@dataclass(frozen=True)
class Said:
    """One line. Which fields are filled goes with `about`."""

    about: About
    by: int | None = None
    words: str = ""
    text: str = ""
    rule: str = ""
    system: str = ""
    ticket: str = ""
    suggestion: str = ""
    until: date | None = None
    instead_of: date | None = None
    seats: int | None = None
    place: int | None = None
    of: int | None = None
    deputy: int | None = None
    holder: int | None = None
    since: date | None = None

    def facts(self) -> dict[str, Any]:
        """The stored form: only what is filled, days as ISO text."""
        stored: dict[str, Any] = {"about": self.about.value}
        for key, value in vars(self).items():
            if key != "about" and value not in (None, ""):
                stored[key] = value.isoformat() if isinstance(value, date) else value
        return stored

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Said:
        """From the stored form; fields nobody knows are left out, an unknown kind becomes its text."""
        known = {key: value for key, value in facts.items() if key in cls.__dataclass_fields__ and key != "about"}
        if "from" in facts:
            known["since"] = facts["from"]
        for key in ("until", "instead_of", "since"):
            if isinstance(known.get(key), str):
                known[key] = date.fromisoformat(known[key])
        try:
            about = About(facts.get("about", ""))
        except ValueError:
            about = About.TEXT
        return cls(about=about, **known)
