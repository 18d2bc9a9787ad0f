"""Positions that are not a matter of versions: concurrent use, consumption, and sites (rules §1, "Consumed")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal

from licensing.money import Sums
from licensing.position import count, sentences
from licensing.position.facts import Facts, Metric, Purchase
from licensing.position.figure import Line, LineKind, Position, shown
from licensing.position.periods import Period, peak, running_period, spared, true_up_period, used_up
from licensing.position.worth import Price, Unused, quantity_unknown, unit_price, waste
from licensing.words import day, joined, plural

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Used:
    """Units used, None when not known, with the sentences that say how; `settled` when what is left over is waste."""

    units: Decimal | None
    reasons: tuple[str, ...]
    settled: bool = True


def at_risk_of(shortfall: Decimal, price: Price | None) -> Sums:
    """Units short at that price; without a price they are marked as unpriced, never zero."""
    if not shortfall:
        return Sums()
    if price is None:
        return Sums(unknown=int(shortfall.to_integral_value(ROUND_UP)))
    return price.times(shortfall)


def bought_lines(in_force: Sequence[Purchase]) -> list[Line]:
    """A line a purchase; where a missing quantity leaves all open, it has no amount."""
    unknown = quantity_unknown(in_force)
    return [
        Line(
            f"bought, {one.name}" if one.name else "bought",
            None if unknown and one.quantity_missing else one.quantity,
            LineKind.BOUGHT,
            one.id,
        )
        for one in in_force
    ]


def concurrent(facts: Facts, held: Sequence[Purchase], in_force: Sequence[Purchase]) -> Position:
    """Highest overlap of sessions since the true-up period began; without session data not known.

    Those excluded and those a suite covers are left out of the overlap.
    """
    if facts.sessions is None:
        return _metered(facts, Metric.CONCURRENT, held, in_force, Used(None, (
            "Use is not known: no sessions were ever recorded, and installations do not say how many work at once",
        )))  # fmt: skip
    period = counted_since(facts.purchases, facts.at)
    highest = peak(facts.sessions, period, facts.at)
    said = [f"At most {highest:,} at the same time since {day(period.first)}"]
    for suite, number in sorted(spared(facts.sessions, period, facts.at).items()):
        of = plural(number, "session")
        said.append(f"{of} covered by {suite}" if suite else f"{of} left out by an exclusion in the contract")
    return _metered(facts, Metric.CONCURRENT, held, in_force, Used(Decimal(highest), tuple(said)))


def counted_since(purchases: Sequence[Purchase], at: date) -> Period:
    """The true-up period of the concurrent purchases in force, else of the last one; the day alone where none was."""
    concurrent_ones = [one for one in purchases if one.metric is Metric.CONCURRENT]
    base = [one for one in concurrent_ones if one.holds(at)] or _last(concurrent_ones, Metric.CONCURRENT, at)
    return true_up_period(base, at) if base else Period(at, at)


def consumption(facts: Facts, held: Sequence[Purchase], in_force: Sequence[Purchase]) -> Position:
    """Units of the running period, nothing carried over; what is left over is waste only when the period is over."""
    if facts.readings is None:
        return _metered(
            facts, Metric.CONSUMPTION, held, in_force, Used(None, ("Use is not known: no meter was ever read",))
        )
    period = _period(facts, held)
    metered = used_up(facts, period)
    if metered.units is None:
        return _metered(facts, Metric.CONSUMPTION, held, in_force, Used(None, (
            f"Use is not known: no reading since {day(period.first)}, when the period began",
        )))  # fmt: skip
    said = [f"{shown(metered.units)} used up since {day(period.first)}, when the period began; nothing is carried over"]
    if metered.reach is not None and metered.reach < facts.at:
        said.append(f"Readings reach to {day(metered.reach)}")
    if metered.cut:
        said.append(
            f"{plural(metered.cut, 'reading')} over an edge of the period or the day: "
            "counted by the share of its days within"
        )
    if len({one.cycle for one in held}) > 1:
        said.append("Purchases run by different cycles: counted by that of the first in force")
    if period.last is not None and not period.over(facts.at):
        said.append(f"The period runs until {day(period.last)}: nothing of it is wasted yet")
    return _metered(facts, Metric.CONSUMPTION, held, in_force, Used(metered.units, tuple(said), period.over(facts.at)))


def _period(facts: Facts, held: Sequence[Purchase]) -> Period:
    """The running one; after the last term all since it ended, and where nothing was bought all that was ever read."""
    if held:
        return running_period(held, facts.at)
    for ended in _last(facts.purchases, Metric.CONSUMPTION, facts.at):
        return Period((ended.ends_on or facts.at) + timedelta(days=1), None)
    return Period(min((one.from_on for one in facts.readings or ()), default=facts.at), None)


def _last(purchases: Sequence[Purchase], metric: Metric, at: date) -> list[Purchase]:
    """The purchase of that metric that ended last, where none is in force."""
    over = [one for one in purchases if one.metric is metric and one.ends_on and one.ends_on < at]
    return [max(over, key=lambda one: (one.ends_on or at, one.id))] if over else []


def _metered(
    facts: Facts, metric: Metric, held: Sequence[Purchase], in_force: Sequence[Purchase], used: Used
) -> Position:
    unlimited = any(one.quantity is None for one in in_force)
    bought = sum((one.quantity or ZERO for one in in_force), ZERO)
    unknown = quantity_unknown(in_force)
    entitled = None if unlimited or unknown else bought
    surplus = shortfall = None
    if used.units is not None and not unknown:
        surplus = ZERO if unlimited else max(ZERO, bought - used.units)
        shortfall = ZERO if unlimited else max(ZERO, used.units - bought)
    elif unlimited:
        surplus = shortfall = ZERO
    price = unit_price(facts, metric, held)
    at_risk = None if shortfall is None else at_risk_of(shortfall, price)
    unused = surplus if surplus is not None and used.settled else ZERO
    lost = waste([Unused(unused, tuple(in_force))] if unused else [], metric, facts.at)
    lines = bought_lines(in_force)
    lines.append(Line("in use", used.units, LineKind.IN_USE))
    if surplus is not None and (surplus or not shortfall):
        lines.append(Line("free", surplus, LineKind.FREE))
    if shortfall:
        lines.append(Line("short", shortfall, LineKind.SHORT))
    return Position(
        facts.product, metric, facts.at, facts.known_at, entitled, used.units, surplus, shortfall, at_risk, lost.sums,
        unlimited=unlimited,
        shelfware=lost.units,
        sources=facts.sources,
        reasons=(
            *sentences.bought(in_force, facts, metric),
            *used.reasons,
            *sentences.risk(shortfall or ZERO, price, at_risk or Sums(), held),
            *sentences.wasted(lost, unused, facts, per="in the period" if metric is Metric.CONSUMPTION else "a year"),
            *sentences.proof(in_force),
        ),
        lines=tuple(lines),
    )  # fmt: skip


def by_site(facts: Facts, held: Sequence[Purchase], in_force: Sequence[Purchase]) -> Position:
    """Devices of the named sites are covered, however many; others and those at unknown sites are short, one each."""
    named = frozenset(site for one in in_force for site in one.sites if site.strip())
    sites = count.by_site(facts, named)
    outside = Decimal(sites.elsewhere + sites.unknown)
    inside = Decimal(sites.named)
    price = unit_price(facts, Metric.SITE, held)
    at_risk = at_risk_of(outside, price)
    said = ["No site is named: no device is covered"]
    if named:
        where = joined(sorted(named))
        said = [f"{plural(sites.named, 'device')} at the named sites ({where}), covered however many"]
    if sites.elsewhere:
        said.append(f"{plural(sites.elsewhere, 'device')} at other sites, not covered")
    if sites.unknown:
        said.append(f"{plural(sites.unknown, 'device')} at a site nobody knows, not covered")
    if excluded := facts.excluded.get(Metric.SITE, 0):
        said.append(f"{excluded:,} left out by an exclusion in the contract")
    said += [f"{number:,} covered by {suite}" for suite, number in sorted(sites.suites.items())]
    gross = inside + outside + sum(sites.suites.values())
    lines = [Line(f"bought, {one.name}" if one.name else "bought", None, LineKind.BOUGHT, one.id) for one in in_force]
    lines.append(Line("in use", gross, LineKind.IN_USE))
    lines += [
        Line(f"part of {suite}", Decimal(number), LineKind.SUITE) for suite, number in sorted(sites.suites.items())
    ]
    lines.append(Line("at the named sites", inside, LineKind.SITE))
    lines.append(Line("short", outside, LineKind.SHORT) if outside else Line("free", ZERO, LineKind.FREE))
    return Position(
        facts.product, Metric.SITE, facts.at, facts.known_at,
        None if in_force else ZERO, inside + outside, ZERO, outside, at_risk, Sums(),
        unlimited=bool(in_force),
        undecided=sites.undecided,
        stale=sites.stale,
        sources=facts.sources,
        reasons=(
            *([f"Bought by site, {names}" if (names := sentences.called(in_force)) else "Bought by site"]
              if in_force else sentences.bought(in_force, facts, Metric.SITE)),
            *said,
            *sentences.open_ends(sites.undecided, sites.stale),
            *sentences.risk(outside, price, at_risk, held),
            *sentences.proof(in_force),
        ),
        lines=tuple(lines),
    )  # fmt: skip
