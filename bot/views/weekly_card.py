"""The week in #licences, Monday morning (wording guide §2.13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from bot.ids import Action
from bot.views import text as t
from bot.views.text import Block, Message
from licensing.money import Money, Sums


def weekly_card(facts: Mapping[str, Any], dashboard_url: str) -> Message:
    """From the figures that were counted then."""
    title = f"Licences, week {facts['week']}"
    state = " ".join(one for one in (_short(facts), _idle(facts), _to_decide(facts)) if one)
    done = " ".join(one for one in (_asked(facts), _taken(facts), _saved(facts)) if one)
    change = _change(facts)
    blocks: list[Block] = [t.header(title), t.section(state), t.section(done)]
    if change:
        blocks.append(t.context(change))
    buttons = [t.button("See renewals", Action.SEE_RENEWALS)] if facts["to_decide"] or facts["red"] else []
    if dashboard_url:
        buttons.append(t.button("Open in dashboard", Action.DASHBOARD, url=dashboard_url))
    if buttons:
        blocks.append(t.actions(*buttons))
    return Message(t.spoken(f"{title}.", state.replace("*", ""), done, change), blocks)


def _sums(stored: Mapping[str, str]) -> Sums:
    return Sums.of(Money(Decimal(amount), currency) for currency, amount in stored.items())


def _short(facts: Mapping[str, Any]) -> str:
    if facts["short_seats"] is None:
        return "*Short:* not counted today."
    if not facts["short_seats"]:
        return "*Short:* nothing."
    return f"*Short:* {t.plural(facts['short_seats'], 'seat')} in {t.plural(facts['short_products'], 'product')}."


def _idle(facts: Mapping[str, Any]) -> str:
    if not facts["idle"]:
        return "*Idle:* no seat looks idle."
    money = _sums(facts["idle_a_year"])
    worth = f", {money} a year" if any(money.each()) else ""
    return f"*Idle:* {t.plural(facts['idle'], 'seat')}{worth}."


def _to_decide(facts: Mapping[str, Any]) -> str:
    until = date.fromisoformat(facts["until"])
    by = f"{until.day} {t.month(until).split()[0]}"
    count = t.plural(facts["to_decide"], "contract") if facts["to_decide"] else "nothing"
    red = f" *Without proof:* {t.plural(facts['red'], 'decision')}." if facts["red"] else ""
    return f"*To decide by {by}:* {count}.{red}"


def _asked(facts: Mapping[str, Any]) -> str:
    if not facts["asked"]:
        return "No requests."
    half = facts["half_minutes"]
    within = f", half decided within {duration(half)}" if half is not None else ""
    return f"{t.plural(facts['asked'], 'request')}{within}."


def duration(minutes: int) -> str:
    """ "2 h 10 min", "8 min", "3 days"."""
    if minutes >= 2 * 24 * 60:
        return t.plural(round(minutes / (24 * 60)), "day")
    hours, left = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{left} min"] if left or not hours else []
    return " ".join(parts)


def _taken(facts: Mapping[str, Any]) -> str:
    if not facts["taken"] and not facts["put_back"]:
        return "Nothing taken back."
    back = f", put back {facts['put_back']:,}" if facts["put_back"] else ""
    return f"Taken back {facts['taken']:,}{back}."


def _saved(facts: Mapping[str, Any]) -> str:
    money = _sums(facts["saved"])
    return f"Saved this year: {money}." if any(money.each()) else "Nothing saved yet this year."


def _change(facts: Mapping[str, Any]) -> str:
    before = facts.get("idle_before")
    if before is None or before == facts["idle"]:
        return ""
    more = facts["idle"] - before
    return f"Idle {'+' if more > 0 else '−'}{abs(more):,} since last week."
