"""The weekly summary in the channel: short, idle, to decide, requests, what came back, what was saved (guide §2.13)."""

from __future__ import annotations

from decimal import Decimal

from bot.views import text as t
from bot.views.text import Block, Message, Picture
from licensing.money import Sums
from workflows.reads.week import WeekFacts
from workflows.reclaim import week_chart


def week_card(facts: WeekFacts, dashboard_url: str = "") -> Message:
    """Numbers of people and seats, never names. The chart stands where a month has an amount."""
    head = f"Licences, week {facts.number}"
    first = _state(facts)
    second = _done(facts)
    made = week_chart.chart(facts)
    picture = (
        Picture(made.key, f"saving-{facts.year}-{facts.number}", made.alt, lambda: week_chart.png(made))
        if made is not None
        else None
    )
    small = _change(facts)
    blocks: list[Block] = [t.header(head), t.section(first)]
    if picture is not None:
        blocks.append(t.chart(picture))
    blocks.append(t.section(second))
    if small:
        blocks.append(t.context(small))
    if dashboard_url.startswith("http"):
        blocks.append(t.context(t.link(dashboard_url, "Open in dashboard")))
    said = (f"{head}.", first.replace("*", ""), second.replace("*", ""), small)
    return Message(t.spoken(*said), blocks, picture)


def _state(facts: WeekFacts) -> str:
    parts = []
    if facts.short:
        others = (
            f", and {t.plural(facts.short_otherwise, 'product')} counted otherwise" if facts.short_otherwise else ""
        )
        parts.append(f"*Short:* {_seats(facts.short)} in {t.plural(facts.short_products, 'product')}{others}.")
    elif facts.short_otherwise:
        parts.append(f"*Short:* no seat, but {t.plural(facts.short_otherwise, 'product')} counted otherwise.")
    else:
        parts.append("*Short:* nothing.")
    if facts.unused:
        money = f", {_money(facts.unused_a_year, ' a year')}" if facts.unused_a_year else ""
        others = t.plural(facts.unused_otherwise, "product")
        more = f", and {others} counted otherwise" if facts.unused_otherwise else ""
        parts.append(f"*Idle or free:* {_seats(facts.unused)}{money}{more}.")
    elif facts.unused_otherwise:
        parts.append(f"*Idle or free:* no seat, but {t.plural(facts.unused_otherwise, 'product')} counted otherwise.")
    else:
        parts.append("*Idle or free:* nothing that costs money.")
    decide = t.plural(facts.decide, "contract") if facts.decide else "nothing"
    parts.append(f"*To decide by {t.day(facts.decide_until)}:* {decide}.")
    return " ".join(parts)


def _done(facts: WeekFacts) -> str:
    half = f"half decided within {lasted(facts.half_minutes)}" if facts.half_minutes is not None else ""
    if facts.requests:
        asked = t.plural(facts.requests, "request") + (f", {half}" if half else "")
    else:
        asked = "No new request" + (f"; of older ones {half}" if half else "")
    back = f"Taken back {facts.taken_back:,}, put back {facts.put_back:,}."
    saved = _money(facts.saved) if facts.saved else "nothing yet"
    return f"{asked}. {back} Saved this year: {saved}."


def _change(facts: WeekFacts) -> str:
    """ "Idle −3 since last week: 2 given back, 1 taken back otherwise."; nothing where a week ago is not known."""
    if facts.unused_before is None:
        return ""
    more = facts.unused - facts.unused_before
    if not more:
        return "Idle or free: as many as last week."
    others = facts.taken_back - facts.given_back
    why = [f"{facts.given_back} given back"] if facts.given_back else []
    why += [f"{others} taken back after a list was confirmed"] if others else []
    sign = "+" if more > 0 else "−"
    told = f": this week {', '.join(why)}" if why else ""
    return f"Idle or free {sign}{_number(abs(more))} since last week{told}."


def lasted(minutes: int) -> str:
    """ "2 h 10 min", "45 min", "3 days 4 h"."""
    days, rest = divmod(max(0, minutes), 24 * 60)
    hours, left = divmod(rest, 60)
    if days:
        return f"{t.plural(days, 'day')}{f' {hours} h' if hours else ''}"
    if hours:
        return f"{hours} h{f' {left} min' if left else ''}"
    return f"{left} min"


def _seats(count: Decimal) -> str:
    return f"{_number(count)} {'seat' if count == 1 else 'seats'}"


def _number(count: Decimal) -> str:
    return f"{count.normalize():,f}" if count != count.to_integral_value() else f"{int(count):,}"


def _money(sums: Sums, period: str = "") -> str:
    """Currencies side by side, and for how many no price is recorded."""
    known = t.joined([f"{one.rounded()}" for one in sums.each() if one])
    gap = f"{t.plural(sums.unknown, 'price')} not known" if sums.unknown else ""
    return ", ".join(part for part in (f"{known}{period}" if known else "", gap) if part)
