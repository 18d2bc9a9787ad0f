"""Answers to `/licence`, seen by one person only, and the windows behind Home's buttons (wording guide §2.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rapidfuzz import fuzz, process

from bot.ids import Action
from bot.views import home as h
from bot.views import modals as m
from bot.views import text as t
from bot.views.decisions_card import decide_button, decisions_card, row_words
from bot.views.notes import stuck_buttons, stuck_why
from bot.views.text import Block, Element, Message
from model.people import Role
from workflows.reads.catalogue import Match
from workflows.reads.home import HomeFacts
from workflows.reads.seat_facts import ParkedFacts, StuckFacts

#: Words of the command with what they do, in the order of `help`.
WORDS = {
    "request": "ask",
    "mine": "what you have",
    "status": "how it stands",
    "return": "give back",
    "approvals": "what waits for you",
    "position": "bought, free, short",
    "short": "what is missing",
    "waste": "what is not needed",
    "reclaim": "taking back",
    "renewals": "what to decide",
    "help": "all words",
}
#: Words for those who may see figures of the company.
FIGURES = ("position", "short", "waste", "reclaim", "renewals")
#: Ephemeral lists stay below Slack's whole-message limit.
ROWS = 15


def mine(facts: HomeFacts) -> Message:
    """Own licences; also the answer to `/licence` alone."""
    blocks: list[Block] = [
        t.section(h.total(facts), accessory=t.button("Ask for a licence", Action.ASK_LICENCE, style="primary")),
        *_rows([h.seat_row(one) for one in facts.holding.seats], h.SEATS),
    ]
    if not facts.holding.seats:
        blocks = [
            t.section("No licences on record for you. Missing one?"),
            t.actions(
                t.button("Tell IT", Action.TELL_IT), t.button("Ask for a licence", Action.ASK_LICENCE, style="primary")
            ),
        ]
    names = t.and_more([t.named(one.product) for one in facts.holding.seats], 8)
    return Message(f"{h.total(facts)} {names or 'Tell IT, or ask for a licence.'}", blocks)


def status(facts: HomeFacts) -> Message:
    """Own requests."""
    if not facts.requests:
        words = "You have no requests. Ask with /licence request."
        return Message(words, [t.section(words)])
    rows = _rows([h.request_row(one) for one in facts.requests], h.REQUESTS)
    said = ". ".join(f"{t.named(one.product)}, {one.reference}: {h.request_words(one)}" for one in facts.requests[:5])
    count = t.plural(len(facts.requests), "request")
    return Message(f"{count}. {said}.", [t.section(f"*{count}*"), *rows])


def approvals(facts: HomeFacts) -> Message:
    """What waits for this person's decision."""
    if not facts.decisions.open:
        return Message("Nothing waits for you.", [t.section("Nothing waits for you.")])
    return decisions_card(facts.decisions)


def give_back(facts: HomeFacts) -> Message:
    """Own licences that can be given back."""
    seats = [one for one in facts.holding.seats if one.can_give_back]
    if not seats:
        words = "You have no licence to give back. Those that come with your role are changed by IT."
        return Message(words, [t.section(words)])
    names = t.and_more([t.named(one.product) for one in seats], 8)
    words = f"Which one do you give back? {names}."
    return Message(
        words, [t.section("*Which one do you give back?*"), *_rows([h.seat_row(one) for one in seats], h.SEATS)]
    )


def help_words(facts: HomeFacts, dashboard: str) -> Message:
    """The words of the command this person can use."""
    hidden = {"help", *(() if _decides(facts) else ("approvals",)), *(() if facts.sees_figures else FIGURES)}
    names = [name for name in WORDS if name not in hidden]
    said = " · ".join(f"`{name}` {WORDS[name]}" for name in names)
    extra = ""
    if facts.roles & {Role.LICENCE_MANAGER, Role.IT, Role.FINANCE, Role.PROCUREMENT, Role.AUDITOR, Role.ADMIN}:
        extra = f" Figures: {t.link(dashboard, 'dashboard')}." if dashboard else ""
    words = f"{said}. Questions: ask IT.{extra}"
    return Message(f"/licence and one of: {words}", [t.section(words)])


def _decides(facts: HomeFacts) -> bool:
    return bool(facts.team or facts.decisions.open or facts.roles)


def unknown_word(word: str) -> Message:
    near = process.extractOne(word, list(WORDS), scorer=fuzz.ratio, score_cutoff=60)
    typed = t.escape(t.cut(t.one_line(word), 40)).replace("`", "’")
    meant = f" Did you mean `{near[0]}`?" if near else ""
    words = f"`{typed}` is not known.{meant} All words: `/licence help`."
    return Message(words, [t.section(words)])


def unknown_product(words: str, match: Match) -> Message:
    """ "Nothing called “visoi”. Close: *Visio Plan 1*, *Visio Plan 2*." with the way on."""
    typed = t.escape(t.cut(t.one_line(words), 60))
    close = ", ".join(f"*{t.named(one.name)}*" for one in match.close)
    said = f"Nothing called “{typed}”.{f' Close: {close}.' if close else ''}"
    buttons = [
        t.button(
            f"Ask for {t.name(one.name, 15)}",
            Action.ASK_FOR_OWNED,
            str(one.product_id),
            heard=t.accessibility("Ask for", one.name),
        )
        for one in match.close[:1]
    ]
    other = t.button("Something else", Action.SOMETHING_ELSE, t.cut(t.one_line(words), 100))
    return Message(said.replace("*", ""), [t.section(said), t.actions(*buttons, other)])


