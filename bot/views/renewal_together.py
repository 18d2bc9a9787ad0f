"""The figures of a contract of several products: each in a line of its own, and sums over all (wording guide §2.12).

A message holds no table that every client shows, so a product is a line. Currencies stand side by side; what is not
known is counted and named, and never part of a sum.
"""

from __future__ import annotations

from bot.views import text as t
from licensing.money import Sums
from workflows.reads.renewal_facts import BriefFacts, ProductFacts

#: Lines of a message; the page of the renewal has all.
SHOWN = 10
HEARD = 5
NAME = 45


def table(facts: BriefFacts) -> str:
    """A line a product, dearest first."""
    lines = [_line(one) for one in facts.products[:SHOWN]]
    rest = len(facts.products) - SHOWN
    return "\n".join([*lines, *([f"and {rest:,} more, all of them on its page"] if rest > 0 else [])])


def _line(one: ProductFacts) -> str:
    return f"*{_name(one)}* · {' · '.join(said(one))}"


def _name(one: ProductFacts) -> str:
    name = t.named(one.name, NAME)
    return f"{name[:1].upper()}{name[1:]}"


def said(one: ProductFacts) -> list[str]:
    """ "51 of 55 in use", "51 would do", "€22,440.00 a term"."""
    parts = [in_use(one)]
    parts.append(f"{one.suggested:,} would do" if one.suggested is not None else "how many would do is not known")
    parts.append(f"next term {next_term(one)}")
    return parts


def in_use(one: ProductFacts) -> str:
    if one.use.in_use is None and one.use.least is not None:
        return f"at least {one.use.least:,}{f' of {one.quantity:,}' if one.quantity is not None else ''} in use"
    if one.use.in_use is None:
        bought = f"{one.quantity:,} bought, " if one.quantity is not None else ""
        return f"{bought}use not known"
    of = f" of {one.quantity:,}" if one.quantity is not None else ""
    return f"{one.use.in_use:,}{of} in use"


def next_term(one: ProductFacts) -> str:
    """What it costs; a product without price or number says which."""
    if one.next_costs.totals or not one.next_costs.unknown:
        return str(one.next_costs)
    unpriced = any(line.unit_price is None for line in one.lines)
    return f"not known: no {'price' if unpriced else 'number'} is recorded"


def counted(facts: BriefFacts) -> list[ProductFacts]:
    """Those that go into sums: one count of use once, and nothing that is free of charge."""
    found = {
        (one.product_id, one.sku_id, one.name if one.product_id is None else ""): one
        for one in reversed(facts.products)
        if not one.costs_nothing
    }
    return list(reversed(found.values()))


def in_short(facts: BriefFacts) -> str:
    """ "4 fewer of Microsoft 365 E3 and 2 fewer of Visio Plan 1 save €1,740.00 a year; of 3 products …"."""
    fewer = [one for one in facts.products if one.reducible]
    unknown = [one for one in facts.products if one.reducible is None]
    gap = f"; of {t.plural(len(unknown), 'product')} how many would do is not known" if unknown else ""
    if not fewer:
        return (
            f"all that is bought is needed{gap}"
            if len(unknown) < len(facts.products)
            else ("how many would do is not known of any product")
        )
    named = t.and_more([f"{one.reducible:,} fewer of {_name(one)}" for one in fewer], 3)
    alone = sum(one.reducible or 0 for one in fewer) == 1
    return f"{named} {'saves' if alone else 'save'} {facts.saves_a_year} a year{gap}"


def heard(facts: BriefFacts) -> list[str]:
    """The first lines as sentences."""
    lines = [f"{_name(one)}: {', '.join(said(one)[:2])}." for one in facts.products[:HEARD]]
    rest = len(facts.products) - HEARD
    return [*lines, *([f"And {rest:,} more."] if rest > 0 else [])]


def use_fields(facts: BriefFacts, cost: str) -> list[tuple[str, str]]:
    """What holds for all of them: idle seats, budget."""
    each = counted(facts)
    idle = [one.use.idle for one in each if one.use.idle is not None]
    unknown = sum(one.use.unknown for one in each if one.use.idle is not None)
    silent = sum(one.use.idle is None for one in each)
    parts = [f"{sum(idle):,} seats" if sum(idle) != 1 else "1 seat"] if idle else []
    parts += [f"not known {unknown:,}"] if unknown else []
    parts += [f"not known of {t.plural(silent, 'product')}"] if silent else []
    money = facts.money
    left = money.left or f"not known: {t.inert(money.budget_unknown)}"
    return [("Looks idle", ", ".join(parts)), ("Budget", f"{left}; renewal as it is {cost}")]


def money_fields(facts: BriefFacts) -> list[tuple[str, str]]:
    """The three figures, each a sum over all products and apart from the others."""
    each = counted(facts)
    short = [one for one in each if one.use.short]
    unknown = sum(one.use.short is None for one in each)
    risk = Sums()
    for one in short:
        risk = risk.plus(one.use.exposed)
    units = sum(one.use.short or 0 for one in short)
    exposed = f"{units:,} short in {t.plural(len(short), 'product')}, {risk}" if short else "nothing, not short"
    exposed += f"; not known of {unknown:,}" if unknown else ""
    free = sum(one.use.free or 0 for one in each)
    idle = sum(one.use.idle or 0 for one in each)
    pairs = [("Exposed now", exposed), ("Reusable now", f"{free:,} free" + (f", {idle:,} idle" if idle else ""))]
    if facts.whole_term:
        fewer = sum(one.reducible or 0 for one in facts.products)
        reducible = f"{t.plural(fewer, 'seat')}, {facts.saves_a_year} a year" if fewer else "nothing"
        gap = sum(one.reducible is None for one in facts.products)
        until = f" until {t.day(facts.next_term[1])}" if facts.next_term is not None else ""
        least = f"{facts.commit_floor:,} in all{until}" if facts.commit_floor else "no number was agreed"
        pairs += [
            ("Reducible at renewal", reducible + (f"; not known of {gap:,}" if gap else "")),
            ("Least allowed", least),
        ]
    return pairs
