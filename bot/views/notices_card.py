"""What procurement should know before the cycle, as one message; what is so no more says so."""

from __future__ import annotations

from collections.abc import Sequence

from bot.views import text as t
from bot.views.text import Block, Message
from licensing.procurement import HEADS
from workflows.reads.procurement import NoticeFacts

HEADER = "Before the next order"
ROWS, SPOKEN = 15, 4
WORDS_LENGTH = 400
SMALL = "Each is told once and goes by itself when it is so no more. Limits stand in the policy, rule {rule}."


def notices_card(found: Sequence[NoticeFacts], rule: int) -> Message:
    """All of one round; the heading counts what still stands."""
    standing = [one for one in found if one.cleared_at is None]
    if not standing:
        said = f"*Settled:* {t.plural(len(found), 'thing')} to know, none of it is so any more."
        return Message(said.replace("*", ""), [t.section(said)])
    head = f"{t.plural(len(standing), 'thing')} to know about licences"
    small = SMALL.format(rule=rule)
    blocks: list[Block] = [t.header(HEADER), t.section(f"*{head}.*")]
    blocks += [t.section(_row(one)) for one in found[:ROWS]]
    if len(found) > ROWS:
        blocks.append(t.context(f"and {len(found) - ROWS} more in the dashboard"))
    blocks.append(t.context(small))
    spoken = [f"{HEADS[one.kind]}: {t.inert(t.cut(t.one_line(one.words), 180))}" for one in standing[:SPOKEN]]
    more = f"And {len(standing) - SPOKEN} more." if len(standing) > SPOKEN else ""
    return Message(t.spoken(f"{head}.", *spoken, after=(more, small)), blocks)


def _row(one: NoticeFacts) -> str:
    words = t.inert(t.one_line(one.words), WORDS_LENGTH)
    if one.cleared_at is not None:
        return f"*{HEADS[one.kind]}*, settled {t.instant(one.cleared_at)}\n{words}"
    return f"*{HEADS[one.kind]}*\n{words}"
