""" "Do you still need it?": the holder's card, its windows, and the manager's word on a keep (wording guide §2.8)."""

from __future__ import annotations

from datetime import date, timedelta

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from model.reclaim import CampaignKind, CandidateState
from workflows.choices import KEEPS
from workflows.reads.still_needed import StillNeededFacts

#: The same as their manager reads it.
_SAID = {
    "uses_it": "They use it; the report is wrong.",
    "seasonal": "They use it at certain times of the year.",
    "about_to": "They are about to start.",
    "away": "They were away.",
    "other": "",
}
_WHY = {
    CampaignKind.IDLE: "it looks idle",
    CampaignKind.REDUNDANT: "another licence of yours does the same",
    CampaignKind.TOO_BIG: "a smaller tier would do",
    CampaignKind.LEAVING: "you are leaving",
    CampaignKind.REVIEW: "all licences of this product are looked through",
}
#: What is known of its use, without a day: managers see no more (rules §10).
_USE = {
    "active": "It is in use.",
    "little_used": "It is little used.",
    "idle": "It looks idle.",
    "unknown": "Its use is not known.",
}


def still_needed_card(facts: StillNeededFacts, reader_id: int) -> Message:
    """The question; afterwards what was answered, or what came of the silence.

    A manager is asked in the place of a holder nobody can reach, and sees no days of use (rules §10).
    """
    if reader_id != facts.holder.id:
        return _instead(facts)
    if facts.state is CandidateState.UNANSWERED:
        return _asked(facts, f"*{_looks(facts)} looks at it now.* You can still answer.")
    if facts.state is CandidateState.ASKED:
        begun = "Still open: do" if facts.reminded_at is not None else "Do"
        return _asked(facts, f"*{begun} you still need {t.named(facts.product)}?*")
    if facts.state is CandidateState.CONFIRMED and facts.answer != "release":  # that one has its own message
        return _goes(facts)
    return _plain(_outcome(facts))


def _asked(facts: StillNeededFacts, head: str) -> Message:
    ref = Ref(facts.id, facts.version)
    found = t.sentence(t.inert(t.one_line(facts.sentence)))
    doubt = "Reports can be wrong: if you use it" if found and facts.kind is CampaignKind.IDLE else "If you need it"
    body = f"{found} {doubt}, say so and nothing changes."
    cost = f"Costs the company {facts.monthly} a month. " if facts.monthly else "What it costs is not recorded. "
    lost = f"{t.sentence(t.inert(t.one_line(facts.lost)))} {_instead_of_it(facts)}".strip()
    stops = f"{cost}{f'Giving it back: {lost} ' if lost else ''}You can ask again at any time."
    by = f"Answer by {t.weekday(facts.answer_by)}. " if facts.answer_by is not None else ""
    small = f"{by}Without an answer nothing is taken: {_looks(facts)} looks at it first. Asked because {_why(facts)}."
    blocks: list[Block] = [
        t.section(head),
        t.section(body.strip()),
        t.context(stops),
        t.actions(*_buttons(facts, ref)),
        t.context(small),
    ]
    return Message(
        t.spoken(head.replace("*", ""), body, stops, after=("Keep it, give it back, or be asked later.", small)), blocks
    )


def _goes(facts: StillNeededFacts) -> Message:
    """A person confirmed the list: until it is taken the holder's word still counts."""
    on = f" on {t.day(facts.take_on)}" if facts.take_on is not None else ""
    said = f"*{t.named(facts.product)} goes back{on}.* A person confirmed it. “Keep it” leaves it with you until then."
    keep, *_ = _buttons(facts, Ref(facts.id, facts.version))
    return Message(said.replace("*", ""), [t.section(said), t.actions(keep)])


def _why(facts: StillNeededFacts) -> str:
    """ "it looks idle (rule 7)": only idleness is judged by a rule that has a number."""
    if facts.kind is CampaignKind.TOO_BIG and facts.instead:
        return f"{t.named(facts.instead)} would do"
    if facts.kind is not CampaignKind.IDLE:
        return _WHY[facts.kind]
    found = "no report says whether it is used" if facts.verdict == "unknown" else _WHY[facts.kind]
    return f"{found} ({t.inert(facts.rule)})" if facts.rule else found


