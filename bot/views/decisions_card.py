"""Many open decisions as one list (wording guide §2.4): a row each, and the safe ones in one press after a dialog."""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.approval_card import short_answer
from bot.views.said import product, who
from bot.views.text import Block, Element, Message
from workflows.reads.facts import ApprovalFacts, DecisionsFacts

ROWS = 20  # rows shown; the rest is in Home
_SPOKEN_ROWS = 5  # with the longest names and their deadlines these still leave room for the last sentence


def decisions_card(facts: DecisionsFacts) -> Message:
    """The list as it is now; with nothing open it says so and has no buttons."""
    count = len(facts.open)
    if not count:
        return Message("Nothing waits for your decision.", [t.section("*Nothing waits for you.* All is decided.")])
    waits = f"{t.plural(count, 'decision')} {'waits' if count == 1 else 'wait'} for you"
    safe = facts.safe
    blocks: list[Block] = [t.section(f"*{waits}*")]
    blocks += [_row(one) for one in facts.open[:ROWS]]
    if count > ROWS:
        blocks.append(t.context(f"and {count - ROWS} more, all of them on the Home tab"))
    if len(safe) > 1:
        blocks.append(t.actions(_approve_safe(facts)))
    if safe:
        means = "a seat is free, nothing is extra to pay, and what is bought covers what is in use"
        blocks.append(t.context(f"Safe means: {means}. {len(safe)} of {count} are."))
    blocks.append(t.context("Each time limit runs on its own; without an answer the next in line is asked."))
    return Message(_spoken(facts, waits), blocks)


def row_words(facts: ApprovalFacts) -> str:
    """One open decision as a line of mrkdwn, also for Home: who, what, what it costs, by when."""
    request = facts.request
    money = "nothing extra to pay" if facts.charge.nothing else short_answer(facts).split(". ")[0].rstrip(".")
    due = f" · by {t.instant(facts.step.due_at)}" if facts.step.due_at else ""
    return f"*{who(request.requester)}: {t.named(product(request))}* · {money}{due}"


def decide_button(facts: ApprovalFacts) -> Element:
    """[Decide]: opens the card as a modal."""
    return t.button(
        "Decide",
        Action.DECIDE,
        Ref(facts.asked.id, facts.request.version),
        heard=f"{t.accessibility('Decide on', product(facts.request), facts.request.requester.name)}"
        f", {facts.request.reference}",  # one person may ask twice for one product
    )


def _row(facts: ApprovalFacts) -> Block:
    return t.section(row_words(facts), accessory=decide_button(facts))


def _approve_safe(facts: DecisionsFacts) -> Element:
    """The value lists what was on screen, so that nothing newer is approved along with it."""
    safe = facts.safe
    number, rest = len(safe), len(facts.open) - len(safe)
    names = " ".join(
        t.sentence(f"{t.name(t.short_name(one.request.requester.name), 16)}: {t.name(product(one.request), 24)}")
        for one in safe[:6]
    )
    more = f" And {number - 6} more." if number > 6 else ""
    others = f" The other {rest} stay." if rest else ""
    return t.button(
        f"Approve {number} safe ones",
        Action.APPROVE_SAFE,
        ",".join(str(Ref(one.asked.id, one.request.version)) for one in safe),
        heard=f"Approve {number} safe requests",
        confirm=t.dialog(
            f"Approve {number} requests?",
            f"{names}{more} A seat is free for each and nothing is extra to pay.{others}",
            f"Approve {number}",
            "Go back",
        ),
    )


def _spoken(facts: DecisionsFacts, waits: str) -> str:
    rows = [
        f"{who(one.request.requester)}: {t.named(product(one.request), 40)}"
        + (f", by {t.instant(one.step.due_at)}" if one.step.due_at else "")
        for one in facts.open[:_SPOKEN_ROWS]
    ]
    more = f" And {len(facts.open) - _SPOKEN_ROWS} more." if len(facts.open) > _SPOKEN_ROWS else ""
    safe = f" {len(facts.safe)} of them are safe to approve together." if len(facts.safe) > 1 else ""
    return f"{waits}: {'; '.join(rows)}.{more}{safe} Without an answer the next in line is asked."
