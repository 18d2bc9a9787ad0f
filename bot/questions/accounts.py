"""Whose account is it: a question about accounts that nobody could match for certain."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from bot.ids import Action
from bot.questions.kind import Asked, Choice, Kind
from bot.views import text as t
from bot.views.said import who
from workflows.match_doubts import MATTER, Answer
from workflows.reads.matches import MatchFacts, matches

_KINDS = {"slack": "Slack account", "directory": "directory account"}


def asked(one: MatchFacts) -> Asked:
    """What was seen, with the person it is about."""
    holder = who(one.holder, team=True) if one.holder is not None else "nobody here"
    return Asked(
        one.id,
        words=f"{t.named(one.person.name, 40)}: {t.inert(t.one_line(one.words), 300)}",
        details=(
            ("Person", who(one.person, team=True)),
            (_kind(one).capitalize(), t.inert(one.account)),
            ("Has it now", holder),
        ),
        about=(one.person.name, one.account),
        outcome="" if one.open else _outcome(one),
        confirm={Action.MATCH_SAME: _tying(one)},
    )


def _kind(one: MatchFacts) -> str:
    return _KINDS.get(one.kind, one.kind)


def _outcome(one: MatchFacts) -> str:
    """ "*Same person*, says Eli Marsh: Ana Lindqvist has the Slack account U0TWO." """
    by = f", says {t.named(one.settled_by)}" if one.settled_by else ""
    account = f"the {_kind(one)} {t.inert(one.account)}"
    if one.outcome == Answer.SAME:
        return f"*Same person*{by}: {who(one.person)} has {account}."
    return f"*Not the same*{by}: {account} is not that of {who(one.person)}."


def _tying(one: MatchFacts) -> tuple[str, str]:
    name = t.name(one.person.name, 40)
    text = f"The {_kind(one)} {one.account} belongs to {name} from now on."
    if one.holder is not None and one.holder.id != one.person.id:
        text += f" {t.name(one.holder.name, 40)} has it no more."
    return f"Is it {name}?", text


def _read(connection: Connection, ids: Collection[int]) -> list[Asked]:
    return [asked(one) for one in matches(connection, ids)]


ACCOUNTS = Kind(
    matter=MATTER,
    header="Whose account is it?",
    about="accounts",
    known_to="somebody who knows the people",
    meanwhile="Nobody is tied to an account until somebody answers.",
    listed_by="seatkeeper matches list shows them",
    see=Action.MATCH_SEE,
    choices=(
        Choice("Same person", Action.MATCH_SAME, Answer.SAME),
        Choice("Not the same", Action.MATCH_OTHER, Answer.DIFFERENT),
    ),
    read=_read,
)
