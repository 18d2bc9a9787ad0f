"""The reasons of a position, as people read them: one fact a sentence, its number first where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from licensing.money import Sums
from licensing.position.count import Count
from licensing.position.cover import Cover
from licensing.position.facts import Facts, Metric, Purchase
from licensing.position.figure import shown
from licensing.position.versions import Fit, written
from licensing.position.worth import Price, Waste, quantity_unknown
from licensing.words import and_more, day, joined, plural

NAMES_SHOWN = 5
ZERO = Decimal(0)


def units(amount: Decimal | int) -> str:
    return f"{shown(Decimal(amount))} {'unit' if amount == 1 else 'units'}"


def verb(amount: Decimal | int, one: str, more: str) -> str:
    return one if amount == 1 else more


def called(purchases: Iterable[Purchase]) -> str:
    """Their names, as far as they have one."""
    return and_more([purchase.name for purchase in purchases if purchase.name], NAMES_SHOWN)


def bought(in_force: Sequence[Purchase], facts: Facts, metric: Metric) -> list[str]:
    """What the right stands on."""
    if not in_force:
        ended = [one for one in facts.purchases if one.metric is metric and one.ends_on and one.ends_on < facts.at]
        if ended:
            last = max(ended, key=lambda one: (one.ends_on or facts.at, one.id))
            name = last.name or "the last purchase"
            return [f"Nothing bought is in force: {name} ended on {day(last.ends_on or facts.at)}"]
        coming = [one for one in facts.purchases if one.metric is metric and one.starts_on > facts.at]
        if coming:
            first = min(coming, key=lambda one: (one.starts_on, one.id))
            return [f"Nothing bought is in force: {first.name or 'a purchase'} begins on {day(first.starts_on)}"]
        return ["No purchase in force gives a right to it" if facts.purchases else "No purchase is registered"]
    names = called(in_force)
    behind = f": {names}" if names else ""
    unsure = "what is bought in all is not known" if quantity_unknown(in_force) else "no sum holds what it gives"
    missing = sum(one.quantity_missing for one in in_force)
    unknown = [f"{plural(missing, 'purchase')} {verb(missing, 'has', 'have')} no quantity: {unsure}"] if missing else []
    unlimited = [one for one in in_force if one.quantity is None]
    if unlimited:
        name = called(unlimited)
        return [f"Bought without limit{f' in {name}' if name else ''}", *unknown]
    total = sum((one.quantity or Decimal(0) for one in in_force), Decimal(0))
    if unknown and not total:
        return [f"Bought in {plural(len(in_force), 'purchase')}{behind}", *unknown]
    least = "At least " if unknown else ""
    return [f"{least}{units(total)} bought in {plural(len(in_force), 'purchase')}{behind}", *unknown]


def vendor(facts: Facts) -> list[str]:
    """The vendor's figure, marked, and what of it gives no right."""
    if facts.vendor is None:
        return []
    said = [
        f"No purchase is registered: {units(facts.vendor.enabled)} "
        f"{verb(facts.vendor.enabled, 'is', 'are')} enabled by {facts.vendor.source}, not proven"
    ]
    lost = [
        f"{count:,} {word}"
        for count, word in (
            (facts.vendor.warning, "in warning"),
            (facts.vendor.suspended, "suspended"),
            (facts.vendor.locked_out, "locked out"),
        )
        if count
    ]
    if lost:
        said.append(f"{joined(lost)} at {facts.vendor.source} give no right")
    return said


def counted(count: Count, metric: Metric, facts: Facts) -> list[str]:
    """Who or what is counted, and what is left out before licences are looked at."""
    said = []
    if metric is Metric.NAMED_USER:
        said.append(
            f"{plural(count.people, 'person', 'people')} {verb(count.people, 'holds', 'hold')} a seat "
            f"or {verb(count.people, 'uses', 'use')} a device that has it"
        )
        if count.alone:
            said.append(
                f"{plural(count.alone, 'device')} without a person {verb(count.alone, 'counts', 'count')} one each"
            )
    elif metric is Metric.CORE:
        machines = sum(server.count for server in facts.servers if not server.undecided)
        said.append(f"{plural(machines, 'machine')} {verb(machines, 'needs', 'need')} {units(count.gross)} of cores")
    else:
        said.append(f"{plural(count.alone, 'device')} {verb(count.alone, 'has', 'have')} it")
    if excluded := facts.excluded.get(metric, 0):
        said.append(f"{excluded:,} left out by an exclusion in the contract")
    said += [f"{number:,} covered by {suite}" for suite, number in sorted(count.suites.items())]
    said += [
        f"{number:,} of them {verb(number, 'holds', 'hold')} a seat beside {suite}, which includes it"
        for suite, number in sorted(count.beside.items())
    ]
    if count.at_least:
        said.append("At least: machines without facts about cores or processors count their minimum")
    return said


