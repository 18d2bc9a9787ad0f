"""The effective licence position of a product on one day: one position per metric (rules §1).

Pure: facts in, figures and their reasons out. Order of cover: exclusions (out of the facts already), suites, second
use, own version newest first, then downgrade.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.money import Sums
from licensing.position import sentences
from licensing.position.count import Count, cores, devices, metric_seen, named_users
from licensing.position.cover import Cover, Taker, cover
from licensing.position.facts import CoreProfile, Facts, Metric, Purchase, Vendor
from licensing.position.figure import Line, LineKind, Position, VersionLine
from licensing.position.metered import at_risk_of, bought_lines, by_site, concurrent, consumption
from licensing.position.versions import NO_VERSION, Parts, Supply, supplies, whole, written
from licensing.position.worth import Unused, newest, quantity_unknown, unit_price, waste, waste_order, wasted_last
from licensing.words import day

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Proofs:
    """A position with all entitlements and with those only that have proof; a vendor's figure is no proof."""

    everything: Position
    proven: Position


def position(facts: Facts) -> tuple[Position, ...]:
    """One position per metric with a purchase in force; else by the last purchase, or by what is seen of it.

    Before the first record everything is not known, never zero.
    """
    return tuple(_one(facts, metric) for metric in metrics(facts))


def proofs(facts: Facts) -> tuple[Proofs, ...]:
    """Each position as it is, and as it would be if only purchases with proof counted."""
    return tuple(Proofs(_one(facts, metric), _one(facts, metric, proven=True)) for metric in metrics(facts))


def metrics(facts: Facts) -> tuple[Metric, ...]:
    """By which metrics the product is looked at on that day."""
    in_force = {one.metric for one in facts.purchases if one.holds(facts.at)}
    if in_force:
        return tuple(sorted(in_force))
    if facts.purchases:
        ended = [one for one in facts.purchases if one.ends_on is not None and one.ends_on < facts.at]
        if ended:
            return (max(ended, key=lambda one: (one.ends_on or facts.at, one.starts_on, one.id)).metric,)
        return (min(facts.purchases, key=lambda one: (one.starts_on, one.id)).metric,)
    if seen := metric_seen(facts):
        return (seen,)
    return () if _recorded(facts) else (facts.default_metric or Metric.NAMED_USER,)


def _recorded(facts: Facts) -> bool:
    return facts.first_record_on is None or facts.first_record_on <= facts.at


def _one(facts: Facts, metric: Metric, proven: bool = False) -> Position:
    """`proven`: only purchases with proof give a right. Prices and periods are those of all in force either way."""
    if not _recorded(facts) and facts.first_record_on is not None:
        return _not_known(facts, metric, _too_early(facts.first_record_on))
    held = [one for one in facts.purchases if one.metric is metric and one.holds(facts.at)]
    in_force = [one for one in held if one.proof or not proven]
    match metric:
        case Metric.SITE:
            return by_site(facts, held, in_force)
        case Metric.CONCURRENT:
            return concurrent(facts, held, in_force)
        case Metric.CONSUMPTION:
            return consumption(facts, held, in_force)
        case _:
            by_vendor = None if facts.purchases or proven else facts.vendor
            return _by_cover(facts, metric, held, in_force, by_vendor)


def _not_known(facts: Facts, metric: Metric, reason: str) -> Position:
    return Position(
        facts.product, metric, facts.at, facts.known_at, None, None, None, None, None, Sums(),
        sources=facts.sources, reasons=(reason,),
    )  # fmt: skip