def _instead_of_it(facts: StillNeededFacts) -> str:
    """What a move to a smaller licence gives in the same step; "" where nothing comes instead."""
    return f"You get {t.named(facts.instead)} instead." if facts.instead else ""


def _buttons(facts: StillNeededFacts, ref: Ref) -> list[Element]:
    """None of them is coloured: no colour steers a person's own choice."""
    return [
        t.button("Keep it", Action.KEEP_SEAT, ref, heard=t.accessibility("Keep it:", facts.product)),
        t.button("Give it back", Action.RELEASE_SEAT, ref, heard=t.accessibility("Give it back:", facts.product)),
        t.button("Ask me later", Action.ASK_LATER, ref, heard=t.accessibility("Ask me later:", facts.product)),
    ]


def _instead(facts: StillNeededFacts) -> Message:
    """To the manager of somebody with neither Slack nor mail, or in a review; their word removes nothing."""
    name, holder = t.named(facts.product), who(facts.holder)
    if facts.state not in (CandidateState.ASKED, CandidateState.UNANSWERED):
        return _plain(f"*Nothing to answer any more:* {name}, {holder}.")
    head = f"*Does {holder} still need {name}?*"
    called = t.called(facts.holder.name)
    if facts.kind is CampaignKind.REVIEW:
        body = f"{_found(facts)} All licences of this product are looked through, and you answer for {called}."
    else:
        body = f"{_found(facts)} {called} cannot be asked: there is no Slack account and no mail."
    cost = f"Costs the company {facts.monthly} a month." if facts.monthly else "What it costs is not recorded."
    by = f"Answer by {t.weekday(facts.answer_by)}. " if facts.answer_by is not None else ""
    small = f"{by}Nothing is taken by your answer: {_looks(facts)} looks at it first."
    ref = Ref(facts.id, facts.version)
    buttons = (
        t.button("Still needed", Action.KEEP_SEAT, ref, heard=t.accessibility("Still needed:", facts.product)),
        t.button("Not needed", Action.RELEASE_SEAT, ref, heard=t.accessibility("Not needed:", facts.product)),
    )
    blocks: list[Block] = [t.section(head), t.section(body), t.context(cost), t.actions(*buttons), t.context(small)]
    return Message(t.spoken(head.replace("*", ""), body, cost, after=(small,)), blocks)


def _found(facts: StillNeededFacts) -> str:
    """Why the seat is asked about, as a manager reads it."""
    if facts.kind in (CampaignKind.REDUNDANT, CampaignKind.TOO_BIG):
        return t.sentence(t.inert(t.one_line(facts.short)))
    return _USE[facts.verdict]


def _looks(facts: StillNeededFacts) -> str:
    return who(facts.looks) if facts.looks is not None else "a licence manager"


def _outcome(facts: StillNeededFacts) -> str:
    name = t.named(facts.product)
    at = f" {t.instant(facts.answered_at)}" if facts.answered_at else ""
    again = f" You will not be asked again before {t.day(facts.ask_again_on)}." if facts.ask_again_on else ""
    match facts.state:
        case CandidateState.KEPT:
            wrong = facts.answer == "uses_it" and facts.kind is CampaignKind.IDLE
            counts = " That counts against the rule." if wrong else ""
            return f"*Kept*{at}: {name}.{again}{counts}"
        case CandidateState.KEEP_ASKED:
            manager = who(facts.manager) if facts.manager is not None else "Your manager"
            return f"*Kept for now*{at}: {name}. {manager} is asked to agree; until then you keep it."
        case CandidateState.SNOOZED:
            until = t.day(facts.snoozed_until) if facts.snoozed_until else "a later day"
            return f"*Later:* you will be asked again about {name} on {until}."
        case CandidateState.RELEASED | CandidateState.CONFIRMED if facts.answer == "release":
            return f"*Given back*{at}: {name}. It stays usable until a person has confirmed the list."
        case CandidateState.IN_USE:
            return f"*No longer asked*: {t.sentence(t.inert(facts.words) or f'{name} is in use')}"
        case CandidateState.TAKEN:
            has = f" You have {t.named(facts.instead)} instead." if facts.instead else ""
            return f"*{name} was taken back.*{has} “I need it back”, on the message that says so, brings it back."
        case CandidateState.PUT_BACK:
            return f"*Back again:* you have {name}."
        case _:
            return f"*You keep {name}.* This question is closed."