def covering(cover: Cover, count: Count) -> list[str]:
    """Second use, and each right by which one version covers another."""
    said = []
    if uses := cover.second_uses:
        said.append(f"{plural(uses, 'portable device')} {verb(uses, 'is', 'are')} second use")
    for (number, version), amount in sorted(cover.units.items()):
        supply = cover.supplies[number]
        fit, name = supply.fit(version), written(supply.version)
        if fit in (Fit.DOWNGRADE, Fit.UPWARD):
            right = "by downgrade right" if fit is Fit.DOWNGRADE else "while maintenance runs"
            what = f"{units(amount)} of version {name} {verb(amount, 'covers', 'cover')}"
            said.append(f"{what} version {written(version)} {right}")
    if count.unread:
        said.append(
            f"{count.unread:,} {verb(count.unread, 'reports', 'report')} no version that can be read, "
            "any version bought may cover them"
        )
    return said


def open_ends(undecided: int, stale: int) -> list[str]:
    said = []
    if stale:
        said.append(f"{stale:,} {verb(stale, 'counts', 'count')} by a device that is stale: until a person retires it")
    if undecided:
        said.append(f"Up to + {undecided:,} if titles not yet decided on are this product")
    return said


def risk(shortfall: Decimal, price: Price | None, at_risk: Sums, in_force: Sequence[Purchase]) -> list[str]:
    """How the sum at risk came about, and the penalty apart from it."""
    if not shortfall:
        return []
    if price is None:
        said = [f"At risk is unpriced: nothing says what {units(shortfall)} {verb(shortfall, 'costs', 'cost')}"]
    else:
        once, maintenance = price.each[0], price.each[1:]
        each = (
            f"{once} and {joined([str(money) for money in maintenance])} of maintenance" if maintenance else str(once)
        )
        said = [f"At risk: {units(shortfall)} at {each}, {price.words}: {at_risk}"]
        if price.passed_over:
            said.append(
                f"{plural(price.passed_over, 'purchase')} {verb(price.passed_over, 'has', 'have')} no price: "
                "at risk counts the next one that has"
            )
        if price.lacking:
            said.append(f"Not in the sum: {price.lacking}")
    penalties = dict.fromkeys((one.contract or one.name, one.penalty) for one in in_force if one.penalty)
    return said + [
        f"Penalty stated in {name or 'the contract'}, not part of the sum: {words}" for name, words in penalties
    ]


def wasted(
    waste: Waste,
    surplus: Decimal,
    facts: Facts,
    *,
    beside: int = 0,
    idle: Decimal = ZERO,
    leavers: Decimal = ZERO,
    per: str = "a year",
) -> list[str]:
    """Which units are wasted, of which purchases, and what is not in the sum. Units beside a suite are surplus."""
    if not waste.units:
        return []
    since = f" for {plural(facts.idle_after_days, 'day')}" if facts.idle_after_days else ""
    held = min(surplus, Decimal(beside))
    kinds = [
        text
        for amount, text in (
            (surplus - held, f"{shown(surplus - held)} free"),
            (held, f"{shown(held)} held beside a suite that includes it"),
            (idle, f"{shown(idle)} not used{since}"),
            (leavers, f"{shown(leavers)} held by leavers"),
        )
        if amount
    ]
    known = joined([str(money) for money in waste.sums.each()])
    cost = f", {known} {per}" if known else ""
    said = [f"{units(waste.units)} wasted{cost}: {joined(kinds)}"]
    named = [f"{shown(amount)} of {one.name}" for one, amount in waste.taken if one.name]
    if named:
        said.append(f"Taken from what ends first, then the dearest: {and_more(named, NAMES_SHOWN)}")
    if waste.kept:
        bought_once = verb(waste.kept, "was paid once and has", "were paid once and have")
        said.append(f"{units(waste.kept)} of them {bought_once} no maintenance: nothing more to pay")
    if waste.unpriced:
        said.append(f"{units(waste.unpriced)} of them without a known price, not in the sum")
    return said


def proof(in_force: Iterable[Purchase]) -> list[str]:
    lacking = [one for one in in_force if not one.proof]
    if not lacking:
        return []
    amount = sum((one.quantity or Decimal(0) for one in lacking), Decimal(0))
    of = "without limit" if any(one.quantity is None for one in lacking) else units(amount)
    names = called(lacking)
    return [f"{plural(len(lacking), 'purchase')} without proof, {of}{f': {names}' if names else ''}"]
