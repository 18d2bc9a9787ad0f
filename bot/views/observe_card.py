"""Sources that are watched only, and the week's names to settle, to #licences (wording §2.13, rules §3 and §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Message
from workflows.reads.alerts import ObserveFacts
from workflows.reads.names import Unsettled

SOURCES = {
    "fusioninventory": "FusionInventory",
    "ocs": "OCS Inventory",
    "glpi": "GLPI",
    "osquery": "osquery",
    "intune": "Intune",
    "import": "imported files",
}
NAMES = 8


def source_name(name: str) -> str:
    return SOURCES.get(name, name)


def observe_card(facts: ObserveFacts, would: Mapping[str, Any], now: datetime) -> Message:
    """What would have been sent, and the button that ends the watching."""
    name = t.named(source_name(facts.name))
    if facts.accepted_at is not None:
        by = who(facts.accepted_by) if facts.accepted_by is not None else "Somebody"
        said = (
            f"*Accepted by {by}* {t.instant(facts.accepted_at)}: "
            f"{t.plural(facts.installations, 'installation')} of {name}."
        )
        return Message(said.replace("*", ""), [t.section(said)])
    days = t.plural(max(0, (now - facts.since).days), "day")
    title = f"Watching only: {t.name(source_name(facts.name))}, {days}"
    counts = f"Would have sent: {would_words(would)}. Nothing was sent."
    why = t.inert(t.one_line(facts.words), 400)
    blocks: list[Block] = [
        t.header(title),
        t.section(counts),
        t.actions(
            t.button("See what", Action.OBSERVE_SEE, Ref(facts.id), heard=t.accessibility("See what", facts.name)),
            t.button(
                "Accept as baseline",
                Action.OBSERVE_ACCEPT,
                Ref(facts.id),
                heard=t.accessibility("Accept as baseline", facts.name),
                confirm=t.dialog(
                    f"Accept {t.name(source_name(facts.name), 40)}?",
                    "What it reports now is adopted and never alerted. What comes later counts.",
                    "Accept as baseline",
                    "Go back",
                ),
            ),
        ),
    ]
    small = "A licence manager accepts it. Without that it fills the register and sends nothing."
    blocks.append(t.context(*[part for part in (why, small) if part]))
    return Message(t.spoken(f"Watching only: {name}, {days}.", counts, why, after=(small,)), blocks)


def would_words(would: Mapping[str, Any]) -> str:
    """ "41 alerts, 12 tickets, 6 questions"."""
    return ", ".join(t.plural(int(would.get(f"{one}s", 0)), one) for one in ("alert", "ticket", "question"))


def names_card(found: Sequence[Unsettled]) -> Message:
    """The week's list of names nobody has decided on; they never alert singly."""
    if not found:
        return Message("All software names are settled.", [t.section("*All software names are settled.*")])
    head = f"*{t.plural(len(found), 'software name')} to settle*"
    order = "First those of publishers the company buys from, then by devices, then by growth."
    rows = [
        f"{t.named(one.title)}"
        + (f", {t.named(one.publisher, 40)}" if one.publisher.strip() else "")
        + f": {t.plural(one.devices, 'device')}"
        + (f", {one.new_devices:,} new" if one.new_devices else "")
        for one in found[:NAMES]
    ]
    more = f"and {len(found) - NAMES} more" if len(found) > NAMES else ""
    blocks: list[Block] = [
        t.section(f"{head}. {order}"),
        t.section("\n".join(f"• {row}" for row in rows)),
        *([t.context(more)] if more else []),
        t.actions(t.button("Settle names", Action.SETTLE_NAMES, heard="Settle reported software names")),
    ]
    return Message(t.spoken(f"{head.replace('*', '')}.", *(t.sentence(row) for row in rows), more), blocks)
