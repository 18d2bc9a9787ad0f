"""The windows behind a request that waits for a person: who decides instead, and why it is closed."""

from __future__ import annotations

from bot.ids import Block as Field
from bot.ids import Callback, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Element
from workflows.reads.seat_facts import StuckFacts
from workflows.reads.stuck import Behind


def name_form(facts: StuckFacts) -> Element:
    """Whom to ask where nobody is left."""
    more = f" {facts.missing} people are still missing; name one at a time." if facts.missing > 1 else ""
    return m.modal(
        Callback.STUCK_NAME,
        "Name who decides",
        [
            t.section(f"*{facts.reference}*, {t.named(facts.product)}: whoever you name is asked at once.{more}"),
            m.field(
                Field.PERSON,
                "Who decides?",
                m.person_input(Field.PERSON),
                hint="Not whoever asked or gets the seat. Your name and theirs stay in the record.",
            ),
        ],
        submit="Ask them",
        ref=Ref(facts.request_id, facts.version),
    )


def close_form(facts: StuckFacts) -> Element:
    """Why it is given up, in words for whoever asked."""
    return m.modal(
        Callback.STUCK_CLOSE,
        "Close the request",
        [
            t.section(
                f"*{facts.reference}*, {t.named(facts.product)}: whoever asked is told, with your name and your words. "
                "Seats given already stay."
            ),
            m.words_field(Field.WORDS, "Why is it closed?", least=5, most=500, hint="Say what they could do instead."),
        ],
        submit="Close it",
        ref=Ref(facts.request_id, facts.version),
    )


def who_words(facts: Behind) -> str:
    """The answer to "Who is it?", for one reader: mrkdwn."""
    holders = [who(one) for one in facts.holders if one.id != facts.requester.id]
    for_whom = f", for {t.and_more(holders, 10)}" if holders else ""
    words = t.inert(t.one_line(" ".join(facts.words)), 800)
    return f"{who(facts.requester, team=True)} asked{for_whom}." + (f" {words}" if words else "")
