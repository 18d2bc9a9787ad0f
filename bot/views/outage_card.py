"""The note to IT about an outside system that has not answered for hours, and its end."""

from __future__ import annotations

from bot.views import text as t
from bot.views.notes import SYSTEMS
from bot.views.text import Message
from workflows.outages import OutageFacts


def outage_card(facts: OutageFacts) -> Message:
    """One per system and outage; it names no request and nobody."""
    named = t.named(SYSTEMS.get(facts.system, facts.system))
    system = named[:1].upper() + named[1:]
    if facts.over_at is not None:
        said = f"*{system} answers again* {t.instant(facts.over_at)}, nothing waits."
        return Message(said.replace("*", ""), [t.section(said)])
    head = f"*{system} has not answered since* {t.instant(facts.since)}."
    count = facts.requests
    waits = f"{t.plural(count, 'request')} {'waits' if count == 1 else 'wait'}" if count else "No request waits for it"
    goes_on = f"{waits}; they go on by themselves." if count else f"{waits} yet."
    if count == 1:
        goes_on = f"{waits}; it goes on by itself."
    small = "Requests are still taken and decided. This note says when it is over."
    return Message(t.spoken(head.replace("*", ""), goes_on, small), [t.section(f"{head} {goes_on}"), t.context(small)])
