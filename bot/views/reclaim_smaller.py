"""Which smaller licence would do: the choice before seats are moved by one swap (wording guide §2.9)."""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import price
from bot.views.text import Block, Message
from workflows.reads.facts import SeatNumbers
from workflows.reads.smaller import SmallerChoice

MOST_SHOWN = 10
_HOW = (
    "Only seats are listed whose mail, apps and services have room in the smaller licence; what nobody could read is "
    "said and needs a tick of its own. It is a dry run: nobody hears of it."
)


def smaller_message(choice: SmallerChoice) -> Message:
    """One button for each licence that would do."""
    name, found = t.named(choice.product), choice.found
    if not found:
        said = f"*{name}*: no smaller licence that is wholly part of it is registered, so there is nothing to move to."
        return Message(t.spoken(said.replace("*", "")), [t.section(said)])
    head = f"*{name}*: which smaller licence would do?"
    blocks: list[Block] = [t.section(head)]
    lines = []
    for one in found[:MOST_SHOWN]:
        line = f"*{t.named(one.name)}* · {_free(one.numbers)} · {t.inert(price(one.price))}"
        lines.append(f"{line.replace('*', '').replace(' · ', ', ')}.")
        heard = t.accessibility(
            f"Look for seats that {t.name(one.name, 24)} would do for,", choice.product, joined="of"
        )
        button = t.button("Look at its seats", Action.SMALLER_CHOSEN, Ref(choice.product_id, one.sku_id), heard=heard)
        blocks.append(t.section(line, button))
    if len(found) > MOST_SHOWN:
        blocks.append(t.context(f"and {len(found) - MOST_SHOWN} more"))
    blocks.append(t.context(_HOW))
    return Message(t.spoken(head.replace("*", ""), *lines, after=(_HOW,)), blocks)


def _free(numbers: SeatNumbers) -> str:
    if numbers.unlimited:
        return "no limit of seats"
    if numbers.free is None or numbers.bought is None:
        return f"free seats not known: {t.inert(numbers.unknown or 'no figures are recorded')}"
    free = f"{numbers.free:,}" if numbers.free > 0 else "none"
    return f"{free} of {numbers.bought:,} free"
