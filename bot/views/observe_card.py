"""Sources that are watched only, and the week's names to settle, to #licences (wording §2.13, rules §3 and §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.ids import Action, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.alert_card import headline_of
from bot.views.said import who
from bot.views.text import Block, Element, Message
from licensing.position.figure import shown
from workflows.reads.alerts import ObserveFacts
from workflows.reads.baselines import ToWorkOff, WouldRow
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
#: Rows of a window.
LISTED = 40


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
        see = t.button("See what", Action.OBSERVE_SEE, Ref(facts.id), heard=t.accessibility("See what", facts.name))
        short = f"{t.plural(facts.short, 'shortfall')} to work off, none of them alerted." if facts.short else ""
        rest: list[Block] = [t.context(short), t.actions(see)] if short else []
        return Message(t.spoken(said.replace("*", ""), short), [t.section(said), *rest])
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


def would_window(name: str, rows: Sequence[WouldRow]) -> Element:
    """Row by row what was not sent; people and devices only where the rows name them."""
    title = t.cut(source_name(name), 24)
    if not rows:
        return m.shown(title, t.section("Nothing would have been sent until now."))
    totals = {"alerts": len(rows), "tickets": sum(row.ticket for row in rows)}
    head = f"{t.plural(totals['alerts'], 'alert')} and {t.plural(totals['tickets'], 'ticket')}"
    blocks: list[Block] = [t.section(f"*Would have sent {head}*, the costliest first. Nothing was sent.")]
    for row in rows[:LISTED]:
        blocks.append(t.section(would_row(row)))
        if row.where:
            places = [_place(name, device) for name, device in row.where]
            more = f" and {row.devices - len(places)} more" if row.devices > len(places) else ""
            blocks.append(t.context(t.cut("; ".join(places), 1900) + more))
    if len(rows) > LISTED:
        blocks.append(t.context(f"and {len(rows) - LISTED} more"))
    return m.shown(title, *blocks)


def _place(name: str, device: str) -> str:
    return f"{t.named(name)}, {t.named(device, 40)}" if name else t.named(device, 40)


def would_row(row: WouldRow) -> str:
    """ "*Red alert: AutoCAD LT on 30 devices, no licence* · 1 ticket · asks 25 people"."""
    asks = f"asks {t.plural(row.asked, 'person', 'people')}" if row.asked else "asks nobody"
    head = headline_of(row.cause, row.product, row.figures, row.devices, row.rule)
    return f"*{t.inert(head)}* · {'1 ticket' if row.ticket else 'no ticket'} · {asks}"


def work_off_window(name: str, rows: Sequence[ToWorkOff]) -> Element:
    """The one list of what was there when the baseline was accepted."""
    title = t.cut(source_name(name), 24)
    if not rows:
        return m.shown(title, t.section("Nothing was short when the baseline was accepted."))
    left = sum(1 for row in rows if row.now is None or row.now > 0)
    blocks: list[Block] = [
        t.section(f"*{t.plural(left, 'shortfall')} of {len(rows)} left to work off.* None is alerted.")
    ]
    blocks += [t.section(work_off_row(row)) for row in rows[:LISTED]]
    if len(rows) > LISTED:
        blocks.append(t.context(f"and {len(rows) - LISTED} more"))
    return m.shown(title, *blocks)


def work_off_row(row: ToWorkOff) -> str:
    """ "*AutoCAD LT*, by device: 12 short at the baseline, 9 today"."""
    today = "not known today" if row.now is None else "settled" if row.now <= 0 else f"{shown(row.now)} today"
    return (
        f"*{t.named(row.product)}*, by {row.metric.replace('_', ' ')}: {shown(row.then)} short at the baseline, {today}"
    )


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
