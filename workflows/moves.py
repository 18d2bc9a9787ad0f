"""State machines as tables: what a table does not hold is refused, with the sentence that says where things stand.

Each machine keeps its own table, verbs and sentences in one module, so that its whole life is read in one place; this
is only the one way to follow such a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from workflows.refusals import Instant, Refusal, plain_instant

State = TypeVar("State", bound=StrEnum)
Verb = TypeVar("Verb", bound=StrEnum)


class IllegalMove(Refusal):
    """Something stands where this cannot be done any more; each machine says so with its own sentences."""

    stands: ClassVar[Mapping[Any, str]]

    def __init__(self, state: StrEnum, verb: StrEnum) -> None:
        super().__init__(state, verb)
        self.state, self.verb = state, verb

    def say(self, instant: Instant = plain_instant) -> str:
        return self.stands[self.state]


def follow(allowed: Mapping[tuple[State, Verb], State], state: State, verb: Verb, illegal: type[IllegalMove]) -> State:
    """Where the verb leads. Raises `illegal` when it leads nowhere from here; pure."""
    try:
        return allowed[state, verb]
    except KeyError:
        raise illegal(state, verb) from None