def _by_cover(
    facts: Facts, metric: Metric, held: Sequence[Purchase], in_force: Sequence[Purchase], by_vendor: Vendor | None
) -> Position:
    """Named users, devices and packs of cores: what is needed is laid against what is bought, version by version.

    `by_vendor` is the vendor's figure where nothing is registered.
    """
    offered = supplies(in_force, facts.at)
    if by_vendor is not None:
        offered = (Supply((), by_vendor.enabled),)
    count = _count(facts, metric, held, offered)
    covered = cover(
        offered,
        count.takers,
        second_use=metric is Metric.DEVICE,
        places=wasted_last(in_force, metric, facts.at) if len(offered) > 1 else None,
    )
    needed = Decimal(sum(covered.needed.values()))
    unlimited = any(supply.units is None for supply in offered)
    unknown = quantity_unknown(in_force)
    entitled = None if unlimited or unknown else Decimal(sum(supply.units or 0 for supply in offered))
    surplus = None if unknown else Decimal(sum(covered.spare(place) for place in range(len(offered))))
    shortfall = None if unknown else Decimal(sum(covered.short(version) for version in covered.needed))

    price = unit_price(facts, metric, held)
    at_risk = None if shortfall is None else at_risk_of(shortfall, price)
    unused, taken = _unused(covered, count, metric, facts.at)
    lost = waste([] if unknown else unused, metric, facts.at)

    reasons = [
        *(sentences.vendor(facts) if by_vendor else sentences.bought(in_force, facts, metric)),
        *sentences.counted(count, metric, facts),
        *sentences.covering(covered, count),
        *sentences.open_ends(count.undecided, count.stale),
        *([] if unknown else _by_version_in_words(covered)),
        *sentences.risk(shortfall or ZERO, price, at_risk or Sums(), held),
        *sentences.wasted(
            lost,
            surplus or ZERO,
            facts,
            beside=sum(count.beside.values()) if metric is Metric.NAMED_USER else 0,
            idle=taken["idle"],
            leavers=taken["leaver"],
        ),
        *sentences.proof(in_force),
        *_against_vendor(facts, entitled, needed),
    ]
    return Position(
        facts.product,
        metric,
        facts.at,
        facts.known_at,
        entitled,
        needed,
        surplus,
        shortfall,
        at_risk,
        lost.sums,
        unlimited=unlimited,
        at_least=count.at_least,
        undecided=count.undecided,
        shelfware=lost.units,
        not_proven=Decimal(by_vendor.enabled) if by_vendor else ZERO,
        stale=count.stale,
        sources=facts.sources,
        reasons=tuple(reasons),
        versions=() if unknown else _by_version(covered),
        lines=_lines(facts, metric, in_force, by_vendor, count, covered, surplus, shortfall),
    )


def _count(facts: Facts, metric: Metric, held: Iterable[Purchase], offered: Sequence[Supply]) -> Count:
    if metric is Metric.NAMED_USER:
        count = named_users(facts, offered)
        vendor = facts.vendor
        if not facts.purchases and not facts.users and vendor is not None and vendor.consumed:
            # the vendor says that seats are given and nobody has read to whom: used, by people we do not know
            return Count(people=vendor.consumed, takers=_unnamed(vendor.consumed))
        return count
    if metric is Metric.DEVICE:
        return devices(facts, offered)
    return cores(facts, _profile(facts, held), offered)


def _unnamed(count: int) -> tuple[Taker, ...]:
    return (Taker(count, (((), False),)),)


def _profile(facts: Facts, held: Iterable[Purchase]) -> CoreProfile:
    """Of the newest purchase in force that states one, else of the newest at all."""
    ever = [one for one in facts.purchases if one.metric is Metric.CORE]
    stated = [one.cores for one in [*newest(held), *newest(ever)] if one.cores is not None]
    return stated[0] if stated else CoreProfile()


def _unused(covered: Cover, count: Count, metric: Metric, at: date) -> tuple[list[Unused], dict[str, Decimal]]:
    """Units nobody needs and units taken by the idle and by leavers, by version bought, each once.

    Where more is used than bought, those who waste a unit are counted among the covered: their units could be taken
    back first. Of several licences that cover them it is the unit that ends first, then the dearest.
    """
    wasting: dict[tuple[str, Parts], int] = {}
    for number, taker in enumerate(count.takers):
        if taker.wasting:
            for version in {version for version, _ in taker.devices}:
                units = taker.count * sum(used == version for used, _ in taker.devices)
                units -= covered.second.get((number, version), 0)
                key = (taker.wasting, version)
                wasting[key] = wasting.get(key, 0) + units
    bought: dict[Parts, tuple[Purchase, ...]] = {}
    unused: dict[Parts, int] = {}
    for number, supply in enumerate(covered.supplies):
        bought[supply.version] = bought.get(supply.version, ()) + supply.purchases
        unused[supply.version] = unused.get(supply.version, 0) + covered.spare(number)
    taken = {"idle": ZERO, "leaver": ZERO}
    flows = {key: flow for key, flow in sorted(covered.units.items()) if not covered.costs_nothing_more(key[0])}
    for number, most in _taken_back(covered, unused, metric, at) if wasting else ():
        room = most
        for (which, version), flow in flows.items():
            for why in ("leaver", "idle") if which == number else ():
                some = min(room, flow, wasting.get((why, version), 0))
                if some:
                    wasting[why, version] -= some
                    flow -= some
                    room -= some
                    unused[covered.supplies[number].version] += some
                    taken[why] += some
            flows[which, version] = flow
    return [Unused(Decimal(units), bought[version]) for version, units in unused.items() if units], taken


