"""What is consumed, metric by metric (rules §1, "Consumed"), before licences are laid against it.

Exclusions are out of the facts already; what a suite covers is set aside here. Nobody counts twice: a person counts
once whatever they hold, a device once whoever uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from licensing.position.cover import Taker
from licensing.position.facts import CoreProfile, Facts, Installed, Metric, Server, Users
from licensing.position.versions import Parts, Supply, label, parts


@dataclass(frozen=True, slots=True)
class Count:
    """Users of a product by one metric.

    `suites` are those a suite covers; `takers` the rest, each needing units of the product itself. `people` and
    `alone` (devices without a person) are the gross count, suites included. `beside` hold a seat though a suite covers
    them. `undecided` more would count if titles nobody has decided on were this product. `stale` count only because a
    device has not reported that nobody retired. `unread` report no version that can be read.
    """

    people: int = 0
    alone: int = 0
    suites: dict[str, int] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
    takers: tuple[Taker, ...] = ()
    undecided: int = 0
    stale: int = 0
    unread: int = 0
    at_least: bool = False

    @property
    def gross(self) -> int:
        return self.people + self.alone

    @property
    def needed(self) -> int:
        """Units the takers need, second use not yet looked at."""
        return sum(taker.count * len(taker.devices) for taker in self.takers)


def named_users(facts: Facts, offered: Sequence[Supply]) -> Count:
    """People who hold a seat or are the person of a device that has the product, each once; a device alone is one.

    A seat has no version: a person uses the newest of their devices'.
    """

    def uses(group: Users) -> list[list[Installed]]:
        if not group.person:
            return [[device] for device in group.devices] or ([[]] if group.seat else [])
        return [list(group.devices)] if group.seat or group.devices else []

    return _counted(facts, offered, uses, people=True)


def devices(facts: Facts, offered: Sequence[Supply]) -> Count:
    """Devices that have the product, each once, whoever uses them; a seat given to a device is such a device."""

    def uses(group: Users) -> list[list[Installed]]:
        if not group.person and group.seat and not group.devices:
            return [[Installed()]]
        return [[device] for device in group.devices]

    return _counted(facts, offered, uses, people=False)


def _counted(
    facts: Facts, offered: Sequence[Supply], uses: Callable[[Users], list[list[Installed]]], *, people: bool
) -> Count:
    """Sums up the groups; each entry of `uses` is a unit with the devices it stands for."""
    found = {"people": 0, "alone": 0, "undecided": 0, "stale": 0, "unread": 0}
    suites: dict[str, int] = {}
    beside: dict[str, int] = {}
    takers: list[Taker] = []
    versions_matter = any(supply.version for supply in offered)
    for group in facts.users:
        known = _decided(group)
        units = uses(known)
        number = group.count * len(units)
        if known is not group and not group.suite:
            found["undecided"] += group.count * len(uses(group)) - number
        if not number:
            continue
        found["people" if people and group.person else "alone"] += number
        if group.suite:
            suites[group.suite] = suites.get(group.suite, 0) + number
            if group.seat:
                beside[group.suite] = beside.get(group.suite, 0) + group.count
            continue
        taken = tuple((_newest(unit, offered), bool(unit) and unit[0].portable) for unit in units)
        wasting = "leaver" if group.leaver else "idle" if group.idle else ""
        takers.append(Taker(group.count, taken, wasting, group.person))
        found["stale"] += group.count * sum(_stale(unit, group.seat and people) for unit in units)
        if versions_matter:
            found["unread"] += group.count * sum(
                bool(unit) and not version for unit, (version, _) in zip(units, taken, strict=True)
            )
    # those who use it first: where a right to a second device does not reach all, theirs are the ones to leave
    takers.sort(key=lambda taker: (taker.wasting, not taker.person, taker.devices, taker.count))
    return Count(
        found["people"],
        found["alone"],
        suites,
        beside,
        tuple(takers),
        found["undecided"],
        found["stale"],
        found["unread"],
    )


def _decided(group: Users) -> Users:
    """The group without what nobody has decided on; itself where all is decided, as nearly always."""
    if group.undecided:
        return replace(group, seat=False, devices=())
    if not any(device.undecided for device in group.devices):
        return group
    return replace(group, devices=tuple(device for device in group.devices if not device.undecided))


def _newest(unit: Sequence[Installed], offered: Sequence[Supply]) -> Parts:
    return label(max((parts(device.version) for device in unit), default=()), offered)


def _stale(unit: Sequence[Installed], seat: bool) -> bool:
    """Whether the unit stands on devices alone and all of them are stale."""
    return not seat and bool(unit) and all(device.stale for device in unit)


def cores(facts: Facts, profile: CoreProfile, offered: Sequence[Supply]) -> Count:
    """Packs of cores: per machine the larger of its cores and the minimum, rounded up to whole packs.

    A machine without facts counts its minimum, at least one core, and the figure is "at least". All its packs are of
    the newest version on it.
    """
    machines = stale = undecided = unread = 0
    versions_matter = any(supply.version for supply in offered)
    at_least = False
    suites: dict[str, int] = {}
    takers: list[Taker] = []
    for server in facts.servers:
        counted, known = core_count(server, profile)
        packs = -(-counted // max(1, profile.pack))
        if server.undecided:
            undecided += 0 if server.suite else server.count * packs
            continue
        machines += server.count * packs
        if server.suite:
            suites[server.suite] = suites.get(server.suite, 0) + server.count * packs
            continue
        at_least = at_least or (not known and server.count > 0)
        stale += server.count if server.stale else 0
        version = label(parts(server.version), offered)
        unread += server.count if versions_matter and not version else 0
        takers.append(Taker(server.count, ((version, False),) * packs, person=False))
    return Count(
        alone=machines,
        suites=suites,
        takers=tuple(takers),
        undecided=undecided,
        stale=stale,
        unread=unread,
        at_least=at_least,
    )


def core_count(server: Server, profile: CoreProfile) -> tuple[int, bool]:
    """Cores of one machine that count, and whether every fact that could raise them is known."""
    if server.virtual:
        return max(server.cores or 0, profile.per_virtual, 1), server.cores is not None
    processors = 1 if server.processors is None else server.processors
    counted = max(server.cores or 0, processors * profile.per_processor, profile.per_server, 1)
    missing = server.cores is None or (server.processors is None and profile.per_processor > 0)
    return counted, not missing


@dataclass(frozen=True, slots=True)
class Sites:
    """Devices of a product bought by site."""

    named: int
    elsewhere: int
    unknown: int
    suites: dict[str, int] = field(default_factory=dict)
    undecided: int = 0
    stale: int = 0


def by_site(facts: Facts, named: frozenset[str]) -> Sites:
    """Devices at the named sites, at others, and where nobody knows; those a suite covers are in none of the three."""
    wanted = {_site(site) for site in named}
    inside = outside = unknown = undecided = stale = 0
    suites: dict[str, int] = {}
    for group in facts.users:
        for device in group.devices:
            site = _site(device.site)
            open_title = group.undecided or device.undecided
            if group.suite:
                suites[group.suite] = suites.get(group.suite, 0) + (0 if open_title else group.count)
                continue
            if open_title:
                undecided += group.count
                continue
            stale += group.count if device.stale else 0
            if not site:
                unknown += group.count
            elif site in wanted:
                inside += group.count
            else:
                outside += group.count
    return Sites(inside, outside, unknown, suites, undecided, stale)


def _site(name: str) -> str:
    return " ".join(name.split()).casefold()


def metric_seen(facts: Facts) -> Metric | None:
    """How a product is counted that nobody bought: by its own rule, else by what is seen of it; None if nothing is."""
    seats = any(group.seat for group in facts.users)
    seen = (
        Metric.NAMED_USER if seats or facts.vendor else None,
        Metric.CORE if facts.servers else None,
        Metric.DEVICE if facts.users or facts.excluded else None,
        Metric.CONCURRENT if facts.sessions else None,
        Metric.CONSUMPTION if facts.readings else None,
    )
    found = next((metric for metric in seen if metric), None)
    return (facts.default_metric or found) if found else None
