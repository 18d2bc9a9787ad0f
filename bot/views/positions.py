"""What is bought, in use, free and short: the answers to `/licence position` and their windows (wording guide §2.14).

Sums of money stand side by side per currency and are never added; what is not known is said and never shown as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import idle
from bot.views.text import Block, Element, Message
from licensing.money import Sums
from licensing.position import changes
from licensing.position.changes import Explanation
from licensing.position.facts import Metric, Source
from licensing.position.figure import VersionLine, shown
from workflows.reads.positions import Detail, Overview, Standing

#: Rows under each question of the overview; the button beneath shows all.
TOP = 5
#: Rows of a list as an answer and in a window.
ROWS, WINDOW_ROWS = 15, 90
#: Tiers and ways of counting of one product; reasons and versions of each.
MOST, REASONS = 8, 8

COUNTED_BY = {
    Metric.NAMED_USER: "person",
    Metric.DEVICE: "device",
    Metric.CONCURRENT: "use at the same time",
    Metric.CORE: "core",
    Metric.CONSUMPTION: "units used",
    Metric.SITE: "site",
}
SHORT, WASTE = "short", "waste"


# The overview


def overview(found: Overview, *, own: bool = False) -> Message:
    """What are we short of, what do we waste: the largest of each, every row with its button."""
    whose = "you look after" if own else "there are figures for"
    if not found.all:
        words = f"Nothing {whose} is bought or in use."
        return Message(words, [t.section(words)])
    blocks = [
        t.section(f"*What are we short of?* {short_words(found)}"),
        *_top(found.short, SHORT),
        t.section(f"*What do we waste?* {waste_words(found)}"),
        *_top(found.wasteful, WASTE),
        t.context(age(found.sources, found.counted_at)),
    ]
    return Message(
        t.spoken(
            f"Short: {short_words(found)} {_spoken(found.short, SHORT)}",
            f"Not needed: {waste_words(found)} {_spoken(found.wasteful, WASTE)}",
        ),
        blocks,
    )


def overview_window(found: Overview, *, own: bool = False) -> Element:
    return m.shown("Bought, free, short", *overview(found, own=own).blocks)


def rows(found: Overview, which: str, most: int = ROWS) -> Message:
    """All of one question: `/licence short`, `/licence waste` and the button beneath the first five."""
    listed = found.short if which == SHORT else found.wasteful
    words = short_words(found) if which == SHORT else waste_words(found)
    title = "What are we short of?" if which == SHORT else "What do we waste?"
    blocks = [t.section(f"*{title}* {words}"), *_rows(listed[:most], which)]
    if len(listed) > most:
        blocks.append(_all(listed, which) if most < WINDOW_ROWS else t.context(f"and {len(listed) - most:,} more"))
    blocks.append(t.context(age(found.sources, found.counted_at)))
    return Message(t.spoken(f"{title} {words} {_spoken(listed, which)}"), blocks)


def rows_window(found: Overview, which: str) -> Element:
    title = "Short" if which == SHORT else "Not needed"
    return m.shown(title, *rows(found, which, WINDOW_ROWS).blocks)


def short_words(found: Overview) -> str:
    """ "2 products are short, at risk: €3,310.00. For 1 product it is not known." Units of unlike kinds have no sum."""
    gap = f" For {t.plural(found.not_known, 'product')} it is not known." if found.not_known else ""
    if not found.short:
        return f"Nothing is short.{gap}"
    count = len({one.product_id for one in found.short})
    return f"{t.plural(count, 'product')} {'is' if count == 1 else 'are'} short, at risk: {_money(found.at_risk)}.{gap}"


def waste_words(found: Overview) -> str:
    """ "3 products have more than is needed: €8,940.00 and US$1,120.00 a year." """
    verb = "costs" if found.spare == 1 else "cost"
    spare = f" {t.plural(found.spare, 'product')} with unused units {verb} nothing more." if found.spare else ""
    if not found.wasteful:
        return f"Nothing paid for is known to be unused.{spare}"
    count = len({one.product_id for one in found.wasteful})
    has = "has" if count == 1 else "have"
    return f"{t.plural(count, 'product')} {has} more than is needed: {_yearly(found.wasted)}.{spare}"


def _top(listed: Sequence[Standing], which: str) -> Iterator[Block]:
    yield from _rows(listed[:TOP], which)
    if len(listed) > TOP:
        yield _all(listed, which)


def _all(listed: Sequence[Standing], which: str) -> Block:
    """The button for all rows; a product with tiers has several."""
    action, what = (Action.SHOW_SHORT, "that are short") if which == SHORT else (Action.SHOW_WASTE, "not all needed")
    return t.actions(t.button(f"Show all {len(listed):,}", action, heard=f"Show all {len(listed):,} {what}"))


def _rows(listed: Sequence[Standing], which: str) -> list[Block]:
    """Each with one button; its place tells products apart whose names begin alike."""
    said = "short" if which == SHORT else "not needed"
    return [
        t.section(
            row_words(one, which),
            accessory=t.button(
                "See it",
                Action.SEE_POSITION,
                Ref(one.product_id),
                heard=t.accessibility("See", one.name) + f", {said}, row {place}",
            ),
        )
        for place, one in enumerate(listed, start=1)
    ]


def row_words(one: Standing, which: str) -> str:
    name = f"*{t.named(one.name)}*"
    counted = "" if one.metric is Metric.NAMED_USER else f" · counted by {COUNTED_BY[one.metric]}"
    if which == SHORT:
        others = f", {shown(one.free)} free of other versions" if one.free else ""
        used = f"{_in_use(one)}, {_bought(one)}{others}"
        return f"{name} · *{_amount(one.short)} short* · {used} · at risk: {_money(one.at_risk)}{counted}"
    return f"{name} · *{shown(one.unused)} not needed* · {_bought(one)} · {_yearly(one.wasted)}{counted}"


def _spoken(listed: Sequence[Standing], which: str) -> str:
    names = [f"{t.named(one.name, 30)} {_amount(one.short if which == SHORT else one.unused)}" for one in listed]
    return f"{t.and_more(names, TOP)}." if names else ""


# One product


def product(name: str, details: Sequence[Detail], product_id: int) -> Message:
    """ "Copilot: 40 bought, 37 in use, 3 free, 4 look idle, 2 not known; ⟨today 06:00⟩." and how it came about."""
    if not details:
        words = f"{t.named(name)}: nothing is bought and nothing is in use."
        return Message(words, [t.section(words)])
    blocks: list[Block] = []
    for one in details[:MOST]:
        counted = "" if len(details) == 1 else f" Counted by {COUNTED_BY[one.standing.metric]}."
        blocks.append(t.section(f"{sentence(one)}{counted}"))
        blocks.append(t.context(t.inert(one.sum, 900)))
        if one.versions:
            blocks.append(t.section("\n".join(_versions(one.versions))))
        blocks.append(t.section("\n".join(_reasons(one.reasons)) or "No reason is recorded."))
    if len(details) > MOST:
        blocks.append(t.context(f"and {len(details) - MOST:,} more tiers"))
    why = t.button(
        "Why did it change?",
        Action.WHY_CHANGED,
        Ref(product_id),
        heard=t.accessibility("Why did it change:", name),
    )
    blocks += [t.actions(why), t.context(age(details[0].sources, details[0].counted_at))]
    return Message(t.spoken(*(sentence(one) for one in details[:3])), blocks)


def product_window(name: str, details: Sequence[Detail], product_id: int) -> Element:
    return m.shown(t.name(name, m.TITLE_LIMIT), *product(name, details, product_id).blocks)


def sentence(one: Detail) -> str:
    standing = one.standing
    parts = [_bought(standing), _in_use(standing)]
    if standing.free is None or standing.short is None:
        parts.append("free not known")
    elif standing.unlimited and not standing.free and not standing.short:
        parts.append("no limit")
    else:
        free = [f"{shown(standing.free)} free"] if standing.free or not standing.short else []
        parts += [*free, *([f"{shown(standing.short)} short"] if standing.short else [])]
    parts += _idle(one)
    if standing.undecided:
        parts.append(f"up to {standing.undecided:,} more if names nobody settled are this")
    return f"{t.named(standing.name)}: {', '.join(parts)}; {t.instant(one.counted_at)}."


def _idle(one: Detail) -> list[str]:
    if one.standing.metric not in (Metric.NAMED_USER, Metric.DEVICE) or not (one.idle is not None or one.use_unknown):
        return []
    return [f"use not known: {t.escape(one.use_silent)}"] if one.idle is None else idle(one.idle, one.use_unknown)


def _bought(one: Standing) -> str:
    if one.unlimited:
        return f"bought without limit{' at the named sites' if one.metric is Metric.SITE else ''}"
    if one.bought is None:
        return "bought not known"
    return f"{shown(one.bought)} bought{' (by the vendor’s figure, no purchase recorded)' if one.not_proven else ''}"


def _in_use(one: Standing) -> str:
    if one.in_use is None:
        return "in use not known"
    return f"{'at least ' if one.at_least else ''}{shown(one.in_use)} in use"


def _versions(lines: Sequence[VersionLine]) -> list[str]:
    said = []
    for one in lines[:REASONS]:
        bought = "no limit" if one.entitled is None else f"{shown(one.entitled)} bought"
        name = f"Version {t.inert(one.version, 40)}" if one.version else "Any version"
        ends = [
            f"{shown(amount)} {word}" for amount, word in ((one.surplus, "free"), (one.shortfall, "short")) if amount
        ]
        said.append(f"• {name}: {bought}, {shown(one.consumed)} in use, {', '.join(ends) or 'none free'}")
    return [*said, *([f"• and {len(lines) - REASONS:,} more versions"] if len(lines) > REASONS else [])]


def _reasons(reasons: Sequence[str]) -> list[str]:
    said = [f"• {t.sentence(t.inert(t.one_line(one), 280))}" for one in reasons[:REASONS]]
    return [*said, *([f"• and {len(reasons) - REASONS:,} more"] if len(reasons) > REASONS else [])]


def age(sources: Sequence[Source], counted_at: datetime) -> str:
    """ "Counted ⟨…⟩ · Microsoft 365 ⟨…⟩ · devices, never reported": where figures come from and how old each is."""
    parts = [
        f"{t.inert(one.name, 60)} {t.instant(one.at)}" if one.at else f"{t.inert(one.name, 60)}: never reported"
        for one in sources
        if one.at is None or one.at < counted_at
    ]
    return " · ".join([f"Counted {t.instant(counted_at)} from the licence register", *parts[:8]])


# Why did it change?


def why_form(name: str, product_id: int, found: Sequence[Explanation], since: date, until: date) -> Element:
    """The steps between two days, and two fields to choose other days. What no step explains is always shown."""
    blocks: list[Block] = [t.section(f"*{t.named(name)}*, from {t.day(since)} to {t.day(until)}")]
    if not found:
        blocks.append(
            t.section("On one of these days it was counted otherwise or not at all, so there is nothing to compare.")
        )
    for one in found[:MOST]:
        which = t.named(one.product) if one.product else t.named(name)
        heading = f"*{which}*, counted by {COUNTED_BY[one.metric]}: " if len(found) > 1 else ""
        blocks.append(t.section(f"{heading}{t.inert(changes.sentence(one))}"))
        blocks.append(t.section("\n".join(f"• {_step(label)}: {amount}" for label, amount in changes.lines(one))))
    if len(found) > MOST:
        blocks.append(t.context(f"and {len(found) - MOST:,} more tiers"))
    blocks += [
        m.field(Field.FROM, "From", m.date_input(Field.FROM, since)),
        m.field(Field.UNTIL, "To", m.date_input(Field.UNTIL, until), hint="The end of each day, as it was known then."),
    ]
    return m.modal(
        Callback.WHY_CHANGED,
        "Why did it change?",
        blocks,
        submit="Show these days",
        close="Close",
        ref=Ref(product_id),
    )


def _step(label: str) -> str:
    return f"*{label}*" if label == "not explained" else t.escape(label)


# Words


def _amount(value: Decimal | None) -> str:
    return "not known" if value is None else shown(value)


def _money(sums: Sums | None) -> str:
    if sums is None:
        return "not known"
    known = [str(money) for money in sums.each() if money]
    if sums.unknown and not known:
        return "not known, no price is recorded"
    return (t.joined(known) or "nothing extra to pay") + _unpriced(sums)


def _unpriced(sums: Sums) -> str:
    return f", {t.plural(sums.unknown, 'more unit')} without a known price" if sums.unknown else ""


def _yearly(sums: Sums) -> str:
    known = [str(money) for money in sums.each() if money]
    if not known:
        return "price not known" if sums.unknown else "nothing more to pay for them"
    return f"{t.joined(known)} a year{_unpriced(sums)}"
