"""A rule of the idle verdict that was wrong too often and stopped itself: why, what follows, and the way back."""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.text import Block, Message
from workflows.reclaim.rule_scores import Paused


def rule_pause_card(facts: Paused) -> Message:
    """To the channel of those who look after licences; holders are counted, never named."""
    name, rule = t.named(facts.product), t.inert(facts.rule)
    if facts.lifted_at is not None:
        by = f" by {t.named(facts.lifted_by)}" if facts.lifted_by else ""
        said = f"*Switched on again{by}* {t.instant(facts.lifted_at)}: {rule} judges {name} again."
        return Message(said.replace("*", ""), [t.section(said)])
    head = f"*The rule that finds idle seats of {name} paused itself:* {t.inert(facts.words)}."
    follows = "Nobody is asked and nothing is taken by it until somebody lets it judge again."
    small = f"{rule} · since {t.instant(facts.paused_at)} · earlier answers count no more once it is on again"
    button = t.button(
        "Switch it on again",
        Action.RULE_LIFT,
        Ref(facts.id),
        heard=t.accessibility("Switch the rule on again for", facts.product),
    )
    blocks: list[Block] = [t.section(f"{head} {follows}"), t.actions(button), t.context(small)]
    return Message(t.spoken(head.replace("*", ""), follows, after=(t.sentence(small.replace(" · ", ", ")),)), blocks)
