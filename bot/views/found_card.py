"""Software found on somebody's device: one message a day to that person, with three answers (wording guide §2.11)."""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from model.alerts import Cause
from workflows.reads.alerts import FoundFacts, PlaceFacts

_DEVICES = {"portable": "laptop", "desktop": "computer"}
KIND = "That is often nobody's doing: software comes with a device or a project."
_WHY = {
    Cause.UNAUTHORISED: "the company has no licence for it",
    Cause.SHORTFALL: "the company has too few licences for it",
    Cause.NEAR_LIMIT: "the company has few licences left for it",
    Cause.EXPIRED_RIGHT: "the company's licence for it has ended",
    Cause.DUPLICATE_ACTIVATION: "its key is used on another device as well",
}


def found_card(facts: FoundFacts) -> Message:
    """The question, or a row for each; afterwards what was answered and what became of it."""
    if len(facts.places) == 1:
        return _single(facts, facts.places[0])
    waiting = [place for place in facts.places if place.open]
    whose = "on devices of your team" if any(place.of is not None for place in facts.places) else "on your devices"
    head = (
        f"*{t.plural(len(waiting), 'program')} {whose} {'needs' if len(waiting) == 1 else 'need'} an answer.*"
        if waiting
        else "*All answered.* Thank you."
    )
    blocks: list[Block] = [t.section(f"{head} {KIND}" if waiting else head)]
    for place in facts.places[:15]:
        if place.open:
            said, accessory = f"*{t.named(place.product)}* on {_device(place)}: {_why(place)}", _answer_button(place)
            blocks.append(t.section(said, accessory=accessory))
        else:
            blocks.append(t.section(outcome(place)))
    if len(facts.places) > 15:
        blocks.append(t.context(f"and {len(facts.places) - 15} more: IT gets in touch about them"))
    small = _small(facts) if waiting else ""
    if small:
        blocks.append(t.context(small))
    names = [f"{t.named(place.product)} on {_device(place)}: {_why(place)}." for place in waiting[:6]]
    return Message(t.spoken(head.replace("*", ""), *names, after=(_spoken_small(facts) if waiting else "",)), blocks)


def _single(facts: FoundFacts, place: PlaceFacts) -> Message:
    if not place.open:
        said = outcome(place)
        return Message(said.replace("*", ""), [t.section(said)])
    head = question(place)
    kind = f"{KIND} {instead(place)}" if place.of is not None else KIND
    blocks: list[Block] = [
        t.section(f"*{head}*"),
        t.section(f"{kind} What fits?"),
        t.actions(*answer_buttons(place)),
        t.context(_small(facts)),
    ]
    return Message(t.spoken(head, kind, "What fits?", after=(_spoken_small(facts),)), blocks)


def question(place: PlaceFacts) -> str:
    """ "AutoCAD LT is on your laptop LYO-0231, and the company has no licence for it." """
    whose = "" if place.of is not None else "your "
    return f"{t.named(place.product)} is on {whose}{_device(place)}, and {_why(place)}."


def instead(place: PlaceFacts) -> str:
    """Why somebody is asked about a device of another person."""
    name = t.called(place.of.name) if place.of is not None else "They"
    return f"{name} has neither Slack nor mail here, so you are asked."


def _device(place: PlaceFacts) -> str:
    device = f"{_DEVICES.get(place.kind, 'device')} {t.named(place.device, 40)}"
    return f"{t.named(place.of.name)}'s {device}" if place.of is not None else device


def _why(place: PlaceFacts) -> str:
    return "it may not be used here" if place.banned else _WHY[place.cause]


def answer_buttons(place: PlaceFacts) -> list[Element | None]:
    """The three answers; none is coloured: no button steers a person's own choice."""
    ref = Ref(place.id)

    def button(label: str, action: Action, verb: str) -> Element:
        return t.button(label, action, ref, heard=t.accessibility(verb, place.product, place.device, joined="on"))

    return [
        None if place.banned else button("Ask for a licence", Action.FOUND_ASK, "Ask for a licence for"),
        button("I will remove it", Action.FOUND_REMOVE, "I will remove")
        if place.of is None
        else button("They remove it", Action.FOUND_REMOVE, "They remove"),
        button("That is not right", Action.FOUND_WRONG, "That is not right:"),
    ]


def _answer_button(place: PlaceFacts) -> Element:
    heard = t.accessibility("Answer about", place.product, place.device, joined="on")
    return t.button("Answer", Action.FOUND_ANSWER, Ref(place.id), heard=heard)


def _small(facts: FoundFacts) -> str:
    guide = f" {t.link(facts.guide, 'How to remove it')}." if facts.guide else ""
    return f"{_deadline(facts)}{guide} {_then(facts)}"


def _spoken_small(facts: FoundFacts) -> str:
    return f"{_deadline(facts)} {_then(facts)}"


def _deadline(facts: FoundFacts) -> str:
    seen = f"IT ({who(facts.contact)})" if facts.contact is not None else "IT"
    return f"By {t.weekday(facts.answer_by)}. You and {seen} see this."


def _then(facts: FoundFacts) -> str:
    name = t.called(facts.contact.name) if facts.contact is not None else "IT"
    return f"Without an answer {name} gets in touch."


def outcome(place: PlaceFacts) -> str:
    """What was answered, or that it is settled."""
    name = f"{t.named(place.product)} on {_device(place)}"
    if place.answer == "right":
        return f"*You were right:* {t.inert(t.one_line(place.words))}. {name} needs nothing more."
    if place.gone_at is not None:
        return f"*Settled:* {name}, gone at the scan of {t.instant(place.gone_at)}."
    if place.closed or place.excepted:
        return f"*Settled:* {name}. You need not do anything."
    if place.answer == "remove":
        by = f" by {t.day(place.remove_by)}" if place.remove_by is not None else ""
        doer = "They" if place.of is not None else "You"
        return f"*{doer} remove it{by}:* {name}. The next scan checks, then this closes by itself."
    if place.answer == "ask":
        return f"*You ask for a licence:* {name}. This closes by itself when you have one."
    return f"*A person looks at it:* {name}. You need not do anything."


def answer_window(place: PlaceFacts) -> Element:
    """The three answers of one row."""
    return m.shown("What fits?", t.section(f"*{question(place)}*"), t.section(KIND), t.actions(*answer_buttons(place)))
