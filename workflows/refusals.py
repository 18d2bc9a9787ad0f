"""Why a press or a request was refused, as types with the sentence the person reads. Each names the next step.

Nothing was changed when one of these is raised. The sentences are those of the wording guide, §2.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from licensing.words import MONTHS, day, isolate, joined

#: How an instant is written into a sentence; Slack gives a date token, the web a time element.
Instant = Callable[[datetime], str]


def plain_instant(when: datetime) -> str:
    """ "23 Nov, 10:02 UTC": for the log and for readers whose zone is not known."""
    local = when.astimezone(UTC)
    return f"{local.day} {MONTHS[local.month - 1]}, {local:%H:%M} UTC"


class Refusal(Exception):
    """Something a person may not do now, in words for that person only: `Refusal("The sentence.")`."""

    def say(self, instant: Instant = plain_instant) -> str:
        """The sentence, with instants written as the surface wants them."""
        return str(self.args[0]) if self.args else "That cannot be done now. Nothing was changed."

    @property
    def sentence(self) -> str:
        return self.say()

    def __str__(self) -> str:
        return self.say()


def _names(names: tuple[str, ...]) -> str:
    return joined([isolate(name) for name in names], "or")


class AlreadyDecided(Refusal):
    """Somebody decided first; `verb` is the past participle people read: "approved", "did not approve"."""

    def __init__(self, name: str, verb: str, at: datetime, person_id: int | None = None) -> None:
        super().__init__(name, verb, at, person_id)
        self.name, self.verb, self.at, self.person_id = name, verb, at, person_id

    def say(self, instant: Instant = plain_instant) -> str:
        return f"{isolate(self.name)} {self.verb} this {instant(self.at)}; your press changed nothing."


class AlreadyClosed(Refusal):
    """The request ended without a decision: "closed without an answer", "given up"."""

    def __init__(self, how: str, at: datetime) -> None:
        super().__init__(how, at)
        self.how, self.at = how, at

    def say(self, instant: Instant = plain_instant) -> str:
        return f"This was {self.how} {instant(self.at)}; your press changed nothing."


class OwnRequest(Refusal):
    """Nobody decides on a request they made."""

    def __init__(self, asked: tuple[str, ...]) -> None:
        super().__init__(asked)
        self.asked = asked

    def say(self, instant: Instant = plain_instant) -> str:
        if not self.asked:
            return "This is your own request, so someone else decides."
        verb = "was" if len(self.asked) == 1 else "were"
        return (
            f"This is your own request, so someone else decides: {joined(list(map(isolate, self.asked)))} {verb} asked."
        )


class WouldBenefit(Refusal):
    """Nobody decides on a seat they would get."""

    def say(self, instant: Instant = plain_instant) -> str:
        return "You would get this seat, so someone else decides."


class MoneyThenOrder(Refusal):
    """Whoever approved the money does not confirm the order."""

    def __init__(self, asked: tuple[str, ...]) -> None:
        super().__init__(asked)
        self.asked = asked

    def say(self, instant: Instant = plain_instant) -> str:
        ending = f": {_names(self.asked)}." if self.asked else "."
        return f"You approved the money, so someone else confirms the order{ending}"


class DecidedAnotherStep(Refusal):
    """One person fills one step of a request."""

    def __init__(self, asked: tuple[str, ...]) -> None:
        super().__init__(asked)
        self.asked = asked

    def say(self, instant: Instant = plain_instant) -> str:
        ending = f": {_names(self.asked)}." if self.asked else "."
        return f"You decided another step of this request, so someone else decides this one{ending}"


class NotYourStep(Refusal):
    """The step waits for others; looking is fine."""

    def __init__(self, asked: tuple[str, ...]) -> None:
        super().__init__(asked)
        self.asked = asked

    def say(self, instant: Instant = plain_instant) -> str:
        whom = _names(self.asked) or "a licence manager, who names somebody"
        return f"This waits for {whom}. You can look, not decide."


class RightGone(Refusal):
    """The person was asked, but the right to decide has moved; `now_asked_id` is who has it now, None for nobody."""

    def __init__(self, name: str, what: str, now_asked_id: int | None = None, since: date | None = None) -> None:
        super().__init__(name, what, now_asked_id, since)
        self.name, self.what, self.now_asked_id, self.since = name, what, now_asked_id, since

    def say(self, instant: Instant = plain_instant) -> str:
        if not self.name:
            return f"You no longer decide for {self.what}; a licence manager names who does."
        if self.since is not None:
            return f"Since {day(self.since)} {isolate(self.name)} decides for {self.what}; it went to their list."
        return f"{isolate(self.name)} decides for {self.what} now; it went to their list."


class UnknownPerson(Refusal):
    """The Slack account belongs to nobody, or to somebody who left; `link_code` is what IT asks for."""

    def __init__(self, link_code: str = "") -> None:
        super().__init__(link_code)
        self.link_code = link_code

    def say(self, instant: Instant = plain_instant) -> str:
        start = "Your Slack account belongs to nobody in the staff directory, so nothing changed."
        return f"{start} IT can link it: say *{self.link_code}*." if self.link_code else f"{start} IT can link it."


class OldCard(Refusal):
    """The press came from a card that shows older figures than the request has."""

    def __init__(self, what: str = "A seat was taken meanwhile") -> None:
        super().__init__(what)
        self.what = what

    def say(self, instant: Instant = plain_instant) -> str:
        return f"{self.what}. The card shows the new figures now: press again."


class FieldRefusals(Refusal):
    """A form with something to correct: a sentence per field, everything typed is kept."""

    def __init__(self, by_field: Mapping[str, str]) -> None:
        super().__init__(dict(by_field))
        self.by_field = dict(by_field)

    def say(self, instant: Instant = plain_instant) -> str:
        return " ".join(self.by_field.values())