def keep_form(facts: StillNeededFacts) -> Element:
    """[Keep it]: why, in five plain answers."""
    return m.modal(
        Callback.KEEP_SEAT,
        "Keep this licence",
        [
            t.section(f"*{t.named(facts.product)}*"),
            m.field(Field.REASON, "Why?", m.choices(Field.REASON, KEEPS)),
            m.words_field(Field.WORDS, "In your words", most=500, hint="Needed for “Other”.", optional=True),
        ],
        submit="Keep it",
        ref=Ref(facts.id, facts.version),
    )


def release_form(facts: StillNeededFacts) -> Element:
    """[Give it back]: what stops, before anything is said for good."""
    lost = f"{t.sentence(t.inert(t.one_line(facts.lost)))} {_instead_of_it(facts)}".strip()
    return m.modal(
        Callback.RELEASE_SEAT,
        "Give back this licence",
        [
            t.section(f"*{t.named(facts.product)}*. {f'{lost} ' if lost else ''}You can ask again at any time."),
            m.words_field(Field.WORDS, "Reason", most=500, optional=True),
        ],
        submit="Give it back",
        ref=Ref(facts.id, facts.version),
    )


def later_form(facts: StillNeededFacts, first: date, latest: date) -> Element:
    """[Ask me later]: a day within the limit of the policy."""
    proposed = min(latest, first + timedelta(days=13))
    return m.modal(
        Callback.ASK_LATER,
        "Ask me later",
        [
            t.section(f"*{t.named(facts.product)}*. Until then nothing happens."),
            m.field(
                Field.UNTIL,
                "When?",
                m.date_input(Field.UNTIL, proposed),
                hint=f"From {t.day(first)} to {t.day(latest)}.",
            ),
        ],
        submit="Ask me then",
        ref=Ref(facts.id, facts.version),
    )


def keep_word_card(facts: StillNeededFacts) -> Message:
    """To the manager, where policy wants their word. Days of use are not theirs to see."""
    name, holder = t.named(facts.product), who(facts.holder)
    if facts.state is not CandidateState.KEEP_ASKED:
        said = (
            f"*{holder} keeps {name}.*"
            if facts.state is CandidateState.KEPT
            else f"*Nothing to answer:* {name}, {holder}."
        )
        return _plain(f"{said} There is nothing more to do here.")
    head = f"*{holder} wants to keep {name}.* {_found(facts)}"
    said = _SAID.get(facts.answer, "")
    cost = f"It costs {facts.monthly} a month." if facts.monthly else "What it costs is not recorded."
    small = (
        f"If you do nothing {t.called(facts.holder.name)} keeps it. "
        f"If you see it differently, {_looks(facts)} looks at it; nothing is taken by your answer."
    )
    ref = Ref(facts.id, facts.version)
    blocks: list[Block] = [t.section(head), t.section(f"{said} {cost}".strip())]
    if facts.answer_words:
        blocks.append(t.typed(facts.answer_words, 300))
    blocks += [
        t.actions(
            t.button(
                "Agree",
                Action.KEEP_AGREE,
                ref,
                heard=t.accessibility("Agree to keep:", facts.product, facts.holder.name),
            ),
            t.button(
                "I see it differently",
                Action.KEEP_DISPUTE,
                ref,
                heard=t.accessibility("I see it differently:", facts.product, facts.holder.name),
            ),
        ),
        t.context(small),
    ]
    return Message(t.spoken(head.replace("*", ""), said, cost, quote=facts.answer_words, after=(small,)), blocks)


def _plain(said: str) -> Message:
    return Message(said.replace("*", ""), [t.section(said)])