def no_such_product(words: str, near: Sequence[str]) -> Message:
    """As above, where nothing is to be asked for."""
    typed = t.escape(t.cut(t.one_line(words), 60))
    close = ", ".join(f"*{t.named(name)}*" for name in near)
    said = f"Nothing called “{typed}”.{f' Close: {close}.' if close else ''}"
    return Message(said.replace("*", ""), [t.section(said)])


def _rows(rows: Sequence[Block], group: str) -> list[Block]:
    return h.limited(rows, group, ROWS)


# Windows


def all_rows(group: str, facts: HomeFacts) -> Element:
    """[Show all 34]: one group whole, as far as a window holds."""
    made: dict[str, tuple[str, list[Block]]] = {
        h.DECISIONS: ("Waiting for you", _decision_rows(facts)),
        h.TASKS: (
            "Waiting for you",
            [*(h.question_row(one) for one in facts.questions), *(h.task_row(one) for one in facts.tasks)],
        ),
        h.REQUESTS: ("Your requests", [h.request_row(one) for one in facts.requests]),
        h.SEATS: ("Your licences", [h.seat_row(one) for one in facts.holding.seats]),
        h.TEAM: ("Your team", h.team_rows(facts.team)),
    }
    title, rows = made.get(group, made[h.SEATS])
    return m.shown(title, *_window(rows))


def _decision_rows(facts: HomeFacts) -> list[Block]:
    return [t.section(row_words(one), accessory=decide_button(one)) for one in facts.decisions.open]


def _window(rows: Sequence[Block]) -> list[Block]:
    """Up to 99 rows, and how many more there are."""
    if not rows:
        return [t.section("Nothing is here any more.")]
    return list(rows) if len(rows) <= 100 else [*rows[:99], t.context(f"and {len(rows) - 99:,} more")]


#: Requests that wait for a person, two blocks each, in one window.
_USE_ROWS = 15
_STUCK_ROWS = 40


def parked_rows(groups: Sequence[ParkedFacts], stuck: Sequence[StuckFacts]) -> Element:
    """What waits for a person, for those who look after it."""
    rows: list[Block] = [
        t.section(f"*{t.plural(one.count, 'thing')}* · {t.escape(t.cut(one.error, 200))}") for one in groups
    ]
    for one in stuck[:_STUCK_ROWS]:
        words = t.inert(t.one_line(one.words), 300) or stuck_why(one)
        rows += [t.section(f"*{one.reference}* · {t.named(one.product)} · {words}"), t.actions(*stuck_buttons(one))]
    if len(stuck) > _STUCK_ROWS:
        rows.append(t.context(f"and {len(stuck) - _STUCK_ROWS:,} more requests"))
    return m.shown("Waits for a person", *_window(rows))


def stored(facts: Mapping[str, Any]) -> Element:
    """What is kept about the reader, and why."""
    labels = {
        "name": "Name",
        "email": "Mail",
        "upn": "Signs in as",
        "department": "Department",
        "job_title": "Job title",
        "country": "Country",
        "time_zone": "Time zone",
        "employment": "Employment",
        "manager": "Manager",
    }
    pairs = [(label, t.inert(t.name(str(facts[key]), 200))) for key, label in labels.items() if facts.get(key)]
    kept = (
        f"{t.plural(facts['seats'], 'licence')} you have or had · {t.plural(facts['requests'], 'request')} · "
        f"{t.plural(facts['decisions'], 'decision')} you made · {t.plural(facts['events'], 'entry', 'entries')} "
        "in the record of what you did here"
    )
    return m.shown(
        "What is stored about me",
        t.section("*From the staff directory*, to know who decides and in which zone you work:"),
        *t.fields(pairs),
        t.section(f"*From your use of Seatkeeper*, so that every decision has a name:\n{kept}."),
        *_away_kept(facts.get("away", ())),
        *_use_kept(facts.get("use", ())),
        t.context("To have something corrected or erased, ask IT."),
    )


def _away_kept(absences: Sequence[tuple[date, date | None]]) -> list[Block]:
    """The days the reader said they are away, or were before."""
    if not absences:
        return []
    said = [f"{t.day(first)} to {t.day(until)}" if until else f"from {t.day(first)}" for first, until in absences]
    why = "*From what you said of your absences*, so that leave does not make a licence look idle:"
    return [t.section("\n".join([why, *said]))]


def _use_kept(lines: Sequence[str]) -> list[Block]:
    """What sources say of the reader's use; nobody else sees the days without a reason that is stored."""
    if not lines:
        return [t.context("When you used which software is not stored.")]
    shown = [t.inert(line, 200) for line in lines[:_USE_ROWS]]
    if len(lines) > _USE_ROWS:
        shown.append(f"and {len(lines) - _USE_ROWS:,} more")
    why = "*From reports of use*, to see which licences nobody needs. Your manager sees no days:"
    return [t.section("\n".join([why, *shown]))]


def tell_it() -> Element:
    return m.shown(
        "A licence is missing",
        t.section(
            "Tell IT which licence you use that is not listed here: it may come through a group or a device "
            "that is not read yet. If you need a new one, ask for it."
        ),
        t.actions(t.button("Ask for a licence", Action.ASK_LICENCE)),
    )


def help_window(facts: HomeFacts, dashboard: str) -> Element:
    return m.shown("Help", *help_words(facts, dashboard).blocks, t.context("Type /licence and one of the words."))


def keep_or_back(seat_blocks: Sequence[Block]) -> Element:
    return m.shown("Your licence", *seat_blocks)


def updated(at: datetime) -> str:
    return f"Updated {t.instant(at)}"