def _taken_back(covered: Cover, spare: Mapping[Parts, int], metric: Metric, at: date) -> list[tuple[int, int]]:
    """Supplies, with the units in use of each of their purchases, in the order of waste; then with all they have."""
    free = {version: Decimal(units) for version, units in spare.items()}
    found = []
    whose = [(one, number) for number, supply in enumerate(covered.supplies) for one in supply.purchases]
    for one, number in sorted(whose, key=lambda pair: waste_order(pair[0], metric, at)):
        version, quantity = covered.supplies[number].version, one.quantity or ZERO
        gone = min(free[version], quantity)
        free[version] -= gone
        found.append((number, whole(quantity - gone)))
    return found + [(number, supply.units or 0) for number, supply in enumerate(covered.supplies)]


def _by_version(covered: Cover) -> tuple[VersionLine, ...]:
    """Each version bought or used apart, newest first; nothing where versions play no part."""
    versions = {supply.version for supply in covered.supplies} | set(covered.needed)
    if versions <= {()}:
        return ()
    lines = []
    for version in sorted(versions, reverse=True):
        own = [place for place, supply in enumerate(covered.supplies) if supply.version == version]
        bought = [covered.supplies[place].units for place in own]
        lines.append(
            VersionLine(
                written(version) or NO_VERSION,
                None if None in bought else Decimal(sum(units or 0 for units in bought)),
                Decimal(covered.needed.get(version, 0)),
                Decimal(sum(covered.spare(place) for place in own)),
                Decimal(covered.short(version)),
            )
        )
    return tuple(lines)


def _by_version_in_words(covered: Cover) -> list[str]:
    """Surplus of one version beside shortfall of another, where both exist: neither nets the other."""
    lines = _by_version(covered)
    spare = [f"{int(line.surplus):,} of {_version(line)} free" for line in lines if line.surplus]
    short = [f"{int(line.shortfall):,} of {_version(line)} short" for line in lines if line.shortfall]
    return [", ".join([*short, *spare])] if lines and short else []


def _version(line: VersionLine) -> str:
    return f"version {line.version}" if line.version else "no stated version"


def _against_vendor(facts: Facts, entitled: Decimal | None, needed: Decimal) -> list[str]:
    """Over-allocation as the vendor shows it, and a vendor's figure that is not what is registered."""
    vendor = facts.vendor
    if vendor is None:
        return []
    said = []
    if vendor.consumed is not None and vendor.consumed > vendor.enabled:
        said.append(f"Over-allocated at {vendor.source}: {vendor.consumed:,} given, {vendor.enabled:,} enabled")
    if facts.purchases and entitled is not None and entitled != vendor.enabled:
        said.append(f"{vendor.source} has {vendor.enabled:,} enabled, {int(entitled):,} are registered")
    if vendor.consumed is not None and vendor.consumed != needed and facts.users:
        said.append(f"{vendor.source} counts {vendor.consumed:,} given")
    return said


def _lines(
    facts: Facts,
    metric: Metric,
    in_force: Sequence[Purchase],
    by_vendor: Vendor | None,
    count: Count,
    covered: Cover,
    surplus: Decimal | None,
    shortfall: Decimal | None,
) -> tuple[Line, ...]:
    """The sum, line by line: bought − in use + part of suites + second use = free, or short."""
    lines = bought_lines(in_force)
    if by_vendor is not None:
        lines.append(Line(f"enabled by {by_vendor.source}", Decimal(by_vendor.enabled), LineKind.VENDOR))
    lines.append(Line("in use", Decimal(count.gross), LineKind.IN_USE))
    lines += [
        Line(f"part of {suite}", Decimal(number), LineKind.SUITE) for suite, number in sorted(count.suites.items())
    ]
    if covered.second_uses:
        lines.append(Line("second use", Decimal(covered.second_uses), LineKind.SECOND_USE))
    if excluded := facts.excluded.get(metric, 0):
        lines.append(Line("excluded", Decimal(excluded), LineKind.EXCLUDED))
    if surplus is not None and (surplus or not shortfall):
        lines.append(Line("free", surplus, LineKind.FREE))
    if shortfall:
        lines.append(Line("short", shortfall, LineKind.SHORT))
    return tuple(lines)


def _too_early(first: date) -> str:
    if first == date.max:
        return "Not known: nothing was recorded by then"
    return f"Not known: the first record is of {day(first)}"
