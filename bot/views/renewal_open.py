"""The brief of a renewal nobody has decided: facts, one chart, a number, and buttons (wording guide §2.12).

The three figures stay apart: what is exposed now, what could be used again now, and what only the renewal makes less.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from bot.ids import Action, Menu, Ref
from bot.views import renewal_together as together
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message, Picture
from licensing.forecast import in_words, whole
from licensing.money import with_period
from model.renewals import RenewalState
from workflows.reads.renewal_brief import fewer_a_year
from workflows.reads.renewal_facts import BriefFacts, LineFacts
from workflows.renewals import draw

S = RenewalState
#: A header holds so much of a product's name.
NAME = 45


@dataclass(frozen=True)
class Reader:
    """For whom and when a brief is drawn. `person_id` None: a channel."""

    today: date
    person_id: int | None = None
    dashboard_url: str = ""


def too_late(facts: BriefFacts, today: date) -> bool:
    """Whether every day by which something could be decided has passed."""
    return facts.due.over is not None and facts.due.over < today


def title(facts: BriefFacts) -> str:
    """ "Copilot, 40 seats"; of several purchases the dearest and how many more."""
    more = f" and {len(facts.products) - 1} more" if facts.several else ""
    held = f", {t.plural(facts.seats, facts.use.counted_by.removesuffix('s'))}" if facts.seats is not None else ""
    name = t.name(facts.name, NAME)
    return f"{name[:1].upper()}{name[1:]}{held}{more}"


def seats_of(facts: BriefFacts, count: int) -> str:
    return t.plural(count, facts.use.counted_by.removesuffix("s"))


# -- the brief ------------------------------------------------------------------------------------------------


def open_brief(facts: BriefFacts, reader: Reader) -> Message:
    by = f"Decide by {t.day(facts.decide_by)}: " if facts.decide_by is not None else "No date to decide by: "
    head = f"{'To look at this quarter: ' if facts.reviewed else by}{title(facts)}"
    state = "*Nothing is decided here.*" if facts.reviewed else "*Nobody has decided.*"
    if facts.state is S.DEFERRED and facts.deferred_until is not None:
        state = f"*Put off to {t.day(facts.deferred_until)}*, nobody has decided."
    short = in_short(facts)
    blocks: list[Block] = [t.header(head), t.section(f"{state} {short}")]
    picture = chart_of(facts)
    if picture is not None:
        blocks.append(t.chart(picture))
    use, money = _use_fields(facts), _money_fields(facts)
    if facts.several:
        use, money = together.use_fields(facts, cost_words(facts)), together.money_fields(facts)
        blocks.append(t.section(together.table(facts)))
    blocks += [*t.fields(use), *t.fields(money)]
    if facts.missing:
        blocks.append(t.section(_missing(facts)))
    why = reasoning(facts)
    if why:
        blocks.append(t.context(why))
    buttons = _buttons(facts, reader)
    blocks += [t.actions(*buttons)] if buttons else []
    blocks.append(t.context(_small(facts)))
    said = (
        f"{t.escape(head)}.",
        state.replace("*", ""),
        short,
        *(together.heard(facts) if facts.several else ()),
        *(f"{label}: {value}." for label, value in (*use, *money) if label in _HEARD),
        _missing(facts).replace("*", "") if facts.missing else "",
    )
    return Message(t.spoken(*said, after=(_small(facts),)), blocks, picture)


_HEARD = ("In use", "Looks idle", "Price", "Least allowed")


def in_short(facts: BriefFacts) -> str:
    """ "In short: 34 seats would do (likely 32 to 36); 6 fewer save €2,016.00 a year. Renews by itself at 40 on …" """
    parts = []
    if facts.reviewed:
        goes_on = "Its terms last a month or less, and each goes on until it is cancelled."
        parts.append(f"{goes_on} Change or cancel it with {t.named(facts.vendor, 40)}, then correct the register.")
    elif not facts.whole_term:
        parts.append("The true-up or statement of this period is due; the rest is decided at the end of the term.")
    elif facts.several:
        parts.append(f"In short: {together.in_short(facts)}.")
    elif facts.suggested is None:
        parts.append(f"In short: how many would do is not known; {facts.suggestion_unknown}.")
    else:
        parts.append(f"In short: {_would_do(facts)}.")
    return " ".join([*parts, otherwise(facts)]).strip()


def _would_do(facts: BriefFacts) -> str:
    suggested = facts.suggested or 0
    needed = facts.outlook.needed if facts.outlook is not None else None
    same = needed is not None and whole(needed.seats) == suggested
    likely = f" (likely {whole(needed.low):,} to {whole(needed.high):,})" if needed is not None and same else ""
    said = f"{seats_of(facts, suggested)} would do{likely}{_against_bought(facts, suggested)}"
    return said if needed is None or same else f"{said}. As it goes on, {in_words(needed)}"


def _against_bought(facts: BriefFacts, suggested: int) -> str:
    """What the number means beside what is bought."""
    if facts.seats is None:
        return ""
    if suggested > facts.seats:
        return f"; that is {suggested - facts.seats:,} more than are bought"
    if not facts.reducible:
        return ", all that are bought"
    saves = fewer_a_year(facts.main, facts.reducible) if facts.main is not None else None
    if saves is None:
        return f"; {facts.reducible:,} fewer, price not known"
    return f"; {facts.reducible:,} fewer {'saves' if facts.reducible == 1 else 'save'} {saves} a year"


def otherwise(facts: BriefFacts) -> str:
    """What happens when nobody decides."""
    if not facts.whole_term:
        return ""
    following = t.day(facts.ends_on + timedelta(days=1))
    if facts.auto_renew:
        at = f" at {facts.seats:,}" if facts.seats is not None and not facts.several else ""
        return f"Renews by itself{at} on {following}."
    return f"Ends on {t.day(facts.ends_on)} unless it is renewed."


def chart_of(facts: BriefFacts) -> Picture | None:
    """The chart; its key names what is drawn, so that one that did not change is uploaded once."""
    found = facts.chart
    if found is None:
        return None
    drawn = repr((found.title, found.used, found.bought_line, found.ahead, found.peak))
    key = hashlib.sha256(drawn.encode()).hexdigest()[:32]
    return Picture(key, f"{facts.reference.lower()}-seats", found.alt, lambda: draw.png(found))


def _use_fields(facts: BriefFacts) -> list[tuple[str, str]]:
    use = facts.use
    idle = f"{use.idle:,}" if use.idle is not None else "not known"
    unknown = f", not known {use.unknown:,}" if use.unknown and use.idle is not None else ""
    pairs = [("In use", _in_use(facts))]
    if use.counted_by == "seats":
        pairs.append(("Looks idle", f"{idle}{unknown}"))
    return [*pairs, ("Price", _price(facts)), ("Budget", _budget(facts))]


def _in_use(facts: BriefFacts) -> str:
    """ "37 of 40, peak 39 in Jun 2026"; as far as it is known where names nobody settled may be the product."""
    use = facts.use
    of = f" of {facts.seats:,}" if facts.seats is not None else ""
    peak = f", peak {use.peak[1]:,} in {t.month(use.peak[0])}" if use.peak is not None else ""
    if use.in_use is not None:
        return f"{use.in_use:,}{of}{peak}"
    if use.least is not None:
        return f"at least {use.least:,}{of}, up to {use.undecided:,} more if names nobody settled are this"
    return "not known: nothing counts it"


def _price(facts: BriefFacts) -> str:
    if facts.main is None or facts.main.unit_price is None:
        return "not known: no price is recorded"
    return f"{with_period(facts.main.unit_price, facts.main.cycle)}{_announced(facts.main)}"


def _announced(line: LineFacts) -> str:
    """ ", 5% rise announced"; where the two prices cannot be compared the announced one."""
    if line.rise is not None:
        return f", {per_cent(abs(line.rise))} {'rise' if line.rise > 0 else 'less'} announced"
    if line.announced is None or line.announced == line.unit_price:
        return ""
    return f", {with_period(line.announced, line.cycle)} announced"


def per_cent(share: Decimal) -> str:
    """ "5%", "4.76%": as many decimals as it takes, at most two."""
    return f"{share.quantize(Decimal('0.01')).normalize():f}%"


def _with_announced(facts: BriefFacts) -> str:
    """ ", with the announced 5%"; of several purchases ", at announced prices"."""
    risen = [one for one in facts.lines if one.announced is not None and one.announced != one.unit_price]
    if not risen:
        return ""
    alone = risen[0].rise if len(facts.lines) == 1 else None
    return f", with the announced {per_cent(alone)}" if alone is not None and alone > 0 else ", at announced prices"


def _budget(facts: BriefFacts) -> str:
    money = facts.money
    left = money.left or f"not known: {t.inert(money.budget_unknown)}"
    at = f" at {facts.seats:,}" if facts.seats is not None and not facts.several else " as it is"
    return f"{left}; renewal{at} {cost_words(facts)}"


def cost_words(facts: BriefFacts) -> str:
    """What the next term costs as it is; of one that has no sum at all why nobody can say."""
    total = facts.money.total
    if total.totals or not total.unknown:
        return str(total)
    unpriced = any(one.unit_price is None for one in facts.lines) or not facts.lines
    return f"not known: {'no price' if unpriced else 'no number of seats'} is recorded"


def _money_fields(facts: BriefFacts) -> list[tuple[str, str]]:
    """The three figures, each on its own."""
    use = facts.use
    exposed = "not known" if use.short is None else "nothing, not short"
    if use.short:
        risk = f", {use.exposed}" if use.exposed is not None else ", price not known"
        exposed = f"{use.short:,} short{risk}"
    reusable = [] if use.free is None else [f"{use.free:,} free"]
    reusable += [f"{use.idle:,} idle"] if use.idle else []
    pairs = [("Exposed now", exposed), ("Reusable now", ", ".join(reusable) or "not known")]
    if facts.whole_term:
        pairs += [("Reducible at renewal", _reducible(facts)), ("Least allowed", _least(facts))]
    return pairs


def _reducible(facts: BriefFacts) -> str:
    if facts.reducible is None:
        return "not known"
    if not facts.reducible or facts.main is None:
        return "nothing"
    saves = fewer_a_year(facts.main, facts.reducible)
    return f"{seats_of(facts, facts.reducible)}, {f'{saves} a year' if saves is not None else 'price not known'}"


def _least(facts: BriefFacts) -> str:
    if facts.floor is None:
        return "no number was agreed"
    until = f" until {t.day(facts.next_term[1])}" if facts.next_term is not None else ""
    return f"{facts.floor:,}{until}"


def _missing(facts: BriefFacts) -> str:
    return f"*Not recorded:* {facts.missing}. {t.sentence(facts.missing_by)[:-1]} can fill it in."


def reasoning(facts: BriefFacts) -> str:
    """ "34 = 37 in use − 4 idle …; forecasts of the past year were off by 2. The notice day, 31 Jan, is a Sunday." """
    parts = []
    if facts.suggestion is not None:
        of = f"{t.named(facts.name, NAME)}: " if facts.several else ""
        off = facts.outlook.forecast.off_by if facts.outlook is not None else None
        tried = f"; forecasts of the past year were off by {round(off):,}" if off is not None else ""
        parts.append(f"{of}{facts.suggestion}{tried}.")
        if facts.outlook is not None and facts.outlook.needed is None and facts.outlook.forecast.words:
            parts.append(t.sentence(facts.outlook.forecast.words))
    first = facts.first_date
    if first is not None and first.why:
        parts.append(t.sentence(f"the day was brought forward: {first.why}"))
    if first is not None and first.not_before is not None:
        unsure = ", which no paper we saw confirms" if not first.confirmed else ""
        parts.append(f"Taken from {t.day(first.not_before)} to {t.day(first.not_after)}{unsure}.")
    return t.inert(" ".join(parts))


def _buttons(facts: BriefFacts, reader: Reader) -> list[Element | None]:
    ref, name = Ref(facts.id, facts.version), facts.name
    entries = {f"{Menu.OWNER.value}/{ref}": "Assign owner"}
    if reader.dashboard_url:
        entries[f"{Menu.DASHBOARD.value}/{ref}"] = "Open in dashboard"
    if facts.reviewed:
        return [t.overflow(Action.RENEWAL_MORE, entries)] if len(entries) > 1 else []  # one alone makes no menu
    entries = {f"{Menu.DEFER.value}/{ref}": "Defer"} | entries
    said = facts.seats if facts.whole_term else facts.reports
    count = f" {said:,}" if said is not None and not facts.several else ""
    reduce = renegotiate = cancel = None
    if facts.may_reduce(reader.today):
        reduce = t.button("Reduce", Action.RENEWAL_REDUCE, ref, heard=t.accessibility("Reduce", name))
    if facts.whole_term:
        renegotiate = t.button(
            "Renegotiate", Action.RENEWAL_RENEGOTIATE, ref, heard=t.accessibility("Renegotiate", name)
        )
    if facts.may_cancel(reader.today):
        cancel = t.button(
            "Cancel contract",
            Action.RENEWAL_CANCEL,
            ref,
            heard=t.accessibility("Cancel the contract of", name),
            style="danger",
        )
    label = f"Renew{count}" if facts.whole_term else f"Report{count}"
    renew = t.button(
        label, Action.RENEWAL_RENEW, ref, heard=t.accessibility(f"{label} of", name), confirm=renew_dialog(facts)
    )
    return [renew, reduce, renegotiate, cancel, t.overflow(Action.RENEWAL_MORE, entries)]


def renew_dialog(facts: BriefFacts) -> Element:
    """What renewing as it is costs, how that stands to the budget, and who gets the ticket."""
    said = facts.seats if facts.whole_term else facts.reports
    alone = said is not None and not facts.several
    more = f" and {len(facts.products) - 1} more" if facts.several else ""
    what = seats_of(facts, said or 0) if alone else f"{t.name(facts.name, NAME)}{more}"
    cost = f"What it costs is {words}" if (words := cost_words(facts)).startswith("not known") else words
    term = ""
    if facts.next_term is not None:
        term = f" for {t.day(facts.next_term[0])} to {t.day(facts.next_term[1])}"
    budget = facts.money.budget
    own = [one for one in facts.money.total.each() if budget is not None and one.currency == budget.currency]
    over = f" That is {own[0] - budget} over the budget." if budget is not None and own and own[0] > budget else ""
    goes_on = facts.auto_renew and facts.whole_term
    sent = " Nothing has to be sent: it renews by itself." if goes_on else f" {ticket_to(facts)}"
    label = f"Renew {said:,}" if alone else "Renew it"
    if not facts.whole_term:
        return t.dialog(f"Report {what}?", f"{t.name(facts.vendor, 40)} gets the statement of the period.{sent}",
                        label.replace("Renew", "Report"), "Go back")  # fmt: skip
    return t.dialog(
        f"Renew {what}?", f"{t.sentence(f'{cost}{term}{_with_announced(facts)}')}{over}{sent}", label, "Go back"
    )


def ticket_to(facts: BriefFacts) -> str:
    names = t.joined([one.name for one in facts.senders[:2]], "or") or "Whoever answers for it"
    return f"{names} gets the ticket."


def _small(facts: BriefFacts) -> str:
    owner = f"{who(facts.owner)} answers for it" if facts.owner is not None else "nobody answers for it yet"
    contract = f"{t.named(facts.vendor)}{f', {t.named(facts.contract)}' if facts.contract else ''}"
    return f"{facts.reference} · {contract} · {owner}"
