"""A kind of question to IT: in which words it is asked, its choices, and what an answer does.

Message, window and buttons are the same for every kind: `bot.views.question_card` and `bot.listeners.questions`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic

from sqlalchemy import Connection

from bot.ids import Action
from workflows.questions import Matter, Said


@dataclass(frozen=True)
class Choice(Generic[Said]):
    """A button, and what whoever presses it says."""

    label: str
    action: Action
    says: Said


@dataclass(frozen=True)
class Asked:
    """One question in words, mrkdwn where not said otherwise."""

    id: int
    words: str
    details: tuple[tuple[str, str], ...]  # what a person can check: label, not escaped, and value
    about: tuple[str, str]  # names by which its buttons are heard, not escaped; the second may be ""
    outcome: str  # "" while it is open
    confirm: Mapping[Action, tuple[str, str]] = field(default_factory=dict)  # choices with a dialog: its title and text

    @property
    def open(self) -> bool:
        return not self.outcome


@dataclass(frozen=True)
class Kind(Generic[Said]):
    """One kind of question. `matter` says who may answer and carries answers out."""

    matter: Matter[Said]
    header: str
    about: str  # "devices"
    known_to: str  # "somebody who knows them"
    meanwhile: str  # what happens without an answer
    listed_by: str  # the command that lists those that a message has no room for
    see: Action  # a row has one button: the question as a window
    choices: tuple[Choice[Said], ...]
    read: Callable[[Connection, Collection[int]], list[Asked]]  # by id, the oldest first
