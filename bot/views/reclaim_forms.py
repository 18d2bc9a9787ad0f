"""Small windows of taking back: why the evidence is looked at, and who gets what a leaver had."""

from __future__ import annotations

from collections.abc import Collection

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.reclaim_list import packed
from bot.views.said import who
from bot.views.text import Block, Element, Message
from workflows.reads.reclaim import HandoverFacts


def evidence_form(ref: Ref, page: int, rows: Collection[int]) -> Element:
    """A stored reason comes before days of use are shown."""
    return m.modal(
        Callback.EVIDENCE,
        "See the evidence",
        [
            t.section(f"Page {page}: days of use of {t.plural(len(rows), 'person', 'people')}."),
            m.words_field(
                Field.WHY,
                "Why do you need them?",
                most=500,
                hint="Kept with your name; the people concerned can read it.",
            ),
        ],
        submit="Show them",
        ref=ref,
        metadata={"rows": packed(rows)},
    )


def handover_card(facts: HandoverFacts, person_id: int) -> Message:
    """To a leaver's manager: what waits until mailbox, files, groups and flows have a new owner."""
    name = who(facts.who)
    if not facts.products:
        by = f" by {who(facts.said_by)}" if facts.said_by is not None else ""
        done = f"*Handed over{by}:* {name}."
        blocks: list[Block] = [t.section(done)]
        if facts.said:
            blocks.append(t.typed(facts.said, 300))
        return Message(t.spoken(done.replace("*", ""), quote=facts.said), blocks)
    left = f" on {t.day(facts.left_on)}" if facts.left_on else ""
    head = f"*{name} left{left}.* Who gets mailbox, files, groups and flows?"
    waits = f"These wait for it: {t.joined([t.named(one) for one in facts.products[:10]])}."
    small = "Nothing is taken before you say so, and a person with the right confirms the list after that."
    button = t.button(
        "Handed over", Action.HANDED_OVER, Ref(person_id), heard=t.accessibility("Handed over:", person=facts.who.name)
    )
    return Message(
        t.spoken(head.replace("*", ""), waits, after=(small,)),
        [t.section(head), t.section(waits), t.actions(button), t.context(small)],
    )


def handed_over_form(ref: Ref, name: str) -> Element:
    """Mailbox, files, groups and flows of somebody who left: nothing goes before this is said."""
    return m.modal(
        Callback.HANDED_OVER,
        "Handed over",
        [
            t.section(f"*{t.named(name)}* left. Mailbox, OneDrive, groups and flows must have a new owner first."),
            m.words_field(
                Field.WORDS, "Who gets them?", most=500, hint="For example: mailbox and files to Ben Okafor; no flows."
            ),
        ],
        submit="It is handed over",
        ref=ref,
    )
