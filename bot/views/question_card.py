"""Questions that only a person at IT can answer: one whole, or many as rows of one message; then what was answered."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ids import Ref
from bot.questions.kind import Asked, Choice, Kind
from bot.views import modals as m
from bot.views import text as t
from bot.views.text import Block, Element, Message
from workflows.questions import Said

ROWS = 10


def question_card(kind: Kind[Said], found: Sequence[Asked]) -> Message:
    """The question whole, or a row for each; afterwards what was answered."""
    if len(found) == 1:
        return _single(kind, found[0])
    waiting = [one for one in found if one.open]
    if not waiting:
        return _over(f"*All answered:* {t.plural(len(found), 'question')} about {kind.about}.")
    head = f"*{t.plural(len(waiting), 'question')} about {kind.about}* {'waits' if len(waiting) == 1 else 'wait'}"
    head = f"{head} for {kind.known_to}."
    blocks: list[Block] = [t.header(kind.header), t.section(head)]
    blocks += [t.section(one.words, accessory=_answer_button(kind, one)) for one in waiting[:ROWS]]
    more = f"and {len(waiting) - ROWS} more: {kind.listed_by}" if len(waiting) > ROWS else ""
    blocks.append(t.context(" · ".join(part for part in (more, kind.meanwhile) if part)))
    rows = [t.sentence(one.words) for one in waiting[:4]]
    return Message(t.spoken(head.replace("*", ""), *rows, after=(kind.meanwhile,)), blocks)


def question_window(kind: Kind[Said], one: Asked) -> Element:
    """One question of several."""
    return m.shown(kind.header, *(_body(kind, one) if one.open else [t.section(one.outcome)]))


def _single(kind: Kind[Said], one: Asked) -> Message:
    if not one.open:
        return _over(one.outcome)
    details = [t.sentence(f"{t.inert(label)}: {value}") for label, value in one.details]
    return Message(
        t.spoken(f"{kind.header} {one.words}", *details, after=(kind.meanwhile,)),
        [t.header(kind.header), *_body(kind, one), t.context(kind.meanwhile)],
    )


def _over(said: str) -> Message:
    return Message(said.replace("*", ""), [t.section(said)])


def _body(kind: Kind[Said], one: Asked) -> list[Block]:
    buttons = t.actions(*(_button(choice, one) for choice in kind.choices))
    return [t.section(f"*{one.words}*"), *t.fields(one.details), buttons]


def _button(choice: Choice[Said], one: Asked) -> Element:
    asks = one.confirm.get(choice.action)
    confirm = t.dialog(*asks, choice.label, "Go back") if asks else None
    return t.button(choice.label, choice.action, Ref(one.id), heard=_heard(f"{choice.label}:", one), confirm=confirm)


def _answer_button(kind: Kind[Said], one: Asked) -> Element:
    return t.button("Answer", kind.see, Ref(one.id), heard=_heard(f"Answer question {one.id}, about", one))


def _heard(verb: str, one: Asked) -> str:
    return t.accessibility(verb, *one.about, joined="and")
