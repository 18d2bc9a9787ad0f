"""What differs between invoices, purchases, the vendor and us: finance's digest, a difference as a window, its answer.

The channel reads products, numbers and sums, and of people only who answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from licensing.money import Sums
from licensing.reconciliation.facts import KINDS
from workflows.reads.reconciliation import STATES, DifferenceFacts, DigestOfDifferences

HEADER = "Invoices and licences"
ROWS, SPOKEN, IN_WINDOW = 12, 3, 40
ROW_LENGTH = 330
ANSWERS = {"accept": "It is right", "dispute": "We dispute it", "ask": "Ask procurement"}
MEANWHILE = "Nothing is corrected by itself. A line closes when somebody says that it is right, or the figures agree."


def digest_of_differences(facts: DigestOfDifferences, dashboard_url: str = "") -> Message:
    """The list as it stands now: answered lines are gone from it, and with none left it says so."""
    looked = f"Looked before {facts.before} is decided" if facts.before else f"Look of {t.month(facts.at.date())}"
    if not facts.rows:
        said = f"*All settled.* {looked}: {t.plural(facts.settled, 'difference')}, none is open any more."
        return Message(said.replace("*", ""), [t.section(said)])
    count = t.plural(len(facts.rows), "difference")
    waits = "waits" if len(facts.rows) == 1 else "wait"
    head = f"*{count} {waits} for an answer:* {in_doubt(facts.money)}."
    kinds = by_kind(facts.rows)
    shown = facts.rows[:ROWS]
    blocks: list[Block] = [t.header(HEADER), t.section(f"{head}\n{kinds}.")]
    blocks += [t.section(row(one), accessory=_answer(one)) for one in shown]
    settled = f"{t.plural(facts.settled, 'line')} settled since" if facts.settled else ""
    blocks.append(t.context(" · ".join(part for part in (looked, settled) if part), MEANWHILE))
    if len(facts.rows) > len(shown):
        label = f"Show all {len(facts.rows)}"
        blocks.append(t.actions(t.button(label, Action.SEE_DIFFERENCES, heard=f"{label} differences")))
    spoken = [t.sentence(plain_row(one)) for one in facts.rows[:SPOKEN]]
    more = f"and {len(facts.rows) - SPOKEN} more." if len(facts.rows) > SPOKEN else ""
    return Message(t.spoken(head.replace("*", ""), *spoken, after=(more, MEANWHILE)), blocks)


def in_doubt(money: Sums) -> str:
    """ "€2,352.00 and US$120.00 in doubt, of 2 not known"."""
    known = t.joined([str(one) for one in money.each() if one])
    gap = f"of {money.unknown} the sum is not known" if money.unknown else ""
    if not known:
        return gap or "no money in doubt"
    return f"{known} in doubt{f', {gap}' if gap else ''}"


def by_kind(rows: Sequence[DifferenceFacts]) -> str:
    """ "Billed, not bought 2 · Price differs 1"."""
    counts = Counter(one.kind for one in rows)
    return " · ".join(f"{words} {counts[kind]}" for kind, words in KINDS.items() if counts[kind])


def row(one: DifferenceFacts) -> str:
    """One line of the list: kind, words, money, where it stands."""
    state = f" _{STATES[one.state]}_" if one.state != "open" else ""
    return f"*{KINDS[one.kind]}*, {_money(one)}{state}\n{t.inert(t.one_line(one.words), ROW_LENGTH)}"


def plain_row(one: DifferenceFacts) -> str:
    return t.inert(t.cut(t.one_line(one.words), 180))


def _money(one: DifferenceFacts) -> str:
    if one.money is None:
        return "sum not known"
    return str(one.money) if one.money else "no sum"


def _answer(one: DifferenceFacts) -> Element:
    heard = t.accessibility(f"Answer difference {one.id}", one.product)
    return t.button("Answer", Action.DIFFERENCE_ANSWER, Ref(one.id, one.version), heard=heard)


def answer_window(one: DifferenceFacts) -> Element:
    """The four sides, what was said so far, and the answer: which, why, and what shows it."""
    sides = t.fields(
        [
            ("Bought", _number(one.registered)),
            ("The vendor enables", _number(one.vendor)),
            ("Billed", _number(one.invoiced)),
            ("In use", _number(one.assigned)),
        ]
    )
    blocks = [t.section(f"*{KINDS[one.kind]}*, {_money(one)}"), t.plain(t.cut(one.words, 1500)), *sides, *_said(one)]
    if not one.open:
        return m.shown(HEADER, *blocks)
    allowed = {
        value: label
        for value, label in ANSWERS.items()
        if (value, one.state) not in {("dispute", "disputed"), ("ask", "asked")}
    }
    blocks += [
        m.field(Field.AS, "Your answer", m.choices(Field.AS, allowed)),
        m.words_field(Field.WORDS, "Why?", least=3, most=2000),
        m.field(Field.LINK, "What shows it", m.text_input(Field.LINK, most=500, placeholder="A link"), optional=True),
        t.context(MEANWHILE),
    ]
    return m.modal(
        Callback.DIFFERENCE_ANSWER,
        "Answer a difference",
        blocks,
        submit="Save answer",
        ref=Ref(one.id, one.version),
    )


def _number(known: int | None) -> str:
    return f"{known:,}" if known is not None else "not known"


def _said(one: DifferenceFacts) -> list[Block]:
    found: list[Block] = []
    if one.answered_by is not None and one.answered_at is not None:
        found.append(t.section(f"{who(one.answered_by)}, {t.instant(one.answered_at)}: {STATES[one.state]}."))
        found.append(t.typed(one.answer))
        if one.evidence:
            found.append(t.plain(f"Shown by: {t.cut(one.evidence, 400)}"))
    elif one.owner is not None:
        found.append(t.context(f"{who(one.owner)} looks after the product. Found {t.day(one.found_at.date())}."))
    return found


def all_differences(rows: Sequence[DifferenceFacts], today: date) -> Element:
    """Every open line, with its button."""
    if not rows:
        return m.shown(HEADER, t.section(f"*Nothing differs*, as of {t.day(today)}."))
    blocks: list[Block] = [t.section(f"*{t.plural(len(rows), 'difference')} open*\n{by_kind(rows)}.")]
    blocks += [t.section(row(one), accessory=_answer(one)) for one in rows[:IN_WINDOW]]
    if len(rows) > IN_WINDOW:
        blocks.append(t.context(f"and {len(rows) - IN_WINDOW} more: seatkeeper reconcile lists them"))
    return m.shown(HEADER, *blocks)
