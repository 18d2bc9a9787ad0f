"""One machine or two: a question to IT about devices that agents report alike, the answers, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ids import Action, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from workflows.reads.doubts import DeviceFacts, DoubtFacts

HEADER = "One machine or two?"
ROWS = 10


def doubt_card(found: Sequence[DoubtFacts]) -> Message:
    """The question whole, or a row for each; afterwards what was answered."""
    if len(found) == 1:
        return _single(found[0])
    waiting = [one for one in found if one.open]
    if not waiting:
        said = f"*All answered:* {t.plural(len(found), 'question')} about devices."
        return Message(said.replace("*", ""), [t.section(said)])
    head = f"*{t.plural(len(waiting), 'question')} about devices* {'waits' if len(waiting) == 1 else 'wait'}"
    blocks: list[Block] = [t.header(HEADER), t.section(f"{head} for somebody who knows them.")]
    blocks += [t.section(question(one), accessory=_answer_button(one)) for one in waiting[:ROWS]]
    more = f"and {len(waiting) - ROWS} more: seatkeeper sources doubts lists them" if len(waiting) > ROWS else ""
    small = " · ".join(part for part in (more, _MEANWHILE) if part)
    blocks.append(t.context(small))
    rows = [t.sentence(question(one)) for one in waiting[:4]]
    return Message(
        t.spoken(f"{head.replace('*', '')} for somebody who knows them.", *rows, after=(_MEANWHILE,)), blocks
    )


_MEANWHILE = "Nothing is merged or parted until somebody answers."


def _single(one: DoubtFacts) -> Message:
    if not one.open:
        said = outcome(one)
        return Message(said.replace("*", ""), [t.section(said)])
    blocks: list[Block] = [t.header(HEADER), t.section(f"*{question(one)}*"), *details(one), _buttons(one)]
    blocks.append(t.context(_MEANWHILE))
    devices = [t.sentence(f"{t.named(each.name, 40)}: {_about(each)}") for each in _devices(one)]
    return Message(t.spoken(f"{HEADER} {question(one)}", *devices, after=(_MEANWHILE,)), blocks)


def question(one: DoubtFacts) -> str:
    """What was seen, with the device it is about."""
    words = t.inert(t.one_line(one.words), 300)
    return words if one.other is not None else f"{t.named(one.device.name, 40)}: {words}"


def outcome(one: DoubtFacts) -> str:
    """ "*One device*, says Eli Marsh: PC-9 counts as PC-7." """
    by = f", says {who(one.decided_by)}" if one.decided_by is not None else ""
    name = t.named(one.device.name, 40)
    if one.decision == "moot":
        return f"*Settled:* {name}, with another answer about it."
    if one.other is None:
        return f"*{'One device' if one.decision == 'one' else 'Two devices'}*{by}: {name}."
    other = t.named(one.other.name, 40)
    if one.decision == "one":
        return f"*One device*{by}: {name} counts as {other}."
    return f"*Two devices*{by}: {name} and {other}."


def details(one: DoubtFacts) -> list[Block]:
    """What a person at the machines can check."""
    return t.fields([(each.name, _about(each)) for each in _devices(one)])


def _devices(one: DoubtFacts) -> list[DeviceFacts]:
    return [one.device] if one.other is None else [one.device, one.other]


def _about(device: DeviceFacts) -> str:
    serial = f"serial {t.named(device.serial, 40)}" if device.serial else "no serial number"
    seen = f"last report {t.instant(device.last_seen_at)}" if device.last_seen_at is not None else "no report yet"
    return ", ".join(part for part in (serial, t.named(device.system, 60) if device.system else "", seen) if part)


def _buttons(one: DoubtFacts) -> Block:
    same = _button(one, "Same device", Action.DOUBT_ONE, _merging(one))
    return t.actions(same, _button(one, "Two devices", Action.DOUBT_TWO, None))


def _button(one: DoubtFacts, label: str, action: Action, confirm: Element | None) -> Element:
    heard = t.accessibility(f"{label}:", one.device.name, one.other.name if one.other else "", joined="and")
    return t.button(label, action, Ref(one.id), heard=heard, confirm=confirm)


def _merging(one: DoubtFacts) -> Element | None:
    """Only where it retires a row; the dialog says which."""
    if one.other is None:
        return None
    gone, kept = t.name(one.device.name, 40), t.name(one.other.name, 40)
    text = f"{gone} is retired today, and what it reports counts for {kept} from now on."
    return t.dialog(
        f"Count {t.name(one.device.name, 30)} as {t.name(one.other.name, 30)}?", text, "Same device", "Go back"
    )


def _answer_button(one: DoubtFacts) -> Element:
    heard = t.accessibility(
        f"Answer question {one.id}, about", one.device.name, one.other.name if one.other else "", joined="and"
    )
    return t.button("Answer", Action.DOUBT_SEE, Ref(one.id), heard=heard)


def doubt_window(one: DoubtFacts) -> Element:
    """One question of several."""
    if not one.open:
        return m.shown(HEADER, t.section(outcome(one)))
    return m.shown(HEADER, t.section(f"*{question(one)}*"), *details(one), _buttons(one))
