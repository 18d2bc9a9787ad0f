"""Whose account is it: a question to IT about accounts that nobody could match for certain, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ids import Action, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from workflows.reads.matches import MatchFacts

HEADER = "Whose account is it?"
ROWS = 10
_MEANWHILE = "Nobody is tied to an account until somebody answers."
_KINDS = {"slack": "Slack account", "directory": "directory account"}


def match_card(found: Sequence[MatchFacts]) -> Message:
    """The question whole, or a row for each; afterwards what was answered."""
    if len(found) == 1:
        return _single(found[0])
    waiting = [one for one in found if one.open]
    if not waiting:
        said = f"*All answered:* {t.plural(len(found), 'question')} about accounts."
        return Message(said.replace("*", ""), [t.section(said)])
    head = f"*{t.plural(len(waiting), 'question')} about accounts* {'waits' if len(waiting) == 1 else 'wait'}"
    head = f"{head} for somebody who knows the people."
    blocks: list[Block] = [t.header(HEADER), t.section(head)]
    blocks += [t.section(question(one), accessory=_answer_button(one)) for one in waiting[:ROWS]]
    more = f"and {len(waiting) - ROWS} more: seatkeeper matches list shows them" if len(waiting) > ROWS else ""
    blocks.append(t.context(" · ".join(part for part in (more, _MEANWHILE) if part)))
    rows = [t.sentence(question(one)) for one in waiting[:4]]
    return Message(t.spoken(head.replace("*", ""), *rows, after=(_MEANWHILE,)), blocks)


def _single(one: MatchFacts) -> Message:
    if not one.open:
        said = outcome(one)
        return Message(said.replace("*", ""), [t.section(said)])
    blocks: list[Block] = [t.header(HEADER), t.section(f"*{question(one)}*"), *_details(one), _buttons(one)]
    blocks.append(t.context(_MEANWHILE))
    details = [t.sentence(f"{label}: {value}") for label, value in _pairs(one)]
    return Message(t.spoken(f"{HEADER} {question(one)}", *details, after=(_MEANWHILE,)), blocks)


def question(one: MatchFacts) -> str:
    """What was seen, with the person it is about."""
    return f"{t.named(one.person.name, 40)}: {t.inert(t.one_line(one.words), 300)}"


def outcome(one: MatchFacts) -> str:
    """ "*Same person*, says Eli Marsh: Ana Lindqvist has the Slack account U0TWO." """
    by = f", says {t.named(one.settled_by)}" if one.settled_by else ""
    account = f"the {_KINDS.get(one.kind, one.kind)} {t.inert(one.account)}"
    if one.outcome == "same":
        return f"*Same person*{by}: {who(one.person)} has {account}."
    return f"*Not the same*{by}: {account} is not that of {who(one.person)}."


def _pairs(one: MatchFacts) -> list[tuple[str, str]]:
    holder = who(one.holder, team=True) if one.holder is not None else "nobody here"
    return [
        ("Person", who(one.person, team=True)),
        (_KINDS.get(one.kind, one.kind).capitalize(), t.inert(one.account)),
        ("Has it now", holder),
    ]


def _details(one: MatchFacts) -> list[Block]:
    return t.fields(_pairs(one))


def _buttons(one: MatchFacts) -> Block:
    name, kind = t.name(one.person.name, 40), _KINDS.get(one.kind, one.kind)
    text = f"The {kind} {one.account} belongs to {name} from now on."
    if one.holder is not None and one.holder.id != one.person.id:
        text += f" {t.name(one.holder.name, 40)} has it no more."
    ask = t.dialog(f"Is it {name}?", text, "Same person", "Go back")
    same = t.button("Same person", Action.MATCH_SAME, Ref(one.id), heard=_heard("Same person:", one), confirm=ask)
    return t.actions(same, t.button("Not the same", Action.MATCH_OTHER, Ref(one.id), heard=_heard("Not:", one)))


def _heard(label: str, one: MatchFacts) -> str:
    return t.accessibility(label, one.person.name, one.account, joined="and")


def _answer_button(one: MatchFacts) -> Element:
    heard = t.accessibility(f"Answer question {one.id}, about", one.person.name)
    return t.button("Answer", Action.MATCH_SEE, Ref(one.id), heard=heard)


def match_window(one: MatchFacts) -> Element:
    """One question of several."""
    if not one.open:
        return m.shown(HEADER, t.section(outcome(one)))
    return m.shown(HEADER, t.section(f"*{question(one)}*"), *_details(one), _buttons(one))
